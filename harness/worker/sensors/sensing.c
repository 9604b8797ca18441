/* SPDX-License-Identifier: MIT */
/* What is asked of the sensors: the point's member "sensors" (docs/protocol.md). */
#include "harness/worker/sensors/sensor.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WORDS = 4 };

/* Members that are one word; of the first two the first is the default. */
static const struct {
    const char *name;
    const char *words[WORDS];
} choices[] = {
    {"counters", {"perf", "papi", NULL}},
    {"syscalls", {"auto", "tracepoint", "twin", NULL}},
    {"sides", {"user", "kernel", "total", NULL}}, /* default: both, apart */
    /* A word that is not known would lower nothing. */
    {"energy_provenance", {"measured", "measured_coarse", "attributed", NULL}},
};

static bool is_one_of(const json_t *value, const char *const *words)
{
    const char *word = json_string_value(value);
    while (word != NULL && *words != NULL && strcmp(*words, word) != 0)
        words++;
    return word != NULL && *words != NULL;
}

static bool is_texts(const json_t *value)
{
    bool texts = json_is_array(value) && json_array_size(value) <= IPM_ASKED_EVENTS_MAX;
    for (size_t i = 0; texts && i < json_array_size(value); i++)
        texts = json_is_string(json_array_get(value, i));
    return texts;
}

static int check_member(const char *key, const json_t *value, struct ipm_why *why)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        const char *const *words = choices[i].words;
        if (strcmp(choices[i].name, key) != 0)
            continue;
        if (is_one_of(value, words))
            return 0;
        return ipm_why_set(why, -EINVAL, "sensors: '%s' must be %s%s%s or %s", key,
                           words[0], words[2] != NULL ? ", " : "",
                           words[2] != NULL ? words[1] : "",
                           words[2] != NULL ? words[2] : words[1]);
    }
    if (strcmp(key, "energy") == 0)
        return 0; /* the energy sensor reads it itself */
    if (strcmp(key, "off") == 0)
        return json_is_boolean(value)
                   ? 0
                   : ipm_why_set(why, -EINVAL, "sensors: 'off' must be true or false");
    if (strcmp(key, "events") == 0)
        return is_texts(value)
                   ? 0
                   : ipm_why_set(why, -EINVAL,
                                 "sensors: 'events' must be a list of at most %d texts",
                                 IPM_ASKED_EVENTS_MAX);
    return ipm_why_set(why, -EINVAL, "sensors: unknown member '%s'", key);
}

int ipm_sensing_check(const json_t *sensing, struct ipm_why *why)
{
    if (sensing != NULL && !json_is_object(sensing))
        return ipm_why_set(why, -EINVAL, "'sensors' must be an object");
    const char *key;
    json_t *value;
    /* jansson's macro wants a pointer it may write through; it does not. */
    json_object_foreach((json_t *)(uintptr_t)sensing, key, value)
    {
        int error = check_member(key, value, why);
        if (error != 0)
            return error;
    }
    return 0;
}

const char *ipm_sensor_not_chosen(const struct ipm_sensor *sensor,
                                  const json_t *sensing)
{
    const char *asked = json_string_value(json_object_get(sensing, "counters"));
    if (json_is_true(json_object_get(sensing, "off")))
        return "off: no sensor was asked for";
    if (asked == NULL)
        asked = choices[0].words[0];
    if (sensor->back_end == NULL || strcmp(sensor->back_end, asked) == 0)
        return NULL;
    /* The set keeps the pointer: texts that stay, none that would have to be made. */
    return strcmp(asked, "papi") == 0 ? "not_chosen: --counters papi"
                                      : "not_chosen: --counters perf";
}
