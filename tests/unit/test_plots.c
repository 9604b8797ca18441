/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gnuplot.h"
#include "analysis/plot_canvas.h"
#include "analysis/plot_percentiles.h"
#include "analysis/plot_power.h"
#include "analysis/plot_ratio.h"
#include "analysis/plot_run_order.h"
#include "analysis/plot_sizes.h"
#include "analysis/plot_winners.h"
#include "base/cleanup.h"
#include "tests/support/test.h"

#include <ctype.h>
#include <math.h>

typedef int put_plot(const json_t *document, const char *directory, json_t **out_json,
                     struct ipm_why *why);

static const struct {
    const char *name;
    put_plot *put;
} plots[] = {
    {"latency_size", ipm_plot_latency_size},
    {"throughput_size", ipm_plot_throughput_size},
    {"ratio", ipm_plot_ratio},
};
static const struct {
    const char *name;
    put_plot *put;
} always[] = {
    {"percentiles", ipm_plot_percentiles},
    {"run_order", ipm_plot_run_order},
};

/* Words that would do harm if gnuplot or a browser took them for more. */
static const char *const hostile[] = {
    "'; system \"touch pwned\" #",
    "`touch pwned`",
    "\"; !touch pwned\n set output 'pwned'",
    "@x \\ $(touch pwned) {/:Bold <script>&]]>",
    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
    "\xc3"
    "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
    "\xa9",
};

static json_t *figure(double value)
{
    return json_pack("{s:f, s:f, s:f}", "value", value, "low", value * 0.5, "high",
                     value * 2);
}

static json_t *point(const char *workload, const char *mechanism, int copies, int size,
                     double value)
{
    json_t *made = json_pack(
        "{s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:{s:o, "
        "s:o, s:{s:f}, s:{s:f}}}",
        "workload", workload, "mechanism", mechanism, "copies", copies, "size", size,
        "wait", "block", "placement", "nearest_core", "placement_class", "same_llc",
        "touch", "none", "depth", 64, "rate", "max", "sample", "round_trip", "figures",
        "p50_ns", figure(value), "bytes_per_s", figure(value * 1e6), "p99_ns", "value",
        value * 8, "p999_ns", "value", value * 12);
    assert_non_null(made);
    return made;
}

/* Ping-pong and stream points of three sizes, not in order, the memcpy floor, and a point
 * that stays alone. */
static json_t *sizes_document(const char *mechanism)
{
    static const int sizes[] = {4096, 64, 512};
    json_t *points = json_array();
    json_t *floors = json_array();
    for (size_t i = 0; i < IPM_TEST_ROWS(sizes); i++) {
        double value = 1000 + sizes[i];
        (void)json_array_append_new(points,
                                    point("pingpong", mechanism, 2, sizes[i], value));
        (void)json_array_append_new(points,
                                    point("stream", mechanism, 1, sizes[i], value / 2));
        (void)json_array_append_new(
            floors, point("self_loop", "floor_memcpy", 1, sizes[i], value * 3));
    }
    (void)json_array_append_new(points, point("pingpong", "lonely", 2, 64, 5));
    return json_pack("{s:o, s:o}", "points", points, "floors", floors);
}

static json_t *model_points(const char *mechanism, int copies)
{
    json_t *list = json_array();
    for (int size = 64; size <= 65536; size *= 4)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:b}", "mechanism",
                            mechanism, "copies", copies, "size", size, "time_ns",
                            1000.0 + size, "low", 900.0 + size, "high", 1100.0 + size,
                            "residual", copies * 0.02, "used", size < 65536));
    return list;
}

