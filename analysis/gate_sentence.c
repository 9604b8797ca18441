/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_sentence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ipm_gate_percent(char text[IPM_GATE_PERCENT], double logarithm)
{
    double percent = 100 * expm1(logarithm);
    if (isnan(percent))
        return "?";
    (void)snprintf(text, IPM_GATE_PERCENT,
                   fabs(percent) < 99.5 ? "%+.2g %%" : "%+.3g %%", percent);
    return text;
}

/* "+5.1 % [+4.2 %, +6.0 %]" */
static void put_effect(char *text, size_t size, const struct ipm_estimate *effect)
{
    char value[IPM_GATE_PERCENT];
    char low[IPM_GATE_PERCENT];
    char high[IPM_GATE_PERCENT];
    (void)snprintf(text, size, "%s [%s, %s]", ipm_gate_percent(value, effect->value),
                   ipm_gate_percent(low, effect->low),
                   ipm_gate_percent(high, effect->high));
}

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

static void say_undecided(const struct ipm_gate *gate, size_t point,
                          struct ipm_gate_finding *finding, const char *effect)
{
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    char upper[IPM_GATE_PERCENT];
    double interest = ipm_gate_smallest_effect(gate, point);
    (void)ipm_gate_percent(margin, finding->margin);
    (void)ipm_gate_percent(smallest, interest);
    if (finding->unstable)
        say(finding->reason, IPM_GATE_REASON,
            "unstable: %s, but B costs more in %.0f %% of the blocks only: "
            "look for two modes",
            effect, 100 * finding->superiority);
    else if (isnan(finding->upper))
        say(finding->reason, IPM_GATE_REASON,
            "%s: %zu blocks are too few for an interval", effect, finding->effect.n);
    else if (finding->effect.high < interest)
        say(finding->reason, IPM_GATE_REASON,
            "%s: not above the margin of %s, but with what two builds of one "
            "source differ by it may be %s, and %s is of interest",
            effect, margin, ipm_gate_percent(upper, finding->upper), smallest);
    else
        say(finding->reason, IPM_GATE_REASON,
            "%s: not shown to be above the margin of %s, nor below the "
            "smallest effect of %s",
            effect, margin, smallest);
}

