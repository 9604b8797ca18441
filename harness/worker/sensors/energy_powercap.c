/* SPDX-License-Identifier: MIT */
/*
 * energy_powercap: RAPL as the kernel's powercap tree shows it, each part of the machine
 * once.
 *
 * The flat folder lists a tree: a package contains core and uncore, dram stands beside
 * them, psys contains everything.  Zones are told by their `name`, never by their number,
 * and the same package may be listed twice, by MSR and by MMIO, or once per die.
 */
#include "base/cleanup.h"
#include "base/units.h"
#include "harness/worker/sensors/energy_zones.h"

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
    if (nested &&
        ipm_zone_attribute(folder, above, "name", parent, sizeof(parent)) != 0)
        (void)snprintf(parent, sizeof(parent), "?");
    (void)snprintf(zone->key, sizeof(zone->key), "%s%s%s", parent, nested ? "/" : "",
                   zone->name);
    /* Some packages of several dies show the package's one counter once per die. */
    const char *die = strstr(zone->key, "-die-");
    if (die != NULL)
        (void)snprintf(zone->mirror, sizeof(zone->mirror), "%.*s%s",
                       (int)(die - zone->key), zone->key,
                       nested ? strchr(zone->key, '/') : "");
}

/* Opens a zone's counter; what fails is kept in the zone. */
static void open_zone(struct ipm_zone *zone, int folder, const char *entry)
{
    char path[PATH_MAX];
    uint64_t ignored = 0;
    (void)snprintf(zone->what, sizeof(zone->what), "energy_uj of %s", zone->key);
    (void)snprintf(path, sizeof(path), "%s/energy_uj", entry);
    zone->fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    ipm_auto_fd int fd = zone->fd;
    int error = fd < 0 ? -errno : ipm_zone_read_text(zone, &ignored);
    if (error != 0) {
        ipm_zone_refuse(zone, error);
        return;
    }
    char text[32];
    int64_t range_uj = 0;
    error =
        ipm_zone_attribute(folder, entry, "max_energy_range_uj", text, sizeof(text));
    if (error == 0 && (ipm_parse_integer(text, &range_uj, NULL) != 0 || range_uj <= 0))
        error = -EPROTO;
    if (error != 0) {
        zone->fd = -1;
        zone->error = ipm_why_set(&zone->why, error,
                                  "max_energy_range_uj of %s, without which a wrap "
                                  "cannot be told: ",
                                  zone->key);
        return;
    }
    zone->unit_uj = 1;
    zone->range = (uint64_t)range_uj;
    zone->fd = ipm_steal_fd(&fd);
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
static int add_entries(struct ipm_zones *zones, DIR *folder, int *out_hidden,
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
        if (ipm_zone_attribute(dirfd(folder), at->d_name, "name", zone.name,
                               sizeof(zone.name)) != 0) {
            (*out_hidden)++;
            continue;
        }
        if (!kind_of(zone.name, &zone.kind))
            continue;
        name_part(&zone, dirfd(folder), at->d_name);
        open_zone(&zone, dirfd(folder), at->d_name);
        int error = ipm_zones_add(zones, &zone, why);
        if (error != 0)
            return error;
    }
    return 0;
}

/* Why a tree without an open counter is as it is. */
static int no_counter(const struct ipm_zones *zones, const char *sysroot, int hidden,
                      struct ipm_why *why)
{
    if (zones->n > 0) {
        if (why != NULL)
            *why = zones->zones[0].why;
        return zones->zones[0].error;
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

static int powercap_scan(struct ipm_zones *out_zones,
                         const struct ipm_sensor_context *context, struct ipm_why *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/sys/class/powercap", context->sysroot);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT
                   ? ipm_why_set(why, -ENOENT,
                                 "no sys/class/powercap: no energy meter that the "
                                 "kernel knows")
                   : ipm_why_set(why, -errno, "sys/class/powercap: ");
    int hidden = 0;
    ipm_zones_init(out_zones);
    out_zones->one_core = ipm_cpu_is_amd(context->sysroot);
    int error = add_entries(out_zones, folder, &hidden, why);
    (void)closedir(folder);
    if (error == 0 && ipm_zones_open(out_zones) == 0)
        error = no_counter(out_zones, context->sysroot, hidden, why);
    if (error != 0)
        ipm_zones_close(out_zones);
    return error;
}

const struct ipm_energy_source ipm_energy_powercap = {
    .name = "powercap",
    .provenance = "measured",
    .scan = powercap_scan,
    .read = ipm_zone_read_text,
};