/* A fitted model of `pipe` and another mechanism. */
static json_t *model_document(const char *partner, const char *status)
{
    json_t *ratio = json_array();
    for (int size = 64; size <= 65536; size *= 4)
        (void)json_array_append_new(
            ratio,
            json_pack("{s:i, s:f, s:f, s:f, s:f, s:b}", "size", size, "value",
                      1 + size / 65536.0, "low", 0.875 + size / 65536.0, "high",
                      1.125 + size / 65536.0, "predicted", 1.25, "used", size < 65536));
    json_t *all = model_points("pipe", 2);
    ipm_auto_json json_t *others = model_points(partner, 1);
    (void)json_array_extend(all, others);
    json_error_t problem;
    json_t *made = json_pack_ex(
        &problem, 0,
        "{s:[], s:[], s:[{s:s, s:s, s:s, s:[s, s], s:s, s:s, s:s, s:s,"
        " s:[{s:s, s:s, s:f, s:f, s:f}], s:{s:i, s:i, s:i, s:s}, s:o, s:o,"
        " s:[{s:i, s:f, s:f, s:f}], s:{s:f}}]}",
        "points", "floors", "models", "name", "seed", "status", status, "reason",
        "the planted reason", "pair", "pipe", partner, "workload", "pingpong",
        "placement", partner, "wait", "block", "touch", "none", "parameters", "name",
        "s_half", "unit", "B", "value", 2048.0, "low", 1024.0, "high", 4096.0, "range",
        "low", 64, "high", 16384, "rejected_above", 16384, "reason", "the planted end",
        "points", all, "ratio", ratio, "ratio_touched", "size", 1024, "value", 1.375,
        "low", 1.25, "high", 1.5, "ratio_touched_limit", "value", 1.4375);
    if (made == NULL)
        print_error("document: %s\n", problem.text);
    assert_non_null(made);
    return made;
}

static bool exists(void **state, const char *name)
{
    char path[256];
    return access(ipm_test_path(state, name, path), F_OK) == 0;
}

static bool have_gnuplot(void **state)
{
    char path[256];
    ipm_test_write(ipm_test_path(state, "probe.gp", path), "", 0);
    int result = ipm_gnuplot_run(*state, "probe.gp", NULL);
    (void)unlink(path);
    return result == 0;
}

/* plots/NAMESUFFIX; the caller's. */
static char *read_plot(void **state, const char *name, const char *suffix)
{
    char relative[64];
    char path[256];
    size_t length = 0;
    (void)snprintf(relative, sizeof(relative), "plots/%s%s", name, suffix);
    return ipm_test_read(ipm_test_path(state, relative, path), &length);
}

/* What the plot says about itself; the caller's. */
static json_t *made_by(void **state, put_plot *put, const json_t *document)
{
    struct ipm_why why = {0};
    json_t *made = NULL;
    if (put(document, *state, &made, &why) != 0)
        fail_msg("%s", why.text);
    return made;
}

static void draw(void **state, put_plot *put, const json_t *document)
{
    json_decref(made_by(state, put, document));
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static const char *end_of_tag(const char *at)
{
    for (char quote = '\0'; *at != '\0'; at++) {
        if (quote != '\0')
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>' || *at == '<')
            return *at == '>' ? at : NULL;
    }
    return NULL;
}

/* Elements nest, attributes end, every & starts an entity, no control characters. */
static bool well_formed(const char *text)
{
    enum { DEPTH = 64 };
    const char *open[DEPTH];
    size_t depth = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' && !isspace((unsigned char)*at))
            return false;
        if (*at == '&') {
            size_t length = strcspn(at, "; <\n");
            if (at[length] != ';' || length < 3)
                return false;
        }
        if (*at != '<')
            continue;
        const char *end = end_of_tag(at + 1);
        if (end == NULL)
            return false;
        size_t length = strcspn(at + 1, " \t\n/>");
        if (at[1] == '/') {
            length = strcspn(at + 2, " \t\n>");
            if (depth == 0 || strncmp(open[--depth], at + 2, length) != 0 ||
                strchr(" \t\n/>", open[depth][length]) == NULL)
                return false;
        } else if (at[1] != '?' && at[1] != '!' && end[-1] != '/') {
            if (depth == DEPTH || length == 0)
                return false;
            open[depth++] = at + 1;
        }
        at = end;
    }
    return depth == 0;
}

