/* SPDX-License-Identifier: MIT */
#include "base/energy_counter.h"
#include "tests/support/test.h"

/* A RAPL counter of 32 bits at 2^-14 J, read as microjoules. */
static const struct ipm_energy_counter rapl = {.name = "energy_uj of package-0",
                                               .unit_uj = 1,
                                               .range = UINT64_C(262143328850),
                                               .most_watts = 1000};

static const int64_t second_ns = 1000000000;

static void assert_delta(const struct ipm_energy_counter *counter, uint64_t start,
                         uint64_t stop, int64_t elapsed_ns, double expected_uj)
{
    const struct ipm_energy_window window = {start, stop, elapsed_ns};
    double energy_uj = -1;
    char reason[IPM_ENERGY_REASON] = "";
    enum ipm_energy_verdict verdict =
        ipm_energy_delta(counter, &window, &energy_uj, reason);
    if (verdict != IPM_ENERGY_OK)
        fail_msg("%s", reason);
    assert_true(energy_uj == expected_uj);
}

static void assert_none(const struct ipm_energy_counter *counter, uint64_t start,
                        uint64_t stop, int64_t elapsed_ns,
                        enum ipm_energy_verdict expected, const char *text)
{
    const struct ipm_energy_window window = {start, stop, elapsed_ns};
    double energy_uj = -1;
    char reason[IPM_ENERGY_REASON] = "";
    assert_int_equal(ipm_energy_delta(counter, &window, &energy_uj, reason), expected);
    assert_int_equal(ipm_energy_delta(counter, &window, &energy_uj, NULL), expected);
    assert_true(energy_uj == -1);
    assert_memory_equal(reason, text, strlen(text));
}

static void differences_and_one_wrap(void **state)
{
    (void)state;
    assert_delta(&rapl, 1000, 51000, second_ns, 50000);
    assert_delta(&rapl, 0, 1, second_ns, 1);
    /* 50 J, of which 20 J before the wrap. */
    assert_delta(&rapl, rapl.range - 20000000, 30000000, second_ns, 50000000);
    assert_delta(&rapl, rapl.range, 30000000, second_ns, 30000000);
}

/* perf's power PMU: units of 2^-32 J, 64 bits. */
static void units_scale(void **state)
{
    (void)state;
    const struct ipm_energy_counter perf = {
        .name = "energy-pkg", .unit_uj = 0x1p-32 * 1e6, .most_watts = 1000};
    assert_delta(&perf, UINT64_C(1) << 32, UINT64_C(3) << 32, second_ns, 2000000);
    assert_delta(&perf, UINT64_C(1) << 62, (UINT64_C(1) << 62) + (UINT64_C(5) << 31),
                 second_ns, 2500000);
    assert_none(&perf, UINT64_C(3) << 32, UINT64_C(1) << 32, second_ns,
                IPM_ENERGY_RESET, "failed: energy-pkg went from 12884901888 to ");
}

static void what_says_nothing_has_a_class(void **state)
{
    (void)state;
    assert_none(&rapl, 1000, 51000, IPM_ENERGY_MIN_WINDOW_NS - 1, IPM_ENERGY_TOO_SHORT,
                "too_short: a window of 99 ms, 100 ms are needed");
    assert_delta(&rapl, 1000, 51000, IPM_ENERGY_MIN_WINDOW_NS, 50000);
    assert_none(&rapl, 0, 0, second_ns, IPM_ENERGY_ZERO,
                "zero: energy_uj of package-0 ");
    assert_none(&rapl, 7, 7, second_ns, IPM_ENERGY_STUCK,
                "stuck: energy_uj of package-0 ");
    /* 262 kJ at 1000 W come round twice in 263 s. */
    assert_none(
        &rapl, 7, 8, 263 * second_ns, IPM_ENERGY_WRAPPED,
        "wrapped: energy_uj of package-0 may pass its range of 262143328850 uJ");
    assert_delta(&rapl, 7, 8, 262 * second_ns, 1);
    assert_none(&rapl, 5000000000, 7, second_ns, IPM_ENERGY_RESET, "failed: ");
    assert_none(&rapl, 7, rapl.range + 1, second_ns, IPM_ENERGY_RESET, "failed: ");
    /* More than 1000 W. */
    assert_none(&rapl, 7, 1000000008, second_ns, IPM_ENERGY_RESET, "failed: ");
    assert_delta(&rapl, 7, 1000000007, second_ns, 1000000000);
}

static void metrics_carry_the_word(void **state)
{
    (void)state;
    const struct ipm_energy_window moved = {1, 11, second_ns};
    const struct ipm_energy_window still = {1, 1, second_ns};
    struct ipm_metric metric =
        ipm_energy_metric("energy_package_uj", "simulated", "simulated", &rapl, &moved);
    assert_int_equal(metric.status, IPM_METRIC_OK);
    assert_true(metric.value == 10);
    assert_string_equal(metric.unit, "uJ");
    assert_string_equal(metric.source, "simulated");
    assert_string_equal(metric.provenance, "simulated");
    metric =
        ipm_energy_metric("energy_package_uj", "simulated", "simulated", &rapl, &still);
    assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
    assert_string_equal(metric.provenance, "unavailable");
    assert_memory_equal(metric.reason, "stuck: ", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_and_one_wrap),
        cmocka_unit_test(units_scale),
        cmocka_unit_test(what_says_nothing_has_a_class),
        cmocka_unit_test(metrics_carry_the_word),
    };
    return cmocka_run_group_tests_name("energy_counter", tests, NULL, NULL);
}
