/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_baseline.h"

#include "analysis/gate_baseline_parts.h"
#include "analysis/gate_noise.h"
#include "analysis/gate_phrases.h"
#include "analysis/significance.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double ipm_baseline_smallest(const struct ipm_baseline_case *given, size_t point)
{
    return ipm_gate_interest(given->params, &given->points[point]);
}

double ipm_baseline_freedom(double freedom, size_t m)
{
    return fmin(freedom, (double)(m * IPM_BASELINE_FREEDOM));
}

static double margin_of(const struct ipm_baseline_case *given, size_t point)
{
    double declared = log1p(given->params->margin);
    double noise = given->points[point].noise;
    return isnan(noise) ? declared
                        : fmax(declared, given->params->noise_factor * noise);
}

/* Count and mean of the logarithms that are there; adds their squares about it. */
static size_t take(const double *values, size_t n, double *out_mean, double *squares)
{
    size_t known = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            sum += log(values[i]);
            known++;
        }
    }
    *out_mean = known > 0 ? sum / (double)known : NAN;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i]))
            *squares += (log(values[i]) - *out_mean) * (log(values[i]) - *out_mean);
    }
    return known;
}

/* Sessions of the candidate that are by themselves above the baseline's mean by the margin. */
static size_t count_beyond(const struct ipm_baseline_case *given, size_t point,
                           double mean, double margin)
{
    size_t beyond = 0;
    for (size_t k = 0; k < given->m; k++) {
        double value = given->series[point].candidate[k];
        beyond += !isnan(value) && log(value) - mean > margin;
    }
    return beyond;
}

/* Share of the pairs of sessions in which the candidate's costs more, equal ones by half. */
static double superiority_of(const struct ipm_baseline_case *given,
                             const struct ipm_baseline_series *series)
{
    double pairs = 0;
    double above = 0;
    for (size_t i = 0; i < given->n; i++) {
        for (size_t k = 0; k < given->m; k++) {
            double old = series->baseline[i];
            double new = series->candidate[k];
            if (isnan(old) || isnan(new))
                continue;
            pairs++;
            above += new > old ? 1 : new < old ? 0 : 0.5;
        }
    }
    return pairs > 0 ? above / pairs : NAN;
}

static void find(const struct ipm_baseline_case *given, size_t point,
                 struct ipm_gate_finding *finding, struct ipm_baseline_finding *own)
{
    const struct ipm_baseline_series *series = &given->series[point];
    double old = NAN;
    double new = NAN;
    double squares = 0;
    *own = (struct ipm_baseline_finding){.scatter = NAN,
                                         .error = NAN,
                                         .least_effect = NAN,
                                         .drift = NAN,
                                         .p_drift = NAN};
    own->n = take(series->baseline, given->n, &old, &squares);
    own->m = take(series->candidate, given->m, &new, &squares);
    *finding = (struct ipm_gate_finding){
        .stage = IPM_GATE_CONFIRM,
        .effect =
            {.value = new - old, .low = NAN, .high = NAN, .level = NAN, .n = own->n},
        .upper = NAN,
        .margin = margin_of(given, point),
        .p = NAN,
        .p_holm = NAN,
        .p_change = NAN,
        .p_listed = NAN,
        .superiority = superiority_of(given, series),
    };
    finding->n_beyond = count_beyond(given, point, old, finding->margin);
    if (own->n + own->m > 2 && own->n > 0 && own->m > 0) {
        own->freedom = (double)(own->n + own->m - 2);
        own->scatter = sqrt(squares / own->freedom);
    } else {
        (void)snprintf(finding->effect.reason, sizeof(finding->effect.reason),
                       "too few: %zu and %zu sessions", own->n, own->m);
    }
}

/* The typical scatter of a mechanism's points, what few sessions lose put back.  @room: for
 * all points; 0: none is known. */
static double typical(const struct ipm_baseline_case *given,
                      const struct ipm_baseline_finding *findings, size_t like,
                      double *room)
{
    const char *mechanism = given->series[like].mechanism;
    const char *metric = given->points[like].metric;
    size_t used = 0;
    double lost = NAN; /* of this many degrees, which nearly all points have */
    double freedom = NAN;
    for (size_t i = 0; i < given->n_points; i++) {
        if (strcmp(given->series[i].mechanism, mechanism) != 0 ||
            strcmp(given->points[i].metric, metric) != 0 || isnan(findings[i].scatter))
            continue;
        if (findings[i].freedom != freedom)
            lost = ipm_root_mean_square_median((size_t)findings[i].freedom);
        freedom = findings[i].freedom;
        room[used++] = findings[i].scatter / lost;
    }
    ipm_sort(room, used);
    return used > 0 ? ipm_quantile(room, used, 0.5) : 0;
}