static void nothing_to_draw_has_a_reason(void **state)
{
    static const char *const documents[] = {
        "{}",
        "{\"points\": [], \"floors\": [], \"models\": []}",
        "{\"points\": [{\"workload\": \"pingpong\", \"size\": 64, \"figures\": null}],"
        " \"models\": [{\"name\": \"seed\", \"status\": \"no_data\", \"reason\":"
        " \"the planted reason\", \"ratio\": [{\"size\": 64, \"value\": 1.5}]}]}",
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(documents); i++) {
        ipm_auto_json json_t *document = json_loads(documents[i], 0, NULL);
        assert_non_null(document);
        for (size_t j = 0; j < IPM_TEST_ROWS(plots); j++) {
            ipm_auto_json json_t *made = made_by(state, plots[j].put, document);
            char name[64];
            assert_true(json_is_null(json_object_get(made, "picture")));
            assert_string_not_equal(text_in(made, "reason"), "");
            if (i == 2 && plots[j].put == ipm_plot_ratio)
                assert_string_equal(text_in(made, "reason"), "the planted reason");
            (void)snprintf(name, sizeof(name), "plots/%s.svg", plots[j].name);
            assert_false(exists(state, name));
        }
        for (size_t j = 0; j < IPM_TEST_ROWS(always); j++) {
            ipm_auto_json json_t *made = made_by(state, always[j].put, document);
            assert_true(json_is_null(json_object_get(made, "picture")));
            assert_string_not_equal(text_in(made, "reason"), "");
        }
    }
}

/* Two sizes show no course; the third one makes a line. */
static void two_sizes_are_no_line(void **state)
{
    ipm_auto_json json_t *document = sizes_document("pipe");
    json_t *points = json_object_get(document, "points");
    assert_int_equal(json_array_remove(points, 0), 0); /* the ping-pong of 4 KiB */
    ipm_auto_json json_t *made = made_by(state, ipm_plot_latency_size, document);
    assert_has(text_in(made, "reason"), "three sizes");
}

static void touched_round_trips_stay_out(void **state)
{
    ipm_auto_json json_t *document = sizes_document("pipe");
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(document, "points"), i, each)
    {
        (void)json_object_set_new(each, "touch", json_string("full"));
    }
    ipm_auto_json json_t *latency = made_by(state, ipm_plot_latency_size, document);
    assert_has(text_in(latency, "reason"), "touch none");
    draw(state, ipm_plot_throughput_size, document);
    ipm_auto_free char *data = read_plot(state, "throughput_size", ".dat");
    assert_has(data, "touch full");
}

static void size_rows_are_those_of_the_document(void **state)
{
    ipm_auto_json json_t *document = sizes_document("pipe");
    draw(state, ipm_plot_latency_size, document);
    ipm_auto_free char *data = read_plot(state, "latency_size", ".dat");
    assert_has(data, "\"pipe, 2 copies\" \"wait block, nearest_core (same_llc), touch "
                     "none\"\n# size_bytes value low high p99_ns p999_ns "
                     "of_batches\n"
                     "64 1064 532 2128 8512 12768 0\n"
                     "512 1512 756 3024 12096 18144 0\n"
                     "4096 5096 2548 10192 40768 61152 0\n");
    assert_null(strstr(data, "lonely"));
    assert_has(data, "Left out: 1 series of fewer than three sizes.");

    draw(state, ipm_plot_throughput_size, document);
    ipm_auto_free char *rates = read_plot(state, "throughput_size", ".dat");
    assert_has(rates, "\"pipe, 1 copy\" ");
    assert_has(rates, "\n64 5.32e+08 2.66e+08 1.064e+09 4256 6384 0\n");
    assert_has(rates, "\"memcpy\" ");
    assert_has(rates, "\n64 3.192e+09 1.596e+09 6.384e+09 25536 38304 0\n");
    ipm_auto_free char *script = read_plot(state, "throughput_size", ".gp");
    assert_has(script, "'64 B' 64");
    assert_has(script, "'1 GB/s' 1000000000");
}

