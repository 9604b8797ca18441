/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/powercap_tree.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Others in that folder are no meters: idle injection, or a model of the kernel (dtpm).
 * The order is that of trust where two of them show the same part. */
static const char *const controls[] = {"intel-rapl", "amd-rapl", "intel-rapl-mmio",
                                       NULL};

/* Rank of an entry's control type; -1: not ours.  "intel-rapl:0:1" -> 0. */
static int control_rank(const char *entry)
{
    size_t length = strcspn(entry, ":");
    for (int rank = 0; controls[rank] != NULL; rank++) {
        if (strlen(controls[rank]) == length &&
            strncmp(entry, controls[rank], length) == 0)
            return rank;
    }
    return -1;
}

/* Reads one attribute, without its line feed.  -ENODATA: it is empty. */
static int read_attribute(int folder, const char *entry, const char *attribute,
                          char *text, size_t room)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", entry, attribute);
    ipm_auto_fd int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, text, room - 1);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text[0] == '\0' ? -ENODATA : 0;
}

int ipm_powercap_read(int fd, int64_t *out_uj)
{
    char text[32];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0')
        return -ENODATA;
    int64_t value = 0;
    if (ipm_parse_integer(text, &value, NULL) != 0 || value < 0)
        return -EPROTO;
    *out_uj = value;
    return 0;
}

static bool kind_of(const char *name, enum ipm_zone_kind *out_kind)
{
    static const struct {
        const char *name;
        bool numbered; /* "package-1", "package-0-die-1", "psys-1" */
        enum ipm_zone_kind kind;
    } known[] = {
        {"package", true, IPM_ZONE_PACKAGE}, {"dram", false, IPM_ZONE_DRAM},
        {"core", false, IPM_ZONE_CORE},      {"uncore", false, IPM_ZONE_UNCORE},
        {"psys", true, IPM_ZONE_PSYS},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t length = strlen(known[i].name);
        if (strncmp(name, known[i].name, length) != 0)
            continue;
        if (name[length] != '\0' && !(known[i].numbered && name[length] == '-'))
            continue;
        *out_kind = known[i].kind;
        return true;
    }
    return false;
}

/* The part of the machine: the zone's name, below that of the zone it is nested in. */
static void name_part(struct ipm_zone *zone, int folder, const char *entry)
{
    char above[NAME_MAX + 1];
    char parent[sizeof(zone->name)] = "";
    (void)snprintf(above, sizeof(above), "%s", entry);
    *strrchr(above, ':') = '\0';
    bool nested = strchr(above, ':') != NULL;
    if (nested && read_attribute(folder, above, "name", parent, sizeof(parent)) != 0)
        (void)snprintf(parent, sizeof(parent), "?");
    (void)snprintf(zone->key, sizeof(zone->key), "%s%s%s", parent, nested ? "/" : "",
                   zone->name);
}

/* Opens a zone's counter; what fails is kept in the zone. */
static void open_zone(struct ipm_zone *zone, int folder, const char *entry)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/energy_uj", entry);
    ipm_auto_fd int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    int64_t ignored = 0;
    int error = fd < 0 ? -errno : ipm_powercap_read(fd, &ignored);
    if (error != 0) {
        zone->error =
            error == -EACCES || error == -EPERM
                ? ipm_why_set(&zone->why, error,
                              "energy_uj of %s may be read by root only "
                              "(CVE-2020-8694)",
                              zone->key)
            : error == -ENODATA
                ? ipm_why_set(&zone->why, error, "energy_uj of %s is empty", zone->key)
                : ipm_why_set(&zone->why, error, "energy_uj of %s: ", zone->key);
        return;
    }
    char text[32];
    error = read_attribute(folder, entry, "max_energy_range_uj", text, sizeof(text));
    if (error == 0 &&
        (ipm_parse_integer(text, &zone->range_uj, NULL) != 0 || zone->range_uj <= 0))
        error = -EPROTO;
    if (error != 0) {
        zone->error = ipm_why_set(&zone->why, error,
                                  "max_energy_range_uj of %s, without which a wrap "
                                  "cannot be told: ",
                                  zone->key);
        return;
    }
    zone->fd = ipm_steal_fd(&fd);
}

