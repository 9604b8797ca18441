/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drift of a baseline, and what it takes to see an effect. */
#include "analysis/gate_baseline_parts.h"
#include "analysis/significance.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Least squares over the sessions that are there; their number is their place in time.
 * @out_p: two-sided by Student's t; NaN, as the return value, of fewer than five. */
static double trend(const double *logs, size_t n, double *out_p)
{
    double count = 0;
    double mean_x = 0;
    double mean_y = 0;
    *out_p = NAN;
    for (size_t i = 0; i < n; i++) {
        if (isnan(logs[i]))
            continue;
        count++;
        mean_x += ((double)i - mean_x) / count;
        mean_y += (logs[i] - mean_y) / count;
    }
    if (count < IPM_BASELINE_SESSIONS)
        return NAN;
    double xx = 0;
    double xy = 0;
    double left = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)i - mean_x;
        if (!isnan(logs[i])) {
            xx += x * x;
            xy += x * (logs[i] - mean_y);
        }
    }
    double slope = xy / xx;
    for (size_t i = 0; i < n; i++) {
        double off = logs[i] - mean_y - slope * ((double)i - mean_x);
        left += isnan(off) ? 0 : off * off;
    }
    double error = fmax(sqrt(left / (count - 2)), IPM_BASELINE_RESOLUTION) / sqrt(xx);
    *out_p = 2 * ipm_student_tail(fabs(slope) / error, count - 2);
    return slope * (double)(n - 1);
}

static bool whole(const struct ipm_baseline_case *given, size_t point)
{
    for (size_t i = 0; i < given->n; i++) {
        if (isnan(given->series[point].baseline[i]))
            return false;
    }
    return !given->points[point].control;
}

int ipm_baseline_drift(const struct ipm_baseline_case *given,
                       struct ipm_baseline_result *result)
{
    ipm_auto_free double *logs = calloc(2 * given->n, sizeof(*logs));
    ipm_auto_free double *p = malloc(given->n_points * sizeof(*p));
    if (logs == NULL || p == NULL)
        return -ENOMEM;
    double *common = logs + given->n;
    size_t n_common = 0;
    size_t tested = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        struct ipm_baseline_finding *own = &result->findings[i];
        bool counts = whole(given, i);
        n_common += counts;
        for (size_t k = 0; k < given->n; k++) {
            logs[k] = log(given->series[i].baseline[k]);
            common[k] += counts ? logs[k] : 0;
        }
        own->drift = trend(logs, given->n, &own->p_drift);
        if (!isnan(own->p_drift))
            p[tested++] = own->p_drift;
    }
    if (tested > 0 && ipm_holm(p, tested, p) != 0)
        return -ENOMEM;
    tested = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        if (!isnan(result->findings[i].p_drift))
            result->findings[i].p_drift = p[tested++];
    }
    for (size_t k = 0; k < given->n; k++)
        common[k] /= (double)n_common; /* NaN where no point is in all sessions */
    result->drift = trend(common, given->n, &result->p_drift);
    return 0;
}

/* By how many times the scatter an effect must be above the margin to be called with
 * IPM_BASELINE_POWER, at the first step of Holm's correction: the quantiles of level and power
 * added, which is within a few percent of the noncentral t. */
static double reach(double alpha, size_t n, size_t m)
{
    double freedom = (double)(n + m - 2);
    if (n + m < 3)
        return INFINITY;
    return (ipm_student(ipm_baseline_freedom(freedom, m), 1 - 2 * alpha) +
            ipm_student(freedom, 2 * IPM_BASELINE_POWER - 1)) *
           sqrt(1 / (double)n + 1 / (double)m);
}

/* Reaches by sessions, NaN where not yet known: points share them. */
struct reaches {
    double alpha;
    double known[IPM_BASELINE_NEEDS_M + 1][IPM_BASELINE_NEEDS_N + 1];
};

static bool enough(struct reaches *reaches, size_t n, size_t m, double most)
{
    double *known = &reaches->known[m][n];
    if (isnan(*known))
        *known = reach(reaches->alpha, n, m);
    return *known <= most;
}

/* The fewest sessions of the candidate, and with these of the baseline, whose reach is at most
 * @most; it falls as either grows. */
static void set_needs(struct reaches *reaches, double most,
                      struct ipm_baseline_finding *own)
{
    size_t m = own->m;
    while (m <= IPM_BASELINE_NEEDS_M && !enough(reaches, IPM_BASELINE_NEEDS_N, m, most))
        m++;
    if (m > IPM_BASELINE_NEEDS_M)
        return;
    size_t low = IPM_BASELINE_SESSIONS;
    size_t high = IPM_BASELINE_NEEDS_N;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (enough(reaches, middle, m, most))
            high = middle;
        else
            low = middle + 1;
    }
    own->needs_n = high;
    own->needs_m = m;
}

void ipm_baseline_power(const struct ipm_baseline_case *given,
                        struct ipm_baseline_result *result)
{
    double family = fmax(1, (double)result->gate.n_family);
    struct reaches reaches = {.alpha = given->params->alpha / family};
    for (size_t m = 0; m <= IPM_BASELINE_NEEDS_M; m++) {
        for (size_t n = 0; n <= IPM_BASELINE_NEEDS_N; n++)
            reaches.known[m][n] = NAN;
    }
    size_t last_n = 0;
    size_t last_m = 0;
    double now = NAN;
    for (size_t i = 0; i < given->n_points; i++) {
        struct ipm_baseline_finding *own = &result->findings[i];
        double margin = result->gate.findings[i].margin;
        if (isnan(own->error))
            continue;
        if (own->n != last_n || own->m != last_m)
            now = reach(reaches.alpha, own->n, own->m);
        last_n = own->n;
        last_m = own->m;
        double scatter = own->error / sqrt(1 / (double)own->n + 1 / (double)own->m);
        own->least_effect = margin + now * scatter;
        set_needs(&reaches, (ipm_baseline_smallest(given, i) - margin) / scatter, own);
    }
}
