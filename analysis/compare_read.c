/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare.h"
#include "analysis/compare_cell.h"
#include "analysis/compare_parts.h"
#include "analysis/digest_pack.h"
#include "analysis/manifest.h"
#include "analysis/member.h"
#include "base/array.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *intern(struct ipm_compare *compare, const char *text)
{
    json_t *kept = json_object_get(compare->pool, text);
    if (kept == NULL) {
        kept = json_string(text);
        if (kept == NULL || json_object_set_new(compare->pool, text, kept) != 0)
            return NULL;
    }
    return json_string_value(kept);
}

static int leave_out(struct ipm_compare *compare, const char *directory,
                     const struct ipm_why *why)
{
    struct ipm_compare_left_out *list = ipm_array_grow(
        compare->left_out, compare->n_left_out, &compare->left_out_room, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    compare->left_out = list;
    struct ipm_compare_left_out *entry = &list[compare->n_left_out];
    *entry = (struct ipm_compare_left_out){.directory = strdup(directory),
                                           .error = why->error};
    (void)snprintf(entry->reason, sizeof(entry->reason), "%s", why->text);
    if (entry->directory == NULL)
        return -ENOMEM;
    compare->n_left_out++;
    return 1;
}

static void add_versions(json_t *versions, const char *kind, const json_t *described)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(described, i, entry)
    {
        char name[120];
        json_t *version = json_object_get(entry, "version");
        (void)snprintf(name, sizeof(name), "%s %.100s", kind,
                       ipm_member_text(entry, "name"));
        if (version != NULL)
            (void)json_object_set(versions, name, version);
    }
}

/* What a point is matched by: the text of its factors from the class of its placement on.  A class
 * that nobody resolved leaves the word.  @made owns what had to be put together.  NULL: no
 * memory, or it is no such text. */
static const char *key_of(const char *text, char **made)
{
    const char *class = strchr(text, '\t');
    if (class == NULL || class[1] == '\0')
        return NULL;
    class ++;
    if (*class != '\t')
        return class;
    return asprintf(made, "%.*s%s", (int)(class - 1 - text), text, class) < 0 ? NULL
                                                                              : *made;
}

/* Return: 0, all texts interned; -EINVAL the text does not hold a point's factors; -ENOMEM. */
static int read_factors(struct ipm_compare *compare, const char *text,
                        struct ipm_factors *factors)
{
    const struct {
        const char **text;
        int64_t *number;
    } places[IPM_DIGEST_FACTORS_N] = {
        {&factors->placement, NULL},  {&factors->placement_class, NULL},
        {&factors->workload, NULL},   {&factors->mechanism, NULL},
        {NULL, &factors->size},       {NULL, &factors->copies},
        {&factors->wait, NULL},       {&factors->touch, NULL},
        {NULL, &factors->depth},      {NULL, &factors->batch},
        {NULL, &factors->reply_size}, {&factors->policy, NULL},
        {&factors->rate, NULL},       {&factors->options, NULL},
    };
    ipm_auto_free char *copy = strdup(text);
    char *rest = copy;
    if (copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < IPM_DIGEST_FACTORS_N; i++) {
        char *end = NULL;
        const char *part = strsep(&rest, "\t");
        if (part == NULL)
            return -EINVAL;
        if (places[i].number != NULL) {
            *places[i].number = strtoll(part, &end, 10);
            if (end == part || *end != '\0')
                return -EINVAL;
            continue;
        }
        *places[i].text = intern(compare, part);
        if (*places[i].text == NULL)
            return -ENOMEM;
    }
    return rest == NULL ? 0 : -EINVAL;
}

/* The point of that text, made when there is none.  Return: 0; -EINVAL; -ENOMEM. */
static int point_of(struct ipm_compare *compare, const char *text,
                    struct ipm_compare_point **out_point)
{
    ipm_auto_free char *made = NULL;
    struct ipm_factors factors = {0};
    const char *key = key_of(text, &made);
    if (key == NULL)
        return -EINVAL;
    const json_t *at = json_object_get(compare->index, key);
    if (at != NULL) {
        *out_point = &compare->points[json_integer_value(at)];
        return 0;
    }
    int error = read_factors(compare, text, &factors);
    if (error != 0)
        return error;
    struct ipm_compare_point *points = ipm_array_grow(
        compare->points, compare->n_points, &compare->points_room, sizeof(*points));
    const char *kept = intern(compare, key);
    if (points == NULL || kept == NULL)
        return -ENOMEM;
    compare->points = points;
    struct ipm_compare_point *point = &points[compare->n_points];
    *point = (struct ipm_compare_point){
        .number = compare->n_points, .key = kept, .factors = factors};
    if (json_object_set_new(compare->index, key,
                            json_integer((json_int_t)compare->n_points)) != 0)
        return -ENOMEM;
    compare->n_points++;
    *out_point = point;
    return 0;
}

/* Room for a cell at each point there is. */
static int widen(struct ipm_compare *compare, struct ipm_compare_session *session)
{
    size_t n = session->n_cells;
    if (compare->n_points <= n)
        return 0;
    struct ipm_compare_cell **cells = reallocarray(session->cells, compare->points_room,
                                                   sizeof(struct ipm_compare_cell *));
    if (cells == NULL)
        return -ENOMEM;
    for (; n < compare->points_room; n++)
        cells[n] = NULL;
    session->cells = cells;
    session->n_cells = n;
    return 0;
}

