/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/drift.h"

#include "base/cleanup.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUE = 96 };

static const char WARN[] = "warn";
static const char FAIL[] = "fail";

/* The member at a path of two keys at most, "idle.deepest". */
static const json_t *member(const json_t *state, const char *path)
{
    char outer[64];
    const char *dot = strchr(path, '.');
    if (dot == NULL)
        return json_object_get(state, path);
    (void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - path), path);
    return json_object_get(json_object_get(state, outer), dot + 1);
}

static bool known(const json_t *value)
{
    return value != NULL && !json_is_null(value);
}

static const char *words(char text[VALUE], const json_t *value)
{
    if (!known(value)) {
        (void)snprintf(text, VALUE, "none");
    } else if (json_is_string(value)) {
        (void)snprintf(text, VALUE, "%s", json_string_value(value));
    } else {
        ipm_auto_free char *dump = json_dumps(value, JSON_ENCODE_ANY);
        (void)snprintf(text, VALUE, "%s", dump != NULL ? dump : "?");
    }
    return text;
}

static void report(json_t *list, const char *name, const char *before,
                   const char *after, const char *status, const char *text)
{
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name",
                                                name, "before", before, "after", after,
                                                "status", status, "text", text));
}

/* Settings that do not change by themselves: any change is a drift. */
static void compare_settings(json_t *list, const json_t *first, const json_t *after)
{
    static const struct {
        const char *path;
        const char *status;
        const char *text;
        bool absent; /* not to have it is a value, too */
    } settings[] = {
        {"clocksource", FAIL, "times before and after come from different clocks",
         false},
        {"online", WARN, "CPUs came or went", false},
        {"allowed", WARN, "the CPUs that we may use changed", false},
        {"governor", WARN, "another governor drives the frequency", false},
        {"driver", WARN, "another driver drives the frequency", false},
        {"energy_preference", WARN, "the CPU was told to weigh energy otherwise",
         false},
        {"turbo", WARN, "the highest frequency is another one", false},
        {"lowest_khz", WARN, "the lowest allowed frequency changed", false},
        {"highest_khz", WARN, "the highest allowed frequency changed", false},
        {"smt", WARN, "siblings came or went", false},
        {"idle.governor", WARN, "idle CPUs sleep by another rule", false},
        {"idle.deepest", WARN, "idle CPUs sleep more or less deep", false},
        {"huge_pages", WARN, "large buffers may have other pages", false},
        {"aslr", WARN, "layouts are drawn otherwise", false},
        {"numa_balancing", WARN, "pages are moved, or no longer", false},
        {"nmi_watchdog", WARN, "one hardware counter came or went", false},
        {"perf_event_paranoid", WARN, "other counters may be read", false},
        {"quota_cpus", WARN, "the cgroup grants another share of the CPUs", true},
        {"powercap.rights", WARN, "energy counters can be read, or no longer", false},
        {"energy_filtering", WARN, "energy counters are blurred otherwise", false},
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const json_t *was = member(first, settings[i].path);
        const json_t *is = member(after, settings[i].path);
        bool both = was != NULL && is != NULL;
        if (!both || json_equal(was, is) ||
            (!settings[i].absent && (!known(was) || !known(is))))
            continue;
        char from[VALUE];
        char to[VALUE];
        report(list, settings[i].path, words(from, was), words(to, is),
               settings[i].status, settings[i].text);
    }
}

/* By how much a count grew; below 0: not known, or it was another boot. */
static double growth(const json_t *before, const json_t *after, const char *name)
{
    const json_t *was = json_object_get(json_object_get(before, "since_boot"), name);
    const json_t *is = json_object_get(json_object_get(after, "since_boot"), name);
    if (!json_is_number(was) || !json_is_number(is))
        return -1;
    return json_number_value(is) - json_number_value(was);
}

