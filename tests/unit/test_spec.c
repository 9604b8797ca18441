/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/prepare.h"
#include "harness/spec_keys.h"
#include "harness/spec_sensors.h"
#include "tests/support/front.h"

#include <inttypes.h>

#define SWEEPS(axes)                                                                   \
    "{ \"sweeps\": [ { \"workloads\": \"pingpong\", \"mechanisms\": \"pipe\", "        \
    "\"axes\": { " axes " } } ] }"

struct row {
    const char *text;
    const char *printed; /* a part of what is printed */
};

static void check_errors(const struct row *rows, size_t n)
{
    json_t *describe = ipm_test_describe();
    for (size_t i = 0; i < n; i++) {
        struct ipm_spec spec = {0};
        char *printed = NULL;
        int error = ipm_test_load(rows[i].text, NULL, 0, describe, &spec, &printed);
        if (error != 1 || strstr(printed, rows[i].printed) == NULL)
            fail_msg("row %zu, %s: %d\n%s", i, rows[i].text, error, printed);
        free(printed);
    }
    json_decref(describe);
}

static void structure(void **state)
{
    static const struct row rows[] = {
        {"", "test.jsonc:1:1: error: there is nothing"},
        {"[]", "1:1: error: a config must be an object"},
        {"3", "1:1: error: a config must be an object"},
        {"{}", "1:1: error: 'sweeps' is missing"},
        {"{\"sweeps\": []}", "1:12: error: 'sweeps' is empty"},
        {"{\"sweeps\": {}}", "1:12: error: 'sweeps' must be a list"},
        {"{\"sweeps\": [1]}", "1:13: error: a sweep must be an object"},
        {"{\"sweeps\": [{}]}", "1:13: error: this sweep has no 'workloads'"},
        {"{\"sweeps\": [{}]}", "1:13: error: this sweep has no 'mechanisms'"},
        {"{\"sweep\": []}", "1:2: error: unknown key 'sweep'"},
        {"{\"sweep\": []}", "      = did you mean 'sweeps'?"},
        {"{\"sweeps\": [{\"mechanism\": 1}]}", "= did you mean 'mechanisms'?"},
        {"{\"name\": 1}", "1:10: error: 'name' must be a text"},
        {"{\"name\": \"a/b\"}", "must not hold a slash"},
        {"{\"name\": \"..\"}", "or start with a dot"},
        {"{\"name\": \"\"}", "must be a text that is not empty"},
        {"{\"name\": \"a\\u0007\"}", "must not hold control characters"},
        {"{\"name\": \"a\\u0085\"}", "must not hold control characters"},
        {"{\"name\": "
         "\"12345678901234567890123456789012345678901234567890123456789012345"
         "\"}",
         "'name' is too long"},
        {"{\"$schema\": 1}", "'$schema' must be a text"},
        {"{\"repeat\": 1}", "'repeat' must be an object"},
        {"{\"sensors\": {\"energy\": \"on\"}}", "1:24: error: 'energy' cannot be 'on'"},
        {"{\"sensors\": {\"energy\": \"on\"}}", "= allowed: auto, off"},
        {"{\"sensors\": {\"energy\": true}}", "'energy' must be a word"},
        {"{\"sensors\": {\"counters\": \"pap\"}}", "= did you mean 'papi'?"},
        {"{\"sensors\": {\"event\": []}}", "= did you mean 'events'?"},
        {"{\"repeat\": {\"invocations\": 0}}", "1:28: error: 'invocations' is out of"},
        {"{\"repeat\": {\"invocations\": 0}}", "= allowed: 1 .. "},
        {"{\"repeat\": {\"invocations\": \"6\"}}", "must be a whole number"},
        {"{\"repeat\": {\"invocations\": 1.5}}", "must be a whole number"},
        {"{\"repeat\": {\"window\": 50}}", "must be a duration with its unit"},
        {"{\"repeat\": {\"window\": \"50\"}}", "'50' is not a duration"},
        {"{\"repeat\": {\"window\": \"50mss\"}}", "'50mss' is not a duration"},
        {"{\"repeat\": {\"window\": \"0s\"}}", "= allowed: \"10us\" .. \"1h\""},
        {"{\"repeat\": {\"warmup\": \"-1ms\"}}", "'-1ms' is negative"},
        {"{\"repeat\": {\"budget\": \"3ms\"}}", "'budget' is out of range"},
        {"{\"repeat\": {\"precision\": 2}}", "must be a number between 0 and 1"},
        {"{\"repeat\": {\"windw\": \"1s\"}}", "= did you mean 'window'?"},
        {"{\"sweeps\": [{\"repeat\": {\"budget\": \"3min\"}}]}",
         "unknown key 'budget'"},
        {"{\"repeat\": {\"between_runs\": \"1%\"}}",
         "must be a number between 0 and 1"},
        {"{\"sweeps\": [{\"repeat\": {\"between_runs\": 0.01}}]}",
         "unknown key 'between_runs'"},
    };
    (void)state;
    check_errors(rows, IPM_TEST_ROWS(rows));
}

