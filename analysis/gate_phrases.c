/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_phrases.h"

#include "analysis/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

const char *ipm_gate_percent(char text[IPM_GATE_PERCENT], double logarithm)
{
    double percent = 100 * expm1(logarithm);
    if (isnan(percent))
        return "?";
    (void)snprintf(text, IPM_GATE_PERCENT,
                   fabs(percent) < 99.5 ? "%+.2g %%" : "%+.3g %%", percent);
    return text;
}

const char *ipm_gate_effect_text(char text[IPM_GATE_EFFECT], double value, double low,
                                 double high)
{
    char percent[IPM_GATE_PERCENT];
    char from[IPM_GATE_PERCENT];
    char to[IPM_GATE_PERCENT];
    if (isnan(value))
        return "-";
    (void)ipm_gate_percent(percent, value);
    if (isnan(low) || isnan(high))
        (void)snprintf(text, IPM_GATE_EFFECT, "%s [?]", percent);
    else
        (void)snprintf(text, IPM_GATE_EFFECT, "%s [%s, %s]", percent,
                       ipm_gate_percent(from, low), ipm_gate_percent(to, high));
    return text;
}

void ipm_gate_put(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, size, format, arguments);
    va_end(arguments);
}

void ipm_gate_warn(struct ipm_gate_result *result, const char *format, ...)
{
    if (result->n_warnings == IPM_GATE_WARNINGS)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->warnings[result->n_warnings++], IPM_GATE_REASON, format,
                    arguments);
    va_end(arguments);
}

double ipm_gate_interest(const struct ipm_gate_params *params,
                         const struct ipm_gate_point *point)
{
    double own = point->smallest_effect;
    return log1p(isnan(own) ? params->smallest_effect : own);
}

static const char *effect_of(char text[IPM_GATE_EFFECT],
                             const struct ipm_gate_finding *finding)
{
    const struct ipm_estimate *effect = &finding->effect;
    return ipm_gate_effect_text(text, effect->value, effect->low, effect->high);
}

bool ipm_gate_say_plain(const struct ipm_gate_point *point, double interest,
                        enum ipm_gate_verdict verdict, const char *failure,
                        struct ipm_gate_finding *finding)
{
    char text[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    const char *effect = effect_of(text, finding);
    (void)ipm_gate_percent(margin, finding->margin);
    if (verdict == IPM_GATE_ERROR)
        ipm_gate_put(finding->reason, IPM_GATE_REASON, "%s", failure);
    else if (verdict == IPM_GATE_ENVIRONMENT)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: a control point moved beyond its margin of %s (p %.2g)",
                     effect, margin, finding->p_holm);
    else if (point->control)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: not shown to have moved beyond its margin of %s", effect,
                     margin);
    else if (verdict == IPM_GATE_PASS)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: below the smallest effect of %s", effect,
                     ipm_gate_percent(smallest, interest));
    else
        return false;
    return true;
}

void ipm_gate_say_open(double interest, const char *more,
                       struct ipm_gate_finding *finding)
{
    char text[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    char smallest[IPM_GATE_PERCENT];
    char upper[IPM_GATE_PERCENT];
    const char *effect = effect_of(text, finding);
    (void)ipm_gate_percent(margin, finding->margin);
    (void)ipm_gate_percent(smallest, interest);
    if (finding->effect.high < interest)
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: not above the margin of %s, but with what two builds of one "
                     "source differ by it may be %s, and %s is of interest",
                     effect, margin, ipm_gate_percent(upper, finding->upper), smallest);
    else
        ipm_gate_put(finding->reason, IPM_GATE_REASON,
                     "%s: not shown to be above the margin of %s, nor below the "
                     "smallest effect of %s%s%s",
                     effect, margin, smallest, more[0] == '\0' ? "" : "; ", more);
}

void ipm_gate_warn_plain(const struct ipm_gate_params *params,
                         const struct ipm_gate_point *points,
                         struct ipm_gate_result *result)
{
    size_t wide = 0;
    for (size_t i = 0; i < result->n_findings; i++)
        wide += !points[i].control &&
                result->findings[i].margin > ipm_gate_interest(params, &points[i]);
    size_t worse = result->n_changes[IPM_GATE_WORSE];
    size_t better = result->n_changes[IPM_GATE_BETTER];
    char text[IPM_TEXT_COUNT];
    if (wide > 0)
        ipm_gate_warn(result,
                      "%s too noisy for the smallest effect: an effect between it and "
                      "the margin is never called",
                      ipm_text_count(text, (double)wide, "point is", "points are"));
    if (worse + better >= IPM_GATE_ONE_SIDED && (worse == 0 || better == 0))
        ipm_gate_warn(result,
                      "all %zu changes are for the %s: unrelated points seldom change "
                      "together, look for one cause outside the code",
                      worse + better, worse > 0 ? "worse" : "better");
}

size_t ipm_gate_worst(const struct ipm_gate_result *result)
{
    size_t found = result->n_findings;
    for (size_t i = 0; i < result->n_findings; i++) {
        const struct ipm_gate_finding *finding = &result->findings[i];
        if (finding->verdict != result->verdict)
            continue;
        if (found == result->n_findings ||
            fabs(finding->effect.value) > fabs(result->findings[found].effect.value))
            found = i;
    }
    return found;
}

size_t ipm_gate_tested(const struct ipm_gate_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < IPM_GATE_VERDICTS; i++)
        n += result->n_verdicts[i];
    return n;
}
