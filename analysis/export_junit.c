/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_junit: JUnit XML as Jenkins' junit-4.xsd and junit-10.xsd both take it.
 *
 * A point is a test case: failed when an invocation of it failed, skipped when none was made.
 * So is each combination that the plan skipped or the budget dropped.  Those grammars have
 * properties of a suite alone: what a point's figures are stands in its system-out.
 */
#include "analysis/export_parts.h"
#include "analysis/html.h"
#include "analysis/manifest.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct counts {
    size_t tests, failures, skipped;
    double seconds;
};

/* What is written before the counts are known. */
struct cases {
    FILE *out;
    struct counts counts;
    size_t energy; /* the next row of the energy, which has the points' order */
};

static void open_case(struct cases *cases, const char *workload, const char *mechanism,
                      const char *name, double seconds)
{
    cases->counts.tests++;
    cases->counts.seconds += seconds;
    ipm_html_put(cases->out, "  <testcase classname=\"%s.%s\" name=\"%s\"", workload,
                 mechanism, name);
    (void)fprintf(cases->out, " time=\"%.6f\">\n", seconds);
}

static void close_case(struct cases *cases)
{
    (void)fputs("  </testcase>\n", cases->out);
}

static void put_skipped(struct cases *cases, const char *reason)
{
    cases->counts.skipped++;
    ipm_html_put(cases->out, "   <skipped message=\"%s\"/>\n",
                 reason[0] == '\0' ? "no reason is recorded" : reason);
}

/* "NAME = VALUE UNIT [LOW, HIGH] n=N, PASS, PROVENANCE (REASON)" */
static void put_estimate(FILE *out, const struct ipm_estimate *estimate,
                         const char *unit, const char *pass, const char *provenance,
                         const char *reason)
{
    char text[IPM_EXPORT_NUMBER];
    if (isnan(estimate->value)) {
        ipm_html_put(out, " = none (%s)\n", reason);
        return;
    }
    ipm_html_put(out, " = %s", ipm_export_number(text, estimate->value));
    ipm_html_put(out, unit[0] != '\0' ? " %s" : "%s", unit);
    if (!isnan(estimate->low)) {
        ipm_html_put(out, " [%s, ", ipm_export_number(text, estimate->low));
        ipm_html_put(out, "%s]", ipm_export_number(text, estimate->high));
    }
    ipm_html_put(out, " n=%zu, %s", estimate->n, pass);
    if (provenance[0] != '\0')
        ipm_html_put(out, ", %s", provenance);
    if (reason[0] != '\0')
        ipm_html_put(out, " (%s)", reason);
    (void)fputc('\n', out);
}

static void put_figures(struct cases *cases, const struct ipm_point *point,
                        const struct ipm_energy *energy)
{
    FILE *out = cases->out;
    (void)fputs("   <system-out>", out);
    for (size_t i = 0; i < point->n_figures; i++) {
        const struct ipm_figure *figure = &point->figures[i];
        if (isnan(figure->estimate.value))
            continue;
        ipm_html_put(out, "%s", figure->name);
        put_estimate(out, &figure->estimate, figure->unit, figure->pass,
                     figure->provenance, ipm_export_reason(figure));
    }
    for (size_t *at = &cases->energy;
         *at < energy->n_rows && energy->rows[*at].point == point; (*at)++) {
        const struct ipm_energy_row *row = &energy->rows[*at];
        struct ipm_export_joules joules[IPM_EXPORT_JOULES];
        ipm_export_joules(row, joules);
        for (size_t k = 0; k < IPM_EXPORT_JOULES; k++) {
            const struct ipm_estimate *estimate = joules[k].estimate;
            ipm_html_put(out, "energy_%s_%s", row->domain, joules[k].name);
            put_estimate(out, estimate, joules[k].unit, "energy", row->provenance,
                         isnan(estimate->value) ? row->reason : estimate->reason);
        }
    }
    (void)fputs("</system-out>\n", out);
}

static void put_failure(struct cases *cases, const struct ipm_row *row, size_t failed,
                        size_t tried)
{
    const char *phase = row->phase[0] == '\0' ? "failed" : row->phase;
    cases->counts.failures++;
    ipm_html_put(cases->out,
                 "   <failure type=\"%s\" message=\"%zu of %zu invocations failed: "
                 "%s\"/>\n",
                 phase, failed, tried, row->reason);
}

