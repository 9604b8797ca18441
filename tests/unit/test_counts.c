/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts: what is exact and what has a band, and every verdict, over counts made up. */
#include "analysis/counts.h"
#include "analysis/member.h"
#include "base/cleanup.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 100 };

/* @n invocations of MESSAGES, with @each a message and @more in all. */
static struct ipm_count_sum sum_of(double each, double more, size_t n)
{
    double value = each + more / MESSAGES;
    return (struct ipm_count_sum){
        .total = value * MESSAGES * (double)n,
        .messages = MESSAGES * (double)n,
        .least = value,
        .most = value,
        .whole = fabs(more) <= ipm_counts_ends(IPM_COUNT_CALLS, each, 1) ? each : NAN,
        .n = n};
}

static void add_point(struct ipm_counts *counts, const char *name, bool asks,
                      double calls, double more, const char *call)
{
    struct ipm_counts_point *points =
        realloc(counts->points, (counts->n + 1) * sizeof(*points));
    assert_non_null(points);
    counts->points = points;
    struct ipm_counts_point *point = &points[counts->n];
    *point =
        (struct ipm_counts_point){.name = strdup(name),
                                  .wait = strdup("block"),
                                  .mechanism_version = 1,
                                  .workload_version = 1,
                                  .asks = asks,
                                  .calls = json_object(),
                                  .sums = {[IPM_COUNT_CALLS] = sum_of(calls, more, 4),
                                           [IPM_COUNT_RETRIED] = sum_of(0, 0, 4),
                                           [IPM_COUNT_BYTES] = sum_of(128, 0, 4),
                                           [IPM_COUNT_SWITCHES] = sum_of(0.6, 0, 4)}};
    json_object_set_new(point->calls, call, json_real(calls * MESSAGES * 4));
    if (counts->places == NULL)
        counts->places = json_object();
    json_object_set_new(counts->places, name, json_integer((json_int_t)counts->n++));
}

static const json_t *member(const json_t *document, const char *point, const char *key)
{
    return json_object_get(json_object_get(json_object_get(document, "points"), point),
                           key);
}

static void same_band(const json_t *band, double low, double high)
{
    assert_true(ipm_member_number(band, "low") == low);
    assert_true(ipm_member_number(band, "high") == high);
}

static void exact_where_exact(void **state)
{
    (void)state;
    ipm_auto_counts struct ipm_counts counts = {0};
    ipm_auto_json json_t *table = NULL;
    add_point(&counts, "asks", true, 2, 0, "write");
    add_point(&counts, "ends", true, 2, 2, "write");
    add_point(&counts, "cut", true, 2, 30, "write");
    add_point(&counts, "waits", false, 1, 0, "futex");
    add_point(&counts, "both", true, 2, 0, "futex");
    add_point(&counts, "broker", true, 2, 0, "write");
    counts.points[5].elsewhere = true;
    assert_int_equal(ipm_counts_table(&counts, &table, NULL), 0);
    assert_int_equal(json_integer_value(member(table, "asks", "system_calls")), 2);
    assert_int_equal(json_integer_value(member(table, "ends", "system_calls")), 2);
    same_band(member(table, "cut", "system_calls"), 1.75, 2.875);
    same_band(member(table, "waits", "system_calls"), 0, 2.5);
    same_band(member(table, "both", "system_calls"), 0, 4.5);
    same_band(member(table, "broker", "system_calls"), 1.5, 2.5);
    same_band(member(table, "asks", "voluntary_switches"), 0, 1.5);
    same_band(member(table, "broker", "bytes_through_kernel"), 110.625, 145.375);
    assert_int_equal(json_integer_value(member(table, "asks", "bytes_through_kernel")),
                     128);
    assert_null(member(table, "waits", "system_calls_retried"));
    assert_string_equal(
        json_object_iter_key(json_object_iter(json_object_get(table, "points"))),
        "asks");
}

