/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_csv: RFC 4180, a row per point and figure.
 *
 * A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does
 * one that begins with an apostrophe, so that taking one away gives the text again.  Hidden
 * characters are \uXXXX: a row is always one line.
 */
#include "analysis/character.h"
#include "analysis/export_parts.h"
#include "analysis/manifest.h"
#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "run,started,point,name,kind,workload,mechanism,size,copies,wait,placement,"
    "placement_class,touch,depth,batch,reply_size,policy,rate,options,"
    "figure,value,low,high,level,n,unit,pass,provenance,reason\r\n";

/* What makes a spreadsheet compute, behind any number of blanks; the wide forms too, which
 * some of them take for the narrow ones. */
static bool computes(const char *text)
{
    static const char *const starts[] = {"=",  "+",  "-",  "@",  "'",  "\t",
                                         "\r", "\n", "＝", "＋", "－", "＠"};
    text += strspn(text, " ");
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

/* A cell and the comma behind it.  Return: whether there was memory. */
static bool put_text(FILE *out, const char *text)
{
    ipm_auto_free char *shown = ipm_character_shown(text);
    if (shown == NULL)
        return false;
    size_t length = strlen(shown);
    bool defused = computes(text);
    bool quoted = defused || strpbrk(shown, "\",") != NULL || shown[0] == ' ' ||
                  (length > 0 && shown[length - 1] == ' ');
    (void)fputs(quoted ? defused ? "\"'" : "\"" : "", out);
    for (const char *at = shown; *at != '\0'; at++) {
        if (*at == '"')
            (void)fputc('"', out);
        (void)fputc(*at, out);
    }
    (void)fputs(quoted ? "\"," : ",", out);
    return true;
}

static void put_count(FILE *out, int64_t count)
{
    if (count >= 0)
        (void)fprintf(out, "%" PRId64, count);
    (void)fputc(',', out);
}

static void put_number(FILE *out, double value)
{
    char text[IPM_EXPORT_NUMBER];
    (void)fprintf(out, "%s,", ipm_export_number(text, value));
}

/* The cells up to `options`, which all figures of a point share; the caller's. */
static char *point_cells(const char *run, const struct ipm_point *point,
                         const char *name)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    const struct ipm_factors *factors = &point->factors;
    (void)fputs(run, out);
    bool fine = put_text(out, point->id) && put_text(out, name);
    (void)fputs(point->floor ? "floor," : "mechanism,", out);
    fine =
        fine && put_text(out, factors->workload) && put_text(out, factors->mechanism);
    put_count(out, factors->size);
    put_count(out, factors->copies);
    fine = fine && put_text(out, factors->wait) && put_text(out, factors->placement) &&
           put_text(out, factors->placement_class) && put_text(out, factors->touch);
    put_count(out, factors->depth);
    put_count(out, factors->batch);
    put_count(out, factors->reply_size);
    fine = fine && put_text(out, factors->policy) && put_text(out, factors->rate) &&
           put_text(out, factors->options);
    if (fclose(out) == 0 && fine)
        return text;
    free(text);
    return NULL;
}

/* What stands behind the name of a figure. */
static bool put_estimate(FILE *out, const struct ipm_estimate *estimate,
                         const char *const words[3], const char *reason)
{
    put_number(out, estimate->value);
    put_number(out, estimate->low);
    put_number(out, estimate->high);
    /* Rounded as in report.json: its last digits are the numeric library's. */
    put_number(out, round(estimate->level * 1e9) / 1e9);
    put_count(out, (int64_t)estimate->n);
    for (int i = 0; i < 3; i++) {
        if (!put_text(out, words[i]))
            return false;
    }
    ipm_auto_free char *shown = NULL;
    size_t size = 0;
    FILE *last = open_memstream(&shown, &size);
    bool fine = last != NULL && put_text(last, reason);
    if (last != NULL && fclose(last) == 0 && fine)
        (void)fprintf(out, "%.*s\r\n", (int)size - 1, shown); /* no comma behind it */
    return fine;
}

