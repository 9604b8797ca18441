/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_markdown: a run on the page of a job.
 *
 * What matters most comes first: the answer, what failed, the ladder, the other points, the
 * floors.
 */
#include "analysis/export_parts.h"
#include "analysis/manifest.h"
#include "analysis/markdown.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_POINTS = 200,
    MOST_OTHERS = 40, /* rows of the other tables */
};

static void put_head(FILE *out, const struct ipm_report *report)
{
    const json_t *manifest = report->manifest;
    const size_t *n = report->summary.health.rows;
    const struct ipm_answer *answer = &report->answer;
    const char *const sentences[] = {answer->fastest, answer->effect, answer->limits,
                                     report->rate_words};
    ipm_markdown_put(out, "## ipcmeter: %s\n\n",
                     ipm_manifest_text(manifest, "name", "run without a name"));
    if (ipm_manifest_is_emulated(manifest))
        (void)fputs("**EMULATED machine: it shows that things are counted, not what "
                    "hardware costs.**\n\n",
                    out);
    if (report->table.torn || report->table.n_bad > 0)
        ipm_markdown_put(
            out, "**The records are damaged: lines that are no records: %zu%s.**\n\n",
            report->table.n_bad,
            report->table.torn ? "; the last line is torn and was dropped" : "");
    if (json_is_true(json_object_get(manifest, "interrupted")))
        (void)fputs("**The run was interrupted: this is what there is.**\n\n", out);
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (sentences[i] == NULL || sentences[i][0] == '\0')
            continue;
        ipm_markdown_sentence(out, sentences[i]);
    }
    ipm_markdown_put(
        out, "%s, Linux %s, environment %s. ",
        ipm_manifest_text(manifest, "host.cpu_model", "CPU unknown"),
        ipm_manifest_text(manifest, "host.kernel", "of an unknown version"),
        ipm_manifest_text(manifest, "environment_before.grade", "not checked"));
    ipm_markdown_put(
        out,
        "%zu of %zu invocations ok, %zu failed, %zu invalid, %zu skipped; the machine "
        "changed in %zu.\n\n",
        n[IPM_ROW_OK], n[IPM_ROW_OK] + n[IPM_ROW_FAILED], n[IPM_ROW_FAILED],
        n[IPM_ROW_INVALID], n[IPM_ROW_SKIPPED], report->summary.health.regime_changed);
}

static int put_failures(struct ipm_markdown_rows *rows, const struct ipm_report *report)
{
    ipm_markdown_begin(rows, MOST_OTHERS);
    for (size_t i = 0; i < report->table.n_rows; i++) {
        const struct ipm_row *row = &report->table.rows[i];
        if (row->status != IPM_ROW_FAILED || !ipm_markdown_has_room(rows))
            continue;
        if (rows->n == 1)
            (void)fputs("### Failed\n\n| point | pass | phase | reason |\n"
                        "|---|---|---|---|\n",
                        rows->out);
        ipm_auto_free char *name = ipm_export_name(&row->factors, NULL);
        struct ipm_markdown_row line;
        if (ipm_markdown_open(&line) != 0)
            return -ENOMEM;
        ipm_markdown_put(line.out, "| %s | %s | %s | %s |\n", name == NULL ? "" : name,
                         row->pass, row->phase, row->reason);
        if (ipm_markdown_close(&line, rows) != 0)
            return -ENOMEM;
    }
    if (rows->n + rows->left_out > 0)
        ipm_markdown_end(rows, "`report.json` has them all");
    return 0;
}

/* What is not at its default, and in no column of its own. */
static void put_other(FILE *out, const struct ipm_factors *factors)
{
    ipm_auto_free char *name = ipm_export_name(factors, NULL);
    const char *at = name;
    for (int slash = 0; at != NULL && slash < 5; slash++)
        at = strchr(at + (slash > 0), '/');
    if (at != NULL && strncmp(at, "/copies=", 8) == 0)
        at = strchr(at + 1, '/');
    ipm_markdown_put(out, " %s |", at == NULL ? "" : at + 1);
}

