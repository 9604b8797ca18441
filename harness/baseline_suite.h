/* SPDX-License-Identifier: GPL-3.0-or-later */
/* baseline_suite: the sessions of a baseline and of a candidate, point by point. */
#ifndef IPM_HARNESS_BASELINE_SUITE_H
#define IPM_HARNESS_BASELINE_SUITE_H

#include "analysis/gate_baseline.h"
#include "analysis/gate_noise.h"
#include "base/json.h"

struct ipm_baseline_suite {
    json_t *baseline, *candidate; /* as of ipm_baseline_session(), by start */
    struct ipm_gate_params params;
    struct ipm_gate_point *points;
    struct ipm_baseline_series *series;
    size_t n_points;
    double *values; /* those of the series */
    json_t
        *fresh; /* names of the candidate's points that no session of the baseline has
                         measured; they are told and not judged */
    json_t *warnings; /* [text] */
    json_t *pool;     /* owns reasons */
};

/**
 * ipm_baseline_gather() - read all sessions
 * @baselines, @candidates: folders of the command line; of the former each may hold result folders
 *
 * Return: 0, and the caller ends @out_suite, also after an error; -ENOENT a folder is not there;
 *         -ENODATA a folder has no session, or nothing was measured in one; -EEXIST a session is
 *         given twice; -EINVAL one cannot be read; -ENOMEM; -errno.
 */
int ipm_baseline_gather(const char *const *baselines, size_t n_baselines,
                        const char *const *candidates, size_t n_candidates,
                        struct ipm_baseline_suite *out_suite, struct ipm_why *why);

/**
 * ipm_baseline_match() - the points that the baseline has, and why some cannot be judged
 * @noise: NULL: not calibrated
 *
 * Parameters and the pattern of points are those of the candidate's first config.  A point is
 * measured by the metric that the newest session of the baseline has; what older ones measured
 * in another class of placement, by another version or not at all is left out of them.
 *
 * Return: 0; -EINVAL parameters that contradict each other; -ENOMEM.
 */
int ipm_baseline_match(struct ipm_baseline_suite *suite,
                       const struct ipm_gate_noise *noise, struct ipm_why *why);

/* Idempotent. */
void ipm_baseline_suite_fini(struct ipm_baseline_suite *suite);

#endif
