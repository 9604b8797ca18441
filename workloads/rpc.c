/* SPDX-License-Identifier: MIT */
/*
 * rpc: a server that works.  It spins for `compute` ns between request and reply, so that
 * what an answer costs is seen beside what the way there and back costs.
 */
#include "workloads/round_trip.h"

static int rpc_run(struct ipm_run *run, struct ipm_why *why)
{
    return ipm_round_trips(run, true, why);
}

const struct ipm_workload ipm_workload_rpc = {
    IPM_ROUND_TRIPS,
    .name = "rpc",
    .summary = "request and reply, and the server computes in between",
    .axes = (const char *const[]){"size", "size_mix", "reply_size", "compute", "touch",
                                  "pairs", "working_set", "working_set_stride",
                                  "background", NULL},
    .run = rpc_run,
};
