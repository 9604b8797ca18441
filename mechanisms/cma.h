/* SPDX-License-Identifier: MIT */
/*
 * cma: what cma_read and cma_write have in common ("cross memory attach").
 *
 * One side, the EXPOSER, has private memory of `tokens` slots and says where it lies; the
 * other, the MOVER, copies messages from or to these slots by process_vm_readv() or
 * process_vm_writev(): one copy, made by the kernel, between two address spaces.  Tokens
 * (mechanisms/token_ring.h) say what is there and what was given back.
 *
 * The mover asks for nothing but slots inside the area that join() was told of: address and
 * size are read once, there.  A pid may be used again after its owner's death; the roles
 * live in a pid namespace of their own, and the leader ends them together.
 */
#ifndef IPM_MECHANISMS_CMA_H
#define IPM_MECHANISMS_CMA_H

#include "mechanisms/token_ring.h"

#include <sys/types.h>
#include <sys/uio.h>

enum {
    IPM_CMA_LARGEST_MESSAGE = 1 << 30, /* bytes; one call moves less than 2 GiB */
    IPM_CMA_SPAN = 16,                 /* messages moved by one system call at most */
};

struct ipm_cma_options {
    int64_t spin_ns; /* spin_then_block: how long to spin */
};

extern const struct ipm_option ipm_cma_option_rows[];

enum ipm_cma_direction { IPM_CMA_READ, IPM_CMA_WRITE };

struct ipm_cma_channel {
    struct ipm_token_ring_channel tokens;
    uint64_t stride;          /* bytes from slot to slot */
    int spill_plus_one;       /* cma_read: memory for what a sender leaves behind */
    _Atomic uint32_t spilled; /* 1: the sender is gone, its messages are there */
    int64_t pid;              /* of the exposer, as its siblings see it; 0: unknown */
    uint64_t base;            /* of its slots, in its address space */
};

struct ipm_cma_endpoint {
    struct ipm_token_ring tokens;
    struct ipm_cma_channel *channel;
    unsigned char *memory; /* exposer: the slots; mover: room for one message */
    size_t mapped;         /* bytes of it */
    size_t stride;         /* bytes */
    size_t max_message;    /* bytes */
    size_t reserved;       /* sender: length of the messages last lent */
    bool exposes;
    bool peeked; /* cma_read's receiver: its room holds the next message */
    pid_t peer;  /* mover's: the exposer, and its slots */
    uint64_t peer_base;
    struct ipm_region spill; /* cma_read */
    struct ipm_endpoint_stats stats;
};

/* Can a process of this user be reached at all, and by us? */
int ipm_cma_probe(struct ipm_why *why);

int ipm_cma_create(struct ipm_channel *channel, struct ipm_why *why);
int ipm_cma_attach(struct ipm_endpoint *endpoint, enum ipm_side exposer,
                   struct ipm_why *why);
/* Moves one word for a trial; -EOPNOTSUPP when the peer's memory is out of reach. */
int ipm_cma_join(struct ipm_endpoint *endpoint, enum ipm_cma_direction direction,
                 struct ipm_why *why);
/* Gives the memory back, and the address range only with the process's end: a peer that has
 * not noticed yet must not write to what comes to lie there next. */
void ipm_cma_detach(struct ipm_endpoint *endpoint);

/**
 * ipm_cma_move() - copy the next @n messages from or to their slots, by one system call
 * @spans: the mover's memory; the lengths are those of the messages
 * @n:     in [1, IPM_CMA_SPAN], together at most IPM_CMA_LARGEST_MESSAGE bytes
 *
 * Return: 0; IPM_CLOSED the peer is dead or has detached; -errno.
 */
int ipm_cma_move(const struct ipm_cma_endpoint *own, enum ipm_cma_direction direction,
                 const struct ipm_span *spans, size_t n);

/* Exposer: memory of the message @ahead of the next. */
static inline unsigned char *ipm_cma_slot(const struct ipm_cma_endpoint *own,
                                          uint64_t ahead)
{
    return own->memory + ipm_token_ring_slot(&own->tokens, ahead) * own->stride;
}

void ipm_cma_stats(const struct ipm_endpoint *endpoint,
                   struct ipm_endpoint_stats *out_stats);

#define IPM_CMA_WAITS                                                                  \
    (IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |                      \
     IPM_WAIT_BIT(IPM_WAIT_BLOCK) | IPM_WAIT_BIT(IPM_WAIT_SPIN_THEN_BLOCK))

/* One copy and one system call per message; a span of messages shares the call. */
#define IPM_CMA_FACTS(k)                                                               \
    {                                                                                  \
        .copies = (k), .syncs = 2, .system_calls = 1, .wakeups = 1                     \
    }

#endif
