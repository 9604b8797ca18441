/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_rows: the rows of "exclude" and "include" in a sweep, as a build matrix has them.
 *
 *     "exclude": [ { "mechanism": ["pipe", "fifo"], "size": "1MiB" } ]
 *     "include": [ { "workload": "pingpong", "mechanism": "pipe", "size": "16MiB" } ]
 *
 * A factor is "workload", "mechanism" or an axis.  Exclude: a combination of the sweep goes
 * when every factor of a row has one of the values there, as the point itself has them: those
 * that no axis gave, too.  Include: a row is one point, its other factors at their defaults.
 */
#ifndef IPM_HARNESS_SPEC_ROWS_H
#define IPM_HARNESS_SPEC_ROWS_H

#include "base/json.h"
#include "harness/diagnostics.h"

#include <stdbool.h>

enum { IPM_ROWS_LIMIT = 1000 };

/**
 * ipm_rows_read() - rows in canonical form
 * @include: rows of "include", one value per factor; else of "exclude", a list per factor
 * @rows:    the config's member; NULL: no row
 * @at:      where it stands
 *
 * Return: a list of objects, the caller's reference; what was wrong is left out, and the
 *         diagnostics say so.
 */
json_t *ipm_rows_read(const json_t *describe, bool include, const json_t *rows,
                      const struct ipm_pointer *at,
                      struct ipm_diagnostics *diagnostics);

#endif
