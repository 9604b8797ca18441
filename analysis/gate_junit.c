/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_junit.h"

#include "analysis/gate_page.h"
#include "analysis/gate_phrases.h"
#include "analysis/html.h"
#include "analysis/junit.h"
#include "base/cleanup.h"

#include <math.h>

static enum ipm_junit_outcome outcome_of(enum ipm_gate_verdict verdict, bool whole)
{
    switch (verdict) {
    case IPM_GATE_PASS:
        return IPM_JUNIT_PASSED;
    case IPM_GATE_REGRESSION:
        return IPM_JUNIT_FAILURE;
    case IPM_GATE_ERROR:
        return IPM_JUNIT_ERROR;
    default:
        return whole ? IPM_JUNIT_ERROR : IPM_JUNIT_SKIPPED;
    }
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
    ipm_html_put(out, "verdict = %s\n", ipm_gate_verdict_names[point->verdict]);
    ipm_html_put(out, "metric = %s\n", point->metric);
    ipm_html_put(out, "effect = %s\n",
                 ipm_gate_effect_text(effect, point->effect, point->low, point->high));
    if (!isnan(point->margin))
        ipm_html_put(out, "margin = %s\n", ipm_gate_percent(margin, point->margin));
    put_number(out, json_object_get(json, "effect"), "blocks");
    put_number(out, json, "beyond");
    put_number(out, json, "p");
    put_number(out, json, "p_holm");
    ipm_html_put(out, "change = %s\n", ipm_member_text(json, "change"));
    ipm_html_put(out, "point = %s\n", ipm_member_text(json, "point"));
    ipm_html_put(out, "reason = %s", point->reason);
}

static void put_point(FILE *out, const struct ipm_gate_page_point *point)
{
    ipm_junit_case(out, "gate", point->label, point->name, point->seconds);
    ipm_junit_outcome(out, outcome_of(point->counts, false),
                      ipm_gate_verdict_names[point->counts], point->reason);
    ipm_junit_text(out);
    put_figures(out, point);
    ipm_junit_text_end(out);
}

static void put_whole(FILE *out, const struct ipm_gate_page *page)
{
    const char *verdict = ipm_gate_verdict_names[page->verdict];
    size_t i;
    json_t *warning;
    ipm_junit_case(out, "gate", NULL, "the gate", NAN);
    ipm_junit_outcome(out, outcome_of(page->verdict, true), verdict, page->sentence);
    ipm_junit_text(out);
    ipm_html_put(out, "%s: %s\n", verdict, page->sentence);
    json_array_foreach(json_object_get(page->document, "warnings"), i, warning)
    {
        if (json_is_string(warning))
            ipm_html_put(out, "warning: %s\n", json_string_value(warning));
    }
    ipm_junit_text_end(out);
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
            ipm_junit_property(out, path, value);
    }
}

/* Runs and builds of a list of sessions: where they lay is no matter elsewhere. */
static void put_sessions(FILE *out, const char *name, const json_t *sessions)
{
    static const char *const keys[] = {"run", "started", "build"};
    size_t i;
    json_t *session;
    json_array_foreach(sessions, i, session)
    {
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            char path[64];
            (void)snprintf(path, sizeof(path), "%s.%zu.%s", name, i, keys[k]);
            ipm_junit_property(out, path, json_object_get(session, keys[k]));
        }
    }
}

static void put_head(FILE *out, const struct ipm_gate_page *page)
{
    static const char *const texts[] = {"method",      "run",      "complete",
                                        "interrupted", "advisory", "calibrated"};
    const json_t *document = page->document;
    ipm_html_put(out, "  <properties>\n   <property name=\"verdict\" value=\"%s\"/>\n",
                 ipm_gate_verdict_names[page->verdict]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ipm_junit_property(out, texts[i], json_object_get(document, texts[i]));
    }
    put_properties(out, "params", json_object_get(document, "params"), 0);
    put_properties(out, "measured", json_object_get(document, "measured"), 2);
    put_sessions(out, "baseline", json_object_get(document, "baseline"));
    put_sessions(out, "new", json_object_get(document, "candidate"));
    (void)fputs("  </properties>\n", out);
}

int ipm_gate_junit(const json_t *document, FILE *out, struct ipm_why *why)
{
    ipm_auto_gate_page struct ipm_gate_page page = {0};
    struct ipm_junit_counts tested = {.seconds = NAN};
    struct ipm_junit_counts controls = {.seconds = NAN};
    int error = ipm_gate_page_make(document, &page, why);
    if (error != 0)
        return error;
    ipm_junit_count(&tested, outcome_of(page.verdict, true), NAN);
    for (size_t i = 0; i < page.n_points; i++)
        ipm_junit_count(i < page.n_tested ? &tested : &controls,
                        outcome_of(page.points[i].counts, false),
                        page.points[i].seconds);
    struct ipm_junit_counts all = tested;
    ipm_junit_add(&all, &controls);
    ipm_junit_open(out, &all);
    ipm_junit_suite(out, "gate", &tested);
    put_head(out, &page);
    put_whole(out, &page);
    for (size_t i = 0; i < page.n_tested; i++)
        put_point(out, &page.points[i]);
    ipm_junit_end(out);
    if (page.n_tested < page.n_points) {
        ipm_junit_suite(out, "gate, control points", &controls);
        for (size_t i = page.n_tested; i < page.n_points; i++)
            put_point(out, &page.points[i]);
        ipm_junit_end(out);
    }
    ipm_junit_close(out);
    return 0;
}