static void names(void **state)
{
    static const struct row rows[] = {
        {"{\"sweeps\": [{\"mechanisms\": \"pip\"}]}", "there is no mechanism 'pip'"},
        {"{\"sweeps\": [{\"mechanisms\": \"pip\"}]}", "= did you mean 'pipe'?"},
        {"{\"sweeps\": [{\"mechanisms\": [\"pipe\", \"x\"]}]}",
         "1:37: error: there is no"},
        {"{\"sweeps\": [{\"mechanisms\": [1]}]}", "'mechanisms' takes names"},
        {"{\"sweeps\": [{\"mechanisms\": []}]}", "'mechanisms' is empty"},
        {"{\"sweeps\": [{\"mechanisms\": {}}]}", "'mechanisms' takes names"},
        {"{\"sweeps\": [{\"workloads\": \"floors\"}]}",
         "there is no workload 'floors'"},
        {"{\"sweeps\": [{\"workloads\": \"pingpongg\"}]}",
         "= did you mean 'pingpong'?"},
        {"{\"sweeps\": [{\"axes\": 1}]}", "'axes' must be an object"},
    };
    (void)state;
    check_errors(rows, IPM_TEST_ROWS(rows));
}

static void axes(void **state)
{
    static const struct row rows[] = {
        {SWEEPS("\"sise\": 1"), "1:74: error: there is no axis 'sise'"},
        {SWEEPS("\"sise\": 1"), "= did you mean 'size'?"},
        {SWEEPS("\"size\": -1"), "1:82: error: -1 is out of the range of 'size'"},
        {SWEEPS("\"size\": \"-1\""), "'-1' is negative"},
        {SWEEPS("\"size\": \"4KB\""), "'4KB' is not a size"},
        {SWEEPS("\"size\": \"4k\""), "'4k' is not a size"},
        {SWEEPS("\"size\": 1.5"), "'size' must be a size"},
        {SWEEPS("\"size\": true"), "'size' must be a size"},
        {SWEEPS("\"size\": null"), "'size' must be a size"},
        {SWEEPS("\"size\": \"1024GiB\""), "out of the range of 'size'"},
        {SWEEPS("\"size\": []"), "'size' has no value"},
        {SWEEPS("\"size\": [1, [2]]"), "'size' must be a size"},
        {SWEEPS("\"size\": [64, \"x\"]"), "1:87: error: 'x' is not a size"},
        {SWEEPS("\"size\": {}"), "this range has no 'from'"},
        {SWEEPS("\"size\": {\"from\": 1, \"to\": 2}"), "either 'factor' or 'step'"},
        {SWEEPS("\"size\": {\"from\": 1, \"to\": 9, \"factor\": 2, \"step\": 2}"),
         "either 'factor' or 'step'"},
        {SWEEPS("\"size\": {\"from\": 9, \"to\": 1, \"factor\": 2}"), "ends before"},
        {SWEEPS("\"size\": {\"from\": 0, \"to\": 9, \"factor\": 2}"),
         "cannot start at 0"},
        {SWEEPS("\"size\": {\"from\": 1, \"to\": 9, \"factor\": 1}"),
         "must be a number"},
        {SWEEPS("\"size\": {\"from\": 1, \"to\": 9, \"step\": 0}"), "out of the range"},
        {SWEEPS("\"size\": {\"from\": 0, \"to\": \"1GiB\", \"step\": 1}"),
         "more than 1024 values"},
        {SWEEPS("\"size\": {\"from\": 1, \"to\": 9, \"fctor\": 2}"),
         "unknown key 'fctor' in a range"},
        {SWEEPS("\"wait\": {\"from\": 1, \"to\": 2, \"step\": 1}"),
         "cannot have a range"},
        {SWEEPS("\"wait\": \"spinn\""), "= did you mean 'spin'?"},
        {SWEEPS("\"wait\": 1"), "'wait' must be a word"},
        {SWEEPS("\"copies\": 3"), "= allowed: 0 .. 2"},
        {SWEEPS("\"touch\": \"all\""), "= allowed: none, sample, full"},
        {SWEEPS("\"policy\": \"rr\""), "= allowed: other, batch, fifo"},
        {SWEEPS("\"depth\": 0"), "out of the range of 'depth'"},
        {SWEEPS("\"batch\": 5000"), "= allowed: 1 .. 1024"},
        {SWEEPS("\"reply_size\": -1"), "or \"same\""},
        {SWEEPS("\"rate\": 0"), "this is not a rate"},
        {SWEEPS("\"rate\": \"0%\""), "this is not a rate"},
        {SWEEPS("\"rate\": \"%\""), "this is not a rate"},
        {SWEEPS("\"rate\": \"fast\""), "this is not a rate"},
        {SWEEPS("\"placement\": \"all_pair\""), "= did you mean 'all_pairs'?"},
        {SWEEPS("\"placement\": \"same_cp\""), "= did you mean 'same_cpu'?"},
        {SWEEPS("\"placement\": 3"), "this is not a placement"},
        {SWEEPS("\"placement\": {\"cpus\": []}"), "this is not a placement"},
        {SWEEPS("\"placement\": {\"cpus\": [1, 2, 3]}"), "this is not a placement"},
        {SWEEPS("\"placement\": {\"cpus\": [-1, 2]}"), "this is not a placement"},
        {SWEEPS("\"placement\": {\"cpus\": [1, 2], \"x\": 1}"),
         "this is not a placement"},
        {SWEEPS("\"pip.capacity\": 1"), "= there is no mechanism 'pip'"},
        {SWEEPS("\"pipe.capacty\": 1"), "= did you mean 'capacity'?"},
        {SWEEPS("\"posix_mq.x\": 1"), "= 'posix_mq' has no options"},
        {SWEEPS("\"pipe.capacity\": \"x\""), "'x' is not a size"},
        {SWEEPS("\"shm_ring.backing\": \"disk\""), "= allowed: memfd"},
        {SWEEPS("\"shm_ring.spin\": 20"), "must be a duration with its unit"},
        {SWEEPS("\"shm_ring.spin\": \"2s\""), "out of the range of 'shm_ring.spin'"},
    };
    (void)state;
    check_errors(rows, IPM_TEST_ROWS(rows));
}

