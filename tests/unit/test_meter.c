/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness/worker/meter.h"
#include "tests/support/tree.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ZONE     "sys/class/powercap/intel-rapl:0/"
#define RANGE_UJ UINT64_C(262143328850)

/* What an examination saw of a healthy meter: 10 W at rest, 30 W beside a busy core. */
static struct ipm_meter_source *healthy(int n_zones)
{
    struct ipm_meter_source *meter = calloc(1, sizeof(*meter));
    assert_non_null(meter);
    meter->source = &ipm_energy_powercap;
    meter->period_ns = 1000000;
    meter->zones.n = n_zones;
    for (int at = 0; at < IPM_METER_WINDOWS; at++)
        meter->elapsed_ns[at] = 110000000;
    for (int i = 0; i < n_zones; i++) {
        struct ipm_zone *zone = &meter->zones.zones[i];
        struct ipm_meter_zone *seen = &meter->seen[i];
        *zone = (struct ipm_zone){.kind = IPM_ZONE_PACKAGE,
                                  .fd = 0, /* open; the verdict reads nothing */
                                  .unit_uj = 1,
                                  .range = RANGE_UJ};
        (void)snprintf(zone->key, sizeof(zone->key), "package-%d", i);
        (void)snprintf(zone->what, sizeof(zone->what), "energy_uj of package-%d", i);
        for (int at = 0; at < IPM_METER_LOOKS; at++)
            seen->looks[at] = (uint64_t)(5000000 + 500000 * at);
        seen->ends[0] = 7000000;
        seen->ends[1] = 60000000;
        for (int at = 0; at < IPM_METER_WINDOWS; at++) {
            double watts = at < IPM_METER_IDLE ? 10 + 0.1 * (at % 2) : 30;
            seen->energy_uj[at] = (watts + i) * 110000;
        }
    }
    return meter;
}

static json_t *judge(struct ipm_meter_source *meter, const char *root, bool named)
{
    const struct ipm_sensor_context context = {.sysroot = root, .pass = "energy"};
    return ipm_meter_verdict(meter, &context, named);
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text != NULL ? text : "(none)";
}

