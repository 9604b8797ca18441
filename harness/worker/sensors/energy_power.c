/* SPDX-License-Identifier: MIT */
/*
 * energy_power: RAPL as perf's `power` PMU counts it.
 *
 * Preferred to powercap: the kernel scales, undoes the wraps by a timer of its own and
 * counts in 64 bits.  The events are of the whole machine: no task, one CPU of each die,
 * which the PMU names.  They count from their opening on, and a window is two reads.
 */
#include "base/process.h"
#include "harness/worker/sensors/energy_zones.h"
#include "harness/worker/sensors/perf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POWER "sys/bus/event_source/devices/power"

enum {
    CPUS = IPM_ZONES,
    SLACK_NS = 1000000, /* one update of the meter */
};

static const struct {
    const char *event;
    const char *name;
    enum ipm_zone_kind kind;
} events[] = {
    {"energy-pkg", "", IPM_ZONE_PACKAGE},    {"energy-ram", "dram", IPM_ZONE_DRAM},
    {"energy-cores", "core", IPM_ZONE_CORE}, {"energy-gpu", "uncore", IPM_ZONE_UNCORE},
    {"energy-psys", "psys", IPM_ZONE_PSYS},
};

static int attribute(const char *sysroot, const char *name, char *text, size_t room)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", sysroot, name);
    return ipm_read_file(path, text, room);
}

/* CPUs of a list as the kernel writes it, "0,8" or "0-1"; how many. */
static int parse_cpus(const char *list, int cpus[CPUS])
{
    int n = 0;
    for (const char *at = list; *at != '\0' && n < CPUS;) {
        char *end = NULL;
        long first = strtol(at, &end, 10);
        if (end == at)
            break;
        long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        for (long cpu = first; cpu <= last && n < CPUS; cpu++)
            cpus[n++] = (int)cpu;
        at = *end == ',' ? end + 1 : end + strlen(end);
    }
    return n;
}

static long topology(const char *sysroot, int cpu, const char *name, long fallback)
{
    char path[128];
    char text[24];
    (void)snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/%s", cpu,
                   name);
    return attribute(sysroot, path, text, sizeof(text)) == 0 ? strtol(text, NULL, 10)
                                                             : fallback;
}

/* What sysfs says of an event: its config, and the size of a count. */
static int look_up(const char *sysroot, const char *event, uint64_t *out_config,
                   double *out_unit_uj)
{
    char path[128];
    char text[64];
    (void)snprintf(path, sizeof(path), POWER "/events/%s", event);
    int error = attribute(sysroot, path, text, sizeof(text));
    if (error != 0)
        return error;
    if (strncmp(text, "event=", 6) != 0)
        return -EPROTO;
    *out_config = strtoull(text + 6, NULL, 0);
    (void)snprintf(path, sizeof(path), POWER "/events/%s.unit", event);
    error = attribute(sysroot, path, text, sizeof(text));
    if (error != 0)
        return error;
    if (strcmp(text, "Joules") != 0)
        return -EPROTO;
    (void)snprintf(path, sizeof(path), POWER "/events/%s.scale", event);
    error = attribute(sysroot, path, text, sizeof(text));
    if (error != 0)
        return error;
    *out_unit_uj = strtod(text, NULL) * 1e6;
    return *out_unit_uj > 0 ? 0 : -EPROTO;
}

static int refuse(struct ipm_zone *zone, int error, const char *sysroot)
{
    char level[16];
    if (attribute(sysroot, "proc/sys/kernel/perf_event_paranoid", level,
                  sizeof(level)) != 0)
        (void)snprintf(level, sizeof(level), "unreadable");
    if (error == -EACCES || error == -EPERM)
        return ipm_why_set(&zone->why, error,
                           "%s: perf_event_paranoid is %s, and events of the whole "
                           "machine want 0 or CAP_PERFMON",
                           zone->what, level);
    return ipm_why_set(&zone->why, error, "%s: ", zone->what);
}

