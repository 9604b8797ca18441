/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_baseline_parts.h"
#include "analysis/gate_sentence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { EFFECT = 4 * IPM_GATE_PERCENT, NEEDS = 120 };

/* Cut where it does not fit: reasons and labels may be of any length. */
static void say(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, size, format, arguments);
    va_end(arguments);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void put_effect(char text[EFFECT], const struct ipm_estimate *effect)
{
    char value[IPM_GATE_PERCENT];
    char low[IPM_GATE_PERCENT];
    char high[IPM_GATE_PERCENT];
    (void)ipm_gate_percent(value, effect->value);
    if (isnan(effect->low))
        say(text, EFFECT, "%s [?]", value);
    else
        say(text, EFFECT, "%s [%s, %s]", value, ipm_gate_percent(low, effect->low),
            ipm_gate_percent(high, effect->high));
}

static void put_needs(char text[NEEDS], const struct ipm_baseline_case *given,
                      size_t point, const struct ipm_baseline_finding *own)
{
    char smallest[IPM_GATE_PERCENT];
    (void)ipm_gate_percent(smallest, ipm_baseline_smallest(given, point));
    char least[IPM_GATE_PERCENT];
    if (own->needs_m == 0)
        say(text, NEEDS,
            "%s is too little to be seen between sessions here, %s would be", smallest,
            ipm_gate_percent(least, own->least_effect));
    else
        say(text, NEEDS, "to see %s takes %zu sessions against %zu new one%s", smallest,
            own->needs_n, own->needs_m, plural(own->needs_m));
}

static void say_undecided(const struct ipm_baseline_case *given, size_t point,
                          struct ipm_gate_finding *finding,
                          const struct ipm_baseline_finding *own, const char *effect)
{
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    char upper[IPM_GATE_PERCENT];
    char needs[NEEDS];
    double interest = ipm_baseline_smallest(given, point);
    (void)ipm_gate_percent(margin, finding->margin);
    (void)ipm_gate_percent(smallest, interest);
    put_needs(needs, given, point, own);
    if (finding->unstable)
        say(finding->reason, IPM_GATE_REASON,
            "unstable: %s, but only %zu of %zu new sessions are above the margin by "
            "themselves, and %.0f %% of all pairs of a new and an old one cost more",
            effect, finding->n_beyond, own->m, 100 * finding->superiority);
    else if (isnan(finding->upper))
        say(finding->reason, IPM_GATE_REASON,
            "%s: %zu and %zu sessions are too few for an interval", effect, own->n,
            own->m);
    else if (finding->effect.low > finding->margin)
        say(finding->reason, IPM_GATE_REASON,
            "%s: probably above the margin of %s, and not shown (p %.2g after Holm, at "
            "most %g is asked): one more new session tells",
            effect, margin, finding->p_holm, given->params->alpha);
    else if (finding->effect.high < interest)
        say(finding->reason, IPM_GATE_REASON,
            "%s: not above the margin of %s, but with what two builds of one source "
            "differ by it may be %s, and %s is of interest",
            effect, margin, ipm_gate_percent(upper, finding->upper), smallest);
    else
        say(finding->reason, IPM_GATE_REASON,
            "%s: not shown to be above the margin of %s, nor below the smallest effect "
            "of %s; %s",
            effect, margin, smallest, needs);
}

static void say_verdict(const struct ipm_baseline_case *given, size_t point,
                        struct ipm_gate_finding *finding,
                        const struct ipm_baseline_finding *own)
{
    char effect[EFFECT];
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    put_effect(effect, &finding->effect);
    (void)ipm_gate_percent(margin, finding->margin);
    (void)ipm_gate_percent(smallest, ipm_baseline_smallest(given, point));
    if (own->would_be == IPM_GATE_ERROR)
        say(finding->reason, IPM_GATE_REASON, "%s", given->series[point].failure);
    else if (own->would_be == IPM_GATE_REGRESSION)
        say(finding->reason, IPM_GATE_REASON,
            "%s, above the margin of %s by the scatter of %zu sessions (p %.2g after "
            "Holm)",
            effect, margin, own->n, finding->p_holm);
    else if (own->would_be == IPM_GATE_ENVIRONMENT)
        say(finding->reason, IPM_GATE_REASON,
            "%s: a control point moved beyond its margin of %s (p %.2g)", effect,
            margin, finding->p_holm);
    else if (given->points[point].control)
        say(finding->reason, IPM_GATE_REASON,
            "%s: not shown to have moved beyond its margin of %s", effect, margin);
    else if (own->would_be == IPM_GATE_PASS)
        say(finding->reason, IPM_GATE_REASON, "%s: below the smallest effect of %s",
            effect, smallest);
    else
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
    say(finding->reason, IPM_GATE_REASON,
        "advisory, %zu of %d sessions: would be %s: %.240s", own->n,
        IPM_BASELINE_SESSIONS, ipm_gate_verdict_names[own->would_be], kept);
}

static void warn(struct ipm_gate_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct ipm_gate_result *result, const char *format, ...)
{
    if (result->n_warnings == IPM_GATE_WARNINGS)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->warnings[result->n_warnings++], IPM_GATE_REASON, format,
                    arguments);
    va_end(arguments);
}

