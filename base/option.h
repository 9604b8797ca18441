/* SPDX-License-Identifier: MIT */
/*
 * option: typed option tables.  One table parses text, checks ranges, fills a plug-in's
 * option struct with defaults and describes itself as JSON for help, schema and docs.
 *
 * Every option is stored as an int64_t: a flag as 0 or 1, a size in bytes, a duration in
 * nanoseconds, a choice as its index in the list of choices.
 */
#ifndef IPM_BASE_OPTION_H
#define IPM_BASE_OPTION_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ipm_option_type {
    IPM_OPTION_INTEGER,
    IPM_OPTION_SIZE,
    IPM_OPTION_DURATION,
    IPM_OPTION_FLAG,
    IPM_OPTION_CHOICE,
};

struct ipm_option {
    const char *name; /* [a-z0-9_]+; NULL ends a table */
    enum ipm_option_type type;
    size_t offset;        /* IPM_OPTION_FIELD(struct, field) */
    const char *fallback; /* the default, as a config would write it */
    int64_t min, max;     /* inclusive; both 0: no bound; unused by flag and choice */
    const char *const *choices; /* IPM_OPTION_CHOICE only; NULL-terminated */
    const char *unit;           /* "bytes", "ns", "messages", or "" */
    const char *help;           /* one sentence */
};

/* Offset of an option's field; a field of another type than int64_t is a warning. */
#define IPM_OPTION_FIELD(type, field)                                                  \
    (offsetof(type, field) + 0 * sizeof((int64_t *)NULL == &((type *)NULL)->field))

/* Row named @name in @options (may be NULL), or NULL. */
const struct ipm_option *ipm_option_find(const struct ipm_option *options,
                                         const char *name);

/**
 * ipm_option_parse() - one option's value from text
 *
 * Return: 0; -EINVAL or -ERANGE with what is allowed in @why.
 */
int ipm_option_parse(const struct ipm_option *option, const char *text,
                     int64_t *out_value, struct ipm_why *why);

/* Text of a value, as ipm_option_parse() reads it: "memfd", "true", "4096". */
const char *ipm_option_format(const struct ipm_option *option, int64_t value,
                              char text[32]);

/* Writes every default into @values (the plug-in's option struct).  The defaults are part
 * of the code: one that does not parse is a bug and aborts. */
void ipm_option_defaults(const struct ipm_option *options, void *values);

/* Parses @text and stores it at the option's place in @values. */
int ipm_option_set(const struct ipm_option *options, void *values, const char *name,
                   const char *text, struct ipm_why *why);

#ifdef __cplusplus
}
#endif

#endif
