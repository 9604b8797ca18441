/* SPDX-License-Identifier: MIT */
/*
 * powercap: energy by RAPL, as the kernel's powercap tree shows it.
 *
 * Two reads per zone and window: the descriptors stay open, and nothing is read while a
 * window runs.  So one wrap can be seen and a second one not; the window is held against
 * the counter's range at the most a zone can draw, and refused where a second wrap is
 * possible.  Counters move once a millisecond: below 100 ms the ends alone are an error of
 * a per cent, and the window is refused.
 *
 * Packages are added up, and so are their dram, core and uncore zones, but never across
 * kinds: core and uncore are inside package, psys holds them all.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "harness/worker/sensors/powercap_tree.h"
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIN_WINDOW_NS = 100000000,
    MIRROR_UJ = 1000000, /* two reads of one counter differ by a few updates at most */
};

static const struct ipm_sensor_row powercap_metrics[] = {
    [IPM_ZONE_PACKAGE] = {"energy_package_uj", "uJ"},
    [IPM_ZONE_DRAM] = {"energy_dram_uj", "uJ"},
    [IPM_ZONE_CORE] = {"energy_core_uj", "uJ"},
    [IPM_ZONE_UNCORE] = {"energy_uncore_uj", "uJ"},
    [IPM_ZONE_PSYS] = {"energy_psys_uj", "uJ"},
    {NULL, NULL},
};

static const char *const kind_names[] = {"package", "dram", "core", "uncore", "psys"};

struct reading {
    int error;
    int64_t energy_uj;
};

struct powercap_state {
    struct ipm_powercap_tree tree;
    bool attributed; /* a hypervisor answers for the meter */
    int64_t start_ns, stop_ns;
    struct reading start[IPM_ZONES], stop[IPM_ZONES];
};

/* Whether the CPU says that it is a virtual one.  A tree without a cpuinfo of its own is
 * a part of this machine's. */
static bool under_hypervisor(const char *sysroot)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return sysroot[0] != '\0' && under_hypervisor("");
    ipm_auto_free char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        if (strncmp(line, "flags", 5) != 0)
            continue;
        line[strcspn(line, "\n")] = ' ';
        return strstr(line, " hypervisor ") != NULL;
    }
    return false;
}

static int powercap_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct ipm_powercap_tree tree;
    int error = ipm_powercap_scan(&tree, context->sysroot, why);
    if (error == 0)
        ipm_powercap_close(&tree);
    return error;
}

static int powercap_open(void *state, const struct ipm_sensor_context *context,
                         struct ipm_why *why)
{
    struct powercap_state *self = state;
    self->attributed = under_hypervisor(context->sysroot);
    return ipm_powercap_scan(&self->tree, context->sysroot, why);
}

static void take(struct powercap_state *self, struct reading *readings)
{
    for (int i = 0; i < self->tree.n; i++) {
        if (self->tree.zones[i].fd >= 0)
            readings[i].error =
                ipm_powercap_read(self->tree.zones[i].fd, &readings[i].energy_uj);
    }
}

static void powercap_start(void *state)
{
    struct powercap_state *self = state;
    take(self, self->start);
    self->start_ns = ipm_now_ns();
}

static void powercap_stop(void *state)
{
    struct powercap_state *self = state;
    self->stop_ns = ipm_now_ns();
    take(self, self->stop);
}

/* More than any zone of the kind draws, in W: told apart is what it measured, and what a
 * second wrap or a reset of the counter made. */
static int64_t most_watts(enum ipm_zone_kind kind)
{
    return kind == IPM_ZONE_PSYS ? 10000 : 1000;
}

/* One zone's energy, under the name of its kind's metric. */
static struct ipm_metric zone_metric(const struct powercap_state *self, int i)
{
    const struct ipm_zone *zone = &self->tree.zones[i];
    const struct ipm_sensor_row *row = &powercap_metrics[zone->kind];
    int error = zone->error;
    error = error != 0 ? error : self->start[i].error;
    error = error != 0 ? error : self->stop[i].error;
    if (error != 0) {
        struct ipm_why why = zone->why;
        if (zone->error == 0)
            (void)ipm_why_set(&why, error, "energy_uj of %s: ", zone->key);
        return ipm_metric_failed(row->name, row->unit, "powercap", error, &why);
    }

