/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_page.h"

#include "analysis/gate_phrases.h"
#include "analysis/member.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1 };

/* What is to be seen first. */
static const int weights[IPM_GATE_VERDICTS] = {
    [IPM_GATE_ERROR] = 0,        [IPM_GATE_ENVIRONMENT] = 1, [IPM_GATE_REGRESSION] = 2,
    [IPM_GATE_INCONCLUSIVE] = 3, [IPM_GATE_PASS] = 4,
};

static bool read_verdict(const json_t *object, enum ipm_gate_verdict *out)
{
    const char *word = ipm_member_text(object, "verdict");
    for (int verdict = 0; verdict < IPM_GATE_VERDICTS; verdict++) {
        if (strcmp(word, ipm_gate_verdict_names[verdict]) == 0) {
            *out = (enum ipm_gate_verdict)verdict;
            return true;
        }
    }
    *out = IPM_GATE_ERROR;
    return false;
}

static enum ipm_gate_verdict count_for(enum ipm_gate_verdict whole,
                                       enum ipm_gate_verdict own)
{
    if (own == IPM_GATE_ERROR)
        return own;
    if (whole == IPM_GATE_ENVIRONMENT)
        return whole;
    return own == IPM_GATE_REGRESSION && whole == IPM_GATE_INCONCLUSIVE ? whole : own;
}

/* The caller's; NULL: no memory. */
static char *reason_of(const struct ipm_gate_page *page,
                       const struct ipm_gate_page_point *point, bool known)
{
    const char *reason = ipm_member_text(point->json, "reason");
    char *text = NULL;
    int length;
    if (!known)
        length = asprintf(&text, "the document has no verdict of this point%s%s",
                          reason[0] == '\0' ? "" : ": ", reason);
    else if (point->counts != point->verdict)
        length = asprintf(&text, "does not count, since the whole is %s: %s: %s",
                          ipm_gate_verdict_names[page->verdict],
                          ipm_gate_verdict_names[point->verdict], reason);
    else
        length = asprintf(&text, "%s", reason);
    return length < 0 ? NULL : text;
}

static int read_point(const struct ipm_gate_page *page, const json_t *json,
                      struct ipm_gate_page_point *out)
{
    const json_t *effect = json_object_get(json, "effect");
    *out = (struct ipm_gate_page_point){
        .json = json,
        .label = ipm_member_text(json, "label"),
        .metric = ipm_member_text(json, "metric"),
        .control = json_is_true(json_object_get(json, "control")),
        .better = strcmp(ipm_member_text(json, "change"), "better") == 0,
        .effect = ipm_member_number(effect, "log"),
        .low = ipm_member_number(effect, "log_low"),
        .high = ipm_member_number(effect, "log_high"),
        .margin = ipm_member_number(json, "margin"),
        .seconds = ipm_member_number(json, "elapsed_ns") / 1e9,
    };
    bool known = read_verdict(json, &out->verdict);
    out->counts = count_for(page->verdict, out->verdict);
    out->reason = reason_of(page, out, known);
    if (out->label[0] == '\0')
        out->label = "point without a name";
    return out->reason == NULL ? -ENOMEM : 0;
}

/* Labels are cut where they are too long, and readers of tests take two of a name for one. */
static int name_points(struct ipm_gate_page *page)
{
    ipm_auto_json json_t *counts = json_object();
    for (size_t i = 0; i < page->n_points; i++) {
        const char *label = page->points[i].label;
        json_int_t n = json_integer_value(json_object_get(counts, label));
        if (json_object_set_new(counts, label, json_integer(n + 1)) != 0)
            return -ENOMEM;
    }
    for (size_t i = 0; i < page->n_points; i++) {
        struct ipm_gate_page_point *point = &page->points[i];
        bool alone = json_integer_value(json_object_get(counts, point->label)) == 1;
        int length = alone ? asprintf(&point->name, "%s", point->label)
                           : asprintf(&point->name, "%s/point=%s", point->label,
                                      ipm_member_text(point->json, "point"));
        if (length < 0) {
            point->name = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

static int worse_first(const void *a, const void *b)
{
    const struct ipm_gate_page_point *left = a;
    const struct ipm_gate_page_point *right = b;
    double sizes[] = {isnan(left->effect) ? -1 : fabs(left->effect),
                      isnan(right->effect) ? -1 : fabs(right->effect)};
    if (left->control != right->control)
        return left->control ? 1 : -1;
    if (left->counts != right->counts)
        return weights[left->counts] - weights[right->counts];
    if (sizes[0] != sizes[1])
        return sizes[0] > sizes[1] ? -1 : 1;
    int order = strcmp(left->label, right->label);
    return order != 0 ? order
                      : strcmp(ipm_member_text(left->json, "point"),
                               ipm_member_text(right->json, "point"));
}

static int read_points(struct ipm_gate_page *page)
{
    const json_t *list = json_object_get(page->document, "points");
    page->points = calloc(json_array_size(list) + 1, sizeof(*page->points));
    if (page->points == NULL)
        return -ENOMEM;
    size_t i;
    json_t *json;
    json_array_foreach(list, i, json)
    {
        int error = read_point(page, json, &page->points[page->n_points++]);
        if (error != 0)
            return error;
        page->n_tested += !page->points[i].control;
    }
    qsort(page->points, page->n_points, sizeof(*page->points), worse_first);
    return name_points(page);
}

int ipm_gate_page_make(const json_t *document, struct ipm_gate_page *out_page,
                       struct ipm_why *why)
{
    ipm_auto_gate_page struct ipm_gate_page page = {.document = document};
    int64_t schema = 0;
    if (strcmp(ipm_member_text(document, "kind"), "gate") != 0)
        return ipm_why_set(why, -EINVAL, "it is no document of a gate");
    if (ipm_json_get_integer(document, "schema", &schema, why) != 0 || schema != SCHEMA)
        return ipm_why_set(why, -EINVAL, "it is of schema %lld, and %d is known",
                           (long long)schema, (int)SCHEMA);
    page.sentence = ipm_member_text(document, "sentence");
    if (!read_verdict(document, &page.verdict))
        page.sentence = "the document has no verdict";
    if (read_points(&page) != 0)
        return ipm_why_set(why, -ENOMEM, "no memory for the gate");
    *out_page = page;
    page = (struct ipm_gate_page){.document = NULL};
    return 0;
}

void ipm_gate_page_fini(struct ipm_gate_page *page)
{
    for (size_t i = 0; i < page->n_points; i++) {
        free(page->points[i].name);
        free(page->points[i].reason);
    }
    free(page->points);
    *page = (struct ipm_gate_page){.document = NULL};
}