/* One broken config, all its errors, in the order of the text. */
static void all_errors(void **state)
{
    static const char text[] =
        "{\n"
        "  \"nme\": 1,\n"
        "  \"sweeps\": [\n"
        "    { \"workloads\": \"pong\", \"mechanisms\": \"all\",\n"
        "      \"axes\": { \"size\": -4, \"wait\": \"x\" } },\n"
        "  ],\n"
        "  \"repeat\": { \"window\": 3 }\n"
        "}\n";
    static const char *const places[] = {":2:3: error", ":4:20: error", ":5:25: error",
                                         ":5:37: error", ":7:25: error"};
    json_t *describe = ipm_test_describe();
    struct ipm_spec spec;
    char *printed = NULL;
    (void)state;
    assert_int_equal(ipm_test_load(text, NULL, 0, describe, &spec, &printed), 1);
    const char *at = printed;
    for (size_t i = 0; i < IPM_TEST_ROWS(places); i++) {
        at = strstr(at, places[i]);
        if (at == NULL)
            fail_msg("%s is missing in\n%s", places[i], printed);
    }
    free(printed);
    json_decref(describe);
}

static void values(void **state)
{
    static const struct {
        const char *axis, *canonical;
    } rows[] = {
        {"\"size\": 0", "{\"size\":[0]}"},
        {"\"size\": [64, \"4KiB\", \"1 MiB\"]", "{\"size\":[64,4096,1048576]}"},
        {"\"size\": {\"from\": 8, \"to\": \"1KiB\", \"factor\": 4}",
         "{\"size\":[8,32,128,512]}"},
        {"\"size\": {\"from\": 8, \"to\": 512, \"factor\": 4}",
         "{\"size\":[8,32,128,512]}"},
        {"\"size\": {\"from\": 1, \"to\": 8, \"factor\": 1.5}",
         "{\"size\":[1,2,3,5,8]}"},
        {"\"size\": {\"from\": 1, \"to\": 3, \"factor\": 1.1}", "{\"size\":[1,2,3]}"},
        {"\"size\": {\"from\": 0, \"to\": \"1KiB\", \"step\": \"512B\"}",
         "{\"size\":[0,512,1024]}"},
        {"\"size\": {\"from\": 5, \"to\": 5, \"step\": 1}", "{\"size\":[5]}"},
        {"\"depth\": {\"from\": 1, \"to\": 6, \"step\": 2}", "{\"depth\":[1,3,5]}"},
        {"\"reply_size\": [\"same\", 0]", "{\"reply_size\":[\"same\",0]}"},
        {"\"rate\": [\"max\", 10000, \"20000\", \"50%\"]",
         "{\"rate\":[\"max\",\"10000\",\"20000\",\"50%\"]}"},
        {"\"placement\": [\"cross_socket\", {\"cpus\": [2, 4]}, {\"cpus\": [3]}, "
         "\"cpus:5,6\"]",
         "{\"placement\":[\"cross_socket\",\"cpus:2,4\",\"cpus:3,3\",\"cpus:5,6\"]}"},
        {"\"pipe.capacity\": \"64KiB\"", "{\"pipe.capacity\":[65536]}"},
        {"\"shm_ring.spin\": \"3us\"", "{\"shm_ring.spin\":[\"3000ns\"]}"},
    };
    json_t *describe = ipm_test_describe();
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), SWEEPS("%s"), rows[i].axis);
        struct ipm_spec spec;
        ipm_test_spec(text, describe, &spec);
        char *canonical = ipm_json_canonical(spec.sweeps[0].axes);
        assert_string_equal(canonical, rows[i].canonical);
        free(canonical);
        ipm_spec_fini(&spec);
    }
    json_decref(describe);
}

