/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_baseline_parts.h"
#include "analysis/gate_phrases.h"
#include "analysis/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NEEDS = 120 };

static void put_needs(char text[NEEDS], const struct ipm_baseline_case *given,
                      size_t point, const struct ipm_baseline_finding *own)
{
    char smallest[IPM_GATE_PERCENT];
    (void)ipm_gate_percent(smallest, ipm_baseline_smallest(given, point));
    char least[IPM_GATE_PERCENT];
    if (own->needs_m == 0)
        ipm_gate_put(text, NEEDS,
                     "%s is too little to be seen between sessions here, %s would be",
                     smallest, ipm_gate_percent(least, own->least_effect));
    else
        ipm_gate_put(text, NEEDS, "to see %s takes %zu sessions against %zu new one%s",
                     smallest, own->needs_n, own->needs_m,
                     own->needs_m == 1 ? "" : "s");
}

static void say_undecided(const struct ipm_baseline_case *given, size_t point,
                          struct ipm_gate_finding *finding,
                          const struct ipm_baseline_finding *own, const char *effect)
{
    char margin[IPM_GATE_PERCENT];
    char needs[NEEDS];
    (void)ipm_gate_percent(margin, finding->margin);
    put_needs(needs, given, point, own);
    if (finding->unstable)
        ipm_gate_put(
            finding->reason, IPM_GATE_REASON,
            "unstable: %s, but only %zu of %zu new sessions are above the margin by "
            "themselves, and %.0f %% of all pairs of a new and an old one cost more",
            effect, finding->n_beyond, own->m, 100 * finding->superiority);
    else if (isnan(finding->upper))
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: %zu and %zu sessions are too few for an interval", effect,
                     own->n, own->m);
    else if (finding->effect.low > finding->margin)
        ipm_gate_put(
            finding->reason, IPM_GATE_REASON,
            "%s: probably above the margin of %s, and not shown (p %.2g after Holm, at "
            "most %g is asked): one more new session tells",
            effect, margin, finding->p_holm, given->params->alpha);
    else
        ipm_gate_say_open(ipm_baseline_smallest(given, point), needs, finding);
}

static void say_verdict(const struct ipm_baseline_case *given, size_t point,
                        struct ipm_gate_finding *finding,
                        const struct ipm_baseline_finding *own)
{
    char text[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    const char *effect = ipm_gate_effect_text(
        text, finding->effect.value, finding->effect.low, finding->effect.high);
    if (own->would_be == IPM_GATE_REGRESSION)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s, above the margin of %s by the scatter of %zu sessions (p "
                     "%.2g after Holm)",
                     effect, ipm_gate_percent(margin, finding->margin), own->n,
                     finding->p_holm);
    else if (!ipm_gate_say_plain(&given->points[point],
                                 ipm_baseline_smallest(given, point), own->would_be,
                                 given->series[point].failure, finding))
        say_undecided(given, point, finding, own, effect);
}

static void say_point(const struct ipm_baseline_case *given, size_t point,
                      struct ipm_gate_finding *finding,
                      const struct ipm_baseline_finding *own)
{
    say_verdict(given, point, finding, own);
    if (!own->advisory)
        return;
    char kept[IPM_GATE_REASON];
    (void)memcpy(kept, finding->reason, sizeof(kept));
    ipm_gate_put(finding->reason, IPM_GATE_REASON,
                 "advisory, %zu of %d sessions: would be %s: %.240s", own->n,
                 IPM_BASELINE_SESSIONS, ipm_gate_verdict_names[own->would_be], kept);
}

static bool drifts(const struct ipm_baseline_case *given, double drift, double p)
{
    return p <= IPM_BASELINE_DRIFT && fabs(drift) > log1p(given->params->margin) / 2;
}

static void warn_of_drift(const struct ipm_baseline_case *given,
                          struct ipm_baseline_result *result)
{
    char by[IPM_GATE_PERCENT];
    char count[IPM_TEXT_COUNT];
    size_t n = 0;
    size_t most = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        const struct ipm_baseline_finding *own = &result->findings[i];
        if (!drifts(given, own->drift, own->p_drift))
            continue;
        if (n == 0 || fabs(own->drift) > fabs(result->findings[most].drift))
            most = i;
        n++;
    }
    if (drifts(given, result->drift, result->p_drift))
        ipm_gate_warn(
            &result->gate,
            "the baseline drifts: its sessions' mean cost went by %s from the first to "
            "the last (p %.2g): its mean is not what the machine does now",
            ipm_gate_percent(by, result->drift), result->p_drift);
    if (n > 0)
        ipm_gate_warn(
            &result->gate,
            "%s over the baseline's sessions, %.120s most, by %s from the first to the "
            "last",
            ipm_text_count(count, (double)n, "point drifts", "points drift"),
            given->points[most].label,
            ipm_gate_percent(by, result->findings[most].drift));
}