static bool same_family(const struct ipm_baseline_case *given, size_t a, size_t b)
{
    return strcmp(given->series[a].mechanism, given->series[b].mechanism) == 0 &&
           strcmp(given->points[a].metric, given->points[b].metric) == 0;
}

/* Standard errors.  Points of one mechanism mostly stand together. */
static int set_errors(const struct ipm_baseline_case *given,
                      struct ipm_baseline_finding *findings)
{
    ipm_auto_free double *room = malloc(given->n_points * sizeof(*room));
    double usual = 0;
    if (room == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < given->n_points; i++) {
        struct ipm_baseline_finding *own = &findings[i];
        if (i == 0 || !same_family(given, i - 1, i))
            usual = typical(given, findings, i, room);
        if (isnan(own->scatter))
            continue;
        double shrunk =
            sqrt(ipm_gate_noise_moderated(own->scatter, own->freedom, usual));
        double scatter = fmax(fmax(own->scatter, shrunk), IPM_BASELINE_RESOLUTION);
        own->error = scatter * sqrt(1 / (double)own->n + 1 / (double)own->m);
    }
    return 0;
}

static void test(const struct ipm_baseline_case *given, size_t point,
                 struct ipm_gate_finding *finding,
                 const struct ipm_baseline_finding *own)
{
    struct ipm_estimate *effect = &finding->effect;
    if (isnan(own->error))
        return;
    double arm = own->error * ipm_student(own->freedom, given->params->level);
    effect->level = given->params->level;
    effect->low = effect->value - arm;
    effect->high = effect->value + arm;
    finding->upper = effect->high;
    double noise = given->points[point].noise;
    if (!isnan(noise))
        finding->upper =
            fmax(effect->high,
                 effect->value + ipm_normal_reach(given->params->level) * noise);
    if (given->series[point].failure != NULL)
        return;
    double freedom = ipm_baseline_freedom(own->freedom, own->m);
    double worse =
        ipm_student_tail((effect->value - finding->margin) / own->error, freedom);
    double better =
        ipm_student_tail((-effect->value - finding->margin) / own->error, freedom);
    finding->p = worse;
    finding->p_change = fmin(1, 2 * fmin(worse, better));
}

/* Adjusts the p-values of the points under test, or of the control points, together.  @from and
 * @to are offsets of members of a finding. */
static int adjust(const struct ipm_baseline_case *given,
                  struct ipm_gate_finding *findings, bool controls,
                  int (*how)(const double *p, size_t n, double *out), size_t from,
                  size_t to, size_t *out_n)
{
    ipm_auto_free double *p = malloc(given->n_points * sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        double value = *(double *)((char *)&findings[i] + from);
        if (given->points[i].control == controls && !isnan(value))
            p[n++] = value;
    }
    if (n > 0 && how(p, n, p) != 0)
        return -ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        double value = *(double *)((char *)&findings[i] + from);
        if (given->points[i].control == controls && !isnan(value))
            *(double *)((char *)&findings[i] + to) = p[at++];
    }
    *out_n = n;
    return 0;
}

static int adjust_all(const struct ipm_baseline_case *given,
                      struct ipm_gate_result *result)
{
    size_t p = offsetof(struct ipm_gate_finding, p);
    size_t p_holm = offsetof(struct ipm_gate_finding, p_holm);
    size_t p_change = offsetof(struct ipm_gate_finding, p_change);
    size_t p_listed = offsetof(struct ipm_gate_finding, p_listed);
    size_t n = 0;
    int error =
        adjust(given, result->findings, false, ipm_holm, p, p_holm, &result->n_family);
    if (error == 0)
        error = adjust(given, result->findings, true, ipm_holm, p_change, p_holm, &n);
    if (error == 0)
        error = adjust(given, result->findings, false, ipm_benjamini_hochberg, p_change,
                       p_listed, &n);
    return error;
}

static void decide(const struct ipm_baseline_case *given, size_t point,
                   struct ipm_gate_finding *finding, struct ipm_baseline_finding *own)
{
    const struct ipm_gate_point *what = &given->points[point];
    bool called = finding->p_holm <= given->params->alpha;
    if (finding->p_listed <= given->params->q)
        finding->change = finding->effect.value > 0 ? IPM_GATE_WORSE : IPM_GATE_BETTER;
    finding->suspect = finding->effect.value > finding->margin;
    finding->unstable = called && !what->control &&
                        (finding->superiority < given->params->superiority ||
                         finding->n_beyond < own->m);
    if (given->series[point].failure != NULL)
        own->would_be = IPM_GATE_ERROR;
    else if (what->control)
        own->would_be = called ? IPM_GATE_ENVIRONMENT : IPM_GATE_PASS;
    else if (called)
        own->would_be = finding->unstable ? IPM_GATE_INCONCLUSIVE : IPM_GATE_REGRESSION;
    else if (finding->upper < ipm_baseline_smallest(given, point))
        own->would_be = IPM_GATE_PASS;
    else
        own->would_be = IPM_GATE_INCONCLUSIVE;
    own->advisory = own->n < IPM_BASELINE_SESSIONS && own->would_be != IPM_GATE_ERROR;
    finding->verdict = own->advisory ? IPM_GATE_INCONCLUSIVE : own->would_be;
}

