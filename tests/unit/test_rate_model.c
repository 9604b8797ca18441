/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rate model on planted truth, through the very path of a real run: records in, the
 * document of report.json out.
 */
#include "analysis/models/model.h"
#include "analysis/models/rate_fit.h"
#include "analysis/summary.h"
#include "tests/support/records.h"

#include <math.h>

enum { INVOCATIONS = 8 };

static const double base_ns = 4000;
static const double residual_ns = 1500;
static const double capacity_per_s = 200000;

/* Mean of ipm_test_distribution() over its median: 15 of 1,000 samples are twice as long. */
static const double mean_share = 1.015;

static void needs_gsl(void)
{
#if !IPM_HAVE_GSL
    print_message("skipped: built without GSL\n");
    skip();
#endif
}

static void put(FILE *file, double offered, double mean_ns, bool kept, int invocation)
{
    char point[32];
    char rate[32];
    double through = kept ? offered : capacity_per_s;
    (void)snprintf(point, sizeof(point), "p%.0f", offered);
    (void)snprintf(rate, sizeof(rate), "%.0f", offered);
    json_t *record = ipm_test_record(&(struct ipm_test_row){.point = point,
                                                            .workload = "open_loop",
                                                            .placement = "nearest_core",
                                                            .rate = rate,
                                                            .invocation = invocation,
                                                            .p50_ns = 1});
    (void)json_object_set_new(record, "latency_ns", json_null());
    (void)json_object_set_new(record, "rate_resolved", json_integer((int)offered));
    (void)json_object_set_new(record, "pairs", json_integer(1));
    (void)json_object_set_new(record, "throughput",
                              json_pack("{s:f}", "messages_per_s", through));
    (void)json_object_set_new(record, "open_loop",
                              json_pack("{s:i, s:i, s:i, s:i, s:n}", "planned", 1000,
                                        "sent", kept ? 1000 : 900, "completed",
                                        kept ? 1000 : 900, "backlog", kept ? 0 : 100,
                                        "refused"));
    if (!kept)
        (void)json_object_set_new(record, "flags",
                                  json_pack("[s]", "rate_not_achieved"));
    static const char *const names[] = {"response_ns", "service_ns", "send_lag_ns"};
    for (size_t i = 0; i < 3; i++)
        (void)json_object_set_new(record, names[i],
                                  ipm_test_distribution(mean_ns / mean_share));
    ipm_test_put_record(file, record);
}

/* Even steps up to @top of the capacity, each invocation a little off to either side, and
 * every other rate by @wobble. */
static void put_rates(FILE *file, int n, double top, double wobble)
{
    for (int i = 0; i < n; i++) {
        double offered = floor(capacity_per_s * top * (i + 1) / n);
        double truth = ipm_rate_predict(offered, base_ns, residual_ns, capacity_per_s);
        truth *= i % 2 == 0 ? 1 + wobble : 1 - wobble;
        for (int k = 0; k < INVOCATIONS; k++)
            put(file, offered, truth * (1 + 0.004 * (k - 3.5)), true, k);
    }
}

/* The document, and its text. */
static json_t *fit(void **state, char **out_text)
{
    char path[256];
    struct ipm_why why = {0};
    struct ipm_table table = {0};
    struct ipm_summary summary = {0};
    json_t *manifest = json_object();
    (void)ipm_test_path(state, "records.jsonl", path);
    if (ipm_table_read(path, &table, &why) != 0 ||
        ipm_summary_make(&table, manifest, &summary, &why) != 0)
        fail_msg("%s", why.text);
    const struct ipm_model_input input = {
        .table = &table, .summary = &summary, .manifest = manifest};
    json_t *document = NULL;
    size_t length = 0;
    FILE *out = open_memstream(out_text, &length);
    assert_non_null(out);
    for (size_t i = 0; ipm_models[i] != NULL; i++) {
        if (strcmp(ipm_models[i]->name, "rate") != 0)
            continue;
        document = ipm_models[i]->fit(&input);
        assert_non_null(document);
        ipm_models[i]->text(document, out);
    }
    assert_int_equal(fclose(out), 0);
    assert_non_null(document);
    ipm_summary_fini(&summary);
    ipm_table_fini(&table);
    json_decref(manifest);
    return document;
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static double parameter(const json_t *series, const char *name, const char *key)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "parameters"), i, row)
    {
        if (strcmp(member(row, "name"), name) == 0)
            return json_number_value(json_object_get(row, key));
    }
    fail_msg("no parameter %s", name);
    return NAN;
}

