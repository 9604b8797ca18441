/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spec_keys.h"

#include "base/clock.h"
#include "base/units.h"
#include "harness/spec_sensors.h"

#include <assert.h>
#include <inttypes.h>
#include <regex.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define HOUR        (INT64_C(3600) * IPM_NS_PER_SECOND)

bool ipm_key_is_other(const struct ipm_key *key)
{
    return key->type >= IPM_KEY_EVENTS;
}

const struct ipm_key *ipm_key_find(const struct ipm_key *keys, const char *name)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0)
            return keys;
    }
    return NULL;
}

void ipm_key_names(const struct ipm_key *keys, const char *names[IPM_KEY_NAMES])
{
    size_t n = 0;
    for (; keys->name != NULL && n + 1 < IPM_KEY_NAMES; keys++)
        names[n++] = keys->name;
    names[n] = NULL;
}

static void *field(const struct ipm_key *key, void *values)
{
    return (char *)values + key->offset;
}

void ipm_keys_defaults(const struct ipm_key *keys, void *values)
{
    for (; keys->name != NULL; keys++) {
        if (keys->type == IPM_KEY_OBJECT)
            ipm_keys_defaults(keys->members, field(keys, values));
        if (keys->fallback == NULL || ipm_key_is_other(keys))
            continue;
        int64_t value = 0;
        int error = 0;
        if (keys->type == IPM_KEY_NAME)
            (void)strcpy(field(keys, values), keys->fallback);
        else if (keys->type == IPM_KEY_INTEGER)
            error = ipm_parse_integer(keys->fallback, &value, NULL);
        else if (keys->type == IPM_KEY_DURATION)
            error = ipm_parse_duration(keys->fallback, &value, NULL);
        else
            while (strcmp(keys->choices[value], keys->fallback) != 0)
                value++;
        assert(error == 0); /* the table is part of the code */
        (void)error;
        if (keys->type != IPM_KEY_NAME)
            memcpy(field(keys, values), &value, sizeof(value));
    }
}

/* Exact: the largest unit that divides it. */
static const char *format_duration(char text[IPM_UNITS_TEXT], int64_t ns)
{
    static const struct {
        const char *suffix;
        int64_t scale;
    } units[] = {{"h", HOUR},
                 {"min", 60 * IPM_NS_PER_SECOND},
                 {"s", IPM_NS_PER_SECOND},
                 {"ms", MILLISECOND},
                 {"us", 1000},
                 {"ns", 1}};
    size_t unit = 0;
    while (ns == 0 ? unit + 1 < sizeof(units) / sizeof(units[0])
                   : ns % units[unit].scale != 0)
        unit++;
    (void)snprintf(text, IPM_UNITS_TEXT, "%" PRId64 "%s", ns / units[unit].scale,
                   units[unit].suffix);
    return text;
}

const char *ipm_key_range(char range[IPM_MEND], const struct ipm_key *key)
{
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    range[0] = '\0';
    if (key->type == IPM_KEY_DURATION)
        (void)snprintf(range, IPM_MEND, "\"%s\" .. \"%s\"",
                       format_duration(low, key->min), format_duration(high, key->max));
    else if (key->type == IPM_KEY_INTEGER)
        (void)snprintf(range, IPM_MEND, "%" PRId64 " .. %" PRId64, key->min, key->max);
    return range;
}

static void format_range(char mend[IPM_MEND], const struct ipm_key *key)
{
    char range[IPM_MEND];
    (void)snprintf(mend, IPM_MEND, "allowed: %.200s", ipm_key_range(range, key));
}

struct reading {
    const struct ipm_key *key;
    const json_t *value;
    struct ipm_pointer at;
    void *values;
    struct ipm_diagnostics *diagnostics;
};

static void wrong_type(const struct reading *reading, const char *expected)
{
    char mend[IPM_MEND] = "";
    if (reading->key->max != 0)
        format_range(mend, reading->key);
    ipm_diagnostics_error(reading->diagnostics, &reading->at, false, mend,
                          "'%s' must be %s", reading->key->name, expected);
}

static void read_number(const struct reading *reading)
{
    const struct ipm_key *key = reading->key;
    struct ipm_why why = {0};
    char mend[IPM_MEND];
    int64_t value = 0;
    if (key->type == IPM_KEY_DURATION) {
        const char *text = json_string_value(reading->value);
        if (text == NULL) {
            wrong_type(reading, "a duration with its unit, such as \"50ms\"");
            return;
        }
        if (ipm_parse_duration(text, &value, &why) != 0) {
            format_range(mend, key);
            ipm_diagnostics_error(reading->diagnostics, &reading->at, false, mend, "%s",
                                  why.text);
            return;
        }
    } else {
        if (!json_is_integer(reading->value)) {
            wrong_type(reading, "a whole number");
            return;
        }
        value = json_integer_value(reading->value);
    }
    if (value < key->min || value > key->max) {
        format_range(mend, key);
        ipm_diagnostics_error(reading->diagnostics, &reading->at, false, mend,
                              "'%s' is out of range", key->name);
        return;
    }
    memcpy(field(key, reading->values), &value, sizeof(value));
}

static void read_fraction(const struct reading *reading)
{
    double value = json_number_value(reading->value);
    if (!json_is_number(reading->value) || !(value > 0 && value < 1)) {
        ipm_diagnostics_error(
            reading->diagnostics, &reading->at, false, "for 2 %, write 0.02",
            "'%s' must be a number between 0 and 1", reading->key->name);
        return;
    }
    memcpy(field(reading->key, reading->values), &value, sizeof(value));
}

