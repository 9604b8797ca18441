/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_rights: what this process may do, and what is around it.
 */
#include "base/units.h"
#include "harness/cgroup.h"
#include "harness/doctor_checks.h"
#include "harness/limits.h"
#include "harness/sysroot.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

void ipm_check_container(const struct ipm_patient *patient, struct ipm_check *check)
{
    char name[32];
    switch (ipm_container(patient->sysroot, name, sizeof(name))) {
    case 0:
        ipm_check_say(check, IPM_CHECK_OK, "none that leaves a mark");
        break;
    case 1:
        ipm_check_say(check, IPM_CHECK_WARN,
                      "inside one (%s): quotas, masks and filters of its engine apply",
                      name);
        ipm_check_mend(check, "run on the host where it matters");
        break;
    default:
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/self/cgroup cannot be read");
        ipm_check_leave(check, "mount proc to see it");
    }
}

void ipm_check_cpu_quota(const struct ipm_patient *patient, struct ipm_check *check)
{
    double quota = ipm_cgroup_quota(patient->sysroot);
    if (quota > 0) {
        ipm_check_say(check, quota < 2 ? IPM_CHECK_FAIL : IPM_CHECK_WARN,
                      "the cgroup grants %.2f CPUs of time and stops us when they are "
                      "used up",
                      quota);
        ipm_check_mend(check,
                       "run without the limit: no --cpus, no resources.limits.cpu, "
                       "no CPUQuota=");
    } else if (quota == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "none");
    } else {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "no cgroup file system is mounted");
        ipm_check_leave(check, "mount it to see the limits, if there are any");
    }
}

/* What each one is for stands with the rows that judge it. */
void ipm_check_capabilities(const struct ipm_patient *patient, struct ipm_check *check)
{
    char text[96];
    if (!patient->rights_known) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/self/status cannot be read");
        ipm_check_leave(check, "mount proc to see it");
        return;
    }
    ipm_rights_text(patient->rights, text, sizeof(text));
    ipm_check_say(check, IPM_CHECK_OK, "%s%s",
                  text[0] != '\0' ? text : "none: an ordinary user",
                  patient->initial ? "" : ", inside a user namespace alone");
}

void ipm_check_namespaces(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const struct {
        const char *path;
        const char *name;
        int64_t refusing;
    } locks[] = {
        {"proc/sys/user/max_user_namespaces", "user.max_user_namespaces", 0},
        {"proc/sys/kernel/unprivileged_userns_clone",
         "kernel.unprivileged_userns_clone", 0},
        {"proc/sys/kernel/apparmor_restrict_unprivileged_userns",
         "kernel.apparmor_restrict_unprivileged_userns", 1},
    };
    if (ipm_patient_has(patient, CAP_SYS_ADMIN)) {
        ipm_check_say(check, IPM_CHECK_OK, "we may make them, being privileged");
        return;
    }
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        int64_t value = 0;
        int error = ipm_sysroot_integer(patient->sysroot, locks[i].path, &value);
        if (error != 0 && i == 0) {
            ipm_check_say(check, IPM_CHECK_UNKNOWN, "%s cannot be read", locks[i].name);
            ipm_check_leave(check, "the sandbox tries, and says in the record what it "
                                   "got");
            return;
        }
        if (error != 0 || value != locks[i].refusing)
            continue;
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%s is %lld: no sandbox around a measurement", locks[i].name,
                      (long long)value);
        ipm_check_mend(check, "sudo sysctl %s=%d, or run as root", locks[i].name,
                       i == 0 ? 15000 : i == 1);
        return;
    }
    int64_t filter = 0;
    if (ipm_sysroot_field_integer(patient->sysroot, "proc/self/status", "Seccomp",
                                  &filter) == 0 &&
        filter == 2) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "the kernel allows them, a filter of system calls may not");
        ipm_check_mend(check,
                       "where `ipcmeter list` says that there is no sandbox: start "
                       "the container with --security-opt seccomp=unconfined");
        return;
    }
    ipm_check_say(check, IPM_CHECK_OK, "unprivileged user namespaces are allowed");
}

void ipm_check_realtime(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t priority = 0;
    int error = ipm_limit(patient->sysroot, IPM_LIMIT_REALTIME, &priority);
    if (ipm_patient_may(patient, CAP_SYS_NICE)) {
        ipm_check_say(check, IPM_CHECK_OK, "SCHED_FIFO is ours, by CAP_SYS_NICE");
    } else if (error != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/self/limits cannot be read");
        ipm_check_leave(check, "mount proc to see it");
    } else if (priority > 0) {
        ipm_check_say(check, IPM_CHECK_OK, "SCHED_FIFO is ours, up to priority %lld",
                      (long long)priority);
    } else {
        /* No default config asks for it: not to have it spoils nothing. */
        ipm_check_say(check, IPM_CHECK_OK,
                      "SCHED_FIFO is refused: only points with policy fifo want it");
        ipm_check_mend(check, "for those: run as root, or raise rtprio in "
                              "/etc/security/limits.conf");
    }
}

void ipm_check_limits(const struct ipm_patient *patient, struct ipm_check *check)
{
    enum { FEW_FILES = 256 };
    int64_t files = 0;
    int64_t locked = 0;
    char text[IPM_UNITS_TEXT] = "unlimited";
    if (ipm_limit(patient->sysroot, IPM_LIMIT_FILES, &files) != 0 ||
        ipm_limit(patient->sysroot, IPM_LIMIT_LOCKED, &locked) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/self/limits cannot be read");
        ipm_check_leave(check, "mount proc to see it");
        return;
    }
    if (locked != INT64_MAX)
        (void)ipm_format_size(text, locked);
    if (files < FEW_FILES) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%lld open files: many pairs at once will not fit",
                      (long long)files);
        ipm_check_mend(check, "ulimit -n 1024");
    } else if (locked < INT64_C(1) << 20 && !ipm_patient_may(patient, CAP_IPC_LOCK)) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%s of locked memory: shared buffers can be swapped out", text);
        ipm_check_mend(check, "ulimit -l unlimited, after raising memlock in "
                              "/etc/security/limits.conf");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "%lld open files, locked memory %s",
                      (long long)files, text);
    }
}

void ipm_check_message_queues(const struct ipm_patient *patient,
                              struct ipm_check *check)
{
    int64_t messages = 0;
    int64_t length = 0;
    if (ipm_sysroot_integer(patient->sysroot, "proc/sys/fs/mqueue/msg_max",
                            &messages) != 0 ||
        ipm_sysroot_integer(patient->sysroot, "proc/sys/fs/mqueue/msgsize_max",
                            &length) != 0) {
        if (ipm_sysroot_exists(patient->sysroot, "proc/sys/fs")) {
            ipm_check_say(check, IPM_CHECK_WARN,
                          "no POSIX message queues in this kernel");
            ipm_check_mend(check, "boot a kernel with CONFIG_POSIX_MQUEUE");
        } else {
            ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/fs cannot be read");
            ipm_check_leave(check, "mount proc to see it");
        }
        return;
    }
    ipm_check_say(check, IPM_CHECK_OK,
                  "%lld messages of %lld bytes; the sandbox raises both for itself",
                  (long long)messages, (long long)length);
}