static void put_point(struct cases *cases, const struct ipm_report *report,
                      const struct ipm_point *point, const char *name,
                      const struct ipm_row *const *rows, size_t n)
{
    const struct ipm_row *failed = NULL;
    const struct ipm_row *skipped = NULL;
    size_t counts[IPM_ROW_STATUSES] = {0};
    double seconds = 0;
    for (size_t i = 0; i < n; i++) {
        if (ipm_export_repeats(rows, i))
            continue;
        counts[rows[i]->status]++;
        seconds += (double)rows[i]->elapsed_ns / 1e9;
        if (rows[i]->status == IPM_ROW_FAILED && failed == NULL)
            failed = rows[i];
        if (rows[i]->status == IPM_ROW_SKIPPED && skipped == NULL)
            skipped = rows[i];
    }
    open_case(cases, point->factors.workload, point->factors.mechanism, name, seconds);
    if (failed != NULL)
        put_failure(cases, failed, counts[IPM_ROW_FAILED],
                    counts[IPM_ROW_FAILED] + counts[IPM_ROW_OK]);
    else if (counts[IPM_ROW_OK] == 0)
        put_skipped(cases,
                    skipped != NULL ? skipped->reason : "every invocation was invalid");
    if (ipm_export_measured(point))
        put_figures(cases, point, &report->energy);
    close_case(cases);
}

static int64_t integer_of(const json_t *skip, const char *key)
{
    int64_t value = -1;
    (void)ipm_json_get_integer(skip, key, &value, NULL);
    return value;
}

/* Members of a skip that are no factors, or stand in a name by themselves. */
static bool is_named(const char *key)
{
    static const char *const named[] = {"sweep",
                                        "reason",
                                        "workload",
                                        "mechanism",
                                        "size",
                                        "copies",
                                        "wait",
                                        "placement",
                                        "placement_class",
                                        "touch",
                                        "depth",
                                        "batch",
                                        "reply_size",
                                        "policy",
                                        "rate",
                                        "cpus",
                                        "options",
                                        "background_cpus",
                                        "memory_node_resolved"};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (strcmp(key, named[i]) == 0)
            return true;
    }
    return false;
}

static void put_options(FILE *out, const json_t *object, bool all, bool *first)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!all && is_named(key))
            continue;
        ipm_auto_free char *text =
            json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = json_is_string(value) ? json_string_value(value) : text;
        (void)fprintf(out, "%s%s=%s", *first ? "" : " ", key,
                      shown == NULL ? "" : shown);
        *first = false;
    }
}

/* The name of a combination of the plan; the caller's. */
static char *skip_name(const json_t *skip)
{
    ipm_auto_free char *options = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&options, &size);
    if (out == NULL)
        return NULL;
    bool first = true;
    put_options(out, skip, false, &first);
    put_options(out, json_object_get(skip, "options"), true, &first);
    if (fclose(out) != 0)
        return NULL;
    ipm_auto_free char *placement =
        json_dumps(json_object_get(skip, "placement"), JSON_ENCODE_ANY | JSON_COMPACT);
    bool word = json_is_string(json_object_get(skip, "placement"));
    const struct ipm_factors factors = {
        .workload = ipm_member_text(skip, "workload"),
        .mechanism = ipm_member_text(skip, "mechanism"),
        .placement = word                ? ipm_member_text(skip, "placement")
                     : placement != NULL ? placement
                                         : "",
        .placement_class = "",
        .wait = ipm_member_text(skip, "wait"),
        .touch = ipm_member_text(skip, "touch"),
        .policy = ipm_member_text(skip, "policy"),
        .rate = ipm_member_text(skip, "rate"),
        .options = options,
        .size = integer_of(skip, "size"),
        .copies = integer_of(skip, "copies"),
        .depth = integer_of(skip, "depth"),
        .batch = integer_of(skip, "batch"),
        .reply_size = integer_of(skip, "reply_size"),
    };
    return ipm_export_name(&factors, NULL);
}

/* Two sweeps may skip the same for the same reason: that is one case. */
static int put_skips(struct cases *cases, const json_t *skips, json_t *seen)
{
    size_t i;
    json_t *skip;
    json_array_foreach(skips, i, skip)
    {
        ipm_auto_free char *name = skip_name(skip);
        const char *reason = ipm_member_text(skip, "reason");
        if (name == NULL)
            return -ENOMEM;
        ipm_auto_json json_t *key = json_sprintf("%s\n%s", name, reason);
        if (key == NULL)
            return -ENOMEM;
        if (json_object_get(seen, json_string_value(key)) != NULL)
            continue;
        if (json_object_set_new(seen, json_string_value(key), json_true()) != 0)
            return -ENOMEM;
        open_case(cases, ipm_member_text(skip, "workload"),
                  ipm_member_text(skip, "mechanism"), name, 0);
        put_skipped(cases, reason);
        close_case(cases);
    }
    return 0;
}

