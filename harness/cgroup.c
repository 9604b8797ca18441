/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/cgroup.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "harness/sysroot.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUP "sys/fs/cgroup"

/* Where the first version has its CPU controller. */
static const char *const mounts[] = {"/cpu", "/cpu,cpuacct"};

int ipm_cgroup_version(const char *sysroot)
{
    if (ipm_sysroot_exists(sysroot, CGROUP "/cpu") ||
        ipm_sysroot_exists(sysroot, CGROUP "/cpu,cpuacct"))
        return 1;
    return ipm_sysroot_exists(sysroot, CGROUP "/cgroup.controllers") ||
                   ipm_sysroot_exists(sysroot, CGROUP "/cpu.max")
               ? 2
               : 0;
}

/* CPUs' worth of time that one cpu.max grants; 0: no limit; -1: there is no such file. */
static double second_version(const char *sysroot, const char *group)
{
    char path[PATH_MAX];
    char text[64];
    double quota = 0;
    double period = 0;
    (void)snprintf(path, sizeof(path), CGROUP "%s/cpu.max", group);
    if (ipm_sysroot_text(sysroot, path, text, sizeof(text)) != 0)
        return -1;
    if (sscanf(text, "%lf %lf", &quota, &period) != 2 || period <= 0)
        return 0; /* "max 100000" */
    return quota / period;
}

static double first_version(const char *sysroot, const char *group)
{
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        char path[PATH_MAX];
        int64_t quota = 0;
        int64_t period = 0;
        (void)snprintf(path, sizeof(path), CGROUP "%s%s/cpu.cfs_quota_us", mounts[i],
                       group);
        if (ipm_sysroot_integer(sysroot, path, &quota) != 0)
            continue;
        (void)snprintf(path, sizeof(path), CGROUP "%s%s/cpu.cfs_period_us", mounts[i],
                       group);
        if (ipm_sysroot_integer(sysroot, path, &period) == 0 && period > 0)
            return quota > 0 ? (double)quota / (double)period : 0;
    }
    return -1;
}

