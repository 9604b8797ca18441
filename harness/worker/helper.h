/* SPDX-License-Identifier: MIT */
/*
 * helper: the helpers of a point's channels - brokers - and what they are billed for.
 *
 * A helper runs on the CPUs of the point, on whichever of them the scheduler likes.  Its
 * bill is read by the leader, at the gates before and after the window: nothing is read
 * while roles are at work.  Where system calls are counted by a twin, helpers are traced
 * from the first gate to the second.
 */
#ifndef IPM_WORKER_HELPER_H
#define IPM_WORKER_HELPER_H

#include "base/metric.h"
#include "harness/worker/sensors/system_calls.h"
#include "harness/worker/twin.h"
#include "harness/worker/wiring.h"
#include "mechanisms/helper.h"

/* What a helper is billed for: these metrics, by the names that a role's have. */
enum {
    IPM_BILL_CPU,
    IPM_BILL_VOLUNTARY,
    IPM_BILL_INVOLUNTARY,
    IPM_BILL_SWITCHES,
    IPM_BILL_MINOR,
    IPM_BILL_MAJOR,
    IPM_BILL_ROWS,
};

struct ipm_bill_reading {
    int error; /* 0, or why it could not be read */
    int64_t values[IPM_BILL_ROWS];
};

enum { IPM_HELPERS_MAX = 16 };

struct ipm_helpers {
    int n;
    bool traced; /* set by the leader: their system calls are to be counted */
    struct {
        struct ipm_helper_process process;
        int proc_plus_one; /* directory /proc/PID */
        struct ipm_bill_reading start, stop;
        struct ipm_twin twin;
        int twin_error;
        struct ipm_why twin_why;
        struct ipm_calls calls;
    } entries[IPM_HELPERS_MAX];
};

/* What is left of a helper when it has gone. */
struct ipm_helper_share {
    char name[IPM_HELPER_NAME];
    size_t n_metrics; /* the bill's rows, and those of its system calls where traced */
    struct ipm_metric metrics[IPM_BILL_ROWS + IPM_CALLS_METRICS];
};

/**
 * ipm_helpers_start() - start the helper of each channel that has one
 *
 * On failure call ipm_helpers_stop() all the same.  Return: as ipm_helper_start();
 * -EOPNOTSUPP: there would be more than IPM_HELPERS_MAX.
 */
int ipm_helpers_start(struct ipm_helpers *helpers, const struct ipm_wiring *wiring,
                      const struct ipm_point *point, struct ipm_why *why);

/* Ends and reaps them all.  Idempotent. */
void ipm_helpers_stop(struct ipm_helpers *helpers);

/* In a role: closes what it inherited. */
void ipm_helpers_forget(struct ipm_helpers *helpers);

/* The gates: what the bill of each says before and after the window. */
void ipm_helpers_open_bills(struct ipm_helpers *helpers);
void ipm_helpers_close_bills(struct ipm_helpers *helpers);
void ipm_helpers_share(const struct ipm_helpers *helpers, int i,
                       struct ipm_helper_share *out_share);

/* Helper number @i ended by itself: reaps it and says so.  Always -ECHILD. */
int ipm_helpers_ended(struct ipm_helpers *helpers, int i, struct ipm_why *why);

#endif