static double number_of(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static const json_t *test_of(const json_t *verdict, const char *name)
{
    size_t i;
    const json_t *test;
    json_array_foreach(json_object_get(verdict, "tests"), i, test)
    {
        if (strcmp(text_of(test, "name"), name) == 0)
            return test;
    }
    fail_msg("no test '%s'", name);
    return NULL;
}

/* Judges, and frees both. */
static void assert_verdict(struct ipm_meter_source *meter, const char *root, bool named,
                           const char *failed_test, const char *class)
{
    json_t *verdict = judge(meter, root, named);
    bool accepted = json_is_true(json_object_get(verdict, "accepted"));
    if (accepted != (class == NULL))
        fail_msg("accepted %d: %s", accepted, text_of(verdict, "reason"));
    if (class != NULL)
        assert_memory_equal(text_of(verdict, "reason"), class, strlen(class));
    size_t i;
    const json_t *test;
    json_array_foreach(json_object_get(verdict, "tests"), i, test)
    {
        bool failed =
            failed_test != NULL && strcmp(text_of(test, "name"), failed_test) == 0;
        if (json_is_true(json_object_get(test, "ok")) == failed)
            fail_msg("%s: %s", text_of(test, "name"), text_of(test, "text"));
    }
    json_decref(verdict);
    free(meter);
}

/* Not named, it is coarse; frees it. */
static void assert_verdict_of_first_doubt(struct ipm_meter_source *meter,
                                          const char *root)
{
    json_t *verdict = judge(meter, root, false);
    assert_memory_equal(text_of(verdict, "reason"), "coarse: ", 8);
    json_decref(verdict);
    free(meter);
}

static int bare_metal(void **state)
{
    if (ipm_test_directory(state) != 0)
        return -1;
    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: GenuineIntel\nflags\t\t: fpu tsc\n");
    return 0;
}

static void a_healthy_meter_is_accepted(void **state)
{
    struct ipm_meter_source *meter = healthy(1);
    json_t *verdict = judge(meter, *state, false);
    assert_string_equal(text_of(verdict, "source"), "powercap");
    assert_string_equal(text_of(verdict, "provenance"), "measured");
    assert_true(number_of(verdict, "idle_w") > 10.04 &&
                number_of(verdict, "idle_w") < 10.06);
    assert_true(number_of(verdict, "spin_w") > 29.99 &&
                number_of(verdict, "spin_w") < 30.01);
    /* Half of eight windows at +0.05, half at -0.05 W: 0.05 sqrt(8/7). */
    assert_true(number_of(verdict, "sigma_w") > 0.0534 &&
                number_of(verdict, "sigma_w") < 0.0535);
    assert_true(number_of(verdict, "update_period_ns") == 1000000);
    json_decref(verdict);
    assert_verdict(meter, *state, false, NULL, NULL);
    assert_verdict(healthy(2), *state, false, NULL, NULL);
}

static void counters_that_say_nothing_are_refused(void **state)
{
    struct ipm_meter_source *meter = healthy(1);
    meter->seen[0] = (struct ipm_meter_zone){.error = 0};
    json_t *verdict = judge(meter, *state, true);
    assert_false(json_is_true(json_object_get(verdict, "accepted")));
    assert_memory_equal(text_of(verdict, "reason"), "zero: energy_uj of package-0", 28);
    json_decref(verdict);

    meter->seen[0].looks[0] = meter->seen[0].looks[1] = meter->seen[0].looks[2] = 9;
    meter->seen[0].ends[0] = meter->seen[0].ends[1] = 9;
    meter->period_ns = 0;
    verdict = judge(meter, *state, true);
    assert_memory_equal(text_of(verdict, "reason"), "stuck: energy_uj of package-0",
                        29);
    assert_true(json_is_null(json_object_get(verdict, "update_period_ns")));
    json_decref(verdict);
    free(meter);

    /* Of a counter that stood still once and one that always did, the second is told. */
    meter = healthy(2);
    meter->seen[1].looks[1] = meter->seen[1].looks[0];
    for (int at = 0; at < IPM_METER_LOOKS; at++)
        meter->seen[0].looks[at] = 9;
    for (int at = 0; at < IPM_METER_WINDOWS; at++)
        meter->seen[0].energy_uj[at] = 0;
    assert_verdict(meter, *state, true, "rising", "stuck: energy_uj of package-0");

    meter = healthy(1);
    meter->seen[0].energy_uj[3] = -1;
    assert_verdict(meter, *state, true, "no_reset", "failed: ");
    meter = healthy(2);
    meter->zones.zones[1].fd = -1;
    meter->zones.zones[1].error =
        ipm_why_set(&meter->zones.zones[1].why, -13, "energy_uj of package-1 closed");
    assert_verdict(meter, *state, true, "readable", "denied: energy_uj of package-1");
}

/* The same in all windows; parts of a machine never agree so. */
static void doubles_are_refused(void **state)
{
    struct ipm_meter_source *meter = healthy(2);
    memcpy(meter->seen[1].energy_uj, meter->seen[0].energy_uj,
           sizeof(meter->seen[0].energy_uj));
    meter->seen[1].ends[0] += 100000000;
    meter->seen[1].ends[1] += 100000000;
    assert_verdict(meter, *state, true, "no_doubles",
                   "doubled: energy_uj of package-0");

    /* Told apart as dies of one package they are one counter, and counted once. */
    meter = healthy(2);
    strcpy(meter->zones.zones[0].mirror, "package-0");
    strcpy(meter->zones.zones[1].mirror, "package-0");
    memcpy(&meter->seen[1], &meter->seen[0], sizeof(meter->seen[0]));
    json_t *verdict = judge(meter, *state, false);
    assert_true(number_of(verdict, "idle_w") < 10.06);
    json_decref(verdict);
    assert_verdict(meter, *state, false, NULL, NULL);
}

static void what_a_core_adds_must_show(void **state)
{
    struct ipm_meter_source *meter = healthy(1);
    for (int at = IPM_METER_IDLE; at < IPM_METER_WINDOWS; at++)
        meter->seen[0].energy_uj[at] = 10.2 * 110000; /* 2.8 sigma above rest */
    assert_verdict(meter, *state, true, "spin", "below_noise: ");
    meter = healthy(1);
    for (int at = IPM_METER_IDLE; at < IPM_METER_WINDOWS; at++)
        meter->seen[0].energy_uj[at] = 10.25 * 110000; /* 3.7 */
    assert_verdict(meter, *state, true, NULL, NULL);
}

static void coarse_and_attributed_only_by_name(void **state)
{
    struct ipm_meter_source *meter = healthy(1);
    meter->period_ns = 100000000;
    json_t *verdict = judge(meter, *state, true);
    assert_string_equal(text_of(verdict, "provenance"), "measured_coarse");
    json_decref(verdict);
    assert_verdict(meter, *state, false, "update_period", "coarse: ");

    meter = healthy(1);
    meter->period_ns = 1000000000;
    meter->seen[0].looks[1] = meter->seen[0].looks[0];
    for (int at = IPM_METER_IDLE; at < IPM_METER_WINDOWS; at++)
        meter->seen[0].energy_uj[at] = 0;
    verdict = judge(meter, *state, true);
    assert_true(json_is_true(json_object_get(verdict, "accepted")));
    assert_string_equal(text_of(verdict, "provenance"), "attributed");
    json_decref(verdict);
    verdict = judge(meter, *state, false);
    assert_false(json_is_true(json_object_get(verdict, "accepted")));
    json_decref(verdict);

    /* No step fell into the rest: that is luck, and not a meter that reads 0 W. */
    for (int at = 0; at < IPM_METER_IDLE; at++)
        meter->seen[0].energy_uj[at] = 0;
    meter->seen[0].energy_uj[IPM_METER_IDLE + 2] = 10 * 1870000;
    verdict = judge(meter, *state, true);
    if (!json_is_true(json_object_get(verdict, "accepted")))
        fail_msg("%s", text_of(verdict, "reason"));
    json_decref(verdict);

    /* A chip on a board may be as slow as that. */
    meter->source = &ipm_energy_hwmon;
    verdict = judge(meter, *state, true);
    assert_string_equal(text_of(verdict, "provenance"), "measured_coarse");
    assert_true(json_is_true(json_object_get(verdict, "accepted")));
    json_decref(verdict);
    assert_verdict_of_first_doubt(meter, *state);

    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor tsc\n");
    assert_verdict(healthy(1), *state, false, "no_hypervisor", "attributed: ");
    assert_verdict(healthy(1), *state, true, "no_hypervisor", NULL);
}

static void filters_are_told(void **state)
{
    char text[120];
    char path[256];
    assert_int_equal(ipm_energy_filtering(*state, text, sizeof(text)),
                     IPM_FILTERING_UNKNOWN);
    assert_verdict(healthy(1), *state, false, NULL, NULL);

    /* The MSR device is a file whose offset is the register's number. */
    char registers[0xbc + 8] = {0};
    ipm_tree_put(*state, "dev/cpu/0/msr", "");
    ipm_test_path(state, "dev/cpu/0/msr", path);
    ipm_test_write(path, registers, sizeof(registers));
    assert_int_equal(ipm_energy_filtering(*state, text, sizeof(text)),
                     IPM_FILTERING_OFF);
    registers[0xbc] = 1;
    ipm_test_write(path, registers, sizeof(registers));
    assert_int_equal(ipm_energy_filtering(*state, text, sizeof(text)),
                     IPM_FILTERING_ON);
    assert_verdict(healthy(1), *state, false, "no_filtering", "filtered: bit 0 of MSR");
    assert_verdict(healthy(1), *state, true, "no_filtering", NULL);

    ipm_tree_put(*state, "proc/cpuinfo",
                 "vendor_id\t: GenuineIntel\nflags\t\t: fpu sgx tsc\n");
    assert_verdict(healthy(1), *state, false, "no_filtering", "filtered: SGX is on");
    ipm_tree_put(*state, "proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n");
    assert_int_equal(ipm_energy_filtering(*state, text, sizeof(text)),
                     IPM_FILTERING_NONE);
}

/* A meter that runs: 1 W, and 200 W times the time that the examiner's thread is on a CPU;
 * an update each @period_ns. */
struct live {
    int fd;
    clockid_t examiner;
    int64_t period_ns;
    _Atomic bool done;
};

static int64_t cpu_ns(clockid_t clock)
{
    struct timespec time;
    assert_int_equal(clock_gettime(clock, &time), 0);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *run_live(void *argument)
{
    struct live *live = argument;
    const struct timespec nap = ipm_timespec(1000000);
    int64_t begun_ns = ipm_now_ns();
    int64_t next_ns = begun_ns;
    while (!atomic_load(&live->done)) {
        if (ipm_now_ns() >= next_ns) {
            char text[32];
            int64_t total_uj =
                1000000 + (ipm_now_ns() - begun_ns) / 1000 + cpu_ns(live->examiner) / 5;
            int length = snprintf(text, sizeof(text), "%020" PRId64 "\n", total_uj);
            if (pwrite(live->fd, text, (size_t)length, 0) != length)
                break;
            next_ns = ipm_now_ns() + live->period_ns;
        }
        (void)nanosleep(&nap, NULL);
    }
    return NULL;
}

static json_t *examine_live(const char *root, int64_t period_ns, const char *word)
{
    struct live live = {.period_ns = period_ns};
    char path[256];
    ipm_tree_put(root, ZONE "name", "package-0\n");
    ipm_tree_put(root, ZONE "max_energy_range_uj", "262143328850\n");
    ipm_tree_put(root, ZONE "energy_uj", "00000000000001000000\n");
    (void)snprintf(path, sizeof(path), "%s/" ZONE "energy_uj", root);
    live.fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(live.fd >= 0);
    assert_int_equal(pthread_getcpuclockid(pthread_self(), &live.examiner), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, run_live, &live), 0);
    json_t *sensing = json_pack("{s:s}", "energy", word);
    json_t *document = ipm_meter_examine(root, sensing);
    json_decref(sensing);
    atomic_store(&live.done, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(close(live.fd), 0);
    return document;
}

static bool rises(const json_t *document)
{
    const json_t *verdict = json_array_get(json_object_get(document, "sources"), 0);
    return json_is_true(json_object_get(test_of(verdict, "rising"), "ok"));
}

static void a_running_meter_is_examined(void **state)
{
    /* Who keeps the writer from its CPU makes a meter that stands still for a while, which
     * is rightly told and not what is tested: one of so many tries runs. */
    json_t *document = examine_live(*state, 0, "powercap");
    for (int i = 0; i < 5 && !rises(document); i++) {
        json_decref(document);
        document = examine_live(*state, 0, "powercap");
    }
    assert_string_equal(text_of(document, "chosen"), "powercap");
    assert_true(json_is_null(json_object_get(document, "reason")));
    assert_string_equal(text_of(document, "filtering"), "unknown");
    assert_int_equal(json_array_size(json_object_get(document, "sources")), 1);
    const json_t *verdict = json_array_get(json_object_get(document, "sources"), 0);
    assert_true(number_of(verdict, "spin_w") > number_of(verdict, "idle_w"));
    assert_true(number_of(verdict, "update_period_ns") > 0);
    assert_true(rises(document));
    json_decref(document);
}

static void a_staircase_is_not_taken_for_a_meter(void **state)
{
    json_t *document = examine_live(*state, 1000000000, "auto");
    assert_true(json_is_null(json_object_get(document, "chosen")));
    assert_int_equal(json_array_size(json_object_get(document, "sources")), 3);
    const json_t *verdict = json_array_get(json_object_get(document, "sources"), 1);
    assert_string_equal(text_of(verdict, "provenance"), "attributed");
    assert_false(
        json_is_true(json_object_get(test_of(verdict, "update_period"), "ok")));
    assert_string_equal(text_of(document, "reason"), text_of(verdict, "reason"));
    json_decref(document);
}

static void without_a_meter_the_reason_is_given(void **state)
{
    json_t *document = ipm_meter_examine(*state, NULL);
    assert_true(json_is_null(json_object_get(document, "chosen")));
    assert_memory_equal(text_of(document, "reason"), "absent: ", 8);
    json_decref(document);
    json_t *sensing = json_pack("{s:s}", "energy", "off");
    document = ipm_meter_examine(*state, sensing);
    assert_memory_equal(text_of(document, "reason"), "off: ", 5);
    json_decref(document);
    json_decref(sensing);
    sensing = json_pack("{s:{s:{}}}", "energy", "simulated");
    document = ipm_meter_examine(*state, sensing);
    assert_string_equal(text_of(document, "chosen"), "simulated");
    assert_int_equal(json_array_size(json_object_get(document, "sources")), 0);
    json_decref(document);
    json_decref(sensing);

    static const char *const wrong[] = {"{\"energy\": {\"guessed\": {}}}",
                                        "{\"energy\": {\"estimated\": {}}}"};
    for (size_t i = 0; i < IPM_TEST_ROWS(wrong); i++) {
        sensing = json_loads(wrong[i], 0, NULL);
        document = ipm_meter_examine(*state, sensing);
        assert_true(json_is_null(json_object_get(document, "chosen")));
        assert_memory_equal(text_of(document, "reason"), "failed: ", 8);
        json_decref(document);
        json_decref(sensing);
    }
}

#define ROOTED(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, bare_metal, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(a_healthy_meter_is_accepted),
        ROOTED(counters_that_say_nothing_are_refused),
        ROOTED(doubles_are_refused),
        ROOTED(what_a_core_adds_must_show),
        ROOTED(coarse_and_attributed_only_by_name),
        ROOTED(filters_are_told),
        ROOTED(a_running_meter_is_examined),
        ROOTED(a_staircase_is_not_taken_for_a_meter),
        ROOTED(without_a_meter_the_reason_is_given),
    };
    return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
