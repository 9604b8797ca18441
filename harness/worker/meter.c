/* SPDX-License-Identifier: MIT */
#include "harness/worker/meter.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOOK_NS = 50000000,
    TIGHT_NS = 50000000,
    WINDOW_NS = 110000000,
    SAMPLE_NS = 5000000, /* while it spins anyway */
    SOURCES = 4,
    /* A meter of one update a second shows a second's energy in one window; the limit on
     * what a part can draw is to let that pass. */
    LENIENT_NS = 2000000000,
};

struct steps {
    uint64_t last;
    bool begun;
    int n; /* changes seen */
    int64_t first_ns, last_ns;
};

struct examination {
    int n;
    struct ipm_meter_source meters[SOURCES];
    struct steps tight[SOURCES], spun[SOURCES];
    uint64_t counts[SOURCES][IPM_ZONES]; /* at the end of the last window */
    int64_t at_ns[SOURCES];
};

static void sleep_until(int64_t time_ns)
{
    struct timespec time = ipm_timespec(time_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0)
        continue;
}

/* The zone whose updates are timed: the first that is open. */
static const struct ipm_zone *timed_zone(const struct ipm_meter_source *meter)
{
    for (int i = 0; i < meter->zones.n; i++) {
        if (meter->zones.zones[i].fd >= 0)
            return &meter->zones.zones[i];
    }
    return NULL;
}

static void step(struct steps *steps, const struct ipm_meter_source *meter)
{
    const struct ipm_zone *zone = timed_zone(meter);
    uint64_t count = 0;
    if (zone == NULL || meter->source->read(zone, &count) != 0)
        return;
    if (steps->begun && count != steps->last) {
        int64_t now_ns = ipm_now_ns();
        if (steps->n++ == 0)
            steps->first_ns = now_ns;
        steps->last_ns = now_ns;
    }
    steps->begun = true;
    steps->last = count;
}

/* Reads every open zone of a source. */
static void look(struct ipm_meter_source *meter, uint64_t counts[IPM_ZONES])
{
    for (int i = 0; i < meter->zones.n; i++) {
        const struct ipm_zone *zone = &meter->zones.zones[i];
        int error = zone->fd < 0 ? 0 : meter->source->read(zone, &counts[i]);
        if (error != 0 && meter->seen[i].error == 0)
            meter->seen[i].error = error;
    }
}

static void take_looks(struct examination *all)
{
    uint64_t counts[IPM_ZONES] = {0};
    for (int at = 0; at < IPM_METER_LOOKS; at++) {
        if (at > 0)
            sleep_until(ipm_now_ns() + LOOK_NS);
        for (int i = 0; i < all->n; i++) {
            struct ipm_meter_source *meter = &all->meters[i];
            look(meter, counts);
            for (int zone = 0; zone < meter->zones.n; zone++)
                meter->seen[zone].looks[at] = counts[zone];
        }
    }
}

static void take_tight_loops(struct examination *all)
{
    for (int i = 0; i < all->n; i++) {
        int64_t end_ns = ipm_now_ns() + TIGHT_NS;
        while (timed_zone(&all->meters[i]) != NULL && ipm_now_ns() < end_ns)
            step(&all->tight[i], &all->meters[i]);
    }
}

/* Sleeps, or spins, to a time. */
static void pass_time(struct examination *all, bool spin, int64_t end_ns)
{
    if (!spin) {
        sleep_until(end_ns);
        return;
    }
    int64_t sample_ns = 0;
    for (int64_t now_ns = 0; (now_ns = ipm_now_ns()) < end_ns;) {
        if (now_ns < sample_ns)
            continue;
        for (int i = 0; i < all->n; i++)
            step(&all->spun[i], &all->meters[i]);
        sample_ns = now_ns + SAMPLE_NS;
    }
}

static double window_uj(const struct ipm_zone *zone, uint64_t start, uint64_t stop)
{
    const struct ipm_energy_counter counter = ipm_zone_counter(zone);
    const struct ipm_energy_window window = {start, stop, LENIENT_NS};
    double energy_uj = 0;
    switch (ipm_energy_delta(&counter, &window, &energy_uj, NULL)) {
    case IPM_ENERGY_OK:
        return energy_uj;
    case IPM_ENERGY_ZERO:
    case IPM_ENERGY_STUCK:
        return 0;
    default:
        return -1;
    }
}

/* Reads all sources at the end of window @at, which is the start of the next; -1: the
 * start of the first. */
static void end_window(struct examination *all, int at)
{
    for (int i = 0; i < all->n; i++) {
        struct ipm_meter_source *meter = &all->meters[i];
        uint64_t counts[IPM_ZONES] = {0};
        int64_t before_ns = ipm_now_ns();
        look(meter, counts);
        int64_t now_ns = before_ns + (ipm_now_ns() - before_ns) / 2;
        for (int zone = 0; zone < meter->zones.n; zone++) {
            struct ipm_meter_zone *seen = &meter->seen[zone];
            seen->ends[at < 0 ? 0 : 1] = counts[zone];
            if (at >= 0)
                seen->energy_uj[at] = window_uj(&meter->zones.zones[zone],
                                                all->counts[i][zone], counts[zone]);
            all->counts[i][zone] = counts[zone];
        }
        if (at >= 0)
            meter->elapsed_ns[at] = now_ns - all->at_ns[i];
        all->at_ns[i] = now_ns;
    }
}