static void truth_is_recovered(void **state)
{
    needs_gsl();
    char *text = NULL;
    FILE *file = ipm_test_records(state);
    put_rates(file, 8, 0.9, 0);
    for (int k = 0; k < INVOCATIONS; k++)
        put(file, 400000, 5e6, false, k);
    assert_int_equal(fclose(file), 0);
    json_t *document = fit(state, &text);
    assert_string_equal(member(document, "status"), "fitted");
    const json_t *series = json_array_get(json_object_get(document, "series"), 0);
    assert_float_equal(parameter(series, "capacity", "value"), capacity_per_s, 400);
    assert_float_equal(parameter(series, "base", "value"), base_ns, 8);
    assert_float_equal(parameter(series, "residual_service", "value"), residual_ns, 8);
    double knee_per_s = capacity_per_s / (1 + sqrt(residual_ns / base_ns));
    assert_true(fabs(parameter(series, "knee", "value") - knee_per_s) < 300);
    double saturation_per_s = json_number_value(
        json_object_get(json_object_get(series, "saturation_per_s"), "value"));
    assert_true(fabs(saturation_per_s / capacity_per_s - 1) < 1e-12);
    const json_t *points = json_object_get(series, "points");
    assert_int_equal(json_array_size(points), 9);
    assert_true(json_is_true(json_object_get(json_array_get(points, 7), "used")));
    assert_string_equal(member(json_array_get(points, 8), "reason"),
                        "the rate was not achieved");
    assert_non_null(strstr(text, "overload"));
    assert_non_null(strstr(text, "knee"));
    json_decref(document);
    free(text);
}

static void low_rates_are_not_enough(void **state)
{
    needs_gsl();
    char *text = NULL;
    FILE *file = ipm_test_records(state);
    put_rates(file, 8, 0.02, 0.004);
    assert_int_equal(fclose(file), 0);
    json_t *document = fit(state, &text);
    const json_t *series = json_array_get(json_object_get(document, "series"), 0);
    assert_string_equal(member(series, "status"), "not_identifiable");
    assert_non_null(strstr(text, "no rate came near the capacity"));
    json_decref(document);
    free(text);
}

/* Eight rates, one of them off by a factor, and each repeated with that noise. */
static json_t *noisy(void **state, double factor, double noise, char **out_text)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 8; i++) {
        double offered = floor(capacity_per_s * 0.9 * (i + 1) / 8);
        double truth = ipm_rate_predict(offered, base_ns, residual_ns, capacity_per_s);
        truth *= i == 3 ? factor : 1;
        for (int k = 0; k < INVOCATIONS; k++)
            put(file, offered, truth * exp(noise * (k - 3.5) / 3.5), true, k);
    }
    assert_int_equal(fclose(file), 0);
    return fit(state, out_text);
}

static double out_of_line(const json_t *series)
{
    return json_number_value(
        json_object_get(json_object_get(series, "lack_of_fit"), "out_of_line"));
}

/* What repeating explains is accepted and said, and nothing is printed as a question mark. */
static void noise_is_said(void **state)
{
    needs_gsl();
    char *text = NULL;
    json_t *document = noisy(state, 1.4, 0.8, &text);
    const json_t *series = json_array_get(json_object_get(document, "series"), 0);
    const json_t *notes = json_object_get(series, "notes");
    assert_string_equal(member(series, "status"), "fitted");
    assert_true(out_of_line(series) > 0);
    assert_non_null(strstr(text, "out of line"));
    assert_null(strstr(text, "?"));
    bool located = false;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "parameters"), i, row)
    {
        if (strcmp(member(row, "name"), "knee") != 0)
            continue;
        located = json_is_number(json_object_get(row, "value"));
        assert_int_equal(located, json_is_number(json_object_get(row, "low")));
        assert_true(json_is_number(json_object_get(row, "high")));
    }
    assert_int_equal(located, strstr(text, "knee not located") == NULL);
    assert_int_equal(json_array_size(notes), located ? 1 : 2);
    json_decref(document);
    free(text);
}

/* Where a curve is off by more than half, and repeating is, too, any curve would do. */
static void more_noise_is_no_fit(void **state)
{
    needs_gsl();
    char *text = NULL;
    json_t *document = noisy(state, 3, 3, &text);
    const json_t *series = json_array_get(json_object_get(document, "series"), 0);
    assert_string_equal(member(series, "status"), "not_identifiable");
    assert_non_null(strstr(member(series, "reason"), "any curve would do"));
    assert_int_equal(json_array_size(json_object_get(series, "notes")), 0);
    json_decref(document);
    free(text);
}

static void four_rates_and_none_say_why(void **state)
{
    char *text = NULL;
    FILE *file = ipm_test_records(state);
    put_rates(file, 4, 0.9, 0);
    assert_int_equal(fclose(file), 0);
    json_t *document = fit(state, &text);
    assert_true(strcmp(member(document, "status"), "fitted") != 0);
    assert_true(member(document, "reason")[0] != '\0');
    json_decref(document);
    free(text);

    file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 100});
    assert_int_equal(fclose(file), 0);
    document = fit(state, &text);
    assert_string_equal(member(document, "status"), "no_data");
    assert_string_equal(text, "");
    json_decref(document);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(truth_is_recovered, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(low_rates_are_not_enough, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(noise_is_said, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(more_noise_is_no_fit, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(four_rates_and_none_say_why, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
