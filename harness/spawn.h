/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spawn: run a worker - text in, text out - and sleep until it is done.
 *
 * The caller sleeps in poll(2) without a timer of its own (unless it asks for a deadline):
 * nothing of the driver runs while a worker measures.
 */
#ifndef IPM_HARNESS_SPAWN_H
#define IPM_HARNESS_SPAWN_H

#include "base/why.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* Conditions; the child and its process group are gone then. */
enum {
    IPM_SPAWN_INTERRUPTED = 1,
    IPM_SPAWN_TIMED_OUT = 2,
};

struct ipm_spawn {
    const char *const *argv; /* argv[0] is the file to execute; NULL-terminated */
    const char *input;       /* the whole of its stdin; NULL: empty */
    size_t input_length;     /* bytes */
    size_t output_limit;     /* bytes of stdout accepted */
    int64_t deadline_ns;     /* absolute CLOCK_MONOTONIC, or IPM_FOREVER */
    /* Set by the caller's handler of SIGINT, SIGTERM or SIGHUP, which are let in only while
     * sleeping, so that none is lost between a look and the sleep.  NULL: none. */
    const volatile sig_atomic_t *interrupted;
};

/**
 * ipm_spawn_worker() - execute a program to its end, no shell involved
 * @out_text:   its stdout, NUL-terminated; the caller frees it
 * @out_length: bytes of it
 * @out_status: as waitpid() fills it: a program that fails is not an error here
 *
 * stdin is a sealed file in memory, so that a program that does not read it stops nobody;
 * stderr is the caller's.  The program leads a process group of its own, which is killed
 * when it ends, and dies with the thread that called.
 *
 * Return: 0; IPM_SPAWN_INTERRUPTED; IPM_SPAWN_TIMED_OUT; -EFBIG more than output_limit
 *         bytes came; -errno, that of exec included.
 */
int ipm_spawn_worker(const struct ipm_spawn *spawn, char **out_text, size_t *out_length,
                     int *out_status, struct ipm_why *why);

#endif
