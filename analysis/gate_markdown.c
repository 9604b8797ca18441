/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_markdown.h"

#include "analysis/gate_page.h"
#include "analysis/gate_phrases.h"
#include "analysis/markdown.h"
#include "analysis/member.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    MOST_POINTS = 200, /* rows of a table */
    MOST_WARNINGS = 40,
};

static const char where[] = "gate.json has them all";

/* Whether kept sessions were judged by, and no arms measured. */
static bool is_baseline(const json_t *document)
{
    return strcmp(ipm_member_text(document, "method"), "baseline") == 0;
}

static void put_head(FILE *out, const struct ipm_gate_page *page)
{
    const json_t *document = page->document;
    const json_t *of_arms = json_object_get(document, "measured");
    const json_t *calibrated =
        json_object_get(of_arms != NULL ? of_arms : document, "calibrated");
    ipm_markdown_put(out, "## ipcmeter gate: %s\n\n",
                     ipm_gate_verdict_names[page->verdict]);
    ipm_markdown_sentence(out, page->sentence);
    if (json_is_true(json_object_get(document, "interrupted")))
        (void)fputs("**The gate was interrupted: this is what there is.**\n\n", out);
    if (json_is_false(calibrated))
        (void)fputs("Not calibrated: margins are the declared ones "
                    "(`ipcmeter gate calibrate`).\n\n",
                    out);
}

static void put_numbers(FILE *out, const struct ipm_gate_page *page)
{
    size_t numbers[IPM_GATE_VERDICTS] = {0};
    size_t better = 0;
    for (size_t i = 0; i < page->n_tested; i++) {
        numbers[page->points[i].counts]++;
        better += page->points[i].better;
    }
    const char *between = ": ";
    ipm_markdown_put(out, "Under test %zu points", page->n_tested);
    for (int verdict = IPM_GATE_VERDICTS - 1; verdict >= 0; verdict--) {
        if (numbers[verdict] == 0)
            continue;
        ipm_markdown_put(out, "%s%zu %s", between, numbers[verdict],
                         ipm_gate_verdict_names[verdict]);
        between = ", ";
    }
    if (better > 0)
        ipm_markdown_put(out, "; found to cost less: %zu", better);
    ipm_markdown_put(out, ". Control points: %zu.\n\n",
                     page->n_points - page->n_tested);
}

/* Reasons begin with the effect, which has a column of its own. */
static const char *without(const char *reason, const char *effect)
{
    size_t length = strlen(effect);
    if (strncmp(reason, effect, length) != 0)
        return reason;
    reason += length;
    return reason + strspn(reason, ":, ");
}

static int put_point(struct ipm_markdown_rows *rows,
                     const struct ipm_gate_page_point *point)
{
    char text[IPM_GATE_EFFECT];
    char margin[IPM_GATE_PERCENT];
    const char *effect =
        ipm_gate_effect_text(text, point->effect, point->low, point->high);
    struct ipm_markdown_row line;
    if (!ipm_markdown_has_room(rows))
        return 0;
    if (ipm_markdown_open(&line) != 0)
        return -ENOMEM;
    ipm_markdown_put(line.out, "| %s | %s | %s |",
                     ipm_gate_verdict_names[point->counts], point->name, point->metric);
    ipm_markdown_put(line.out, " %s | %s | ", effect,
                     isnan(point->margin) ? "-"
                                          : ipm_gate_percent(margin, point->margin));
    ipm_markdown_text(line.out, without(point->reason, effect),
                      IPM_GATE_REASON + IPM_MARKDOWN_CELL);
    (void)fputs(" |\n", line.out);
    return ipm_markdown_close(&line, rows);
}

/* Of the points from @from to below @to those that count for a pass, or all others. */
static int put_table(struct ipm_markdown_rows *rows, const struct ipm_gate_page *page,
                     size_t from, size_t to, bool passed, bool all)
{
    int error = 0;
    (void)fputs("| verdict | point | figure | effect | margin | reason |\n"
                "|---|---|---|--:|--:|---|\n",
                rows->out);
    ipm_markdown_begin(rows, MOST_POINTS);
    for (size_t i = from; i < to && error == 0; i++) {
        if (all || (page->points[i].counts == IPM_GATE_PASS) == passed)
            error = put_point(rows, &page->points[i]);
    }
    ipm_markdown_end(rows, where);
    return error;
}