static void put_property(FILE *out, const char *name, const char *value)
{
    if (value[0] != '\0')
        ipm_html_put(out, "   <property name=\"%s\" value=\"%s\"/>\n", name, value);
}

static void put_head(FILE *out, const struct ipm_report *report,
                     const struct counts *counts)
{
    const json_t *manifest = report->manifest;
    const char *name = ipm_manifest_text(manifest, "name", "");
    char seed[32] = "";
    const json_t *number = json_object_get(manifest, "seed");
    if (json_is_integer(number))
        (void)snprintf(seed, sizeof(seed), "%lld",
                       (long long)json_integer_value(number));
    (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    ipm_html_put(out, "<testsuites name=\"ipcmeter\" tests=\"%zu\" failures=\"%zu\" ",
                 counts->tests, counts->failures);
    (void)fprintf(out, "errors=\"0\" time=\"%.6f\">\n", counts->seconds);
    ipm_html_put(out, " <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" ",
                 name[0] == '\0' ? "run without a name" : name, counts->tests,
                 counts->failures);
    ipm_html_put(out, "errors=\"0\" skipped=\"%zu\" timestamp=\"%s\" ", counts->skipped,
                 ipm_manifest_text(manifest, "started", ""));
    (void)fprintf(out, "time=\"%.6f\">\n  <properties>\n", counts->seconds);
    put_property(out, "ipcmeter.version", ipm_manifest_text(manifest, "version", ""));
    put_property(out, "ipcmeter.build", ipm_manifest_text(manifest, "build", ""));
    put_property(out, "seed", seed);
    put_property(out, "cpu", ipm_manifest_text(manifest, "host.cpu_model", ""));
    put_property(out, "kernel", ipm_manifest_text(manifest, "host.kernel", ""));
    put_property(out, "environment",
                 ipm_manifest_text(manifest, "environment_before.grade", ""));
    put_property(out, "emulated", ipm_manifest_is_emulated(manifest) ? "yes" : "no");
    put_property(out, "answer.fastest", report->answer.fastest);
    put_property(out, "answer.effect", report->answer.effect);
    put_property(out, "answer.limits", report->answer.limits);
    (void)fputs("  </properties>\n", out);
}

static int put_cases(struct cases *cases, const struct ipm_report *report,
                     struct ipm_export_losses *losses)
{
    const struct ipm_summary *summary = &report->summary;
    ipm_auto_export_names struct ipm_export_names names = {0};
    ipm_auto_export_rows struct ipm_export_rows rows = {0};
    ipm_auto_json json_t *seen = json_object();
    if (seen == NULL || ipm_export_names_make(summary, &names) != 0 ||
        ipm_export_rows_make(&report->table, &rows) != 0)
        return -ENOMEM;
    losses->long_names = names.cut;
    for (size_t i = 0; i < summary->n_points; i++) {
        size_t n = 0;
        const struct ipm_row *const *of_point =
            ipm_export_rows_of(&rows, &summary->points[i], &n);
        put_point(cases, report, &summary->points[i], names.list[i], of_point, n);
    }
    int error = put_skips(cases, json_object_get(report->manifest, "skips"), seen);
    return error != 0
               ? error
               : put_skips(cases, json_object_get(report->manifest, "dropped"), seen);
}

int ipm_export_junit(const struct ipm_report *report, FILE *out,
                     struct ipm_export_losses *losses)
{
    ipm_auto_free char *text = NULL;
    size_t size = 0;
    struct cases cases = {.out = open_memstream(&text, &size)};
    if (cases.out == NULL)
        return -ENOMEM;
    int error = put_cases(&cases, report, losses);
    if (fclose(cases.out) != 0 || error != 0)
        return -ENOMEM;
    if (cases.counts.tests == 0)
        return IPM_EXPORT_NOTHING;
    put_head(out, report, &cases.counts);
    (void)fwrite(text, 1, size, out);
    (void)fputs(" </testsuite>\n</testsuites>\n", out);
    return 0;
}
