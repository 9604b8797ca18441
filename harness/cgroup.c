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
    static const char *const mounts[] = {"/cpu", "/cpu,cpuacct"};
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
 * "" where proc/self/cgroup does not say. */
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
        return;
    }
}

double ipm_cgroup_quota(const char *sysroot)
{
    double tightest = -1;
    for (int version = 1; version <= 2; version++) {
        char group[PATH_MAX - 64];
        own_group(sysroot, version == 1 ? "cpu" : NULL, group, sizeof(group));
        for (;;) {
            size_t length = strlen(group);
            if (length > 0 && group[length - 1] == '/')
                group[length - 1] = '\0';
            double quota = version == 1 ? first_version(sysroot, group)
                                        : second_version(sysroot, group);
            if (tightest < 0 || (quota > 0 && (quota < tightest || tightest <= 0)))
                tightest = quota;
            char *slash = strrchr(group, '/');
            if (slash == NULL)
                break;
            *slash = '\0';
        }
    }
    /* The root group of the second version has no such file: nothing limits it. */
    return tightest < 0 && ipm_cgroup_version(sysroot) != 0 ? 0 : tightest;
}

int64_t ipm_cgroup_throttles(const char *sysroot)
{
    int version = ipm_cgroup_version(sysroot);
    char group[PATH_MAX - 64];
    char path[PATH_MAX];
    char text[32];
    int64_t count = 0;
    if (version == 0)
        return -1;
    own_group(sysroot, version == 1 ? "cpu" : NULL, group, sizeof(group));
    (void)snprintf(path, sizeof(path), CGROUP "%s%s/cpu.stat",
                   version == 1 ? "/cpu" : "", strcmp(group, "/") == 0 ? "" : group);
    if (ipm_sysroot_line(sysroot, path, "nr_throttled", text, sizeof(text)) != 0 ||
        ipm_parse_integer(text, &count, NULL) != 0)
        return -1;
    return count;
}

static int64_t bytes_of(const char *sysroot, const char *mount, const char *group,
                        const char *file)
{
    char path[PATH_MAX];
    int64_t bytes = 0;
    (void)snprintf(path, sizeof(path), CGROUP "%s%s/%s", mount, group, file);
    return ipm_sysroot_integer(sysroot, path, &bytes) == 0 ? bytes : -1; /* "max" */
}

int64_t ipm_cgroup_memory(const char *sysroot)
{
    static const struct {
        const char *controller; /* NULL: the second version */
        const char *mount, *limit, *used;
    } versions[] = {
        {NULL, "", "memory.max", "memory.current"},
        {"memory", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"}};
    int64_t least = -1;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char group[PATH_MAX - 64];
        own_group(sysroot, versions[i].controller, group, sizeof(group));
        for (;;) {
            size_t length = strlen(group);
            if (length > 0 && group[length - 1] == '/')
                group[length - 1] = '\0';
            int64_t limit =
                bytes_of(sysroot, versions[i].mount, group, versions[i].limit);
            int64_t used =
                bytes_of(sysroot, versions[i].mount, group, versions[i].used);
            int64_t left = limit > used ? limit - used : 0;
            if (limit >= 0 && used >= 0 && (least < 0 || left < least))
                least = left;
            char *slash = strrchr(group, '/');
            if (slash == NULL)
                break;
            *slash = '\0';
        }
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
