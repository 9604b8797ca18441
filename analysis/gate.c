/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_parts.h"
#include "analysis/significance.h"
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_gate_arm_names[2] = {"a", "b"};
const char *const ipm_gate_stage_names[IPM_GATE_STAGES] = {"screen", "confirm"};
const char *const ipm_gate_verdict_names[IPM_GATE_VERDICTS] = {
    "pass", "regression", "inconclusive", "environment", "error"};
const char *const ipm_gate_change_names[IPM_GATE_CHANGES] = {"none", "worse", "better"};

const struct ipm_gate_params ipm_gate_defaults = {
    .screen_blocks = 6,
    .confirm_blocks = 32,
    .looks = 3,
    .screen_limit = 0.01,
    .margin = 0.02,
    .smallest_effect = 0.05,
    .noise_factor = 3,
    .alpha = 0.01,
    .q = 0.05,
    .level = 0.95,
    .superiority = 0.75,
    .seed = 1,
};

static void begin_round(struct ipm_gate *gate)
{
    size_t kept = 0;
    for (size_t i = 0; i < gate->n_points; i++) {
        struct ipm_gate_series *series = &gate->series[i];
        if (gate->stage == IPM_GATE_CONFIRM && (!series->goes_on || series->settled))
            continue;
        gate->order[kept++] = i;
        series->b_first = gate->round % 2 == 0 ? ipm_random_below(&gate->random, 2) == 1
                                               : !series->b_first;
    }
    gate->n_order = kept;
    ipm_random_shuffle(&gate->random, gate->order, kept);
    gate->at = 0;
    gate->place = 0;
}

int ipm_gate_new(const struct ipm_gate_params *params,
                 const struct ipm_gate_point *points, size_t n_points,
                 struct ipm_gate **out_gate, struct ipm_why *why)
{
    int error = ipm_gate_check(params, points, n_points, why);
    if (error != 0)
        return error;
    if (isnan(ipm_sign_test(1, 1)))
        return ipm_why_set(why, -ENOTSUP,
                           "built without GSL: there are no exact tests");
    size_t per_point = params->screen_blocks + params->looks * params->confirm_blocks;
    struct ipm_gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL)
        return ipm_why_set(why, -ENOMEM, "gate: ");
    gate->points = calloc(n_points, sizeof(*gate->points));
    gate->series = calloc(n_points, sizeof(*gate->series));
    gate->blocks = calloc(n_points * per_point, sizeof(*gate->blocks));
    gate->order = calloc(n_points, sizeof(*gate->order));
    if (gate->points == NULL || gate->series == NULL || gate->blocks == NULL ||
        gate->order == NULL) {
        ipm_gate_free(gate);
        return ipm_why_set(why, -ENOMEM, "gate: ");
    }
    gate->params = *params;
    gate->n_points = n_points;
    gate->n_order = n_points;
    gate->random = params->seed;
    memcpy(gate->points, points, n_points * sizeof(*points));
    for (size_t i = 0; i < n_points; i++) {
        struct ipm_gate_series *series = &gate->series[i];
        series->blocks[IPM_GATE_SCREEN] = gate->blocks + i * per_point;
        series->blocks[IPM_GATE_CONFIRM] =
            series->blocks[IPM_GATE_SCREEN] + params->screen_blocks;
    }
    begin_round(gate);
    *out_gate = gate;
    return 0;
}

void ipm_gate_free(struct ipm_gate *gate)
{
    if (gate == NULL)
        return;
    free(gate->points);
    free(gate->series);
    free(gate->blocks);
    free(gate->order);
    free(gate);
}

