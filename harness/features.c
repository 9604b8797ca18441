/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/features.h"

#include "harness/sysroot.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

enum { LINE = 8192, OPTION = 64 };

int ipm_cpu_flag(const char *sysroot, const char *flag)
{
    char flags[LINE];
    char word[80];
    if (ipm_sysroot_field(sysroot, "proc/cpuinfo", "flags", flags + 1,
                          sizeof(flags) - 2) != 0 &&
        ipm_sysroot_field(sysroot, "proc/cpuinfo", "Features", flags + 1,
                          sizeof(flags) - 2) != 0)
        return -ENODATA;
    flags[0] = ' ';
    (void)strcat(flags, " ");
    (void)snprintf(word, sizeof(word), " %s ", flag);
    return strstr(flags, word) != NULL;
}

static void append_cpu(char *list, size_t room, int cpu)
{
    size_t length = strlen(list);
    (void)snprintf(list + length, room - length, "%s%d", length == 0 ? "" : ",", cpu);
}

static bool kinds_by_capacity(const char *sysroot, struct ipm_core_kinds *kinds)
{
    char **names = NULL;
    int64_t highest = 0;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER, "cpu", &names);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < n; i++) {
            char path[PATH_MAX];
            int64_t capacity = 0;
            (void)snprintf(path, sizeof(path), CPU_FOLDER "%.16s/cpu_capacity",
                           names[i]);
            if (!isdigit((unsigned char)names[i][3]) ||
                ipm_sysroot_integer(sysroot, path, &capacity) != 0)
                continue;
            if (round == 0 && capacity > highest)
                highest = capacity;
            if (round == 1 && capacity == highest)
                append_cpu(kinds->fast, sizeof(kinds->fast), atoi(names[i] + 3));
            else if (round == 1)
                append_cpu(kinds->small, sizeof(kinds->small), atoi(names[i] + 3));
        }
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return kinds->fast[0] != '\0' && kinds->small[0] != '\0';
}

bool ipm_core_kinds(const char *sysroot, struct ipm_core_kinds *out_kinds)
{
    *out_kinds = (struct ipm_core_kinds){.fast = ""};
    if (ipm_sysroot_text(sysroot, "sys/devices/cpu_core/cpus", out_kinds->fast,
                         sizeof(out_kinds->fast)) == 0 &&
        ipm_sysroot_text(sysroot, "sys/devices/cpu_atom/cpus", out_kinds->small,
                         sizeof(out_kinds->small)) == 0)
        return true;
    *out_kinds = (struct ipm_core_kinds){.fast = ""};
    if (kinds_by_capacity(sysroot, out_kinds))
        return true;
    *out_kinds = (struct ipm_core_kinds){.fast = ""};
    return false;
}

/* Up to and with '=': any value; else the whole word. */
static const char *const kept[] = {"audit=",
                                   "clocksource=",
                                   "cpuidle.off=",
                                   "debug_pagealloc=",
                                   "gather_data_sampling=",
                                   "hugepages=",
                                   "hugepagesz=",
                                   "idle=",
                                   "init_on_alloc=",
                                   "init_on_free=",
                                   "intel_idle.max_cstate=",
                                   "intel_pstate=",
                                   "amd_pstate=",
                                   "irqaffinity=",
                                   "isolcpus=",
                                   "kaslr",
                                   "kvm.nx_huge_pages=",
                                   "l1tf=",
                                   "maxcpus=",
                                   "mds=",
                                   "mitigations=",
                                   "nmi_watchdog=",
                                   "no_turbo",
                                   "nohlt",
                                   "nohz=",
                                   "nohz_full=",
                                   "nokaslr",
                                   "nopcid",
                                   "nopti",
                                   "nosmt",
                                   "nosmt=",
                                   "nospec_store_bypass_disable",
                                   "nospectre_v1",
                                   "nospectre_v2",
                                   "notsc",
                                   "nr_cpus=",
                                   "page_poison=",
                                   "preempt=",
                                   "processor.max_cstate=",
                                   "pti=",
                                   "rcu_nocbs=",
                                   "rcu_nocb_poll",
                                   "retbleed=",
                                   "skew_tick=",
                                   "slub_debug",
                                   "slub_debug=",
                                   "spec_store_bypass_disable=",
                                   "spectre_v2=",
                                   "spectre_v2_user=",
                                   "srbds=",
                                   "threadirqs",
                                   "transparent_hugepage=",
                                   "tsc=",
                                   "tsx=",
                                   "tsx_async_abort="};

static bool wanted(const char *option)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        size_t length = strlen(kept[i]);
        if (kept[i][length - 1] == '=' ? strncmp(option, kept[i], length) == 0
                                       : strcmp(option, kept[i]) == 0)
            return true;
    }
    return false;
}

/* Values of the kept options are words, numbers and lists: a path or a quotation is none. */
static bool harmless(const char *option)
{
    return strlen(option) < OPTION &&
           option[strspn(option, "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=,._:-")] == '\0';
}

json_t *ipm_boot_options(const char *sysroot)
{
    char line[LINE];
    if (ipm_sysroot_text(sysroot, "proc/cmdline", line, sizeof(line)) != 0)
        return json_null();
    json_t *list = json_array();
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "--") == 0)
            break; /* what follows is for the first process */
        if (wanted(word) && harmless(word))
            (void)json_array_append_new(list, json_string(word));
    }
    return list;
}

bool ipm_boot_option(const char *sysroot, const char *word)
{
    char line[LINE];
    char *rest = NULL;
    if (ipm_sysroot_text(sysroot, "proc/cmdline", line, sizeof(line)) != 0)
        return false;
    for (char *at = strtok_r(line, " ", &rest); at != NULL && strcmp(at, "--") != 0;
         at = strtok_r(NULL, " ", &rest)) {
        if (strcmp(at, word) == 0)
            return true;
    }
    return false;
}

int ipm_mitigation(const char *sysroot, const char *issue, char *text, size_t room)
{
    char path[256];
    (void)snprintf(path, sizeof(path), CPU_FOLDER "vulnerabilities/%.64s", issue);
    return ipm_sysroot_text(sysroot, path, text, room);
}

int ipm_page_table_isolation(const char *sysroot)
{
    char text[128];
    if (ipm_mitigation(sysroot, "meltdown", text, sizeof(text)) != 0)
        return -ENODATA;
    return strstr(text, "PTI") != NULL; /* Arm says "Mitigation: PTI", too */
}

json_t *ipm_library_versions(void)
{
    static const struct {
        const char *name;
        const char *version;
    } built[] = {{"gsl", IPM_VERSION_GSL},         {"hwloc", IPM_VERSION_HWLOC},
                 {"libpfm4", IPM_VERSION_LIBPFM4}, {"papi", IPM_VERSION_PAPI},
                 {"liburing", IPM_VERSION_URING},  {"zeromq", IPM_VERSION_ZEROMQ},
                 {"libsystemd", IPM_VERSION_SDBUS}};
    json_t *json = json_object();
    (void)json_object_set_new(json, "jansson", json_string(jansson_version_str()));
    for (size_t i = 0; i < sizeof(built) / sizeof(built[0]); i++)
        (void)json_object_set_new(
            json, built[i].name,
            built[i].version[0] != '\0' ? json_string(built[i].version) : json_null());
    return json;
}