static void tell_pooled(struct ipm_compare_session *session,
                        const struct ipm_compare_point *point, const char *text)
{
    char label[IPM_COMPARE_LABEL];
    (void)snprintf(session->pooled_as, sizeof(session->pooled_as),
                   "%s, asked for again as %.*s", ipm_compare_label(point, label),
                   (int)strcspn(text, "\t"), text);
}

/* Return: 0; -EINVAL it is no such point; -ENOMEM. */
static int add_point(struct ipm_compare *compare, struct ipm_compare_session *session,
                     struct ipm_compare_reader *reader, const json_t *json,
                     const json_t *joules)
{
    struct ipm_compare_point *point = NULL;
    struct ipm_compare_cell *cell = NULL;
    const char *kind = json_string_value(json_array_get(json, IPM_DIGEST_KIND));
    const char *text = json_string_value(json_array_get(json, IPM_DIGEST_FACTORS));
    if (json_array_size(json) != IPM_DIGEST_MEMBERS || kind == NULL || text == NULL)
        return -EINVAL;
    /* A map's pairs are told by the numbers of CPUs, which mean nothing elsewhere. */
    bool mapped = strcmp(kind, "mapped") == 0;
    int error = ipm_compare_read_cell(reader, session, json, joules, !mapped, &cell);
    session->n_points++;
    session->n_mapped += mapped;
    if (error != 0 || mapped)
        return error;
    error = point_of(compare, text, &point);
    if (error == 0)
        error = widen(compare, session);
    if (error != 0)
        return error;
    point->floor = strcmp(kind, "floor") == 0;
    point->token = strcmp(kind, "token") == 0;
    struct ipm_compare_cell **place = &session->cells[point->number];
    if (*place != NULL && session->n_pooled++ == 0)
        tell_pooled(session, point, text);
    while (*place != NULL)
        place = &(*place)->pooled;
    *place = cell;
    return 0;
}

static int fill_session(struct ipm_compare *compare, size_t number,
                        const struct ipm_digest *digest, struct ipm_why *why)
{
    struct ipm_compare_session *session = &compare->sessions[number];
    struct ipm_compare_reader reader;
    const json_t *joules = json_object_get(digest->json, "joules");
    size_t i;
    const json_t *point;
    int error = ipm_compare_read_open(session, digest, &reader);
    if (error != 0)
        return error;
    json_array_foreach(json_object_get(digest->json, "points"), i, point)
    {
        error = add_point(compare, session, &reader, point, json_array_get(joules, i));
        if (error == -EINVAL)
            (void)ipm_why_set(why, error, "point %zu of its digest is none", i);
        if (error != 0)
            break;
    }
    if (error == 0 && reader.left > 0)
        error = ipm_why_set(why, -EINVAL, "its digest has figures of no point");
    ipm_compare_read_close(&reader);
    session->constants = json_incref(json_object_get(digest->json, "constants"));
    session->provenance = intern(compare, ipm_member_text(digest->json, "provenance"));
    return error == 0 && session->provenance == NULL ? -ENOMEM : error;
}

int ipm_compare_add(struct ipm_compare *compare, const char *directory, size_t side,
                    struct ipm_why *why)
{
    struct ipm_why found = {0};
    ipm_auto_json json_t *manifest = NULL;
    ipm_auto_digest struct ipm_digest digest = {0};
    enum ipm_digest_source source = IPM_DIGEST_MADE;
    int error = ipm_digest_load(directory, compare->shared, &digest, &source, &found);
    if (error == 0)
        error = ipm_manifest_read(directory, &manifest, &found);
    if (error == IPM_MANIFEST_UNREAD) {
        char reason[sizeof(found.text)];
        (void)snprintf(reason, sizeof(reason), "%s", found.text);
        error = ipm_why_set(&found, -ENOENT,
                            "no manifest.json to go by (%s): which machine it was is "
                            "not known",
                            reason);
    }
    if (error != 0 && error != -ENOMEM)
        return leave_out(compare, directory, &found);

    size_t number = compare->n_sessions;
    struct ipm_compare_session *sessions =
        error == 0 ? ipm_array_grow(compare->sessions, number, &compare->sessions_room,
                                    sizeof(*sessions))
                   : NULL;
    if (sessions == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for %s", directory);
    compare->sessions = sessions;
    sessions[number] = (struct ipm_compare_session){.side = side, .source = source};
    sessions[number].directory = strdup(directory);
    sessions[number].emulated = ipm_manifest_is_emulated(manifest);
    sessions[number].versions = json_object();
    json_t *describe = json_object_get(manifest, "describe");
    add_versions(sessions[number].versions, "mechanism",
                 json_object_get(describe, "mechanisms"));
    add_versions(sessions[number].versions, "workload",
                 json_object_get(describe, "workloads"));
    compare->n_sessions++;
    error = sessions[number].directory == NULL ? -ENOMEM : 0;
    if (error == 0)
        error = fill_session(compare, number, &digest, &found);
    if (error == -ENOMEM)
        return ipm_why_set(why, error, "no memory for %s", directory);
    if (error != 0) {
        compare->n_sessions--;
        ipm_compare_session_fini(&sessions[number]);
        return leave_out(compare, directory, &found);
    }
    /* Tens of kilobytes that no comparison reads. */
    static const char *const unread[] = {"describe", "config", "skips",      "dropped",
                                         "stops",    "drift",  "capacities", NULL};
    for (size_t i = 0; unread[i] != NULL; i++)
        (void)json_object_del(manifest, unread[i]);
    sessions[number].manifest = ipm_steal(&manifest);
    return 0;
}
