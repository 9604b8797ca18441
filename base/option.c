/* SPDX-License-Identifier: MIT */
#include "base/option.h"

#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ipm_option *ipm_option_find(const struct ipm_option *options,
                                         const char *name)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

static int parse_choice(const struct ipm_option *option, const char *text,
                        int64_t *out_value, struct ipm_why *why)
{
    char known[160] = "";
    for (int64_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *out_value = i;
            return 0;
        }
        size_t used = strlen(known);
        (void)snprintf(known + used, sizeof(known) - used, "%s%s", i > 0 ? ", " : "",
                       option->choices[i]);
    }
    return ipm_why_set(why, -EINVAL, "'%s' is not one of %s", text, known);
}

static int parse_flag(const char *text, int64_t *out_value, struct ipm_why *why)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return ipm_why_set(why, -EINVAL, "'%s' is not true or false", text);
    *out_value = text[0] == 't';
    return 0;
}

int ipm_option_parse(const struct ipm_option *option, const char *text,
                     int64_t *out_value, struct ipm_why *why)
{
    int64_t value = 0;
    int error = 0;
    switch (option->type) {
    case IPM_OPTION_CHOICE:
        return parse_choice(option, text, out_value, why);
    case IPM_OPTION_FLAG:
        return parse_flag(text, out_value, why);
    case IPM_OPTION_INTEGER:
        error = ipm_parse_integer(text, &value, why);
        break;
    case IPM_OPTION_SIZE:
        error = ipm_parse_size(text, &value, why);
        break;
    case IPM_OPTION_DURATION:
        error = ipm_parse_duration(text, &value, why);
        break;
    }
    if (error != 0)
        return error;
    if ((option->min != 0 || option->max != 0) &&
        (value < option->min || value > option->max))
        return ipm_why_set(why, -ERANGE,
                           "%" PRId64 " is outside %" PRId64 " .. %" PRId64, value,
                           option->min, option->max);
    *out_value = value;
    return 0;
}

const char *ipm_option_format(const struct ipm_option *option, int64_t value,
                              char text[32])
{
    switch (option->type) {
    case IPM_OPTION_CHOICE:
        (void)snprintf(text, 32, "%s", option->choices[value]);
        break;
    case IPM_OPTION_FLAG:
        (void)snprintf(text, 32, "%s", value != 0 ? "true" : "false");
        break;
    case IPM_OPTION_DURATION:
        (void)snprintf(text, 32, "%" PRId64 "ns", value);
        break;
    case IPM_OPTION_INTEGER:
    case IPM_OPTION_SIZE:
        (void)snprintf(text, 32, "%" PRId64, value);
        break;
    }
    return text;
}

static void store(const struct ipm_option *option, void *values, int64_t value)
{
    memcpy((char *)values + option->offset, &value, sizeof(value));
}

void ipm_option_defaults(const struct ipm_option *options, void *values)
{
    for (; options != NULL && options->name != NULL; options++) {
        int64_t value = 0;
        /* Not assert(): it must hold in builds with NDEBUG too. */
        if (ipm_option_parse(options, options->fallback, &value, NULL) != 0)
            abort();
        store(options, values, value);
    }
}

int ipm_option_set(const struct ipm_option *options, void *values, const char *name,
                   const char *text, struct ipm_why *why)
{
    const struct ipm_option *option = ipm_option_find(options, name);
    if (option == NULL)
        return ipm_why_set(why, -EINVAL, "no option '%s'", name);
    int64_t value = 0;
    int error = ipm_option_parse(option, text, &value, why);
    if (error != 0) {
        ipm_why_prefix(why, "%s: ", name);
        return error;
    }
    store(option, values, value);
    return 0;
}