static void read_choice(const struct reading *reading)
{
    const struct ipm_key *key = reading->key;
    const char *text = json_string_value(reading->value);
    char mend[IPM_MEND];
    for (int64_t i = 0; text != NULL && key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            memcpy(field(key, reading->values), &i, sizeof(i));
            return;
        }
    }
    ipm_diagnostics_error(reading->diagnostics, &reading->at, false,
                          ipm_mend_word(mend, text != NULL ? text : "", key->choices),
                          text != NULL ? "'%s' cannot be '%s'" : "'%s' must be a word",
                          key->name, text);
}

static void read_name(const struct reading *reading)
{
    const char *text = json_string_value(reading->value);
    const char *wrong = NULL;
    if (text == NULL || text[0] == '\0')
        wrong = "must be a text that is not empty";
    else if (strlen(text) >= IPM_NAME)
        wrong = "is too long";
    else if (text[0] == '.' || strchr(text, '/') != NULL)
        wrong = "must not hold a slash or start with a dot";
    for (const char *c = text; wrong == NULL && *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f ||
            (byte == 0xc2 && (unsigned char)c[1] >= 0x80 && (unsigned char)c[1] < 0xa0))
            wrong = "must not hold control characters";
    }
    if (wrong != NULL) {
        ipm_diagnostics_error(reading->diagnostics, &reading->at, false,
                              "allowed: 1 .. 64 bytes that make the name of a folder",
                              "'%s' %s", reading->key->name, wrong);
        return;
    }
    (void)strcpy(field(reading->key, reading->values), text);
}

static void read_pattern(const struct reading *reading)
{
    const char *text = json_string_value(reading->value);
    regex_t expression;
    char wrong[128] = "must be a text that is not empty";
    int error = REG_BADPAT;
    if (text != NULL && strlen(text) >= IPM_PATTERN) {
        (void)strcpy(wrong, "is too long");
    } else if (text != NULL && text[0] != '\0') {
        error = regcomp(&expression, text, REG_EXTENDED | REG_NOSUB);
        if (error != 0)
            (void)regerror(error, &expression, wrong, sizeof(wrong));
        else
            regfree(&expression);
    }
    if (error == 0)
        (void)strcpy(field(reading->key, reading->values), text);
    else
        ipm_diagnostics_error(
            reading->diagnostics, &reading->at, false,
            "allowed: an extended regular expression of 1 .. 256 bytes", "'%s': %s",
            reading->key->name, wrong);
}

static void read_one(const struct reading *reading)
{
    switch (reading->key->type) {
    case IPM_KEY_TEXT:
        if (!json_is_string(reading->value))
            wrong_type(reading, "a text");
        break;
    case IPM_KEY_NAME:
        read_name(reading);
        break;
    case IPM_KEY_PATTERN:
        read_pattern(reading);
        break;
    case IPM_KEY_INTEGER:
    case IPM_KEY_DURATION:
        read_number(reading);
        break;
    case IPM_KEY_FRACTION:
        read_fraction(reading);
        break;
    case IPM_KEY_CHOICE:
        read_choice(reading);
        break;
    case IPM_KEY_OBJECT:
        if (json_is_object(reading->value))
            ipm_keys_read(reading->key->members, reading->value, &reading->at,
                          field(reading->key, reading->values), reading->diagnostics);
        else
            wrong_type(reading, "an object: { ... }");
        break;
    default:
        assert(ipm_key_is_other(reading->key));
        break;
    }
}

void ipm_keys_read(const struct ipm_key *keys, const json_t *object,
                   const struct ipm_pointer *at, void *values,
                   struct ipm_diagnostics *diagnostics)
{
    const char *name;
    json_t *value;
    /* jansson's macro wants a pointer it may write through; it does not. */
    json_object_foreach((json_t *)object, name, value)
    {
        struct reading reading = {.key = ipm_key_find(keys, name),
                                  .value = value,
                                  .at = {.up = at, .key = name},
                                  .values = values,
                                  .diagnostics = diagnostics};
        if (reading.key != NULL) {
            read_one(&reading);
            continue;
        }
        const char *names[IPM_KEY_NAMES];
        char mend[IPM_MEND];
        ipm_key_names(keys, names);
        ipm_diagnostics_error(diagnostics, &reading.at, true,
                              ipm_mend_word(mend, name, names), "unknown key '%s'",
                              name);
    }
}

void ipm_keys_print(const struct ipm_key *keys, const void *values, json_t *object)
{
    for (; keys->name != NULL; keys++) {
        const void *at = (const char *)values + keys->offset;
        int64_t integer = 0;
        double fraction = 0;
        char text[IPM_UNITS_TEXT];
        json_t *printed = NULL;
        if (keys->type == IPM_KEY_OBJECT) {
            printed = json_object();
            ipm_keys_print(keys->members, at, printed);
        } else if (keys->type == IPM_KEY_NAME) {
            printed = json_string(at);
        } else if (keys->type == IPM_KEY_PATTERN) {
            printed = *(const char *)at != '\0' ? json_string(at) : NULL;
        } else if (keys->type == IPM_KEY_FRACTION) {
            memcpy(&fraction, at, sizeof(fraction));
            printed = fraction > 0 ? json_real(fraction) : NULL;
        } else if (!ipm_key_is_other(keys) && keys->type != IPM_KEY_TEXT) {
            memcpy(&integer, at, sizeof(integer));
        }
        if (keys->type == IPM_KEY_INTEGER)
            printed = json_integer(integer);
        else if (keys->type == IPM_KEY_CHOICE)
            printed = json_string(keys->choices[integer]);
        else if (keys->type == IPM_KEY_DURATION && integer >= keys->min)
            printed = json_string(format_duration(text, integer));
        if (printed != NULL) /* what was not given and has no default stays away */
            (void)json_object_set_new(object, keys->name, printed);
    }
}
