/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema_axes: the part of a JSON Schema (schema.h) about the axes of a sweep. */
#ifndef IPM_HARNESS_SCHEMA_AXES_H
#define IPM_HARNESS_SCHEMA_AXES_H

#include "base/json.h"

#include <stdbool.h>

/* As base/units.h reads them. */
#define IPM_SCHEMA_DURATION "^[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|min|h)$"
#define IPM_SCHEMA_SIZE     "^[0-9]+(\\.[0-9]+)?( *(B|KiB|MiB|GiB))?$"

/* An object whose members are axes; @single: each has one value, else a list or a range will
 * do.  A new reference. */
json_t *ipm_schema_axes(const json_t *describe, bool single);

#endif