static void say_point(const struct ipm_gate *gate, size_t point,
                      struct ipm_gate_finding *finding)
{
    char effect[4 * IPM_GATE_PERCENT];
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    put_effect(effect, sizeof(effect), &finding->effect);
    (void)ipm_gate_percent(margin, finding->margin);
    (void)ipm_gate_percent(smallest, ipm_gate_smallest_effect(gate, point));
    if (finding->verdict == IPM_GATE_ERROR)
        say(finding->reason, IPM_GATE_REASON, "%s", gate->series[point].failure);
    else if (!gate->done)
        say(finding->reason, IPM_GATE_REASON,
            "stopped before its blocks were complete");
    else if (finding->verdict == IPM_GATE_REGRESSION)
        say(finding->reason, IPM_GATE_REASON,
            "%s, above the margin of %s in %zu of %zu blocks (p %.2g after "
            "Holm)",
            effect, margin, finding->n_beyond, finding->effect.n, finding->p_holm);
    else if (finding->verdict == IPM_GATE_ENVIRONMENT)
        say(finding->reason, IPM_GATE_REASON,
            "%s: a control point moved beyond its margin of %s (p %.2g)", effect,
            margin, finding->p_holm);
    else if (gate->points[point].control)
        say(finding->reason, IPM_GATE_REASON,
            "%s: not shown to have moved beyond its margin of %s", effect, margin);
    else if (finding->verdict == IPM_GATE_PASS)
        say(finding->reason, IPM_GATE_REASON, "%s: below the smallest effect of %s",
            effect, smallest);
    else
        say_undecided(gate, point, finding, effect);
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

static void say_warnings(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    size_t controls = 0;
    size_t unknown = 0;
    size_t wide = 0;
    for (size_t i = 0; i < gate->n_points; i++) {
        const struct ipm_gate_point *point = &gate->points[i];
        controls += point->control;
        unknown += isnan(point->noise) ? 1 : 0;
        wide += !point->control &&
                result->findings[i].margin > ipm_gate_smallest_effect(gate, i);
    }
    size_t worse = result->n_changes[IPM_GATE_WORSE];
    size_t better = result->n_changes[IPM_GATE_BETTER];
    if (controls == 0)
        warn(result,
             "no control points: a change of the machine cannot be told from one "
             "of the arms");
    if (unknown > 0)
        warn(result,
             "%zu of %zu points have no A/A noise: their margin is the declared one, "
             "which may be below what two builds of one source differ by",
             unknown, gate->n_points);
    if (wide > 0)
        warn(result,
             "too noisy for the smallest effect, points: %zu: an effect between it "
             "and the margin is never called",
             wide);
    if (worse + better >= IPM_GATE_ONE_SIDED && (worse == 0 || better == 0))
        warn(result,
             "all %zu changes are for the %s: unrelated points seldom change together, "
             "look for one cause outside the code",
             worse + better, worse > 0 ? "worse" : "better");
}

/* The point that the sentence names: of those with the suite's verdict, the one with the
 * largest effect. */
static size_t worst(const struct ipm_gate *gate, const struct ipm_gate_result *result)
{
    size_t found = gate->n_points;
    for (size_t i = 0; i < gate->n_points; i++) {
        const struct ipm_gate_finding *finding = &result->findings[i];
        if (finding->verdict != result->verdict)
            continue;
        if (found == gate->n_points ||
            fabs(finding->effect.value) > fabs(result->findings[found].effect.value))
            found = i;
    }
    return found;
}

static size_t count_tested(const struct ipm_gate_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < IPM_GATE_VERDICTS; i++)
        n += result->n_verdicts[i];
    return n;
}

static void say_suite(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    size_t n = count_tested(result);
    size_t named = worst(gate, result);
    const char *label = named < gate->n_points ? gate->points[named].label : "";
    const char *reason =
        named < gate->n_points ? result->findings[named].reason : gate->disturbance;
    char *text = result->sentence;
    if (result->verdict == IPM_GATE_PASS)
        say(text, IPM_GATE_SENTENCE,
            "each of %zu points was shown to cost less than the smallest "
            "effect of interest more",
            n);
    else if (result->verdict == IPM_GATE_INCONCLUSIVE && !gate->done)
        say(text, IPM_GATE_SENTENCE, "stopped before all was measured");
    else if (result->verdict == IPM_GATE_INCONCLUSIVE)
        say(text, IPM_GATE_SENTENCE,
            "%zu of %zu points are undecided, no regression was shown: %s: %s",
            result->n_verdicts[IPM_GATE_INCONCLUSIVE], n, label, reason);
    else if (result->verdict == IPM_GATE_REGRESSION)
        say(text, IPM_GATE_SENTENCE, "%zu of %zu points cost more: %s: %s",
            result->n_verdicts[IPM_GATE_REGRESSION], n, label, reason);
    else if (result->verdict == IPM_GATE_ERROR)
        say(text, IPM_GATE_SENTENCE, "not measured: %s: %s", label, reason);
    else if (gate->disturbance[0] != '\0')
        say(text, IPM_GATE_SENTENCE, "the machine was disturbed: %s",
            gate->disturbance);
    else
        say(text, IPM_GATE_SENTENCE, "the machine moved: %s: %s", label, reason);
}

void ipm_gate_say(const struct ipm_gate *gate, struct ipm_gate_result *result)
{
    for (size_t i = 0; i < gate->n_points; i++)
        say_point(gate, i, &result->findings[i]);
    say_warnings(gate, result);
    say_suite(gate, result);
}
