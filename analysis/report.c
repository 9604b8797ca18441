/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report.h"

#include "analysis/manifest.h"
#include "analysis/models/model.h"
#include "analysis/plot_energy.h"
#include "analysis/plot_ladder.h"
#include "analysis/plot_ratio.h"
#include "analysis/plot_sizes.h"
#include "analysis/plot_winners.h"
#include "analysis/report_html.h"
#include "analysis/report_json.h"
#include "analysis/report_text.h"

#include <errno.h>
#include <string.h>

static int path_in(char path[4096], const char *directory, const char *name,
                   struct ipm_why *why)
{
    int needed = snprintf(path, 4096, "%s/%s", directory, name);
    if (needed < 0 || needed >= 4096)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    return 0;
}

int ipm_report_load(const char *directory, struct ipm_report *out_report,
                    struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    char path[4096];
    int error = path_in(path, directory, "records.jsonl", why);
    if (error == 0)
        error = ipm_table_read(path, &report.table, why);
    if (error == 0)
        error = ipm_manifest_read(directory, &report.manifest, why);
    if (error == 0)
        error = ipm_summary_make(&report.table, report.manifest, &report.summary, why);
    if (error == 0)
        error = ipm_energy_make(&report.table, &report.summary, &report.energy, why);
    if (error == 0)
        error = ipm_ladder_make(&report.summary, report.manifest, &report.ladder, why);
    if (error == 0)
        error = ipm_pass_costs_make(&report.table, &report.costs, why);
    if (error == 0)
        error = ipm_winners_make(&report.table, &report.summary, &report.energy,
                                 report.manifest, &report.winners, why);
    if (error == 0)
        error = ipm_answer_make(&report.table, &report.summary, &report.ladder,
                                report.manifest, &report.answer, why);
    if (error != 0)
        return error;
    struct ipm_model_input input = {&report.table, &report.summary, report.manifest};
    report.models = ipm_models_json(&input);
    if (report.models == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for the models");
    *out_report = report;
    memset(&report, 0, sizeof(report));
    return 0;
}

void ipm_report_fini(struct ipm_report *report)
{
    ipm_answer_fini(&report->answer);
    ipm_winners_fini(&report->winners);
    ipm_pass_costs_fini(&report->costs);
    ipm_ladder_fini(&report->ladder);
    ipm_energy_fini(&report->energy);
    ipm_summary_fini(&report->summary);
    ipm_table_fini(&report->table);
    json_decref(report->models);
    report->models = NULL;
    json_decref(report->manifest);
    report->manifest = NULL;
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
        {"ratio", ipm_plot_ratio},
        {"energy", ipm_plot_energy},
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

int ipm_report_write(const char *directory, struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_report_load(directory, &report, why);
    if (error != 0)
        return error;
    json_t *ladder = NULL;
    error = ipm_plot_ladder(&report.ladder, directory, &ladder, why);
    if (error != 0)
        return error;
    ipm_auto_json json_t *json =
        ipm_report_json(&report, json_pack("{s: o}", "ladder", ladder));
    char path[4096];
    error = path_in(path, directory, "report.json", why);
    if (error != 0)
        return error;
    if (json == NULL)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    error = add_plots(json, directory, why);
    if (error == 0)
        error = ipm_json_write_file(json, path, why);
    return error != 0 ? error : ipm_report_html(json, directory, why);
}

int ipm_report_text(const char *directory, FILE *out, struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_report_load(directory, &report, why);
    if (error != 0)
        return error;
    ipm_report_text_put(&report, directory, out);
    if (fflush(out) != 0 || ferror(out))
        return ipm_why_set(why, -EIO, "the answer could not be written");
    return 0;
}