    int64_t elapsed_ns = self->stop_ns - self->start_ns;
    int64_t start_uj = self->start[i].energy_uj;
    int64_t stop_uj = self->stop[i].energy_uj;
    /* 1 W is 1e-3 uJ per ns. */
    double most_uj = (double)elapsed_ns * (double)most_watts(zone->kind) / 1000;
    if (elapsed_ns < MIN_WINDOW_NS)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "too_short: a window of %lld ms, %d ms are needed",
                                  (long long)(elapsed_ns / 1000000),
                                  MIN_WINDOW_NS / 1000000);
    if (start_uj == 0 && stop_uj == 0)
        return ipm_metric_missing(
            row->name, row->unit, "powercap",
            "zero: energy_uj of %s reads 0, as behind hypervisors", zone->key);
    if (start_uj == stop_uj)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "stuck: energy_uj of %s did not move in %lld ms",
                                  zone->key, (long long)(elapsed_ns / 1000000));
    if (most_uj > (double)zone->range_uj)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "wrapped: %s may pass its range of %lld uJ more than "
                                  "once in %lld ms",
                                  zone->key, (long long)zone->range_uj,
                                  (long long)(elapsed_ns / 1000000));
    int64_t delta_uj = stop_uj - start_uj;
    if (delta_uj < 0)
        delta_uj += zone->range_uj;
    if (start_uj > zone->range_uj || stop_uj > zone->range_uj || delta_uj < 0 ||
        (double)delta_uj > most_uj)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "failed: %s went from %lld to %lld uJ: it was reset",
                                  zone->key, (long long)start_uj, (long long)stop_uj);
    return ipm_metric_value(row->name, row->unit, "powercap", (double)delta_uj);
}

/*
 * Some packages of several dies show the package's one counter once per die: two zones of
 * one package that read the same at both ends are one counter.
 */
static bool mirrors(const struct powercap_state *self, int a, int b)
{
    const struct ipm_zone *one = &self->tree.zones[a];
    const struct ipm_zone *other = &self->tree.zones[b];
    const char *die = strstr(one->key, "-die-");
    const char *other_die = strstr(other->key, "-die-");
    if (die == NULL || other_die == NULL || one->kind != other->kind || one->fd < 0 ||
        other->fd < 0 || die - one->key != other_die - other->key ||
        strncmp(one->key, other->key, (size_t)(die - one->key)) != 0)
        return false;
    return llabs(self->start[a].energy_uj - self->start[b].energy_uj) <= MIRROR_UJ &&
           llabs(self->stop[a].energy_uj - self->stop[b].energy_uj) <= MIRROR_UJ;
}

/* The sum over one kind of zone. */
static struct ipm_metric kind_metric(const struct powercap_state *self,
                                     enum ipm_zone_kind kind)
{
    const struct ipm_sensor_row *row = &powercap_metrics[kind];
    struct ipm_metric sum = ipm_metric_value(row->name, row->unit, "powercap", 0);
    int parts = 0;
    for (int i = 0; i < self->tree.n; i++) {
        bool counted = self->tree.zones[i].kind != kind;
        for (int before = 0; before < i && !counted; before++)
            counted = mirrors(self, i, before);
        if (counted)
            continue;
        struct ipm_metric part = zone_metric(self, i);
        ipm_metric_add(&sum, &part);
        parts++;
    }
    if (parts == 0)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "absent: this machine has no %s zone",
                                  kind_names[kind]);
    if (parts > 1 && kind == IPM_ZONE_PSYS)
        return ipm_metric_missing(row->name, row->unit, "powercap",
                                  "failed: %d psys zones, each may hold the platform",
                                  parts);
    return sum;
}

static size_t powercap_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    const struct powercap_state *self = state;
    size_t n = 0;
    for (int kind = 0; kind < IPM_ZONE_KINDS && n < room; kind++) {
        struct ipm_metric metric = kind_metric(self, (enum ipm_zone_kind)kind);
        (void)snprintf(metric.provenance, sizeof(metric.provenance), "%s",
                       metric.status != IPM_METRIC_OK ? "unavailable"
                       : self->attributed             ? "attributed"
                                                      : "measured");
        out_metrics[n++] = metric;
    }
    return n;
}

static void powercap_close(void *state)
{
    ipm_powercap_close(&((struct powercap_state *)state)->tree);
}

const struct ipm_sensor ipm_sensor_powercap = {
    .name = "powercap",
    .version = 1,
    .family = "energy",
    .summary = "energy of packages and memory by RAPL",
    .source = "powercap",
    .scope = IPM_SCOPE_SYSTEM,
    .pass = "energy",
    .min_window_ns = MIN_WINDOW_NS,
    .metrics = powercap_metrics,
    .state_size = sizeof(struct powercap_state),
    .probe = powercap_probe,
    .open = powercap_open,
    .start = powercap_start,
    .stop = powercap_stop,
    .read = powercap_read,
    .close = powercap_close,
};
