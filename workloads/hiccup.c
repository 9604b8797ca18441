/* SPDX-License-Identifier: MIT */
/*
 * hiccup: what the machine itself adds to tails.  A process on each CPU of the placement
 * does nothing but look at the clock; the gaps between its looks are the samples, all of
 * them, of both processes.
 *
 * Nobody waits for anybody, so there is no pacer: each role looks at its own clock, which
 * it does anyhow.  On one CPU only the first role looks: two would see each other.
 *
 * One operation is one look.  A timing batch would hide the one gap that matters, so here
 * it is only the distance between two looks at the round's end.
 */
#include "workloads/workload.h"

#include <errno.h>
#include <string.h>

/* Twice what the longest of the usual interrupts takes.  Named in the metrics' names. */
static const int64_t long_gap_ns = 20000;

enum { LONGEST_GAP, LONG_GAPS, TIME_LOST };

struct gaps {
    int64_t longest_ns;
    uint64_t n_long;
    int64_t long_ns; /* sum of the long ones */
};

static int look(struct ipm_run *run, struct ipm_port *port, int64_t *out_gap_ns,
                struct ipm_why *why)
{
    struct ipm_span span = {port->in, sizeof(*out_gap_ns)};
    size_t n = 0;
    int result = port->mechanism->recv_n(port->recv, &span, 1, run->timeout_ns, &n);
    if (result != 0)
        return result < 0 ? ipm_why_set(why, result, "look: ") : result;
    memcpy(out_gap_ns, span.data, sizeof(*out_gap_ns));
    return 0;
}

static int hiccup_batch(struct ipm_run *run, struct ipm_port *port, struct gaps *gaps,
                        struct ipm_why *why)
{
    for (uint64_t i = 0; i < run->batch; i++) {
        int64_t gap_ns;
        int result = look(run, port, &gap_ns, why);
        if (result != 0)
            return result;
        if (gap_ns < 0)
            return ipm_why_set(why, -EBADMSG, "the clock went back");
        ipm_sample(run, gap_ns);
        if (gap_ns > gaps->longest_ns)
            gaps->longest_ns = gap_ns;
        if (gap_ns > long_gap_ns) {
            gaps->n_long++;
            gaps->long_ns += gap_ns;
        }
        run->last_ns += gap_ns;
    }
    return 0;
}

static int hiccup_run(struct ipm_run *run, struct ipm_why *why)
{
    struct ipm_port *port = &run->ports[run->role];
    struct gaps gaps = {0};
    int64_t gap_ns;
    run->first_ns = run->last_ns = ipm_now_ns();
    if (run->role > 0 && run->one_cpu)
        return 0;
    /* The first look starts the clock; the gap that it tells is not one. */
    int result = look(run, port, &gap_ns, why);
    while (result == 0 && run->batches < run->max_batches &&
           run->last_ns - run->first_ns < run->duration_ns) {
        result = hiccup_batch(run, port, &gaps, why);
        run->batches++;
    }
    run->messages = run->operations = run->batches * run->batch;
    double elapsed_ns = (double)(run->last_ns - run->first_ns);
    run->metrics[LONGEST_GAP] = (double)gaps.longest_ns;
    run->metrics[LONG_GAPS] = (double)gaps.n_long / (elapsed_ns / IPM_NS_PER_SECOND);
    run->metrics[TIME_LOST] = (double)gaps.long_ns / elapsed_ns;
    return result;
}

static const struct ipm_metric_row hiccup_metrics[] = {
    [LONGEST_GAP] = {"longest_gap_ns", "ns", IPM_BETTER_LOWER, IPM_MERGE_MAX},
    [LONG_GAPS] = {"gaps_over_20us_per_s", "1/s", IPM_BETTER_LOWER, IPM_MERGE_MEAN},
    [TIME_LOST] = {"time_in_gaps_over_20us", "", IPM_BETTER_LOWER, IPM_MERGE_MEAN},
    {.name = NULL},
};

const struct ipm_workload ipm_workload_hiccup = {
    .abi = IPM_PLUGIN_ABI,
    .name = "hiccup",
    .version = 1,
    .family = "floor",
    .summary = "gaps in a process that spins on each CPU: the machine's own",
    .axes = (const char *const[]){"background", NULL},
    .n_roles = 2,
    .roles = {{.name = "spinner_a", .side = IPM_SIDE_A, .spins = true},
              {.name = "spinner_b", .side = IPM_SIDE_B, .spins = true}},
    .n_edges = 2,
    .edges = {{.from = 0, .to = 0}, {.from = 1, .to = 1}},
    .needs = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .min_size = sizeof(int64_t),
    .lock_step = true,
    .messages_per_operation = 1,
    .elapsed = IPM_ELAPSED_PACER,
    .latency = IPM_LATENCY_GAP,
    .metrics = hiccup_metrics,
    .only = "floor_hiccup",
    .run = hiccup_run,
};