/* Keeps one of two zones that are the same part: the one that can be read, then the one of
 * the better control type. */
static void add_zone(struct ipm_powercap_tree *tree, const struct ipm_zone *zone)
{
    for (int i = 0; i < tree->n; i++) {
        struct ipm_zone *old = &tree->zones[i];
        if (strcmp(old->key, zone->key) != 0)
            continue;
        bool better =
            (old->fd < 0) != (zone->fd < 0) ? old->fd < 0 : zone->rank < old->rank;
        int loser = better ? old->fd : zone->fd;
        if (loser >= 0)
            (void)close(loser);
        if (better)
            *old = *zone;
        return;
    }
    tree->zones[tree->n++] = *zone;
}

/* A sign that an empty tree may have been emptied for us. */
static bool in_container(const char *sysroot)
{
    static const char *const marks[] = {"/.dockerenv", "/run/.containerenv"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", sysroot, marks[i]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

/* Adds every entry of the folder; counts those that are listed but not to be seen. */
static int add_entries(struct ipm_powercap_tree *tree, DIR *folder, int *out_hidden,
                       struct ipm_why *why)
{
    for (const struct dirent *at; (at = readdir(folder)) != NULL;) {
        struct ipm_zone zone = {.fd = -1, .rank = control_rank(at->d_name)};
        if (zone.rank < 0)
            continue;
        if (strchr(at->d_name, ':') == NULL) {
            /* The control type itself: its link dangles where the devices are hidden. */
            if (faccessat(dirfd(folder), at->d_name, F_OK, 0) != 0)
                (*out_hidden)++;
            continue;
        }
        if (read_attribute(dirfd(folder), at->d_name, "name", zone.name,
                           sizeof(zone.name)) != 0) {
            (*out_hidden)++;
            continue;
        }
        if (!kind_of(zone.name, &zone.kind))
            continue;
        if (tree->n == IPM_ZONES)
            return ipm_why_set(why, -E2BIG, "more than %d powercap zones", IPM_ZONES);
        name_part(&zone, dirfd(folder), at->d_name);
        open_zone(&zone, dirfd(folder), at->d_name);
        add_zone(tree, &zone);
    }
    return 0;
}

/* Why a tree without an open counter is as it is. */
static int no_counter(const struct ipm_powercap_tree *tree, const char *sysroot,
                      int hidden, struct ipm_why *why)
{
    if (tree->n > 0) {
        if (why != NULL)
            *why = tree->zones[0].why;
        return tree->zones[0].error;
    }
    if (hidden > 0)
        return ipm_why_set(why, -ENODATA,
                           "sys/class/powercap lists zones that cannot be seen, as "
                           "containers hide them");
    if (in_container(sysroot))
        return ipm_why_set(why, -ENODATA,
                           "sys/class/powercap is empty inside this container");
    return ipm_why_set(why, -ENOENT,
                       "sys/class/powercap has no RAPL zone: no energy meter here");
}

int ipm_powercap_scan(struct ipm_powercap_tree *out_tree, const char *sysroot,
                      struct ipm_why *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/sys/class/powercap", sysroot);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT
                   ? ipm_why_set(why, -ENOENT,
                                 "no sys/class/powercap: no energy meter that the "
                                 "kernel knows")
                   : ipm_why_set(why, -errno, "sys/class/powercap: ");
    int hidden = 0;
    int open_counters = 0;
    out_tree->n = 0;
    int error = add_entries(out_tree, folder, &hidden, why);
    (void)closedir(folder);
    for (int i = 0; i < out_tree->n; i++)
        open_counters += out_tree->zones[i].fd >= 0;
    if (error == 0 && open_counters == 0)
        error = no_counter(out_tree, sysroot, hidden, why);
    if (error != 0)
        ipm_powercap_close(out_tree);
    return error;
}

void ipm_powercap_close(struct ipm_powercap_tree *tree)
{
    for (int i = 0; i < tree->n; i++) {
        if (tree->zones[i].fd >= 0)
            (void)close(tree->zones[i].fd);
    }
    tree->n = 0;
}
