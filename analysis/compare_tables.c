/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_tables.h"

#include "analysis/compare_words.h"
#include "analysis/html.h"
#include "analysis/text.h"

#include <math.h>
#include <string.h>

enum { POINTS = 2000 /* rows of the page; compare.json has all */ };

static void open_table(FILE *out, const char *label, const char *const *heads, size_t n)
{
    ipm_html_put(out,
                 "<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n<table class=\"points sortable\">\n<thead><tr>",
                 label);
    for (size_t i = 0; i < n; i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static void put_mean(FILE *out, const json_t *mean)
{
    char text[IPM_COMPARE_MEAN_TEXT];
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(mean, "value"));
    ipm_html_put(out, "\">%s</td>", ipm_compare_mean_text(text, mean));
}

static void put_number(FILE *out, const json_t *object, const char *key)
{
    char text[32];
    double value = ipm_member_number(object, key);
    (void)snprintf(text, sizeof(text), "%.4g", value);
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s</td>", isnan(value) ? "-" : text);
}

void ipm_compare_put_environment(FILE *out, const json_t *document)
{
    const json_t *environment = json_object_get(document, "environment");
    const json_t *sides = json_object_get(document, "sides");
    size_t i;
    size_t k;
    const json_t *key;
    const json_t *value;
    char text[IPM_TEXT_COUNT];
    (void)ipm_text_count(text, ipm_member_number(environment, "alike"), "key is",
                         "keys are");
    if (json_array_size(json_object_get(environment, "unlike")) == 0) {
        ipm_html_put(out, "<p>Nothing; %s alike.</p>\n", text);
        return;
    }
    (void)fputs("<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
                "aria-label=\"Environment\">\n<table class=\"points\">\n<thead><tr>"
                "<th scope=\"col\">key</th><th scope=\"col\">kind</th>",
                out);
    json_array_foreach(sides, k, value)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", ipm_member_text(value, "name"));
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(json_object_get(environment, "unlike"), i, key)
    {
        ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td>%s</td>",
                     ipm_member_text(key, "key"),
                     json_is_true(json_object_get(key, "hard"))
                         ? "another machine or build"
                         : "setting");
        json_array_foreach(json_object_get(key, "values"), k, value)
        {
            (void)fputs("<td>", out);
            ipm_html_value(out, value);
            (void)fputs("</td>", out);
        }
        (void)fputs("</tr>\n", out);
    }
    close_table(out);
    ipm_html_put(out, "<p>%s alike.</p>\n", text);
}

/* The table of classes, and whose it is. */
struct classes {
    FILE *out;
    const json_t *document;
};

static void put_class(void *context, const struct ipm_compare_class_row *row)
{
    const struct classes *classes = context;
    const json_t *class = row->class;
    FILE *out = classes->out;
    char name[IPM_COMPARE_CLASS_TEXT];
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td>",
                 ipm_compare_side(classes->document, row->comparison, "side"), row->by,
                 ipm_compare_class_text(name, class));
    put_number(out, class, "points");
    if (json_is_true(json_object_get(class, "conflict")))
        (void)fputs("<td>conflict: by mechanism</td>", out);
    else
        put_mean(out, json_object_get(class, "mean"));
    put_number(out, json_object_get(class, "least"), "value");
    put_number(out, json_object_get(class, "most"), "value");
    put_number(out, class, "better");
    put_number(out, class, "worse");
    put_number(out, class, "tied");
    put_number(out, class, "unsure");
    ipm_html_put(out, "<td>%s</td></tr>\n", ipm_member_text(row->pair, "scope"));
}

void ipm_compare_put_classes(FILE *out, const json_t *document)
{
    static const char *const heads[] = {"side",           "by",    "class",   "points",
                                        "mean of ratios", "least", "most",    "less",
                                        "more",           "same",  "unknown", "scope"};
    struct classes classes = {.out = out, .document = document};
    open_table(out, "Classes", heads, sizeof(heads) / sizeof(heads[0]));
    ipm_compare_each_class(document, put_class, &classes);
    close_table(out);
}

void ipm_compare_put_ranks(FILE *out, const json_t *document)
{
    static const char *const heads[] = {"by", "side", "place", "cost over the least",
                                        "chance of the first place"};
    size_t i;
    const char *by;
    json_t *rank;
    const json_t *side;
    open_table(out, "Places", heads, sizeof(heads) / sizeof(heads[0]));
    json_object_foreach(json_object_get(document, "ranks"), by, rank)
    {
        json_array_foreach(json_object_get(rank, "sides"), i, side)
        {
            ipm_html_put(out, "<tr><td>%s</td><th scope=\"row\">%s</th>", by,
                         ipm_compare_side(document, side, "side"));
            put_number(out, side, "place");
            put_number(out, side, "cost");
            put_number(out, side, "first");
            (void)fputs("</tr>\n", out);
        }
    }
    close_table(out);
}

static void put_point(FILE *out, const json_t *document, const json_t *point,
                      const char *by, const json_t *of)
{
    size_t side;
    const json_t *figure;
    json_array_foreach(json_object_get(of, "figures"), side, figure)
    {
        const json_t *ratio =
            side == 0 ? NULL : json_array_get(json_object_get(of, "ratios"), side - 1);
        const json_t *floor =
            strcmp(by, "latency") != 0
                ? NULL
                : json_array_get(json_object_get(point, "floors"), side);
        ipm_html_put(
            out, "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td>",
            ipm_member_text(point, "label"), by,
            ipm_member_text(json_array_get(json_object_get(document, "sides"), side),
                            "name"));
        put_mean(out, figure);
        ipm_html_put(out, "<td>%s</td>", ipm_member_text(of, "unit"));
        put_mean(out, ratio);
        ipm_html_put(out, "<td>%s%s%s</td>", ipm_member_text(ratio, "standing"),
                     ipm_member_text(ratio, "reason")[0] == '\0' ? "" : ": ",
                     ipm_member_text(ratio, "reason"));
        put_mean(out, floor);
        ipm_html_put(out, "<td>%s</td></tr>\n", ipm_member_text(floor, "floor"));
    }
}

