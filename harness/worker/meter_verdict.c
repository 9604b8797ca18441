/* SPDX-License-Identifier: MIT */
#include "harness/worker/meter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    FINE_NS = 20000000,    /* RAPL's 1 ms with room for a late reader */
    STAIRS_NS = 500000000, /* a hypervisor's 1 s or 2 s */
};

struct verdict {
    json_t *tests;
    char against
        [176]; /* the first thing that speaks against it, "CLASS: text"; "": none */
    char doubt[176]; /* the first that the user may overrule by the source's name */
    const char *provenance;
};

/* Notes one test.  @class NULL: passed. */
__attribute__((format(printf, 5, 6))) static void note(struct verdict *verdict,
                                                       const char *name,
                                                       const char *class, bool overrule,
                                                       const char *format, ...)
{
    char text[152];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    json_t *test = json_object();
    (void)json_object_set_new(test, "name", json_string(name));
    (void)json_object_set_new(test, "ok", json_boolean(class == NULL));
    (void)json_object_set_new(test, "text", ipm_json_text(text));
    (void)json_array_append_new(verdict->tests, test);
    char *slot = overrule ? verdict->doubt : verdict->against;
    if (class != NULL && slot[0] == '\0')
        (void)snprintf(slot, sizeof(verdict->doubt), "%s: %s", class, text);
}

/* The kind whose sum is the source's power. */
static enum ipm_zone_kind power_kind(const struct ipm_meter_source *meter)
{
    static const enum ipm_zone_kind order[] = {IPM_ZONE_PACKAGE, IPM_ZONE_BOARD,
                                               IPM_ZONE_PSYS, IPM_ZONE_DRAM};
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (int i = 0; i < meter->zones.n; i++) {
            if (meter->zones.zones[i].kind == order[k])
                return order[k];
        }
    }
    return IPM_ZONE_CORE;
}

/* Whether a zone stands for itself, not for one before it. */
static bool counts(const struct ipm_meter_source *meter, int i)
{
    for (int before = 0; before < i; before++) {
        if (ipm_zones_mirror(&meter->zones.zones[i], meter->seen[i].ends,
                             &meter->zones.zones[before], meter->seen[before].ends))
            return false;
    }
    return true;
}

/* Power in W in window @at: of zone @only, or with -1 of all that make the source's. */
static double window_w(const struct ipm_meter_source *meter, int only, int at)
{
    double sum_uj = 0;
    enum ipm_zone_kind kind = power_kind(meter);
    for (int i = 0; i < meter->zones.n; i++) {
        if (only >= 0 ? i == only
                      : meter->zones.zones[i].kind == kind && counts(meter, i))
            sum_uj += meter->seen[i].energy_uj[at];
    }
    return meter->elapsed_ns[at] > 0 ? sum_uj * 1000 / (double)meter->elapsed_ns[at]
                                     : 0;
}

static double mean_w(const struct ipm_meter_source *meter, int only, int first, int n)
{
    double sum = 0;
    for (int at = first; at < first + n; at++)
        sum += window_w(meter, only, at);
    return sum / n;
}

static double sigma_w(const struct ipm_meter_source *meter)
{
    double mean = mean_w(meter, -1, 0, IPM_METER_IDLE);
    double sum = 0;
    for (int at = 0; at < IPM_METER_IDLE; at++) {
        double off = window_w(meter, -1, at) - mean;
        sum += off * off;
    }
    return sqrt(sum / (IPM_METER_IDLE - 1));
}

static int zone_error(const struct ipm_meter_source *meter, int i)
{
    int error = meter->zones.zones[i].error;
    return error != 0 ? error : meter->seen[i].error;
}

static void test_readable(struct verdict *verdict, const struct ipm_meter_source *meter)
{
    int lost = 0;
    for (int i = 0; i < meter->zones.n; i++) {
        const struct ipm_zone *zone = &meter->zones.zones[i];
        int error = zone_error(meter, i);
        lost += error != 0;
        if (error == 0 || zone->kind != power_kind(meter))
            continue;
        if (zone->error != 0)
            note(verdict, "readable", ipm_why_class(error), false, "%.150s",
                 zone->why.text);
        else
            note(verdict, "readable", ipm_why_class(error), false, "%s: %s", zone->what,
                 strerror(-error));
        return;
    }
    note(verdict, "readable", NULL, false, "%d of %d counters", meter->zones.n - lost,
         meter->zones.n);
}