/* Is @wanted among the controllers of "4:cpu,cpuacct:/group"? */
static bool rules(const char *controllers, const char *wanted)
{
    for (const char *at = controllers; *at != '\0' && *at != ':';) {
        size_t length = strcspn(at, ",:");
        if (length == strlen(wanted) && strncmp(at, wanted, length) == 0)
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}

/* Our group in the second version's hierarchy (@controller NULL) or in the first one's;
 * "" is the root, and where proc/self/cgroup does not say. */
static void own_group(const char *sysroot, const char *controller, char *group,
                      size_t room)
{
    char path[PATH_MAX];
    group[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", sysroot);
    ipm_auto_file FILE *file = fopen(path, "re");
    ipm_auto_free char *line = NULL;
    size_t size = 0;
    while (file != NULL && getline(&line, &size, file) >= 0) {
        const char *controllers = strchr(line, ':');
        const char *name = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (name == NULL || (controller == NULL ? controllers[1] != ':'
                                                : !rules(controllers + 1, controller)))
            continue;
        (void)snprintf(group, room, "%.*s", (int)strcspn(name + 1, "\n"), name + 1);
        if (strcmp(group, "/") == 0)
            group[0] = '\0';
        return;
    }
}

/* From a group to the one around it; false: it was the root. */
static bool outer_group(char *group)
{
    char *slash = strrchr(group, '/');
    if (slash != NULL)
        *slash = '\0';
    return slash != NULL;
}

double ipm_cgroup_quota(const char *sysroot)
{
    double tightest = -1;
    for (int version = 1; version <= 2; version++) {
        char group[PATH_MAX - 64];
        own_group(sysroot, version == 1 ? "cpu" : NULL, group, sizeof(group));
        do {
            double quota = version == 1 ? first_version(sysroot, group)
                                        : second_version(sysroot, group);
            if (tightest < 0 || (quota > 0 && (quota < tightest || tightest <= 0)))
                tightest = quota;
        } while (outer_group(group));
    }
    /* The root group of the second version has no such file: nothing limits it. */
    return tightest < 0 && ipm_cgroup_version(sysroot) != 0 ? 0 : tightest;
}

/* The number behind a word at the start of a line of a group's file; -1: there is none. */
static int64_t count_of(const char *sysroot, const char *mount, const char *group,
                        const char *file, const char *word)
{
    char path[PATH_MAX];
    char text[32];
    int64_t count = 0;
    (void)snprintf(path, sizeof(path), CGROUP "%s%s/%s", mount, group, file);
    return ipm_sysroot_line(sysroot, path, word, text, sizeof(text)) == 0 &&
                   ipm_parse_integer(text, &count, NULL) == 0 && count >= 0
               ? count
               : -1;
}

int64_t ipm_cgroup_throttles(const char *sysroot)
{
    int version = ipm_cgroup_version(sysroot);
    char group[PATH_MAX - 64];
    own_group(sysroot, version == 1 ? "cpu" : NULL, group, sizeof(group));
    /* A container sees its own group as the root, whatever proc/self/cgroup calls it. */
    do {
        int64_t count = version == 2
                            ? count_of(sysroot, "", group, "cpu.stat", "nr_throttled")
                            : -1;
        for (size_t i = 0;
             version == 1 && count < 0 && i < sizeof(mounts) / sizeof(mounts[0]); i++)
            count = count_of(sysroot, mounts[i], group, "cpu.stat", "nr_throttled");
        if (count >= 0)
            return count;
    } while (outer_group(group));
    return -1;
}

/* The controller of memory in one of the two versions. */
struct memory {
    const char *controller; /* NULL: the second version */
    const char *mount, *limit, *used;
    const char
        *cached[2]; /* words of memory.stat: file pages, which the kernel drops */
};

static int64_t bytes_of(const char *sysroot, const struct memory *memory,
                        const char *group, const char *file)
{
    char path[PATH_MAX];
    int64_t bytes = 0;
    (void)snprintf(path, sizeof(path), CGROUP "%s%s/%s", memory->mount, group, file);
    return ipm_sysroot_integer(sysroot, path, &bytes) == 0 ? bytes : -1; /* "max" */
}

/* What a group may still have; -1: it has no limit, or does not tell.  Whoever reads files
 * fills a group to its limit with pages that are given back when they are wanted. */
static int64_t left_of(const char *sysroot, const struct memory *memory,
                       const char *group)
{
    int64_t limit = bytes_of(sysroot, memory, group, memory->limit);
    int64_t used = bytes_of(sysroot, memory, group, memory->used);
    if (limit < 0 || used < 0)
        return -1;
    for (size_t i = 0; i < sizeof(memory->cached) / sizeof(memory->cached[0]); i++) {
        int64_t cached =
            count_of(sysroot, memory->mount, group, "memory.stat", memory->cached[i]);
        used -= cached < 0 ? 0 : cached < used ? cached : used;
    }
    return limit > used ? limit - used : 0;
}

int64_t ipm_cgroup_memory(const char *sysroot)
{
    static const struct memory versions[] = {
        {NULL, "", "memory.max", "memory.current", {"inactive_file ", "active_file "}},
        {"memory",
         "/memory",
         "memory.limit_in_bytes",
         "memory.usage_in_bytes",
         {"total_inactive_file ", "total_active_file "}}};
    int64_t least = -1;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char group[PATH_MAX - 64];
        own_group(sysroot, versions[i].controller, group, sizeof(group));
        do {
            int64_t left = left_of(sysroot, &versions[i], group);
            if (left >= 0 && (least < 0 || left < least))
                least = left;
        } while (outer_group(group));
    }
    return least;
}

/* What systemd and LXC tell the first process of a container; root alone may read it. */
static bool told_to_init(const char *sysroot, char *name, size_t room)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/1/environ", sysroot);
    ipm_auto_file FILE *file = fopen(path, "re");
    ipm_auto_free char *entry = NULL;
    size_t size = 0;
    while (file != NULL && getdelim(&entry, &size, '\0', file) >= 0) {
        if (strncmp(entry, "container=", strlen("container=")) != 0)
            continue;
        (void)snprintf(name, room, "%.24s", entry + strlen("container="));
        return true;
    }
    return false;
}

int ipm_container(const char *sysroot, char *name, size_t room)
{
    static const struct {
        const char *path;
        const char *name;
    } marks[] = {{"var/run/secrets/kubernetes.io", "kubernetes"},
                 {"run/secrets/kubernetes.io", "kubernetes"},
                 {"run/.containerenv", "podman"},
                 {".dockerenv", "docker"}};
    static const struct {
        const char *part;
        const char *name;
    } groups[] = {{"kubepods", "kubernetes"}, {"/docker/", "docker"},
                  {"/docker-", "docker"},     {"/libpod", "podman"},
                  {"/lxc/", "lxc"},           {"/lxc.payload", "lxc"}};
    char text[256];
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (!ipm_sysroot_exists(sysroot, marks[i].path))
            continue;
        (void)snprintf(name, room, "%s", marks[i].name);
        return 1;
    }
    if (ipm_sysroot_text(sysroot, "run/systemd/container", text, sizeof(text)) == 0) {
        (void)snprintf(name, room, "%.24s", text);
        return 1;
    }
    if (told_to_init(sysroot, name, room))
        return 1;
    if (ipm_sysroot_text(sysroot, "proc/self/cgroup", text, sizeof(text)) != 0)
        return -ENODATA;
    own_group(sysroot, NULL, text, sizeof(text));
    if (text[0] == '\0')
        own_group(sysroot, "cpu", text, sizeof(text));
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strstr(text, groups[i].part) == NULL)
            continue;
        (void)snprintf(name, room, "%s", groups[i].name);
        return 1;
    }
    return 0;
}