/* What the screen says of one point.  Return: 0; -ENOMEM. */
static int screen(struct ipm_gate *gate, size_t point, bool *out_goes_on)
{
    struct ipm_gate_series *series = &gate->series[point];
    const struct ipm_gate_point *what = &gate->points[point];
    double values[IPM_GATE_BLOCKS_MOST];
    size_t n = series->n_blocks[IPM_GATE_SCREEN];
    *out_goes_on = false;
    if (series->failure[0] != '\0')
        return 0;
    int error = ipm_gate_effect(gate, point, IPM_GATE_SCREEN, &series->screened);
    if (error != 0)
        return error;
    for (size_t i = 0; i < n; i++)
        values[i] = series->blocks[IPM_GATE_SCREEN][i].d;
    ipm_sort(values, n);
    double median = ipm_quantile(values, n, 0.5);
    double margin = ipm_gate_margin(gate, point);
    if (what->control) {
        *out_goes_on = fabs(median) > margin;
        return 0;
    }
    series->suspect = median > log1p(gate->params.screen_limit);
    *out_goes_on =
        series->suspect || median < -margin ||
        !ipm_gate_equivalent(gate, point, IPM_GATE_SCREEN, &series->screened);
    return 0;
}

/* All control points are confirmed beside whatever is: that is when they are needed. */
static int choose(struct ipm_gate *gate)
{
    bool any = false;
    for (size_t i = 0; i < gate->n_points; i++) {
        int error = screen(gate, i, &gate->series[i].goes_on);
        if (error != 0)
            return error;
        any = any || gate->series[i].goes_on;
    }
    for (size_t i = 0; i < gate->n_points; i++) {
        struct ipm_gate_series *series = &gate->series[i];
        series->goes_on = series->goes_on || (any && gate->points[i].control &&
                                              series->failure[0] == '\0');
    }
    return 0;
}

/* What was called or passes needs no more blocks; control points go on beside the others. */
static int settle(struct ipm_gate *gate, bool *out_all)
{
    struct ipm_gate_result result;
    int error = ipm_gate_judge(gate, &result);
    if (error != 0)
        return error;
    *out_all = true;
    for (size_t i = 0; i < gate->n_points; i++) {
        const struct ipm_gate_finding *finding = &result.findings[i];
        struct ipm_gate_series *series = &gate->series[i];
        if (gate->points[i].control || series->failure[0] != '\0')
            continue;
        series->settled = series->settled || ipm_gate_called(gate, finding) ||
                          finding->verdict == IPM_GATE_PASS;
        *out_all = *out_all && series->settled;
    }
    ipm_gate_result_fini(&result);
    return 0;
}

/* Up to the end of the screen, or of the look that goes on. */
static size_t rounds_of(const struct ipm_gate *gate)
{
    return gate->stage == IPM_GATE_SCREEN
               ? gate->params.screen_blocks
               : (gate->look + 1) * gate->params.confirm_blocks;
}

/* Done, until something is found that needs more. */
static void end_round(struct ipm_gate *gate)
{
    bool settled = false;
    if (++gate->round < rounds_of(gate)) {
        begin_round(gate);
        return;
    }
    gate->done = true;
    if (gate->stage == IPM_GATE_SCREEN) {
        gate->starved = choose(gate) != 0;
        gate->stage = IPM_GATE_CONFIRM;
        gate->round = 0;
    } else if (gate->look + 1 == gate->params.looks) {
        return;
    } else {
        gate->starved = settle(gate, &settled) != 0;
        gate->look++;
    }
    if (gate->starved || settled)
        return;
    begin_round(gate);
    gate->done = gate->n_order == 0;
}

int ipm_gate_next(struct ipm_gate *gate, struct ipm_gate_trial *out_trial)
{
    while (!gate->done) {
        if (gate->at == gate->n_order) {
            end_round(gate);
            continue;
        }
        size_t point = gate->order[gate->at];
        const struct ipm_gate_series *series = &gate->series[point];
        if (series->failure[0] != '\0') {
            gate->at++;
            gate->place = 0;
            continue;
        }
        bool outer = gate->place == 0 || gate->place == 3;
        *out_trial = (struct ipm_gate_trial){
            .point = point,
            .arm = outer == series->b_first ? IPM_GATE_B : IPM_GATE_A,
            .stage = gate->stage,
            .block = series->n_blocks[gate->stage],
            .place = gate->place,
            .sequence = gate->sequence,
        };
        return 0;
    }
    return 1;
}

