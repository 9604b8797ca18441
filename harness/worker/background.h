/* SPDX-License-Identifier: MIT */
/*
 * background: load on CPUs that no role uses, from before the roles begin to after they
 * are gone, in every pass: the windows at rest that energy is compared with have it too.
 *
 *     cpu       one process per CPU computes with integers, in registers
 *     memory    one process per CPU reads and writes one word of each line of memory of
 *               its own; on the CPUs under one last-level cache that is twice the cache
 *     switches  two processes per CPU hand a byte to and fro through two pipes
 *
 * It is billed to nobody: what sensors read of roles and helpers does not hold it, what
 * they read of the whole system does.  That it ran is shown by its CPU time, which the
 * leader reads at the gates before and after the window.
 */
#ifndef IPM_WORKER_BACKGROUND_H
#define IPM_WORKER_BACKGROUND_H

#include "base/metric.h"
#include "harness/worker/point.h"

#include <stdint.h>
#include <sys/types.h>

enum { IPM_BACKGROUND_PER_CPU = 2 /* processes, at the most */ };

struct ipm_background {
    int n_cpus, per_cpu;
    const int *cpus; /* of the point */
    int64_t bytes;   /* of memory that is streamed through, all processes together */
    void *ready;     /* shared: how many have begun; NULL: none was started */
    int n;           /* processes started */
    pid_t pids[IPM_BACKGROUND_PER_CPU * IPM_BACKGROUND_CPUS];     /* 0: reaped */
    int64_t cpu_ns[IPM_BACKGROUND_PER_CPU * IPM_BACKGROUND_CPUS]; /* over the window */
    int64_t begun_ns, over_ns;                                    /* of the bill */
    int error; /* < 0: the bill could not be read */
};

/* What is left of it when it is gone. */
struct ipm_background_share {
    int n, processes; /* CPUs, processes on all of them */
    int64_t bytes;    /* as above */
    int64_t over_ns; /* CPU time was read over so long: the window, and a little more */
    int cpus[IPM_BACKGROUND_CPUS];
    int64_t cpu_ns[IPM_BACKGROUND_CPUS]; /* of the processes on that CPU */
};

/**
 * ipm_background_start() - start the point's load, and wait until all of it runs
 * @guard: descriptor of the leader that its processes must not hold
 *
 * On failure call ipm_background_stop() all the same.
 *
 * Return: 0, also where the point wants none; -EOPNOTSUPP there is not the memory for it;
 *         -EINVAL no such CPU, or not ours to use; -ECHILD, -ETIMEDOUT; -errno.
 */
int ipm_background_start(struct ipm_background *background,
                         const struct ipm_point *point, int guard, struct ipm_why *why);

/* The gates: CPU time so far, before and after the window. */
void ipm_background_open_bill(struct ipm_background *background);
void ipm_background_close_bill(struct ipm_background *background);

/* Return: 0; -ECHILD some of it ended by itself; -errno its CPU time was not told. */
int ipm_background_share(struct ipm_background *background,
                         struct ipm_background_share *out_share, struct ipm_why *why);

/* background_cpu_ns: CPU time of all of it. */
struct ipm_metric ipm_background_metric(const struct ipm_background_share *share);

/* Kills and reaps it.  Idempotent. */
void ipm_background_stop(struct ipm_background *background);

/**
 * ipm_background_slice() - memory for one process of "memory", bytes
 * @sysroot: prefix of the paths under /sys, which tell the caches
 * @cpu:     where it runs
 *
 * Twice the last-level cache of that CPU, shared among the point's background processes
 * under the same cache, and at least 4 MiB.  Where the machine does not show its caches:
 * as if all CPUs shared 32 MiB.
 */
int64_t ipm_background_slice(const char *sysroot, const int *cpus, int n_cpus, int cpu);

#endif
