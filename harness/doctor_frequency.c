/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_frequency: what drives the CPUs' frequency, how deep they sleep, how hot they are.
 */
#include "harness/doctor_checks.h"
#include "harness/frequency.h"
#include "harness/idle.h"
#include "harness/sysroot.h"

#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

/* A state that is left within this time costs a blocking wait less than its system call
 * and switch do. */
enum { SHALLOW_US = 20 };

/* Below where nothing is known of a limit: silicon is made for about 100. */
enum { HOT_CELSIUS = 90, MARGIN_CELSIUS = 5 };

static void see(const struct ipm_patient *patient, struct ipm_frequency *frequency)
{
    ipm_frequency_read(patient->sysroot, patient->allowed, frequency);
}

/* True: there is no cpufreq, and that has been said. */
static bool no_cpufreq(const struct ipm_frequency *frequency, struct ipm_check *check)
{
    if (frequency->domains > 0)
        return false;
    ipm_check_say(check, IPM_CHECK_UNKNOWN,
                  "no cpufreq here: the firmware or the hypervisor decides");
    ipm_check_leave(check, "set it in the firmware, or where the hypervisor runs");
    return true;
}

void ipm_check_governor(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_frequency frequency;
    see(patient, &frequency);
    if (no_cpufreq(&frequency, check))
        return;
    const char *driver =
        frequency.driver[0] != '\0' ? frequency.driver : "unknown driver";
    int restless = frequency.domains - frequency.steady;
    if (restless > 0) {
        ipm_check_say(check, IPM_CHECK_WARN, "%s on %d of %d frequency domains (%s)",
                      frequency.governor, restless, frequency.domains, driver);
        ipm_check_mend(check, "sudo cpupower frequency-set -g performance");
    } else if (strcmp(frequency.governor, "performance") != 0) {
        ipm_check_say(check, IPM_CHECK_OK, "%s, with no frequency to choose (%s)",
                      frequency.governor, driver);
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "performance on all CPUs (%s)", driver);
    }
}

void ipm_check_frequency(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_frequency frequency;
    see(patient, &frequency);
    if (no_cpufreq(&frequency, check))
        return;
    long long low = frequency.low_khz / 1000;
    long long high = frequency.high_khz / 1000;
    long long base = frequency.base_khz / 1000;
    if (high == 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "cpufreq does not tell the limits");
        ipm_check_leave(check, "the driver decides alone");
    } else if (frequency.fixed == frequency.domains && low == high) {
        ipm_check_say(check, IPM_CHECK_OK, "fixed at %lld MHz", high);
    } else if (frequency.fixed == frequency.domains) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "fixed, of kinds of core from %lld to %lld MHz", low, high);
    } else if (frequency.held == frequency.domains) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "held at the highest without turbo, %lld MHz at most",
                      base > 0 && base < high ? base : high);
    } else {
        ipm_check_say(check, IPM_CHECK_WARN, "free between %lld and %lld MHz", low,
                      high);
        if (frequency.steady == frequency.domains && frequency.turbo_switch != NULL)
            ipm_check_mend(check, "turn turbo off: see turbo");
        else if (base > 0)
            ipm_check_mend(check, "sudo cpupower frequency-set -d %lldMHz -u %lldMHz",
                           base, base);
        else
            ipm_check_mend(check,
                           "sudo cpupower frequency-set -d FREQUENCY -u FREQUENCY, the "
                           "highest that it holds for ever");
    }
}

void ipm_check_energy_preference(const struct ipm_patient *patient,
                                 struct ipm_check *check)
{
    struct ipm_frequency frequency;
    see(patient, &frequency);
    if (no_cpufreq(&frequency, check))
        return;
    if (frequency.with_preference == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "this driver has none");
    } else if (frequency.saving == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "%s", frequency.preference);
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%s on %d of %d frequency domains: the CPU speeds up late",
                      frequency.preference, frequency.saving, frequency.domains);
        ipm_check_mend(check, "echo performance | sudo tee /" CPU_FOLDER
                              "cpufreq/policy*/energy_performance_preference");
    }
}