static void say_warnings(const struct ipm_baseline_case *given,
                         struct ipm_baseline_result *result)
{
    struct ipm_gate_result *gate = &result->gate;
    char count[IPM_TEXT_COUNT];
    size_t controls = 0;
    size_t short_of = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        controls += given->points[i].control;
        short_of += !result->advisory && result->findings[i].advisory;
    }
    if (controls == 0)
        ipm_gate_warn(
            gate, "no control points: a change of the machine cannot be told from one "
                  "of the code (sweep floor_syscall and floor_memcpy, too)");
    warn_of_drift(given, result);
    if (given->m == 1 && gate->n_verdicts[IPM_GATE_REGRESSION] > 0)
        ipm_gate_warn(
            gate, "the new result is one session: measure a second one and give both "
                  "before anybody is sent to look for a cause");
    if (short_of > 0)
        ipm_gate_warn(
            gate,
            "%s fewer than %d sessions in the baseline, and no verdict but "
            "inconclusive",
            ipm_text_count(count, (double)short_of, "point has", "points have"),
            IPM_BASELINE_SESSIONS);
    ipm_gate_warn_plain(given->params, given->points, gate);
}

static void say_advisory(const struct ipm_baseline_case *given,
                         struct ipm_baseline_result *result)
{
    size_t would[IPM_GATE_VERDICTS] = {0};
    size_t moved = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        if (given->points[i].control)
            moved += result->findings[i].would_be == IPM_GATE_ENVIRONMENT;
        else
            would[result->findings[i].would_be]++;
    }
    ipm_gate_put(
        result->gate.sentence, IPM_GATE_SENTENCE,
        "advisory: %zu of %d sessions in the baseline, too few for a verdict; it would "
        "be: %zu regression, %zu inconclusive, %zu pass%s",
        given->n, IPM_BASELINE_SESSIONS, would[IPM_GATE_REGRESSION],
        would[IPM_GATE_INCONCLUSIVE], would[IPM_GATE_PASS],
        moved > 0 ? "; and control points moved" : "");
}

static void say_suite(const struct ipm_baseline_case *given,
                      struct ipm_baseline_result *result)
{
    struct ipm_gate_result *gate = &result->gate;
    size_t n = ipm_gate_tested(gate);
    size_t named = ipm_gate_worst(gate);
    const char *label = named < given->n_points ? given->points[named].label : "";
    const char *reason = named < given->n_points ? gate->findings[named].reason : "";
    char *text = gate->sentence;
    if (gate->verdict == IPM_GATE_ERROR)
        ipm_gate_put(text, IPM_GATE_SENTENCE, "not measured: %s: %s", label, reason);
    else if (result->advisory)
        say_advisory(given, result);
    else if (gate->verdict == IPM_GATE_PASS)
        ipm_gate_put(
            text, IPM_GATE_SENTENCE,
            "each of %zu points was shown to cost less than the smallest effect of "
            "interest more than in %zu sessions of the baseline",
            n, given->n);
    else if (gate->verdict == IPM_GATE_INCONCLUSIVE)
        ipm_gate_put(text, IPM_GATE_SENTENCE,
                     "%zu of %zu points are undecided, no regression was shown: %s: %s",
                     gate->n_verdicts[IPM_GATE_INCONCLUSIVE], n, label, reason);
    else if (gate->verdict == IPM_GATE_REGRESSION)
        ipm_gate_put(text, IPM_GATE_SENTENCE, "%zu of %zu points cost more: %s: %s",
                     gate->n_verdicts[IPM_GATE_REGRESSION], n, label, reason);
    else
        ipm_gate_put(text, IPM_GATE_SENTENCE, "the machine moved: %s: %s", label,
                     reason);
}

void ipm_baseline_say(const struct ipm_baseline_case *given,
                      struct ipm_baseline_result *result)
{
    for (size_t i = 0; i < given->n_points; i++)
        say_point(given, i, &result->gate.findings[i], &result->findings[i]);
    say_warnings(given, result);
    say_suite(given, result);
}
