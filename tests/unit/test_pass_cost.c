/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/pass_cost.h"
#include "tests/support/records.h"

#include <math.h>

static void put(FILE *file, const char *point, const char *pass, int invocation,
                double p50_ns, const char *status)
{
    ipm_test_put_row(file, (struct ipm_test_row){.point = point,
                                                 .pass = pass,
                                                 .invocation = invocation,
                                                 .p50_ns = p50_ns,
                                                 .status = status});
}

static void make(void **state, struct ipm_table *table, struct ipm_pass_costs *costs)
{
    char path[256];
    struct ipm_why why = {0};
    (void)ipm_test_path(state, "records.jsonl", path);
    if (ipm_table_read(path, table, &why) != 0 ||
        ipm_pass_costs_make(table, costs, &why) != 0)
        fail_msg("%s", why.text);
}

/* Times of a point drift tenfold from block to block: only neighbours tell the cost. */
static void blocks_are_compared_with_their_own(void **state)
{
    static const double drift[] = {1, 10, 3};
    FILE *file = ipm_test_records(state);
    for (int point = 0; point < 7; point++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "p%d", point);
        for (int block = 0; block < 3; block++) {
            double timing_ns = 1000 * drift[block] * (point + 1);
            put(file, name, "timing", block, timing_ns, "ok");
            put(file, name, "counters:software", block, timing_ns * (1 + 0.01 * point),
                "ok");
            put(file, name, "counters:core", block, timing_ns * 2, "failed");
        }
    }
    put(file, "alone", "counters:software", 0, 5, "ok");
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_pass_costs costs = {0};
    make(state, &table, &costs);
    assert_int_equal(costs.n, 1);
    assert_string_equal(costs.list[0].pass, "counters:software");
    assert_int_equal(costs.list[0].ratio.n, 7);
    assert_float_equal(costs.list[0].ratio.value, 1.03, 1e-12);
    ipm_pass_costs_fini(&costs);
    ipm_table_fini(&table);
}

/* A round has two windows under load: numbers run ahead of blocks, and drift tells. */
static void windows_of_energy_belong_to_their_block(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int block = 0; block < 4; block++) {
        double timing_ns = 1000 << 2 * block;
        put(file, "p", "timing", block, timing_ns, "ok");
        for (int i = 0; i < 2; i++) {
            struct ipm_test_row row = {.point = "p",
                                       .pass = "energy",
                                       .invocation = 2 * block + i,
                                       .p50_ns = timing_ns * 1.5};
            json_t *record = ipm_test_record(&row);
            (void)json_object_set_new(record, "block", json_integer(block));
            ipm_test_put_record(file, record);
        }
    }
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_pass_costs costs = {0};
    make(state, &table, &costs);
    assert_int_equal(costs.n, 1);
    assert_float_equal(costs.list[0].ratio.value, 1.5, 1e-12);
    ipm_pass_costs_fini(&costs);
    ipm_table_fini(&table);
}

/* An open loop takes the time that its rate says, however slow the pass is. */
static void a_planned_rate_has_no_cost(void **state)
{
    static const char *const passes[] = {"timing", "counters:software"};
    FILE *file = ipm_test_records(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(passes); i++)
        ipm_test_put_row(file, (struct ipm_test_row){
                                   .pass = passes[i], .p50_ns = 100, .rate = "50%"});
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_pass_costs costs = {0};
    make(state, &table, &costs);
    assert_int_equal(costs.n, 0);
    ipm_pass_costs_fini(&costs);
    ipm_table_fini(&table);
}

static void one_pass_alone_has_no_cost(void **state)
{
    FILE *file = ipm_test_records(state);
    put(file, "p", "timing", 0, 100, "ok");
    put(file, "p", "timing", 1, 100, "ok");
    assert_int_equal(fclose(file), 0);
    struct ipm_table table = {0};
    struct ipm_pass_costs costs = {0};
    make(state, &table, &costs);
    assert_int_equal(costs.n, 0);
    ipm_pass_costs_fini(&costs);
    ipm_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_are_compared_with_their_own,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(windows_of_energy_belong_to_their_block,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(a_planned_rate_has_no_cost, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(one_pass_alone_has_no_cost, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
