/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_axes: the axes of a sweep - which there are, and a scalar, list or range to a list
 * of canonical values.
 *
 * Canonical: integers for counts, sizes (bytes) and flags' truth values as JSON has them,
 * "20us" for durations, words for the rest; a rate is a text, "max", "50%" or "10000";
 * a placement by numbers is "cpus:2,4"; a reply as long as the message is "same"; a mix of
 * sizes is its word, or "64:9,4096:1" (base/mix.h).
 *
 * A mechanism whose module was not built or loaded cannot say what its options are.  A config
 * that sets them stays good on such a machine: they are taken as they stand, and the plan
 * skips the mechanism.
 */
#ifndef IPM_HARNESS_SPEC_AXES_H
#define IPM_HARNESS_SPEC_AXES_H

#include "base/json.h"
#include "harness/diagnostics.h"

#include <stddef.h>
#include <stdint.h>

enum ipm_axis_type {
    IPM_AXIS_INTEGER,
    IPM_AXIS_SIZE,     /* bytes */
    IPM_AXIS_DURATION, /* nanoseconds */
    IPM_AXIS_FLAG,
    IPM_AXIS_CHOICE,
    IPM_AXIS_RATE,      /* messages/s, "max", or a share of the capacity */
    IPM_AXIS_PLACEMENT, /* a placement word, or CPU numbers */
    IPM_AXIS_MIX,       /* of sizes: a word, or sizes with their weights */
    IPM_AXIS_NODE,      /* a memory node: a word among the choices, or its number */
    IPM_AXIS_UNCHECKED, /* option of a mechanism whose module is not here */
};

enum { IPM_AXIS_CHOICES = 33 };

struct ipm_axis {
    const char *name; /* "size", "shm_ring.backing" */
    enum ipm_axis_type type;
    int64_t min, max;                      /* inclusive; both 0: no bound */
    const char *choices[IPM_AXIS_CHOICES]; /* NULL-terminated; empty: none */
    const char *special;                   /* a word allowed besides numbers, or NULL */
    const char *fallback;                  /* default as text; NULL: depends */
    const char *help;
};

/* Does every value of "size_mix", one or a list of them, bring sizes of its own? */
bool ipm_axis_gives_sizes(const json_t *mixes);

/**
 * ipm_axis_find() - an axis by name: shared ones are bare words, private ones are
 * "plugin.option"
 * @out_axis: borrows from @describe and @name
 * @mend:     on failure, what might have been meant; "" when nothing
 *
 * Return: 0; -ENOENT.
 */
int ipm_axis_find(const json_t *describe, const char *name, struct ipm_axis *out_axis,
                  char mend[IPM_MEND]);

/* Names of all axes: shared ones, then those that the worker describes, then the options of
 * its mechanisms.  A list, the caller's reference. */
json_t *ipm_axis_names(const json_t *describe);

/* Names of mechanisms that cannot say what their options are, as their modules are not here.
 * A list, the caller's reference. */
json_t *ipm_axis_absent(const json_t *describe);

/**
 * ipm_axis_value() - one value in canonical form
 *
 * Return: the caller's reference; NULL with what is wrong in @why and what is allowed in
 *         @mend.
 */
json_t *ipm_axis_value(const struct ipm_axis *axis, const json_t *value,
                       char mend[IPM_MEND], struct ipm_why *why);

/* The default in canonical form, the caller's reference; NULL: it depends. */
json_t *ipm_axis_fallback(const struct ipm_axis *axis);

/**
 * ipm_axis_values() - a scalar, a list, or a range {from, to, factor} or {from, to, step}
 * @at: where @value stands
 *
 * Return: a list of 1 to IPM_AXIS_LIMIT values, the caller's reference; NULL: the
 *         diagnostics say why.
 */
json_t *ipm_axis_values(const struct ipm_axis *axis, const json_t *value,
                        const struct ipm_pointer *at,
                        struct ipm_diagnostics *diagnostics);

#endif