/* A zone that is 0, that never moved, or that stood still between two looks. */
static void test_looks(struct verdict *verdict, const struct ipm_meter_source *meter)
{
    const char *zero = NULL;
    const char *still = NULL; /* between two looks */
    const char *stuck = NULL; /* all the time, which is worse */
    const char *reset = NULL;
    for (int i = 0; i < meter->zones.n; i++) {
        const struct ipm_zone *zone = &meter->zones.zones[i];
        const struct ipm_meter_zone *seen = &meter->seen[i];
        if (zone->kind != power_kind(meter) || zone_error(meter, i) != 0)
            continue;
        bool moved = false;
        for (int at = 0; at < IPM_METER_WINDOWS; at++) {
            moved = moved || seen->energy_uj[at] > 0;
            if (seen->energy_uj[at] < 0)
                reset = zone->what;
        }
        if (seen->ends[0] == 0 && seen->ends[1] == 0)
            zero = zone->what;
        if (seen->looks[0] == seen->looks[1] || seen->looks[1] == seen->looks[2]) {
            still = zone->what;
            stuck = stuck == NULL && !moved ? zone->what : stuck;
        }
    }
    note(verdict, "not_zero", zero != NULL ? "zero" : NULL, false, "%s %s",
         zero != NULL ? zero : "all counters",
         zero != NULL ? "reads 0" : "are above 0");
    note(verdict, "rising",
         still == NULL   ? NULL
         : stuck != NULL ? "stuck"
                         : "coarse",
         stuck == NULL, "%s %s over three looks 50 ms apart",
         stuck != NULL   ? stuck
         : still != NULL ? still
                         : "all",
         still != NULL ? "did not rise" : "rise");
    note(verdict, "no_reset", reset != NULL ? "failed" : NULL, false, "%s %s",
         reset != NULL ? reset : "no counter",
         reset != NULL ? "went where no consumption takes it" : "was reset");
}

/* Updates so rare that a window of the examination may lack one. */
static bool is_slow(const struct ipm_meter_source *meter)
{
    return meter->period_ns >= STAIRS_NS;
}

static void test_period(struct verdict *verdict, const struct ipm_meter_source *meter,
                        const char *sysroot)
{
    /* RAPL is never so slow by itself; chips on a board may be. */
    bool stairs = is_slow(meter) &&
                  (meter->source != &ipm_energy_hwmon || ipm_under_hypervisor(sysroot));
    bool fine = meter->period_ns > 0 && meter->period_ns <= FINE_NS;
    if (stairs)
        verdict->provenance = "attributed";
    else if (!fine && strcmp(verdict->provenance, "measured") == 0)
        verdict->provenance = "measured_coarse";
    note(verdict, "update_period",
         fine     ? NULL
         : stairs ? "attributed"
                  : "coarse",
         true, "an update each %.3g ms%s", (double)meter->period_ns / 1e6,
         stairs ? ", as hypervisors hand out their host's energy" : "");
}

static void test_power(struct verdict *verdict, const struct ipm_meter_source *meter)
{
    double idle = mean_w(meter, -1, 0, IPM_METER_IDLE);
    double spin = mean_w(meter, -1, IPM_METER_IDLE, IPM_METER_SPIN);
    double sigma = sigma_w(meter);
    bool raised = spin > idle && spin - idle > 3 * sigma;
    /* A staircase may lack a step in the second of rest, and cannot show one of work. */
    double rest = is_slow(meter) ? mean_w(meter, -1, 0, IPM_METER_WINDOWS) : idle;
    note(verdict, "idle_plausible", rest > 0 && rest < 2000 ? NULL : "failed", false,
         "%.4g W %s", rest, is_slow(meter) ? "all the time" : "at rest");
    note(verdict, "spin", raised ? NULL : "below_noise",
         is_slow(meter) || strcmp(verdict->provenance, "attributed") == 0,
         "one busy core adds %.4g W, where windows at rest vary by %.4g W", spin - idle,
         sigma);
}

/* Two zones that should be two parts of the machine, and always use the same. */
static void test_doubles(struct verdict *verdict, const struct ipm_meter_source *meter)
{
    for (int i = 0; i < meter->zones.n; i++) {
        for (int before = 0; before < i; before++) {
            const struct ipm_meter_zone *a = &meter->seen[i];
            const struct ipm_meter_zone *b = &meter->seen[before];
            bool same = meter->zones.zones[i].kind == meter->zones.zones[before].kind &&
                        counts(meter, i) && counts(meter, before) &&
                        a->ends[0] != a->ends[1];
            for (int at = 0; at < IPM_METER_WINDOWS && same; at++)
                same = fabs(a->energy_uj[at] - b->energy_uj[at]) <=
                       1e-3 * fabs(a->energy_uj[at]);
            if (!same)
                continue;
            note(verdict, "no_doubles", "doubled", false,
                 "%s and %s used the same in each of %d windows",
                 meter->zones.zones[before].what, meter->zones.zones[i].what,
                 IPM_METER_WINDOWS);
            return;
        }
    }
    note(verdict, "no_doubles", NULL, false, "no two counters use the same");
}

