/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest.h"

#include "analysis/summary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_verdict_names[IPM_VERDICTS] = {"none", "alone", "tie", "winner"};

static bool has_enough(const struct ipm_entrant *entrant)
{
    return entrant->costs != NULL ? entrant->n_costs >= IPM_CONTEST_VALUES
                                  : isfinite(entrant->figure.low);
}

/* Equal figures keep the order of the points, so that the same records give the same text. */
static int compare_entrants(const struct ipm_entrant *left,
                            const struct ipm_entrant *right, double sign)
{
    double difference = sign * (left->figure.value - right->figure.value);
    if (has_enough(left) != has_enough(right))
        return has_enough(left) ? -1 : 1;
    if (difference != 0)
        return difference > 0 ? 1 : -1;
    int order = ipm_factors_compare(&left->point->factors, &right->point->factors);
    return order != 0 ? order : strcmp(left->point->id, right->point->id);
}

static int least_first(const void *a, const void *b)
{
    return compare_entrants(a, b, 1);
}

static int most_first(const void *a, const void *b)
{
    return compare_entrants(a, b, -1);
}

/* Standard error of a mean over the mean, from its interval.  NaN: not known. */
static double relative_error(const struct ipm_estimate *mean)
{
    double half = (mean->high - mean->low) / 2;
    return half / ipm_student((double)mean->n - 1, IPM_SUMMARY_LEVEL) / mean->value;
}

static void ratio_of_means(const struct ipm_estimate *best,
                           const struct ipm_estimate *other,
                           struct ipm_estimate *out_ratio)
{
    size_t n = best->n < other->n ? best->n : other->n;
    double error = hypot(relative_error(best), relative_error(other));
    double reach = ipm_student((double)n - 1, IPM_CONTEST_LEVEL) * error;
    double ratio = other->value / best->value;
    *out_ratio = (struct ipm_estimate){.value = ratio,
                                       .low = ratio * exp(-reach),
                                       .high = ratio * exp(reach),
                                       .level = IPM_CONTEST_LEVEL,
                                       .n = n};
    if (isfinite(reach))
        return;
    out_ratio->low = out_ratio->high = out_ratio->level = NAN;
    (void)snprintf(out_ratio->reason, sizeof(out_ratio->reason),
                   "unknown: a mean without an interval");
}

static int compare(const struct ipm_entrant *best, struct ipm_entrant *other,
                   bool more_is_better)
{
    if (best->costs != NULL && other->costs != NULL) {
        int error =
            ipm_estimate_shift(best->costs, best->n_costs, other->costs, other->n_costs,
                               IPM_CONTEST_LEVEL, &other->behind);
        if (error != 0)
            return error;
        other->behind.value = exp(other->behind.value);
        other->behind.low = exp(other->behind.low);
        other->behind.high = exp(other->behind.high);
    } else if (more_is_better) {
        ratio_of_means(&other->figure, &best->figure, &other->behind);
    } else {
        ratio_of_means(&best->figure, &other->figure, &other->behind);
    }
    other->tied =
        !(other->behind.low > 1) || !(other->behind.value >= 1 + IPM_CONTEST_MARGIN);
    return 0;
}

int ipm_contest_judge(struct ipm_contest *contest, bool more_is_better)
{
    contest->n_judged = 0;
    for (size_t i = 0; i < contest->n; i++)
        contest->n_judged += has_enough(&contest->entrants[i]);
    if (contest->n_judged == 0) /* of a short run: then all tie */
        contest->n_judged = contest->n;
    contest->n_tied = contest->n > 0;
    contest->verdict = contest->n == 0 ? IPM_VERDICT_NONE : IPM_VERDICT_ALONE;
    if (contest->n == 0)
        return 0;
    qsort(contest->entrants, contest->n, sizeof(*contest->entrants),
          more_is_better ? most_first : least_first);
    struct ipm_entrant *best = &contest->entrants[0];
    best->tied = true;
    best->behind = (struct ipm_estimate){
        .value = 1, .low = 1, .high = 1, .level = NAN, .n = best->figure.n};
    for (size_t i = 1; i < contest->n; i++) {
        int error = compare(best, &contest->entrants[i], more_is_better);
        if (error != 0)
            return error;
        contest->entrants[i].tied = contest->entrants[i].tied && i < contest->n_judged;
        contest->n_tied += contest->entrants[i].tied;
    }
    if (contest->n_judged > 1)
        contest->verdict = contest->n_tied > 1 ? IPM_VERDICT_TIE : IPM_VERDICT_WINNER;
    return 0;
}

const struct ipm_entrant *ipm_contest_runner_up(const struct ipm_contest *contest)
{
    return contest->n_judged > 1 ? &contest->entrants[1] : NULL;
}

void ipm_contest_fini(struct ipm_contest *contest)
{
    for (size_t i = 0; i < contest->n; i++)
        free(contest->entrants[i].owned);
    free(contest->entrants);
    *contest = (struct ipm_contest){0};
}
