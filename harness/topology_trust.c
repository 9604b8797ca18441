/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/topology_trust.h"

#include "base/cpu_list.h"
#include "harness/host.h"
#include "harness/sysroot.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu"

enum { CPUS_MAX = 1024 };

struct signs {
    int cpus;           /* whose place is shown */
    bool lone_packages; /* each CPU is a package of its own */
    bool shown_caches;  /* a last-level cache says who shares it */
    bool shared_caches; /* and somebody does */
};

/* CPUs that share the outermost cache that is shown; -1: none is. */
static int sharing_cache(const char *sysroot, int cpu)
{
    int shared = -1;
    for (int index = 0; index < 8; index++) {
        char path[128];
        char list[512];
        (void)snprintf(path, sizeof(path),
                       CPU_FOLDER "/cpu%d/cache/index%d/shared_cpu_list", cpu, index);
        if (ipm_sysroot_text(sysroot, path, list, sizeof(list)) == 0)
            shared = ipm_cpu_list_count(list, NULL);
    }
    return shared;
}

static struct signs look(const char *sysroot)
{
    struct signs signs = {.lone_packages = true};
    int64_t seen[CPUS_MAX];
    char online[512];
    if (ipm_sysroot_text(sysroot, CPU_FOLDER "/online", online, sizeof(online)) != 0)
        return signs;
    for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
        char path[128];
        int64_t package = 0;
        (void)snprintf(path, sizeof(path),
                       CPU_FOLDER "/cpu%d/topology/physical_package_id", cpu);
        if (!ipm_cpu_list_has(online, cpu) ||
            ipm_sysroot_integer(sysroot, path, &package) != 0)
            continue;
        for (int i = 0; i < signs.cpus; i++)
            signs.lone_packages = signs.lone_packages && seen[i] != package;
        seen[signs.cpus++] = package;
        int sharing = sharing_cache(sysroot, cpu);
        signs.shown_caches = signs.shown_caches || sharing >= 0;
        signs.shared_caches = signs.shared_caches || sharing > 1;
    }
    return signs;
}

static void add(char *text, size_t room, const char *sign)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, ", %s", sign);
}

const char *ipm_topology_trust(const char *sysroot, char *out_reason, size_t room)
{
    char name[32];
    int64_t threads = 0;
    out_reason[0] = '\0';
    int found = ipm_hypervisor(sysroot, name, sizeof(name));
    if (found == 0)
        return "hardware";
    if (found < 0) {
        (void)snprintf(out_reason, room, "whether there is a hypervisor is not known");
        return NULL;
    }
    (void)snprintf(out_reason, room, "%s may run these CPUs anywhere", name);
    struct signs signs = look(sysroot);
    if (signs.cpus > 1 && signs.lone_packages)
        add(out_reason, room, "each CPU is shown as a socket");
    if (signs.cpus > 1 && !signs.shown_caches)
        add(out_reason, room, "no cache is shown");
    else if (signs.cpus > 1 && !signs.shared_caches)
        add(out_reason, room, "no two CPUs are shown to share a cache");
    if (ipm_sysroot_integer(sysroot, CPU_FOLDER "/smt/active", &threads) == 0 &&
        threads == 0)
        add(out_reason, room, "no threads are shown");
    return "hypervisor";
}
