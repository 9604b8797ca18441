/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec_axes.h"

#include "base/mix.h"
#include "base/units.h"
#include "harness/describe.h"
#include "harness/spec.h"
#include "harness/topology.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_MAX_BYTES = 1 << 30, SHARED_AXES = 10 };

/* Where the worker describes an axis of the same name, its range, choices and default
 * count.  Other axes that it describes are members of the protocol under their names. */
static const struct ipm_axis shared[SHARED_AXES] = {
    {.name = "size",
     .type = IPM_AXIS_SIZE,
     .max = SIZE_MAX_BYTES,
     .fallback = "64",
     .help = "payload of a message, bytes"},
    {.name = "rate",
     .type = IPM_AXIS_RATE,
     .fallback = "max",
     .help = "messages per second"},
    {.name = "placement",
     .type = IPM_AXIS_PLACEMENT,
     .fallback = "nearest_core",
     .help = "where the two sides run; all_pairs: on every two CPUs in turn"},
    {.name = "wait",
     .type = IPM_AXIS_CHOICE,
     .choices = {"spin", "yield", "block", "spin_then_block"},
     .help = "how a side waits; default: block where it can"},
    {.name = "copies",
     .type = IPM_AXIS_INTEGER,
     .max = 2,
     .help = "who copies the payload; default: the mechanism's"},
    {.name = "touch",
     .type = IPM_AXIS_CHOICE,
     .choices = {"none", "sample", "full"},
     .fallback = "none",
     .help = "whether payload is written before send and read after receive"},
    {.name = "depth",
     .type = IPM_AXIS_INTEGER,
     .min = 1,
     .max = 1 << 20,
     .fallback = "64",
     .help = "messages in flight wanted"},
    {.name = "batch",
     .type = IPM_AXIS_INTEGER,
     .min = 1,
     .max = 1 << 16,
     .fallback = "16",
     .help = "messages per call"},
    {.name = "reply_size",
     .type = IPM_AXIS_SIZE,
     .max = SIZE_MAX_BYTES,
     .special = "same",
     .fallback = "same",
     .help = "payload of a reply, bytes"},
    {.name = "policy",
     .type = IPM_AXIS_CHOICE,
     .choices = {"other"},
     .fallback = "other",
     .help = "scheduling policy of the roles"},
};

static void take_range(struct ipm_axis *axis, const json_t *row)
{
    int64_t min = ipm_describe_integer(row, "min", 0);
    int64_t max = ipm_describe_integer(row, "max", 0);
    if (min != 0 || max != 0) {
        axis->min = min;
        axis->max = max;
    }
    const json_t *choices = json_object_get(row, "choices");
    for (size_t i = 0; i < json_array_size(choices) && i + 1 < IPM_AXIS_CHOICES; i++) {
        const char *choice = json_string_value(json_array_get(choices, i));
        axis->choices[i] = choice != NULL ? choice : "";
        axis->choices[i + 1] = NULL;
    }
    axis->fallback = ipm_describe_text(row, "default", axis->fallback);
    axis->help = ipm_describe_text(row, "help", axis->help);
}

/* An axis as the worker describes it.  -ENOENT: of a type that is not known here. */
static int take_type(const json_t *row, const char *name, struct ipm_axis *out_axis)
{
    static const struct {
        const char *word;
        enum ipm_axis_type type;
    } types[] = {{"integer", IPM_AXIS_INTEGER},   {"size", IPM_AXIS_SIZE},
                 {"duration", IPM_AXIS_DURATION}, {"flag", IPM_AXIS_FLAG},
                 {"choice", IPM_AXIS_CHOICE},     {"mix", IPM_AXIS_MIX},
                 {"node", IPM_AXIS_NODE}};
    const char *type = ipm_describe_text(row, "type", "");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].word, type) != 0)
            continue;
        *out_axis = (struct ipm_axis){.name = name, .type = types[i].type};
        take_range(out_axis, row);
        return 0;
    }
    return -ENOENT;
}

/* A module that is here but cannot run still says what its options are. */
static bool is_absent(const json_t *mechanism, const json_t *options)
{
    return mechanism != NULL && json_array_size(options) == 0 &&
           json_array_size(json_object_get(mechanism, "waits")) == 0 &&
           !json_is_true(json_object_get(mechanism, "available"));
}

