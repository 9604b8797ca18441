/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/junit.h"

#include "analysis/html.h"
#include "base/cleanup.h"

#include <math.h>
#include <string.h>

static void add_seconds(double *sum, double more)
{
    if (!isnan(more))
        *sum = isnan(*sum) ? more : *sum + more;
}

void ipm_junit_count(struct ipm_junit_counts *counts, enum ipm_junit_outcome outcome,
                     double seconds)
{
    counts->outcomes[outcome]++;
    add_seconds(&counts->seconds, seconds);
}

void ipm_junit_add(struct ipm_junit_counts *counts, const struct ipm_junit_counts *more)
{
    for (size_t i = 0; i < IPM_JUNIT_OUTCOMES; i++)
        counts->outcomes[i] += more->outcomes[i];
    add_seconds(&counts->seconds, more->seconds);
}

static void put_seconds(FILE *out, double seconds)
{
    if (!isnan(seconds))
        (void)fprintf(out, " time=\"%.6f\"", seconds);
}

static void put_counts(FILE *out, const struct ipm_junit_counts *counts)
{
    const size_t *n = counts->outcomes;
    ipm_html_put(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
                 n[IPM_JUNIT_PASSED] + n[IPM_JUNIT_FAILURE] + n[IPM_JUNIT_ERROR] +
                     n[IPM_JUNIT_SKIPPED],
                 n[IPM_JUNIT_FAILURE], n[IPM_JUNIT_ERROR]);
    put_seconds(out, counts->seconds);
}

void ipm_junit_open(FILE *out, const struct ipm_junit_counts *all)
{
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "
                "name=\"ipcmeter\"",
                out);
    put_counts(out, all);
    (void)fputs(">\n", out);
}

void ipm_junit_close(FILE *out)
{
    (void)fputs("</testsuites>\n", out);
}

void ipm_junit_suite(FILE *out, const char *name, const struct ipm_junit_counts *counts)
{
    ipm_html_put(out, " <testsuite name=\"%s\"", name);
    put_counts(out, counts);
    ipm_html_put(out, " skipped=\"%zu\">\n", counts->outcomes[IPM_JUNIT_SKIPPED]);
}

void ipm_junit_end(FILE *out)
{
    (void)fputs(" </testsuite>\n", out);
}

void ipm_junit_property(FILE *out, const char *name, const json_t *value)
{
    if (value == NULL || json_is_null(value) || json_is_array(value) ||
        json_is_object(value))
        return;
    ipm_html_put(out, "   <property name=\"%s\" value=\"", name);
    ipm_html_value(out, value);
    (void)fputs("\"/>\n", out);
}

/* "workload.mechanism", which a label begins with; readers make a tree of it. */
static void put_class(FILE *out, const char *kind, const char *label)
{
    const char *slash = label == NULL ? NULL : strchr(label, '/');
    const char *end = slash == NULL ? NULL : strchr(slash + 1, '/');
    ipm_auto_free char *class =
        end == NULL ? NULL : strndup(label, (size_t)(end - label));
    if (class != NULL)
        class[slash - label] = '.';
    ipm_html_put(out, "%s", class == NULL ? kind : class);
}

void ipm_junit_case(FILE *out, const char *kind, const char *label, const char *name,
                    double seconds)
{
    (void)fputs("  <testcase classname=\"", out);
    put_class(out, kind, label);
    ipm_html_put(out, "\" name=\"%s\"", name);
    put_seconds(out, seconds);
    (void)fputs(">\n", out);
}

void ipm_junit_outcome(FILE *out, enum ipm_junit_outcome outcome, const char *type,
                       const char *reason)
{
    static const char *const elements[IPM_JUNIT_OUTCOMES] = {
        [IPM_JUNIT_FAILURE] = "failure",
        [IPM_JUNIT_ERROR] = "error",
        [IPM_JUNIT_SKIPPED] = "skipped",
    };
    if (outcome == IPM_JUNIT_PASSED)
        return;
    ipm_html_put(out, "   <%s type=\"%s\" message=\"", elements[outcome], type);
    /* Readers show of a skipped case the message alone. */
    if (outcome == IPM_JUNIT_SKIPPED)
        ipm_html_put(out, "%s: ", type);
    ipm_html_put(out, "%s\"/>\n", reason);
}

void ipm_junit_text(FILE *out)
{
    (void)fputs("   <system-out>", out);
}

void ipm_junit_text_end(FILE *out)
{
    (void)fputs("</system-out>\n  </testcase>\n", out);
}
