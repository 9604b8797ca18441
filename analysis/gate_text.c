/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_text.h"

#include "analysis/gate_phrases.h"
#include "analysis/text.h"

/* What is to be seen first. */
static const enum ipm_gate_verdict by_weight[IPM_GATE_VERDICTS] = {
    IPM_GATE_ERROR, IPM_GATE_ENVIRONMENT, IPM_GATE_REGRESSION, IPM_GATE_INCONCLUSIVE,
    IPM_GATE_PASS};

enum { INDENT = 4 };

static void put_line(FILE *out, const char *text)
{
    (void)fprintf(out, "%*s", INDENT, "");
    ipm_text_wrap(out, INDENT, text);
}

static void put_point(FILE *out, const struct ipm_gate_point *point,
                      const struct ipm_gate_finding *finding)
{
    (void)fprintf(out, "  %s  ", ipm_gate_verdict_names[finding->verdict]);
    ipm_text_put(out, point->label);
    (void)fputs("  ", out);
    ipm_text_put(out, point->metric);
    (void)fputc('\n', out);
    put_line(out, finding->reason);
}

static void put_points(FILE *out, const struct ipm_gate_words *words, bool control,
                       bool all)
{
    const struct ipm_gate_result *result = words->result;
    for (size_t w = 0; w < IPM_GATE_VERDICTS; w++) {
        for (size_t i = 0; i < result->n_findings; i++) {
            const struct ipm_gate_point *point = &words->points[i];
            const struct ipm_gate_finding *finding = &result->findings[i];
            if (finding->verdict == by_weight[w] && point->control == control &&
                (all || finding->verdict != IPM_GATE_PASS))
                put_point(out, point, finding);
        }
    }
}

static void put_changes(FILE *out, const struct ipm_gate_words *words)
{
    const struct ipm_gate_result *result = words->result;
    size_t worse = result->n_changes[IPM_GATE_WORSE];
    size_t better = result->n_changes[IPM_GATE_BETTER];
    if (worse + better == 0)
        return;
    (void)fprintf(out,
                  "\nCHANGES  %zu worse, %zu better (false discovery rate %g %%)\n",
                  worse, better, 100 * words->q);
    for (size_t i = 0; i < result->n_findings; i++) {
        const struct ipm_gate_finding *finding = &result->findings[i];
        const struct ipm_estimate *effect = &finding->effect;
        char text[IPM_GATE_EFFECT];
        if (finding->change == IPM_GATE_SAME)
            continue;
        (void)fprintf(
            out, "  %-6s  %s  ", ipm_gate_change_names[finding->change],
            ipm_gate_effect_text(text, effect->value, effect->low, effect->high));
        ipm_text_put(out, words->points[i].label);
        (void)fputc('\n', out);
    }
}

void ipm_gate_text_put(const struct ipm_gate_words *words, bool all, FILE *out)
{
    const struct ipm_gate_result *result = words->result;
    (void)fprintf(out, "VERDICT  %s\n", ipm_gate_verdict_names[result->verdict]);
    put_line(out, result->sentence);
    (void)fputs("\nPOINTS ", out);
    for (size_t w = 0; w < IPM_GATE_VERDICTS; w++) {
        enum ipm_gate_verdict verdict = by_weight[w];
        if (result->n_verdicts[verdict] > 0)
            (void)fprintf(out, "  %zu %s", result->n_verdicts[verdict],
                          ipm_gate_verdict_names[verdict]);
    }
    (void)fputc('\n', out);
    put_points(out, words, false, all);
    (void)fputs("\nCONTROL POINTS\n", out);
    put_points(out, words, true, true);
    put_changes(out, words);
    size_t i;
    const json_t *warning;
    if (result->n_warnings + json_array_size(words->warnings) > 0)
        (void)fputs("\nWARNINGS\n", out);
    for (i = 0; i < result->n_warnings; i++)
        put_line(out, result->warnings[i]);
    json_array_foreach(words->warnings, i, warning)
        put_line(out, json_string_value(warning));
    (void)fputs("\nMETHOD\n", out);
    put_line(out, words->method);
}

static void say_method(char *text, size_t size, const struct ipm_gate *gate,
                       const struct ipm_gate_result *result)
{
    const struct ipm_gate_params *params = ipm_gate_params(gate);
    char shift[IPM_GATE_PERCENT];
    uint64_t made = 0;
    uint64_t left = 0;
    ipm_gate_progress(gate, &made, &left);
    (void)snprintf(
        text, size,
        "%llu invocations in blocks of four (A B B A or B A A B): %zu to "
        "screen a point, "
        "%zu fresh ones to confirm it, and up to %zu times as many where those do not "
        "settle it; tested for a regression: %zu points, by the exact "
        "sign test against the margin, after Holm at %g over %zu looks; "
        "effects are Hodges and Lehmann's, intervals of %g %% by the screen and "
        "%.3g %% afterwards; median effect of all points %s; seed %llu",
        (unsigned long long)made, params->screen_blocks, params->confirm_blocks,
        params->looks, result->n_family, params->alpha, params->looks,
        100 * params->level, 100 * (1 - (1 - params->level) / (double)params->looks),
        ipm_gate_percent(shift, result->shift.value), (unsigned long long)params->seed);
}

void ipm_gate_text(const struct ipm_gate *gate, const struct ipm_gate_result *result,
                   bool all, FILE *out)
{
    char method[2 * IPM_GATE_REASON];
    say_method(method, sizeof(method), gate, result);
    const struct ipm_gate_words words = {.points = ipm_gate_point(gate, 0),
                                         .result = result,
                                         .q = ipm_gate_params(gate)->q,
                                         .method = method};
    ipm_gate_text_put(&words, all, out);
}