static double difference(const struct ipm_gate_block *block, bool more_is_better)
{
    double outer = log(block->values[0]) + log(block->values[3]);
    double inner = log(block->values[1]) + log(block->values[2]);
    double d = (block->b_first ? outer - inner : inner - outer) / 2;
    return more_is_better ? -d : d;
}

int ipm_gate_record(struct ipm_gate *gate, double value, struct ipm_why *why)
{
    struct ipm_gate_trial trial;
    if (ipm_gate_next(gate, &trial) != 0)
        return ipm_why_set(why, -EINVAL, "nothing more is to be measured");
    const struct ipm_gate_point *point = &gate->points[trial.point];
    if (!(value > 0) || isinf(value))
        return ipm_why_set(why, -EINVAL, "%s: %s of %g has no logarithm", point->label,
                           point->metric, value);
    struct ipm_gate_series *series = &gate->series[trial.point];
    struct ipm_gate_block *block = &series->blocks[trial.stage][trial.block];
    block->values[trial.place] = value;
    if (trial.place == 0) {
        block->sequence = trial.sequence;
        block->b_first = series->b_first;
    }
    gate->sequence++;
    if (++gate->place < IPM_GATE_BLOCK)
        return 0;
    block->d = difference(block, point->more_is_better);
    series->n_blocks[trial.stage]++;
    gate->place = 0;
    gate->at++;
    /* At once, so that a gate that has all its data knows it without being asked. */
    if (gate->at == gate->n_order)
        end_round(gate);
    return 0;
}

void ipm_gate_fail(struct ipm_gate *gate, size_t point, const char *reason)
{
    if (point >= gate->n_points || gate->series[point].failure[0] != '\0')
        return;
    (void)snprintf(gate->series[point].failure, IPM_GATE_REASON, "%s",
                   reason[0] == '\0' ? "failed" : reason);
    struct ipm_gate_trial trial;
    (void)ipm_gate_next(gate, &trial);
}

void ipm_gate_disturbed(struct ipm_gate *gate, const char *reason)
{
    if (gate->disturbance[0] == '\0')
        (void)snprintf(gate->disturbance, IPM_GATE_REASON, "%s",
                       reason[0] == '\0' ? "disturbed" : reason);
}

void ipm_gate_progress(const struct ipm_gate *gate, uint64_t *out_made,
                       uint64_t *out_left)
{
    uint64_t left = 0;
    for (size_t at = gate->at; !gate->done && at < gate->n_order; at++)
        left += gate->series[gate->order[at]].failure[0] == '\0' ? IPM_GATE_BLOCK : 0;
    uint64_t active = 0;
    for (size_t i = 0; i < gate->n_points; i++)
        active += gate->series[i].failure[0] == '\0' && !gate->series[i].settled &&
                  (gate->stage == IPM_GATE_SCREEN || gate->series[i].goes_on);
    if (!gate->done)
        left += active * IPM_GATE_BLOCK * (rounds_of(gate) - gate->round - 1) -
                (left > 0 ? gate->place : 0);
    *out_made = gate->sequence;
    *out_left = left;
}

const struct ipm_gate_point *ipm_gate_point(const struct ipm_gate *gate, size_t point)
{
    return &gate->points[point];
}

const struct ipm_gate_params *ipm_gate_params(const struct ipm_gate *gate)
{
    return &gate->params;
}

const struct ipm_gate_block *ipm_gate_blocks(const struct ipm_gate *gate, size_t point,
                                             enum ipm_gate_stage stage,
                                             size_t *out_n_blocks)
{
    *out_n_blocks = gate->series[point].n_blocks[stage];
    return gate->series[point].blocks[stage];
}
