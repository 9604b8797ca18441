/* SPDX-License-Identifier: GPL-3.0-or-later */
/* segments_shapes: what shapes there are over given sizes.  Part of segments. */
#ifndef IPM_ANALYSIS_SEGMENTS_SHAPES_H
#define IPM_ANALYSIS_SEGMENTS_SHAPES_H

#include "analysis/models/segments.h"

/**
 * ipm_segments_list_shapes() - fill in the search's shapes, the straight line first
 * @search: with its sizes; what was listed is the search's, after an error too
 *
 * Return: 0; -ENOMEM.
 */
int ipm_segments_list_shapes(struct ipm_segments_search *search,
                             const struct ipm_segments_capacity *capacities,
                             size_t n_capacities);

#endif
