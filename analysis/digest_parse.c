/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest_parse.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/skim.h"

#include <string.h>

/* No string holds this, since quotes in strings have a backslash before them. */
static const char key[] = ",\"points\":[";

static json_t *parse(const char *text, size_t length)
{
    return json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
}

/* The point of that text, ended by NUL; the caller's. */
static json_t *point_of(const char *text, size_t length, json_t *shared)
{
    json_t *point = json_object_get(shared, text);
    if (point != NULL)
        return json_incref(point);
    point = parse(text, length);
    if (point != NULL && json_object_size(shared) < IPM_DIGEST_SHARED)
        (void)json_object_set(shared, text, point);
    return point;
}

/* The list of points that begins at @at, behind its bracket; @out_end: behind its end.
 * NULL: it is not as we write it. */
static json_t *points_at(char *text, size_t length, size_t at, json_t *shared,
                         size_t *out_end)
{
    ipm_auto_json json_t *points = json_array();
    while (at < length) {
        size_t end = ipm_skim_value(text, length, at);
        char behind = end < length ? text[end] : '\0';
        if ((behind != ',' && behind != ']') || end == at)
            return NULL;
        text[end] = '\0';
        int error =
            json_array_append_new(points, point_of(text + at, end - at, shared));
        text[end] = behind;
        if (error != 0)
            return NULL;
        at = end + 1;
        if (behind == ']') {
            *out_end = at;
            return ipm_steal(&points);
        }
    }
    return NULL;
}

json_t *ipm_digest_parse(char *text, size_t length, json_t *shared)
{
    static const char none[] = "null";
    size_t end = 0;
    char *found = shared == NULL ? NULL : memmem(text, length, key, sizeof(key) - 1);
    if (found == NULL)
        return parse(text, length);
    size_t from = (size_t)(found - text) + sizeof(key) - 1;
    ipm_auto_json json_t *points = points_at(text, length, from, shared, &end);
    if (points == NULL || end - from < sizeof(none))
        return parse(text, length);
    /* The rest is parsed with nothing in their place. */
    memcpy(text + from - 1, none, sizeof(none) - 1);
    memmove(text + from + sizeof(none) - 2, text + end, length - end);
    json_t *json = parse(text, length - (end - from) + sizeof(none) - 2);
    if (json_is_null(json_object_get(json, "points")))
        (void)json_object_set(json, "points", points);
    return json;
}