/* Invocations of the timing pass, and of the first pass where there is none. */
static size_t ok_rows(const struct ipm_point *point)
{
    size_t n = point->n_passes > 0 ? point->passes[0].rows[IPM_ROW_OK] : 0;
    for (size_t i = 0; i < point->n_passes; i++) {
        if (strcmp(point->passes[i].pass, "timing") == 0)
            n = point->passes[i].rows[IPM_ROW_OK];
    }
    return n;
}

static int put_point(struct ipm_markdown_rows *rows, const struct ipm_point *point)
{
    if (!ipm_markdown_has_room(rows))
        return 0;
    const struct ipm_factors *factors = &point->factors;
    const struct ipm_figure *p50 = ipm_point_figure(point, "p50_ns");
    char size_text[IPM_UNITS_TEXT] = "-";
    char number[IPM_UNITS_TEXT];
    char time[IPM_ESTIMATE_TEXT] = "-";
    struct ipm_markdown_row line;
    if (ipm_markdown_open(&line) != 0)
        return -ENOMEM;
    if (factors->size >= 0)
        (void)ipm_format_size(size_text, factors->size);
    if (p50 != NULL)
        (void)ipm_estimate_text(time, &p50->estimate);
    ipm_markdown_put(line.out, "| %s | %s | %s | %s |", factors->mechanism,
                     factors->workload, size_text, ipm_copies_text(factors->copies));
    ipm_markdown_put(line.out, " %s | %s |", factors->wait, factors->placement);
    put_other(line.out, factors);
    (void)fprintf(line.out, " %s |", time);
    (void)fprintf(line.out, " %s |",
                  ipm_format_ns(number, ipm_point_value(point, "p99_ns")));
    (void)fprintf(line.out, " %s |",
                  ipm_format_ns(number, ipm_point_value(point, "cpu_ns_per_message")));
    (void)fprintf(line.out, " %s |",
                  ipm_format_count(number, ipm_point_value(point, "messages_per_s")));
    (void)fprintf(line.out, " %zu |\n", ok_rows(point));
    return ipm_markdown_close(&line, rows);
}

static bool in_ladder(const struct ipm_ladder *ladder, const struct ipm_point *point)
{
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        if (ladder->rungs[i].point == point)
            return true;
    }
    return false;
}

static int put_points(struct ipm_markdown_rows *rows, const struct ipm_report *report)
{
    const struct ipm_summary *summary = &report->summary;
    const struct ipm_ladder *ladder = &report->ladder;
    if (summary->n_points == 0)
        return 0;
    ipm_markdown_begin(rows, MOST_POINTS);
    (void)fputs("### Points\n\nMedians over invocations, [...] a 95 % interval; of a "
                "stream p50 and p99 are of the time between messages.  The ladder "
                "comes first, fastest first.\n\n"
                "| mechanism | workload | size | copies | wait | placement | other | "
                "p50 | p99 | CPU/message | messages/s | n |\n"
                "|---|---|--:|--:|---|---|---|--:|--:|--:|--:|--:|\n",
                rows->out);
    int error = 0;
    for (size_t i = 0; i < ladder->n_rungs && error == 0; i++)
        error = put_point(rows, ladder->rungs[i].point);
    for (int floors = 0; floors < 2; floors++) {
        for (size_t i = 0; i < summary->n_points && error == 0; i++) {
            const struct ipm_point *point = &summary->points[i];
            if (point->floor == (floors == 1) && !in_ladder(ladder, point))
                error = put_point(rows, point);
        }
    }
    ipm_markdown_end(rows, "`ipcmeter export --format csv` has them all");
    return error;
}