static int find_option(const json_t *describe, const char *name, const char *dot,
                       struct ipm_axis *out_axis, char mend[IPM_MEND])
{
    char plugin[IPM_WORD];
    size_t length = (size_t)(dot - name);
    if (length >= sizeof(plugin))
        return -ENOENT;
    memcpy(plugin, name, length);
    plugin[length] = '\0';
    const json_t *mechanism = ipm_describe_find(describe, "mechanisms", plugin);
    const json_t *options = json_object_get(mechanism, "options");
    if (is_absent(mechanism, options)) {
        *out_axis = (struct ipm_axis){.name = name, .type = IPM_AXIS_UNCHECKED};
        return 0;
    }
    const char *names[IPM_AXIS_CHOICES] = {NULL};
    for (size_t i = 0; i < json_array_size(options) && i + 1 < IPM_AXIS_CHOICES; i++) {
        const json_t *row = json_array_get(options, i);
        names[i] = ipm_describe_text(row, "name", "");
        if (strcmp(names[i], dot + 1) != 0)
            continue;
        if (take_type(row, name, out_axis) == 0)
            return 0;
    }
    if (mechanism == NULL)
        (void)snprintf(mend, IPM_MEND, "there is no mechanism '%s'", plugin);
    else if (names[0] == NULL)
        (void)snprintf(mend, IPM_MEND, "'%s' has no options", plugin);
    else
        (void)ipm_mend_word(mend, dot + 1, names);
    return -ENOENT;
}

int ipm_axis_find(const json_t *describe, const char *name, struct ipm_axis *out_axis,
                  char mend[IPM_MEND])
{
    const char *names[SHARED_AXES + 1];
    mend[0] = '\0';
    const char *dot = strchr(name, '.');
    if (dot != NULL)
        return find_option(describe, name, dot, out_axis, mend);
    for (size_t i = 0; i < SHARED_AXES; i++) {
        names[i] = shared[i].name;
        if (strcmp(shared[i].name, name) != 0)
            continue;
        *out_axis = shared[i];
        const json_t *row = ipm_describe_find(describe, "axes", name);
        if (row != NULL && shared[i].special == NULL)
            take_range(out_axis, row);
        return 0;
    }
    names[SHARED_AXES] = NULL;
    const json_t *row = ipm_describe_find(describe, "axes", name);
    if (row != NULL)
        return take_type(row, name, out_axis);
    (void)ipm_mend_word(mend, name, names);
    return -ENOENT;
}

static json_t *number_value(const struct ipm_axis *axis, const json_t *value,
                            char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    int64_t number = 0;
    int error = 0;
    if (text != NULL && axis->special != NULL && strcmp(text, axis->special) == 0)
        return json_string(text);
    if (axis->min != 0 || axis->max != 0)
        (void)snprintf(mend, IPM_MEND, "allowed: %" PRId64 " .. %" PRId64 "%s%s%s%s",
                       axis->min, axis->max,
                       axis->type == IPM_AXIS_SIZE ? " bytes" : "",
                       axis->special != NULL ? ", or \"" : "",
                       axis->special != NULL ? axis->special : "",
                       axis->special != NULL ? "\"" : "");
    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (text == NULL)
        error =
            ipm_why_set(why, -EINVAL, "'%s' must be %s", axis->name,
                        axis->type == IPM_AXIS_SIZE ? "a size, such as 64 or \"4KiB\""
                                                    : "a whole number");
    else if (axis->type == IPM_AXIS_SIZE)
        error = ipm_parse_size(text, &number, why);
    else
        error = ipm_parse_integer(text, &number, why);
    if (error != 0)
        return NULL;
    if ((axis->min != 0 || axis->max != 0) &&
        (number < axis->min || number > axis->max)) {
        (void)ipm_why_set(why, -ERANGE, "%" PRId64 " is out of the range of '%s'",
                          number, axis->name);
        return NULL;
    }
    return json_integer(number);
}

static json_t *duration_value(const struct ipm_axis *axis, const json_t *value,
                              char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    int64_t ns = 0;
    if (axis->min != 0 || axis->max != 0)
        (void)snprintf(mend, IPM_MEND,
                       "allowed: \"%" PRId64 "ns\" .. \"%" PRId64 "ns\"", axis->min,
                       axis->max);
    if (text == NULL) {
        (void)ipm_why_set(why, -EINVAL,
                          "'%s' must be a duration with its unit, such as "
                          "\"20us\"",
                          axis->name);
        return NULL;
    }
    if (ipm_parse_duration(text, &ns, why) != 0)
        return NULL;
    if ((axis->min != 0 || axis->max != 0) && (ns < axis->min || ns > axis->max)) {
        (void)ipm_why_set(why, -ERANGE, "'%s' is out of the range of '%s'", text,
                          axis->name);
        return NULL;
    }
    return json_sprintf("%" PRId64 "ns", ns);
}

