/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_cell: what a digest says of one point, as a comparison keeps it.  Part of compare.
 */
#ifndef IPM_ANALYSIS_COMPARE_CELL_H
#define IPM_ANALYSIS_COMPARE_CELL_H

#include "analysis/compare.h"

/* What is left to read of a session's figures, and the list of blocks that was read last. */
struct ipm_compare_reader {
    const char *figures;
    size_t left; /* letters */
    const json_t *lists;
    size_t of; /* the list that numbers[] are of; SIZE_MAX: of none */
    int32_t *numbers;
    size_t n; /* invocations */
};

/* Makes the list of that number the reader's, unless it is.
 * Return: 0; -EINVAL there is no such list; -ENOMEM. */
int ipm_compare_read_blocks(struct ipm_compare_reader *reader, const json_t *number);

/* One allocation for cell, costs and blocks: there are a million of them.
 * @joules:  of the point, or null
 * @figures: those of the point, of as many invocations as the reader's list
 *
 * Return: 0, and the caller frees it; -EINVAL these are no figures; -ENOMEM. */
int ipm_compare_make_cell(const json_t *point, const json_t *joules,
                          const struct ipm_compare_reader *reader, const char *figures,
                          struct ipm_compare_cell **out_cell);

#endif
