/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"

#include <string.h>

enum { EXAMPLES = 12 };

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

json_t *ipm_compare_sides(const struct ipm_compare *compare)
{
    static const char *const copied[] = {"name",  "run",     "started", "finished",
                                         "build", "version", "quick",   "interrupted"};
    json_t *sides = json_array();
    for (size_t side = 0; side < compare->n_sides; side++) {
        json_t *sessions = json_array();
        for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
            const struct ipm_compare_session *session = &compare->sessions[i];
            json_t *json = json_object();
            set(json, "directory", ipm_json_text(session->directory));
            for (size_t k = 0; k < sizeof(copied) / sizeof(copied[0]); k++) {
                json_t *value = json_object_get(session->manifest, copied[k]);
                set(json, copied[k], value == NULL ? json_null() : json_incref(value));
            }
            set(json, "read", json_string(ipm_digest_source_names[session->source]));
            set(json, "emulated", json_boolean(session->emulated));
            set(json, "joules",
                session->provenance[0] == '\0' ? json_null()
                                               : ipm_json_text(session->provenance));
            set(json, "points", json_integer((json_int_t)session->n_points));
            set(json, "mapped", json_integer((json_int_t)session->n_mapped));
            set(json, "pooled", json_integer((json_int_t)session->n_pooled));
            set(json, "pooled_as",
                session->n_pooled == 0 ? json_null()
                                       : ipm_json_text(session->pooled_as));
            (void)json_array_append_new(sessions, json);
        }
        json_t *json = json_pack("{s: o}", "sessions", sessions);
        set(json, "name", ipm_json_text(compare->names[side]));
        (void)json_array_append_new(sides, json);
    }
    return sides;
}

json_t *ipm_compare_left_out(const struct ipm_compare *compare)
{
    json_t *list = json_array();
    for (size_t i = 0; i < compare->n_left_out; i++) {
        json_t *json = json_object();
        set(json, "directory", ipm_json_text(compare->left_out[i].directory));
        set(json, "reason", ipm_json_text(compare->left_out[i].reason));
        (void)json_array_append_new(list, json);
    }
    return list;
}

/* Why a side has not the point: its class of placement is not there, or it was not asked. */
static const char *absence(const struct ipm_compare *compare,
                           const struct ipm_compare_point *point, size_t side)
{
    const char *place = ipm_compare_class_of(point, IPM_COMPARE_BY_PLACEMENT);
    bool mechanism = false;
    bool placed = false;
    for (size_t i = 0; i < compare->n_points; i++) {
        const struct ipm_compare_point *other = &compare->points[i];
        if (!ipm_compare_has(compare, other, side))
            continue;
        placed = placed || strcmp(ipm_compare_class_of(other, IPM_COMPARE_BY_PLACEMENT),
                                  place) == 0;
        mechanism = mechanism ||
                    strcmp(other->factors.mechanism, point->factors.mechanism) == 0;
    }
    return !placed      ? "nothing was measured there in that class of placement"
           : !mechanism ? "its mechanism was not measured there"
                        : "these factors were not measured there";
}

json_t *ipm_compare_matching(const struct ipm_compare *compare)
{
    size_t common = 0;
    size_t some = 0;
    json_t *examples = json_array();
    json_t *lacks = json_array();
    for (size_t side = 0; side < compare->n_sides; side++) {
        size_t n = 0;
        for (size_t i = 0; i < compare->n_points; i++)
            n += !ipm_compare_has(compare, &compare->points[i], side);
        (void)json_array_append_new(lacks, json_integer((json_int_t)n));
    }
    for (size_t i = 0; i < compare->n_points; i++) {
        const struct ipm_compare_point *point = &compare->points[i];
        size_t missing = compare->n_sides;
        char label[IPM_COMPARE_LABEL];
        for (size_t side = compare->n_sides; side-- > 0;) {
            if (!ipm_compare_has(compare, point, side))
                missing = side;
        }
        common += missing == compare->n_sides;
        if (missing == compare->n_sides)
            continue;
        some++;
        if (json_array_size(examples) >= EXAMPLES)
            continue;
        json_t *json = json_pack("{s: I, s: s}", "absent_from", (json_int_t)missing,
                                 "reason", absence(compare, point, missing));
        set(json, "point", ipm_json_text(ipm_compare_label(point, label)));
        (void)json_array_append_new(examples, json);
    }
    return json_pack("{s: I, s: I, s: I, s: o, s: o}", "points",
                     (json_int_t)compare->n_points, "common", (json_int_t)common,
                     "some", (json_int_t)some, "lacks", lacks, "examples", examples);
}
