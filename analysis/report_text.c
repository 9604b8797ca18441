/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report_text.h"

#include "analysis/core_map.h"
#include "analysis/manifest.h"
#include "analysis/models/model.h"
#include "analysis/rate_words.h"
#include "analysis/stops.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* mechanism, copies, wait, placement, p50, p99, CPU, rate */
#define ROW "%-16s %6s %-15s %-12s %-21s %-9s %-7s %s"

static void put_head(const struct ipm_report *report, FILE *out)
{
    const json_t *manifest = report->manifest;
    const size_t *rows = report->summary.health.rows;
    size_t skipped =
        rows[IPM_ROW_SKIPPED] + json_array_size(json_object_get(manifest, "skips"));
    const char *cpu = ipm_manifest_text(manifest, "host.cpu_model", "CPU unknown");
    const char *kernel =
        ipm_manifest_text(manifest, "host.kernel", "of an unknown version");
    const char *grade = ipm_manifest_text(manifest, "environment_before.grade", "");

    ipm_text_put(out, ipm_manifest_text(manifest, "name", "run without a name"));
    (void)fputs(": ", out);
    ipm_text_put(out, cpu);
    (void)fputs(", Linux ", out);
    ipm_text_put(out, kernel);
    (void)fputs(", environment ", out);
    ipm_text_put(out, grade[0] == '\0' ? "not checked" : grade);
    if (report->manifest_problem != NULL)
        (void)fprintf(
            out,
            "\nWITHOUT manifest.json (%s): what was asked for and which machine "
            "it was are not known",
            report->manifest_problem);
    if (ipm_manifest_is_emulated(manifest))
        (void)fputs("\nEMULATED machine: it shows that things are counted, not what "
                    "hardware costs",
                    out);
    (void)fprintf(out, "\n%zu of %zu invocations ok, %zu failed, %zu invalid",
                  rows[IPM_ROW_OK], rows[IPM_ROW_OK] + rows[IPM_ROW_FAILED],
                  rows[IPM_ROW_FAILED], rows[IPM_ROW_INVALID]);
    if (rows[IPM_ROW_INVALID] > 0)
        (void)fputs(" (replaced by a later try)", out);
    (void)fprintf(out, ", %zu %s skipped\n\n", skipped,
                  skipped == 1 ? "combination" : "combinations");
}

/* Whether a faster rung stands for this one in a short table: one with another wait, and
 * for a blocking one, which says most about a system that has other work to do, also one
 * that blocks elsewhere. */
static bool outdone(const struct ipm_ladder *ladder, size_t i)
{
    const struct ipm_rung *rung = &ladder->rungs[i];
    bool blocks = strcmp(rung->point->factors.wait, "block") == 0;
    bool by_wait = false;
    bool by_placement = false;
    for (size_t k = 0; k < i; k++) {
        by_wait = by_wait || ipm_rungs_same_but_wait(&ladder->rungs[k], rung);
        by_placement =
            by_placement || ipm_rungs_same_but_placement(&ladder->rungs[k], rung);
    }
    return by_wait && (!blocks || by_placement);
}

/* Cells come from the records: they are cleaned as a whole line. */
static void put_rung(const struct ipm_rung *rung, FILE *out)
{
    const struct ipm_factors *factors = &rung->point->factors;
    bool batches = strcmp(rung->point->sample, "batch") == 0;
    char time[IPM_ESTIMATE_TEXT];
    char tail[IPM_UNITS_TEXT];
    char starred[IPM_UNITS_TEXT + 2];
    char cpu[IPM_UNITS_TEXT];
    char rate[IPM_UNITS_TEXT];
    char line[512];
    (void)snprintf(starred, sizeof(starred), "%s%s",
                   ipm_format_ns(tail, rung->p99->estimate.value), batches ? " *" : "");
    (void)snprintf(line, sizeof(line), ROW, factors->mechanism,
                   ipm_copies_text(factors->copies), factors->wait, factors->placement,
                   ipm_estimate_text(time, &rung->p50->estimate), starred,
                   ipm_format_ns(cpu, rung->cpu->estimate.value),
                   ipm_format_count(rate, rung->rate->estimate.value));
    ipm_text_put(out, line);
    (void)fputc('\n', out);
    if (rung->variant[0] != '\0') {
        (void)fputs("  ", out);
        ipm_text_put(out, rung->variant);
        (void)fputc('\n', out);
    }
}

