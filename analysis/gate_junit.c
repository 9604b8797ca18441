/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_junit.h"

#include "analysis/gate_page.h"
#include "analysis/gate_sentence.h"
#include "analysis/html.h"
#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Of a suite, or of all. */
struct counts {
    size_t tests, failures, errors, skipped;
    double seconds; /* NaN: of no case it is known */
};

static void add_seconds(double *sum, double more)
{
    if (!isnan(more))
        *sum = isnan(*sum) ? more : *sum + more;
}

static void count(struct counts *counts, enum ipm_gate_verdict verdict, bool whole,
                  double seconds)
{
    bool error = verdict == IPM_GATE_ERROR ||
                 (whole && verdict != IPM_GATE_PASS && verdict != IPM_GATE_REGRESSION);
    counts->tests++;
    counts->failures += verdict == IPM_GATE_REGRESSION;
    counts->errors += error;
    counts->skipped +=
        verdict != IPM_GATE_PASS && verdict != IPM_GATE_REGRESSION && !error;
    add_seconds(&counts->seconds, seconds);
}

static void put_seconds(FILE *out, double seconds)
{
    if (!isnan(seconds))
        (void)fprintf(out, " time=\"%.6f\"", seconds);
}

static void put_counts(FILE *out, const struct counts *counts)
{
    ipm_html_put(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", counts->tests,
                 counts->failures, counts->errors);
    put_seconds(out, counts->seconds);
}

/* What became of a case.  @verdict is not pass. */
static void put_outcome(FILE *out, enum ipm_gate_verdict verdict, bool whole,
                        const char *reason)
{
    const char *type = ipm_gate_verdict_names[verdict];
    if (verdict == IPM_GATE_REGRESSION)
        ipm_html_put(out, "   <failure type=\"%s\" message=\"%s\"/>\n", type, reason);
    else if (verdict == IPM_GATE_ERROR || whole)
        ipm_html_put(out, "   <error type=\"%s\" message=\"%s\"/>\n", type, reason);
    else
        ipm_html_put(out, "   <skipped type=\"%s\" message=\"%s: %s\"/>\n", type, type,
                     reason);
}

/* "workload.mechanism", which a label begins with. */
static void put_class(FILE *out, const char *label)
{
    const char *slash = strchr(label, '/');
    const char *end = slash == NULL ? NULL : strchr(slash + 1, '/');
    ipm_auto_free char *class =
        end == NULL ? NULL : strndup(label, (size_t)(end - label));
    if (class != NULL)
        class[slash - label] = '.';
    ipm_html_put(out, "%s", class == NULL ? "gate.point" : class);
}

static void put_number(FILE *out, const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    if (json_is_integer(number))
        (void)fprintf(out, "%s = %" JSON_INTEGER_FORMAT "\n", key,
                      json_integer_value(number));
    else if (json_is_real(number))
        (void)fprintf(out, "%s = %.4g\n", key, json_real_value(number));
}

