/* SPDX-License-Identifier: MIT */
/*
 * calls: what a system call is called and what it says about bytes, and the sums over many.
 */
#ifndef IPM_WORKER_CALLS_H
#define IPM_WORKER_CALLS_H

#include <stdbool.h>
#include <stdint.h>

enum ipm_call_bytes {
    IPM_BYTES_NONE,   /* no payload passes through it */
    IPM_BYTES_COPIED, /* it copies between user memory and the kernel, or between tasks */
    IPM_BYTES_SPLICED, /* it hands over pages without copying */
    IPM_BYTES_HIDDEN,  /* it may move payload, and its result does not say how much */
};

struct ipm_call {
    long number;      /* SYS_... of this architecture */
    const char *name; /* [a-z0-9_]+, at most IPM_CALL_NAME - 1 characters */
    enum ipm_call_bytes bytes;
    bool by_argument; /* succeeds with 0, and its third argument is the length */
};

enum { IPM_CALL_NAME = 24, IPM_CALL_NUMBERS = 512 };

/* What is known of a call; NULL: not in the table, no payload passes through it. */
const struct ipm_call *ipm_call_find(long number);

/* Its name, or "number_N". */
const char *ipm_call_name(long number, char text[IPM_CALL_NAME]);

/**
 * ipm_call_moved() - bytes that one finished call moved
 * @length: its third argument
 * @result: as the kernel returned it: < 0 is -errno
 *
 * Return: bytes, >= 0; 0 for calls without payload and for failed ones.
 */
uint64_t ipm_call_moved(const struct ipm_call *call, uint64_t length, int64_t result);

/* Did it come back because there was nothing to do yet, or nobody to give way to: EAGAIN,
 * ETIMEDOUT, ENOMSG, EINTR and the kernel's own restarts; sched_yield() always? */
bool ipm_call_in_vain(long number, int64_t result);

/* Sums over the calls of one process.  Written by one process, read by another. */
struct ipm_calls {
    uint64_t calls;   /* entered */
    uint64_t in_vain; /* of them, ipm_call_in_vain() */
    uint64_t copied;  /* bytes */
    uint64_t spliced; /* bytes */
    uint64_t hidden;  /* calls that may have moved bytes that nobody can see */
    uint64_t
        by_number[IPM_CALL_NUMBERS]; /* entered; larger numbers are in @calls only */
};

/* A call was entered. */
void ipm_calls_enter(struct ipm_calls *calls, long number);
/* The same call returned. */
void ipm_calls_leave(struct ipm_calls *calls, long number, uint64_t length,
                     int64_t result);
/* The @nth most frequent number, 0 the most frequent; of equals the lower comes first.
 * < 0: there are no so many. */
long ipm_calls_rank(const struct ipm_calls *calls, int nth);

#endif
