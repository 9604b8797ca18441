/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_words.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

enum { KEYS = 24, VALUE = 60, CONSTANTS = 24, PLACES = 24 };

static void put_heading(FILE *out, const char *text)
{
    (void)fprintf(out, "\n%s\n", text);
}

static void put_padded(FILE *out, const char *text, int width)
{
    char cut[128];
    int columns = 0;
    (void)snprintf(cut, sizeof(cut), "%.*s", width, text);
    for (const char *at = cut; *at != '\0'; at++)
        columns += ((unsigned char)*at & 0xc0) != 0x80;
    ipm_text_put(out, cut);
    (void)fprintf(out, "%*s", width > columns ? width - columns : 0, "");
}

static void put_pooled(FILE *out, const json_t *session)
{
    char text[IPM_TEXT_COUNT];
    double n = ipm_member_number(session, "pooled");
    if (!(n > 0))
        return;
    (void)fprintf(out, "  %24s  %s: ", "",
                  ipm_text_count(text, n, "point is pooled with another of its class",
                                 "points are pooled with others of their class"));
    ipm_text_put(out, ipm_member_text(session, "pooled_as"));
    (void)fputc('\n', out);
}

static void put_sides(FILE *out, const json_t *document)
{
    size_t i;
    size_t k;
    const json_t *side;
    const json_t *session;
    char points[IPM_TEXT_COUNT];
    put_heading(out, "Sides");
    json_array_foreach(json_object_get(document, "sides"), i, side)
    {
        if (i == KEYS) {
            (void)fprintf(out, "  and %zu more\n",
                          json_array_size(json_object_get(document, "sides")) - i);
            break;
        }
        json_array_foreach(json_object_get(side, "sessions"), k, session)
        {
            (void)fputs("  ", out);
            put_padded(out, k == 0 ? ipm_member_text(side, "name") : "", 24);
            (void)fputs("  ", out);
            ipm_text_put(out, ipm_member_text(session, "directory"));
            (void)fprintf(out, ": %s of ",
                          ipm_text_count(points, ipm_member_number(session, "points"),
                                         "point", "points"));
            ipm_text_put(out, ipm_member_text(session, "started"));
            (void)fprintf(out, ", read from its %s%s%s\n",
                          ipm_member_text(session, "read"),
                          json_is_true(json_object_get(session, "emulated"))
                              ? "; an emulated machine"
                              : "",
                          json_is_true(json_object_get(session, "quick"))
                              ? "; a quick run, not for publication"
                              : "");
            put_pooled(out, session);
        }
    }
    json_array_foreach(json_object_get(document, "left_out"), i, side)
    {
        (void)fputs("  left out: ", out);
        ipm_text_put(out, ipm_member_text(side, "directory"));
        (void)fputs(": ", out);
        ipm_text_put(out, ipm_member_text(side, "reason"));
        (void)fputc('\n', out);
    }
}

static void put_value(FILE *out, const json_t *value)
{
    ipm_auto_free char *text =
        json_is_string(value)
            ? NULL
            : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const char *shown = json_is_string(value) ? json_string_value(value) : text;
    char cut[VALUE + 1];
    (void)snprintf(cut, sizeof(cut), "%s", shown == NULL ? "" : shown);
    ipm_text_put(out, cut);
    (void)fputs(shown != NULL && strlen(shown) > VALUE ? "..." : "", out);
}

static void put_environment(FILE *out, const json_t *document)
{
    const json_t *environment = json_object_get(document, "environment");
    const json_t *unlike = json_object_get(environment, "unlike");
    size_t i;
    size_t k;
    const json_t *key;
    const json_t *value;
    put_heading(out, "Environment (! makes it another machine or build)");
    json_array_foreach(unlike, i, key)
    {
        if (i == KEYS) {
            (void)fprintf(out, "  and %zu more keys\n", json_array_size(unlike) - i);
            break;
        }
        (void)fputs(json_is_true(json_object_get(key, "hard")) ? "  ! " : "    ", out);
        ipm_text_put(out, ipm_member_text(key, "key"));
        (void)fputc('\n', out);
        json_array_foreach(json_object_get(key, "values"), k, value)
        {
            if (json_is_true(json_object_get(document, "wide")))
                break;
            (void)fputs("        ", out);
            put_padded(
                out,
                ipm_member_text(json_array_get(json_object_get(document, "sides"), k),
                                "name"),
                24);
            (void)fputs("  ", out);
            put_value(out, value);
            (void)fputc('\n', out);
        }
    }
    char text[IPM_TEXT_COUNT];
    (void)fprintf(out, "  %s alike\n",
                  ipm_text_count(text, ipm_member_number(environment, "alike"),
                                 "key is", "keys are"));
}

