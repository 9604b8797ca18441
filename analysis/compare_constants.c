/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "analysis/member.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY = 512 };

/* The side's constant of that name; of several sessions the first that has it.  NULL: none. */
static const json_t *constant_of(const struct ipm_compare *compare, size_t side,
                                 const json_t *wanted)
{
    static const char *const names[] = {"model", "of", "name", "unit", "provenance"};
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        size_t k;
        const json_t *entry;
        json_array_foreach(compare->sessions[i].constants, k, entry)
        {
            bool same = true;
            for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
                same = same && strcmp(ipm_member_text(entry, names[n]),
                                      ipm_member_text(wanted, names[n])) == 0;
            if (same)
                return entry;
        }
    }
    return NULL;
}

/* Both intervals far from each other is a difference; that they touch is none.  As a ratio it
 * is that of the values alone, with the widest that both intervals allow. */
static json_t *ratio_json(const json_t *a, const json_t *b)
{
    double value = ipm_member_number(b, "value") / ipm_member_number(a, "value");
    double low = ipm_member_number(b, "low") / ipm_member_number(a, "high");
    double high = ipm_member_number(b, "high") / ipm_member_number(a, "low");
    bool sound = value > 0 && low > 0 && high >= value && isfinite(high);
    return ipm_compare_interval(value > 0 && isfinite(value) ? value : NAN,
                                sound ? low : NAN, sound ? high : NAN);
}

static json_t *side_json(const json_t *constant)
{
    static const char *const kept[] = {"value", "low", "high", "passed", "reason"};
    if (constant == NULL)
        return json_null();
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        (void)json_object_set(json, kept[i], json_object_get(constant, kept[i]));
    return json;
}

static json_t *row_json(const struct ipm_compare *compare, const json_t *constant)
{
    static const char *const named[] = {"model", "of", "name", "unit", "provenance"};
    json_t *json = json_object();
    json_t *sides = json_array();
    json_t *ratios = json_array();
    const json_t *first = constant_of(compare, 0, constant);
    char refusal[256];
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        (void)json_object_set(json, named[i], json_object_get(constant, named[i]));
    for (size_t side = 0; side < compare->n_sides; side++) {
        const json_t *of = constant_of(compare, side, constant);
        bool passed = json_is_true(json_object_get(first, "passed")) &&
                      json_is_true(json_object_get(of, "passed"));
        (void)json_array_append_new(sides, side_json(of));
        if (side == 0)
            continue;
        bool refused =
            ipm_compare_refusal(compare, 0, side, IPM_BY_LATENCY, refusal)[0] != '\0';
        (void)json_array_append_new(ratios, passed && !refused ? ratio_json(first, of)
                                                               : json_null());
    }
    (void)json_object_set_new(json, "sides", sides);
    (void)json_object_set_new(json, "ratios", ratios);
    return json;
}

json_t *ipm_compare_constants(const struct ipm_compare *compare)
{
    json_t *list = json_array();
    json_t *seen = json_object();
    for (size_t i = 0; i < compare->n_sessions; i++) {
        size_t k;
        const json_t *constant;
        json_array_foreach(compare->sessions[i].constants, k, constant)
        {
            char key[KEY];
            (void)snprintf(
                key, sizeof(key), "%.20s\n%.240s\n%.80s\n%.20s\n%.30s",
                ipm_member_text(constant, "model"), ipm_member_text(constant, "of"),
                ipm_member_text(constant, "name"), ipm_member_text(constant, "unit"),
                ipm_member_text(constant, "provenance"));
            if (json_object_get(seen, key) != NULL)
                continue;
            (void)json_object_set_new(seen, key, json_true());
            (void)json_array_append_new(list, row_json(compare, constant));
        }
    }
    json_decref(seen);
    return list;
}