/* Points that differ in more than the size are lines of their own, and say in what. */
static void depths_are_told_apart(void **state)
{
    ipm_auto_json json_t *document = sizes_document("pipe");
    ipm_auto_json json_t *more = sizes_document("pipe");
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(more, "points"), i, each)
    {
        (void)json_object_set_new(each, "depth", json_integer(8));
        (void)json_object_set_new(each, "rate", json_string("1000"));
    }
    (void)json_array_extend(json_object_get(document, "points"),
                            json_object_get(more, "points"));
    draw(state, ipm_plot_throughput_size, document);
    ipm_auto_free char *data = read_plot(state, "throughput_size", ".dat");
    assert_has(data, "touch none, depth 64, rate max\"");
    assert_has(data, "touch none, depth 8, rate 1000\"");
}

static void lines_beyond_the_last_are_counted(void **state)
{
    ipm_auto_json json_t *document = json_pack("{s:[]}", "points");
    json_t *points = json_object_get(document, "points");
    for (int copies = 0; copies < IPM_PLOT_SERIES + 2; copies++) {
        for (int size = 64; size <= 1024; size *= 4)
            (void)json_array_append_new(
                points, point("pingpong", "pipe", copies, size, 100 + copies));
    }
    bool drawn = have_gnuplot(state);
    draw(state, ipm_plot_latency_size, document);
    ipm_auto_free char *data = read_plot(state, "latency_size", ".dat");
    assert_has(data, "Not drawn: 2 more lines.");
    assert_int_equal(exists(state, "plots/latency_size.svg"), drawn);
}

static void ratio_rows_are_those_of_the_model(void **state)
{
    ipm_auto_json json_t *document = model_document("shm_pipe_token", "fitted");
    draw(state, ipm_plot_ratio, document);
    ipm_auto_free char *data = read_plot(state, "ratio", ".dat");
    assert_has(data, "\n16384 1.25 1.125 1.375 1.25 1\n65536 2 1.875 2.125 1.25 0\n");
    assert_has(data, "\n1024 1.375 1.25 1.5 nan 0\n");
    assert_has(data, "\n64 1064 964 1164 4 1\n"); /* pipe: 4 % */
    assert_has(data, "\n64 1064 964 1164 2 1\n"); /* the other: 2 % */
    assert_has(data, "pipe (2 copies) / over shm_pipe_token (1 copy)");
    assert_has(data, "wait block, touch none");
    assert_has(data, "\"s_half = 2 KiB [1, 4]\"");
    assert_has(data, "\"Rejected above 16 KiB: the planted end\"");
    assert_has(data, "touch full: 1.44");
}

/* Without a fit: no curve, no parameter, no residual, but why. */
static void a_rejected_model_shows_points_alone(void **state)
{
    ipm_auto_json json_t *document = model_document("shm_pipe_token", "rejected");
    bool drawn = have_gnuplot(state);
    draw(state, ipm_plot_ratio, document);
    ipm_auto_free char *data = read_plot(state, "ratio", ".dat");
    ipm_auto_free char *script = read_plot(state, "ratio", ".gp");
    assert_has(data, "\"No curve: rejected: the planted reason\"");
    assert_null(strstr(data, "s_half"));
    assert_null(strstr(script, "residual"));
    assert_null(strstr(script, "using 1:5 with lines"));
    assert_int_equal(exists(state, "plots/ratio.svg"), drawn);
}

static void hostile_words_stay_data(void **state)
{
    static const char *const signs[] = {"pwned", "system", "touch pwned", "script>",
                                        "\xc3\xa9"};
    bool drawn = have_gnuplot(state);
    if (!drawn)
        print_message("without gnuplot: the pictures are not tried\n");
    for (size_t i = 0; i < IPM_TEST_ROWS(hostile); i++) {
        ipm_auto_json json_t *sizes = sizes_document(hostile[i]);
        ipm_auto_json json_t *model = model_document(hostile[i], "fitted");
        for (size_t j = 0; j < IPM_TEST_ROWS(plots); j++) {
            bool of_sizes = plots[j].put != ipm_plot_ratio;
            ipm_auto_json json_t *made =
                made_by(state, plots[j].put, of_sizes ? sizes : model);
            ipm_auto_free char *script = read_plot(state, plots[j].name, ".gp");
            for (size_t k = 0; k < IPM_TEST_ROWS(signs); k++)
                assert_null(strstr(script, signs[k]));
            assert_int_equal(json_is_string(json_object_get(made, "picture")), drawn);
            assert_false(exists(state, "pwned") || exists(state, "plots/pwned"));
            assert_int_not_equal(access("pwned", F_OK), 0);
            if (!drawn)
                continue;
            ipm_auto_free char *picture = read_plot(state, plots[j].name, ".svg");
            assert_true(well_formed(picture));
            assert_null(strstr(picture, "<script"));
        }
    }
}