static bool lacked_by_all(const struct ipm_summary *summary, const char *name)
{
    for (size_t i = 0; i < summary->n_absent; i++) {
        if (strcmp(summary->absent[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool put_figures(FILE *out, const struct ipm_summary *summary,
                        const struct ipm_point *point, const char *cells)
{
    for (size_t i = 0; i < point->n_figures; i++) {
        const struct ipm_figure *figure = &point->figures[i];
        const char *const words[] = {figure->unit, figure->pass, figure->provenance};
        if (lacked_by_all(summary, figure->name))
            continue;
        (void)fputs(cells, out);
        if (!put_text(out, figure->name) ||
            !put_estimate(out, &figure->estimate, words, ipm_export_reason(figure)))
            return false;
    }
    return true;
}

static bool put_joules(FILE *out, const struct ipm_energy *energy, size_t *at,
                       const struct ipm_point *point, const char *cells)
{
    for (; *at < energy->n_rows && energy->rows[*at].point == point; (*at)++) {
        const struct ipm_energy_row *row = &energy->rows[*at];
        struct ipm_export_joules joules[IPM_EXPORT_JOULES];
        ipm_export_joules(row, joules);
        for (size_t i = 0; i < IPM_EXPORT_JOULES; i++) {
            const struct ipm_estimate *estimate = joules[i].estimate;
            const char *const words[] = {joules[i].unit, "energy",
                                         row->provenance[0] == '\0' ? "mixed"
                                                                    : row->provenance};
            char name[IPM_FIGURE_NAME + IPM_ENERGY_DOMAIN];
            (void)snprintf(name, sizeof(name), "energy_%s_%s", row->domain,
                           joules[i].name);
            (void)fputs(cells, out);
            if (!put_text(out, name) ||
                !put_estimate(out, estimate, words,
                              isnan(estimate->value) ? row->reason : estimate->reason))
                return false;
        }
    }
    return true;
}

/* What no invocation of the run has stands once, in a row without a point. */
static bool put_absent(FILE *out, const struct ipm_summary *summary, const char *run)
{
    const struct ipm_estimate none = {
        .value = NAN, .low = NAN, .high = NAN, .level = NAN};
    for (size_t i = 0; i < summary->n_absent; i++) {
        const char *const words[] = {summary->absent[i].unit, "", ""};
        (void)fprintf(out, "%s,,,,,,,,,,,,,,,,,", run);
        if (!put_text(out, summary->absent[i].name) ||
            !put_estimate(out, &none, words, summary->absent[i].reason))
            return false;
    }
    return true;
}

/* The cells `run` and `started`; the caller's. */
static char *run_cells(const json_t *manifest)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    bool fine = put_text(out, ipm_manifest_text(manifest, "name", "")) &&
                put_text(out, ipm_manifest_text(manifest, "started", ""));
    if (fclose(out) == 0 && fine)
        return text;
    free(text);
    return NULL;
}

int ipm_export_csv(const struct ipm_report *report, FILE *out,
                   struct ipm_export_losses *losses)
{
    const struct ipm_summary *summary = &report->summary;
    bool any = false;
    for (size_t i = 0; i < summary->n_points && !any; i++)
        any = ipm_export_measured(&summary->points[i]);
    if (!any)
        return IPM_EXPORT_NOTHING;
    ipm_auto_export_names struct ipm_export_names names = {0};
    if (ipm_export_names_make(summary, &names) != 0)
        return -ENOMEM;
    losses->long_names = names.cut;
    ipm_auto_free char *run = run_cells(report->manifest);
    if (run == NULL)
        return -ENOMEM;
    (void)fputs(head, out);
    size_t energy = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        ipm_auto_free char *cells = point_cells(run, point, names.list[i]);
        if (cells == NULL || !put_figures(out, summary, point, cells) ||
            !put_joules(out, &report->energy, &energy, point, cells))
            return -ENOMEM;
    }
    return put_absent(out, summary, run) ? 0 : -ENOMEM;
}
