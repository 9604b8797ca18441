/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report.h"

#include "analysis/core_map.h"
#include "analysis/digest.h"
#include "analysis/manifest.h"
#include "analysis/models/model.h"
#include "analysis/percentiles.h"
#include "analysis/plot_core_map.h"
#include "analysis/plot_energy.h"
#include "analysis/plot_ladder.h"
#include "analysis/plot_percentiles.h"
#include "analysis/plot_power.h"
#include "analysis/plot_rates.h"
#include "analysis/plot_ratio.h"
#include "analysis/plot_run_order.h"
#include "analysis/plot_sizes.h"
#include "analysis/plot_time.h"
#include "analysis/plot_winners.h"
#include "analysis/rate_words.h"
#include "analysis/report_html.h"
#include "analysis/report_json.h"
#include "analysis/report_text.h"
#include "analysis/run_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int path_in(char path[4096], const char *directory, const char *name,
                   struct ipm_why *why)
{
    int needed = snprintf(path, 4096, "%s/%s", directory, name);
    if (needed < 0 || needed >= 4096)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    return 0;
}

/* What the records say is worth reading without it. */
static int read_manifest(const char *directory, struct ipm_report *report,
                         struct ipm_why *why)
{
    struct ipm_why problem;
    int result = ipm_manifest_read(directory, &report->manifest, &problem);
    if (result < 0)
        return ipm_why_set(why, result, "%s", problem.text);
    if (result == 0)
        return 0;
    /* The parser quotes what it met, which may be anything. */
    for (char *at = problem.text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    report->manifest_problem = strdup(problem.text);
    return report->manifest_problem == NULL
               ? ipm_why_set(why, -ENOMEM, "read manifest.json: ")
               : 0;
}

int ipm_report_load(const char *directory, const struct ipm_report_wishes *wishes,
                    struct ipm_report *out_report, struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    char path[4096];
    int error = path_in(path, directory, "records.jsonl", why);
    if (error == 0)
        error = ipm_table_read(path, &report.table, why);
    if (error == 0 && report.table.arms)
        error =
            ipm_why_set(why, -EMEDIUMTYPE,
                        "the folder holds a gate, whose records are of two builds "
                        "turn by turn: `ipcmeter export DIR --format markdown` says "
                        "its verdict, gate.json has every value");
    if (error == 0)
        error = read_manifest(directory, &report, why);
    if (error == 0)
        error = ipm_summary_make(&report.table, report.manifest, &report.summary, why);
    if (error == 0)
        error = ipm_energy_make(&report.table, &report.summary, &report.energy, why);
    if (error == 0)
        report.core_to_core = ipm_core_map_json(&report.summary, report.manifest);
    if (error == 0 && report.core_to_core == NULL)
        error = ipm_why_set(why, -ENOMEM, "no memory for the core-to-core maps");
    if (error == 0)
        error = ipm_ladder_make(&report.summary, report.manifest, &report.ladder, why);
    if (error == 0) {
        report.percentiles = ipm_percentiles_json(&report.table, &report.ladder);
        report.run_order = ipm_run_order_json(&report.table);
        if (report.percentiles == NULL || report.run_order == NULL)
            error =
                ipm_why_set(why, -ENOMEM, "no memory for percentiles and run order");
    }
    if (error == 0)
        error = ipm_pass_costs_make(&report.table, &report.costs, why);
    if (error == 0)
        error = ipm_winners_make(&report.table, &report.summary, &report.energy,
                                 report.manifest, &report.winners, why);
    if (error == 0)
        error = ipm_answer_make(&report.table, &report.summary, &report.ladder,
                                report.manifest, &report.answer, why);
    if (error == 0)
        error = ipm_rate_set_make(&report.summary, &report.rates, why);
    if (error == 0)
        error = ipm_rate_sentence(&report.rates, &report.rate_words, why);
    if (error != 0)
        return error;
    struct ipm_model_input input = {
        .table = &report.table,
        .summary = &report.summary,
        .manifest = report.manifest,
        .battery_wh = wishes != NULL ? wishes->battery_wh : 0,
        .base_power_w = wishes != NULL ? wishes->base_power_w : 0,
    };
    bool no_models = wishes != NULL && wishes->no_models;
    report.models = no_models ? json_array() : ipm_models_json(&input);
    if (report.models == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for the models");
    *out_report = report;
    memset(&report, 0, sizeof(report));
    return 0;
}

void ipm_report_fini(struct ipm_report *report)
{
    ipm_answer_fini(&report->answer);
    ipm_rate_set_fini(&report->rates);
    free(report->rate_words);
    report->rate_words = NULL;
    ipm_winners_fini(&report->winners);
    ipm_pass_costs_fini(&report->costs);
    ipm_ladder_fini(&report->ladder);
    ipm_energy_fini(&report->energy);
    ipm_summary_fini(&report->summary);
    ipm_table_fini(&report->table);
    json_decref(report->core_to_core);
    report->core_to_core = NULL;
    json_decref(report->percentiles);
    report->percentiles = NULL;
    json_decref(report->run_order);
    report->run_order = NULL;
    json_decref(report->models);
    report->models = NULL;
    json_decref(report->manifest);
    report->manifest = NULL;
    free(report->manifest_problem);
    report->manifest_problem = NULL;
}

/* Draws from the document what it shows, and enters the pictures into it. */
static int add_plots(json_t *document, const char *directory, struct ipm_why *why)
{
    static const struct {
        const char *name;
        int (*plot)(const json_t *document, const char *directory, json_t **out_json,
                    struct ipm_why *why);
    } plots[] = {
        {"latency_size", ipm_plot_latency_size},
        {"throughput_size", ipm_plot_throughput_size},
        {"percentiles", ipm_plot_percentiles},
        {"run_order", ipm_plot_run_order},
        {"ratio", ipm_plot_ratio},
        {"time_residuals", ipm_plot_time},
        {"power_rate", ipm_plot_power},
        {"energy", ipm_plot_energy},
        {"core_to_core", ipm_plot_core_map},
        {"winners", ipm_plot_winners},
    };
    for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++) {
        json_t *made = NULL;
        int error = plots[i].plot(document, directory, &made, why);
        if (error != 0)
            return error;
        if (made != NULL) /* there may be nothing of its kind in the run */
            (void)json_object_set_new(json_object_get(document, "plots"), plots[i].name,
                                      made);
    }
    return 0;
}

int ipm_report_write(const char *directory, const struct ipm_report_wishes *wishes,
                     struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_report_load(directory, wishes, &report, why);
    if (error == 0)
        error = ipm_digest_write(&report, directory, why);
    if (error != 0)
        return error;
    ipm_table_shrink(&report.table); /* the document of a long run needs the room */
    json_t *ladder = NULL;
    error = ipm_plot_ladder(&report.ladder, directory, &ladder, why);
    if (error != 0)
        return error;
    json_t *plots = json_pack("{s: o}", "ladder", ladder);
    json_t *rates = NULL;
    error = ipm_plot_rates(&report.rates, directory, &rates, why);
    if (error != 0) {
        json_decref(plots);
        return error;
    }
    if (rates != NULL)
        (void)json_object_set_new(plots, "rate", rates);
    ipm_auto_json json_t *json = ipm_report_json(&report, plots);
    char path[4096];
    error = path_in(path, directory, "report.json", why);
    if (error != 0)
        return error;
    if (json == NULL)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    error = add_plots(json, directory, why);
    if (error == 0)
        error = ipm_json_write_file(json, path, why);
    if (error == 0)
        error = ipm_report_html(json, directory, why);
    bool folder = wishes != NULL && wishes->folder;
    return error != 0 || !folder ? error : ipm_report_html_folder(json, directory, why);
}

int ipm_report_text(const char *directory, const struct ipm_report_wishes *wishes,
                    FILE *out, struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_report_load(directory, wishes, &report, why);
    if (error != 0)
        return error;
    ipm_report_text_put(&report, directory, out);
    if (fflush(out) != 0 || ferror(out))
        return ipm_why_set(why, -EIO, "the answer could not be written");
    return 0;
}