/* Shares of the time of all CPUs, as the doctor's rows of load and steal judge them. */
static void compare_shares(json_t *list, const json_t *before, const json_t *after)
{
    double all = growth(before, after, "all_ticks");
    double busy = growth(before, after, "busy_ticks");
    double steal = growth(before, after, "steal_ticks");
    double own_ns = growth(before, after, "own_cpu_ns");
    double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    char text[VALUE];
    if (all <= 0)
        return;
    if (steal / all >= 0.005) {
        (void)snprintf(text, sizeof(text), "%.1f %% of CPU time", steal / all * 100);
        report(list, "steal", "0", text, steal / all >= 0.05 ? FAIL : WARN,
               "the hypervisor gave our CPUs to others during the run");
    }
    if (busy < 0 || own_ns < 0)
        return;
    double others = (busy - own_ns / tick_ns) / all;
    if (others >= 0.05) {
        (void)snprintf(text, sizeof(text), "%.0f %% of CPU time", others * 100);
        report(list, "load", "0", text, others >= 0.5 ? FAIL : WARN,
               "other work ran on this machine during the run");
    }
}

static void compare_counts(json_t *list, const json_t *before, const json_t *after)
{
    static const struct {
        const char *count;
        const char *name;
        double least;
        const char *text;
    } counts[] = {
        {"suspended_ns", "suspend", 1e7, "the machine slept during the run"},
        {"throttled_periods", "cpu_throttling", 1,
         "the cgroup stopped us: its quota was used up"},
        {"heat_throttles", "heat_throttling", 1, "the CPUs slowed down for heat"},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        double grew = growth(before, after, counts[i].count);
        char text[VALUE];
        if (grew < counts[i].least)
            continue;
        if (strcmp(counts[i].name, "suspend") == 0)
            (void)snprintf(text, sizeof(text), "%.1f s", grew / 1e9);
        else
            (void)snprintf(text, sizeof(text), "%.0f times", grew);
        report(list, counts[i].name, "0", text, WARN, counts[i].text);
    }
}

/* Leakage grows with heat: the same work takes more energy, and turbo has less room. */
static void compare_heat(json_t *list, const json_t *before, const json_t *after)
{
    enum { RISE_CELSIUS = 10 };
    const json_t *zones = json_object_get(after, "temperatures");
    size_t i;
    const json_t *was;
    double worst = 0;
    char from[VALUE] = "";
    char to[VALUE] = "";
    /* Several zones may bear one name: the same place in the list is the same zone. */
    json_array_foreach(json_object_get(before, "temperatures"), i, was)
    {
        const json_t *is = json_array_get(zones, i);
        const char *name = json_string_value(json_object_get(was, "name"));
        double low = json_number_value(json_object_get(was, "celsius"));
        double high = json_number_value(json_object_get(is, "celsius"));
        if (name == NULL || high - low < RISE_CELSIUS || high - low <= worst ||
            !json_equal(json_object_get(was, "name"), json_object_get(is, "name")))
            continue;
        worst = high - low;
        (void)snprintf(from, sizeof(from), "%.0f degrees Celsius (%s)", low, name);
        (void)snprintf(to, sizeof(to), "%.0f degrees Celsius", high);
    }
    if (worst > 0)
        report(list, "temperature", from, to, WARN,
               "it got warmer: energy before and after is not alike");
}

/* A frequency that is held and moved all the same is not what the driver says. */
static void compare_frequency(json_t *list, const json_t *before, const json_t *after)
{
    const char *cpu;
    const json_t *was;
    double worst = 0.01;
    char from[VALUE] = "";
    char to[VALUE] = "";
    if (!json_is_true(json_object_get(before, "frequency_held")) ||
        !json_is_true(json_object_get(after, "frequency_held")))
        return;
    const json_t *now = json_object_get(after, "frequency_mhz");
    json_object_foreach(json_object_get(before, "frequency_mhz"), cpu, was)
    {
        double mhz = json_number_value(was);
        double other = json_number_value(json_object_get(now, cpu));
        if (mhz <= 0 || other <= 0 || fabs(other / mhz - 1) <= worst)
            continue;
        worst = fabs(other / mhz - 1);
        (void)snprintf(from, sizeof(from), "%.0f MHz (CPU %.16s)", mhz, cpu);
        (void)snprintf(to, sizeof(to), "%.0f MHz", other);
    }
    if (from[0] != '\0')
        report(list, "frequency", from, to, WARN,
               "the CPUs do not keep the frequency that they are held at");
}

json_t *ipm_drift_json(const json_t *first, const json_t *before, const json_t *after)
{
    json_t *list = json_array();
    compare_settings(list, first, after);
    compare_shares(list, before, after);
    compare_counts(list, before, after);
    compare_heat(list, before, after);
    compare_frequency(list, before, after);
    return list;
}
