/* SPDX-License-Identifier: MIT */
/*
 * copy: the copy kernels, ways of moving payload bytes between buffers; one table row each.
 *
 *   memcpy       the C library's, which has thresholds of its own
 *   rep          rep movsb, the microcode's
 *   avx          32-byte loads and stores, four at a time
 *   nontemporal  stores that go past the cache, with a fence before they are announced:
 *                they need not first fetch lines that the other CPU has read
 */
#ifndef IPM_MECHANISMS_COPY_H
#define IPM_MECHANISMS_COPY_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { IPM_COPY_KERNELS = 4 };

struct ipm_copy {
    const char *name;
    /* Copies @length bytes; a store that the caller makes afterwards is seen after them. */
    void (*copy)(void *to, const void *from, size_t length);
};

extern const struct ipm_copy ipm_copies[IPM_COPY_KERNELS]; /* the first: everywhere */

/* 0; -EOPNOTSUPP when this CPU or this build does not have it, with the reason. */
int ipm_copy_check(int kernel, struct ipm_why *why);

/*
 * Which kernel is the fastest between two processes cannot be known from one of them: it
 * depends on where the other runs and what it does with the lines.  So the sender tries
 * them on its first large messages, in blocks by turns, and takes the time from block to
 * block - its own copying, the receiver's, and the wait for it - as the figure; the least of
 * a kernel's blocks counts.
 */
struct ipm_copy_choice {
    bool open;        /* still trying */
    int kernel;       /* index into ipm_copies: in use, or being tried */
    uint32_t left;    /* messages of the block under way */
    uint32_t blocks;  /* blocks done */
    int64_t begun_ns; /* of the block under way; 0: none */
    int64_t
        best_ns[IPM_COPY_KERNELS]; /* per message of a block; INT64_MAX: not tried */
};

void ipm_copy_choice_init(struct ipm_copy_choice *choice);

/* Cold, before each message while open: moves on to the next kernel when it is time. */
void ipm_copy_choice_step(struct ipm_copy_choice *choice, size_t length);

/* At most 64 bytes, inlined: by overlapping loads of one size class, no loop. */
static inline void ipm_copy_small(void *to, const void *from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (length >= 32) {
        unsigned char head[32], tail[32];
        memcpy(head, f, 32);
        memcpy(tail, f + length - 32, 32);
        memcpy(t, head, 32);
        memcpy(t + length - 32, tail, 32);
    } else if (length >= 16) {
        unsigned char head[16], tail[16];
        memcpy(head, f, 16);
        memcpy(tail, f + length - 16, 16);
        memcpy(t, head, 16);
        memcpy(t + length - 16, tail, 16);
    } else if (length >= 8) {
        uint64_t head, tail;
        memcpy(&head, f, 8);
        memcpy(&tail, f + length - 8, 8);
        memcpy(t, &head, 8);
        memcpy(t + length - 8, &tail, 8);
    } else if (length >= 4) {
        uint32_t head, tail;
        memcpy(&head, f, 4);
        memcpy(&tail, f + length - 4, 4);
        memcpy(t, &head, 4);
        memcpy(t + length - 4, &tail, 4);
    } else if (length > 0) {
        t[0] = f[0];
        t[length / 2] = f[length / 2];
        t[length - 1] = f[length - 1];
    }
}

#endif
