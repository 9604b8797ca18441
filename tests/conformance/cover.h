/* SPDX-License-Identifier: MIT */
/*
 * cover: the combinations of a mechanism's own options that its suite runs for.
 *
 * An AXIS is a choice or a flag of the option table; a number has too many values and stays
 * at its default unless it is fixed.  A ROW gives each axis one value.  The first row has
 * the defaults.  The others are chosen so that every pair of values of two axes is together
 * in at least one row: most faults need no more than two options to meet.  The same table
 * always gives the same rows.
 */
#ifndef IPM_TESTS_COVER_H
#define IPM_TESTS_COVER_H

#include "base/option.h"

#include <stdbool.h>

enum {
    IPM_COVER_AXES = 8,     /* of one mechanism */
    IPM_COVER_LEVELS = 16,  /* values of one axis */
    IPM_COVER_ROWS = 65536, /* of a full product */
};

struct ipm_cover {
    const struct ipm_option *options; /* NULL: none, and one row */
    const char *const *fixed;         /* borrowed */
    size_t n_fixed;
    size_t n_axes;
    const struct ipm_option *axes[IPM_COVER_AXES];
    unsigned char levels[IPM_COVER_AXES];
    unsigned char defaults[IPM_COVER_AXES];
    size_t n_rows;
    unsigned char (*rows)[IPM_COVER_AXES];
};

/**
 * ipm_cover_init() - choose the rows for an option table
 * @options: NULL for none
 * @fixed:   "NAME=VALUE" each, borrowed; these options have that value in every row
 * @full:    every combination instead of every pair
 *
 * Return: 0; -EINVAL or -ERANGE what is fixed is not possible; -E2BIG more axes, values or
 *         rows than fit; -ENOMEM.
 */
int ipm_cover_init(struct ipm_cover *out_cover, const struct ipm_option *options,
                   const char *const *fixed, size_t n_fixed, bool full,
                   struct ipm_why *why);
void ipm_cover_fini(struct ipm_cover *cover);

/* Fills the mechanism's option struct for a row. */
void ipm_cover_values(const struct ipm_cover *cover, size_t row, void *values);

enum { IPM_COVER_TEXT = 320 };

/* "backing=memfd sync=futex": what is fixed and what differs from the defaults;
 * "defaults" when nothing does. */
const char *ipm_cover_text(const struct ipm_cover *cover, size_t row,
                           char text[IPM_COVER_TEXT]);

#endif