static void put_ladder(const struct ipm_ladder *ladder, FILE *out)
{
    if (ladder->n_rungs == 0)
        return;
    char size[IPM_UNITS_TEXT];
    (void)fprintf(out, "Round trip of a %s message, touch ",
                  ipm_format_size(size, ladder->size));
    ipm_text_put(out, ladder->touch);
    (void)fprintf(out, ", fastest first; medians over invocations\n\n");
    (void)fprintf(out, ROW "\n", "mechanism", "copies", "wait", "placement",
                  "p50 [95 % interval]", "p99", "CPU/msg", "msg/s");

    size_t left_out = 0;
    int64_t batch = 0;
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const struct ipm_rung *rung = &ladder->rungs[i];
        if (ladder->n_rungs > IPM_TEXT_RUNGS && outdone(ladder, i)) {
            left_out++;
            continue;
        }
        put_rung(rung, out);
        if (strcmp(rung->point->sample, "batch") == 0 &&
            rung->point->timing_batch > batch)
            batch = rung->point->timing_batch;
    }
    if (left_out > 0)
        (void)fprintf(out, "and %zu with a slower wait strategy, in report.json\n",
                      left_out);
    if (ladder->n_unmeasured > 0)
        (void)fprintf(out, "and %zu without a measured time\n", ladder->n_unmeasured);
    if (batch > 0)
        (void)fprintf(
            out,
            "* no tail: up to %lld round trips are timed at once, as one alone is "
            "too short\n",
            (long long)batch);
    if (ladder->away_class[0] != '\0' &&
        strcmp(ladder->away, ladder->away_class) != 0) {
        ipm_text_put(out, ladder->away);
        (void)fputs(" is ", out);
        ipm_text_put(out, ladder->away_class);
        (void)fputs(" here\n", out);
    }
    (void)fputc('\n', out);
}

static void put_floors(const struct ipm_ladder *ladder, FILE *out)
{
    if (ladder->n_floors == 0)
        return;
    (void)fputs("Floors, what no IPC beats here: one operation each\n\n", out);
    for (size_t i = 0; i < ladder->n_floors; i++) {
        const struct ipm_rung *floor = &ladder->floors[i];
        const struct ipm_factors *factors = &floor->point->factors;
        if (ipm_ladder_floor(ladder, factors->mechanism) != floor)
            continue;
        char size[IPM_UNITS_TEXT] = "no payload";
        char time[IPM_ESTIMATE_TEXT];
        if (factors->size > 0)
            (void)ipm_format_size(size, factors->size);
        bool round_trip = strcmp(factors->workload, "pingpong") == 0;
        char line[512];
        (void)snprintf(line, sizeof(line), "%-23s %-15s %-12s %s%s", factors->mechanism,
                       size, factors->placement,
                       ipm_estimate_text(time, &floor->p50->estimate),
                       round_trip ? ", a round trip" : "");
        ipm_text_put(out, line);
        const struct ipm_figure *gap = ipm_point_figure(floor->point, "longest_gap_ns");
        if (gap != NULL && gap->estimate.n > 0) {
            ipm_text_put(out, ", the longest gap ");
            ipm_text_put(out, ipm_estimate_text(time, &gap->estimate));
        }
        (void)fputc('\n', out);
    }
    (void)fputc('\n', out);
}

static void put_sentence(FILE *out, const char *head, const char *text)
{
    (void)fprintf(out, "%-10s", head);
    ipm_text_wrap(out, 10, text);
}

static void put_warning(const json_t *manifest, FILE *out)
{
    const json_t *check = ipm_manifest_top_warning(manifest);
    if (check == NULL)
        return;
    char text[1024];
    const char *mend = ipm_manifest_text(check, "mend", "");
    (void)snprintf(
        text, sizeof(text), "%s: %s: %s%s%s", ipm_manifest_text(check, "status", ""),
        ipm_manifest_text(check, "name", "unnamed check"),
        ipm_manifest_text(check, "text", ""), mend[0] == '\0' ? "" : "; ", mend);
    put_sentence(out, "Doctor", text);
}

static void put_drift(const json_t *manifest, FILE *out)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(manifest, "drift"), i, entry)
    {
        char text[512];
        (void)snprintf(text, sizeof(text), "%s: %s: %s (%s -> %s)",
                       ipm_manifest_text(entry, "status", "warn"),
                       ipm_manifest_text(entry, "name", "unnamed"),
                       ipm_manifest_text(entry, "text", ""),
                       ipm_manifest_text(entry, "before", "?"),
                       ipm_manifest_text(entry, "after", "?"));
        put_sentence(out, i == 0 ? "Drift" : "", text);
    }
}