/* Two curves over the points of sizes_document(), one of which tells nothing. */
static json_t *curves_document(const char *mechanism)
{
    json_t *made = json_pack(
        "{s:[{s:s, s:s, s:i, s:s, s:s}, {s:s, s:s}],"
        " s:{s:i, s:[{s:s, s:f, s:[{s:f, s:f}, {s:f, s:f}, {s:f, s:f}]},"
        " {s:s, s:n, s:[{s:f, s:f}, {s:f, s:f}]}]}}",
        "points", "id", "a", "mechanism", mechanism, "copies", 2, "wait", mechanism,
        "placement", mechanism, "id", "b", "mechanism", "other", "percentiles", "of", 9,
        "curves", "point", "a", "limit", 0.9, "quantiles", "q", 0.5, "ns", 100.0, "q",
        0.9, "ns", 200.0, "q", 0.99, "ns", 400.0, "point", "b", "limit", "quantiles",
        "q", 0.5, "ns", 1000.0, "q", 0.9, "ns", 2000.0);
    assert_non_null(made);
    return made;
}

static void a_curve_is_dotted_beyond_its_limit(void **state)
{
    ipm_auto_json json_t *document = curves_document("pipe");
    ipm_auto_json json_t *made = made_by(state, ipm_plot_percentiles, document);
    ipm_auto_free char *data = read_plot(state, "percentiles", ".dat");
    assert_has(data, "\n2 100 100 nan nan\n10 200 200 200 200\n100 400 nan 400 nan\n");
    assert_has(data, "\n2 1000 nan 1000 nan\n10 2000 nan 2000 nan\n");
    assert_has(data, "\"pipe, 2 copies\"");
    assert_has(data, "2 of the 9 points");
    ipm_auto_free char *script = read_plot(state, "percentiles", ".gp");
    assert_has(script, "'99 %%' 100");
    assert_int_equal(json_is_string(json_object_get(made, "picture")),
                     have_gnuplot(state));
}

static void the_run_is_drawn_in_its_order(void **state)
{
    ipm_auto_json json_t *document = json_pack(
        "{s:{s:i, s:i, s:[i, i], s:[f, n], s:[f, n], s:[f, n], s:[f, f], s:[n, n],"
        " s:[i, i], s:[i, i]}}",
        "run_order", "invocations", 4, "per", 2, "line", 1, 3, "time", 1.5,
        "time_least", 1.25, "time_most", 2.0, "cacheline_rtt", 1.0, 0.25, "core_step",
        "regime_changed", 0, 1, "slow_core", 2, 1);
    assert_non_null(document);
    ipm_auto_json json_t *made = made_by(state, ipm_plot_run_order, document);
    ipm_auto_free char *data = read_plot(state, "run_order", ".dat");
    assert_has(data, "\n1 1.5 1.25 2 1 nan 0\n3 nan nan nan 0.25 nan 1\n");
    assert_has(data, "the machine changed within the window (1).  On a slow core: 3.");
    assert_has(data, "their median");
    assert_null(strstr(data, "step of the core")); /* nobody took one */
    assert_int_equal(json_is_string(json_object_get(made, "picture")),
                     have_gnuplot(state));
}

static void hostile_curves_stay_data(void **state)
{
    bool drawn = have_gnuplot(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(hostile); i++) {
        ipm_auto_json json_t *document = curves_document(hostile[i]);
        ipm_auto_json json_t *made = made_by(state, ipm_plot_percentiles, document);
        ipm_auto_free char *script = read_plot(state, "percentiles", ".gp");
        assert_null(strstr(script, "pwned"));
        assert_int_equal(json_is_string(json_object_get(made, "picture")), drawn);
        assert_false(exists(state, "pwned") || exists(state, "plots/pwned"));
        if (!drawn)
            continue;
        ipm_auto_free char *picture = read_plot(state, "percentiles", ".svg");
        assert_true(well_formed(picture));
        assert_null(strstr(picture, "<script"));
    }
}

