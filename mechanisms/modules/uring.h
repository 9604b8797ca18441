/* SPDX-License-Identifier: MIT */
/*
 * uring: what the mechanisms over io_uring have in common: rings, their options, and words
 * for why there is none.
 *
 * A ring belongs to the role that opens it, in attach(): only that thread submits to it.
 */
#ifndef IPM_MECHANISMS_MODULES_URING_H
#define IPM_MECHANISMS_MODULES_URING_H

#include "base/option.h"
#include "mechanisms/mechanism.h"

#include <liburing.h>

/* How a ring is driven; the option `setup`. */
enum ipm_uring_setup {
    /* Completions are made when this side enters the kernel to wait for them. */
    IPM_URING_DEFERRED,
    /* They are made when it enters the kernel for whatever reason; no interrupt. */
    IPM_URING_COOPERATIVE,
    /* It is interrupted to make them, wherever it is. */
    IPM_URING_PLAIN,
    /* A kernel thread takes submissions and makes completions.  It wants a CPU of its own:
     * where there is none it takes one of the pair's. */
    IPM_URING_POLLED,
};

struct ipm_uring_options {
    int64_t setup;    /* enum ipm_uring_setup */
    int64_t poll_cpu; /* of the polling thread; -1: wherever the kernel puts it */
};

extern const char *const ipm_uring_setups[];

enum { IPM_URING_LARGEST_CPU = 65535 };

/* Rows of an option table; @initial is one of ipm_uring_setups. */
/* clang-format off */
#define IPM_URING_OPTION_ROWS(structure, member, initial)                              \
    {.name = "setup",                                                                  \
     .type = IPM_OPTION_CHOICE,                                                        \
     .offset = IPM_OPTION_FIELD(structure, member.setup),                              \
     .fallback = (initial),                                                            \
     .choices = ipm_uring_setups,                                                      \
     .unit = "",                                                                       \
     .help = "who makes completions: the side when it waits (deferred) or enters "     \
             "the kernel (cooperative), an interrupt (plain), a kernel thread per "    \
             "side that also takes submissions (polled)"},                             \
    {.name = "poll_cpu",                                                               \
     .type = IPM_OPTION_INTEGER,                                                       \
     .offset = IPM_OPTION_FIELD(structure, member.poll_cpu),                           \
     .fallback = "-1",                                                                 \
     .min = -1,                                                                        \
     .max = IPM_URING_LARGEST_CPU,                                                     \
     .unit = "",                                                                       \
     .help = "CPU of the kernel threads of setup polled; -1: any, also the pair's"}
/* clang-format on */

/* For create(): two polling threads beside two sides that spin want a CPU each; where there
 * are fewer, time slices would be measured: -EOPNOTSUPP. */
int ipm_uring_suits(const struct ipm_channel_config *config,
                    const struct ipm_uring_options *options, struct ipm_why *why);

/**
 * ipm_uring_open() - a ring for this thread
 * @submissions, @completions: room; the kernel rounds up to a power of two
 *
 * Return: 0, and io_uring_queue_exit() undoes it; -EOPNOTSUPP this kernel does not know
 *         the setup; -errno of io_uring_setup() or mmap().
 */
int ipm_uring_open(struct io_uring *ring, unsigned submissions, unsigned completions,
                   const struct ipm_uring_options *options, struct ipm_why *why);

/**
 * ipm_uring_push() - a place for one more submission
 *
 * Waits for a polling thread that is behind.  NULL: the kernel takes none, *@out_error
 * says why.
 */
struct io_uring_sqe *ipm_uring_push(struct io_uring *ring, int *out_error);

/**
 * ipm_uring_enter() - hand over what was pushed, and wait for completions
 * @n: of them; 0: do not wait
 *
 * Return: 0, also when a signal came first; -errno.
 */
int ipm_uring_enter(struct io_uring *ring, unsigned n);

extern const struct ipm_mechanism ipm_uring_pipe, ipm_uring_unix, ipm_uring_msgring;

#endif