static void put_stops(const json_t *manifest, FILE *out)
{
    char text[IPM_STOPS_TEXT];
    ipm_auto_json json_t *stops = ipm_stops_json(manifest);
    if (ipm_stops_text(stops, text)[0] != '\0')
        put_sentence(out, "Precision", text);
}

static void put_failures(const struct ipm_table *table, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct ipm_row *row = &table->rows[i];
        if (row->status != IPM_ROW_FAILED || n++ >= IPM_TEXT_FAILURES)
            continue;
        char text[1024];
        (void)snprintf(text, sizeof(text), "%s, %s, %lld B, wait %s, %s: %s%s%s",
                       row->factors.workload, row->factors.mechanism,
                       (long long)row->factors.size, row->factors.wait,
                       row->factors.placement, row->phase,
                       row->phase[0] == '\0' ? "" : ": ", row->reason);
        put_sentence(out, n == 1 ? "Failed" : "", text);
    }
    if (n > IPM_TEXT_FAILURES)
        (void)fprintf(out, "%10sand %zu more, in report.json\n", "",
                      n - IPM_TEXT_FAILURES);
}

/* What it costs to count: those figures are not the timing pass's. */
static void put_costs(const struct ipm_pass_costs *costs, FILE *out)
{
    char text[1024] = "";
    for (size_t i = 0; i < costs->n; i++) {
        const struct ipm_estimate *ratio = &costs->list[i].ratio;
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%s%s %+.1f %%",
                       used == 0 ? "" : ", ", costs->list[i].pass,
                       (ratio->value - 1) * 100);
        used = strlen(text);
        if (isfinite(ratio->low))
            (void)snprintf(text + used, sizeof(text) - used, " [%+.1f, %+.1f]",
                           (ratio->low - 1) * 100, (ratio->high - 1) * 100);
    }
    if (text[0] == '\0')
        return;
    char line[1280];
    (void)snprintf(line, sizeof(line),
                   "time per operation against the timing pass, median over points: %s",
                   text);
    put_sentence(out, "Counting", line);
}

static bool present(const char *directory, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, R_OK) == 0;
}

static void put_files(const char *directory, FILE *out)
{
    static const char *const names[] = {"report.html", "report.json", "records.jsonl",
                                        "manifest.json"};
    char path[4096];
    char list[256] = "";
    const char *heading = "Picture";
    (void)snprintf(path, sizeof(path), "%s/report.json", directory);
    ipm_auto_json json_t *document = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (present(directory, names[i]))
            (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                           list[0] == '\0' ? "" : ", ", names[i]);
    }
    const char *name;
    json_t *plot;
    json_object_foreach(json_object_get(document, "plots"), name, plot)
    {
        char text[400];
        const char *picture = ipm_manifest_text(plot, "picture", "");
        const char *reason = ipm_manifest_text(plot, "reason", "");
        if (picture[0] != '\0') {
            (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                           list[0] == '\0' ? "" : ", ", picture);
        } else if (reason[0] != '\0') {
            (void)snprintf(text, sizeof(text), "no plots/%s.svg: %s", name, reason);
            put_sentence(out, heading, text);
            heading = "";
        }
    }
    put_sentence(out, "Files", list);
}

static void put_winners(const struct ipm_winners *winners, FILE *out)
{
    ipm_auto_json json_t *json = ipm_winners_json(winners);
    ipm_winners_text(json, out);
}

void ipm_report_text_put(const struct ipm_report *report, const char *directory,
                         FILE *out)
{
    put_head(report, out);
    put_ladder(&report->ladder, out);
    put_floors(&report->ladder, out);
    ipm_rate_text(&report->rates, out);
    ipm_energy_text(&report->energy, out);
    ipm_core_map_text(report->core_to_core, put_sentence, out);
    put_sentence(out, "Fastest", report->answer.fastest);
    put_sentence(out, "Effects", report->answer.effect);
    if (report->rate_words != NULL)
        put_sentence(out, "Rate", report->rate_words);
    put_sentence(out, "Limits", report->answer.limits);
    put_winners(&report->winners, out);
    ipm_models_text(report->models, out);
    put_costs(&report->costs, out);
    put_warning(report->manifest, out);
    put_drift(report->manifest, out);
    put_stops(report->manifest, out);
    put_failures(&report->table, out);
    put_files(directory, out);
}
