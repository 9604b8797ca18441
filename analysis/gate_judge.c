/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_parts.h"
#include "analysis/gate_phrases.h"
#include "analysis/gate_sentence.h"
#include "analysis/significance.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double ipm_gate_margin(const struct ipm_gate *gate, size_t point)
{
    double declared = log1p(gate->params.margin);
    double noise = gate->points[point].noise;
    return isnan(noise) ? declared : fmax(declared, gate->params.noise_factor * noise);
}

double ipm_gate_smallest_effect(const struct ipm_gate *gate, size_t point)
{
    return ipm_gate_interest(&gate->params, &gate->points[point]);
}

/* Of the intervals of a stage: what is left of 1 - level is for the other looks. */
static double level_of(const struct ipm_gate *gate, enum ipm_gate_stage stage)
{
    double level = gate->params.level;
    return stage == IPM_GATE_SCREEN ? level
                                    : 1 - (1 - level) / (double)gate->params.looks;
}

/* The bound by which a point passes; NaN where the effect has no interval. */
static double upper_of(const struct ipm_gate *gate, size_t point,
                       enum ipm_gate_stage stage, const struct ipm_estimate *effect)
{
    double noise = gate->points[point].noise;
    double reach = ipm_normal_reach(level_of(gate, stage));
    if (isnan(effect->high) || isnan(noise))
        return effect->high;
    return fmax(effect->high, effect->value + reach * noise);
}

bool ipm_gate_equivalent(const struct ipm_gate *gate, size_t point,
                         enum ipm_gate_stage stage, const struct ipm_estimate *effect)
{
    return upper_of(gate, point, stage, effect) < ipm_gate_smallest_effect(gate, point);
}

int ipm_gate_effect(const struct ipm_gate *gate, size_t point,
                    enum ipm_gate_stage stage, struct ipm_estimate *out_effect)
{
    double values[IPM_GATE_BLOCKS_MOST];
    const struct ipm_gate_series *series = &gate->series[point];
    for (size_t i = 0; i < series->n_blocks[stage]; i++)
        values[i] = series->blocks[stage][i].d;
    return ipm_estimate_pseudomedian(values, series->n_blocks[stage],
                                     level_of(gate, stage), out_effect);
}

bool ipm_gate_called(const struct ipm_gate *gate,
                     const struct ipm_gate_finding *finding)
{
    return finding->p_holm <= gate->params.alpha;
}

/* Blocks with d above @limit, or with -d above it. */
static size_t count_beyond(const struct ipm_gate_block *blocks, size_t n, double sign,
                           double limit)
{
    size_t beyond = 0;
    for (size_t i = 0; i < n; i++)
        beyond += sign * blocks[i].d > limit;
    return beyond;
}

static bool is_tested(const struct ipm_gate *gate, size_t point)
{
    const struct ipm_gate_series *series = &gate->series[point];
    return series->failure[0] == '\0' && gate->done && series->goes_on;
}

/* Suspect or not shown to be equivalent: of the possible improvements nobody asks. */
static bool in_family(const struct ipm_gate *gate, size_t point)
{
    const struct ipm_gate_series *series = &gate->series[point];
    return !gate->points[point].control && is_tested(gate, point) &&
           (series->suspect ||
            !ipm_gate_equivalent(gate, point, IPM_GATE_SCREEN, &series->screened));
}

static int find(const struct ipm_gate *gate, size_t point,
                struct ipm_gate_finding *finding)
{
    const struct ipm_gate_series *series = &gate->series[point];
    enum ipm_gate_stage stage = series->goes_on ? IPM_GATE_CONFIRM : IPM_GATE_SCREEN;
    const struct ipm_gate_block *blocks = series->blocks[stage];
    size_t n = series->n_blocks[stage];
    double margin = ipm_gate_margin(gate, point);
    *finding = (struct ipm_gate_finding){
        .stage = stage,
        .suspect = series->suspect,
        .margin = margin,
        .n_beyond = count_beyond(blocks, n, 1, margin),
        .p = NAN,
        .p_holm = NAN,
        .p_change = NAN,
        .p_listed = NAN,
        .superiority = NAN,
    };
    int error = 0;
    if (stage == IPM_GATE_SCREEN && gate->done)
        finding->effect = series->screened;
    else
        error = ipm_gate_effect(gate, point, stage, &finding->effect);
    finding->upper = NAN;
    if (error == 0)
        finding->upper = upper_of(gate, point, stage, &finding->effect);
    if (error != 0 || n == 0 || series->failure[0] != '\0' || !gate->done)
        return error;
    double worse = ipm_sign_test(finding->n_beyond, n);
    double better = ipm_sign_test(count_beyond(blocks, n, -1, margin), n);
    size_t above = count_beyond(blocks, n, 1, 0);
    size_t level = n - above - count_beyond(blocks, n, -1, 0);
    finding->superiority = ((double)above + (double)level / 2) / (double)n;
    finding->p = is_tested(gate, point) ? worse : NAN;
    finding->p_change = fmin(1, 2 * fmin(worse, better));
    return 0;
}

/* Picks points, adjusts their p-values together and for the looks, and puts them back.  @from
 * and @to are offsets of members of a finding. */
