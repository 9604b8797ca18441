/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/slow_core.h"
#include "analysis/summary.h"
#include "tests/support/records.h"

#include <math.h>

static void put(FILE *file, const char *point, const char *pass, int invocation,
                double p50_ns, const char *cpus, double before_ns, double after_ns)
{
    struct ipm_test_row row = {
        .point = point, .pass = pass, .invocation = invocation, .p50_ns = p50_ns};
    json_t *record = ipm_test_record(&row);
    json_error_t error;
    (void)json_object_set_new(record, "cpus", json_loads(cpus, 0, &error));
    json_t *metrics = json_object_get(record, "metrics");
    if (metrics == NULL) {
        metrics = json_object();
        (void)json_object_set_new(record, "metrics", metrics);
    }
    const char *const names[] = {"core_step_before_ns", "core_step_after_ns"};
    const double values[] = {before_ns, after_ns};
    for (int i = 0; i < 2; i++) {
        (void)json_object_set_new(
            metrics, names[i],
            isnan(values[i])
                ? json_pack("{s:n,s:s,s:s,s:s,s:s}", "value", "unit", "ns", "status",
                            "unavailable", "source", "worker", "reason", "absent: test")
                : json_pack("{s:f,s:s,s:s,s:s,s:n}", "value", values[i], "unit", "ns",
                            "status", "ok", "source", "worker", "reason"));
    }
    ipm_test_put_record(file, record);
}

static void read_table(void **state, struct ipm_table *table)
{
    char path[256];
    struct ipm_why why = {0};
    (void)ipm_test_path(state, "records.jsonl", path);
    if (ipm_table_read(path, table, &why) != 0)
        fail_msg("%s", why.text);
}

static void summarise(const struct ipm_table *table, struct ipm_summary *summary)
{
    struct ipm_why why = {0};
    json_t *manifest = json_object();
    if (ipm_summary_make(table, manifest, summary, &why) != 0)
        fail_msg("%s", why.text);
    json_decref(manifest);
}

/* Seven whole cores and five slow ones, by either end: the figure is of the seven. */
static void slow_ones_are_set_aside(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 12; i++)
        put(file, "p", "timing", i, i < 7 ? 100 + i : 180 + i, "[0,0]",
            i < 7 || i % 2 == 0 ? 0.7 : 1.2, i < 7 || i % 2 != 0 ? 0.7 : 1.2);
    put(file, "p", "counters:software", 0, 500, "[0,0]", 1.2, 1.2);
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_summary summary = {0};
    read_table(state, &table);
    summarise(&table, &summary);
    assert_int_equal(summary.n_points, 1);
    assert_int_equal(summary.points[0].slow_core, 6);
    assert_int_equal(summary.points[0].set_aside, 5);
    assert_int_equal(summary.health.slow_core, 6);
    assert_int_equal(summary.health.set_aside, 5);
    assert_float_equal(ipm_point_value(&summary.points[0], "p50_ns"), 103, 0);
    assert_float_equal(ipm_point_value(&summary.points[0], "core_step_ns"), 0.7, 0);
    assert_int_equal(ipm_point_figure(&summary.points[0], "p50_ns")->estimate.n, 7);
    ipm_summary_fini(&summary);
    ipm_table_fini(&table);
}

/* Five whole ones have no interval of their own: all are used, and counted. */
static void too_few_others_keep_all(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 12; i++)
        put(file, "p", "timing", i, 100 + i, "[0,0]", i < 5 ? 0.7 : 1.2, 0.7);
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_summary summary = {0};
    read_table(state, &table);
    summarise(&table, &summary);
    assert_int_equal(summary.points[0].slow_core, 7);
    assert_int_equal(summary.points[0].set_aside, 0);
    assert_int_equal(ipm_point_figure(&summary.points[0], "p50_ns")->estimate.n, 12);
    ipm_summary_fini(&summary);
    ipm_table_fini(&table);
}

/* CPUs of a slower kind are slow only against themselves; who says nothing is not slow. */
static void cpus_are_compared_with_themselves(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 8; i++) {
        put(file, "fast", "timing", i, 100, "[0,0]", 0.5, 0.5);
        put(file, "small", "timing", i, 200, "[9,9]", 1.1, 1.2);
        put(file, "mute", "timing", i, 300, "[0,0]", NAN, 0.5);
    }
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    read_table(state, &table);
    for (size_t i = 0; i < table.n_rows; i++) {
        assert_false(table.rows[i].slow_core);
        assert_false(table.rows[i].set_aside);
    }
    ipm_table_fini(&table);
}

/* One reading that nothing else comes near to, of forty, is not how fast the CPU is. */
static void one_odd_reading_is_not_the_machine(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 40; i++)
        put(file, "p", "timing", i, 100, "[0,0]", i == 3 ? 0.4 : 0.7,
            i == 3 ? 0.4 : 0.7);
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    read_table(state, &table);
    for (size_t i = 0; i < table.n_rows; i++)
        assert_false(table.rows[i].slow_core);
    ipm_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slow_ones_are_set_aside, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(too_few_others_keep_all, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(cpus_are_compared_with_themselves,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(one_odd_reading_is_not_the_machine,
                                        ipm_test_directory, ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