void ipm_compare_put_points(FILE *out, const json_t *document)
{
    static const char *const heads[] = {"point",    "by",
                                        "side",     "figure",
                                        "unit",     "ratio to the first",
                                        "standing", "floors it takes",
                                        "floor"};
    const json_t *points = json_object_get(document, "points");
    size_t i;
    const json_t *point;
    const char *by;
    json_t *of;
    open_table(out, "Points", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(points, i, point)
    {
        if (i == POINTS)
            break;
        json_object_foreach(json_object_get(point, "by"), by, of)
            put_point(out, document, point, by, of);
    }
    close_table(out);
    if (json_array_size(points) > POINTS)
        ipm_html_put(out, "<p>%zu more are in <code>compare.json</code>.</p>\n",
                     json_array_size(points) - POINTS);
}

void ipm_compare_put_fronts(FILE *out, const json_t *document)
{
    static const char *const heads[] = {"size",       "placement", "side",
                                        "mechanism",  "wait",      "p99, ns",
                                        "messages/s", "CPU, ns",   "joules, uJ"};
    size_t i;
    size_t k;
    const json_t *cell;
    const json_t *entrant;
    (void)fputs(
        "<p>Not beaten in everything that both have, beyond the intervals.</p>\n", out);
    open_table(out, "Fronts", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(json_object_get(document, "fronts"), i, cell)
    {
        if (!json_is_null(json_object_get(cell, "reason"))) {
            (void)fputs("<tr>", out);
            put_number(out, cell, "size");
            ipm_html_put(out, "<td>%s</td><td colspan=\"7\">%s</td></tr>\n",
                         ipm_member_text(cell, "placement_class"),
                         ipm_member_text(cell, "reason"));
        }
        json_array_foreach(json_object_get(cell, "front"), k, entrant)
        {
            (void)fputs("<tr>", out);
            put_number(out, cell, "size");
            ipm_html_put(out,
                         "<td>%s</td><td>%s</td><th scope=\"row\">%s</th><td>%s</td>",
                         ipm_member_text(cell, "placement_class"),
                         ipm_compare_side(document, entrant, "side"),
                         ipm_member_text(entrant, "mechanism"),
                         ipm_member_text(entrant, "wait"));
            put_number(out, entrant, "p99");
            put_number(out, entrant, "throughput");
            put_number(out, entrant, "cpu");
            put_number(out, entrant, "joules");
            (void)fputs("</tr>\n", out);
        }
    }
    close_table(out);
}

void ipm_compare_put_constants(FILE *out, const json_t *document)
{
    static const char *const heads[] = {"model", "of",    "constant",           "unit",
                                        "side",  "value", "ratio to the first", "fit"};
    size_t i;
    size_t side;
    const json_t *row;
    const json_t *of;
    open_table(out, "Constants", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(json_object_get(document, "constants"), i, row)
    {
        json_array_foreach(json_object_get(row, "sides"), side, of)
        {
            if (json_is_null(of))
                continue;
            ipm_html_put(
                out,
                "<tr><td>%s</td><td>%s</td><th scope=\"row\">%s %s</th>"
                "<td>%s</td><td>%s</td>",
                ipm_member_text(row, "model"), ipm_member_text(row, "of"),
                ipm_member_text(row, "name"), ipm_member_text(row, "provenance"),
                ipm_member_text(row, "unit"),
                ipm_member_text(
                    json_array_get(json_object_get(document, "sides"), side), "name"));
            put_mean(out, of);
            put_mean(out, side == 0 ? NULL
                                    : json_array_get(json_object_get(row, "ratios"),
                                                     side - 1));
            ipm_html_put(out, "<td>%s</td></tr>\n",
                         json_is_true(json_object_get(of, "passed"))
                             ? "passed"
                             : ipm_member_text(of, "reason"));
        }
    }
    close_table(out);
}

void ipm_compare_put_matching(FILE *out, const json_t *document)
{
    const json_t *matching = json_object_get(document, "matching");
    size_t i;
    const json_t *entry;
    char all[IPM_TEXT_COUNT];
    char common[IPM_TEXT_COUNT];
    ipm_html_put(
        out, "<p>%s in all, %s.</p>\n<ul>\n",
        ipm_text_count(all, ipm_member_number(matching, "points"), "point", "points"),
        ipm_text_count(common, ipm_member_number(matching, "common"),
                       "that all sides have", "that all sides have"));
    json_array_foreach(json_object_get(matching, "examples"), i, entry)
        ipm_html_put(out, "<li>absent from %s: %s: %s</li>\n",
                     ipm_compare_side(document, entry, "absent_from"),
                     ipm_member_text(entry, "point"), ipm_member_text(entry, "reason"));
    size_t some = (size_t)ipm_member_number(matching, "some");
    if (some > i)
        ipm_html_put(out, "<li>and %zu more that only some have</li>\n", some - i);
    json_array_foreach(json_object_get(document, "left_out"), i, entry) ipm_html_put(
        out, "<li>left out: %s: %s</li>\n", ipm_member_text(entry, "directory"),
        ipm_member_text(entry, "reason"));
    (void)fputs("</ul>\n", out);
}