/* Floors are lines of their own, whatever sizes they were measured at. */
static void latency_has_its_floors(void **state)
{
    ipm_auto_json json_t *document = sizes_document("pipe");
    json_t *floors = json_object_get(document, "floors");
    (void)json_array_append_new(floors, point("self_loop", "floor_syscall", 0, 0, 84));
    (void)json_array_append_new(floors,
                                point("pingpong", "floor_cacheline", 0, 0, 104));
    (void)json_array_append_new(floors, point("pingpong", "floor_cacheline", 0, 0, 99));
    draw(state, ipm_plot_latency_size, document);
    ipm_auto_free char *data = read_plot(state, "latency_size", ".dat");
    assert_has(data, "# \"system call\"");
    assert_has(data, "\n64 84 nan nan nan nan 0\n4096 84 nan nan nan nan 0\n");
    assert_has(data, "# \"cache-line round trip\"");
    assert_has(data, "\n64 99 nan nan nan nan 0\n");
    assert_has(data, "# \"memcpy\"");
}

static json_t *winner_contest(const char *by, const char *verdict, const char *word)
{
    json_t *contest = json_pack(
        "{s:s, s:s, s:s, s:i, s:{s:s, s:s}, s:{s:{s:f}}, s:[s, s]}", "by", by, "field",
        "any", "verdict", verdict, "entrants", 2, "best", "mechanism", word, "wait",
        word, "runner_up", "behind", "ratio", 1.25, "tied", "a", "b");
    assert_non_null(contest);
    if (strcmp(by, "joules") == 0)
        (void)json_object_set_new(contest, "provenance", json_string("simulated"));
    return contest;
}

static json_t *winners_document(const char *word, const char *by)
{
    json_t *made = json_pack("{s:{s:[{s:s, s:s, s:s, s:s, s:s, s:i, s:[o, o]}]}}",
                             "winners", "cells", "workload", "pingpong", "placement",
                             word, "touch", word, "rate", word, "traffic", word, "size",
                             64, "contests", winner_contest("latency", "tie", word),
                             winner_contest(by, "winner", word));
    assert_non_null(made);
    return made;
}

/* The map of the winners has words in its script: as strings that nothing is made of. */
static void words_of_winners_stay_strings(void **state)
{
    bool drawn = have_gnuplot(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(hostile); i++) {
        ipm_auto_json json_t *document = winners_document(hostile[i], "cpu");
        ipm_auto_json json_t *made = made_by(state, ipm_plot_winners, document);
        assert_int_equal(json_is_string(json_object_get(made, "picture")), drawn);
        assert_false(exists(state, "pwned") || exists(state, "plots/pwned"));
        assert_int_not_equal(access("pwned", F_OK), 0);
        if (!drawn)
            continue;
        ipm_auto_free char *picture = read_plot(state, "winners", ".svg");
        assert_true(well_formed(picture));
        assert_null(strstr(picture, "<script"));
    }
}

