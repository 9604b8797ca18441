/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/json.h"
#include "harness/drift.h"
#include "harness/manifest.h"
#include "harness/state.h"
#include "tests/support/test.h"

#include <unistd.h>

/* A machine at rest; what a test changes, it changes in a copy. */
static const char quiet[] =
    "{\"online\": \"0-3\", \"allowed\": \"0-3\", \"governor\": \"performance\","
    " \"turbo\": \"off\", \"frequency_held\": true,"
    " \"frequency_mhz\": {\"0\": 2000, \"1\": 2000}, \"clocksource\": \"tsc\","
    " \"idle\": {\"deepest\": \"C1\"}, \"quota_cpus\": null, \"smt\": null,"
    " \"powercap\": {\"rights\": \"readable\"},"
    " \"temperatures\": [{\"name\": \"cpu\", \"celsius\": 40.0},"
    "                    {\"name\": \"cpu\", \"celsius\": 41.0}],"
    " \"since_boot\": {\"all_ticks\": 1000, \"busy_ticks\": 100, \"steal_ticks\": 0,"
    " \"throttled_periods\": 3, \"heat_throttles\": null, \"suspended_ns\": 40,"
    " \"own_cpu_ns\": 1000000000}}";

static json_t *state_of(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

/* The quiet machine with one member replaced; @path has two keys at most. */
static json_t *with(const char *outer, const char *inner, json_t *value)
{
    json_t *json = state_of(quiet);
    json_t *at = inner == NULL ? json : json_object_get(json, outer);
    assert_int_equal(json_object_set_new(at, inner == NULL ? outer : inner, value), 0);
    return json;
}

/* Exactly one drift of that name and status, whose texts hold the parts; takes @after. */
static void expect(json_t *after, const char *name, const char *status,
                   const char *from, const char *to)
{
    ipm_auto_json json_t *now = after;
    ipm_auto_json json_t *before = state_of(quiet);
    ipm_auto_json json_t *drift = ipm_drift_json(before, before, now);
    assert_int_equal(json_array_size(drift), 1);
    const json_t *entry = json_array_get(drift, 0);
    const char *words[5];
    static const char *const keys[] = {"name", "status", "before", "after", "text"};
    for (size_t i = 0; i < IPM_TEST_ROWS(keys); i++) {
        words[i] = json_string_value(json_object_get(entry, keys[i]));
        assert_non_null(words[i]);
        assert_true(words[i][0] != '\0');
    }
    assert_string_equal(words[0], name);
    assert_string_equal(words[1], status);
    assert_non_null(strstr(words[2], from));
    assert_non_null(strstr(words[3], to));
}

static void expect_none(json_t *first, json_t *before, json_t *after)
{
    ipm_auto_json json_t *drift = ipm_drift_json(first, before, after);
    assert_int_equal(json_array_size(drift), 0);
    json_decref(first);
    json_decref(before);
    json_decref(after);
}

static void settings_that_change_are_told(void **state)
{
    (void)state;
    expect(with("governor", NULL, json_string("powersave")), "governor", "warn",
           "performance", "powersave");
    expect(with("clocksource", NULL, json_string("hpet")), "clocksource", "fail", "tsc",
           "hpet");
    expect(with("turbo", NULL, json_string("on")), "turbo", "warn", "off", "on");
    expect(with("idle", "deepest", json_string("C6")), "idle.deepest", "warn", "C1",
           "C6");
    expect(with("powercap", "rights", json_string("denied")), "powercap.rights", "warn",
           "readable", "denied");
    /* No quota is a value, not a thing unknown. */
    expect(with("quota_cpus", NULL, json_real(1.5)), "quota_cpus", "warn", "none",
           "1.5");
    expect(with("allowed", NULL, json_string("0-1")), "allowed", "warn", "0-3", "0-1");
}

static void counts_become_shares(void **state)
{
    (void)state;
    json_t *after = with("since_boot", "all_ticks", json_integer(2000));
    json_t *counts = json_object_get(after, "since_boot");
    int64_t ticks_per_s = sysconf(_SC_CLK_TCK);
    /* All that was busy was ours: 500 ticks of CPU time. */
    (void)json_object_set_new(counts, "busy_ticks", json_integer(600));
    (void)json_object_set_new(
        counts, "own_cpu_ns",
        json_integer(1000000000 + 500 * (1000000000 / ticks_per_s)));
    expect_none(state_of(quiet), state_of(quiet), json_deep_copy(after));
    /* 100 ticks more are 10 % of 1000; 600 are 60 %. */
    (void)json_object_set_new(counts, "busy_ticks", json_integer(700));
    expect(json_deep_copy(after), "load", "warn", "0", "10 % of CPU time");
    (void)json_object_set_new(counts, "own_cpu_ns", json_integer(1000000000));
    expect(json_deep_copy(after), "load", "fail", "0", "60 % of CPU time");
    (void)json_object_set_new(counts, "busy_ticks", json_integer(100));
    (void)json_object_set_new(counts, "steal_ticks", json_integer(4));
    expect_none(state_of(quiet), state_of(quiet), json_deep_copy(after));
    (void)json_object_set_new(counts, "steal_ticks", json_integer(20));
    expect(json_deep_copy(after), "steal", "warn", "0", "2.0 % of CPU time");
    (void)json_object_set_new(counts, "steal_ticks", json_integer(50));
    expect(after, "steal", "fail", "0", "5.0 % of CPU time");
}

static void counts_that_grow_are_told(void **state)
{
    (void)state;
    expect(with("since_boot", "suspended_ns", json_integer(2500000040)), "suspend",
           "warn", "0", "2.5 s");
    expect(with("since_boot", "throttled_periods", json_integer(7)), "cpu_throttling",
           "warn", "0", "4 times");
    /* The two clocks are read one after the other: some microseconds are no sleep. */
    expect_none(state_of(quiet), state_of(quiet),
                with("since_boot", "suspended_ns", json_integer(90040)));
    /* Not told before is not zero before. */
    expect_none(state_of(quiet), state_of(quiet),
                with("since_boot", "heat_throttles", json_integer(5)));
}

static void heat_and_frequency_are_told(void **state)
{
    (void)state;
    json_t *hot = state_of(quiet);
    json_t *zones = json_object_get(hot, "temperatures");
    (void)json_object_set_new(json_array_get(zones, 1), "celsius", json_real(49));
    expect_none(state_of(quiet), state_of(quiet), json_deep_copy(hot));
    (void)json_object_set_new(json_array_get(zones, 1), "celsius", json_real(51));
    expect(hot, "temperature", "warn", "41 degrees", "51 degrees");

    json_t *slow = state_of(quiet);
    json_t *now = json_object_get(slow, "frequency_mhz");
    (void)json_object_set_new(now, "1", json_integer(1985));
    expect_none(state_of(quiet), state_of(quiet), json_deep_copy(slow));
    (void)json_object_set_new(now, "1", json_integer(1900));
    expect(json_deep_copy(slow), "frequency", "warn", "2000 MHz (CPU 1)", "1900 MHz");
    /* A frequency that is free moves: that is what the doctor said before. */
    (void)json_object_set_new(slow, "frequency_held", json_false());
    expect_none(slow, json_deep_copy(slow), state_of(quiet));
}

static void what_is_not_told_has_not_drifted(void **state)
{
    (void)state;
    expect_none(json_object(), json_object(), state_of(quiet));
    expect_none(state_of(quiet), state_of(quiet), json_object());
    expect_none(json_null(), json_null(), json_null());
    expect_none(state_of(quiet), state_of(quiet), with("governor", NULL, json_null()));
    expect_none(state_of(quiet), state_of(quiet),
                with("smt", NULL, json_string("on"))); /* unknown before */
}

/* Settings since the run began, counts since this process did: perhaps another boot. */
static void a_resumed_run_starts_its_counts_anew(void **state)
{
    (void)state;
    json_t *days_ago = with("since_boot", "suspended_ns", json_integer(0));
    json_t *resumed = with("since_boot", "suspended_ns", json_integer(3600000000000));
    expect_none(days_ago, resumed, json_deep_copy(resumed));
}

/* What happened before the run went on stays in its manifest. */
static void earlier_drift_is_kept(void **state)
{
    (void)state;
    ipm_auto_json json_t *found =
        json_pack("{s:i, s:s, s:s, s:{s:o}, s:[{s:s, s:s}]}", "seed", 7, "run", "first",
                  "started", "then", "environment_before", "state", state_of(quiet),
                  "drift", "name", "suspend", "status", "warn");
    ipm_auto_json json_t *manifest =
        json_pack("{s:i, s:s, s:{s:o}, s:[]}", "seed", 8, "run", "second",
                  "environment_before", "state", state_of(quiet), "drift");
    assert_non_null(found);
    assert_non_null(manifest);
    ipm_manifest_adopt(manifest, found);
    assert_int_equal(json_integer_value(json_object_get(manifest, "seed")), 7);
    assert_true(json_is_object(json_object_get(manifest, "environment_resumed")));
    ipm_manifest_finish(manifest, false, "/nonexistent-root");
    const json_t *drift = json_object_get(manifest, "drift");
    size_t i;
    const json_t *entry;
    bool kept = false;
    json_array_foreach(drift, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        kept = kept || (name != NULL && strcmp(name, "suspend") == 0);
    }
    assert_true(kept);
}

/* This machine, looked at twice: its settings stay, whatever else runs on it. */
static void this_machine_does_not_drift_in_no_time(void **state)
{
    static const char *const moving[] = {"load",           "steal",
                                         "cpu_throttling", "heat_throttling",
                                         "temperature",    "frequency"};
    (void)state;
    ipm_auto_json json_t *before = ipm_state_json("");
    ipm_auto_json json_t *after = ipm_state_json("");
    ipm_auto_json json_t *drift = ipm_drift_json(before, before, after);
    size_t i;
    const json_t *entry;
    json_array_foreach(drift, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        bool may = false;
        assert_non_null(name);
        for (size_t k = 0; k < IPM_TEST_ROWS(moving); k++)
            may = may || strcmp(name, moving[k]) == 0;
        if (!may)
            fail_msg("%s drifted", name);
    }
    const json_t *counts = json_object_get(after, "since_boot");
    assert_true(json_integer_value(json_object_get(counts, "own_cpu_ns")) > 0);
    assert_true(json_is_integer(json_object_get(counts, "suspended_ns")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_change_are_told),
        cmocka_unit_test(counts_become_shares),
        cmocka_unit_test(counts_that_grow_are_told),
        cmocka_unit_test(heat_and_frequency_are_told),
        cmocka_unit_test(what_is_not_told_has_not_drifted),
        cmocka_unit_test(a_resumed_run_starts_its_counts_anew),
        cmocka_unit_test(earlier_drift_is_kept),
        cmocka_unit_test(this_machine_does_not_drift_in_no_time),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
