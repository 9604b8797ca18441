/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_sensors: what can be counted here, and by whom.
 */
#include "harness/doctor_checks.h"
#include "harness/limits.h"
#include "harness/meters.h"
#include "harness/sysroot.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

static bool may_perf(const struct ipm_patient *patient)
{
    return ipm_patient_may(patient, IPM_CAP_PERFMON) ||
           ipm_patient_may(patient, CAP_SYS_ADMIN);
}

void ipm_check_perf_paranoid(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t level = 0;
    if (!ipm_sysroot_exists(patient->sysroot, "proc/sys/kernel")) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/kernel cannot be read");
        ipm_check_leave(check, "mount proc to see it");
        return;
    }
    if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/perf_event_paranoid",
                            &level) != 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "this kernel has no perf events, or hides "
                      "them: no counters");
        ipm_check_mend(check, "boot a kernel with CONFIG_PERF_EVENTS");
        return;
    }
    bool privileged = may_perf(patient);
    if (level <= 1 || privileged) {
        ipm_check_say(check, IPM_CHECK_OK, "perf_event_paranoid is %lld%s",
                      (long long)level, level > 1 ? ", and we may all the same" : "");
        return;
    }
    ipm_check_say(check, IPM_CHECK_WARN, "perf_event_paranoid is %lld: %s",
                  (long long)level,
                  level > 2 ? "no counters" : "no counters of the kernel's side");
    ipm_check_mend(check, "sudo sysctl kernel.perf_event_paranoid=1, or give "
                          "ipcmeter-worker cap_perfmon by setcap");
}

/* The core PMUs' names; false: there is none, or the folder cannot be read. */
static bool core_pmus(const struct ipm_patient *patient, char *name, size_t room)
{
    /* Core PMUs alone: "power", "msr" and the uncore ones count no cycles. */
    static const char *const prefixes[] = {"cpu", "armv", "apple", "riscv"};
    char **names = NULL;
    int n =
        ipm_sysroot_list(patient->sysroot, "sys/bus/event_source/devices", "", &names);
    name[0] = '\0';
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
            size_t length = strlen(name);
            if (strncmp(names[i], prefixes[k], strlen(prefixes[k])) == 0)
                (void)snprintf(name + length, room - length, "%s%s",
                               length == 0 ? "" : ", ", names[i]);
        }
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return name[0] != '\0';
}

void ipm_check_pmu(const struct ipm_patient *patient, struct ipm_check *check)
{
    char name[96];
    if (core_pmus(patient, name, sizeof(name))) {
        ipm_check_say(check, IPM_CHECK_OK, "%s", name);
    } else if (!ipm_sysroot_exists(patient->sysroot, "sys/bus/event_source/devices")) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "sys/bus/event_source/devices cannot be read");
        ipm_check_leave(check, "`ipcmeter list sensors` tries the counters themselves");
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "no hardware counters: no cycles, instructions or TLB misses");
        ipm_check_mend(check, "%s",
                       patient->hypervisor == 1
                           ? "on bare metal they are there; some hypervisors can pass "
                             "them on"
                           : "turn them on in the firmware, or boot a kernel with the "
                             "CPU's PMU driver");
    }
}

/* It counts cycles itself, with a counter that is then missing. */
void ipm_check_nmi_watchdog(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t on = 0;
    char name[96];
    if (!ipm_sysroot_exists(patient->sysroot, "proc/sys/kernel")) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/kernel cannot be read");
        ipm_check_leave(check, "mount proc to see it");
    } else if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/nmi_watchdog",
                                   &on) != 0) {
        ipm_check_say(check, IPM_CHECK_OK, "this kernel has none");
    } else if (on == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "off");
    } else if (!core_pmus(patient, name, sizeof(name))) {
        ipm_check_say(check, IPM_CHECK_OK, "on, but without a PMU it takes no counter");
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on: it takes one hardware counter of each CPU");
        ipm_check_mend(check, "sudo sysctl kernel.nmi_watchdog=0");
    }
}

/* Energy events are those of the whole machine, which want more than those of a task. */
static bool may_count_energy(const struct ipm_patient *patient)
{
    int64_t level = 0;
    return may_perf(patient) ||
           (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/perf_event_paranoid",
                                &level) == 0 &&
            level <= 0);
}