/* A module that is not here cannot say what its options are; one that is here can. */
static void absent_module(void **state)
{
    static const char asked[] = SWEEPS("\"posix_mq.threads\": [1, \"two\"], "
                                       "\"posix_mq.room\": {\"from\": 1}");
    json_t *describe = ipm_test_describe();
    json_t *module = ipm_test_entry(describe, "mechanisms", "posix_mq");
    struct ipm_spec spec;
    char *printed = NULL;
    (void)state;
    (void)json_object_set_new(module, "available", json_false());
    assert_int_equal(ipm_test_load(asked, NULL, 0, describe, &spec, &printed), 1);
    assert_non_null(strstr(printed, "there is no axis 'posix_mq.threads'"));
    free(printed);

    (void)json_object_set_new(module, "waits", json_array());
    ipm_test_spec(asked, describe, &spec);
    char *canonical = ipm_json_canonical(spec.sweeps[0].axes);
    assert_string_equal(
        canonical,
        "{\"posix_mq.room\":[{\"from\":1}],\"posix_mq.threads\":[1,\"two\"]}");
    free(canonical);
    ipm_spec_fini(&spec);
    json_decref(describe);
}

static void defaults(void **state)
{
    json_t *describe = ipm_test_describe();
    struct ipm_spec spec;
    (void)state;
    ipm_test_spec("{\"repeat\": {\"window\": \"20ms\", \"energy\": 3},"
                  " \"sweeps\": [{\"workloads\": \"all\", \"mechanisms\": \"all\","
                  "   \"repeat\": {\"invocations\": 9}},"
                  "  {\"name\": \"b\", \"workloads\": [\"stream\"],"
                  "   \"mechanisms\": [\"floors\", \"floor_null\", \"pipe\"]}]}",
                  describe, &spec);
    assert_string_equal(spec.name, "unnamed");
    assert_int_equal(spec.repeat.invocations, 6);
    assert_int_equal(spec.repeat.counters, 1);
    assert_int_equal(spec.repeat.energy, 3);
    assert_int_equal(spec.repeat.window_ns, 20000000);
    assert_int_equal(spec.repeat.warmup_ns, 10000000);
    assert_int_equal(spec.repeat.budget_ns, 0);
    assert_int_equal(spec.counters, IPM_SENSING_AUTO);
    assert_int_equal(spec.n_sweeps, 2);
    const struct ipm_sweep *first = &spec.sweeps[0];
    assert_string_equal(first->name, "sweep 1");
    assert_int_equal(first->repeat.invocations, 9);
    assert_int_equal(first->repeat.window_ns, 20000000);
    assert_int_equal(spec.sweeps[1].repeat.invocations, 6);
    assert_int_equal(json_array_size(first->workloads), 7);
    assert_int_equal(json_array_size(first->mechanisms), 8); /* no floors */
    assert_int_equal(json_array_size(spec.sweeps[1].mechanisms), 9);
    ipm_spec_fini(&spec);
    json_decref(describe);
}

