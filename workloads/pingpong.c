/* SPDX-License-Identifier: MIT */
/* pingpong: request and reply, as fast as the two can. */
#include "workloads/round_trip.h"

static int pingpong_run(struct ipm_run *run, struct ipm_why *why)
{
    return ipm_round_trips(run, false, why);
}

const struct ipm_workload ipm_workload_pingpong = {
    IPM_ROUND_TRIPS,
    .name = "pingpong",
    .summary = "request and reply, one at a time, two processes",
    .axes =
        (const char *const[]){"size", "size_mix", "reply_size", "touch", "pairs",
                              "working_set", "working_set_stride", "background", NULL},
    .run = pingpong_run,
};