static void put_figures(FILE *out, const struct ipm_gate_page_point *point)
{
    char effect[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    const json_t *json = point->json;
    ipm_html_put(out, "   <system-out>verdict = %s\n",
                 ipm_gate_verdict_names[point->verdict]);
    ipm_html_put(out, "metric = %s\n", point->metric);
    ipm_html_put(out, "effect = %s\n", ipm_gate_page_effect(effect, point));
    if (!isnan(point->margin))
        ipm_html_put(out, "margin = %s\n", ipm_gate_percent(margin, point->margin));
    put_number(out, json_object_get(json, "effect"), "blocks");
    put_number(out, json, "beyond");
    put_number(out, json, "p");
    put_number(out, json, "p_holm");
    ipm_html_put(out, "change = %s\n", ipm_member_text(json, "change"));
    ipm_html_put(out, "point = %s\n", ipm_member_text(json, "point"));
    ipm_html_put(out, "reason = %s</system-out>\n", point->reason);
}

static void put_point(FILE *out, const struct ipm_gate_page_point *point)
{
    (void)fputs("  <testcase classname=\"", out);
    put_class(out, point->label);
    ipm_html_put(out, "\" name=\"%s\"", point->name);
    put_seconds(out, point->seconds);
    (void)fputs(">\n", out);
    if (point->counts != IPM_GATE_PASS)
        put_outcome(out, point->counts, false, point->reason);
    put_figures(out, point);
    (void)fputs("  </testcase>\n", out);
}

static void put_whole(FILE *out, const struct ipm_gate_page *page)
{
    size_t i;
    json_t *warning;
    (void)fputs("  <testcase classname=\"gate\" name=\"the gate\">\n", out);
    if (page->verdict != IPM_GATE_PASS)
        put_outcome(out, page->verdict, true, page->sentence);
    ipm_html_put(out, "   <system-out>%s: %s\n", ipm_gate_verdict_names[page->verdict],
                 page->sentence);
    json_array_foreach(json_object_get(page->document, "warnings"), i, warning)
    {
        if (json_is_string(warning))
            ipm_html_put(out, "warning: %s\n", json_string_value(warning));
    }
    (void)fputs("</system-out>\n  </testcase>\n", out);
}

static void put_property(FILE *out, const char *name, const json_t *value)
{
    if (json_is_null(value) || json_is_array(value) || json_is_object(value))
        return;
    ipm_html_put(out, "   <property name=\"%s\" value=\"", name);
    ipm_html_value(out, value);
    (void)fputs("\"/>\n", out);
}

/* Members of an object, and of the objects in it. */
static void put_properties(FILE *out, const char *name, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        ipm_auto_free char *path = NULL;
        if (asprintf(&path, "%s.%s", name, key) < 0) {
            path = NULL;
            return;
        }
        if (json_is_object(value) && depth > 0)
            put_properties(out, path, value, depth - 1);
        else
            put_property(out, path, value);
    }
}

static void put_head(FILE *out, const struct ipm_gate_page *page)
{
    static const char *const texts[] = {"method", "run", "complete", "interrupted"};
    const json_t *document = page->document;
    ipm_html_put(out, "  <properties>\n   <property name=\"verdict\" value=\"%s\"/>\n",
                 ipm_gate_verdict_names[page->verdict]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const json_t *value = json_object_get(document, texts[i]);
        if (value != NULL)
            put_property(out, texts[i], value);
    }
    put_properties(out, "params", json_object_get(document, "params"), 0);
    put_properties(out, "measured", json_object_get(document, "measured"), 2);
    (void)fputs("  </properties>\n", out);
}

static void open_suite(FILE *out, const char *name, const struct counts *counts)
{
    ipm_html_put(out, " <testsuite name=\"%s\"", name);
    put_counts(out, counts);
    ipm_html_put(out, " skipped=\"%zu\">\n", counts->skipped);
}

int ipm_gate_junit(const json_t *document, FILE *out, struct ipm_why *why)
{
    ipm_auto_gate_page struct ipm_gate_page page = {0};
    struct counts tested = {.seconds = NAN};
    struct counts controls = {.seconds = NAN};
    int error = ipm_gate_page_make(document, &page, why);
    if (error != 0)
        return error;
    count(&tested, page.verdict, true, NAN);
    for (size_t i = 0; i < page.n_points; i++)
        count(page.points[i].control ? &controls : &tested, page.points[i].counts,
              false, page.points[i].seconds);
    struct counts all = tested;
    all.tests += controls.tests;
    all.failures += controls.failures;
    all.errors += controls.errors;
    add_seconds(&all.seconds, controls.seconds);
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "
                "name=\"ipcmeter\"",
                out);
    put_counts(out, &all);
    (void)fputs(">\n", out);
    open_suite(out, "gate", &tested);
    put_head(out, &page);
    put_whole(out, &page);
    for (size_t i = 0; i < page.n_tested; i++)
        put_point(out, &page.points[i]);
    (void)fputs(" </testsuite>\n", out);
    if (controls.tests > 0) {
        open_suite(out, "gate, control points", &controls);
        for (size_t i = page.n_tested; i < page.n_points; i++)
            put_point(out, &page.points[i]);
        (void)fputs(" </testsuite>\n", out);
    }
    (void)fputs("</testsuites>\n", out);
    return 0;
}