static const char base[] =
    "{\"sweeps\": ["
    "{\"workloads\": \"pingpong\", \"mechanisms\": \"all\", \"axes\": {\"size\": 8}, "
    " \"repeat\": {\"window\": \"1ms\", \"invocations\": 9}},"
    "{\"workloads\": \"stream\", \"mechanisms\": \"shm_ring\"}]}";

/* Splits, and joins with a bar. */
static void assert_split(const char *list, const char *expected)
{
    char text[256] = "";
    ipm_auto_json json_t *events = ipm_events_split(list);
    for (size_t i = 0; i < json_array_size(events); i++) {
        (void)strcat(text, i > 0 ? "|" : "");
        (void)strcat(text, json_string_value(json_array_get(events, i)));
    }
    assert_string_equal(text, expected);
}

static void events_are_split(void **state)
{
    (void)state;
    assert_split("cycles", "cycles");
    assert_split("cycles:u,instructions:k=1:u=0", "cycles:u|instructions:k=1:u=0");
    assert_split("cpu/event=0x3c,umask=1/,cycles", "cpu/event=0x3c,umask=1/|cycles");
    assert_split("cycles,cpu/a=1,b=2/u,tlb:tlb_flush",
                 "cycles|cpu/a=1,b=2/u|tlb:tlb_flush");
    assert_split("power/energy-pkg/,a,msr/tsc/", "power/energy-pkg/|a|msr/tsc/");
    assert_split(" a , b\t", "a|b");
    assert_split("cpu/a,b", "cpu/a,b");
    assert_split("", "");
    assert_split("a,", "a|");
    assert_split(",a", "|a");
}

/* What goes to a worker, and what the manifest keeps. */
static void sensing(void **state)
{
    static const struct {
        const char *set, *sensing, *printed;
    } rows[] = {
        {"sensors.counters=auto", "{}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.counters=perf", "{}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.counters=papi", "{\"counters\":\"papi\"}",
         "{\"counters\":\"papi\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.counters=off", "{}",
         "{\"counters\":\"off\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.energy=off", "{}",
         "{\"counters\":\"auto\",\"energy\":\"off\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.energy=hwmon", "{\"energy\":\"hwmon\"}",
         "{\"counters\":\"auto\",\"energy\":\"hwmon\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.events=a:u,p/x=1,y=2/", "{\"events\":[\"a:u\",\"p/x=1,y=2/\"]}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[\"a:u\",\"p/x=1,y="
         "2/\"],\"syscalls\":\"auto\"}"},
        {"sensors.events=[\"a\"]", "{\"events\":[\"a\"]}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[\"a\"],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.syscalls=twin", "{\"syscalls\":\"twin\"}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"twin\"}"},
        {"sensors.events=[]", "{}",
         "{\"counters\":\"auto\",\"energy\":\"auto\",\"events\":[],\"syscalls\":"
         "\"auto\"}"},
        {"sensors.energy={\"estimated\":{\"watts_per_core\":[3,5,9]}}",
         "{\"energy\":{\"estimated\":{\"watts_per_core\":[3.0,5.0,9.0]}}}",
         "{\"counters\":\"auto\",\"energy\":{\"estimated\":{\"watts_per_core\":[3.0,5."
         "0,9.0]}},\"events\":[],\"syscalls\":\"auto\"}"},
    };
    json_t *describe = ipm_test_describe();
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_spec spec;
        char *printed = NULL;
        if (ipm_test_load(base, &rows[i].set, 1, describe, &spec, &printed) != 0)
            fail_msg("%s: %s", rows[i].set, printed);
        free(printed);
        char *asked = ipm_json_canonical(spec.sensing);
        assert_string_equal(asked, rows[i].sensing);
        json_t *config = ipm_spec_json(&spec);
        char *kept = ipm_json_canonical(json_object_get(config, "sensors"));
        assert_string_equal(kept, rows[i].printed);
        /* Printed, it is a config that means the same. */
        char *text = ipm_json_canonical(config);
        struct ipm_spec again;
        ipm_test_spec(text, describe, &again);
        assert_true(json_equal(spec.sensing, again.sensing));
        assert_int_equal(spec.counters, again.counters);
        assert_int_equal(spec.energy, again.energy);
        ipm_spec_fini(&again);
        free(text);
        free(kept);
        json_decref(config);
        free(asked);
        ipm_spec_fini(&spec);
    }
    json_decref(describe);
}