static int put_energy(struct ipm_markdown_rows *rows, const struct ipm_energy *energy)
{
    ipm_markdown_begin(rows, MOST_OTHERS);
    if (energy->n_rows == 0)
        return 0;
    (void)fputs("### Joules of a message beyond rest\n\n"
                "| point | domain | whose | uJ a message | reason |\n"
                "|---|---|---|--:|---|\n",
                rows->out);
    for (size_t i = 0; i < energy->n_rows; i++) {
        const struct ipm_energy_row *row = &energy->rows[i];
        const struct ipm_estimate *cost = &row->message_uj;
        if (!ipm_markdown_has_room(rows))
            continue;
        ipm_auto_free char *name = ipm_export_name(&row->point->factors, NULL);
        struct ipm_markdown_row line;
        if (ipm_markdown_open(&line) != 0)
            return -ENOMEM;
        char value[3 * IPM_EXPORT_NUMBER] = "-";
        if (!isnan(cost->low))
            (void)snprintf(value, sizeof(value), "%.3g [%.3g, %.3g]", cost->value,
                           cost->low, cost->high);
        else if (!isnan(cost->value))
            (void)snprintf(value, sizeof(value), "%.3g [?]", cost->value);
        ipm_markdown_put(line.out, "| %s | %s | %s |", name == NULL ? "" : name,
                         row->domain,
                         row->provenance[0] == '\0' ? "mixed" : row->provenance);
        (void)fprintf(line.out, " %s |", value);
        ipm_markdown_put(line.out, " %s |\n", row->reason);
        if (ipm_markdown_close(&line, rows) != 0)
            return -ENOMEM;
    }
    ipm_markdown_end(rows, "`ipcmeter export --format csv` has them all");
    return 0;
}

struct reason {
    const char *text;
    size_t n;
};

static int by_number(const void *a, const void *b)
{
    const struct reason *left = a;
    const struct reason *right = b;
    return left->n != right->n ? (left->n < right->n) - (left->n > right->n)
                               : strcmp(left->text, right->text);
}

/* Adds reasons to @counts: text to number. */
static int count_reasons(json_t *counts, const char *reason)
{
    json_int_t n = json_integer_value(json_object_get(counts, reason));
    return json_object_set_new(counts, reason, json_integer(n + 1));
}

/* Why combinations were not measured, the most frequent reason first. */
static int put_skips(struct ipm_markdown_rows *rows, const struct ipm_report *report)
{
    static const char *const lists[] = {"skips", "dropped"};
    ipm_auto_json json_t *counts = json_object();
    int error = counts == NULL ? -1 : 0;
    for (size_t list = 0; list < 2 && error == 0; list++) {
        size_t i;
        json_t *skip;
        json_array_foreach(json_object_get(report->manifest, lists[list]), i, skip)
            error |= count_reasons(counts, ipm_member_text(skip, "reason"));
    }
    for (size_t i = 0; i < report->table.n_rows && error == 0; i++) {
        if (report->table.rows[i].status == IPM_ROW_SKIPPED)
            error = count_reasons(counts, report->table.rows[i].reason);
    }
    size_t n = 0;
    ipm_auto_free struct reason *reasons =
        calloc(json_object_size(counts) + 1, sizeof(*reasons));
    if (error != 0 || reasons == NULL)
        return -ENOMEM;
    const char *text;
    json_t *number;
    json_object_foreach(counts, text, number) reasons[n++] =
        (struct reason){text, (size_t)json_integer_value(number)};
    if (n == 0)
        return 0;
    qsort(reasons, n, sizeof(*reasons), by_number);
    ipm_markdown_begin(rows, MOST_OTHERS);
    (void)fputs("### Not measured\n\n| combinations | reason |\n|--:|---|\n",
                rows->out);
    for (size_t i = 0; i < n; i++) {
        if (ipm_markdown_has_room(rows))
            ipm_markdown_put(rows->out, "| %zu | %s |\n", reasons[i].n,
                             reasons[i].text[0] == '\0' ? "no reason is recorded"
                                                        : reasons[i].text);
    }
    ipm_markdown_end(rows, "`report.json` has them all");
    return 0;
}

int ipm_export_markdown(const struct ipm_report *report, FILE *out,
                        struct ipm_export_losses *losses)
{
    (void)losses;
    const json_t *manifest = report->manifest;
    if (report->summary.n_points == 0 &&
        json_array_size(json_object_get(manifest, "skips")) == 0 &&
        json_array_size(json_object_get(manifest, "dropped")) == 0)
        return IPM_EXPORT_NOTHING;
    struct ipm_markdown_rows rows = {.out = out};
    put_head(out, report);
    int error = put_failures(&rows, report);
    if (error == 0)
        error = put_points(&rows, report);
    if (error == 0)
        error = put_energy(&rows, &report->energy);
    return error != 0 ? error : put_skips(&rows, report);
}
