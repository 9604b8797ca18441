/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_sensors: the members of a config's "sensors" that are more than a word - which events
 * are counted and which meter is read - and what of it goes to a worker.
 *
 *     "sensors": { "counters": "papi", "events": ["branch-misses", "cpu/event=1,umask=2/"],
 *                  "energy": { "estimated": { "watts_per_core": [3, 5, 9] } } }
 *
 * A worker gets one object with the members that are not the default (docs/protocol.md).
 */
#ifndef IPM_HARNESS_SPEC_SENSORS_H
#define IPM_HARNESS_SPEC_SENSORS_H

#include "harness/spec.h"

enum {
    IPM_EVENTS_MAX = 32, /* as many as a worker takes (docs/protocol.md) */
    IPM_EVENT_LENGTH = 120
};

/**
 * ipm_events_split() - the events of a list, parted by commas
 *
 * Between two slashes a comma belongs to the event: "branch-misses,cpu/event=1,umask=2/"
 * are two.  Blanks around an event are dropped; an empty one is kept, for the check to
 * come.
 *
 * Return: a list of texts; a slash that is not closed runs to the end.
 */
json_t *ipm_events_split(const char *list);

/**
 * ipm_spec_sensors_read() - "events" and "energy" of @sensors, and the worker's object
 * @sensors: the config's member; NULL or no object: nothing is asked
 *
 * Writes @spec->energy and @spec->sensing, the latter from @spec->counters and
 * @spec->syscalls, too.
 */
void ipm_spec_sensors_read(const json_t *sensors, struct ipm_spec *spec,
                           struct ipm_diagnostics *diagnostics);

/* Sets "events" and "energy" as the config would say them in @sensors. */
void ipm_spec_sensors_print(const struct ipm_spec *spec, json_t *sensors);

/* The words of "energy": auto, off, and meters that measure; NULL-terminated. */
extern const char *const ipm_energy_words[];

/* The words of "syscalls", the default first; NULL-terminated. */
extern const char *const ipm_syscall_words[];

/* What the command line says of sensors; borrowed from argv, NULL: nothing. */
struct ipm_sensor_words {
    const char *counters; /* --counters perf|papi|none */
    const char *events;   /* --events LIST */
    const char *energy;   /* --energy WORD */
};

/* Their rows in the table of a verb. */
#define IPM_SENSOR_WORD_OPTIONS                                                        \
    {.name = "counters",                                                               \
     .code = 'c',                                                                      \
     .value = "perf|papi|none",                                                        \
     .kind = IPM_OPERAND_WORDS,                                                        \
     .help = "who counts cycles and TLB misses; none: no counter passes at all"},      \
        {.name = "events",                                                             \
         .code = 'e',                                                                  \
         .value = "LIST",                                                              \
         .help = "more events, parted by commas: of libpfm4, pmu/a=1,b=2/ or "         \
                 "subsystem:tracepoint"},                                              \
    {                                                                                  \
        .name = "energy", .code = 'm', .value = "auto|off|power|powercap|hwmon",       \
        .kind = IPM_OPERAND_WORDS, .help = "off, or one meter alone"                   \
    }

/* Members of the above: each may become a --set. */
enum { IPM_SENSOR_WORDS = 3 };

/**
 * ipm_sensor_words_set() - the words as arguments of --set
 * @out_sets: gets texts, which the caller frees; the rest is NULL
 *
 * Return: 0; -EINVAL a word is none of those allowed, with the reason in @why; -ENOMEM.
 */
int ipm_sensor_words_set(const struct ipm_sensor_words *words,
                         char *out_sets[IPM_SENSOR_WORDS], struct ipm_why *why);

#endif
