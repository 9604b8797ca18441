/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_kernel: what the kernel has and grants, and what memory and disks are left.
 */
#include "base/units.h"
#include "harness/doctor_checks.h"
#include "harness/sysroot.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CGROUP "sys/fs/cgroup"

/* Newer than some headers. */
enum { CAPABILITY_PERFMON = 38 };

static bool may(const struct ipm_patient *patient, int capability)
{
    return (patient->rights >> capability & 1) != 0;
}

void ipm_check_container(const struct ipm_patient *patient, struct ipm_check *check)
{
    if (ipm_sysroot_exists(patient->sysroot, ".dockerenv") ||
        ipm_sysroot_exists(patient->sysroot, "run/.containerenv")) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "inside one: quotas, masks and filters of its engine apply");
        ipm_check_mend(check, "run on the host where it matters");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "none that leaves a mark");
    }
}

/* CPUs' worth of time that one cpu.max grants; 0: no limit; -1: there is no such file. */
static double quota_of(const struct ipm_patient *patient, const char *folder)
{
    char path[PATH_MAX];
    char text[64];
    double quota = 0;
    double period = 0;
    (void)snprintf(path, sizeof(path), CGROUP "%s/cpu.max", folder);
    if (ipm_sysroot_text(patient->sysroot, path, text, sizeof(text)) != 0)
        return -1;
    if (sscanf(text, "%lf %lf", &quota, &period) != 2 || period <= 0)
        return 0; /* "max 100000" */
    return quota / period;
}

/* The same of the first version's one group that a container sees. */
static double first_version_quota(const struct ipm_patient *patient)
{
    int64_t quota = 0;
    int64_t period = 0;
    if (ipm_sysroot_integer(patient->sysroot, CGROUP "/cpu/cpu.cfs_quota_us", &quota) !=
            0 ||
        ipm_sysroot_integer(patient->sysroot, CGROUP "/cpu/cpu.cfs_period_us",
                            &period) != 0 ||
        period <= 0)
        return -1;
    return quota > 0 ? (double)quota / (double)period : 0;
}

/* The tightest limit from our own group up to the root, whose groups all apply. */
static double tightest_quota(const struct ipm_patient *patient)
{
    char folder[PATH_MAX - 64];
    double tightest = first_version_quota(patient);
    if (ipm_sysroot_field(patient->sysroot, "proc/self/cgroup", "0:", folder,
                          sizeof(folder)) != 0)
        (void)snprintf(folder, sizeof(folder), "/");
    for (;;) {
        size_t length = strlen(folder);
        if (length > 0 && folder[length - 1] == '/')
            folder[length - 1] = '\0';
        double quota = quota_of(patient, folder);
        if (tightest < 0 || (quota > 0 && (quota < tightest || tightest == 0)))
            tightest = quota;
        char *slash = strrchr(folder, '/');
        if (slash == NULL)
            return tightest;
        *slash = '\0';
    }
}

void ipm_check_cpu_quota(const struct ipm_patient *patient, struct ipm_check *check)
{
    double quota = tightest_quota(patient);
    if (quota > 0) {
        ipm_check_say(check, quota < 2 ? IPM_CHECK_FAIL : IPM_CHECK_WARN,
                      "the cgroup grants %.2f CPUs of time and stops us when they are "
                      "used up",
                      quota);
        ipm_check_mend(check,
                       "run without the limit: no --cpus, no resources.limits.cpu, "
                       "no CPUQuota=");
    } else if (quota == 0 || ipm_sysroot_exists(patient->sysroot, CGROUP)) {
        ipm_check_say(check, IPM_CHECK_OK, "none");
    } else {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "no cgroup file system is mounted");
    }
}