/* Powercap shows nothing that we may read: what else there is. */
static void say_no_powercap(const struct ipm_patient *patient, struct ipm_check *check,
                            const struct ipm_powercap *powercap)
{
    if (powercap->other_inputs > 0) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "no powercap, but %d power or energy inputs of hwmon",
                      powercap->other_inputs);
    } else if (powercap->power_events > 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "no powercap, and we may not count the %d energy events of "
                      "perf's power PMU",
                      powercap->power_events);
        ipm_check_mend(check, "sudo sysctl kernel.perf_event_paranoid=0, or give "
                              "ipcmeter-worker cap_perfmon by setcap");
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "absent: no energy counters; energy cannot be measured");
        if (patient->hypervisor == 1)
            ipm_check_leave(check, "a guest has none; measure energy on bare metal");
        else
            ipm_check_mend(check, "sudo modprobe intel_rapl_msr, where the CPU has "
                                  "RAPL (Intel since 2011, AMD since Zen)");
    }
}

static void say_guest(struct ipm_check *check, int counters)
{
    ipm_check_say(check, IPM_CHECK_WARN,
                  "%d energy counters under a hypervisor: shares that it attributes, "
                  "or 0",
                  counters);
    ipm_check_leave(check, "measure energy on bare metal");
}

void ipm_check_powercap(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_powercap powercap;
    ipm_powercap_read(patient->sysroot, &powercap);
    bool readable = powercap.rights == IPM_POWERCAP_READABLE;
    bool counted = powercap.power_events > 0 && may_count_energy(patient);
    if (patient->hypervisor == 1 && (readable || counted)) {
        say_guest(check, readable ? powercap.readable : powercap.power_events);
        return;
    }
    if (counted && !readable) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "perf's power PMU counts it (events: %d); powercap is %s",
                      powercap.power_events, ipm_powercap_names[powercap.rights]);
        return;
    }
    switch (powercap.rights) {
    case IPM_POWERCAP_READABLE:
        ipm_check_say(check, IPM_CHECK_OK, "%d of %d energy counters can be read",
                      powercap.readable, powercap.zones);
        break;
    case IPM_POWERCAP_DENIED:
        ipm_check_say(check, IPM_CHECK_WARN,
                      "denied: %d energy counters, which %s alone may read",
                      powercap.denied,
                      powercap.readers != NULL && powercap.readers[0] == 'g'
                          ? "a group that is not ours"
                          : "root");
        ipm_check_mend(check,
                       "docs/99-ipcmeter-energy.rules, a udev rule that lets one "
                       "group read energy_uj; never all users (CVE-2020-8694)");
        break;
    case IPM_POWERCAP_MASKED:
        ipm_check_say(check, IPM_CHECK_WARN,
                      "masked: the energy counters are hidden, as containers do");
        ipm_check_mend(check, "run on the host, or start the container with "
                              "--security-opt systempaths=unconfined");
        break;
    case IPM_POWERCAP_ABSENT:
        say_no_powercap(patient, check, &powercap);
        break;
    case IPM_POWERCAP_UNKNOWN:
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "sys/class cannot be read");
        ipm_check_leave(check, "mount sysfs to see it");
        break;
    }
}

void ipm_check_energy_filtering(const struct ipm_patient *patient,
                                struct ipm_check *check)
{
    struct ipm_powercap powercap;
    ipm_powercap_read(patient->sysroot, &powercap);
    enum ipm_filtering filtering = ipm_filtering_read(patient->sysroot);
    if (powercap.rights == IPM_POWERCAP_ABSENT && powercap.power_events == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "no energy counters that it could blur");
    } else if (filtering == IPM_FILTERING_NONE) {
        ipm_check_say(check, IPM_CHECK_OK, "none: not an Intel CPU");
    } else if (filtering == IPM_FILTERING_OFF) {
        ipm_check_say(check, IPM_CHECK_OK, "off");
    } else if (filtering == IPM_FILTERING_ON) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on: Intel adds noise to energy counters, the more the shorter");
        ipm_check_mend(check, "turn SGX off in the firmware, and energy filtering with "
                              "it");
    } else {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "SGX is not shown, and the CPU's register 0xBC cannot be read");
        ipm_check_mend(check, "sudo modprobe msr, then the doctor as root");
    }
}
