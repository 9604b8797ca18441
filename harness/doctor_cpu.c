/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_cpu: the CPUs, what drives their frequency, and their clocks.
 */
#include "base/clock.h"
#include "base/units.h"
#include "harness/doctor_checks.h"
#include "harness/host.h"
#include "harness/sysroot.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

void ipm_check_hypervisor(const struct ipm_patient *patient, struct ipm_check *check)
{
    char name[32];
    switch (ipm_hypervisor(patient->sysroot, name, sizeof(name))) {
    case 0:
        ipm_check_say(check, IPM_CHECK_OK, "none: the CPUs are real");
        break;
    case 1:
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "a virtual machine (%s): others share its CPUs, and placements are "
            "those that it is shown",
            name);
        ipm_check_mend(check, "measure on bare metal where absolute figures matter");
        break;
    default:
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "neither proc/cpuinfo nor the firmware tells");
    }
}

void ipm_check_steal(const struct ipm_patient *patient, struct ipm_check *check)
{
    double now = patient->now.steal;
    double total = patient->total.steal;
    double worst = now > total ? now : total;
    if (worst < 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/stat cannot be read");
        return;
    }
    char recent[40] = "";
    if (now >= 0)
        (void)snprintf(recent, sizeof(recent), ", %.1f %% just now", now * 100);
    ipm_check_say(check,
                  worst >= 0.05    ? IPM_CHECK_FAIL
                  : worst >= 0.005 ? IPM_CHECK_WARN
                                   : IPM_CHECK_OK,
                  "the hypervisor took %.1f %% of CPU time since boot%s", total * 100,
                  recent);
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check,
                       "use a machine, or an instance type, with CPUs of its own");
}

/* Reads one attribute of every frequency policy; calls @visit with each text. */
static int each_policy(const struct ipm_patient *patient, const char *attribute,
                       void (*visit)(void *context, const char *text), void *context)
{
    char **names = NULL;
    int found = 0;
    int n = ipm_sysroot_list(patient->sysroot, CPU_FOLDER "cpufreq", "policy", &names);
    for (int i = 0; i < n; i++) {
        char path[256];
        char text[64];
        (void)snprintf(path, sizeof(path), CPU_FOLDER "cpufreq/%.32s/%s", names[i],
                       attribute);
        if (ipm_sysroot_text(patient->sysroot, path, text, sizeof(text)) != 0)
            continue;
        visit(context, text);
        found++;
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return found;
}

struct governors {
    int other;      /* policies that do not hold the frequency up */
    char first[32]; /* the governor of the first such */
};

static void see_governor(void *context, const char *text)
{
    struct governors *governors = context;
    if (strcmp(text, "performance") == 0)
        return;
    if (governors->other++ == 0)
        (void)snprintf(governors->first, sizeof(governors->first), "%.31s", text);
}

void ipm_check_governor(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct governors governors = {.other = 0};
    int n = each_policy(patient, "scaling_governor", see_governor, &governors);
    char driver[32] = "unknown driver";
    (void)ipm_sysroot_text(patient->sysroot,
                           CPU_FOLDER "cpufreq/policy0/scaling_driver", driver,
                           sizeof(driver));
    if (n == 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "no cpufreq here: the firmware or the hypervisor decides");
    } else if (governors.other == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "performance on all CPUs (%s)", driver);
    } else {
        ipm_check_say(check, IPM_CHECK_WARN, "%s on %d of %d frequency domains (%s)",
                      governors.first, governors.other, n, driver);
        ipm_check_mend(check, "sudo cpupower frequency-set -g performance");
    }
}

struct span {
    int64_t low, high; /* kHz */
};

static void see_low(void *context, const char *text)
{
    struct span *span = context;
    int64_t khz = 0;
    if (ipm_parse_integer(text, &khz, NULL) == 0 && khz < span->low)
        span->low = khz;
}

static void see_high(void *context, const char *text)
{
    struct span *span = context;
    int64_t khz = 0;
    if (ipm_parse_integer(text, &khz, NULL) == 0 && khz > span->high)
        span->high = khz;
}

void ipm_check_frequency(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct span span = {.low = INT64_MAX, .high = 0};
    int n = each_policy(patient, "scaling_min_freq", see_low, &span);
    if (n == 0 || each_policy(patient, "scaling_max_freq", see_high, &span) == 0 ||
        span.high == 0 || span.low == INT64_MAX) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "no cpufreq here: the firmware or the hypervisor decides");
        return;
    }
    if (span.low == span.high) {
        ipm_check_say(check, IPM_CHECK_OK, "fixed at %lld MHz",
                      (long long)(span.high / 1000));
        return;
    }
    ipm_check_say(check, IPM_CHECK_WARN, "free between %lld and %lld MHz",
                  (long long)(span.low / 1000), (long long)(span.high / 1000));
    int64_t base = 0;
    if (ipm_sysroot_integer(patient->sysroot,
                            CPU_FOLDER "cpufreq/policy0/base_frequency", &base) != 0)
        ipm_check_mend(check,
                       "sudo cpupower frequency-set -d FREQUENCY -u FREQUENCY, the "
                       "highest that it holds for ever");
    else
        ipm_check_mend(check, "sudo cpupower frequency-set -d %lldMHz -u %lldMHz",
                       (long long)(base / 1000), (long long)(base / 1000));
}

void ipm_check_turbo(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const struct {
        const char *path;
        int64_t off;
    } switches[] = {{CPU_FOLDER "intel_pstate/no_turbo", 1},
                    {CPU_FOLDER "cpufreq/boost", 0}};
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        int64_t value = 0;
        if (ipm_sysroot_integer(patient->sysroot, switches[i].path, &value) != 0)
            continue;
        if (value == switches[i].off) {
            ipm_check_say(check, IPM_CHECK_OK, "off");
            return;
        }
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on: the frequency depends on heat and on the other cores");
        ipm_check_mend(check, "echo %lld | sudo tee /%s", (long long)switches[i].off,
                       switches[i].path);
        return;
    }
    ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel shows no switch for it");
}

