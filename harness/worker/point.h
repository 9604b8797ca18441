/* SPDX-License-Identifier: MIT */
/*
 * point: what one invocation is asked to measure (docs/protocol.md), parsed and checked
 * against what this worker has.
 */
#ifndef IPM_WORKER_POINT_H
#define IPM_WORKER_POINT_H

#include "base/json.h"
#include "harness/worker/sensors/sensor.h"
#include "mechanisms/mechanism.h"
#include "workloads/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum ipm_policy { IPM_POLICY_OTHER, IPM_POLICY_BATCH, IPM_POLICY_FIFO };

enum { IPM_FIFO_PRIORITY = 10 }; /* of roles; their leader has one more */

/* A SEAT is one role of one pair: seat = pair * n_roles + role. */
enum { IPM_PAIRS_MAX = 32, IPM_SEATS_MAX = 64 };

extern const char *const ipm_policy_names[]; /* by enum ipm_policy, NULL-terminated */

struct ipm_point {
    const json_t *json; /* as it came: the record echoes it; borrowed */
    const struct ipm_workload *workload;
    const struct ipm_mechanism *mechanism;
    struct ipm_traffic traffic; /* batch: as granted, which may be less than asked */
    int64_t batch_asked;
    enum ipm_wait wait;
    int copies; /* 0, 1 or 2: a mode the mechanism supports */
    enum ipm_policy policy;
    int cpus[IPM_SIDES * IPM_PAIRS_MAX]; /* side a and side b of each pair */
    const char *pass;
    bool idle;          /* the pass is "idle": armed roles, no messages in the window */
    uint64_t seed;      /* of what is drawn at random */
    int64_t window_ns;  /* > 0 */
    int64_t warmup_ns;  /* >= 0 */
    int64_t timeout_ns; /* the window's; > 0 */
    bool sandbox;
    const char *sysroot;       /* "": the machine itself */
    const json_t *unavailable; /* pass to reason; NULL: nothing is known */
    const json_t *sensing;     /* what is asked of the sensors; NULL: nothing */
    _Alignas(
        8) unsigned char options[IPM_OPTIONS_SIZE_MAX]; /* of the swept mechanism */
};

/**
 * ipm_point_parse() - from JSON to a point
 *
 * Return: 0; 1 the point is understood but cannot be measured (the reason in @why: a skip);
 *         -EINVAL it cannot be understood.
 */
int ipm_point_parse(const json_t *json, struct ipm_point *out_point,
                    struct ipm_why *why);

/* Processes of the point: all roles of all pairs. */
static inline int ipm_point_seats(const struct ipm_point *point)
{
    return (int)point->traffic.pairs * point->workload->n_roles;
}

static inline int ipm_point_role(const struct ipm_point *point, int seat)
{
    return seat % point->workload->n_roles;
}

static inline int ipm_point_pair(const struct ipm_point *point, int seat)
{
    return seat / point->workload->n_roles;
}

/* The CPU of a seat. */
int ipm_point_cpu(const struct ipm_point *point, int seat);

/* The longest round that a workload may be asked for by time, window or warm-up. */
static inline int64_t ipm_point_longest_round_ns(const struct ipm_point *point)
{
    return point->window_ns > point->warmup_ns ? point->window_ns : point->warmup_ns;
}

/* What its sensors are opened with, in leader and roles alike; lives as long as the point. */
struct ipm_sensor_context ipm_point_sensing(const struct ipm_point *point);

/* Longest message on any channel of this point, bytes. */
int64_t ipm_point_longest(const struct ipm_point *point);

#endif
