/* SPDX-License-Identifier: MIT */
#include "harness/worker/point_parts.h"
#include "workloads/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { BATCH_BYTES = 256 << 10 };

int ipm_point_impossible(const struct ipm_point *point, struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = point->mechanism;
    const struct ipm_workload *workload = point->workload;
    unsigned missing = workload->needs & ~mechanism->capabilities;
    unsigned refused = workload->refuses & mechanism->capabilities;
    int64_t longest = ipm_point_longest(point);
    int64_t shortest =
        point->mix.n > 0 ? ipm_mix_shortest(&point->mix) : point->traffic.size;
    if (point->traffic.reply_size >= 0 && point->traffic.reply_size < shortest)
        shortest = point->traffic.reply_size;

    bool sleeps =
        point->wait == IPM_WAIT_BLOCK || point->wait == IPM_WAIT_SPIN_THEN_BLOCK;

    if (ipm_point_many(point) && point->traffic.pairs > 1)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s has no pairs", workload->name);
    else if (ipm_point_seats(point) > IPM_SEATS_MAX)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%d roles, at most %d are possible",
                          ipm_point_seats(point), IPM_SEATS_MAX);
    else if (missing != 0 || refused != 0)
        (void)ipm_why_set(
            why, -EOPNOTSUPP, "%s %s a mechanism that is '%s'", workload->name,
            missing != 0 ? "needs" : "cannot use",
            ipm_capability_names[__builtin_ctz(missing != 0 ? missing : refused)]);
    else if (workload->only != NULL && strcmp(workload->only, mechanism->name) != 0)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s measures %s alone", workload->name,
                          workload->only);
    else if (ipm_workload_lists(workload, "rate") && point->traffic.rate == 0)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s needs a rate", workload->name);
    else if (!ipm_workload_lists(workload, "rate") && point->traffic.rate != 0)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s goes as fast as it can: it has no rate",
                          workload->name);
    else if (workload->shared_size != NULL &&
             workload->shared_size(&point->traffic,
                                   ipm_point_longest_round_ns(point)) == 0)
        (void)ipm_why_set(why, -EOPNOTSUPP,
                          "%" PRId64 " messages a second in a window of %" PRId64
                          " ms are more than are kept",
                          point->traffic.rate, point->window_ns / 1000000);
    else if (point->mix.n > 0 && !ipm_workload_lists(workload, "size_mix"))
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s sends messages of one size",
                          workload->name);
    else if (!mechanism->modes[point->copies].supported)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s has no mode with %d copies",
                          mechanism->name, point->copies);
    else if (point->wait != IPM_WAIT_NONE &&
             (mechanism->waits & IPM_WAIT_BIT(point->wait)) == 0)
        (void)ipm_why_set(why, -EOPNOTSUPP, "%s does not honour wait %s",
                          mechanism->name, ipm_wait_names[point->wait]);
    else if (workload->waits_any && sleeps &&
             (mechanism->capabilities & IPM_CAP_POLLFD) == 0)
        (void)ipm_why_set(
            why, -EOPNOTSUPP,
            "%s has no descriptor to poll: nobody can sleep on several of "
            "its channels at once",
            mechanism->name);
    else if (point->wait == IPM_WAIT_NONE && workload->n_roles > 1 &&
             mechanism->waits != 0)
        (void)ipm_why_set(why, -EOPNOTSUPP, "two roles have to wait for each other");
    else if (mechanism->limits.max_length != 0 &&
             longest > mechanism->limits.max_length)
        (void)ipm_why_set(why, -EMSGSIZE, "%s takes at most %" PRId64 " bytes",
                          mechanism->name, mechanism->limits.max_length);
    else if (shortest < mechanism->limits.min_length)
        (void)ipm_why_set(why, -EMSGSIZE, "%s takes at least %" PRId64 " bytes",
                          mechanism->name, mechanism->limits.min_length);
    else if (shortest < workload->min_size)
        (void)ipm_why_set(why, -EMSGSIZE, "%s needs at least %" PRId64 " bytes",
                          workload->name, workload->min_size);
    else
        return 0;
    return 1;
}

int64_t ipm_point_granted_batch(const struct ipm_point *point)
{
    const struct ipm_traffic *traffic = &point->traffic;
    int64_t longest = ipm_point_longest(point);
    int64_t fitting = longest > 0 ? BATCH_BYTES / longest : traffic->batch;
    int64_t batch = traffic->batch;
    if (point->workload->lock_step)
        return 1;
    if (batch > traffic->depth)
        batch = traffic->depth;
    if (batch > fitting)
        batch = fitting;
    return batch > 1 ? batch : 1;
}
