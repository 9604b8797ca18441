/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_sentence.h"

#include "analysis/gate_phrases.h"

#include <math.h>

static void say_undecided(const struct ipm_gate *gate, size_t point,
                          struct ipm_gate_finding *finding, const char *effect)
{
    if (finding->unstable)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "unstable: %s, but B costs more in %.0f %% of the blocks only: "
                     "look for two modes",
                     effect, 100 * finding->superiority);
    else if (isnan(finding->upper))
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: %zu blocks are too few for an interval", effect,
                     finding->effect.n);
    else
        ipm_gate_say_open(ipm_gate_smallest_effect(gate, point), "", finding);
}

static void say_point(const struct ipm_gate *gate, size_t point,
                      struct ipm_gate_finding *finding)
{
    char text[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    const char *effect = ipm_gate_effect_text(
        text, finding->effect.value, finding->effect.low, finding->effect.high);
    if (finding->verdict != IPM_GATE_ERROR && !gate->done)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "stopped before its blocks were complete");
    else if (finding->verdict == IPM_GATE_REGRESSION)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s, above the margin of %s in %zu of %zu blocks (p %.2g after "
                     "Holm)",
                     effect, ipm_gate_percent(margin, finding->margin),
                     finding->n_beyond, finding->effect.n, finding->p_holm);
    else if (!ipm_gate_say_plain(
                 &gate->points[point], ipm_gate_smallest_effect(gate, point),
                 finding->verdict, gate->series[point].failure, finding))
        say_undecided(gate, point, finding, effect);
}

static void say_warnings(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    size_t controls = 0;
    size_t unknown = 0;
    for (size_t i = 0; i < gate->n_points; i++) {
        controls += gate->points[i].control;
        unknown += isnan(gate->points[i].noise) ? 1 : 0;
    }
    if (controls == 0)
        ipm_gate_warn(result,
                      "no control points: a change of the machine cannot be told from "
                      "one of the arms");
    if (unknown > 0)
        ipm_gate_warn(result,
                      "%zu of %zu points have no A/A noise: their margin is the "
                      "declared one, which may be below what two builds of one source "
                      "differ by",
                      unknown, gate->n_points);
    ipm_gate_warn_plain(&gate->params, gate->points, result);
}

static void say_suite(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    size_t n = ipm_gate_tested(result);
    size_t named = ipm_gate_worst(result);
    const char *label = named < gate->n_points ? gate->points[named].label : "";
    const char *reason =
        named < gate->n_points ? result->findings[named].reason : gate->disturbance;
    char *text = result->sentence;
    if (result->verdict == IPM_GATE_PASS)
        ipm_gate_put(text, IPM_GATE_SENTENCE,
                     "each of %zu points was shown to cost less than the smallest "
                     "effect of interest more",
                     n);
    else if (result->verdict == IPM_GATE_INCONCLUSIVE && !gate->done)
        ipm_gate_put(text, IPM_GATE_SENTENCE, "stopped before all was measured");
    else if (result->verdict == IPM_GATE_INCONCLUSIVE)
        ipm_gate_put(text, IPM_GATE_SENTENCE,
                     "%zu of %zu points are undecided, no regression was shown: %s: %s",
                     result->n_verdicts[IPM_GATE_INCONCLUSIVE], n, label, reason);
    else if (result->verdict == IPM_GATE_REGRESSION)
        ipm_gate_put(text, IPM_GATE_SENTENCE, "%zu of %zu points cost more: %s: %s",
                     result->n_verdicts[IPM_GATE_REGRESSION], n, label, reason);
    else if (result->verdict == IPM_GATE_ERROR)
        ipm_gate_put(text, IPM_GATE_SENTENCE, "not measured: %s: %s", label, reason);
    else if (gate->disturbance[0] != '\0')
        ipm_gate_put(text, IPM_GATE_SENTENCE, "the machine was disturbed: %s",
                     gate->disturbance);
    else
        ipm_gate_put(text, IPM_GATE_SENTENCE, "the machine moved: %s: %s", label,
                     reason);
}

void ipm_gate_say(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    for (size_t i = 0; i < gate->n_points; i++)
        say_point(gate, i, &result->findings[i]);
    say_warnings(gate, result);
    say_suite(gate, result);
}