static void simulated_meters(void **state)
{
    static const char set[] = "sensors.energy={\"simulated\":{\"p_idle_w\":10,"
                              "\"e_switch_uj\":3.5,\"e_message_uj\":2,\"seed\":7}}";
    const char *sets[] = {set};
    json_t *describe = ipm_test_describe();
    struct ipm_spec spec;
    char *printed = NULL;
    (void)state;
    assert_int_equal(ipm_test_load(base, sets, 1, describe, &spec, &printed), 0);
    free(printed);
    const json_t *meter =
        json_object_get(json_object_get(spec.sensing, "energy"), "simulated");
    assert_int_equal(spec.energy, IPM_SENSING_AUTO);
    assert_int_equal(json_object_size(meter), 10);
    assert_true(json_number_value(json_object_get(meter, "e_switch_uj")) == 3.5);
    assert_int_equal(json_integer_value(json_object_get(meter, "seed")), 7);
    assert_int_equal(json_integer_value(json_object_get(meter, "update_ns")), 1000000);
    /* 32 bits of the unit: a meter that wraps where real ones do. */
    assert_true(json_number_value(json_object_get(meter, "range_uj")) ==
                json_number_value(json_object_get(meter, "unit_uj")) * 4294967296.0);
    ipm_spec_fini(&spec);
    json_decref(describe);
}

/* What is printed back is a config that means the same; the shipped ones are good. */
static void round_trip(void **state)
{
    static const char *const files[] = {"/configs/default.jsonc",
                                        "/configs/smoke.jsonc", "/configs/all.jsonc"};
    json_t *describe = ipm_test_describe();
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(files); i++) {
        char path[512];
        size_t length = 0;
        (void)snprintf(path, sizeof(path), "%s%s", IPM_SOURCE, files[i]);
        char *text = ipm_test_read(path, &length);
        struct ipm_spec spec;
        ipm_test_spec(text, describe, &spec);
        json_t *once = ipm_spec_json(&spec);
        char *printed = ipm_json_canonical(once);
        struct ipm_spec again;
        ipm_test_spec(printed, describe, &again);
        json_t *twice = ipm_spec_json(&again);
        assert_true(json_equal(once, twice));
        if (i == 0)
            assert_string_equal(text, ipm_default_config);
        json_decref(once);
        json_decref(twice);
        ipm_spec_fini(&spec);
        ipm_spec_fini(&again);
        free(printed);
        free(text);
    }
    json_decref(describe);
}

static void sets(void **state)
{
    static const char *const given[] = {
        "mechanisms=pipe,shm_ring",
        "workloads=pingpong",
        "size=64,4KiB",
        "repeat.window=20ms",
        "repeat.invocations=3",
        "wait=spin",
        "sensors.energy=off",
        "name=x",
        "depth=1",
        "depth=[2,3]",
        "shm_ring.spin=3us",
        "repeat.budget=2min",
        "placement={\"cpus\":[0,1]}",
    };
    json_t *describe = ipm_test_describe();
    struct ipm_spec spec;
    char *printed = NULL;
    (void)state;
    int error =
        ipm_test_load(base, given, IPM_TEST_ROWS(given), describe, &spec, &printed);
    if (error != 0)
        fail_msg("%s", printed);
    free(printed);
    assert_string_equal(spec.name, "x");
    assert_int_equal(spec.energy, IPM_SENSING_OFF);
    assert_int_equal(spec.repeat.budget_ns, INT64_C(120000000000));
    for (size_t i = 0; i < 2; i++) {
        const struct ipm_sweep *sweep = &spec.sweeps[i];
        assert_int_equal(sweep->repeat.window_ns, 20000000);
        assert_int_equal(sweep->repeat.invocations, 3);
        char *axes_text = ipm_json_canonical(sweep->axes);
        assert_string_equal(axes_text,
                            "{\"depth\":[2,3],\"placement\":[\"cpus:0,1\"],"
                            "\"shm_ring.spin\":[\"3000ns\"],\"size\":[64,4096],"
                            "\"wait\":[\"spin\"]}");
        free(axes_text);
        assert_int_equal(json_array_size(sweep->mechanisms), 2);
        assert_string_equal(json_string_value(json_array_get(sweep->workloads, 0)),
                            "pingpong");
    }
    ipm_spec_fini(&spec);
    json_decref(describe);
}

