/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema_text: what the help of a key and the man page share (schema.h). */
#ifndef IPM_HARNESS_SCHEMA_TEXT_H
#define IPM_HARNESS_SCHEMA_TEXT_H

#include "base/json.h"

/* The keys of an object, of the objects of a list, or of an alternative that has some: name
 * to schema.  Borrowed; NULL: none. */
const json_t *ipm_schema_members(const json_t *schema);

/* What may stand there, in words; the caller frees it.  NULL: there is nothing to say. */
char *ipm_schema_allowed(const json_t *schema);

/* The default as a config writes it; the caller frees it.  NULL: none. */
char *ipm_schema_default(const json_t *schema);

#endif
