/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/member.h"

#include <math.h>

const char *ipm_member_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

double ipm_member_number(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    return json_is_number(member) ? json_number_value(member) : NAN;
}