void ipm_check_turbo(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_frequency frequency;
    see(patient, &frequency);
    long long base = frequency.base_khz / 1000;
    switch (frequency.turbo) {
    case IPM_TURBO_UNKNOWN:
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel shows no switch for it");
        ipm_check_leave(check, "where there is one, the firmware has it");
        break;
    case IPM_TURBO_OFF:
        ipm_check_say(check, IPM_CHECK_OK, "off");
        break;
    case IPM_TURBO_ON:
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on: the frequency depends on heat and on the other cores");
        if (frequency.turbo_switch != NULL)
            ipm_check_mend(check, "echo %d | sudo tee /%s", frequency.turbo_off,
                           frequency.turbo_switch);
        else
            ipm_check_mend(check, "sudo cpupower frequency-set -u %lldMHz, the base",
                           base);
        break;
    }
}

void ipm_check_idle_states(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_idle idle;
    if (ipm_idle_read(patient->sysroot, patient->allowed, &idle) != 0 ||
        (idle.states == 0 && patient->hypervisor == 1)) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "no cpuidle here: the firmware or the hypervisor decides");
        ipm_check_leave(check, "set it in the firmware, or where the hypervisor runs");
    } else if (idle.states == 0 || idle.deepest[0] == '\0') {
        ipm_check_say(check, IPM_CHECK_OK, "none: idle CPUs halt or spin (driver %s)",
                      idle.driver[0] != '\0' ? idle.driver : "unknown");
    } else if (idle.latency_us <= SHALLOW_US) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "%s at the deepest, left within %lld us (%s)", idle.deepest,
                      (long long)idle.latency_us, idle.driver);
    } else {
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "down to %s: a wake-up on an idle CPU takes up to %lld us more (%s)",
            idle.deepest, (long long)idle.latency_us, idle.driver);
        ipm_check_mend(check,
                       "sudo cpupower idle-set -D %d, back by -E; or leave it, if that "
                       "is how the machine serves",
                       SHALLOW_US);
    }
}

void ipm_check_temperature(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_heat heat;
    if (ipm_heat_hottest(patient->sysroot, &heat) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "no sensor is shown");
        ipm_check_leave(check, "%s",
                        patient->hypervisor == 1 ? "the hypervisor keeps it to itself"
                                                 : "load the sensor's module, if any");
        return;
    }
    double limit = heat.limit > 0 ? heat.limit - MARGIN_CELSIUS : HOT_CELSIUS;
    if (heat.celsius < limit) {
        ipm_check_say(check, IPM_CHECK_OK, "%.0f degrees Celsius (%s)", heat.celsius,
                      heat.name);
        return;
    }
    ipm_check_say(check, IPM_CHECK_WARN,
                  "%.0f degrees Celsius (%s): it slows down, or soon will",
                  heat.celsius, heat.name);
    ipm_check_mend(check, "let it cool down, and give it air");
}

/* Laptops run slower, and turbo less, on their batteries. */
void ipm_check_mains(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const char *const folder = "sys/class/power_supply";
    char **names = NULL;
    int supplies = 0;
    int live = 0;
    int n = ipm_sysroot_list(patient->sysroot, folder, "", &names);
    for (int i = 0; i < n; i++) {
        char path[320];
        char type[32];
        int64_t online = 0;
        (void)snprintf(path, sizeof(path), "%s/%.128s/type", folder, names[i]);
        if (ipm_sysroot_text(patient->sysroot, path, type, sizeof(type)) != 0 ||
            (strcmp(type, "Mains") != 0 && strncmp(type, "USB", 3) != 0))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%.128s/online", folder, names[i]);
        if (ipm_sysroot_integer(patient->sysroot, path, &online) != 0)
            continue;
        supplies++;
        live += online != 0;
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    if (supplies > 0 && live == 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on battery: frequency and turbo are held "
                      "down to save it");
        ipm_check_mend(check, "plug it in");
    } else if (n >= 0 || ipm_sysroot_exists(patient->sysroot, "sys/class")) {
        ipm_check_say(check, IPM_CHECK_OK, supplies > 0 ? "on mains" : "no battery");
    } else {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "sys/class cannot be read");
        ipm_check_leave(check, "mount sysfs to see it");
    }
}
