/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/energy_zones.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MIRROR_UJ = 1000000 }; /* two reads of one counter are a few updates apart */

const char *const ipm_zone_kind_names[IPM_ZONE_KINDS] = {"package", "dram", "core",
                                                         "uncore",  "psys", "board"};

void ipm_zones_init(struct ipm_zones *zones)
{
    zones->n = 0;
    zones->n_rails = 0;
    zones->low = 0;
    zones->high = 0;
    zones->one_core = false;
}

void ipm_zones_close(struct ipm_zones *zones)
{
    for (int i = 0; i < zones->n; i++) {
        if (zones->zones[i].fd >= 0)
            (void)close(zones->zones[i].fd);
    }
    for (int i = 0; i < zones->n_rails; i++)
        (void)close(zones->rails[i].fd);
    zones->n = 0;
    zones->n_rails = 0;
}

int ipm_zones_open(const struct ipm_zones *zones)
{
    int open = 0;
    for (int i = 0; i < zones->n; i++)
        open += zones->zones[i].fd >= 0;
    return open;
}

int ipm_zones_add(struct ipm_zones *zones, const struct ipm_zone *zone,
                  struct ipm_why *why)
{
    for (int i = 0; i < zones->n; i++) {
        struct ipm_zone *old = &zones->zones[i];
        if (strcmp(old->key, zone->key) != 0)
            continue;
        bool better =
            (old->fd < 0) != (zone->fd < 0) ? old->fd < 0 : zone->rank < old->rank;
        int loser = better ? old->fd : zone->fd;
        if (loser >= 0)
            (void)close(loser);
        if (better)
            *old = *zone;
        return 0;
    }
    if (zones->n < IPM_ZONES) {
        zones->zones[zones->n++] = *zone;
        return 0;
    }
    if (zone->fd >= 0)
        (void)close(zone->fd);
    return ipm_why_set(why, -E2BIG, "more than %d energy counters", IPM_ZONES);
}

static bool near(const struct ipm_zone *zone, uint64_t a, uint64_t b)
{
    return (double)(a > b ? a - b : b - a) * zone->unit_uj <= MIRROR_UJ;
}

bool ipm_zones_mirror(const struct ipm_zone *one, const uint64_t one_ends[2],
                      const struct ipm_zone *other, const uint64_t other_ends[2])
{
    return one->kind == other->kind && one->mirror[0] != '\0' &&
           strcmp(one->mirror, other->mirror) == 0 && one->fd >= 0 && other->fd >= 0 &&
           near(one, one_ends[0], other_ends[0]) &&
           near(one, one_ends[1], other_ends[1]);
}

struct ipm_energy_counter ipm_zone_counter(const struct ipm_zone *zone)
{
    /* More than a part of that kind draws: told apart is what it used, and what a second
     * wrap or a reset of its counter made. */
    bool whole = zone->kind == IPM_ZONE_PSYS || zone->kind == IPM_ZONE_BOARD;
    double most_watts = whole ? 10000 : 1000;
    return (struct ipm_energy_counter){
        .name = zone->what,
        .unit_uj = zone->unit_uj,
        .range = zone->range,
        .most_watts = zone->most_watts > 0 ? zone->most_watts : most_watts};
}

int ipm_zone_read_text(const struct ipm_zone *zone, uint64_t *out_count)
{
    char text[32];
    ssize_t got = pread(zone->fd, text, sizeof(text) - 1, 0);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0')
        return -ENODATA;
    int64_t value = 0;
    if (ipm_parse_integer(text, &value, NULL) != 0 || value < 0)
        return -EPROTO;
    *out_count = (uint64_t)value;
    return 0;
}

int ipm_zone_attribute(int folder, const char *entry, const char *attribute, char *text,
                       size_t room)
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

void ipm_zone_refuse(struct ipm_zone *zone, int error)
{
    zone->fd = -1;
    zone->error =
        error == -EACCES || error == -EPERM
            ? ipm_why_set(&zone->why, error,
                          "%s may be read by root only (CVE-2020-8694)", zone->what)
        : error == -ENODATA ? ipm_why_set(&zone->why, error, "%s is empty", zone->what)
                            : ipm_why_set(&zone->why, error, "%s: ", zone->what);
}

void ipm_cpuinfo_field(const char *sysroot, const char *field, char *text, size_t room)
{
    char path[PATH_MAX];
    text[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL) {
        /* A tree without a cpuinfo of its own is a part of this machine's. */
        if (sysroot[0] != '\0')
            ipm_cpuinfo_field("", field, text, room);
        return;
    }
    ipm_auto_free char *line = NULL;
    size_t line_room = 0;
    size_t length = strlen(field);
    while (getline(&line, &line_room, file) > 0) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, field, length) != 0 || colon == NULL ||
            line + length + strspn(line + length, " \t") != colon)
            continue;
        (void)snprintf(text, room, "%.*s ", (int)strcspn(colon + 1, "\n"), colon + 1);
        return;
    }
}

/* The flags of a CPU are about 1.5 KiB today. */
enum { FLAGS_ROOM = 8192 };

bool ipm_under_hypervisor(const char *sysroot)
{
    char flags[FLAGS_ROOM];
    ipm_cpuinfo_field(sysroot, "flags", flags, sizeof(flags));
    return strstr(flags, " hypervisor ") != NULL;
}

bool ipm_cpu_is_amd(const char *sysroot)
{
    char vendor[32];
    ipm_cpuinfo_field(sysroot, "vendor_id", vendor, sizeof(vendor));
    return strcmp(vendor, " AuthenticAMD ") == 0 ||
           strcmp(vendor, " HygonGenuine ") == 0;
}
