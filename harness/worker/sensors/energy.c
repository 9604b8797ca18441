/* SPDX-License-Identifier: MIT */
/*
 * energy: joules of a window by the one source that was chosen (energy_zones.h).
 *
 * Two reads per zone and window: the descriptors stay open, and nothing is read while a
 * window runs.  What two reads can say is base/energy_counter.h's.
 *
 * Packages are added up, and so are their dram, core and uncore zones, but never across
 * kinds: core and uncore are inside package, psys holds them all, and of a board's rails
 * nobody knows which holds which.
 */
#include "base/clock.h"
#include "harness/worker/sensors/energy_zones.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct ipm_sensor_row energy_metrics[] = {
    [IPM_ZONE_PACKAGE] = {"energy_package_uj", "uJ"},
    [IPM_ZONE_DRAM] = {"energy_dram_uj", "uJ"},
    [IPM_ZONE_CORE] = {"energy_core_uj", "uJ"},
    [IPM_ZONE_UNCORE] = {"energy_uncore_uj", "uJ"},
    [IPM_ZONE_PSYS] = {"energy_psys_uj", "uJ"},
    [IPM_ZONE_BOARD] = {"energy_board_uj", "uJ"},
    {NULL, NULL},
};

enum { START, STOP, ENDS };

struct reading {
    int error;
    uint64_t counts[ENDS];
};

struct rail_reading {
    int error;
    uint64_t power_uw[ENDS];
};

struct energy_state {
    const struct ipm_energy_source *source; /* NULL: the driver's simulated meter */
    const char *provenance;
    struct ipm_zones zones;
    int64_t times_ns[ENDS];
    struct reading readings[IPM_ZONES];
    struct rail_reading rails[IPM_RAILS];
};

static int energy_probe(const struct ipm_sensor_context *context, struct ipm_why *why)
{
    struct ipm_zones zones;
    const struct ipm_energy_source *source = NULL;
    int error = ipm_energy_choose(&zones, context, &source, why);
    if (error == 0)
        ipm_zones_close(&zones);
    return error;
}

static int energy_open(void *state, const struct ipm_sensor_context *context,
                       struct ipm_why *why)
{
    struct energy_state *self = state;
    int error = ipm_energy_choose(&self->zones, context, &self->source, why);
    if (error == 0 && self->source != NULL)
        self->provenance = ipm_energy_provenance(self->source, context);
    return error;
}

static void take(struct energy_state *self, int end)
{
    for (int i = 0; i < self->zones.n; i++) {
        struct reading *reading = &self->readings[i];
        int error =
            self->zones.zones[i].fd < 0
                ? 0
                : self->source->read(&self->zones.zones[i], &reading->counts[end]);
        if (end == START || reading->error == 0)
            reading->error = error;
    }
    for (int i = 0; i < self->zones.n_rails; i++) {
        struct rail_reading *reading = &self->rails[i];
        const struct ipm_zone input = {.fd = self->zones.rails[i].fd};
        int error = ipm_zone_read_text(&input, &reading->power_uw[end]);
        if (end == START || reading->error == 0)
            reading->error = error;
    }
}

static void energy_start(void *state)
{
    struct energy_state *self = state;
    take(self, START);
    self->times_ns[START] = ipm_now_ns();
}

static void energy_stop(void *state)
{
    struct energy_state *self = state;
    self->times_ns[STOP] = ipm_now_ns();
    take(self, STOP);
}

/* One zone's energy, under a name. */
static struct ipm_metric zone_metric(const struct energy_state *self, int i,
                                     const char *name)
{
    const struct ipm_zone *zone = &self->zones.zones[i];
    const struct reading *reading = &self->readings[i];
    int error = zone->error != 0 ? zone->error : reading->error;
    if (error != 0) {
        struct ipm_why why = zone->why;
        if (zone->error == 0)
            (void)ipm_why_set(&why, error, "%s: ", zone->what);
        return ipm_metric_failed(name, "uJ", self->source->name, error, &why);
    }
    const struct ipm_energy_counter counter = ipm_zone_counter(zone);
    const struct ipm_energy_window window = {.start = reading->counts[START],
                                             .stop = reading->counts[STOP],
                                             .elapsed_ns = self->times_ns[STOP] -
                                                           self->times_ns[START]};
    return ipm_energy_metric(name, self->source->name, self->provenance, &counter,
                             &window);
}

/* Whether a zone before this one is the same counter. */
static bool is_double(const struct energy_state *self, int i)
{
    for (int before = 0; before < i; before++) {
        if (ipm_zones_mirror(&self->zones.zones[i], self->readings[i].counts,
                             &self->zones.zones[before], self->readings[before].counts))
            return true;
    }
    return false;
}

