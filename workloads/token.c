/* SPDX-License-Identifier: MIT */
/*
 * token: to and fro without a payload, with the smallest message that the mechanism takes:
 * what is left is the switch.
 */
#include "workloads/round_trip.h"

static int token_run(struct ipm_run *run, struct ipm_why *why)
{
    return ipm_round_trips(run, false, why);
}

const struct ipm_workload ipm_workload_token = {
    IPM_ROUND_TRIPS,
    .name = "token",
    .summary = "to and fro without payload: the switch alone",
    .axes = (const char *const[]){"pairs", "working_set", "working_set_stride",
                                  "background", NULL},
    .smallest = true,
    .run = token_run,
};