/* Commas part values, and the sizes of a mix. */
static void sets_of_mixes(void **state)
{
    static const struct {
        const char *sets[2], *axes;
    } rows[] = {
        {{"size_mix=imix"}, "{\"size_mix\":[\"imix\"]}"},
        {{"size_mix=64:9,4KiB:1"}, "{\"size_mix\":[\"64:9,4096:1\"]}"},
        {{"size_mix=imix,64:9,4KiB:1,1MiB:0.5,spread"},
         "{\"size_mix\":[\"imix\",\"64:9,4096:1,1048576:0.5\",\"spread\"]}"},
        {{"size_mix=fixed,64:9,128:1", "size=64"},
         "{\"size\":[64],\"size_mix\":[\"fixed\",\"64:9,128:1\"]}"},
        {{"size_mix=imix,fixed"},
         "{\"size\":[16,32],\"size_mix\":[\"imix\",\"fixed\"]}"},
    };
    static const char text[] = "{\"sweeps\":[{\"workloads\":\"pingpong\","
                               "\"mechanisms\":\"pipe\",\"axes\":{\"size\":[16,32]}}]}";
    json_t *describe = ipm_test_describe();
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_spec spec;
        char *printed = NULL;
        size_t n = rows[i].sets[1] != NULL ? 2 : 1;
        if (ipm_test_load(text, rows[i].sets, n, describe, &spec, &printed) != 0)
            fail_msg("%s: %s", rows[i].sets[0], printed);
        free(printed);
        char *axes = ipm_json_canonical(spec.sweeps[0].axes);
        assert_string_equal(axes, rows[i].axes);
        free(axes);
        ipm_spec_fini(&spec);
    }
    json_decref(describe);
}

