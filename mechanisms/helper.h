/* SPDX-License-Identifier: MIT */
/*
 * helper: the process that a broker's channel needs, as the worker and the conformance
 * suite run it.
 *
 * Life cycle: start (after create(), before any role is forked) -> stop (before destroy()).
 * It has no input; its output and its error messages go into one pipe that is read until it
 * is ready and never again: a helper that fills it afterwards blocks.  It dies with the
 * process that started it.
 */
#ifndef IPM_MECHANISMS_HELPER_H
#define IPM_MECHANISMS_HELPER_H

#include "mechanisms/mechanism.h"

#include <sched.h>
#include <sys/types.h>

enum { IPM_HELPER_NAME = 40 };

struct ipm_helper_process {
    pid_t pid; /* 0: none runs */
    int pidfd_plus_one;
    int output_plus_one;
    char name[IPM_HELPER_NAME]; /* of the program */
};

/**
 * ipm_helper_find() - is a helper's program installed?
 * @program: looked up in PATH, as the start does
 * @package: to be named when it is not there
 *
 * For probe().  Return: 0; -EOPNOTSUPP with "install PACKAGE: ...".
 */
int ipm_helper_find(const char *program, const char *package, struct ipm_why *why);

/**
 * ipm_helper_start() - start a channel's helper and wait until it is ready
 * @cpus:        it may run on these; NULL: wherever the caller may
 * @deadline_ns: absolute CLOCK_MONOTONIC, for its being ready
 *
 * Does nothing for a mechanism without IPM_CAP_BROKER.  On failure nothing is left running.
 *
 * Return: 0; -EOPNOTSUPP it is not installed; -ECHILD it ended before it was ready, its last
 *         words in @why; -ETIMEDOUT it never was; -errno.
 */
int ipm_helper_start(struct ipm_helper_process *process,
                     const struct ipm_channel *channel, const cpu_set_t *cpus,
                     int64_t deadline_ns, struct ipm_why *why);

/* Asks it to end (SIGTERM: brokers remove their files then), kills it when it does not
 * within a second, and reaps it.  Idempotent; accepts zeroes. */
void ipm_helper_stop(struct ipm_helper_process *process);

/* In a process forked after the start: closes what it inherited; the helper lives on. */
void ipm_helper_forget(struct ipm_helper_process *process);

#endif