static int put_points(struct ipm_markdown_rows *rows, const struct ipm_gate_page *page)
{
    size_t passed = 0;
    int error = 0;
    for (size_t i = 0; i < page->n_tested; i++)
        passed += page->points[i].counts == IPM_GATE_PASS;
    if (passed < page->n_tested) {
        ipm_markdown_put(
            rows->out, "### Points\n\nWhat %s, with its interval; the worst first.\n\n",
            is_baseline(page->document) ? "the new sessions cost against the baseline"
                                        : "B costs against A");
        error = put_table(rows, page, 0, page->n_tested, false, false);
    }
    if (error == 0 && passed > 0) {
        ipm_markdown_put(
            rows->out, "<details><summary>Points that pass: %zu</summary>\n\n", passed);
        error = put_table(rows, page, 0, page->n_tested, true, false);
        (void)fputs("</details>\n\n", rows->out);
    }
    if (error != 0 || page->n_tested == page->n_points)
        return error;
    (void)fputs("### Control points\n\nNo code under test is in them: when one moves, "
                "the machine did.\n\n",
                rows->out);
    return put_table(rows, page, page->n_tested, page->n_points, false, true);
}

static int put_warnings(struct ipm_markdown_rows *rows, const json_t *warnings)
{
    if (json_array_size(warnings) == 0)
        return 0;
    (void)fputs("### Warnings\n\n", rows->out);
    return ipm_markdown_list(rows, warnings, MOST_WARNINGS, where);
}

static void put_build(FILE *out, const char *name, const json_t *arm)
{
    const char *build = ipm_member_text(arm, "build");
    if (build[0] != '\0')
        ipm_markdown_put(out, "- %s: build %s, ipcmeter %s\n", name, build,
                         ipm_member_text(arm, "version"));
}

/* Of a list of sessions: how many, and from when to when. */
static void put_sessions(FILE *out, const char *name, const json_t *sessions)
{
    size_t n = json_array_size(sessions);
    if (n == 0)
        return;
    ipm_markdown_put(out, "- %s: %zu sessions, %s", name, n,
                     ipm_member_text(json_array_get(sessions, 0), "started"));
    if (n > 1)
        ipm_markdown_put(out, " to %s",
                         ipm_member_text(json_array_get(sessions, n - 1), "started"));
    ipm_markdown_put(out, ", the last one of build %s\n",
                     ipm_member_text(json_array_get(sessions, n - 1), "build"));
}

/* The document has no command lines of arms, which may hold paths of a machine. */
static void put_repeat(FILE *out, const json_t *document)
{
    const json_t *measured = json_object_get(document, "measured");
    const json_t *seed = json_object_get(json_object_get(document, "params"), "seed");
    const char *run = ipm_member_text(document, "run");
    (void)fputs("### To repeat it\n\n", out);
    put_build(out, "A", json_object_get(measured, "a"));
    put_build(out, "B", json_object_get(measured, "b"));
    put_sessions(out, "baseline", json_object_get(document, "baseline"));
    put_sessions(out, "new", json_object_get(document, "candidate"));
    if (run[0] != '\0')
        ipm_markdown_put(out, "- run %s\n", run);
    if (is_baseline(document))
        (void)fputs(
            "\n`ipcmeter gate --baseline DIR RESULT` with the same folders says "
            "the same again.\n",
            out);
    else if (json_is_integer(seed))
        (void)fprintf(out,
                      "\n`ipcmeter gate CONFIG --a A --b B --seed %" JSON_INTEGER_FORMAT
                      "` measures in the same order.\n",
                      json_integer_value(seed));
    else
        (void)fputs("\n`ipcmeter gate CONFIG --a A --b B`; the seed is not recorded.\n",
                    out);
}

int ipm_gate_markdown(const json_t *document, FILE *out, struct ipm_why *why)
{
    ipm_auto_gate_page struct ipm_gate_page page = {0};
    struct ipm_markdown_rows rows = {.out = out};
    int error = ipm_gate_page_make(document, &page, why);
    if (error != 0)
        return error;
    put_head(out, &page);
    put_numbers(out, &page);
    error = put_points(&rows, &page);
    if (error == 0)
        error = put_warnings(&rows, json_object_get(document, "warnings"));
    if (error != 0)
        return ipm_why_set(why, error, "no memory for the summary");
    put_repeat(out, document);
    return 0;
}
