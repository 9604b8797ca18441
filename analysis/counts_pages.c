/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A judged run of counts for a pipeline: annotations, JUnit, and the page of a job. */
#include "analysis/annotations.h"
#include "analysis/counts.h"
#include "analysis/html.h"
#include "analysis/junit.h"
#include "analysis/markdown.h"
#include "analysis/member.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 200, MOST_NOTES = 40 };

static const char where[] = "ipcmeter counts --json has them all";

static const char *const ours[] = {"error", "regression", "improved", "pass"};

enum { VERDICTS = sizeof(ours) / sizeof(ours[0]) };

/* What is no word of ours is an error: it is no pass. */
static const char *verdict_of(const json_t *object)
{
    const char *word = ipm_member_text(object, "verdict");
    for (size_t i = 0; i < VERDICTS; i++) {
        if (strcmp(word, ours[i]) == 0)
            return ours[i];
    }
    return "error";
}

static bool is(const json_t *object, const char *verdict)
{
    return strcmp(verdict_of(object), verdict) == 0;
}

static enum ipm_junit_outcome outcome_of(const json_t *object)
{
    return is(object, "error")        ? IPM_JUNIT_ERROR
           : is(object, "regression") ? IPM_JUNIT_FAILURE
                                      : IPM_JUNIT_PASSED;
}

static int check(const json_t *document, struct ipm_why *why)
{
    return strcmp(ipm_member_text(document, "kind"), "counts") == 0
               ? 0
               : ipm_why_set(why, -EINVAL, "it is no document of counts");
}

int ipm_counts_annotate(const json_t *document, FILE *out, struct ipm_why *why)
{
    const json_t *points = json_object_get(document, "points");
    const json_t *names = json_object_get(document, "not_in_table");
    const json_t *notes = json_object_get(document, "notes");
    size_t n = 0;
    size_t i;
    json_t *item;
    ipm_auto_free struct ipm_annotation *list =
        calloc(json_array_size(points) + json_array_size(notes) + 2, sizeof(*list));
    ipm_auto_free char *text = ipm_counts_surplus(document);
    if (check(document, why) != 0)
        return -EINVAL;
    if (list == NULL || text == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    json_array_foreach(points, i, item)
    {
        if (is(item, "pass"))
            continue;
        list[n++] = (struct ipm_annotation){.level = is(item, "improved")
                                                         ? IPM_ANNOTATION_WARNING
                                                         : IPM_ANNOTATION_ERROR,
                                            .weight = ipm_member_number(item, "weight"),
                                            .title = ipm_member_text(item, "point"),
                                            .text = ipm_member_text(item, "reason")};
    }
    /* Nothing was judged: no point says it. */
    if (n == 0 && outcome_of(document) != IPM_JUNIT_PASSED)
        list[n++] =
            (struct ipm_annotation){.level = IPM_ANNOTATION_ERROR,
                                    .title = "counts",
                                    .text = ipm_member_text(document, "sentence")};
    json_array_foreach(notes, i, item)
    {
        if (json_is_string(item))
            list[n++] = (struct ipm_annotation){.level = IPM_ANNOTATION_NOTICE,
                                                .title = "table of counts",
                                                .text = json_string_value(item)};
    }
    if (json_array_size(names) > 0)
        list[n++] = (struct ipm_annotation){
            .level = IPM_ANNOTATION_NOTICE, .title = "table of counts", .text = text};
    ipm_annotations_put(out, list, n);
    return 0;
}

static void put_case(FILE *out, const json_t *object, const char *label,
                     const char *name, const char *reason)
{
    ipm_junit_case(out, "counts", label, name, NAN);
    ipm_junit_outcome(out, outcome_of(object), verdict_of(object), reason);
    ipm_junit_text(out);
    ipm_html_put(out, "%s: %s", verdict_of(object), reason);
    ipm_junit_text_end(out);
}

int ipm_counts_junit(const json_t *document, FILE *out, struct ipm_why *why)
{
    const json_t *points = json_object_get(document, "points");
    struct ipm_junit_counts counts = {.seconds = NAN};
    size_t i;
    json_t *point;
    if (check(document, why) != 0)
        return -EINVAL;
    ipm_junit_count(&counts, outcome_of(document), NAN);
    json_array_foreach(points, i, point)
        ipm_junit_count(&counts, outcome_of(point), NAN);
    ipm_junit_open(out, &counts);
    ipm_junit_suite(out, "counts", &counts);
    put_case(out, document, NULL, "the counts", ipm_member_text(document, "sentence"));
    json_array_foreach(points, i, point)
    {
        const char *name = ipm_member_text(point, "point");
        put_case(out, point, name, name, ipm_member_text(point, "reason"));
    }
    ipm_junit_end(out);
    ipm_junit_close(out);
    return 0;
}

static int put_row(struct ipm_markdown_rows *rows, const json_t *point)
{
    struct ipm_markdown_row line;
    if (!ipm_markdown_has_room(rows))
        return 0;
    if (ipm_markdown_open(&line) != 0)
        return -ENOMEM;
    ipm_markdown_put(line.out, "| %s | %s | ", verdict_of(point),
                     ipm_member_text(point, "point"));
    ipm_markdown_text(line.out, ipm_member_text(point, "reason"),
                      2 * IPM_MARKDOWN_CELL);
    (void)fputs(" |\n", line.out);
    return ipm_markdown_close(&line, rows);
}

/* Those that do not pass, the worst verdict first, in the order of the table. */
static int put_table(struct ipm_markdown_rows *rows, const json_t *points)
{
    int error = 0;
    size_t i;
    json_t *point;
    (void)fputs("| verdict | point | reason |\n|---|---|---|\n", rows->out);
    ipm_markdown_begin(rows, MOST_POINTS);
    for (size_t verdict = 0; verdict < VERDICTS - 1; verdict++) {
        json_array_foreach(points, i, point)
        {
            if (error == 0 && is(point, ours[verdict]))
                error = put_row(rows, point);
        }
    }
    ipm_markdown_end(rows, where);
    return error;
}

static int put_notes(struct ipm_markdown_rows *rows, const json_t *document)
{
    const json_t *notes = json_object_get(document, "notes");
    ipm_auto_free char *surplus = ipm_counts_surplus(document);
    if (surplus == NULL)
        return -ENOMEM;
    if (json_array_size(json_object_get(document, "not_in_table")) > 0)
        ipm_markdown_sentence(rows->out, surplus);
    return json_array_size(notes) == 0
               ? 0
               : ipm_markdown_list(rows, notes, MOST_NOTES, where);
}

int ipm_counts_markdown(const json_t *document, FILE *out, struct ipm_why *why)
{
    const json_t *points = json_object_get(document, "points");
    struct ipm_markdown_rows rows = {.out = out};
    size_t passed = 0;
    size_t i;
    json_t *point;
    if (check(document, why) != 0)
        return -EINVAL;
    json_array_foreach(points, i, point) passed += is(point, "pass");
    ipm_markdown_put(out, "## ipcmeter counts: %s\n\n", verdict_of(document));
    ipm_markdown_sentence(out, ipm_member_text(document, "sentence"));
    int error = passed < json_array_size(points) ? put_table(&rows, points) : 0;
    if (error == 0)
        error = put_notes(&rows, document);
    return error == 0 ? 0 : ipm_why_set(why, error, "no memory for the summary");
}
