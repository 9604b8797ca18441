/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_kernel: how the kernel was built, booted and set.
 */
#include "base/cpu_list.h"
#include "harness/doctor_checks.h"
#include "harness/features.h"
#include "harness/sysroot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

void ipm_check_kernel(const struct ipm_patient *patient, struct ipm_check *check)
{
    char release[96];
    if (ipm_sysroot_text(patient->sysroot, "proc/sys/kernel/osrelease", release,
                         sizeof(release)) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/sys/kernel cannot be read");
        ipm_check_leave(check, "mount proc to see it");
    } else if (ipm_sysroot_exists(patient->sysroot, "proc/lockdep") ||
               strstr(release, "debug") != NULL) {
        ipm_check_say(check, IPM_CHECK_FAIL,
                      "%s checks its own locks: every system call is many times slower",
                      release);
        ipm_check_mend(check, "boot a kernel without debugging");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "%s", release);
    }
}

void ipm_check_boot_options(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const struct {
        const char *word;
        const char *effect;
    } harmful[] = {
        {"idle=poll", "idle CPUs spin: no sleep to wake from, and no idle power"},
        {"idle=nomwait", "idle CPUs may not sleep as deep as they could"},
        {"nopcid", "each switch of address spaces flushes the TLB"},
        {"nohlt", "idle CPUs spin: no sleep to wake from, and no idle power"},
        {"debug_pagealloc=on", "memory is checked: allocation is slow"},
        {"slub_debug", "memory is checked: allocation is slow"},
        {"page_poison=1", "memory is checked: allocation is slow"},
        {"audit=1", "system calls may be audited"},
    };
    char text[160] = "";
    json_t *options = ipm_boot_options(patient->sysroot);
    for (size_t i = 0; i < json_array_size(options); i++) {
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof(text) - length, "%s%s",
                       length == 0 ? "" : " ",
                       json_string_value(json_array_get(options, i)));
    }
    bool known = json_is_array(options);
    json_decref(options);
    if (!known) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/cmdline cannot be read");
        ipm_check_leave(check, "mount proc to see it");
        return;
    }
    ipm_check_say(check, IPM_CHECK_OK, "%s",
                  text[0] != '\0' ? text : "none that changes what IPC costs");
    for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++) {
        if (!ipm_boot_option(patient->sysroot, harmful[i].word))
            continue;
        ipm_check_say(check, IPM_CHECK_WARN, "%s: %s", harmful[i].word,
                      harmful[i].effect);
        ipm_check_mend(check, "boot without %s", harmful[i].word);
        return;
    }
}

struct issues {
    int all, open;
    char names[120]; /* of the open ones */
    bool weighty; /* one of those whose mitigation every system call or switch pays */
};

static bool weighty(const char *name)
{
    return strcmp(name, "meltdown") == 0 || strcmp(name, "spectre_v1") == 0 ||
           strcmp(name, "spectre_v2") == 0;
}

static int read_issues(const struct ipm_patient *patient, struct issues *issues)
{
    char **names = NULL;
    int n =
        ipm_sysroot_list(patient->sysroot, CPU_FOLDER "vulnerabilities", "", &names);
    *issues = (struct issues){.all = 0};
    for (int i = 0; i < n; i++) {
        char text[256];
        if (ipm_mitigation(patient->sysroot, names[i], text, sizeof(text)) != 0)
            continue;
        issues->all++;
        if (strncmp(text, "Vulnerable", strlen("Vulnerable")) != 0)
            continue;
        size_t length = strlen(issues->names);
        issues->open++;
        /* What users may load into the kernel opens it again; the mitigation is on. */
        issues->weighty =
            issues->weighty || (weighty(names[i]) && strstr(text, "eBPF") == NULL);
        (void)snprintf(issues->names + length, sizeof(issues->names) - length, "%s%s",
                       length == 0 ? "" : ", ", names[i]);
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return issues->all > 0 ? 0 : -ENODATA;
}

/* An issue that is merely open, for want of microcode, costs nothing and changes no figure:
 * only a machine that was told not to mitigate is unlike those of others. */
void ipm_check_mitigations(const struct ipm_patient *patient, struct ipm_check *check)
{
    struct issues issues;
    bool off = ipm_boot_option(patient->sysroot, "mitigations=off");
    int error = read_issues(patient, &issues);
    if (error != 0 && !off) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "compare with machines of the same kernel alone");
    } else if (off && error == 0 && issues.open == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "off, but this CPU needs none");
    } else if (off || issues.weighty) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "off%s%s: system calls and switches cost less than elsewhere",
                      issues.names[0] != '\0' ? " for " : "", issues.names);
        ipm_check_mend(check, "boot without mitigations=off, nopti, nospectre_v2; or "
                              "leave it, if that is how the machine serves");
    } else if (issues.open > 0) {
        ipm_check_say(check, IPM_CHECK_OK, "on where the CPU needs them; open: %s",
                      issues.names);
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "on where the CPU needs them");
    }
}

