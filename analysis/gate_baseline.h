/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_baseline: whether a new session costs more than those that are kept of the same class
 * of machine.  Pure arithmetic on one figure by point and session; what may be put against
 * what, analysis/baseline_read.h and analysis/baseline_class.h say.
 *
 * What the arms of analysis/gate.h share in a block, a baseline and a candidate do not: a
 * session has a scatter of its own (boot, memory layout, neighbours, heat), which no number of
 * invocations within it makes smaller.  So the session is the unit of replication, and what
 * a session's invocations say of their own scatter is not used at all.
 *
 * Effect: mean log cost of the candidate's m sessions less that of the baseline's n, in
 *     logarithms, positive where the candidate costs more.
 * Error: s sqrt(1/n + 1/m), where s^2 is the pooled mean square of both about their means with
 *     f = (n - 1) + (m - 1) degrees of freedom: a candidate of one session has none of its
 *     own and is taken to scatter as those of the baseline do.
 * Of few sessions s is itself poorly known.  It is the largest of
 *     - that of the point alone,
 *     - that shrunk towards its mechanism's (gate_noise's prior: the median over the
 *       mechanism's points, weighted as IPM_GATE_NOISE_PRIOR degrees of freedom), and
 *     - IPM_BASELINE_RESOLUTION, to which a histogram tells times apart.
 *     Shrinking upwards alone keeps the test's level where points of one mechanism scatter
 *     unlike, and where all points of a session go up and down together, so that many points
 *     know no more of it than one: then f + prior degrees would be claimed and are not there.
 * Regression: H0: effect <= margin, Student's t one-sided, Holm's correction over all points
 *     under test, at alpha.  Degrees are f, but at most IPM_BASELINE_FREEDOM for each session
 *     of the candidate however long the baseline is: one may be the odd session that machines
 *     have now and then, which a normal tail does not expect.  Of several, each must be above
 *     the baseline's mean by the margin, and of all pairs of a new and an old session
 *     @superiority must say the same: else the point is `unstable` and inconclusive.
 * Pass, margin, control points and the list of changes as analysis/gate.h has them: a pass
 *     needs the upper end of the effect's interval (of f degrees), and effect + z noise, below
 *     the smallest effect.
 * Advisory: with fewer than IPM_BASELINE_SESSIONS sessions no verdict but error and
 *     inconclusive is given; what it would be is told.
 *
 * Logarithms of sessions' medians are assumed to be about normal; a session of the baseline that
 * is far off widens s, and so hides rather than invents.
 */
#ifndef IPM_ANALYSIS_GATE_BASELINE_H
#define IPM_ANALYSIS_GATE_BASELINE_H

#include "analysis/gate.h"

enum {
    IPM_BASELINE_SESSIONS = 5, /* fewer: advisory */
    IPM_BASELINE_MOST = 512,   /* sessions of one side */
    IPM_BASELINE_FREEDOM = 4,  /* degrees of the test for each new session, at most */
    IPM_BASELINE_NEEDS_N =
        60, /* sessions to which what would be needed is looked for */
    IPM_BASELINE_NEEDS_M = 12,
};

#define IPM_BASELINE_RESOLUTION 0.0005
#define IPM_BASELINE_POWER      0.8  /* of what is said to be found */
#define IPM_BASELINE_DRIFT      0.01 /* level of the tests for it; warnings alone */

/* What the sessions say of one point. */
struct ipm_baseline_series {
    const char *mechanism;
    /* By session in the order of time, in the metric's unit; NaN: that session has none. */
    const double *baseline, *candidate;
    const char *failure; /* it cannot be judged, and why; NULL: it can */
};

/* Beside the finding of a gate. */
struct ipm_baseline_finding {
    size_t n, m;    /* sessions that have a value */
    double freedom; /* degrees */
    double scatter; /* between sessions, of the point alone; NaN: none */
    double error;   /* standard error of the effect, with s as above; NaN: none */
    enum ipm_gate_verdict would_be; /* the verdict, but for too few sessions */
    bool advisory;
    double least_effect; /* that would be called in 4 of 5 cases; NaN: none */
    size_t needs_n,
        needs_m;    /* sessions with which the smallest effect would be called in
                                4 of 5 cases: of the candidate the fewest, no fewer than now;
                                0: not with IPM_BASELINE_NEEDS_N and _M, or not at all */
    double drift;   /* a logarithm from the first to the last session of the
                                baseline, by least squares; NaN: fewer than 5 sessions */
    double p_drift; /* two-sided, after Holm over all points; NaN: not tested */
};

struct ipm_baseline_result {
    struct ipm_gate_result gate; /* effect.n is n; n_beyond is of the m; superiority is
                                    of all pairs of a session of each side */
    struct ipm_baseline_finding *findings; /* one for each point */
    bool advisory;                         /* the baseline has too few sessions */
    double drift,
        p_drift; /* of the mean of all points under test that all sessions have */
};

/**
 * ipm_baseline_judge() - the verdict
 * @params:  margin, smallest_effect, noise_factor, alpha, q, level, superiority
 * @series:  one for each of @points; texts of both must outlive the result
 * @n, @m:   sessions of baseline and candidate, 1 to IPM_BASELINE_MOST
 *
 * Return: 0; -EINVAL no point under test, or @n or @m out of range; -ENOTSUP built without GSL;
 *         -ENOMEM.
 */
int ipm_baseline_judge(const struct ipm_gate_params *params,
                       const struct ipm_gate_point *points,
                       const struct ipm_baseline_series *series, size_t n_points,
                       size_t n, size_t m, struct ipm_baseline_result *out_result,
                       struct ipm_why *why);

/* Idempotent. */
void ipm_baseline_result_fini(struct ipm_baseline_result *result);

#endif