static void take_windows(struct examination *all)
{
    end_window(all, -1);
    for (int at = 0; at < IPM_METER_WINDOWS; at++) {
        pass_time(all, at >= IPM_METER_IDLE, ipm_now_ns() + WINDOW_NS);
        end_window(all, at);
    }
}

/* The time between two updates, by the finest view that saw two of them. */
static int64_t period_of(const struct ipm_meter_source *meter,
                         const struct steps *tight, const struct steps *spun)
{
    if (tight->n >= 2)
        return (tight->last_ns - tight->first_ns) / (tight->n - 1);
    if (spun->n >= 2)
        return (spun->last_ns - spun->first_ns) / (spun->n - 1);
    const struct ipm_zone *zone = timed_zone(meter);
    int moved = 0;
    int64_t span_ns = 0;
    for (int at = 0; zone != NULL && at < IPM_METER_WINDOWS; at++) {
        moved += meter->seen[zone - meter->zones.zones].energy_uj[at] != 0;
        span_ns += meter->elapsed_ns[at];
    }
    return moved > 0 ? span_ns / moved : 0;
}

/* The word that names one source; NULL: all of them. */
static const char *named_source(const json_t *sensing)
{
    const char *word = json_string_value(json_object_get(sensing, "energy"));
    return word == NULL || strcmp(word, "auto") == 0 ? NULL : word;
}

static void scan_all(struct examination *all, const struct ipm_sensor_context *context)
{
    const char *named = named_source(context->sensing);
    if (json_is_object(json_object_get(context->sensing, "energy")))
        return; /* no meter of this machine: an estimate, or a simulated one */
    for (const struct ipm_energy_source *const *at = ipm_energy_sources;
         *at != NULL && all->n < SOURCES; at++) {
        if ((*at)->by_name_only || (named != NULL && strcmp((*at)->name, named) != 0))
            continue;
        struct ipm_meter_source *meter = &all->meters[all->n++];
        meter->source = *at;
        meter->error = (*at)->scan(&meter->zones, context, &meter->why);
        if (meter->error != 0)
            ipm_zones_init(&meter->zones);
    }
}

/* Why no source is accepted: why none opens, or what speaks against the one that does. */
static json_t *no_source(const struct ipm_sensor_context *context,
                         const json_t *sources)
{
    struct ipm_zones zones;
    const struct ipm_energy_source *source = NULL;
    struct ipm_why why = {.error = 0};
    int error = ipm_energy_choose(&zones, context, &source, &why);
    if (error != 0)
        return json_sprintf("%s: %s", ipm_why_class(error), why.text);
    ipm_zones_close(&zones);
    size_t i;
    const json_t *verdict;
    json_array_foreach(sources, i, verdict)
    {
        const char *name = json_string_value(json_object_get(verdict, "source"));
        if (source != NULL && strcmp(name, source->name) == 0)
            return json_copy(json_object_get(verdict, "reason"));
    }
    return json_null();
}

/* "estimated" or "simulated", where it is asked for as it should be; else NULL. */
static const char *by_request(const struct ipm_sensor_context *context)
{
    struct ipm_zones zones;
    const struct ipm_energy_source *source = NULL;
    if (!json_is_object(json_object_get(context->sensing, "energy")) ||
        ipm_energy_choose(&zones, context, &source, NULL) != 0)
        return NULL;
    ipm_zones_close(&zones);
    return source != NULL ? source->name : "simulated";
}

static void conclude(struct examination *all, const struct ipm_sensor_context *context,
                     json_t *document)
{
    static const char *const filtering[] = {"none", "off", "on", "unknown"};
    char text[120];
    const char *chosen = by_request(context);
    json_t *sources = json_array();
    for (int i = 0; i < all->n; i++) {
        struct ipm_meter_source *meter = &all->meters[i];
        meter->period_ns = period_of(meter, &all->tight[i], &all->spun[i]);
        json_t *verdict =
            ipm_meter_verdict(meter, context, named_source(context->sensing) != NULL);
        if (chosen == NULL && json_is_true(json_object_get(verdict, "accepted")))
            chosen = meter->source->name;
        (void)json_array_append_new(sources, verdict);
        ipm_zones_close(&meter->zones);
    }
    (void)json_object_set_new(document, "chosen",
                              chosen != NULL ? json_string(chosen) : json_null());
    (void)json_object_set_new(
        document, "reason", chosen != NULL ? json_null() : no_source(context, sources));
    (void)json_object_set_new(document, "hypervisor",
                              json_boolean(ipm_under_hypervisor(context->sysroot)));
    (void)json_object_set_new(
        document, "filtering",
        json_string(
            filtering[ipm_energy_filtering(context->sysroot, text, sizeof(text))]));
    (void)json_object_set_new(document, "sources", sources);
}

json_t *ipm_meter_examine(const char *sysroot, const json_t *sensing)
{
    const struct ipm_sensor_context context = {.sysroot = sysroot,
                                               .pass = "energy",
                                               .window_ns = LENIENT_NS,
                                               .sensing = sensing};
    ipm_auto_free struct examination *all = calloc(1, sizeof(*all));
    json_t *document = json_object();
    if (all == NULL || document == NULL)
        return document;
    int64_t begun_ns = ipm_now_ns();
    int open = 0;
    scan_all(all, &context);
    for (int i = 0; i < all->n; i++)
        open += ipm_zones_open(&all->meters[i].zones);
    if (open > 0) {
        take_looks(all);
        take_tight_loops(all);
        take_windows(all);
    }
    conclude(all, &context, document);
    (void)json_object_set_new(document, "examined_ns",
                              json_integer(ipm_now_ns() - begun_ns));
    return document;
}
