/* SPDX-License-Identifier: MIT */
/*
 * exercise: loops that are known to move a counter, for one that read 0 in a window.
 *
 * A counter may open, run and count nothing: emulated PMUs take events that they do not
 * have.  What stays 0 on its loop is stuck; what moves did count, and its 0 is a real one.
 */
#ifndef IPM_WORKER_EXERCISE_H
#define IPM_WORKER_EXERCISE_H

/* Bits.  Each works as a user and, by system calls, in the kernel; CODE as a user only: no
 * call makes the kernel's own code miss its TLB. */
enum {
    IPM_EXERCISE_SPIN = 1,   /* instructions and cycles */
    IPM_EXERCISE_LOADS = 2,  /* loads from more pages than any TLB holds */
    IPM_EXERCISE_STORES = 4, /* the same, stores */
    IPM_EXERCISE_CODE = 8,   /* calls into as many pages */
    /* loads from twice the last level of cache, 64 MiB at least */
    IPM_EXERCISE_MEMORY = 16,
    IPM_EXERCISE_ALL = 31,
};

/* Runs the loops of @wanted in the calling task: up to some 100 ms, up to 256 MiB.  Return:
 * those that could run. */
unsigned ipm_exercise(unsigned wanted);

#endif
