/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare.h"
#include "analysis/compare_parts.h"
#include "analysis/compare_words.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"

#include <math.h>
#include <string.h>

enum { MECHANISMS = 4 /* named in a sentence */, KEYS = 8 };

/* The mechanisms that cost more beyond margin and interval, or those that cost less, as
 * "pipe 1.2 [1.1, 1.3], shm_ring 1.4 [1.3, 1.5]". */
static void put_mechanisms(FILE *out, const json_t *mechanisms, bool more)
{
    size_t i;
    size_t put = 0;
    const json_t *entry;
    json_array_foreach(mechanisms, i, entry)
    {
        char text[IPM_COMPARE_MEAN_TEXT];
        const json_t *mean = json_object_get(entry, "mean");
        bool is_more = ipm_member_number(mean, "low") > 1 + IPM_COMPARE_MARGIN;
        bool is_less = ipm_member_number(mean, "high") < 1 / (1 + IPM_COMPARE_MARGIN);
        if (!(more ? is_more : is_less))
            continue;
        if (put++ < MECHANISMS)
            (void)fprintf(out, "%s%s %s", put == 1 ? " " : ", ",
                          ipm_member_text(entry, "mechanism"),
                          ipm_compare_mean_text(text, mean));
    }
    if (put > MECHANISMS)
        (void)fprintf(out, " and %zu more", put - MECHANISMS);
    (void)fprintf(out, "%s %s", put == 1 ? " costs" : " cost", more ? "more" : "less");
}

static void put_pair(FILE *out, const json_t *document, const json_t *comparison,
                     const char *by, const json_t *pair)
{
    char text[IPM_COMPARE_MEAN_TEXT];
    const json_t *class = json_array_get(json_object_get(pair, "classes"), 0);
    const json_t *mean = json_object_get(class, "mean");
    const char *b = ipm_compare_side(document, comparison, "side");
    const char *a = ipm_compare_side(document, comparison, "against");
    if (class == NULL) {
        (void)fprintf(out, "By %s nothing is compared: %s.", ipm_compare_by_words(by),
                      ipm_member_text(pair, "refusal"));
        return;
    }
    if (json_is_true(json_object_get(class, "conflict"))) {
        (void)fprintf(
            out,
            "By %s %s against %s is a matter of the mechanism (an interaction of "
            "mechanism and machine), and has no one factor:",
            ipm_compare_by_words(by), b, a);
        put_mechanisms(out, json_object_get(class, "mechanisms"), true);
        (void)fputs(", and", out);
        put_mechanisms(out, json_object_get(class, "mechanisms"), false);
    } else if (isnan(ipm_member_number(mean, "value"))) {
        (void)fprintf(out, "By %s %s against %s has no mean: %s",
                      ipm_compare_by_words(by), b, a, ipm_member_text(mean, "reason"));
    } else {
        (void)fprintf(out, "By %s %s costs %s times what %s does",
                      ipm_compare_by_words(by), b, ipm_compare_mean_text(text, mean),
                      a);
    }
    (void)fprintf(
        out, "; of its points %s less, %.0f more, %.0f the same",
        ipm_text_count(text, ipm_member_number(class, "better"), "costs", "cost"),
        ipm_member_number(class, "worse"), ipm_member_number(class, "tied"));
    double unsure = ipm_member_number(class, "unsure");
    if (unsure > 0)
        (void)fprintf(out, ", %.0f cannot be told for want of %s", unsure,
                      strcmp(ipm_member_text(pair, "scope"), "between sessions") == 0
                          ? "sessions"
                          : "invocations");
    (void)fprintf(out, " (%s).", ipm_member_text(pair, "scope"));
    double refused = ipm_member_number(pair, "refused");
    if (refused > 0)
        (void)fprintf(out, " %s refused: %s.",
                      ipm_text_count(text, refused, "point is", "points are"),
                      ipm_member_text(pair, "refusal"));
}

static void put_environment(FILE *out, const json_t *environment)
{
    size_t i;
    size_t hard = 0;
    size_t soft = 0;
    const json_t *key;
    json_array_foreach(json_object_get(environment, "unlike"), i, key)
    {
        if (!json_is_true(json_object_get(key, "hard"))) {
            soft++;
            continue;
        }
        if (hard++ == 0)
            (void)fputs("Not the same kind of machine or build: ", out);
        if (hard <= KEYS)
            (void)fprintf(out, "%s%s", hard == 1 ? "" : ", ",
                          ipm_member_text(key, "key"));
    }
    if (hard > KEYS)
        (void)fprintf(out, " and %zu more", hard - KEYS);
    char alike[IPM_TEXT_COUNT];
    char settings[IPM_TEXT_COUNT];
    (void)fprintf(out, "%s%s alike, %s not.",
                  hard == 0   ? "The same kind of machine and the same build: "
                  : hard == 1 ? " differs; "
                              : " differ; ",
                  ipm_text_count(alike, ipm_member_number(environment, "alike"),
                                 "key is", "keys are"),
                  ipm_text_count(settings, (double)soft, "setting is", "settings are"));
}

static void put_places(FILE *out, const json_t *document)
{
    const json_t *rank = json_object_get(json_object_get(document, "ranks"), "latency");
    size_t i;
    size_t n = 0;
    const json_t *side;
    char points[IPM_TEXT_COUNT];
    json_array_foreach(json_object_get(rank, "sides"), i, side) n +=
        ipm_member_number(side, "place") == 1;
    if (n == 0) {
        (void)fprintf(out, "There are no places by the median: %s.",
                      ipm_member_text(rank, "reason"));
        return;
    }
    (void)fprintf(out, "By the median the first place of %zu, over %s, %s",
                  json_array_size(json_object_get(rank, "sides")),
                  ipm_text_count(points, ipm_member_number(rank, "points"),
                                 "point that all have", "points that all have"),
                  n == 1 ? "is that of" : "is shared by");
    size_t put = 0;
    json_array_foreach(json_object_get(rank, "sides"), i, side)
    {
        if (ipm_member_number(side, "place") != 1 || put++ >= MECHANISMS)
            continue;
        (void)fprintf(out, "%s%s", put == 1 ? " " : ", ",
                      ipm_compare_side(document, side, "side"));
    }
    if (put > MECHANISMS)
        (void)fprintf(out, " and %zu more", put - MECHANISMS);
    (void)fputs(".", out);
}

static void add(json_t *list, char *text)
{
    (void)json_array_append_new(list, ipm_json_text(text));
}

json_t *ipm_compare_answer(const json_t *document)
{
    json_t *list = json_array();
    size_t i;
    const json_t *comparison;
    const char *by;
    json_t *pair;
    const json_t *comparisons = json_object_get(document, "comparisons");
    json_array_foreach(comparisons, i, comparison)
    {
        if (json_is_true(json_object_get(document, "wide")))
            break;
        json_object_foreach(json_object_get(comparison, "by"), by, pair)
        {
            ipm_auto_free char *text = NULL;
            size_t length = 0;
            FILE *out = open_memstream(&text, &length);
            if (out == NULL)
                return list;
            put_pair(out, document, comparison, by, pair);
            if (fclose(out) == 0)
                add(list, text);
        }
    }
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return list;
    put_environment(out, json_object_get(document, "environment"));
    if (json_array_size(json_object_get(document, "sides")) > 2) {
        (void)fputc(' ', out);
        put_places(out, document);
    }
    if (fclose(out) == 0)
        add(list, text);
    return list;
}