static void bad_sets(void **state)
{
    static const struct {
        const char *set, *printed;
    } rows[] = {
        {"size", "--set size: error: expected KEY=VALUE\n"},
        {"=3", "--set =3: error: expected KEY=VALUE\n"},
        {"size=-5", "--set size: error: -5 is out of the range of 'size'\n"
                    "      = allowed: 0 .. 4294967296 bytes\n"},
        {"size=", "--set size: error: '' is not a size"},
        {"size=64,", "--set size: error: '' is not a size"},
        {"size=[64", "--set size: error: not JSON"},
        {"size=\xff", "error: this is not UTF-8 text"},
        {"size_mix=64:9", "--set size_mix: error: one size alone is no mix"},
        {"size_mix=64:9,imix", "--set size_mix: error: one size alone is no mix"},
        {"sise=64",
         "--set sise: error: unknown key 'sise'\n      = did you mean 'size'?\n"},
        {"mechanism=pipe",
         "unknown key 'mechanism'\n      = did you mean 'mechanisms'?"},
        {"mechanisms=pip", "--set mechanisms: error: there is no mechanism 'pip'"},
        {"mechanisms=3", "--set mechanisms: error: 'mechanisms' takes names"},
        {"sweeps=3", "= set mechanisms, workloads or an axis"},
        {"repeat=3", "= set repeat.KEY"},
        {"repeat.windw=3ms", "--set repeat.windw: error: unknown key 'windw'"},
        {"repeat.window=3", "--set repeat.window: error: 'window' must be a duration"},
        {"repeat.invocations=0", "'invocations' is out of range"},
        {"name=a/b", "--set name: error: 'name' must not hold a slash"},
        {"name.x=1", "unknown key 'name.x'"},
        {"sensors.energy=maybe", "--set sensors.energy: error: 'energy' cannot be"},
        {"sensors.energy=estimated", "'estimated' wants its parameters"},
        {"sensors.energy=powercp", "= did you mean 'powercap'?"},
        {"sensors.energy={}", "'energy' as an object has one member"},
        {"sensors.energy={\"simulated\":1}", "'energy' as an object has one member"},
        {"sensors.energy={\"simulatd\":{}}", "= did you mean 'simulated'?"},
        {"sensors.energy={\"estimated\":{\"watts_per_core\":5}}", "needs watts per"},
        {"sensors.energy={\"estimated\":{\"watts_per_core\":[5,3,9]}}", "not below"},
        {"sensors.energy={\"estimated\":{\"watts_per_core\":[5,9,1001]}}",
         "at most 1000"},
        {"sensors.energy={\"estimated\":{\"watts_per_core\":[1,2,3],\"tdp\":9}}",
         "unknown key 'tdp'"},
        {"sensors.energy={\"simulated\":{\"p_idle_w\":1,\"e_switch_uj\":1}}",
         "a simulated meter needs 'e_message_uj'"},
        {"sensors.energy={\"simulated\":{\"p_idle_w\":1,\"e_switch_uj\":1,"
         "\"e_message_uj\":-1}}",
         "'e_message_uj' must be a number in range\n      = allowed: 0 .. 1000000"},
        {"sensors.energy={\"simulated\":{\"p_idle_w\":1,\"e_switch_uj\":1,"
         "\"e_message_uj\":1,\"seed\":1.5}}",
         "'seed' must be a whole number in range"},
        {"sensors.events=a,,b", "an event must be a text that is not empty"},
        {"sensors.events=cpu/a=1", "a '/' that is not closed"},
        {"sensors.events=a b", "an event has blanks"},
        {"sensors.events=a,a", "an event stands there twice"},
        {"sensors.events=[1]", "an event must be a text"},
        {"sensors.events=3", "'events' must be a list of at most 32 texts"},
        {"wait=spin,blok", "--set wait: error: 'wait' cannot be 'blok'"},
        {"pipe.size=3", "--set pipe.size: error: unknown key 'pipe.size'"},
        {"si\x1bze=3", "--set si\\x1bze: error: unknown key"},
    };
    json_t *describe = ipm_test_describe();
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_spec spec;
        char *printed = NULL;
        assert_int_equal(
            ipm_test_load(base, &rows[i].set, 1, describe, &spec, &printed), 1);
        /* There are two sweeps: the error comes once all the same. */
        size_t errors = 0;
        for (const char *at = printed; (at = strstr(at, ": error: ")) != NULL; at++)
            errors++;
        if (strstr(printed, rows[i].printed) == NULL || errors != 1)
            fail_msg("row %zu, %s:\n%s", i, rows[i].set, printed);
        assert_null(strstr(printed, "test.jsonc"));
        free(printed);
    }
    json_decref(describe);
}

/* A sweep that would never end is refused before anybody builds it. */
static void too_many(void **state)
{
    static const struct row rows[] = {
        {"{\"sweeps\": [{\"workloads\": \"all\", \"mechanisms\": \"all\", \"axes\": {"
         "\"size\": {\"from\": 1, \"to\": 1000, \"step\": 1},"
         "\"depth\": {\"from\": 1, \"to\": 1000, \"step\": 1}}}]}",
         "5.6e+07 combinations, at most 100000"},
    };
    (void)state;
    check_errors(rows, IPM_TEST_ROWS(rows));
}

/* Every row of the table tells what it is for. */
static void table(void **state)
{
    const struct ipm_key *tables[] = {ipm_spec_keys, ipm_sweep_keys};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(tables); i++) {
        for (const struct ipm_key *key = tables[i]; key->name != NULL; key++) {
            assert_non_null(key->help);
            assert_ptr_equal(ipm_key_find(tables[i], key->name), key);
            for (const struct ipm_key *member = key->members;
                 member != NULL && member->name != NULL; member++) {
                assert_non_null(member->help);
                assert_true(member->min <= member->max);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(names),
        cmocka_unit_test(axes),
        cmocka_unit_test(all_errors),
        cmocka_unit_test(values),
        cmocka_unit_test(defaults),
        cmocka_unit_test(events_are_split),
        cmocka_unit_test(sensing),
        cmocka_unit_test(simulated_meters),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(sets),
        cmocka_unit_test(sets_of_mixes),
        cmocka_unit_test(bad_sets),
        cmocka_unit_test(too_many),
        cmocka_unit_test(table),
        cmocka_unit_test(absent_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
