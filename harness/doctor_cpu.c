/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_cpu: the CPUs, who else runs on them, and what is below them.
 */
#include "base/cpu_list.h"
#include "harness/doctor_checks.h"
#include "harness/features.h"
#include "harness/host.h"
#include "harness/sysroot.h"
#include "harness/topology_trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

void ipm_check_cpus(const struct ipm_patient *patient, struct ipm_check *check)
{
    int online = ipm_cpu_list_count(patient->online, NULL);
    if (patient->cpus == 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the list of CPUs cannot be read");
        ipm_check_leave(check, "mount sysfs to see it");
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
    else if (status != IPM_CHECK_OK)
        ipm_check_leave(check, "the machine has no more; end what else runs");
}

/* Of a pair across kinds neither side is what the other one's figures say. */
void ipm_check_core_kinds(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct ipm_core_kinds kinds;
    if (patient->online[0] == '\0') {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the list of CPUs cannot be read");
        ipm_check_leave(check, "mount sysfs to see it");
        return;
    }
    const char *allowed =
        patient->allowed[0] != '\0' ? patient->allowed : patient->online;
    if (!ipm_core_kinds(patient->sysroot, &kinds)) {
        ipm_check_say(check, IPM_CHECK_OK, "one kind of core, as far as is told");
    } else if (ipm_cpu_list_count(kinds.fast, allowed) == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "slow cores alone may be used: %.100s",
                      kinds.small);
    } else if (ipm_cpu_list_count(kinds.small, allowed) == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "fast cores alone may be used: %.100s",
                      kinds.fast);
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "two kinds: fast %.60s and slow %.60s; a pair can be one of each",
                      kinds.fast, kinds.small);
        ipm_check_mend(
            check,
            "taskset -c %.100s ipcmeter run ..., or name CPUs of one kind as "
            "placement {\"cpus\": [A, B]}",
            kinds.fast);
    }
}

void ipm_check_smt(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t active = 0;
    if (ipm_sysroot_integer(patient->sysroot, CPU_FOLDER "smt/active", &active) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "placements use what siblings the topology shows");
    } else if (active != 0) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "on: placements tell siblings apart; keep them idle");
    } else if (patient->hypervisor == 1) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "the hypervisor shows no siblings, and may run two of these CPUs "
                      "on one core");
        ipm_check_leave(check, "its owner alone can tell or pin them");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "off: every CPU is a core");
    }
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
    else {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "it is needed on a busy machine alone");
    }
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
        ipm_check_leave(check, "mount proc to see it");
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

void ipm_check_hypervisor(const struct ipm_patient *patient, struct ipm_check *check)
{
    char name[32];
    char reason[160];
    switch (ipm_hypervisor(patient->sysroot, name, sizeof(name))) {
    case 0:
        ipm_check_say(check, IPM_CHECK_OK, "none: the CPUs are real");
        break;
    case 1:
        (void)ipm_topology_trust(patient->sysroot, reason, sizeof(reason));
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "a virtual machine: others share its CPUs; topology: hypervisor: %s",
            reason);
        ipm_check_mend(check, "measure on bare metal where absolute figures matter");
        break;
    default:
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "neither proc/cpuinfo nor the firmware tells");
        ipm_check_leave(check, "Arm and others show a guest no sure sign");
    }
}

void ipm_check_steal(const struct ipm_patient *patient, struct ipm_check *check)
{
    double now = patient->now.steal;
    double total = patient->total.steal;
    double worst = now > total ? now : total;
    if (worst < 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/stat cannot be read");
        ipm_check_leave(check, "mount proc to see it");
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