/* What a system call and a switch do to the TLB. */
void ipm_check_page_tables(const struct ipm_patient *patient, struct ipm_check *check)
{
    int isolated = ipm_page_table_isolation(patient->sysroot);
    int tagged = ipm_cpu_flag(patient->sysroot, "pcid");
    char vendor[32];
    bool x86 = ipm_sysroot_field(patient->sysroot, "proc/cpuinfo", "vendor_id", vendor,
                                 sizeof(vendor)) == 0;
    if (tagged < 0 || (isolated < 0 && x86)) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN,
                      "flags and mitigations of the CPU are not told");
        ipm_check_leave(check, "TLB misses will show it");
    } else if (!x86) {
        ipm_check_say(check, IPM_CHECK_OK, "address spaces are tagged%s",
                      isolated == 1 ? ", the kernel has one of its own" : "");
    } else if (isolated == 1 && tagged == 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "isolated without PCID: each system call flushes the TLB");
        if (ipm_boot_option(patient->sysroot, "nopcid"))
            ipm_check_mend(check, "boot without nopcid");
        else
            ipm_check_leave(check, "%s",
                            patient->hypervisor == 1
                                ? "the hypervisor alone can pass PCID on"
                                : "this CPU has no PCID");
    } else if (tagged == 0 && patient->hypervisor == 1 &&
               strcmp(vendor, "GenuineIntel") == 0) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "the hypervisor hides PCID: each switch flushes the TLB");
        ipm_check_leave(check, "its owner can pass it on (QEMU: -cpu host)");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, "%s, %s",
                      isolated == 1 ? "isolated"
                                    : "not isolated: this CPU needs no PTI, "
                                      "or was told so",
                      tagged == 1 ? "tagged by PCID" : "without PCID");
    }
}

void ipm_check_huge_pages(const struct ipm_patient *patient, struct ipm_check *check)
{
    char word[32];
    if (ipm_sysroot_chosen(patient->sysroot,
                           "sys/kernel/mm/transparent_hugepage/enabled", word,
                           sizeof(word)) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "a kernel without huge pages has none to set");
    } else if (strcmp(word, "never") != 0) {
        ipm_check_say(check, IPM_CHECK_OK, "transparent huge pages: %s", word);
    } else {
        ipm_check_say(
            check, IPM_CHECK_WARN,
            "transparent huge pages: never; large buffers cost TLB misses that "
            "other machines do not have");
        ipm_check_mend(check, "echo madvise | sudo tee /sys/kernel/mm/"
                              "transparent_hugepage/enabled");
    }
}

/* It unmaps pages to see who touches them, and moves them: both inside windows. */
void ipm_check_numa_balancing(const struct ipm_patient *patient,
                              struct ipm_check *check)
{
    int64_t on = 0;
    char nodes[128];
    int n = ipm_sysroot_text(patient->sysroot, "sys/devices/system/node/online", nodes,
                             sizeof(nodes)) == 0
                ? ipm_cpu_list_count(nodes, NULL)
                : 0;
    if (n == 1) {
        ipm_check_say(check, IPM_CHECK_OK, "one memory node: nothing to balance");
    } else if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/numa_balancing",
                                   &on) != 0) {
        bool readable = ipm_sysroot_exists(patient->sysroot, "proc/sys/kernel");
        ipm_check_say(check, readable ? IPM_CHECK_OK : IPM_CHECK_UNKNOWN,
                      readable ? "this kernel has none"
                               : "proc/sys/kernel cannot be read");
        if (!readable)
            ipm_check_leave(check, "mount proc to see it");
    } else if (on == 0) {
        ipm_check_say(check, IPM_CHECK_OK, "off");
    } else {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "on: the kernel unmaps and moves pages while we measure");
        ipm_check_mend(check, "sudo sysctl kernel.numa_balancing=0");
    }
}

void ipm_check_aslr(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t level = 0;
    if (ipm_sysroot_integer(patient->sysroot, "proc/sys/kernel/randomize_va_space",
                            &level) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "mount proc to see it");
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
