/* SPDX-License-Identifier: MIT */
/*
 * point: what one invocation is asked to measure (docs/protocol.md), parsed and checked
 * against what this worker has.
 */
#ifndef IPM_WORKER_POINT_H
#define IPM_WORKER_POINT_H

#include "base/json.h"
#include "base/mix.h"
#include "harness/worker/memory_node.h"
#include "harness/worker/sensors/sensor.h"
#include "mechanisms/mechanism.h"
#include "workloads/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum ipm_policy { IPM_POLICY_OTHER, IPM_POLICY_BATCH, IPM_POLICY_FIFO };

enum { IPM_FIFO_PRIORITY = 10 }; /* of roles; their leader has one more */

/* A SEAT is one role of one pair: seat = pair * roles + role, many roles counted one by one.
 * A ROW is the role's in the workload's table. */
enum {
    IPM_PAIRS_MAX = 32,
    IPM_SEATS_MAX = 64,
    IPM_BACKGROUND_CPUS = 1024, /* as many as a cpu_set_t holds */
};

extern const char *const ipm_policy_names[]; /* by enum ipm_policy, NULL-terminated */

struct ipm_point {
    const json_t *json; /* as it came: the record echoes it; borrowed */
    const struct ipm_workload *workload;
    const struct ipm_mechanism *mechanism;
    struct ipm_traffic traffic; /* batch: as granted, which may be less than asked */
    int64_t batch_asked;
    struct ipm_mix mix;             /* of sizes; n 0: one size, traffic.size */
    struct ipm_mix_table mix_table; /* drawn from @seed, where there is a mix */
    int n_background;               /* 0: no load in the background */
    int background_cpus[IPM_BACKGROUND_CPUS]; /* none of them a role's, no two equal */
    enum ipm_wait wait;
    int copies; /* 0, 1 or 2: a mode the mechanism supports */
    enum ipm_policy policy;
    /* Side a and side b of each pair; where there are many roles, one of each role. */
    int cpus[IPM_SIDES * IPM_PAIRS_MAX];
    int memory_node; /* IPM_NODE_LOCAL, or all memory lies on that node */
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

static inline bool ipm_point_many(const struct ipm_point *point)
{
    return point->workload->roles[point->workload->n_roles - 1].many;
}

/* How many the last row of roles stands for, and the last row of edges. */
static inline int ipm_point_fan(const struct ipm_point *point)
{
    return ipm_point_many(point) ? (int)point->traffic.fan : 1;
}

/* Roles and edges of one pair. */
static inline int ipm_point_roles(const struct ipm_point *point)
{
    return point->workload->n_roles - 1 + ipm_point_fan(point);
}

static inline int ipm_point_edges(const struct ipm_point *point)
{
    return point->workload->n_edges - 1 + ipm_point_fan(point);
}

/* Processes of the point: all roles of all pairs. */
static inline int ipm_point_seats(const struct ipm_point *point)
{
    return (int)point->traffic.pairs * ipm_point_roles(point);
}

/* How many of its CPUs mean something. */
static inline int ipm_point_cpus(const struct ipm_point *point)
{
    return ipm_point_many(point) ? ipm_point_roles(point)
                                 : IPM_SIDES * (int)point->traffic.pairs;
}

static inline int ipm_point_role(const struct ipm_point *point, int seat)
{
    return seat % ipm_point_roles(point);
}

static inline int ipm_point_pair(const struct ipm_point *point, int seat)
{
    return seat / ipm_point_roles(point);
}

/* The row of the role in that seat. */
static inline int ipm_point_row(const struct ipm_point *point, int seat)
{
    int role = ipm_point_role(point, seat);
    int last = point->workload->n_roles - 1;
    return role < last ? role : last;
}

enum { IPM_ROLE_TEXT = 48 };

/* The role's name, of many with a number from 0: "sender 2".  Return: @text. */
const char *ipm_point_role_name(const struct ipm_point *point, int seat,
                                char text[IPM_ROLE_TEXT]);

/* Operations of the shortest timing batch: one call for each of the many. */
static inline uint64_t ipm_point_unit(const struct ipm_point *point)
{
    return (uint64_t)point->traffic.batch * (uint64_t)ipm_point_fan(point);
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
