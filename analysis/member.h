/* SPDX-License-Identifier: GPL-3.0-or-later */
/* member: members of an object, leniently: "" and NaN when absent or of another type. */
#ifndef IPM_ANALYSIS_MEMBER_H
#define IPM_ANALYSIS_MEMBER_H

#include <jansson.h>

const char *ipm_member_text(const json_t *object, const char *key);
double ipm_member_number(const json_t *object, const char *key);

#endif