static json_t *rate_value(const json_t *value, char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    int64_t rate = 0;
    (void)strcpy(mend, "allowed: \"max\", messages per second, or \"50%\" of the "
                       "capacity");
    if (text != NULL && strcmp(text, "max") == 0)
        return json_string(text);
    size_t length = text != NULL ? strlen(text) : 0;
    if (length > 1 && length < IPM_WORD && text[length - 1] == '%') {
        char digits[IPM_WORD];
        (void)strcpy(digits, text);
        digits[length - 1] = '\0';
        if (ipm_parse_integer(digits, &rate, NULL) == 0 && rate >= 1 && rate <= 1000)
            return json_sprintf("%" PRId64 "%%", rate);
    } else if (json_is_integer(value)) {
        rate = json_integer_value(value);
    } else if (text == NULL || ipm_parse_integer(text, &rate, NULL) != 0) {
        rate = 0;
    }
    if (rate >= 1 && (length == 0 || text[length - 1] != '%'))
        return json_sprintf("%" PRId64, rate);
    (void)ipm_why_set(why, -EINVAL, "this is not a rate");
    return NULL;
}

static json_t *placement_value(const json_t *value, char mend[IPM_MEND],
                               struct ipm_why *why)
{
    const char *word = json_string_value(value);
    int64_t a = 0;
    int64_t b = 0;
    int used = 0;
    for (size_t i = 0; word != NULL && ipm_placement_words[i] != NULL; i++) {
        if (strcmp(ipm_placement_words[i], word) == 0)
            return json_string(word);
    }
    const json_t *cpus = json_object_get(value, "cpus");
    size_t n = json_array_size(cpus);
    bool numbers = json_object_size(value) == 1 && (n == 1 || n == 2) &&
                   json_is_integer(json_array_get(cpus, 0)) &&
                   json_is_integer(json_array_get(cpus, n - 1));
    if (numbers) {
        a = json_integer_value(json_array_get(cpus, 0));
        b = json_integer_value(json_array_get(cpus, n - 1));
    } else if (word != NULL) {
        /* The canonical word itself, so that a resolved config can be read again. */
        numbers =
            sscanf(word, "cpus:%4" SCNd64 ",%4" SCNd64 "%n", &a, &b, &used) == 2 &&
            word[used] == '\0';
    }
    if (numbers && a >= 0 && a < IPM_CPUS_MAX && b >= 0 && b < IPM_CPUS_MAX)
        return json_sprintf("cpus:%" PRId64 ",%" PRId64, a, b);
    if (word != NULL)
        (void)ipm_mend_word(mend, word, ipm_placement_words);
    else
        (void)strcpy(mend,
                     "allowed: a word such as \"same_cpu\", or {\"cpus\": [2, 4]}");
    (void)ipm_why_set(why, -EINVAL,
                      word != NULL ? "unknown placement '%s'"
                                   : "this is not a placement%s",
                      word != NULL ? word : "");
    return NULL;
}

static json_t *choice_value(const struct ipm_axis *axis, const json_t *value,
                            char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && axis->choices[i] != NULL; i++) {
        if (strcmp(axis->choices[i], text) == 0)
            return json_string(text);
    }
    (void)ipm_mend_word(mend, text != NULL ? text : "", axis->choices);
    if (text == NULL)
        (void)ipm_why_set(why, -EINVAL, "'%s' must be a word", axis->name);
    else
        (void)ipm_why_set(why, -EINVAL, "'%s' cannot be '%s'", axis->name, text);
    return NULL;
}

static json_t *mix_value(const struct ipm_axis *axis, const json_t *value,
                         char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    char canonical[IPM_MIX_TEXT];
    struct ipm_mix mix;
    (void)snprintf(mend, IPM_MEND,
                   "allowed: fixed, bimodal, imix, spread, or sizes with weights such "
                   "as \"64:9,4KiB:1\"");
    if (text == NULL)
        (void)ipm_why_set(why, -EINVAL, "'%s' must be a text", axis->name);
    else if (text[0] == '\0' || strchr(text, ':') != NULL ||
             ipm_mix_parse(text, &mix, NULL) == 0) {
        if (ipm_mix_parse(text, &mix, why) == 0)
            return json_string(ipm_mix_format(&mix, canonical));
    } else {
        (void)ipm_mend_word(mend, text, ipm_mix_words);
        (void)ipm_why_set(why, -EINVAL, "'%s' cannot be '%s'", axis->name, text);
    }
    return NULL;
}

