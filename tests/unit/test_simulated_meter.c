/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/energy_counter.h"
#include "harness/meter/meter.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

#define SECOND INT64_C(1000000000)

static void start(struct ipm_meter *meter, const char *text)
{
    struct ipm_meter_parameters parameters;
    struct ipm_why why = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    if (ipm_meter_parameters_read(json, &parameters, &why) != 0)
        fail_msg("%s", why.text);
    json_decref(json);
    ipm_meter_init(meter, &parameters);
}

/* What the arithmetic of real counters makes of a window. */
static double joules(struct ipm_meter *meter, const struct ipm_meter_window *window,
                     struct ipm_meter_reading *out_reading)
{
    struct ipm_meter_reading reading;
    double energy_uj = NAN;
    char reason[IPM_ENERGY_REASON] = "";
    ipm_meter_measure(meter, window, &reading);
    const struct ipm_energy_counter counter = {.name = "the meter",
                                               .unit_uj = 1,
                                               .range = (uint64_t)reading.range_uj,
                                               .most_watts = 50};
    const struct ipm_energy_window ends = {
        (uint64_t)reading.start_uj, (uint64_t)reading.stop_uj, window->elapsed_ns};
    if (ipm_energy_delta(&counter, &ends, &energy_uj, reason) != IPM_ENERGY_OK)
        fail_msg("%s", reason);
    if (out_reading != NULL)
        *out_reading = reading;
    return energy_uj / 1e6;
}

/* Every term of the model, and nothing else, in the joules of a window. */
static void truth(void **state)
{
    static const struct {
        const char *parameters;
        struct ipm_meter_window window;
        double joules;
    } rows[] = {
        {"{}", {0, 2 * SECOND, 0, 0, 0}, 10},
        {"{\"p_idle_w\": 20}", {12345, 3 * SECOND, 0, 0, 0}, 60},
        {"{\"e_switch_uj\": 12}", {0, SECOND, 1e5, 0, 0}, 5 + 1.2},
        {"{\"e_message_uj\": 3}", {0, SECOND, 0, 1e6, 0}, 5 + 3},
        {"{\"e_byte_nj\": 0.5}", {7 * SECOND, SECOND, 0, 0, 4e9}, 5 + 2},
        {"{\"e_switch_uj\": 1, \"e_message_uj\": 2, \"e_byte_nj\": 1}",
         {0, 2 * SECOND, 2e6, 1e6, 1e9},
         10 + 2 + 2 + 1},
        /* Half a watt more after each second: 5 + 0.5 * 11 in the middle of the window. */
        {"{\"drift_w_per_s\": 0.5}", {10 * SECOND, 2 * SECOND, 0, 0, 0}, 2 * 10.5},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_meter meter;
        start(&meter, rows[i].parameters);
        double found = joules(&meter, &rows[i].window, NULL);
        /* Two ends, each within a millisecond of the update grid and a unit. */
        double most = 2 * (0.001 * 30 + 62e-6);
        if (!(fabs(found - rows[i].joules) <= most))
            fail_msg("row %zu: %.6f J, not %.6f J", i, found, rows[i].joules);
    }
}

/* A reading is that of the last update, whole units, and stays until the next one. */
static void grid(void **state)
{
    struct ipm_meter meter;
    struct ipm_meter_reading reading;
    (void)state;
    start(&meter, "{\"update_ns\": 1000000, \"unit_uj\": 100, \"range_uj\": 1e12}");
    const struct ipm_meter_window window = {0, 100000, 0, 0, 0};
    int moved = 0;
    for (int i = 0; i < 1000; i++) {
        ipm_meter_measure(&meter, &window, &reading);
        moved += reading.stop_uj != reading.start_uj;
        assert_int_equal(reading.start_uj % 100, 0);
        assert_int_equal(reading.stop_uj % 100, 0);
        /* 5 W over one update, in whole units of 100 uJ. */
        int64_t step = reading.stop_uj - reading.start_uj;
        assert_true(step == 0 || llabs(step - 5000) <= 100 || step < -1000000);
    }
    assert_int_equal(moved, 100); /* 100 ms of windows of a tenth of an update */
}

/* A counter that comes round in nearly every window: nothing is lost. */
static void wrap(void **state)
{
    struct ipm_meter meter;
    (void)state;
    start(&meter, "{\"p_idle_w\": 20, \"range_uj\": 60e6, \"unit_uj\": 50}");
    const struct ipm_meter_window window = {430000000, SECOND, 0, 0, 0};
    int wraps = 0;
    for (int i = 0; i < 50; i++) {
        struct ipm_meter_reading reading;
        double found = joules(&meter, &window, &reading);
        assert_true(fabs(found - 20) < 0.05);
        assert_int_equal(reading.range_uj, 60000000);
        assert_true(reading.start_uj >= 0 && reading.start_uj < reading.range_uj);
        wraps += reading.stop_uj < reading.start_uj;
    }
    /* 20 J of the 60 J round in each window. */
    assert_in_range(wraps, 10, 25);
    /* A run of some length sees it come round at the default range, too. */
    start(&meter, "{\"seed\": 5}");
    wraps = 0;
    for (int i = 0; i < 12; i++) {
        struct ipm_meter_reading reading;
        (void)joules(&meter, &window, &reading);
        wraps += reading.stop_uj < reading.start_uj;
    }
    assert_in_range(wraps, 0, 1);
    assert_true(meter.energy_uj > meter.parameters.range_uj);
}

