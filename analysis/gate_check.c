/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gate cannot be asked. */
#include "analysis/gate_parts.h"
#include "analysis/significance.h"

#include <errno.h>
#include <math.h>

static bool blocks_fit(size_t blocks)
{
    return blocks >= 1 && blocks <= IPM_GATE_BLOCKS_MOST;
}

static bool inside(double share)
{
    return share > 0 && share < 1;
}

static int check_params(const struct ipm_gate_params *params, struct ipm_why *why)
{
    if (!blocks_fit(params->screen_blocks) || !blocks_fit(params->confirm_blocks))
        return ipm_why_set(why, -EINVAL, "blocks of a stage are 1 to %d",
                           (int)IPM_GATE_BLOCKS_MOST);
    if (params->looks < 1 ||
        params->looks > IPM_GATE_BLOCKS_MOST / params->confirm_blocks)
        return ipm_why_set(
            why, -EINVAL,
            "%zu looks of %zu blocks: there are 1 or more, of %d blocks in "
            "all at the most",
            params->looks, params->confirm_blocks, (int)IPM_GATE_BLOCKS_MOST);
    if (!inside(params->alpha) || !inside(params->q) || !inside(params->level))
        return ipm_why_set(why, -EINVAL, "alpha, q and level are between 0 and 1");
    if (!(params->superiority >= 0 && params->superiority <= 1))
        return ipm_why_set(why, -EINVAL, "superiority is 0 to 1");
    if (!(params->screen_limit >= 0 && params->margin >= 0 &&
          params->noise_factor >= 0) ||
        isinf(params->screen_limit + params->noise_factor))
        return ipm_why_set(why, -EINVAL,
                           "screen_limit, margin and noise_factor are not below 0");
    if (!(params->smallest_effect > 0 && params->smallest_effect >= params->margin) ||
        isinf(params->smallest_effect))
        return ipm_why_set(
            why, -EINVAL,
            "the smallest effect of interest, %g %%, is below the margin of %g %%",
            100 * params->smallest_effect, 100 * params->margin);
    if (params->seed >> 53 != 0)
        return ipm_why_set(why, -EINVAL, "a seed is below 2^53");
    return 0;
}

/* Tests of @n points at once, each on the same number of blocks: can any of them fire at the
 * first look? */
static int check_reach(const struct ipm_gate_params *params, size_t n,
                       const char *points, struct ipm_why *why)
{
    size_t needs = ipm_sign_test_needs(params->alpha / (double)(n * params->looks));
    if (params->confirm_blocks >= needs)
        return 0;
    return ipm_why_set(
        why, -EINVAL,
        "%zu confirming blocks cannot reach alpha %g with %zu %s and %zu "
        "look%s: %zu can",
        params->confirm_blocks, params->alpha, n, points, params->looks,
        params->looks == 1 ? "" : "s", needs);
}

static int check_points(const struct ipm_gate_params *params,
                        const struct ipm_gate_point *points, size_t n_points,
                        struct ipm_why *why)
{
    size_t controls = 0;
    for (size_t i = 0; i < n_points; i++) {
        const struct ipm_gate_point *point = &points[i];
        controls += point->control;
        if (!isnan(point->noise) && !(point->noise >= 0 && isfinite(point->noise)))
            return ipm_why_set(why, -EINVAL, "%s: a noise of %g", point->label,
                               point->noise);
        if (!isnan(point->smallest_effect) &&
            !(point->smallest_effect >= params->margin && point->smallest_effect > 0 &&
              isfinite(point->smallest_effect)))
            return ipm_why_set(
                why, -EINVAL,
                "%s: its smallest effect, %g %%, is below the margin of %g %%",
                point->label, 100 * point->smallest_effect, 100 * params->margin);
    }
    if (controls == n_points)
        return ipm_why_set(why, -EINVAL, "no points to gate");
    int error = check_reach(params, n_points - controls, "points", why);
    if (error == 0 && controls > 0) /* both ways */
        error = check_reach(params, 2 * controls, "tests of control points", why);
    return error;
}

int ipm_gate_check(const struct ipm_gate_params *params,
                   const struct ipm_gate_point *points, size_t n_points,
                   struct ipm_why *why)
{
    int error = check_params(params, why);
    return error == 0 ? check_points(params, points, n_points, why) : error;
}
