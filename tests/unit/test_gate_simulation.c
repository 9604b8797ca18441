/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_simulation: a small version of `ipcmeter selftest stats`, and proof that it bites.
 *
 * Seeds are fixed.  With any others, a right implementation meets each bound but once in
 * 10,000 times: they are the tails of a binomial of 100 suites with the share that the gate
 * promises (or that 5,000 suites had, where it promises none).
 */
#include "analysis/gate_simulation.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

enum { SUITES = 100, POINTS = 50, CONTROLS = 3 };

static struct ipm_gate_simulation simulation_of(const char *name, double slower)
{
    struct ipm_gate_simulation simulation = {.params = ipm_gate_defaults,
                                             .suites = SUITES,
                                             .points = POINTS,
                                             .controls = CONTROLS,
                                             .sessions = 20,
                                             .slower = slower,
                                             .seed = 20240229};
    for (size_t i = 0; i < IPM_GATE_CLASSES; i++) {
        if (strcmp(ipm_gate_classes[i].name, name) == 0)
            simulation.noise = &ipm_gate_classes[i];
    }
    assert_non_null(simulation.noise);
    return simulation;
}

static struct ipm_gate_simulated simulate(const struct ipm_gate_simulation *simulation)
{
    struct ipm_gate_simulated simulated;
    struct ipm_why why = {0};
    int error = ipm_gate_simulate(simulation, &simulated, &why);
    if (error == -ENOTSUP) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    if (error != 0)
        fail_msg("%s", why.text);
    assert_int_equal(simulated.suites, simulation->suites);
    return simulated;
}

/* P(Bin(100, 0.01) > 6) < 1e-4.  The other design has 65 % at the least in 5,000 suites:
 * P(Bin(100, 0.65) < 46) < 1e-4; and without fresh blocks nearly every suite would be
 * called. */
static void equal_arms_are_not_called(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_GATE_CLASSES; i++) {
        struct ipm_gate_simulation simulation =
            simulation_of(ipm_gate_classes[i].name, 0);
        simulation.naive = true;
        struct ipm_gate_simulated simulated = simulate(&simulation);
        print_message("%s: %zu false alarms, %zu naive, %zu suspected\n",
                      simulation.noise->name, simulated.false_alarms,
                      simulated.naive_alarms, simulated.suspected);
        assert_in_range(simulated.false_alarms, 0, 6);
        assert_in_range(simulated.naive_alarms, 46, SUITES);
        assert_in_range(simulated.suspected, 90, SUITES);
        assert_int_equal(simulated.verdicts[IPM_GATE_ERROR], 0);
    }
}

/* P(Bin(100, 0.95) < 85) < 1e-4; P(Bin(100, 0.99) < 94) < 1e-4. */
static void slower_points_are_found(void **state)
{
    (void)state;
    struct ipm_gate_simulation simulation = simulation_of("quiet", 0.05);
    struct ipm_gate_simulated simulated = simulate(&simulation);
    assert_in_range(simulated.found, 85, SUITES);
    simulation.slower = 0.10;
    simulated = simulate(&simulation);
    assert_in_range(simulated.found, 94, SUITES);
    assert_in_range(simulated.found_alone, 94, SUITES);
}

/* P(Bin(100, 0.05) > 15) < 1e-4. */
static void slower_points_do_not_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_GATE_CLASSES; i++) {
        const struct ipm_gate_simulation simulation =
            simulation_of(ipm_gate_classes[i].name, 0.05);
        struct ipm_gate_simulated simulated = simulate(&simulation);
        assert_in_range(simulated.passed, 0, 15);
    }
}

/* A gate without a margin calls what builds of one source differ by: in about 31 of 100
 * suites.  P(Bin(100, 0.3) < 14) < 1e-4, and 14 is more than a gate may. */
static void a_gate_without_a_margin_cries_wolf(void **state)
{
    (void)state;
    struct ipm_gate_simulation simulation = simulation_of("arm_bias", 0);
    simulation.params.margin = 0;
    simulation.params.noise_factor = 0;
    struct ipm_gate_simulated simulated = simulate(&simulation);
    assert_in_range(simulated.false_alarms, 14, SUITES);
}

static void is_the_same_every_time(void **state)
{
    (void)state;
    struct ipm_gate_simulation simulation = simulation_of("drift", 0.05);
    simulation.suites = 10;
    simulation.naive = true;
    struct ipm_gate_simulated one = simulate(&simulation);
    struct ipm_gate_simulated two = simulate(&simulation);
    assert_memory_equal(one.verdicts, two.verdicts, sizeof(one.verdicts));
    assert_true(one.blocks == two.blocks);
    simulation.seed++;
    two = simulate(&simulation);
    assert_true(one.blocks != two.blocks);
    simulation.params.confirm_blocks = 3;
    struct ipm_why why = {0};
    assert_int_equal(ipm_gate_simulate(&simulation, &one, &why), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_arms_are_not_called),
        cmocka_unit_test(slower_points_are_found),
        cmocka_unit_test(slower_points_do_not_pass),
        cmocka_unit_test(a_gate_without_a_margin_cries_wolf),
        cmocka_unit_test(is_the_same_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