void ipm_check_smt(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t active = 0;
    if (ipm_sysroot_integer(patient->sysroot, CPU_FOLDER "smt/active", &active) != 0)
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
    else if (active == 0)
        ipm_check_say(check, IPM_CHECK_OK, "off: every CPU is a core");
    else
        ipm_check_say(check, IPM_CHECK_OK,
                      "on: placements tell siblings apart; keep them idle");
}

void ipm_check_isolation(const struct ipm_patient *patient, struct ipm_check *check)
{
    char isolated[128];
    if (ipm_sysroot_text(patient->sysroot, CPU_FOLDER "isolated", isolated,
                         sizeof(isolated)) == 0)
        ipm_check_say(check, IPM_CHECK_OK,
                      "CPUs %s are isolated; name them as placement {\"cpus\": [A, B]}",
                      isolated);
    else if (ipm_sysroot_exists(patient->sysroot, CPU_FOLDER "isolated"))
        ipm_check_say(check, IPM_CHECK_OK,
                      "no CPU is isolated: fine on a machine that is idle otherwise");
    else
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
}

void ipm_check_cpus(const struct ipm_patient *patient, struct ipm_check *check)
{
    int online = ipm_cpu_list_count(patient->online, NULL);
    if (patient->cpus == 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the list of CPUs cannot be read");
        return;
    }
    enum ipm_check_status status = patient->cpus == 1  ? IPM_CHECK_FAIL
                                   : patient->cpus < 4 ? IPM_CHECK_WARN
                                                       : IPM_CHECK_OK;
    const char *effect = patient->cpus == 1 ? ": only same_cpu can be measured"
                         : patient->cpus < 4
                             ? ": the system's own work has no other place"
                             : "";
    if (patient->cpus < online)
        ipm_check_say(check, status, "%d of %d may be used, by cpuset or affinity%s",
                      patient->cpus, online, effect);
    else
        ipm_check_say(check, status, "%d%s", online, effect);
    if (status != IPM_CHECK_OK && patient->cpus < online)
        ipm_check_mend(check, "start it with more CPUs: taskset, cpuset, or the "
                              "container's --cpuset-cpus");
}

void ipm_check_clocksource(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const char *const good[] = {"tsc", "arch_sys_counter", "riscv_clocksource",
                                       "timebase", NULL};
    static const char *const paged[] = {"kvm-clock", "hyperv_clocksource_tsc_page",
                                        NULL};
    char name[64];
    if (ipm_sysroot_text(patient->sysroot,
                         "sys/devices/system/clocksource/clocksource0/"
                         "current_clocksource",
                         name, sizeof(name)) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        return;
    }
    for (size_t i = 0; good[i] != NULL; i++) {
        if (strcmp(name, good[i]) == 0) {
            ipm_check_say(check, IPM_CHECK_OK, "%s", name);
            return;
        }
    }
    for (size_t i = 0; paged[i] != NULL; i++) {
        if (strcmp(name, paged[i]) == 0) {
            ipm_check_say(check, IPM_CHECK_WARN,
                          "%s: read without a system call, but "
                          "scaled by the hypervisor",
                          name);
            ipm_check_mend(check, "echo tsc | sudo tee /sys/devices/system/clocksource/"
                                  "clocksource0/current_clocksource");
            return;
        }
    }
    ipm_check_say(check, IPM_CHECK_FAIL, "%s: every clock read is a system call", name);
    ipm_check_mend(check, "find out from the kernel log why tsc was given up");
}

void ipm_check_clock_cost(const struct ipm_patient *patient, struct ipm_check *check)
{
    if (!patient->live) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "only a running machine can be asked");
        return;
    }
    struct ipm_clock_cost cost;
    char text[IPM_UNITS_TEXT];
    ipm_clock_measure(&cost);
    ipm_check_say(check,
                  cost.median_ns > 1000  ? IPM_CHECK_FAIL
                  : cost.median_ns > 200 ? IPM_CHECK_WARN
                                         : IPM_CHECK_OK,
                  "%s for one read", ipm_format_ns(text, cost.median_ns));
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check, "see clocksource; batches get longer to hide it");
}

void ipm_check_load(const struct ipm_patient *patient, struct ipm_check *check)
{
    char text[64];
    double average = -1;
    if (ipm_sysroot_text(patient->sysroot, "proc/loadavg", text, sizeof(text)) != 0 ||
        sscanf(text, "%lf", &average) != 1)
        average = -1;
    int online = ipm_cpu_list_count(patient->online, NULL);
    /* What runs now counts; the average remembers what we ourselves have just run. */
    double busy = patient->now.busy;
    if (busy < 0 && average >= 0 && online > 0)
        busy = average / online;
    if (busy < 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "neither proc/stat nor proc/loadavg");
        return;
    }
    enum ipm_check_status status = busy >= 0.5    ? IPM_CHECK_FAIL
                                   : busy >= 0.05 ? IPM_CHECK_WARN
                                                  : IPM_CHECK_OK;
    if (patient->now.busy >= 0)
        ipm_check_say(check, status,
                      "CPUs are %.0f %% busy with other work (load average %.2f)",
                      busy * 100, average);
    else
        ipm_check_say(check, status, "load average %.2f on %d CPUs", average, online);
    if (status != IPM_CHECK_OK)
        ipm_check_mend(check, "end or stop what else runs; top shows it");
}