/* The word in brackets of "always [madvise] never". */
static bool chosen(const char *text, char *word, size_t room)
{
    const char *open = strchr(text, '[');
    if (open == NULL)
        return false;
    (void)snprintf(word, room, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
    return true;
}

void ipm_check_huge_pages(const struct ipm_patient *patient, struct ipm_check *check)
{
    char text[128];
    char word[32];
    if (ipm_sysroot_text(patient->sysroot, "sys/kernel/mm/transparent_hugepage/enabled",
                         text, sizeof(text)) != 0 ||
        !chosen(text, word, sizeof(word)))
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
    else if (strcmp(word, "never") != 0)
        ipm_check_say(check, IPM_CHECK_OK, "transparent huge pages: %s", word);
    else {
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "transparent huge pages: never; large buffers cost TLB misses that "
            "other machines do not have");
        ipm_check_mend(check, "echo madvise | sudo tee /sys/kernel/mm/"
                              "transparent_hugepage/enabled");
    }
}

void ipm_check_aslr(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t level = 0;
    if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/randomize_va_space",
                            &level) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
    } else if (level == 2) {
        ipm_check_say(check, IPM_CHECK_OK,
                      "on: each invocation has a layout of its own, as it should");
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%s: one lucky or unlucky layout would be measured over and over",
                      level == 0 ? "off" : "partial");
        ipm_check_mend(check, "sudo sysctl kernel.randomize_va_space=2");
    }
}

void ipm_check_perf_paranoid(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t level = 0;
    if (!ipm_sysroot_exists(patient->sysroot, "proc/sys/kernel")) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/kernel cannot be read");
        return;
    }
    if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/perf_event_paranoid",
                            &level) != 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "this kernel has no perf events, or hides "
                      "them: no counters");
        return;
    }
    bool privileged = patient->initial &&
                      (may(patient, CAPABILITY_PERFMON) || may(patient, CAP_SYS_ADMIN));
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

void ipm_check_pmu(const struct ipm_patient *patient, struct ipm_check *check)
{
    /* Core PMUs alone: "power", "msr" and the uncore ones count no cycles. */
    static const char *const prefixes[] = {"cpu", "armv", "apple", "riscv"};
    char **names = NULL;
    int n =
        ipm_sysroot_list(patient->sysroot, "sys/bus/event_source/devices", "", &names);
    if (n < 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "sys/bus/event_source/devices cannot be read");
        return;
    }
    ipm_check_say(check, IPM_CHECK_WARN,
                  "no hardware counters: no cycles, instructions or TLB misses");
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
            if (strncmp(names[i], prefixes[k], strlen(prefixes[k])) == 0)
                ipm_check_say(check, IPM_CHECK_OK, "%s", names[i]);
        }
    }
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check, "on bare metal they are there; some hypervisors can pass "
                              "them on");
    ipm_sysroot_list_free(names, n);
}

static bool is_meter(const char *entry)
{
    return strchr(entry, ':') != NULL && (strncmp(entry, "intel-rapl", 10) == 0 ||
                                          strncmp(entry, "amd-rapl", 8) == 0);
}