/* Two rates of one series, a line through them, and a cell with one block that was used. */
static json_t *power_document(const char *word, const char *first, const char *second)
{
    static const char labels[] = "{s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s, "
                                 "s:o, s:o, s:f}";
    const char *const provenances[] = {first, second};
    json_t *curve = json_array();
    for (int i = 0; i < 2; i++)
        (void)json_array_append_new(
            curve, json_pack(labels, "workload", "open_loop", "mechanism", word,
                             "copies", 2, "size", 64, "wait", "block", "placement",
                             word, "domain", "package", "source", "meter", "provenance",
                             provenances[i], "rate", i == 0 ? "1000" : "4000",
                             "messages_per_s", figure(i == 0 ? 1000 : 4000), "beyond_w",
                             figure(0.5 * (i + 1)), "standing_w", 0.0));
    json_t *line =
        json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:o, s:o}",
                  "workload", "open_loop", "mechanism", word, "copies", 2, "size", 64,
                  "wait", "block", "placement", word, "domain", "package", "source",
                  "meter", "status", "fitted", "low_per_s", 1000.0, "high_per_s",
                  4000.0, "fixed_w", figure(0.25), "message_uj", figure(160));
    json_t *made = json_pack(
        "{s:[{s:s, s:o, s:[o], s:[{s:s, s:i, s:s, s:s, s:s, s:[{s:f, s:f, s:s, s:b}, "
        "{s:f, s:f, s:s, s:b}]}]}]}",
        "models", "name", "energy", "curve", curve, "lines", line, "cells", "mechanism",
        word, "copies", 2, "wait", word, "status", "fitted", "domain", "package",
        "windows", "predicted_w", 0.75, "residual_w", -0.125, "workload", word, "used",
        1, "predicted_w", 0.875, "residual_w", 8.0, "workload", word, "used", 0);
    assert_non_null(made);
    return made;
}

static void words_of_power_stay_strings(void **state)
{
    bool drawn = have_gnuplot(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(hostile); i++) {
        ipm_auto_json json_t *document =
            power_document(hostile[i], "simulated", "simulated");
        ipm_auto_json json_t *made = made_by(state, ipm_plot_power, document);
        assert_int_equal(json_is_string(json_object_get(made, "picture")), drawn);
        assert_false(exists(state, "pwned") || exists(state, "plots/pwned"));
        if (!drawn)
            continue;
        ipm_auto_free char *picture = read_plot(state, "power_rate-simulated", ".svg");
        assert_true(well_formed(picture));
        assert_null(strstr(picture, "<script"));
    }
}

static void power_names_its_joules(void **state)
{
    ipm_auto_json json_t *document = power_document("pipe", "simulated", "simulated");
    ipm_auto_json json_t *drawn = made_by(state, ipm_plot_power, document);
    ipm_auto_free char *data = read_plot(state, "power_rate-simulated", ".dat");
    assert_has(text_in(drawn, "data"), "power_rate-simulated");
    assert_has(data, "residuals: simulated\"");
    assert_has(data, "\n1000 0.5 0.25 1\n4000 1 0.5 2\n");
    assert_has(data, "\n0.75 -0.125 \"pipe\"\n");
    assert_null(strstr(data, "0.875")); /* a block that was not used */
    ipm_auto_free char *script = read_plot(state, "power_rate-simulated", ".gp");
    assert_has(script, "[1000:4000] 0.25 + 160 * x / 1e6");

    ipm_auto_json json_t *both = power_document("pipe", "measured", "simulated");
    ipm_auto_json json_t *refused = made_by(state, ipm_plot_power, both);
    assert_false(json_is_string(json_object_get(refused, "picture")));
    assert_has(text_in(refused, "reason"), "never share a picture");
}

static void rows_of_winners_are_those_of_the_document(void **state)
{
    ipm_auto_json json_t *document = winners_document("pipe", "joules");
    ipm_auto_json json_t *drawn = made_by(state, ipm_plot_winners, document);
    assert_int_equal(json_is_string(json_object_get(drawn, "picture")),
                     have_gnuplot(state));
    /* Whose joules they are is in the name. */
    ipm_auto_free char *data = read_plot(state, "winners-simulated", ".dat");
    assert_has(data, "64 1.25 2 2 \"latency\"");
    assert_has(data, "\"any\" \"tie\" \"pipe\" \"pipe\"");
    assert_has(data, "64 1.25 2 2 \"joules\"");
    ipm_auto_free char *script = read_plot(state, "winners-simulated", ".gp");
    assert_has(script, "beyond rest: simulated'");
    assert_has(script, "'tie of 2'");
    assert_has(script, "'pipe 1.25x'");

    ipm_auto_json json_t *nothing = json_object();
    ipm_auto_json json_t *made = made_by(state, ipm_plot_winners, nothing);
    assert_has(text_in(made, "reason"), "nothing was measured");
}

