/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_cell: what a digest says of its points, as a comparison keeps it.  Part of compare.
 */
#ifndef IPM_ANALYSIS_COMPARE_CELL_H
#define IPM_ANALYSIS_COMPARE_CELL_H

#include "analysis/compare.h"

/* What is left to read of a session's figures, and where to put it. */
struct ipm_compare_reader {
    const char *figures;
    size_t left; /* letters */
    char *room;  /* of the session */
    struct ipm_compare_list {
        const int32_t *blocks; /* NULL: it is no list */
        size_t n, past;        /* invocations; one more than the last block */
    } * lists;
    size_t n_lists;
};

/**
 * ipm_compare_read_open() - room for all cells of a session, and its lists of blocks
 *
 * Session and digest must outlive the reader.
 *
 * Return: 0, and the caller closes it; -ENOMEM.
 */
int ipm_compare_read_open(struct ipm_compare_session *session,
                          const struct ipm_digest *digest,
                          struct ipm_compare_reader *out_reader);

void ipm_compare_read_close(struct ipm_compare_reader *reader);

/**
 * ipm_compare_read_cell() - the next point's figures
 * @point:  of the digest
 * @joules: of the point, or null
 * @kept:   false: they are passed over
 *
 * Return: 0, and the cell is the session's, NULL when not @kept; -EINVAL these are no
 *         figures.
 */
int ipm_compare_read_cell(struct ipm_compare_reader *reader,
                          struct ipm_compare_session *session, const json_t *point,
                          const json_t *joules, bool kept,
                          struct ipm_compare_cell **out_cell);

#endif