/* Of what stands in the way of a claim, the worse thing first. */
static enum ipm_gate_verdict overall(const struct ipm_baseline_case *given,
                                     const struct ipm_baseline_result *result)
{
    bool error = false;
    bool moved = false;
    for (size_t i = 0; i < given->n_points; i++) {
        enum ipm_gate_verdict verdict = result->gate.findings[i].verdict;
        error = error || verdict == IPM_GATE_ERROR;
        moved = moved || verdict == IPM_GATE_ENVIRONMENT;
    }
    if (error)
        return IPM_GATE_ERROR;
    if (result->advisory)
        return IPM_GATE_INCONCLUSIVE;
    if (moved)
        return IPM_GATE_ENVIRONMENT;
    if (result->gate.n_verdicts[IPM_GATE_REGRESSION] > 0)
        return IPM_GATE_REGRESSION;
    return result->gate.n_verdicts[IPM_GATE_INCONCLUSIVE] > 0 ? IPM_GATE_INCONCLUSIVE
                                                              : IPM_GATE_PASS;
}

static int estimate_shift(const struct ipm_baseline_case *given,
                          struct ipm_gate_result *result)
{
    ipm_auto_free double *effects = malloc(given->n_points * sizeof(*effects));
    if (effects == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        if (!given->points[i].control && isfinite(result->findings[i].effect.value))
            effects[n++] = result->findings[i].effect.value;
    }
    ipm_estimate_median(effects, n, given->params->level, &result->shift);
    return 0;
}

static int work(const struct ipm_baseline_case *given,
                struct ipm_baseline_result *result)
{
    struct ipm_gate_finding *findings = result->gate.findings;
    size_t n = given->n_points;
    for (size_t i = 0; i < n; i++)
        find(given, i, &findings[i], &result->findings[i]);
    int error = set_errors(given, result->findings);
    if (error != 0)
        return error;
    for (size_t i = 0; i < n; i++)
        test(given, i, &findings[i], &result->findings[i]);
    error = adjust_all(given, &result->gate);
    if (error == 0)
        error = estimate_shift(given, &result->gate);
    if (error == 0)
        error = ipm_baseline_drift(given, result);
    if (error != 0)
        return error;
    for (size_t i = 0; i < n; i++) {
        decide(given, i, &findings[i], &result->findings[i]);
        if (!given->points[i].control) {
            result->gate.n_verdicts[findings[i].verdict]++;
            result->gate.n_changes[findings[i].change]++;
        }
    }
    result->gate.verdict = overall(given, result);
    ipm_baseline_power(given, result);
    ipm_baseline_say(given, result);
    return 0;
}

int ipm_baseline_judge(const struct ipm_gate_params *params,
                       const struct ipm_gate_point *points,
                       const struct ipm_baseline_series *series, size_t n_points,
                       size_t n, size_t m, struct ipm_baseline_result *out_result,
                       struct ipm_why *why)
{
    const struct ipm_baseline_case given = {params, points, series, n_points, n, m};
    size_t tested = 0;
    for (size_t i = 0; i < n_points; i++)
        tested += !points[i].control;
    if (tested == 0)
        return ipm_why_set(why, -EINVAL,
                           "there is no point under test: nothing is compared");
    if (n < 1 || n > IPM_BASELINE_MOST || m < 1 || m > IPM_BASELINE_MOST)
        return ipm_why_set(why, -EINVAL, "%zu and %zu sessions: 1 to %d of each", n, m,
                           IPM_BASELINE_MOST);
    if (isnan(ipm_normal_reach(0.5)))
        return ipm_why_set(why, -ENOTSUP, "built without GSL");
    struct ipm_baseline_result result = {
        .gate = {.findings = calloc(n_points, sizeof(*result.gate.findings)),
                 .n_findings = n_points,
                 .complete = true},
        .findings = calloc(n_points, sizeof(*result.findings)),
        .advisory = n < IPM_BASELINE_SESSIONS,
        .drift = NAN,
        .p_drift = NAN,
    };
    bool room = result.gate.findings != NULL && result.findings != NULL;
    if (!room || work(&given, &result) != 0) {
        ipm_baseline_result_fini(&result);
        return ipm_why_set(why, -ENOMEM, "no memory");
    }
    *out_result = result;
    return 0;
}

void ipm_baseline_result_fini(struct ipm_baseline_result *result)
{
    ipm_gate_result_fini(&result->gate);
    free(result->findings);
    *result = (struct ipm_baseline_result){0};
}
