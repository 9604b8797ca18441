/* SPDX-License-Identifier: MIT */
#include "harness/worker/counts.h"
#include "harness/worker/record_metrics.h"
#include "harness/worker/sensors/system_calls.h"
#include "mechanisms/registry.h"
#include "tests/support/test.h"
#include "workloads/registry.h"

#include <stdlib.h>

/* Two roles that did 100 messages, and perhaps a helper. */
struct scene {
    struct ipm_point point;
    struct ipm_board *board;
    struct ipm_outcome outcome;
    json_t *record;
};

static int begin(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->point.workload = ipm_workload_find("pingpong");
    scene->point.mechanism = ipm_mechanism_find("pipe");
    scene->point.copies = scene->point.mechanism->default_copies;
    scene->point.traffic.pairs = 1;
    size_t size = (ipm_board_size(2) + IPM_LINE_PAIR - 1) / IPM_LINE_PAIR;
    scene->board = aligned_alloc(IPM_LINE_PAIR, size * IPM_LINE_PAIR);
    memset(scene->board, 0, size * IPM_LINE_PAIR);
    scene->board->n_seats = 2;
    for (int i = 0; i < 2; i++)
        scene->board->seats[i].messages = 100;
    scene->record = json_object();
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    json_decref(scene->record);
    free(scene->board);
    free(scene);
    return 0;
}

static void put(struct scene *scene, int seat, const char *name, double value)
{
    struct ipm_board_role *role = &scene->board->seats[seat];
    role->metrics[role->n_metrics++] =
        ipm_metric_value(name, "", IPM_SOURCE_TWIN, value);
}

static void put_helper(struct scene *scene, const char *name, double value)
{
    struct ipm_helper_share *helper = &scene->outcome.helpers[0];
    scene->outcome.n_helpers = 1;
    (void)strcpy(helper->name, "broker");
    helper->metrics[helper->n_metrics++] =
        ipm_metric_value(name, "", IPM_SOURCE_TWIN, value);
}

/* The sum on record; negative: null, for @out_reason. */
static double sum(struct scene *scene, const char *name, const char **out_reason)
{
    json_object_clear(scene->record);
    ipm_record_metrics(scene->record, &scene->point, scene->board, &scene->outcome);
    const json_t *metric =
        json_object_get(json_object_get(scene->record, "metrics"), name);
    const json_t *value = json_object_get(metric, "value");
    const json_t *share =
        json_object_get(json_object_get(scene->record, "per_message"), name);
    *out_reason = json_string_value(json_object_get(metric, "reason"));
    assert_int_equal(json_is_null(value), json_is_null(share));
    if (json_is_null(value))
        return -1;
    assert_true(json_number_value(share) == json_number_value(value) / 100);
    return json_number_value(value);
}

static void parts_add_up(void **state)
{
    const char *reason;
    put(*state, 0, "syscalls", 30);
    put(*state, 0, "syscalls_read", 20);
    put(*state, 0, "syscalls_write", 10);
    put(*state, 1, "syscalls", 5);
    put(*state, 1, "syscalls_write", 5);
    assert_true(sum(*state, "syscalls", &reason) == 35);
    assert_true(sum(*state, "syscalls_write", &reason) == 15);
    assert_true(sum(*state, "syscalls_read", &reason) == 20); /* the other made none */
    put_helper(*state, "syscalls", 7);
    put_helper(*state, "syscalls_poll", 7);
    assert_true(sum(*state, "syscalls", &reason) == 42);
    assert_true(sum(*state, "syscalls_write", &reason) == 15);
    assert_true(sum(*state, "syscalls_poll", &reason) == 7); /* the helper's alone */
}

/* Where a list of calls is not whole, what is not on it is not known. */
static void a_part_that_is_not_known_makes_no_sum(void **state)
{
    const char *reason;
    put(*state, 0, "syscalls", 30);
    put(*state, 0, "syscalls_read", 30);
    put(*state, 0, "cpu_ns", 9);
    put(*state, 1, "syscalls", 30);
    put(*state, 1, "syscalls_write", 29);
    assert_true(sum(*state, "syscalls", &reason) == 60);
    assert_true(sum(*state, "syscalls_read", &reason) < 0);
    assert_string_equal(reason, "absent: not among the calls listed for role server");
    assert_true(sum(*state, "syscalls_write", &reason) == 29);
    assert_true(sum(*state, "cpu_ns", &reason) < 0);
    assert_string_equal(reason, "absent: not read for role server");
    /* A helper that could not be traced. */
    put_helper(*state, "cpu_ns", 1);
    assert_true(sum(*state, "syscalls", &reason) < 0);
    assert_string_equal(reason, "absent: not read for helper broker");
    assert_true(sum(*state, "syscalls_write", &reason) < 0);
}

static void one_traced_process_spoils_the_times(void **state)
{
    struct scene *scene = *state;
    struct ipm_board_role *second = &scene->board->seats[1];
    assert_false(ipm_counts_traced(scene->board, &scene->outcome));
    scene->board->seats[0].metrics[0] =
        ipm_metric_missing("syscalls", "", "tracepoint or twin", "denied: planted");
    scene->board->seats[0].n_metrics = 1;
    assert_false(ipm_counts_traced(scene->board, &scene->outcome));
    second->metrics[0] =
        ipm_metric_missing("syscalls", "", IPM_SOURCE_TWIN, "failed: tracer lost");
    second->n_metrics = 1;
    assert_true(ipm_counts_traced(scene->board, &scene->outcome));
    second->n_metrics = 0;
    put_helper(scene, "syscalls", 7);
    assert_true(ipm_counts_traced(scene->board, &scene->outcome));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_add_up, begin, end),
        cmocka_unit_test_setup_teardown(a_part_that_is_not_known_makes_no_sum, begin,
                                        end),
        cmocka_unit_test_setup_teardown(one_traced_process_spoils_the_times, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
