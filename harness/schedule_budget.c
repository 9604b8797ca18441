/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of schedule.h that keeps a budget by the clock.
 *
 * A plan fits its budget by an estimate, which a slow machine does not keep.  As soon as some
 * jobs have told the pace, points for which IPM_BUDGET_INVOCATIONS each will not fit go, from
 * the end of the plan as in plan_budget.h: fewer points with intervals rather than all without.
 */
#include "harness/schedule_parts.h"

#include <math.h>

/* The first jobs find cold caches and a clock that is still low. */
enum { TELLING = 8 };

static const double telling_share = 0.1; /* of the budget: few long jobs tell as much */

double ipm_schedule_left_ns(const struct ipm_schedule *schedule)
{
    return schedule->plan->budget_ns == 0
               ? INFINITY
               : (double)schedule->plan->budget_ns - schedule->spent_ns;
}

double ipm_schedule_pace(const struct ipm_schedule *schedule)
{
    return schedule->planned_ns > 0 && schedule->spent_ns > 0
               ? schedule->spent_ns / schedule->planned_ns
               : 1;
}

bool ipm_schedule_has_time(const struct ipm_schedule *schedule, int64_t round)
{
    double round_ns = 0;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        int64_t windows = entry->rest == NULL ? 1 : 2; /* of each kind in a round */
        if (entry->dropped || round * windows >= entry->invocations)
            continue;
        double cost_ns = (double)ipm_plan_invocation_ns(entry->pass, entry->point);
        if (entry->rest != NULL)
            cost_ns += (double)ipm_plan_invocation_ns(entry->rest, entry->point);
        round_ns += (double)windows * cost_ns;
    }
    return round_ns * ipm_schedule_pace(schedule) <= ipm_schedule_left_ns(schedule);
}

static bool pace_is_told(const struct ipm_schedule *schedule)
{
    return schedule->settled >= TELLING ||
           schedule->spent_ns > telling_share * (double)schedule->plan->budget_ns;
}

/* The invocations of an entry that were not handed out leave the progress. */
static void drop_entry(struct ipm_schedule *schedule, struct entry *entry)
{
    const struct ipm_pass *passes[] = {entry->pass, entry->rest};
    for (int64_t n = 0; n < 2 * entry->invocations; n++) {
        const struct ipm_pass *pass = passes[n / entry->invocations];
        bool done = pass == NULL || entry->done[n];
        if (done)
            continue;
        schedule->progress.left--;
        schedule->progress.left_ns -= ipm_plan_invocation_ns(pass, entry->point);
    }
    schedule->needed_ns -= entry->needed_ns;
    entry->needed_ns = 0;
    entry->dropped = true;
    if (entry->precise != NULL)
        entry->precise->stop = IPM_STOP_BUDGET;
}

void ipm_schedule_drop(struct ipm_schedule *schedule)
{
    if (schedule->plan->budget_ns == 0 || !pace_is_told(schedule))
        return;
    size_t end = schedule->n_entries;
    while (end > 0 && schedule->needed_ns * ipm_schedule_pace(schedule) >
                          ipm_schedule_left_ns(schedule)) {
        /* The entries of a point stand side by side; the first point stays. */
        const struct ipm_point *point = schedule->entries[end - 1].point;
        if (point == schedule->entries[0].point)
            return;
        for (; schedule->entries[end - 1].point == point; end--) {
            struct entry *entry = &schedule->entries[end - 1];
            /* What is complete costs nothing any more, and stays. */
            if (!entry->dropped && entry->needed_ns > 0)
                drop_entry(schedule, entry);
        }
    }
}

bool ipm_schedule_dropped(const struct ipm_schedule *schedule,
                          const struct ipm_point *point)
{
    bool dropped = false;
    for (size_t i = 0; i < schedule->n_entries; i++)
        dropped = dropped ||
                  (schedule->entries[i].dropped && schedule->entries[i].point == point);
    return dropped;
}

void ipm_schedule_charge(struct ipm_schedule *schedule, int64_t spent_ns)
{
    schedule->spent_ns += (double)spent_ns;
    schedule->planned_ns += (double)spent_ns; /* says nothing of the pace */
}
