/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/rate_words.h"
#include "analysis/report.h"
#include "base/cleanup.h"
#include "tests/support/records.h"

#include <math.h>

/* An invocation of an open loop: its service, and how late its sender was. */
struct planted {
    const char *mechanism, *rate, *refused;
    int invocation, offered, sent; /* of 1,000 planned */
    double service_ns, lag_ns;
};

static void put(FILE *file, struct planted planted)
{
    char point[64];
    (void)snprintf(point, sizeof(point), "%s-%s", planted.mechanism, planted.rate);
    json_t *record = ipm_test_record(&(struct ipm_test_row){
        .point = point,
        .workload = "open_loop",
        .mechanism = planted.mechanism,
        .placement = "nearest_core",
        .rate = planted.rate,
        .invocation = planted.invocation,
        .p50_ns = 1,
    });
    bool told = planted.refused == NULL;
    (void)json_object_set_new(record, "latency_ns", json_null());
    (void)json_object_set_new(record, "rate_resolved", json_integer(planted.offered));
    (void)json_object_set_new(record, "pairs", json_integer(1));
    (void)json_object_set_new(record, "throughput",
                              json_pack("{s:f}", "messages_per_s",
                                        planted.offered * (planted.sent / 1000.0)));
    (void)json_object_set_new(record, "open_loop",
                              json_pack("{s:i, s:i, s:i, s:i, s:s?}", "planned", 1000,
                                        "sent", planted.sent, "completed", planted.sent,
                                        "backlog", 1000 - planted.sent, "refused",
                                        planted.refused));
    if (planted.sent < 990)
        (void)json_object_set_new(record, "flags",
                                  json_pack("[s]", "rate_not_achieved"));
    (void)json_object_set_new(record, "send_lag_ns",
                              ipm_test_distribution(planted.lag_ns));
    (void)json_object_set_new(record, "service_ns",
                              told ? ipm_test_distribution(planted.service_ns)
                                   : json_null());
    (void)json_object_set_new(
        record, "response_ns",
        told ? ipm_test_distribution(planted.service_ns + planted.lag_ns)
             : json_null());
    ipm_test_put_record(file, record);
}

/* A pipe that keeps two of four rates, of which one is late once, and a faster ring. */
static void put_all(FILE *file)
{
    for (int i = 0; i < 6; i++) {
        put(file, (struct planted){"pipe", "90%", NULL, i, 90000, 800, 200, 300});
        put(file, (struct planted){"pipe", "1000", NULL, i, 1000, 1000, 200, 10});
        put(file, (struct planted){"pipe", "20000", NULL, i, 20000, i == 3 ? 900 : 1000,
                                   201, 20});
        put(file, (struct planted){"shm_ring", "20000", NULL, i, 20000, 1000, 100, 5});
        put(file, (struct planted){"shm_ring", "50%", NULL, i, 200000, 1000, 101, 6});
        put(file, (struct planted){"shm_ring", "1000", NULL, i, 1000, 1000, 100, 5});
    }
}

static void load(void **state, struct ipm_report *report)
{
    struct ipm_why why = {0};
    if (ipm_report_load(*state, NULL, report, &why) != 0)
        fail_msg("%s", why.text);
}

static void series(void **state)
{
    FILE *file = ipm_test_records(state);
    put_all(file);
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    const struct ipm_rate_set *set = &report.rates;
    assert_int_equal(set->n_series, 2);
    const struct ipm_rate_series *pipe = &set->series[0];
    const struct ipm_rate_series *ring = &set->series[1];
    assert_string_equal(pipe->label, "pipe, 2 copies");
    assert_int_equal(pipe->n_points, 3);
    for (size_t i = 1; i < pipe->n_points; i++)
        assert_true(pipe->points[i - 1]->open_loop.offered_per_s <
                    pipe->points[i]->open_loop.offered_per_s);
    assert_float_equal(pipe->capacity_per_s, 100000, 1e-6);
    assert_float_equal(ring->capacity_per_s, 400000, 1e-6);

    const struct ipm_point *late = pipe->points[1];
    assert_int_equal(late->open_loop.not_achieved, 1);
    assert_float_equal(late->open_loop.planned, 6000, 0);
    assert_float_equal(late->open_loop.backlog, 100, 0);
    assert_true(ipm_rate_kept(late));
    assert_false(ipm_rate_kept(pipe->points[2]));
    assert_float_equal(ipm_point_value(late, "response_p50_ns"), 221, 0.5);
    assert_float_equal(ipm_point_value(late, "response_p99_ns"), 442, 0.5);
    assert_float_equal(ipm_point_value(late, "service_p50_ns"), 201, 0.5);
    assert_float_equal(ipm_point_value(late, "send_lag_p99_ns"), 40, 0.5);

    json_t *json = ipm_rate_set_json(set);
    assert_int_equal(json_array_size(json), 2);
    const json_t *first =
        json_array_get(json_object_get(json_array_get(json, 0), "points"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "rate")), "1000");
    json_decref(json);
}

static void words(void **state)
{
    FILE *file = ipm_test_records(state);
    put_all(file);
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    assert_non_null(strstr(report.rate_words,
                           "at 20 k messages/s, the highest rate that all kept, "
                           "shm_ring, 2 copies keeps the 99th percentile of response "
                           "at 210 ns, pipe, 2 copies at 442 ns"));
    assert_non_null(
        strstr(report.rate_words, "; pipe, 2 copies did not keep 90 k messages/s"));
    assert_null(strstr(report.rate_words, "shm_ring, 2 copies did not keep"));

    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ipm_rate_text(&report.rates, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "late 1/6"));
    assert_non_null(strstr(text, "not kept 6/6"));
    free(text);
}

/* Times that were refused are missing with the record's words, and are compared with none. */
static void refused(void **state)
{
    static const char reason[] = "clocks: may be 4 us apart";
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 6; i++)
        put(file, (struct planted){"pipe", "1000", reason, i, 1000, 1000, 200, 10});
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    const struct ipm_point *point = report.rates.series[0].points[0];
    const struct ipm_figure *figure = ipm_point_figure(point, "response_p99_ns");
    assert_true(isnan(figure->estimate.value));
    assert_string_equal(figure->reason, reason);
    assert_float_equal(ipm_point_value(point, "send_lag_p50_ns"), 10, 0.5);
    assert_true(isnan(report.rates.series[0].capacity_per_s));
    assert_non_null(strstr(report.rate_words, "there is no offered rate"));
}

/* A run without an open loop has no rates, and says nothing of them. */
static void none(void **state)
{
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 400});
    assert_int_equal(fclose(file), 0);
    ipm_auto_report struct ipm_report report = {0};
    load(state, &report);
    assert_int_equal(report.rates.n_series, 0);
    assert_null(report.rate_words);
    assert_null(ipm_point_figure(&report.summary.points[0], "response_p50_ns"));
}

int main(void)
{
#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {TEST(series), TEST(words), TEST(refused),
                                       TEST(none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