/* Updates that are longer than the counter's round: the first was some rounds ago. */
static void slow(void **state)
{
    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        struct ipm_meter meter;
        struct ipm_meter_reading reading;
        char text[128];
        (void)snprintf(text, sizeof(text),
                       "{\"p_idle_w\": 100, \"update_ns\": 10000000000, "
                       "\"unit_uj\": 1, \"range_uj\": 1e6, \"seed\": %d}",
                       seed);
        start(&meter, text);
        const struct ipm_meter_window window = {0, SECOND, 0, 0, 0};
        ipm_meter_measure(&meter, &window, &reading);
        assert_in_range(reading.start_uj, 0, reading.range_uj - 1);
        assert_in_range(reading.stop_uj, 0, reading.range_uj - 1);
    }
}

/* Mean and spread are the asked ones, whatever the length; the seed is all that varies. */
static void noise(void **state)
{
    (void)state;
    for (int length = 1; length <= 4; length *= 4) {
        struct ipm_meter meter;
        double sum = 0;
        double squares = 0;
        enum { WINDOWS = 4000 };
        start(&meter, "{\"noise_uj\": 300000, \"seed\": 9, \"update_ns\": 1}");
        const struct ipm_meter_window window = {0, length * SECOND, 0, 0, 0};
        for (int i = 0; i < WINDOWS; i++) {
            double error = joules(&meter, &window, NULL) - 5.0 * length;
            sum += error;
            squares += error * error;
        }
        double deviation = sqrt(squares / WINDOWS);
        assert_true(fabs(sum / WINDOWS) < 4 * 0.3 * sqrt(length) / sqrt(WINDOWS));
        assert_true(fabs(deviation / (0.3 * sqrt(length)) - 1) < 0.05);
    }
}

static void seeds(void **state)
{
    struct ipm_meter meters[3];
    const struct ipm_meter_window window = {1000, SECOND, 10, 20, 30};
    struct ipm_meter_reading readings[3];
    (void)state;
    start(&meters[0], "{\"noise_uj\": 1000, \"seed\": 1}");
    start(&meters[1], "{\"noise_uj\": 1000, \"seed\": 1}");
    start(&meters[2], "{\"noise_uj\": 1000, \"seed\": 2}");
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 3; k++)
            ipm_meter_measure(&meters[k], &window, &readings[k]);
        assert_memory_equal(&readings[0], &readings[1], sizeof(readings[0]));
        assert_true(readings[0].stop_uj != readings[2].stop_uj);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *parameters, *why;
    } rows[] = {
        {"[]", "are an object"},
        {"{\"watts\": 1}", "no parameter 'watts'"},
        {"{\"p_idle_w\": \"5\"}", "'p_idle_w' must be a number"},
        {"{\"p_idle_w\": -1}", "'p_idle_w' must be in [0, 100000]"},
        {"{\"seed\": 1.5}", "'seed' must be a whole number"},
        {"{\"update_ns\": 0}", "'update_ns' must be in [1, 1e+10]"},
        {"{\"unit_uj\": 100, \"range_uj\": 1000}", "'range_uj' must be 1000 times"},
    };
    static const char *const windows[] = {
        "{}",
        "[]",
        "{\"gap_ns\": -1, \"elapsed_ns\": 1, \"switches\": 0, \"messages\": 0, "
        "\"bytes\": 0}",
        "{\"gap_ns\": 0, \"elapsed_ns\": 0, \"switches\": 0, \"messages\": 0, "
        "\"bytes\": 0}",
        "{\"gap_ns\": 0, \"elapsed_ns\": 1, \"switches\": null, \"messages\": 0, "
        "\"bytes\": 0}",
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_meter_parameters parameters;
        struct ipm_why why = {0};
        json_t *json = json_loads(rows[i].parameters, 0, NULL);
        assert_int_equal(ipm_meter_parameters_read(json, &parameters, &why), -EINVAL);
        json_decref(json);
        if (strstr(why.text, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].parameters, why.text);
    }
    for (size_t i = 0; i < IPM_TEST_ROWS(windows); i++) {
        struct ipm_meter_window window;
        struct ipm_why why = {0};
        json_t *json = json_loads(windows[i], 0, NULL);
        assert_int_equal(ipm_meter_window_read(json, &window, &why), -EINVAL);
        assert_true(why.text[0] != '\0');
        json_decref(json);
    }
}

/* What is printed is what was read, and can be read again. */
static void printed(void **state)
{
    struct ipm_meter meter;
    struct ipm_meter_parameters again;
    (void)state;
    start(&meter, "{\"p_idle_w\": 7.25, \"seed\": 4503599627370497, "
                  "\"drift_w_per_s\": -0.001}");
    json_t *json = ipm_meter_parameters_json(&meter.parameters);
    assert_int_equal(json_object_size(json), 10);
    assert_int_equal(ipm_meter_parameters_read(json, &again, NULL), 0);
    assert_memory_equal(&again, &meter.parameters, sizeof(again));
    assert_int_equal(again.seed, 4503599627370497);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth),   cmocka_unit_test(grid),  cmocka_unit_test(wrap),
        cmocka_unit_test(noise),   cmocka_unit_test(seeds), cmocka_unit_test(refused),
        cmocka_unit_test(printed), cmocka_unit_test(slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
