/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_budget.h"

#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INVOCATION_OVERHEAD_NS = 10000000 };

int64_t ipm_plan_invocations(const struct ipm_pass *pass, const struct ipm_point *point)
{
    if (!pass->used)
        return 0;
    switch (pass->kind) {
    case IPM_PASS_TIMING:
        return point->repeat.invocations;
    case IPM_PASS_COUNTERS:
        return point->repeat.counters;
    case IPM_PASS_ENERGY:
    case IPM_PASS_IDLE:
        break;
    }
    return point->repeat.energy;
}

int64_t ipm_plan_window_ns(const struct ipm_pass *pass, const struct ipm_point *point)
{
    return point->repeat.window_ns > pass->min_window_ns ? point->repeat.window_ns
                                                         : pass->min_window_ns;
}

int64_t ipm_plan_invocation_ns(const struct ipm_pass *pass,
                               const struct ipm_point *point)
{
    return ipm_plan_window_ns(pass, point) + point->repeat.warmup_ns +
           INVOCATION_OVERHEAD_NS;
}

static int64_t in_range(double ns)
{
    return ns < 9e18 ? (int64_t)ns : INT64_MAX;
}

int64_t ipm_plan_pass_ns(const struct ipm_plan *plan, const struct ipm_pass *pass)
{
    double sum_ns = 0;
    for (size_t i = 0; i < plan->n_points; i++)
        sum_ns += (double)ipm_plan_invocations(pass, &plan->points[i]) *
                  (double)ipm_plan_invocation_ns(pass, &plan->points[i]);
    return in_range(sum_ns);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Time of a point when no pass has more than @most invocations. */
static double point_ns(const struct ipm_plan *plan, const struct ipm_point *point,
                       int64_t most)
{
    double sum_ns = 0;
    for (size_t i = 0; i < plan->n_passes; i++) {
        const struct ipm_pass *pass = &plan->passes[i];
        sum_ns += (double)least(ipm_plan_invocations(pass, point), most) *
                  (double)ipm_plan_invocation_ns(pass, point);
    }
    return sum_ns;
}

static double plan_ns(const struct ipm_plan *plan, int64_t most)
{
    double sum_ns = 0;
    for (size_t i = 0; i < plan->n_points; i++)
        sum_ns += point_ns(plan, &plan->points[i], most);
    return sum_ns;
}

int64_t ipm_plan_estimate(const struct ipm_plan *plan)
{
    return in_range(plan_ns(plan, INT64_MAX));
}

static int64_t most_invocations(const struct ipm_plan *plan)
{
    int64_t most = IPM_BUDGET_INVOCATIONS;
    for (size_t i = 0; i < plan->n_points; i++) {
        for (size_t p = 0; p < plan->n_passes; p++) {
            int64_t n = ipm_plan_invocations(&plan->passes[p], &plan->points[i]);
            most = n > most ? n : most;
        }
    }
    return most;
}

/* The most invocations that fit; IPM_BUDGET_INVOCATIONS when not even these do. */
static int64_t fitting(const struct ipm_plan *plan, double budget_ns)
{
    int64_t low = IPM_BUDGET_INVOCATIONS;
    int64_t high = most_invocations(plan);
    while (low < high) {
        int64_t middle = high - (high - low) / 2;
        if (plan_ns(plan, middle) <= budget_ns)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static int drop(struct ipm_plan *plan, size_t kept, struct ipm_why *why)
{
    char budget[IPM_UNITS_TEXT];
    size_t n = plan->n_points - kept;
    plan->dropped = calloc(n, sizeof(*plan->dropped));
    if (plan->dropped == NULL)
        return ipm_why_set(why, -ENOMEM, "plan: ");
    for (size_t i = 0; i < n; i++) {
        struct ipm_skip *dropped = &plan->dropped[i];
        dropped->factors = plan->points[kept + i].factors; /* its reference too */
        dropped->sweep = plan->points[kept + i].sweep;
        (void)snprintf(dropped->reason, sizeof(dropped->reason),
                       "the budget of %s is used up",
                       ipm_format_ns(budget, (double)plan->budget_ns));
    }
    plan->n_dropped = n;
    plan->n_points = kept;
    return 0;
}

int ipm_plan_budget(struct ipm_plan *plan, struct ipm_why *why)
{
    double budget_ns = (double)plan->budget_ns;
    if (plan->budget_ns != 0 && plan_ns(plan, INT64_MAX) > budget_ns) {
        int64_t most = fitting(plan, budget_ns);
        for (size_t i = 0; i < plan->n_points; i++) {
            struct ipm_repeat *repeat = &plan->points[i].repeat;
            if (repeat->invocations > most || repeat->counters > most ||
                repeat->energy > most)
                plan->most_invocations = most;
            repeat->invocations = least(repeat->invocations, most);
            repeat->counters = least(repeat->counters, most);
            repeat->energy = least(repeat->energy, most);
        }
        double used_ns = 0;
        size_t kept = 0;
        for (; kept < plan->n_points; kept++) {
            used_ns += point_ns(plan, &plan->points[kept], most);
            if (used_ns > budget_ns)
                break;
        }
        int error = kept < plan->n_points ? drop(plan, kept, why) : 0;
        if (error != 0)
            return error;
    }
    plan->estimate_ns = ipm_plan_estimate(plan);
    return 0;
}
