/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_keys: the one table of what a config may say - key, type, unit, range, default and
 * help.  Validation, defaults and printing back all follow it, and so do the JSON Schema,
 * the help per key and the man page (schema.h).  The rows are in spec_table.c.
 */
#ifndef IPM_HARNESS_SPEC_KEYS_H
#define IPM_HARNESS_SPEC_KEYS_H

#include "harness/spec.h"

enum ipm_key_type {
    IPM_KEY_TEXT,     /* a string nobody reads */
    IPM_KEY_NAME,     /* char[IPM_NAME], sane as the name of a folder */
    IPM_KEY_PATTERN,  /* char[IPM_PATTERN], an extended regular expression; "" */
    IPM_KEY_INTEGER,  /* int64_t */
    IPM_KEY_DURATION, /* int64_t, nanoseconds */
    IPM_KEY_FRACTION, /* double in (0, 1); 0 while not given */
    IPM_KEY_CHOICE,   /* int64_t, index in choices */
    IPM_KEY_OBJECT,   /* has members of its own, in the struct at its offset */
    /* From here on, read by spec*.c: the table tells of them, ipm_keys_read() leaves them. */
    IPM_KEY_EVENTS,
    IPM_KEY_ENERGY, /* choices: its words */
    IPM_KEY_WORKLOADS,
    IPM_KEY_MECHANISMS,
    IPM_KEY_AXES,
    IPM_KEY_EXCLUDE,
    IPM_KEY_INCLUDE,
    IPM_KEY_SWEEPS, /* a list of objects, which have members */
    IPM_KEY_BOUND,  /* of a range: a value of its axis */
    IPM_KEY_STEP,   /* of a range: in the unit of its axis, above 0 */
    IPM_KEY_FACTOR, /* of a range: a number above 1 */
};

struct ipm_key {
    const char *name; /* NULL ends a table */
    enum ipm_key_type type;
    size_t offset;                 /* in the struct that the table fills */
    const char *unit;              /* "ns", "" */
    int64_t min, max;              /* inclusive; in the unit */
    const char *fallback;          /* the default as a config writes it; NULL: none */
    const char *const *choices;    /* words allowed; NULL-terminated */
    const struct ipm_key *members; /* IPM_KEY_OBJECT, IPM_KEY_SWEEPS */
    const char *help;              /* one sentence */
};

extern const struct ipm_key ipm_spec_keys[];  /* the top: fills a struct ipm_spec */
extern const struct ipm_key ipm_sweep_keys[]; /* a sweep: fills a struct ipm_sweep */
extern const struct ipm_key
    ipm_range_keys[]; /* a range: from, to, and factor or step */

/* Is the key read by spec*.c? */
bool ipm_key_is_other(const struct ipm_key *key);

/* "10us" .. "1h" or 1 .. 100; "" when the key has no range. */
const char *ipm_key_range(char range[IPM_MEND], const struct ipm_key *key);

/* Row named @name in @keys, or NULL. */
const struct ipm_key *ipm_key_find(const struct ipm_key *keys, const char *name);

enum { IPM_KEY_NAMES = 24 };

/* The names of a table, for suggestions; NULL-terminated. */
void ipm_key_names(const struct ipm_key *keys, const char *names[IPM_KEY_NAMES]);

/* Writes every default that a table has into @values. */
void ipm_keys_defaults(const struct ipm_key *keys, void *values);

/* Reads the members of @object into @values, all errors into the diagnostics.  Members of
 * the types read elsewhere are left to the caller. */
void ipm_keys_read(const struct ipm_key *keys, const json_t *object,
                   const struct ipm_pointer *at, void *values,
                   struct ipm_diagnostics *diagnostics);

/* The members of a table with the values they have, as a config writes them, added to
 * @object; IPM_KEY_TEXT and what is read elsewhere are left out. */
void ipm_keys_print(const struct ipm_key *keys, const void *values, json_t *object);

#endif