/* A text in either case: points with "1" and 1 are one. */
static json_t *node_value(const struct ipm_axis *axis, const json_t *value,
                          char mend[IPM_MEND], struct ipm_why *why)
{
    const char *text = json_string_value(value);
    int64_t node = -1;
    for (size_t i = 0; text != NULL && axis->choices[i] != NULL; i++) {
        if (strcmp(axis->choices[i], text) == 0)
            return json_string(text);
    }
    if (json_is_integer(value))
        node = json_integer_value(value);
    else if (text == NULL || ipm_parse_integer(text, &node, NULL) != 0)
        node = -1;
    if (node >= axis->min && node <= axis->max)
        return json_sprintf("%" PRId64, node);
    (void)ipm_mend_word(mend, text != NULL ? text : "", axis->choices);
    size_t used = strlen(mend);
    if (strncmp(mend, "allowed", strlen("allowed")) == 0)
        (void)snprintf(mend + used, IPM_MEND - used,
                       ", or a number %" PRId64 " .. %" PRId64, axis->min, axis->max);
    (void)ipm_why_set(why, -EINVAL, "this is not a memory node");
    return NULL;
}

bool ipm_axis_gives_sizes(const json_t *mixes)
{
    if (json_is_array(mixes))
        return json_array_size(mixes) > 0 &&
               !ipm_describe_lists(mixes, ipm_mix_words[0]);
    const char *mix = json_string_value(mixes);
    return mix != NULL && strcmp(mix, ipm_mix_words[0]) != 0;
}

static json_t *flag_value(const struct ipm_axis *axis, const json_t *value,
                          struct ipm_why *why)
{
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        return json_boolean(json_is_true(value));
    if (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return json_boolean(text[0] == 't');
    (void)ipm_why_set(why, -EINVAL, "'%s' must be true or false", axis->name);
    return NULL;
}

json_t *ipm_axis_value(const struct ipm_axis *axis, const json_t *value,
                       char mend[IPM_MEND], struct ipm_why *why)
{
    mend[0] = '\0';
    switch (axis->type) {
    case IPM_AXIS_RATE:
        return rate_value(value, mend, why);
    case IPM_AXIS_PLACEMENT:
        return placement_value(value, mend, why);
    case IPM_AXIS_CHOICE:
        return choice_value(axis, value, mend, why);
    case IPM_AXIS_FLAG:
        return flag_value(axis, value, why);
    case IPM_AXIS_DURATION:
        return duration_value(axis, value, mend, why);
    case IPM_AXIS_MIX:
        return mix_value(axis, value, mend, why);
    case IPM_AXIS_NODE:
        return node_value(axis, value, mend, why);
    case IPM_AXIS_UNCHECKED:
        return json_deep_copy(value);
    case IPM_AXIS_INTEGER:
    case IPM_AXIS_SIZE:
        break;
    }
    return number_value(axis, value, mend, why);
}

json_t *ipm_axis_fallback(const struct ipm_axis *axis)
{
    char mend[IPM_MEND];
    if (axis->fallback == NULL)
        return NULL;
    ipm_auto_json json_t *text = json_string(axis->fallback);
    return ipm_axis_value(axis, text, mend, NULL);
}

json_t *ipm_axis_names(const json_t *describe)
{
    json_t *names = json_array();
    size_t index;
    const json_t *entry;
    for (size_t i = 0; i < SHARED_AXES; i++)
        (void)json_array_append_new(names, json_string(shared[i].name));
    json_array_foreach(json_object_get(describe, "axes"), index, entry)
    {
        const char *name = ipm_describe_text(entry, "name", "");
        if (!ipm_describe_lists(names, name))
            (void)json_array_append_new(names, json_string(name));
    }
    json_array_foreach(json_object_get(describe, "mechanisms"), index, entry)
    {
        size_t row;
        const json_t *option;
        json_array_foreach(json_object_get(entry, "options"), row, option)(void)
            json_array_append_new(
                names, json_sprintf("%s.%s", ipm_describe_text(entry, "name", ""),
                                    ipm_describe_text(option, "name", "")));
    }
    return names;
}

json_t *ipm_axis_absent(const json_t *describe)
{
    json_t *names = json_array();
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "mechanisms"), index, entry)
    {
        if (is_absent(entry, json_object_get(entry, "options")))
            (void)json_array_append_new(
                names, json_string(ipm_describe_text(entry, "name", "")));
    }
    return names;
}
