/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of schedule.h that keeps a budget by the clock.
 *
 * A plan fits its budget by an estimate, which a slow machine does not keep.  As soon as the
 * jobs have told the pace, points for which IPM_BUDGET_INVOCATIONS each will not fit go, from
 * the end of the plan as in plan_budget.h: fewer points with intervals rather than all without.
 * A pace changes: those for which there is time after all come back when the rest is done.
 */
#include "harness/schedule_parts.h"

#include <math.h>

/* What a neighbour takes comes and goes within seconds: a look at every point tells more than
 * as many looks at the first ones. */
static const double telling_share =
    0.25; /* of the budget: but some of it must be left */

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
        if (entry->dropped || round * windows >= entry->invocations ||
            entry->done[round * windows])
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
    return schedule->settled >= schedule->n_entries ||
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

/* Of a dropped entry: what its first IPM_BUDGET_INVOCATIONS would take. */
static double open_ns(const struct entry *entry)
{
    double sum_ns = 0;
    for (int64_t n = 0; n < entry->invocations && n < IPM_BUDGET_INVOCATIONS; n++) {
        if (!entry->done[n])
            sum_ns += (double)ipm_plan_invocation_ns(entry->pass, entry->point);
        if (entry->rest != NULL && !entry->done[entry->invocations + n])
            sum_ns += (double)ipm_plan_invocation_ns(entry->rest, entry->point);
    }
    return sum_ns;
}

static void restore_entry(struct ipm_schedule *schedule, struct entry *entry)
{
    const struct ipm_pass *passes[] = {entry->pass, entry->rest};
    for (int64_t n = 0; n < 2 * entry->invocations; n++) {
        const struct ipm_pass *pass = passes[n / entry->invocations];
        if (pass == NULL || entry->done[n])
            continue;
        schedule->progress.left++;
        schedule->progress.left_ns += ipm_plan_invocation_ns(pass, entry->point);
    }
    entry->needed_ns = open_ns(entry);
    schedule->needed_ns += entry->needed_ns;
    entry->dropped = false;
    if (entry->precise != NULL)
        entry->precise->stop = IPM_STOP_NONE;
}

bool ipm_schedule_restore(struct ipm_schedule *schedule)
{
    bool restored = false;
    for (size_t from = 0, to; from < schedule->n_entries && !schedule->cut; from = to) {
        double more_ns = 0;
        for (to = from; to < schedule->n_entries &&
                        schedule->entries[to].point == schedule->entries[from].point;
             to++) {
            if (schedule->entries[to].dropped)
                more_ns += open_ns(&schedule->entries[to]);
        }
        if (!(more_ns > 0))
            continue;
        if ((schedule->needed_ns + more_ns) * ipm_schedule_pace(schedule) >
            ipm_schedule_left_ns(schedule))
            break;
        for (size_t i = from; i < to; i++) {
            if (schedule->entries[i].dropped)
                restore_entry(schedule, &schedule->entries[i]);
        }
        restored = true;
    }
    return restored;
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