static void open_event(struct ipm_zone *zone, uint32_t type, uint64_t config, int cpu,
                       const char *sysroot)
{
    struct perf_event_attr attributes = {
        .type = type,
        .size = sizeof(attributes),
        .config = config,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    zone->fd = ipm_perf_system->open(&attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (zone->fd < 0)
        zone->error = refuse(zone, -errno, sysroot);
}

/* The name of a CPU's part of the machine, or false: another CPU shows the same counter.
 * AMD has one counter per package, and kernels up to 6.10 list a CPU for each die. */
static bool name_part(const char *sysroot, const int *cpus, int n, int i, char *text,
                      size_t room)
{
    long package = topology(sysroot, cpus[i], "physical_package_id", i);
    int dies = 0;
    bool first = true;
    for (int other = 0; other < n; other++) {
        if (topology(sysroot, cpus[other], "physical_package_id", other) != package)
            continue;
        dies++;
        first = first && other >= i;
    }
    if (dies > 1 && !ipm_cpu_is_amd(sysroot)) {
        (void)snprintf(text, room, "package-%ld-die-%ld", package,
                       topology(sysroot, cpus[i], "die_id", i));
        return true;
    }
    (void)snprintf(text, room, "package-%ld", package);
    return first;
}

/* Opens the events of one CPU's part of the machine. */
static int add_events(struct ipm_zones *zones, const char *sysroot, uint32_t type,
                      int cpu, const char *part, struct ipm_why *why)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct ipm_zone zone = {.kind = events[i].kind, .fd = -1};
        uint64_t config = 0;
        int error = look_up(sysroot, events[i].event, &config, &zone.unit_uj);
        if (error == -ENOENT)
            continue;
        bool whole = events[i].name[0] == '\0';
        (void)snprintf(zone.name, sizeof(zone.name), "%.31s",
                       whole ? part : events[i].name);
        (void)snprintf(zone.key, sizeof(zone.key), "%.48s%s%s", part, whole ? "" : "/",
                       events[i].name);
        (void)snprintf(zone.what, sizeof(zone.what), "%s of %.48s", events[i].event,
                       part);
        if (error != 0)
            ipm_zone_refuse(&zone, error);
        else
            open_event(&zone, type, config, cpu, sysroot);
        error = ipm_zones_add(zones, &zone, why);
        if (error != 0)
            return error;
    }
    return 0;
}

static int power_scan(struct ipm_zones *out_zones,
                      const struct ipm_sensor_context *context, struct ipm_why *why)
{
    const char *sysroot = context->sysroot;
    char text[256];
    int cpus[CPUS];
    int error = attribute(sysroot, POWER "/type", text, sizeof(text));
    if (error != 0)
        return ipm_why_set(why, error, "no perf PMU 'power' here (" POWER "/type): ");
    /* The number would be that of another PMU, or of none, on the machine that runs. */
    if (sysroot[0] != '\0' && !ipm_perf_system->any_sysroot)
        return ipm_why_set(why, -ENOENT,
                           "the tree has a perf PMU 'power', whose events only its own "
                           "machine can open");
    uint32_t type = (uint32_t)strtoul(text, NULL, 10);
    error = attribute(sysroot, POWER "/cpumask", text, sizeof(text));
    if (error != 0)
        return ipm_why_set(why, error, POWER "/cpumask: ");
    int n = parse_cpus(text, cpus);
    ipm_zones_init(out_zones);
    out_zones->one_core = ipm_cpu_is_amd(sysroot);
    for (int i = 0; i < n && error == 0; i++) {
        char part[64];
        if (name_part(sysroot, cpus, n, i, part, sizeof(part)))
            error = add_events(out_zones, sysroot, type, cpus[i], part, why);
    }
    if (error == 0 && out_zones->n == 0)
        error = ipm_why_set(why, -ENOENT, "perf's PMU 'power' has no energy event");
    if (error == 0 && ipm_zones_open(out_zones) == 0) {
        error = out_zones->zones[0].error;
        if (why != NULL)
            *why = out_zones->zones[0].why;
    }
    if (error != 0)
        ipm_zones_close(out_zones);
    return error;
}

static int power_read(const struct ipm_zone *zone, uint64_t *out_count)
{
    struct ipm_perf_sample sample;
    ssize_t got = ipm_perf_system->read(zone->fd, &sample, sizeof(sample));
    if (got != (ssize_t)sizeof(sample))
        return got < 0 ? -errno : -EPROTO;
    /* Between its being enabled and its first run lies the opening itself. */
    if (sample.enabled_ns > sample.running_ns + SLACK_NS)
        return -EPROTO;
    *out_count = sample.value;
    return 0;
}

const struct ipm_energy_source ipm_energy_power = {
    .name = "power",
    .provenance = "measured",
    .scan = power_scan,
    .read = power_read,
};