static void put_classes(FILE *out, const json_t *document, const json_t *comparison)
{
    const char *by;
    json_t *pair;
    size_t i;
    const json_t *class;
    json_object_foreach(json_object_get(comparison, "by"), by, pair)
    {
        const json_t *classes = json_object_get(pair, "classes");
        if (json_array_size(classes) == 0)
            continue;
        (void)fprintf(out, "\nCost by %s, ", ipm_compare_by_words(by));
        ipm_text_put(out, ipm_compare_side(document, comparison, "side"));
        (void)fputs(" over ", out);
        ipm_text_put(out, ipm_compare_side(document, comparison, "against"));
        (void)fprintf(out, " (%s)\n  %-32s %6s  %-24s %9s %9s %5s %5s %5s %5s\n",
                      ipm_member_text(pair, "scope"), "class", "points",
                      "mean of ratios", "least", "most", "less", "more", "same", "?");
        json_array_foreach(classes, i, class)
        {
            char text[IPM_COMPARE_MEAN_TEXT];
            char name[IPM_COMPARE_CLASS_TEXT];
            bool conflict = json_is_true(json_object_get(class, "conflict"));
            (void)fputs("  ", out);
            put_padded(out, ipm_compare_class_text(name, class), 32);
            (void)fprintf(
                out, " %6.0f  %-24s %9.3g %9.3g %5.0f %5.0f %5.0f %5.0f\n",
                ipm_member_number(class, "points"),
                conflict ? "conflict: by mechanism"
                         : ipm_compare_mean_text(text, json_object_get(class, "mean")),
                ipm_member_number(json_object_get(class, "least"), "value"),
                ipm_member_number(json_object_get(class, "most"), "value"),
                ipm_member_number(class, "better"), ipm_member_number(class, "worse"),
                ipm_member_number(class, "tied"), ipm_member_number(class, "unsure"));
        }
    }
}

static void put_ranks(FILE *out, const json_t *document)
{
    const char *by;
    json_t *rank;
    size_t i;
    const json_t *side;
    json_object_foreach(json_object_get(document, "ranks"), by, rank)
    {
        const json_t *sides = json_object_get(rank, "sides");
        if (json_array_size(sides) == 0)
            continue;
        char text[IPM_TEXT_COUNT];
        (void)fprintf(
            out, "\nPlaces by %s, over %s that all have\n", ipm_compare_by_words(by),
            ipm_text_count(text, ipm_member_number(rank, "points"), "point", "points"));
        (void)fprintf(out, "  %-24s %5s %12s %14s\n", "side", "place", "cost",
                      "chance of first");
        json_array_foreach(sides, i, side)
        {
            if (i == PLACES) {
                (void)fprintf(out, "  and %zu more\n", json_array_size(sides) - i);
                break;
            }
            (void)fputs("  ", out);
            put_padded(out, ipm_compare_side(document, side, "side"), 24);
            (void)fprintf(
                out, " %5.0f %12.4g %14.2f\n", ipm_member_number(side, "place"),
                ipm_member_number(side, "cost"), ipm_member_number(side, "first"));
        }
    }
}

static void put_constants(FILE *out, const json_t *document)
{
    const json_t *constants = json_object_get(document, "constants");
    size_t i;
    size_t k;
    size_t put = 0;
    const json_t *row;
    const json_t *ratio;
    json_array_foreach(constants, i, row)
    {
        bool any = false;
        json_array_foreach(json_object_get(row, "ratios"), k, ratio) any =
            any || !json_is_null(ratio);
        if (!any || json_is_true(json_object_get(document, "wide")))
            continue;
        if (put++ == 0)
            put_heading(out,
                        "Fitted constants that passed on two sides, over the first");
        if (put > CONSTANTS)
            continue;
        (void)fputs("  ", out);
        ipm_text_put(out, ipm_member_text(row, "model"));
        (void)fputs(": ", out);
        ipm_text_put(out, ipm_member_text(row, "of"));
        (void)fputs(", ", out);
        ipm_text_put(out, ipm_member_text(row, "name"));
        (void)fputs(ipm_member_text(row, "provenance")[0] == '\0' ? "" : ", ", out);
        ipm_text_put(out, ipm_member_text(row, "provenance"));
        (void)fputs(":", out);
        json_array_foreach(json_object_get(row, "ratios"), k, ratio)
        {
            char text[IPM_COMPARE_MEAN_TEXT];
            (void)fprintf(out, " %s", ipm_compare_mean_text(text, ratio));
        }
        (void)fputc('\n', out);
    }
    if (put > CONSTANTS)
        (void)fprintf(out, "  and %zu more\n", put - CONSTANTS);
}

static void put_matching(FILE *out, const json_t *document)
{
    const json_t *matching = json_object_get(document, "matching");
    size_t i;
    const json_t *example;
    (void)fprintf(out, "\nPoints: %.0f in all, %.0f that all sides have\n",
                  ipm_member_number(matching, "points"),
                  ipm_member_number(matching, "common"));
    json_array_foreach(json_object_get(matching, "examples"), i, example)
    {
        (void)fputs("  absent from ", out);
        ipm_text_put(out, ipm_compare_side(document, example, "absent_from"));
        (void)fputs(": ", out);
        ipm_text_put(out, ipm_member_text(example, "point"));
        (void)fprintf(out, ": %s\n", ipm_member_text(example, "reason"));
    }
    double some = ipm_member_number(matching, "some");
    if (some > (double)i)
        (void)fprintf(out, "  and %.0f more that only some have\n", some - (double)i);
}

void ipm_compare_text(const json_t *document, FILE *out)
{
    size_t i;
    const json_t *sentence;
    const json_t *comparison;
    json_array_foreach(json_object_get(document, "answer"), i, sentence)
        ipm_text_wrap(out, 0, json_string_value(sentence));
    put_sides(out, document);
    put_environment(out, document);
    put_matching(out, document);
    json_array_foreach(json_object_get(document, "comparisons"), i, comparison)
    {
        if (!json_is_true(json_object_get(document, "wide")))
            put_classes(out, document, comparison);
    }
    put_ranks(out, document);
    put_constants(out, document);
    (void)fputs("\nRatios are of costs: above 1 costs more. Different machines are "
                "described here, not judged.\n",
                out);
}