void ipm_check_powercap(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const char *const folder = "sys/class/powercap";
    char **names = NULL;
    int n = ipm_sysroot_list(patient->sysroot, folder, "", &names);
    int zones = 0;
    int readable = 0;
    int denied = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        char text[64];
        if (!is_meter(names[i]))
            continue;
        zones++;
        (void)snprintf(path, sizeof(path), "%s/%s/energy_uj", folder, names[i]);
        int error = ipm_sysroot_text(patient->sysroot, path, text, sizeof(text));
        readable += error == 0;
        denied += error == -EACCES || error == -EPERM;
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    if (readable > 0)
        ipm_check_say(check, IPM_CHECK_OK, "%d of %d energy counters can be read",
                      readable, zones);
    else if (denied > 0)
        ipm_check_say(check, IPM_CHECK_WARN,
                      "denied: %d energy counters, which root alone may read", denied);
    else if (zones > 0)
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "masked: %d energy counters are listed and hidden, as containers do",
            zones);
    else if (ipm_sysroot_exists(patient->sysroot, "sys/class"))
        ipm_check_say(check, IPM_CHECK_WARN,
                      "absent: no energy counters; energy cannot be measured");
    else
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "sys/class cannot be read");
    if (denied > 0 && readable == 0)
        ipm_check_mend(check,
                       "a udev rule that lets one group read energy_uj; never all "
                       "users (CVE-2020-8694)");
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
    if (may(patient, CAP_SYS_ADMIN)) {
        ipm_check_say(check, IPM_CHECK_OK, "we may make them, being privileged");
        return;
    }
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        int64_t value = 0;
        int error = ipm_sysroot_integer(patient->sysroot, locks[i].path, &value);
        if (error != 0 && i == 0) {
            ipm_check_say(check, IPM_CHECK_UNKNOWN, "%s cannot be read", locks[i].name);
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
    ipm_check_say(check, IPM_CHECK_OK, "unprivileged user namespaces are allowed");
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
        if (ipm_sysroot_exists(patient->sysroot, "proc/sys/fs"))
            ipm_check_say(check, IPM_CHECK_WARN,
                          "no POSIX message queues in this kernel");
        else
            ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/fs cannot be read");
        return;
    }
    ipm_check_say(check, IPM_CHECK_OK,
                  "%lld messages of %lld bytes; the sandbox raises both for itself",
                  (long long)messages, (long long)length);
}

/* Says how much is left, against what is little and what is too little. */
static void say_room(struct ipm_check *check, int64_t bytes, int64_t little,
                     int64_t too_little, const char *where)
{
    char text[IPM_UNITS_TEXT];
    ipm_check_say(check,
                  bytes < too_little ? IPM_CHECK_FAIL
                  : bytes < little   ? IPM_CHECK_WARN
                                     : IPM_CHECK_OK,
                  "%s free%s", ipm_format_size(text, bytes), where);
}

void ipm_check_memory(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t kib = 0;
    if (ipm_sysroot_field_integer(patient->sysroot, "proc/meminfo", "MemAvailable",
                                  &kib) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/meminfo does not tell");
        return;
    }
    say_room(check, kib << 10, INT64_C(1) << 30, INT64_C(256) << 20, "");
}

void ipm_check_disk(const struct ipm_patient *patient, struct ipm_check *check)
{
    (void)patient; /* results land on this machine, whichever tree was examined */
    struct stat folder;
    struct statvfs room;
    bool made = stat("results", &folder) == 0 && S_ISDIR(folder.st_mode);
    const char *where = made ? " in the results folder" : " in this folder";
    if (statvfs(made ? "results" : ".", &room) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "statvfs: %s", strerror(errno));
        return;
    }
    if (access(made ? "results" : ".", W_OK) != 0) {
        ipm_check_say(check, IPM_CHECK_FAIL, "we may not write%s", where);
        ipm_check_mend(check, "give `run` another folder by --out");
        return;
    }
    double free_bytes = (double)room.f_bavail * (double)room.f_frsize;
    say_room(check, free_bytes < 9e18 ? (int64_t)free_bytes : INT64_MAX,
             INT64_C(1) << 30, INT64_C(100) << 20, where);
}

void ipm_check_swap(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t total = 0;
    int64_t unused = 0;
    char text[IPM_UNITS_TEXT];
    if (ipm_sysroot_field_integer(patient->sysroot, "proc/meminfo", "SwapTotal",
                                  &total) != 0 ||
        ipm_sysroot_field_integer(patient->sysroot, "proc/meminfo", "SwapFree",
                                  &unused) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/meminfo does not tell");
    } else if (total > unused) {
        ipm_check_say(check, IPM_CHECK_WARN, "%s are swapped out",
                      ipm_format_size(text, (total - unused) << 10));
        ipm_check_mend(check, "free memory, then sudo swapoff -a && sudo swapon -a");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, total > 0 ? "there, and unused" : "none");
    }
}
