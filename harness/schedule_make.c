/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of schedule.h that makes and frees one. */
#include "harness/schedule_parts.h"

#include <errno.h>
#include <stdlib.h>

static int64_t rounds_of(const struct entry *entry)
{
    return entry->rest == NULL ? entry->invocations : (entry->invocations + 1) / 2;
}

static const struct ipm_pass *rest_of(const struct ipm_plan *plan,
                                      const struct ipm_pass *pass)
{
    for (size_t p = 0; pass->kind == IPM_PASS_ENERGY && p < plan->n_passes; p++) {
        if (plan->passes[p].kind == IPM_PASS_IDLE && plan->passes[p].used)
            return &plan->passes[p];
    }
    return NULL;
}

/* Timing of a point whose repeat asks for a precision. */
static void make_precise(struct ipm_schedule *schedule, struct entry *entry)
{
    const struct ipm_repeat *repeat = &entry->point->repeat;
    if (schedule->precise == NULL || entry->pass->kind != IPM_PASS_TIMING ||
        !(repeat->precision > 0))
        return;
    entry->precise = &schedule->precise[entry - schedule->entries];
    ipm_precise_init(entry->precise, repeat->precision, repeat->invocations,
                     ipm_plan_invocation_ns(entry->pass, entry->point));
    entry->invocations = (int64_t)entry->precise->pilot;
    entry->room = (int64_t)entry->precise->most;
}

/* What no budget cuts. */
static double needed_ns(const struct entry *entry)
{
    int64_t least = entry->invocations < IPM_BUDGET_INVOCATIONS
                        ? entry->invocations
                        : IPM_BUDGET_INVOCATIONS;
    double each_ns = (double)ipm_plan_invocation_ns(entry->pass, entry->point);
    if (entry->rest != NULL)
        each_ns += (double)ipm_plan_invocation_ns(entry->rest, entry->point);
    return (double)least * each_ns;
}

static int allocate(struct ipm_schedule *schedule, size_t room, bool precise)
{
    schedule->entries = calloc(room + 1, sizeof(*schedule->entries));
    schedule->order = calloc(room + 1, sizeof(*schedule->order));
    schedule->room_again = room * IPM_ABBA + 1;
    schedule->again = calloc(schedule->room_again, sizeof(*schedule->again));
    if (precise)
        schedule->precise = calloc(room + 1, sizeof(*schedule->precise));
    return schedule->entries == NULL || schedule->order == NULL ||
                   schedule->again == NULL || (precise && schedule->precise == NULL)
               ? -ENOMEM
               : 0;
}

static int fill(struct ipm_schedule *schedule, const struct ipm_plan *plan,
                bool precise)
{
    size_t slots = 0;
    if (allocate(schedule, plan->n_points * plan->n_passes, precise) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n_points; i++) {
        for (size_t p = 0; p < plan->n_passes; p++) {
            const struct ipm_point *point = &plan->points[i];
            const struct ipm_pass *pass = &plan->passes[p];
            int64_t invocations = ipm_plan_invocations(pass, point);
            if (invocations == 0)
                continue;
            schedule->progress.jobs += invocations;
            if (pass->kind == IPM_PASS_IDLE)
                continue; /* its windows go with those of energy */
            struct entry *entry = &schedule->entries[schedule->n_entries++];
            *entry = (struct entry){.point = point,
                                    .pass = pass,
                                    .rest = rest_of(plan, pass),
                                    .invocations = invocations,
                                    .room = invocations};
            make_precise(schedule, entry);
            entry->needed_ns = needed_ns(entry);
            schedule->needed_ns += entry->needed_ns;
            slots += (size_t)entry->room * (entry->rest == NULL ? 1 : 2);
            if (rounds_of(entry) > schedule->rounds)
                schedule->rounds = rounds_of(entry);
        }
    }
    schedule->progress.left_ns =
        plan->estimate_ns; /* at most INT64_MAX, unlike a sum */
    schedule->progress.left = schedule->progress.jobs;
    schedule->done = calloc(slots + 1, sizeof(bool));
    if (schedule->done == NULL)
        return -ENOMEM;
    bool *done = schedule->done;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        schedule->entries[i].done = done;
        done += entry->room * (entry->rest == NULL ? 1 : 2);
    }
    return 0;
}

static int make(const struct ipm_plan *plan, uint64_t seed, bool precise,
                struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    struct ipm_schedule *schedule = calloc(1, sizeof(*schedule));
    if (schedule == NULL)
        return ipm_why_set(why, -ENOMEM, "schedule: ");
    schedule->plan = plan;
    schedule->seed = seed;
    int error = fill(schedule, plan, precise);
    if (error != 0) {
        ipm_schedule_free(schedule);
        return ipm_why_set(why, error, "schedule: ");
    }
    ipm_schedule_begin(schedule, 0);
    *out_schedule = schedule;
    return 0;
}

int ipm_schedule_fixed(const struct ipm_plan *plan, uint64_t seed,
                       struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    return make(plan, seed, false, out_schedule, why);
}

int ipm_schedule_precision(const struct ipm_plan *plan, uint64_t seed,
                           struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    return make(plan, seed, true, out_schedule, why);
}

void ipm_schedule_retries(struct ipm_schedule *schedule, int retries)
{
    schedule->retries = retries;
}

void ipm_schedule_free(struct ipm_schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (size_t i = 0; schedule->precise != NULL && i < schedule->n_entries; i++)
        ipm_precise_fini(&schedule->precise[i]);
    free(schedule->precise);
    free(schedule->again);
    free(schedule->entries);
    free(schedule->order);
    free(schedule->done);
    free(schedule);
}
