/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate.h"
#include "harness/gate_value.h"
#include "harness/pace.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

/* What an arm is asked, and the record of it; both the caller's. */
static json_t *make_point(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:[i, i], s:i, s:i}", "run", "r",
                     "point", "0123", "workload", "pingpong", "mechanism", "pipe",
                     "size", 64, "cpus", 0, 1, "invocation", 3, "window_ns", 1000);
}

static json_t *make_record(const char *members)
{
    json_t *record = make_point();
    json_error_t problem;
    ipm_auto_json json_t *more = json_loads(members, 0, &problem);
    if (more == NULL)
        fail_msg("%s", problem.text);
    (void)json_object_set_new(record, "status", json_string("ok"));
    (void)json_object_update(record, more);
    return record;
}

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum ipm_gate_metric metric;
        double value;
    } rows[] = {
        {"{\"latency_ns\": {\"p50\": 5.5}, \"elapsed_ns\": 100, \"messages\": 4}",
         IPM_GATE_OPERATION, 5.5},
        {"{\"latency_ns\": null, \"elapsed_ns\": 100, \"messages\": 4}",
         IPM_GATE_MESSAGE, 25},
        {"{\"latency_ns\": {\"p50\": 5}, \"response_ns\": {\"p50\": 7}}",
         IPM_GATE_RESPONSE, 7},
        {"{\"latency_ns\": {\"p50\": 0}}", IPM_GATE_METRICS, NAN},
        {"{\"latency_ns\": {\"p50\": -1}}", IPM_GATE_METRICS, NAN},
        {"{\"latency_ns\": {\"p50\": \"5\"}}", IPM_GATE_METRICS, NAN},
        {"{\"elapsed_ns\": 100, \"messages\": 0}", IPM_GATE_METRICS, NAN},
        {"{\"elapsed_ns\": 0, \"messages\": 0}", IPM_GATE_METRICS, NAN},
        {"{}", IPM_GATE_METRICS, NAN},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *record = make_record(rows[i].members);
        enum ipm_gate_metric metric = ipm_gate_metric_of(record);
        double value = ipm_gate_value(record, metric);
        assert_int_equal(metric, rows[i].metric);
        assert_true(isnan(rows[i].value) ? isnan(value) : value == rows[i].value);
    }
}

static void usable(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        int usable;
        const char *words;
    } rows[] = {
        {"{\"latency_ns\": {\"p50\": 5}}", 0, ""},
        {"{\"latency_ns\": {\"p50\": 5}, \"build\": \"b\"}", 0, ""},
        {"{\"latency_ns\": {\"p50\": 5}, \"build\": \"c\"}", -EBADMSG, "build c"},
        {"{\"latency_ns\": {\"p50\": 5}, \"size\": 65}", -EBADMSG, "another size"},
        {"{\"latency_ns\": {\"p50\": 5}, \"mechanism\": \"tcp\"}", -EBADMSG,
         "another mechanism"},
        {"{\"latency_ns\": {\"p50\": 5}, \"point\": \"4567\"}", -EBADMSG,
         "another point"},
        {"{\"latency_ns\": {\"p50\": 5}, \"invocation\": 2}", -EBADMSG,
         "another invocation"},
        {"{\"latency_ns\": {\"p50\": 5}, \"cpus\": [1, 0]}", -EBADMSG, "another cpus"},
        {"{\"latency_ns\": {\"p50\": 0}}", -ENODATA, "nothing was measured"},
        {"{\"status\": \"failed\", \"phase\": \"window\", \"reason\": \"EIO\"}", -EIO,
         "window: EIO"},
        {"{\"status\": \"failed\", \"phase\": \"worker\", \"reason\": \"worker "
         "killed\"}",
         -EIO, "worker killed"},
        {"{\"status\": \"invalid\", \"latency_ns\": {\"p50\": 5}}", -EIO, ""},
        {"{\"status\": \"skipped\", \"reason\": \"absent: x\"}", 1, "absent: x"},
    };
    ipm_auto_json json_t *point = make_point();
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *record = make_record(rows[i].members);
        struct ipm_why why = {0};
        assert_int_equal(ipm_gate_usable(record, point, "b", &why), rows[i].usable);
        assert_non_null(strstr(why.text, rows[i].words));
    }
    ipm_auto_json json_t *record =
        make_record("{\"latency_ns\": {\"p50\": 5}, \"build\": \"c\"}");
    assert_int_equal(ipm_gate_usable(record, point, "unknown", NULL), 0);
}

static void pace(void **state)
{
    (void)state;
    struct ipm_pace one = {0};
    assert_false(ipm_pace_is_slow(&one, 5));
    assert_int_equal(ipm_pace_take(&one, NAN), 0);
    assert_int_equal(one.n, 0);
    for (int i = 0; i < 200; i++) /* 0 to 199 in another order */
        assert_int_equal(ipm_pace_take(&one, 100 + (i * 77) % 200), 0);
    assert_int_equal(one.n, 200);
    for (size_t i = 1; i < one.n; i++)
        assert_true(one.steps_ns[i - 1] <= one.steps_ns[i]);
    /* The twentieth part may be faster than the fastest, which is 110. */
    assert_false(ipm_pace_is_slow(&one, 120));
    assert_true(ipm_pace_is_slow(&one, 122));
    assert_false(ipm_pace_is_slow(&one, NAN));
    ipm_pace_fini(&one);
    ipm_pace_fini(&one);
}

static void params(void **state)
{
    (void)state;
    const struct ipm_gating asked = {
        .margin = 0.03, .screen_blocks = 7, .confirm_blocks = 11};
    struct ipm_gate_params params = ipm_gate_params_of(&asked, 5);
    assert_true(params.margin == 0.03);
    assert_true(params.smallest_effect == ipm_gate_defaults.smallest_effect);
    assert_true(params.alpha == ipm_gate_defaults.alpha);
    assert_int_equal(params.screen_blocks, 7);
    assert_int_equal(params.confirm_blocks, 11);
    assert_int_equal(params.seed, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(usable),
        cmocka_unit_test(pace),
        cmocka_unit_test(params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