static void pictures_are_well_formed(void **state)
{
    assert_false(well_formed("<a><b></a></b>") || well_formed("<a b='></a>") ||
                 well_formed("<a>&x</a>") || well_formed("<a>") ||
                 well_formed("<ab></a>") || well_formed("<a>\x1b</a>"));
    assert_true(well_formed("<?xml?><a b='>'>&lt;<c/></a>"));
    if (!have_gnuplot(state)) {
        print_message("skipped: gnuplot is not installed\n");
        skip();
    }
    ipm_auto_json json_t *sizes = sizes_document("pipe");
    ipm_auto_json json_t *model = model_document("shm_pipe_token", "fitted");
    for (size_t i = 0; i < IPM_TEST_ROWS(plots); i++) {
        const json_t *document = plots[i].put == ipm_plot_ratio ? model : sizes;
        ipm_auto_json json_t *first = made_by(state, plots[i].put, document);
        assert_true(json_is_null(json_object_get(first, "reason")));
        ipm_auto_free char *before = read_plot(state, plots[i].name, ".svg");
        draw(state, plots[i].put, document);
        ipm_auto_free char *after = read_plot(state, plots[i].name, ".svg");
        assert_true(well_formed(before));
        assert_string_equal(before, after);
    }
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    char cut[8];
    ipm_canvas_cut(cut, sizeof(cut), "1234567");
    assert_string_equal(cut, "1234567");
    ipm_canvas_cut(cut, sizeof(cut), "12345678");
    assert_string_equal(cut, "1234...");
    ipm_canvas_cut(cut, sizeof(cut),
                   "123\xc3\xa9"
                   "45678");
    assert_string_equal(cut, "123...");
}

static void labels_keep_their_distance(void **state)
{
    (void)state;
    double y[] = {300, 299, 298, 20, 19, 18};
    ipm_canvas_spread(y, IPM_TEST_ROWS(y), 40, 10, 290);
    assert_true(y[0] <= 290 && y[IPM_TEST_ROWS(y) - 1] >= 10);
    for (size_t i = 1; i < IPM_TEST_ROWS(y); i++)
        assert_true(y[i - 1] - y[i] >= 40);
}

static void axes_hold_what_they_can_show(void **state)
{
    (void)state;
    struct ipm_axis axis = {1, 0, 100, 300, true};
    static const double values[] = {NAN, 0, -3, INFINITY, 10, 1000};
    for (size_t i = 0; i < IPM_TEST_ROWS(values); i++)
        ipm_axis_hold(&axis, values[i]);
    assert_true(fabs(axis.low - 10) < 1e-12 && fabs(axis.high - 1000) < 1e-12);
    assert_true(fabs(ipm_axis_pixel(&axis, 100) - 200) < 1e-9);
    struct ipm_axis single = {5, 5, 0, 1, false};
    ipm_axis_pad(&single, 0.5);
    assert_true(single.low < 5 && single.high > 5);
}

#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(nothing_to_draw_has_a_reason),
        IN_DIRECTORY(two_sizes_are_no_line),
        IN_DIRECTORY(touched_round_trips_stay_out),
        IN_DIRECTORY(size_rows_are_those_of_the_document),
        IN_DIRECTORY(depths_are_told_apart),
        IN_DIRECTORY(lines_beyond_the_last_are_counted),
        IN_DIRECTORY(ratio_rows_are_those_of_the_model),
        IN_DIRECTORY(a_rejected_model_shows_points_alone),
        IN_DIRECTORY(hostile_words_stay_data),
        IN_DIRECTORY(a_curve_is_dotted_beyond_its_limit),
        IN_DIRECTORY(the_run_is_drawn_in_its_order),
        IN_DIRECTORY(hostile_curves_stay_data),
        IN_DIRECTORY(latency_has_its_floors),
        IN_DIRECTORY(words_of_winners_stay_strings),
        IN_DIRECTORY(rows_of_winners_are_those_of_the_document),
        IN_DIRECTORY(words_of_power_stay_strings),
        IN_DIRECTORY(power_names_its_joules),
        IN_DIRECTORY(pictures_are_well_formed),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(labels_keep_their_distance),
        cmocka_unit_test(axes_hold_what_they_can_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
