/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/energy.h"
#include "harness/simulation.h"
#include "tests/support/test.h"

#include <errno.h>

#define SECOND INT64_C(1000000000)

static json_t *parse(const char *text)
{
    json_error_t problem;
    json_t *json = json_loads(text, 0, &problem);
    if (json == NULL)
        fail_msg("%s: %s", text, problem.text);
    return json;
}

static json_t *record_of(const char *pass, int64_t messages)
{
    return json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:{s:{s:i},s:{s:i},s:{s:i,s:s},s:{s:n,s:s}}}", "pass",
        pass, "status", "ok", "elapsed_ns", (json_int_t)SECOND, "messages",
        (json_int_t)messages, "bytes", (json_int_t)(messages * 64), "metrics",
        "voluntary_switches", "value", 1000, "involuntary_switches", "value", 1,
        "energy_dram_uj", "value", 77, "unit", "uJ", "energy_core_uj", "value",
        "reason", "absent: by the test");
}

static const json_t *metric_of(const json_t *record, const char *name)
{
    return json_object_get(json_object_get(record, "metrics"), name);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int start(struct ipm_simulation *simulation, const char *parameters,
                 struct ipm_why *why)
{
    json_t *json = parse(parameters);
    int error = ipm_simulation_start(simulation, json, why);
    json_decref(json);
    return error;
}

/* The joules of a record are those of the model, and the row says whose they are. */
static void measured(void **state)
{
    struct ipm_simulation simulation;
    struct ipm_why why = {0};
    (void)state;
    if (start(&simulation, "{\"p_idle_w\": 2, \"e_message_uj\": 10}", &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(json_object_size(simulation.parameters), 10);
    json_t *record = record_of("energy", 100000);
    assert_int_equal(ipm_simulation_measure(&simulation, record, &why), 0);
    const json_t *metric = metric_of(record, "energy_package_uj");
    assert_string_equal(text_of(metric, "provenance"), "simulated");
    assert_string_equal(text_of(metric, "source"), "simulated");
    /* 2 W, 1001 switches of 12 uJ, 100000 messages of 10 uJ and of 64 bytes of 0.5 nJ */
    double truth_uj = 2e6 + 1001 * 12 + 100000 * (10 + 0.032);
    double found_uj = json_number_value(json_object_get(metric, "value"));
    assert_true(found_uj > truth_uj - 4000 && found_uj < truth_uj + 4000);
    assert_string_equal(text_of(json_object_get(record, "meter"), "source"),
                        "simulated");
    /* Nothing measured beside it, and what was missing keeps its own reason. */
    metric = metric_of(record, "energy_dram_uj");
    assert_true(json_is_null(json_object_get(metric, "value")));
    assert_non_null(strstr(text_of(metric, "reason"), "is simulated"));
    assert_string_equal(text_of(metric_of(record, "energy_core_uj"), "reason"),
                        "absent: by the test");
    json_decref(record);

    record = record_of("timing", 100);
    json_t *before = json_deep_copy(record);
    assert_int_equal(ipm_simulation_measure(&simulation, record, &why), 0);
    assert_true(json_equal(record, before));
    json_decref(before);
    json_decref(record);

    record = record_of("idle", 0);
    (void)json_object_set_new(record, "elapsed_ns", json_integer(SECOND / 100));
    assert_int_equal(ipm_simulation_measure(&simulation, record, &why), 0);
    metric = metric_of(record, "energy_package_uj");
    assert_true(json_is_null(json_object_get(metric, "value")));
    assert_memory_equal(text_of(metric, "reason"), "too_short: ", 11);
    assert_string_equal(text_of(metric, "provenance"), "unavailable");
    json_decref(record);

    record = record_of("idle", 0);
    (void)json_object_set_new(
        (json_t *)(uintptr_t)metric_of(record, "voluntary_switches"), "value",
        json_null());
    assert_int_equal(ipm_simulation_measure(&simulation, record, &why), 0);
    assert_memory_equal(text_of(metric_of(record, "energy_package_uj"), "reason"),
                        "failed: ", 8);
    assert_null(json_object_get(record, "meter"));
    json_decref(record);
    ipm_simulation_stop(&simulation);
    ipm_simulation_stop(&simulation);
}

/* A run that goes on has the meter where it was. */
static void replayed(void **state)
{
    static const char parameters[] = "{\"noise_uj\": 5000, \"seed\": 3}";
    const json_int_t long_ns = 1000 * SECOND;
    struct ipm_simulation meters[2];
    int64_t readings[2] = {0};
    struct ipm_why why = {0};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(start(&meters[i], parameters, &why), 0);
    json_t *records[3];
    for (size_t i = 0; i < 3; i++) {
        records[i] = record_of(i == 1 ? "energy" : "idle", i == 1 ? 500 : 0);
        (void)json_object_set_new(records[i], "elapsed_ns", json_integer(long_ns));
        assert_int_equal(ipm_simulation_measure(&meters[0], records[i], &why), 0);
        assert_int_equal(ipm_simulation_replay(&meters[1], records[i], &why), 0);
    }
    json_t *timing = record_of("timing", 5);
    assert_int_equal(ipm_simulation_replay(&meters[1], timing, &why), 0);
    json_decref(timing);
    /* Windows longer than this test leave no gaps, which would differ. */
    for (size_t i = 0; i < 2; i++) {
        json_t *record = record_of("idle", 0);
        (void)json_object_set_new(record, "elapsed_ns", json_integer(long_ns));
        assert_int_equal(ipm_simulation_measure(&meters[i], record, &why), 0);
        readings[i] = json_integer_value(
            json_object_get(json_object_get(record, "meter"), "stop_uj"));
        json_decref(record);
        ipm_simulation_stop(&meters[i]);
    }
    assert_int_equal(readings[0], readings[1]);
    for (size_t i = 0; i < 3; i++)
        json_decref(records[i]);
}

/* Its death is an error in words, never a joule. */
static void death(void **state)
{
    struct ipm_simulation simulation;
    struct ipm_why why = {0};
    (void)state;
    assert_int_equal(start(&simulation, "{}", &why), 0);
    pid_t pid = simulation.pid;
    assert_int_equal(kill(pid, SIGKILL), 0);
    json_t *record = record_of("energy", 5);
    assert_int_equal(ipm_simulation_measure(&simulation, record, &why), -EPIPE);
    assert_non_null(strstr(why.text, "killed by signal 9"));
    assert_null(metric_of(record, "energy_package_uj"));
    ipm_simulation_stop(&simulation);
    assert_int_equal(kill(pid, 0), -1); /* reaped */

    assert_int_equal(start(&simulation, "{\"watts\": 5}", &why), -EINVAL);
    assert_non_null(strstr(why.text, "exited with status 2"));
    assert_int_equal(simulation.pid, 0);
    json_decref(record);
}

/* Which source is believed. */
static void verdicts(void **state)
{
    static const char power[] = "{\"source\": \"power\", \"accepted\": true, "
                                "\"provenance\": \"measured\", \"reason\": null}";
    static const char dull[] =
        "{\"source\": \"power\", \"accepted\": false, "
        "\"provenance\": \"measured\", \"reason\": \"stuck: so\"}";
    static const char guest[] =
        "{\"source\": \"powercap\", \"accepted\": true, \"provenance\": "
        "\"attributed\", \"reason\": \"a staircase of 1 s\"}";
    static const char hwmon[] = "{\"source\": \"hwmon\", \"accepted\": true, "
                                "\"provenance\": \"measured_coarse\"}";
    static const char gone[] =
        "{\"source\": \"hwmon\", \"accepted\": false, "
        "\"provenance\": \"unavailable\", \"reason\": \"absent: no chip\"}";
    static const char slow[] =
        "{\"source\": \"powercap\", \"accepted\": false, \"provenance\": "
        "\"attributed\", \"reason\": \"zero: energy_uj reads 0\"}";
    static const char odd[] = "{\"source\": \"table\", \"accepted\": true, "
                              "\"provenance\": \"estimated\"}";
    static const struct {
        const char *asked, *first, *second, *source, *provenance, *reason;
    } rows[] = {
        {"auto", power, hwmon, "power", "measured", NULL},
        {"auto", dull, hwmon, "hwmon", "measured_coarse", NULL},
        {"auto", dull, guest, NULL, NULL,
         "stuck: power: so; attributed: powercap: a staircase of 1 s (must be asked"},
        {"auto", gone, dull, NULL, NULL, "stuck: power: so; absent: hwmon: no chip"},
        {"auto", guest, dull, NULL, NULL, "must be asked for by name"},
        {"powercap", power, guest, "powercap", "attributed", NULL},
        {"hwmon", power, hwmon, "hwmon", "measured_coarse", NULL},
        {"hwmon", power, guest, NULL, NULL, "absent: no meter named hwmon"},
        {"power", dull, hwmon, NULL, NULL, "stuck: power: so"},
        {"auto", odd, dull, NULL, NULL, "failed: table: not accepted"},
        {"powercap", slow, dull, NULL, NULL, "zero: powercap: energy_uj reads 0"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        json_t *meter = json_pack("{s:[o,o]}", "sources", parse(rows[i].first),
                                  parse(rows[i].second));
        json_t *asked = json_string(rows[i].asked);
        json_t *verdict = ipm_energy_judge(asked, meter);
        bool accepted = json_is_true(json_object_get(verdict, "accepted"));
        bool by_name = strcmp(rows[i].asked, "auto") != 0;
        if (accepted != (rows[i].source != NULL) ||
            (accepted &&
             (strcmp(text_of(verdict, "source"), rows[i].source) != 0 ||
              strcmp(text_of(verdict, "provenance"), rows[i].provenance) != 0)) ||
            (!accepted && strstr(text_of(verdict, "reason"), rows[i].reason) == NULL) ||
            (by_name && strstr(text_of(verdict, "reason"), "by name") != NULL))
            fail_msg("row %zu: %s %s: %s", i, text_of(verdict, "source"),
                     text_of(verdict, "provenance"), text_of(verdict, "reason"));
        assert_int_equal(json_array_size(json_object_get(verdict, "sources")), 2);
        json_decref(verdict);
        json_decref(asked);
        json_decref(meter);
    }
    json_t *asked = json_string("auto");
    json_t *verdict = ipm_energy_judge(asked, asked);
    assert_false(json_is_true(json_object_get(verdict, "accepted")));
    json_decref(verdict);
    json_decref(asked);
}

/* A worker that has a meter: the verb is asked, and a refusal closes both passes. */
static void examined(void **state)
{
    static const struct {
        const char *says;
        bool accepted;
        const char *reason;
    } rows[] = {
        {"echo '{\"sources\": [{\"source\": \"power\", \"accepted\": true, "
         "\"provenance\": \"measured\"}]}'",
         true, ""},
        {"echo '{\"sources\": [{\"source\": \"power\", \"accepted\": false, "
         "\"provenance\": \"measured\", \"reason\": \"stuck: x\"}]}'",
         false, "stuck: power: x"},
        {"exit 2", false, "failed: not examined: the worker's examination exited"},
        {"echo what", false, "failed: not examined: what the worker says"},
        {"echo '[]'", false, "failed: the worker did not say"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char script[512];
        struct ipm_worker worker = {.n_plugins = 0};
        struct ipm_spec spec = {0};
        (void)ipm_test_path(state, "worker", script);
        (void)snprintf(worker.path, sizeof(worker.path), "%s", script);
        int length =
            snprintf(script, sizeof(script),
                     "#!/bin/sh\n[ \"$1\" = meter ] || exit 3\n%s\n", rows[i].says);
        (void)unlink(worker.path);
        ipm_test_write(worker.path, script, (size_t)length);
        assert_int_equal(chmod(worker.path, 0700), 0);
        json_t *describe =
            parse("{\"passes\": [{\"name\": \"timing\", \"available\": true},"
                  "{\"name\": \"energy\", \"available\": true},"
                  "{\"name\": \"idle\", \"available\": true}]}");
        json_t *verdict = NULL;
        struct ipm_why why = {0};
        if (ipm_energy_examine(&worker, &spec, NULL, describe, &verdict, &why) != 0)
            fail_msg("%s", why.text);
        assert_int_equal(json_is_true(json_object_get(verdict, "accepted")),
                         rows[i].accepted);
        if (strstr(text_of(verdict, "reason"), rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, text_of(verdict, "reason"));
        for (const char *const *name = (const char *const[]){"energy", "idle", NULL};
             *name != NULL; name++) {
            const json_t *pass = ipm_describe_find(describe, "passes", *name);
            assert_int_equal(json_is_true(json_object_get(pass, "available")),
                             rows[i].accepted);
            assert_string_equal(text_of(pass, "reason"), text_of(verdict, "reason"));
        }
        json_t *sensors = ipm_energy_sensors(&spec, verdict);
        assert_string_equal(text_of(sensors, "energy"),
                            rows[i].accepted ? "power" : "");
        json_decref(sensors);
        json_decref(verdict);
        json_decref(describe);
    }
}

/* No meter, none wanted, or one by request: the worker is not bothered. */
static void not_examined(void **state)
{
    struct ipm_worker worker = {.path = "/nowhere"};
    struct ipm_why why = {0};
    json_t *verdict = NULL;
    json_t *describe =
        parse("{\"passes\": [{\"name\": \"energy\", \"available\": false, "
              "\"reason\": \"absent: here\"}]}");
    struct ipm_spec spec = {0};
    (void)state;
    assert_int_equal(ipm_energy_examine(&worker, &spec, NULL, describe, &verdict, &why),
                     0);
    assert_string_equal(text_of(verdict, "reason"), "absent: here");
    json_decref(verdict);
    spec.energy = IPM_SENSING_OFF;
    assert_int_equal(ipm_energy_examine(&worker, &spec, NULL, describe, &verdict, &why),
                     0);
    assert_string_equal(text_of(verdict, "reason"), "off: in the config");
    json_decref(verdict);
    spec.energy = IPM_SENSING_AUTO;
    spec.sensing = parse("{\"energy\": {\"simulated\": {\"seed\": 3}}}");
    assert_int_equal(ipm_energy_examine(&worker, &spec, NULL, describe, &verdict, &why),
                     0);
    assert_string_equal(text_of(verdict, "source"), "simulated");
    assert_string_equal(text_of(verdict, "provenance"), "simulated");
    assert_int_equal(json_object_size(json_object_get(verdict, "parameters")), 1);
    json_t *sensors = ipm_energy_sensors(&spec, verdict);
    assert_true(json_equal(sensors, spec.sensing));
    json_decref(sensors);
    json_decref(verdict);
    json_decref(spec.sensing);
    json_decref(describe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured),
        cmocka_unit_test(replayed),
        cmocka_unit_test(death),
        cmocka_unit_test(verdicts),
        cmocka_unit_test_setup_teardown(examined, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(not_examined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