static void few_invocations_are_no_proof(void **state)
{
    (void)state;
    ipm_auto_counts struct ipm_counts counts = {0};
    ipm_auto_json json_t *table = NULL;
    add_point(&counts, "asks", true, 2, 0, "write");
    counts.points[0].sums[IPM_COUNT_CALLS] = sum_of(2, 0, IPM_COUNTS_EXACT - 1);
    assert_int_equal(ipm_counts_table(&counts, &table, NULL), 0);
    same_band(member(table, "asks", "system_calls"), 1.5, 2.5);
}

static void no_table_of_what_failed(void **state)
{
    (void)state;
    ipm_auto_counts struct ipm_counts counts = {0};
    ipm_auto_json json_t *table = NULL;
    struct ipm_why why = {0};
    assert_int_equal(ipm_counts_table(&counts, &table, &why), -ENODATA);
    add_point(&counts, "asks", true, 2, 0, "write");
    counts.points[0].failed = 1;
    counts.points[0].failure = strdup("planted");
    assert_int_equal(ipm_counts_table(&counts, &table, &why), -ENODATA);
    assert_non_null(strstr(why.text, "planted"));
    counts.points[0].failed = 0;
    counts.points[0].sums[IPM_COUNT_CALLS].n = 0;
    assert_int_equal(ipm_counts_table(&counts, &table, &why), -ENODATA);
}

static void verdict_is(const struct ipm_counts *counts, const json_t *table,
                       const char *verdict, const char *reason)
{
    ipm_auto_json json_t *document = ipm_counts_judge(counts, table);
    assert_non_null(document);
    const json_t *first = json_array_get(json_object_get(document, "points"), 0);
    assert_string_equal(ipm_member_text(document, "verdict"), verdict);
    if (strstr(ipm_member_text(first, "reason"), reason) == NULL)
        fail_msg("'%s' is not in '%s'", reason, ipm_member_text(first, "reason"));
}

static void verdicts(void **state)
{
    (void)state;
    ipm_auto_counts struct ipm_counts counts = {0};
    ipm_auto_json json_t *table = NULL;
    add_point(&counts, "a", true, 2, 0, "write");
    assert_int_equal(ipm_counts_table(&counts, &table, NULL), 0);
    struct ipm_counts_point *point = &counts.points[0];
    struct ipm_count_sum *calls = &point->sums[IPM_COUNT_CALLS];
    verdict_is(&counts, table, "pass", "");
    *calls = sum_of(2, 2, 4); /* the ends */
    verdict_is(&counts, table, "pass", "");
    *calls = sum_of(2, 3, 4);
    verdict_is(&counts, table, "regression",
               "2.03 system calls a message, the table has 2");
    *calls = sum_of(3, 0, 4);
    json_object_set_new(point->calls, "getppid", json_real(MESSAGES * 4));
    verdict_is(&counts, table, "regression", "(getppid 0 -> 1)");
    *calls = sum_of(1, 0, 4);
    verdict_is(&counts, table, "improved", "1 system calls a message");
    point->sums[IPM_COUNT_SWITCHES] = sum_of(1.6, 0, 4);
    verdict_is(&counts, table, "regression",
               "voluntary switches a message, the table allows 1.5");
    point->sums[IPM_COUNT_BYTES].n = 0;
    verdict_is(&counts, table, "error", "no value of bytes through the kernel");
    point->failed = 2;
    verdict_is(&counts, table, "error", "2 invocations failed");
    point->mechanism_version = 2;
    verdict_is(&counts, table, "error", "version 2 of the mechanism");
    json_object_clear(counts.places);
    free(point->name);
    point->name = strdup("b");
    json_object_set_new(counts.places, "b", json_integer(0));
    verdict_is(&counts, table, "error", "renamed?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_where_exact),
        cmocka_unit_test(few_invocations_are_no_proof),
        cmocka_unit_test(no_table_of_what_failed),
        cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