static int adjust(const struct ipm_gate *gate, struct ipm_gate_finding *findings,
                  bool (*picks)(const struct ipm_gate *gate, size_t point),
                  int (*how)(const double *p, size_t n, double *out), size_t from,
                  size_t to, size_t *out_n)
{
    ipm_auto_free double *p = malloc(gate->n_points * sizeof(*p));
    if (p == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < gate->n_points; i++) {
        if (picks(gate, i))
            p[n++] = *(double *)((char *)&findings[i] + from);
    }
    int error = how(p, n, p);
    *out_n = n;
    n = 0;
    for (size_t i = 0; error == 0 && i < gate->n_points; i++) {
        if (picks(gate, i))
            *(double *)((char *)&findings[i] + to) =
                fmin(1, (double)gate->params.looks * p[n++]);
    }
    return error;
}

static bool is_listed(const struct ipm_gate *gate, size_t point)
{
    return !gate->points[point].control && gate->done &&
           gate->series[point].failure[0] == '\0';
}

static bool is_control(const struct ipm_gate *gate, size_t point)
{
    return gate->points[point].control && is_tested(gate, point);
}

static int adjust_all(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    size_t p = offsetof(struct ipm_gate_finding, p);
    size_t p_holm = offsetof(struct ipm_gate_finding, p_holm);
    size_t p_change = offsetof(struct ipm_gate_finding, p_change);
    size_t p_listed = offsetof(struct ipm_gate_finding, p_listed);
    size_t n = 0;
    int error = adjust(gate, result->findings, in_family, ipm_holm, p, p_holm,
                       &result->n_family);
    if (error == 0)
        error =
            adjust(gate, result->findings, is_control, ipm_holm, p_change, p_holm, &n);
    if (error == 0)
        error = adjust(gate, result->findings, is_listed, ipm_benjamini_hochberg,
                       p_change, p_listed, &n);
    return error;
}

static void decide(const struct ipm_gate *gate, size_t point,
                   struct ipm_gate_finding *finding)
{
    const struct ipm_gate_series *series = &gate->series[point];
    bool called = ipm_gate_called(gate, finding);
    if (finding->p_listed <= gate->params.q)
        finding->change = finding->effect.value > 0 ? IPM_GATE_WORSE : IPM_GATE_BETTER;
    finding->unstable = called && finding->superiority < gate->params.superiority;
    if (series->failure[0] != '\0')
        finding->verdict = IPM_GATE_ERROR;
    else if (!gate->done)
        finding->verdict = IPM_GATE_INCONCLUSIVE;
    else if (gate->points[point].control)
        finding->verdict = called ? IPM_GATE_ENVIRONMENT : IPM_GATE_PASS;
    else if (called)
        finding->verdict =
            finding->unstable ? IPM_GATE_INCONCLUSIVE : IPM_GATE_REGRESSION;
    else if (ipm_gate_equivalent(gate, point, finding->stage, &finding->effect))
        finding->verdict = IPM_GATE_PASS;
    else
        finding->verdict = IPM_GATE_INCONCLUSIVE;
}

/* Of what stands in the way of a claim, the worse thing first. */
static enum ipm_gate_verdict overall(const struct ipm_gate *gate,
                                     const struct ipm_gate_result *result)
{
    bool error = false;
    bool moved = gate->disturbance[0] != '\0';
    for (size_t i = 0; i < gate->n_points; i++) {
        error = error || result->findings[i].verdict == IPM_GATE_ERROR;
        moved = moved || result->findings[i].verdict == IPM_GATE_ENVIRONMENT;
    }
    if (error)
        return IPM_GATE_ERROR;
    if (moved)
        return IPM_GATE_ENVIRONMENT;
    if (result->n_verdicts[IPM_GATE_REGRESSION] > 0)
        return IPM_GATE_REGRESSION;
    return result->n_verdicts[IPM_GATE_INCONCLUSIVE] > 0 ? IPM_GATE_INCONCLUSIVE
                                                         : IPM_GATE_PASS;
}

static int estimate_shift(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    ipm_auto_free double *effects = malloc(gate->n_points * sizeof(*effects));
    if (effects == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < gate->n_points; i++) {
        if (!gate->points[i].control && isfinite(result->findings[i].effect.value))
            effects[n++] = result->findings[i].effect.value;
    }
    ipm_estimate_median(effects, n, gate->params.level, &result->shift);
    return 0;
}

int ipm_gate_judge(const struct ipm_gate *gate, struct ipm_gate_result *out_result)
{
    struct ipm_gate_result result = {.n_findings = gate->n_points,
                                     .complete = gate->done};
    result.findings = calloc(gate->n_points, sizeof(*result.findings));
    int error = result.findings == NULL || gate->starved ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < gate->n_points; i++)
        error = find(gate, i, &result.findings[i]);
    if (error == 0)
        error = adjust_all(gate, &result);
    if (error == 0)
        error = estimate_shift(gate, &result);
    if (error != 0) {
        ipm_gate_result_fini(&result);
        return error;
    }
    for (size_t i = 0; i < gate->n_points; i++) {
        struct ipm_gate_finding *finding = &result.findings[i];
        decide(gate, i, finding);
        if (!gate->points[i].control) {
            result.n_verdicts[finding->verdict]++;
            result.n_changes[finding->change]++;
        }
    }
    result.verdict = overall(gate, &result);
    ipm_gate_say(gate, &result);
    *out_result = result;
    return 0;
}

void ipm_gate_result_fini(struct ipm_gate_result *result)
{
    free(result->findings);
    *result = (struct ipm_gate_result){0};
}