/* The sum over one kind of zone. */
static struct ipm_metric kind_metric(const struct energy_state *self,
                                     enum ipm_zone_kind kind)
{
    const char *name = energy_metrics[kind].name;
    const char *source = self->source->name;
    struct ipm_metric sum = ipm_metric_value(name, "uJ", source, 0);
    int parts = 0;
    for (int i = 0; i < self->zones.n; i++) {
        if (self->zones.zones[i].kind != kind || is_double(self, i))
            continue;
        struct ipm_metric part = zone_metric(self, i, name);
        ipm_metric_add(&sum, &part);
        parts++;
    }
    if (parts == 0)
        return ipm_metric_missing(name, "uJ", source, "absent: %s has no %s zone here",
                                  source, ipm_zone_kind_names[kind]);
    if (parts > 1 && (kind == IPM_ZONE_PSYS || kind == IPM_ZONE_BOARD))
        return ipm_metric_missing(name, "uJ", source,
                                  "failed: %d %s counters, each may hold another",
                                  parts, ipm_zone_kind_names[kind]);
    if (kind == IPM_ZONE_CORE && self->zones.one_core)
        return ipm_metric_missing(name, "uJ", source,
                                  "absent: AMD's core counter is one core's, read on "
                                  "one CPU of each package");
    return sum;
}

struct list {
    struct ipm_metric *metrics;
    size_t n, room;
};

static void append(struct list *list, const struct energy_state *self,
                   struct ipm_metric metric, const char *provenance)
{
    if (list->n == list->room)
        return;
    (void)snprintf(metric.provenance, sizeof(metric.provenance), "%s",
                   metric.status != IPM_METRIC_OK ? "unavailable"
                   : provenance != NULL           ? provenance
                                                  : self->provenance);
    list->metrics[list->n++] = metric;
}

/* The rails of a board one by one, since they are not added. */
static void append_rails(struct list *list, const struct energy_state *self)
{
    static const char *const ends[ENDS] = {"before", "after"};
    char name[sizeof(list->metrics->name)];
    for (int i = 0; i < self->zones.n; i++) {
        if (self->zones.zones[i].kind != IPM_ZONE_BOARD)
            continue;
        (void)snprintf(name, sizeof(name), "energy_rail_%.23s_uj",
                       self->zones.zones[i].name);
        append(list, self, zone_metric(self, i, name), NULL);
    }
    for (int i = 0; i < self->zones.n_rails; i++) {
        const struct rail_reading *reading = &self->rails[i];
        for (int end = 0; end < ENDS; end++) {
            struct ipm_why why = {.error = 0};
            (void)snprintf(name, sizeof(name), "power_%s_%s_uw",
                           self->zones.rails[i].label, ends[end]);
            if (reading->error != 0)
                (void)ipm_why_set(&why, reading->error,
                                  "power input of %s: ", self->zones.rails[i].label);
            append(list, self,
                   reading->error != 0
                       ? ipm_metric_failed(name, "uW", self->source->name,
                                           reading->error, &why)
                       : ipm_metric_value(name, "uW", self->source->name,
                                          (double)reading->power_uw[end]),
                   "measured_coarse");
        }
    }
}

/* The ends of an estimate. */
static void append_range(struct list *list, const struct energy_state *self,
                         const struct ipm_metric *typical)
{
    const struct {
        const char *name;
        double factor;
    } ends[] = {{"energy_package_low_uj", self->zones.low},
                {"energy_package_high_uj", self->zones.high}};
    for (size_t i = 0; i < 2; i++) {
        struct ipm_metric end = *typical;
        (void)snprintf(end.name, sizeof(end.name), "%s", ends[i].name);
        end.value *= ends[i].factor;
        append(list, self, end, NULL);
    }
}

static size_t energy_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    const struct energy_state *self = state;
    struct list list = {.metrics = out_metrics, .room = room};
    for (int kind = 0; kind < IPM_ZONE_KINDS; kind++) {
        const char *name = energy_metrics[kind].name;
        append(
            &list, self,
            self->source == NULL
                ? ipm_metric_missing(name, "uJ", "simulated",
                                     "absent: the worker has no meter that simulates")
                : kind_metric(self, (enum ipm_zone_kind)kind),
            NULL);
    }
    if (self->source != NULL && room > 0) {
        append_rails(&list, self);
        if (self->zones.high > 0)
            append_range(&list, self, &out_metrics[IPM_ZONE_PACKAGE]);
    }
    return list.n;
}

static void energy_close(void *state)
{
    ipm_zones_close(&((struct energy_state *)state)->zones);
}

const struct ipm_sensor ipm_sensor_energy = {
    .name = "energy",
    .version = 1,
    .family = "energy",
    .summary = "energy by perf's power PMU, powercap or hwmon",
    .source = "energy",
    .scope = IPM_SCOPE_SYSTEM,
    .pass = "energy",
    .min_window_ns = IPM_ENERGY_MIN_WINDOW_NS,
    .metrics = energy_metrics,
    .state_size = sizeof(struct energy_state),
    .probe = energy_probe,
    .open = energy_open,
    .start = energy_start,
    .stop = energy_stop,
    .read = energy_read,
    .close = energy_close,
};