static bool drifts(const struct ipm_baseline_case *given, double drift, double p)
{
    return p <= IPM_BASELINE_DRIFT && fabs(drift) > log1p(given->params->margin) / 2;
}

static void warn_of_drift(const struct ipm_baseline_case *given,
                          struct ipm_baseline_result *result)
{
    char by[IPM_GATE_PERCENT];
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
        warn(
            &result->gate,
            "the baseline drifts: its sessions' mean cost went by %s from the first to "
            "the last (p %.2g): its mean is not what the machine does now",
            ipm_gate_percent(by, result->drift), result->p_drift);
    if (n > 0)
        warn(&result->gate,
             "%zu point%s drift over the baseline's sessions, %.120s most, by %s from "
             "the first to the last",
             n, plural(n), given->points[most].label,
             ipm_gate_percent(by, result->findings[most].drift));
}

static void say_warnings(const struct ipm_baseline_case *given,
                         struct ipm_baseline_result *result)
{
    struct ipm_gate_result *gate = &result->gate;
    size_t controls = 0;
    size_t wide = 0;
    size_t short_of = 0;
    for (size_t i = 0; i < given->n_points; i++) {
        controls += given->points[i].control;
        wide += !given->points[i].control &&
                gate->findings[i].margin > ipm_baseline_smallest(given, i);
        short_of += !result->advisory && result->findings[i].advisory;
    }
    size_t worse = gate->n_changes[IPM_GATE_WORSE];
    size_t better = gate->n_changes[IPM_GATE_BETTER];
    if (controls == 0)
        warn(gate, "no control points: a change of the machine cannot be told from one "
                   "of the code (sweep floor_syscall and floor_memcpy, too)");
    warn_of_drift(given, result);
    if (given->m == 1 && gate->n_verdicts[IPM_GATE_REGRESSION] > 0)
        warn(gate, "the new result is one session: measure a second one and give both "
                   "before anybody is sent to look for a cause");
    if (short_of > 0)
        warn(gate,
             "%zu point%s fewer than %d sessions in the baseline, and no verdict but "
             "inconclusive",
             short_of, short_of == 1 ? " has" : "s have", IPM_BASELINE_SESSIONS);
    if (wide > 0)
        warn(gate,
             "%zu points are too noisy for the smallest effect: an effect between it "
             "and the margin is never called",
             wide);
    if (worse + better >= IPM_GATE_ONE_SIDED && (worse == 0 || better == 0))
        warn(gate,
             "all %zu changes are for the %s: unrelated points seldom change together, "
             "look for one cause outside the code",
             worse + better, worse > 0 ? "worse" : "better");
}

/* The point that the sentence names: of those with the suite's verdict, the one with the
 * largest effect. */
static size_t worst(const struct ipm_baseline_case *given,
                    const struct ipm_gate_result *result)
{
    size_t found = given->n_points;
    for (size_t i = 0; i < given->n_points; i++) {
        const struct ipm_gate_finding *finding = &result->findings[i];
        if (finding->verdict != result->verdict)
            continue;
        if (found == given->n_points ||
            fabs(finding->effect.value) > fabs(result->findings[found].effect.value))
            found = i;
    }
    return found;
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
    say(result->gate.sentence, IPM_GATE_SENTENCE,
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
    size_t n = 0;
    size_t named = worst(given, gate);
    for (size_t i = 0; i < IPM_GATE_VERDICTS; i++)
        n += gate->n_verdicts[i];
    const char *label = named < given->n_points ? given->points[named].label : "";
    const char *reason = named < given->n_points ? gate->findings[named].reason : "";
    char *text = gate->sentence;
    if (gate->verdict == IPM_GATE_ERROR)
        say(text, IPM_GATE_SENTENCE, "not measured: %s: %s", label, reason);
    else if (result->advisory)
        say_advisory(given, result);
    else if (gate->verdict == IPM_GATE_PASS)
        say(text, IPM_GATE_SENTENCE,
            "each of %zu points was shown to cost less than the smallest effect of "
            "interest more than in %zu sessions of the baseline",
            n, given->n);
    else if (gate->verdict == IPM_GATE_INCONCLUSIVE)
        say(text, IPM_GATE_SENTENCE,
            "%zu of %zu points are undecided, no regression was shown: %s: %s",
            gate->n_verdicts[IPM_GATE_INCONCLUSIVE], n, label, reason);
    else if (gate->verdict == IPM_GATE_REGRESSION)
        say(text, IPM_GATE_SENTENCE, "%zu of %zu points cost more: %s: %s",
            gate->n_verdicts[IPM_GATE_REGRESSION], n, label, reason);
    else
        say(text, IPM_GATE_SENTENCE, "the machine moved: %s: %s", label, reason);
}

void ipm_baseline_say(const struct ipm_baseline_case *given,
                      struct ipm_baseline_result *result)
{
    for (size_t i = 0; i < given->n_points; i++)
        say_point(given, i, &result->gate.findings[i], &result->findings[i]);
    say_warnings(given, result);
    say_suite(given, result);
}