static void test_circumstances(struct verdict *verdict,
                               const struct ipm_meter_source *meter,
                               const char *sysroot)
{
    char text[120];
    bool virtual = ipm_under_hypervisor(sysroot);
    note(verdict, "no_hypervisor", virtual ? "attributed" : NULL, true, "%s",
         virtual ? "a hypervisor answers for the meter" : "no hypervisor shows itself");
    if (meter->source == &ipm_energy_hwmon)
        return; /* no RAPL */
    bool on = ipm_energy_filtering(sysroot, text, sizeof(text)) == IPM_FILTERING_ON;
    note(verdict, "no_filtering", on ? "filtered" : NULL, true, "%s", text);
}

static json_t *zones_json(const struct ipm_meter_source *meter, bool measured)
{
    json_t *list = json_array();
    for (int i = 0; i < meter->zones.n; i++) {
        const struct ipm_zone *zone = &meter->zones.zones[i];
        bool readable = zone_error(meter, i) == 0;
        json_t *json = json_object();
        (void)json_object_set_new(json, "name", ipm_json_text(zone->key));
        (void)json_object_set_new(json, "kind",
                                  json_string(ipm_zone_kind_names[zone->kind]));
        (void)json_object_set_new(json, "readable", json_boolean(readable));
        (void)json_object_set_new(
            json, "reason",
            readable
                ? json_null()
                : ipm_json_text(zone->error != 0 ? zone->why.text
                                                 : strerror(-meter->seen[i].error)));
        (void)json_object_set_new(json, "double",
                                  json_boolean(measured && !counts(meter, i)));
        (void)json_object_set_new(
            json, "idle_w",
            measured && readable ? ipm_json_number(mean_w(meter, i, 0, IPM_METER_IDLE))
                                 : json_null());
        (void)json_array_append_new(list, json);
    }
    return list;
}

/* Runs the tests on a source that is open.  True: there are windows to tell of. */
static bool run_tests(struct verdict *verdict, const struct ipm_meter_source *meter,
                      const char *sysroot)
{
    if (meter->error != 0) {
        note(verdict, "readable", ipm_why_class(meter->error), false, "%.150s",
             meter->why.text);
        return false;
    }
    if (ipm_zones_open(&meter->zones) == 0) {
        note(verdict, "readable", "absent", false,
             "%d power inputs and no energy: joules want samples inside the window",
             meter->zones.n_rails);
        return false;
    }
    test_readable(verdict, meter);
    test_looks(verdict, meter);
    test_circumstances(verdict, meter, sysroot);
    test_period(verdict, meter, sysroot);
    test_power(verdict, meter);
    test_doubles(verdict, meter);
    return true;
}

json_t *ipm_meter_verdict(const struct ipm_meter_source *meter,
                          const struct ipm_sensor_context *context, bool named)
{
    struct verdict verdict = {.tests = json_array(),
                              .provenance =
                                  ipm_energy_provenance(meter->source, context)};
    bool measured = run_tests(&verdict, meter, context->sysroot);
    const char *reason = verdict.against[0] != '\0'           ? verdict.against
                         : verdict.doubt[0] != '\0' && !named ? verdict.doubt
                                                              : NULL;
    struct {
        const char *name;
        double value;
    } numbers[] = {
        {"idle_w", measured ? mean_w(meter, -1, 0, IPM_METER_IDLE) : NAN},
        {"spin_w", measured ? mean_w(meter, -1, IPM_METER_IDLE, IPM_METER_SPIN) : NAN},
        {"sigma_w", measured ? sigma_w(meter) : NAN},
        {"update_period_ns",
         measured && meter->period_ns > 0 ? (double)meter->period_ns : NAN},
    };
    json_t *json = json_object();
    (void)json_object_set_new(json, "source", json_string(meter->source->name));
    (void)json_object_set_new(json, "readable",
                              json_boolean(ipm_zones_open(&meter->zones) > 0));
    (void)json_object_set_new(
        json, "provenance", json_string(measured ? verdict.provenance : "unavailable"));
    (void)json_object_set_new(json, "accepted", json_boolean(reason == NULL));
    (void)json_object_set_new(json, "reason",
                              reason == NULL ? json_null() : ipm_json_text(reason));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)json_object_set_new(json, numbers[i].name,
                                  ipm_json_number(numbers[i].value));
    (void)json_object_set_new(json, "zones", zones_json(meter, measured));
    (void)json_object_set_new(json, "tests", verdict.tests);
    return json;
}
