/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare.h"

#include "analysis/manifest.h"
#include "analysis/member.h"
#include "analysis/summary.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FACTORS = 14, KEY = 1024 };

int ipm_compare_open(struct ipm_compare *compare)
{
    *compare = (struct ipm_compare){.index = json_object(), .pool = json_object()};
    return compare->index == NULL || compare->pool == NULL ? -ENOMEM : 0;
}

/* The entries with room for one more; NULL: no memory. */
static void *grow(void *entries, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return entries;
    size_t wanted = *room == 0 ? 64 : *room * 2;
    void *larger = reallocarray(entries, wanted, size);
    if (larger != NULL)
        *room = wanted;
    return larger;
}

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
    struct ipm_compare_left_out *list = grow(compare->left_out, compare->n_left_out,
                                             &compare->left_out_room, sizeof(*list));
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

/* Of a point's factors the text that it is matched by: all but the word of its placement,
 * for which the class stands.  A class that nobody resolved leaves the word. */
static bool make_key(char key[KEY], const struct ipm_factors *factors)
{
    const char *place = factors->placement_class[0] != '\0' ? factors->placement_class
                                                            : factors->placement;
    int needed = snprintf(
        key, KEY, "%s\n%s\n%lld\n%lld\n%s\n%s\n%s\n%lld\n%lld\n%lld\n%s\n%s\n%s",
        factors->workload, factors->mechanism, (long long)factors->size,
        (long long)factors->copies, factors->wait, place, factors->touch,
        (long long)factors->depth, (long long)factors->batch,
        (long long)factors->reply_size, factors->policy, factors->rate,
        factors->options);
    return needed > 0 && needed < KEY;
}

/* Return: whether the list holds a point's factors; all texts interned. */
static bool read_factors(struct ipm_compare *compare, const json_t *list,
                         struct ipm_factors *factors)
{
    const struct {
        const char **text;
        int64_t *number;
    } places[FACTORS] = {
        {&factors->workload, NULL},
        {&factors->mechanism, NULL},
        {NULL, &factors->size},
        {NULL, &factors->copies},
        {&factors->wait, NULL},
        {&factors->placement, NULL},
        {&factors->placement_class, NULL},
        {&factors->touch, NULL},
        {NULL, &factors->depth},
        {NULL, &factors->batch},
        {NULL, &factors->reply_size},
        {&factors->policy, NULL},
        {&factors->rate, NULL},
        {&factors->options, NULL},
    };
    if (json_array_size(list) != FACTORS)
        return false;
    for (size_t i = 0; i < FACTORS; i++) {
        const json_t *member = json_array_get(list, i);
        if (places[i].number != NULL) {
            if (!json_is_integer(member))
                return false;
            *places[i].number = json_integer_value(member);
            continue;
        }
        *places[i].text =
            json_is_string(member) ? intern(compare, json_string_value(member)) : NULL;
        if (*places[i].text == NULL)
            return false;
    }
    return true;
}

/* The point of that key, made when there is none; NULL: no memory. */
static struct ipm_compare_point *point_of(struct ipm_compare *compare, const char *key,
                                          const struct ipm_factors *factors)
{
    json_t *at = json_object_get(compare->index, key);
    if (at != NULL)
        return &compare->points[json_integer_value(at)];
    struct ipm_compare_point *points = grow(compare->points, compare->n_points,
                                            &compare->points_room, sizeof(*points));
    const char *kept = intern(compare, key);
    if (points == NULL || kept == NULL)
        return NULL;
    compare->points = points;
    struct ipm_compare_point *point = &points[compare->n_points];
    *point = (struct ipm_compare_point){
        .key = kept,
        .factors = *factors,
        .cells = calloc(compare->n_sessions, sizeof(struct ipm_compare_cell *))};
    if (point->cells == NULL ||
        json_object_set_new(compare->index, key,
                            json_integer((json_int_t)compare->n_points)) != 0) {
        free(point->cells);
        return NULL;
    }
    compare->n_points++;
    return point;
}

/* One allocation for cell, costs and blocks: there are a million of them. */
static struct ipm_compare_cell *make_cell(const json_t *point)
{
    const json_t *blocks = json_array_get(point, IPM_DIGEST_BLOCKS);
    size_t n = json_array_size(blocks);
    struct ipm_compare_cell *cell = malloc(
        sizeof(*cell) + IPM_DIGEST_FIGURES * n * sizeof(double) + n * sizeof(int32_t));
    if (cell == NULL)
        return NULL;
    double *costs = (double *)(void *)(cell + 1);
    int32_t *numbers = (int32_t *)(void *)(costs + IPM_DIGEST_FIGURES * n);
    *cell = (struct ipm_compare_cell){
        .n = (uint32_t)n,
        .missed = json_is_true(json_array_get(point, IPM_DIGEST_MISSED)),
        .joules = {NAN, NAN, NAN},
        .blocks = numbers};
    for (size_t i = 0; i < n; i++) {
        json_int_t block = json_integer_value(json_array_get(blocks, i));
        numbers[i] = (int32_t)(block < 0                     ? 0
                               : block >= IPM_COMPARE_BLOCKS ? IPM_COMPARE_BLOCKS - 1
                                                             : block);
    }
    for (size_t by = 0; by < IPM_DIGEST_FIGURES; by++) {
        const json_t *list = json_array_get(point, IPM_DIGEST_FIRST + by);
        double *of = costs + by * n;
        for (size_t i = 0; i < n; i++) {
            const json_t *number = json_array_get(list, i);
            double value = json_is_number(number) ? json_number_value(number) : NAN;
            double sign = by == IPM_BY_THROUGHPUT ? -1 : 1;
            of[i] = value > 0 && isfinite(value) ? sign * log(value) : NAN;
        }
        cell->costs[by] = of;
    }
    const json_t *joules = json_array_get(point, IPM_DIGEST_JOULES);
    double value = json_number_value(json_array_get(joules, 0));
    double low = json_number_value(json_array_get(joules, 1));
    double n_blocks = json_number_value(json_array_get(joules, 3));
    double reach = n_blocks > 1 ? ipm_student(n_blocks - 1, IPM_SUMMARY_LEVEL) : NAN;
    if (value > 0 && low > 0 && low < value && reach > 0) {
        cell->joules[0] = log(value);
        cell->joules[1] = (value - low) / reach / value; /* delta method */
        cell->joules[2] = n_blocks - 1;
    }
    return cell;
}

/* Return: 0; -EINVAL it is no such point; -ENOMEM. */
static int add_point(struct ipm_compare *compare, struct ipm_compare_session *session,
                     size_t number, const json_t *json)
{
    char key[KEY];
    struct ipm_factors factors = {0};
    const char *kind = json_string_value(json_array_get(json, IPM_DIGEST_KIND));
    if (json_array_size(json) != IPM_DIGEST_MEMBERS || kind == NULL ||
        !read_factors(compare, json_array_get(json, IPM_DIGEST_FACTORS), &factors) ||
        !make_key(key, &factors))
        return -EINVAL;
    session->n_points++;
    if (strcmp(kind, "mapped") == 0) {
        /* One of a map's pairs of CPUs: their numbers mean nothing elsewhere. */
        session->n_mapped++;
        return 0;
    }
    struct ipm_compare_point *point = point_of(compare, key, &factors);
    if (point == NULL)
        return -ENOMEM;
    point->floor = strcmp(kind, "floor") == 0;
    point->token = strcmp(kind, "token") == 0;
    if (point->cells[number] != NULL) {
        /* Two words of a placement that mean one class here: the first stands. */
        session->n_doubled++;
        return 0;
    }
    struct ipm_compare_cell *cell = make_cell(json);
    if (cell == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < cell->n; i++) {
        size_t blocks = (size_t)cell->blocks[i] + 1;
        session->n_blocks = blocks > session->n_blocks ? blocks : session->n_blocks;
    }
    point->cells[number] = cell;
    return 0;
}

/* Room for one more session at every point. */
static int widen(struct ipm_compare *compare, size_t n)
{
    for (size_t i = 0; i < compare->n_points; i++) {
        struct ipm_compare_point *point = &compare->points[i];
        struct ipm_compare_cell **cells =
            reallocarray(point->cells, n, sizeof(struct ipm_compare_cell *));
        if (cells == NULL)
            return -ENOMEM;
        cells[n - 1] = NULL;
        point->cells = cells;
    }
    return 0;
}

/* Takes back what a directory that is left out after all had brought. */
static void take_back(struct ipm_compare *compare, size_t number)
{
    for (size_t i = 0; i < compare->n_points; i++) {
        free(compare->points[i].cells[number]);
        compare->points[i].cells[number] = NULL;
    }
}

static int fill_session(struct ipm_compare *compare, size_t number,
                        const json_t *digest, struct ipm_why *why)
{
    struct ipm_compare_session *session = &compare->sessions[number];
    size_t i;
    const json_t *point;
    int error = 0;
    json_array_foreach(json_object_get(digest, "points"), i, point)
    {
        error = add_point(compare, session, number, point);
        if (error == -EINVAL)
            (void)ipm_why_set(why, error, "point %zu of its digest is none", i);
        if (error != 0)
            break;
    }
    session->constants = json_incref(json_object_get(digest, "constants"));
    session->provenance = intern(compare, ipm_member_text(digest, "provenance"));
    return error == 0 && session->provenance == NULL ? -ENOMEM : error;
}

int ipm_compare_add(struct ipm_compare *compare, const char *directory, size_t side,
                    struct ipm_why *why)
{
    struct ipm_why found = {0};
    ipm_auto_json json_t *manifest = NULL;
    ipm_auto_json json_t *digest = NULL;
    enum ipm_digest_source source = IPM_DIGEST_MADE;
    int error = ipm_digest_load(directory, &digest, &source, &found);
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
        error == 0 ? grow(compare->sessions, number, &compare->sessions_room,
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
    error = sessions[number].directory == NULL ? -ENOMEM : widen(compare, number + 1);
    if (error == 0)
        error = fill_session(compare, number, digest, &found);
    if (error == -ENOMEM)
        return ipm_why_set(why, error, "no memory for %s", directory);
    if (error != 0) {
        take_back(compare, number);
        compare->n_sessions--;
        free(sessions[number].directory);
        json_decref(sessions[number].constants);
        json_decref(sessions[number].versions);
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

static int compare_points(const void *a, const void *b)
{
    const struct ipm_compare_point *left = a;
    const struct ipm_compare_point *right = b;
    int order = ipm_factors_compare(&left->factors, &right->factors);
    return order != 0 ? order : strcmp(left->key, right->key);
}

/* The last part of a path: a result directory is often given by a long one. */
static const char *last_part(const char *path, size_t *out_length)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t from = length;
    while (from > 0 && path[from - 1] != '/')
        from--;
    *out_length = length - from;
    return path + from;
}

/* A side's name: its directory's, with a number where that is not one of its own. */
static char *name_side(const struct ipm_compare *compare, size_t side)
{
    const struct ipm_compare_session *session =
        &compare->sessions[compare->first[side]];
    size_t length;
    const char *part = last_part(session->directory, &length);
    char *name = NULL;
    bool taken = false;
    for (size_t i = 0; i < compare->n_sides; i++) {
        size_t other;
        const char *of =
            last_part(compare->sessions[compare->first[i]].directory, &other);
        taken =
            taken || (i != side && other == length && memcmp(of, part, length) == 0);
    }
    int made = taken ? asprintf(&name, "%zu:%.*s", side + 1, (int)length, part)
                     : asprintf(&name, "%.*s", (int)length, part);
    return made < 0 ? NULL : name;
}

/* Those that only a directory had that is left out after all. */
static void drop_empty(struct ipm_compare *compare)
{
    size_t kept = 0;
    for (size_t i = 0; i < compare->n_points; i++) {
        bool empty = true;
        for (size_t k = 0; k < compare->n_sessions; k++)
            empty = empty && compare->points[i].cells[k] == NULL;
        if (empty)
            free(compare->points[i].cells);
        else
            compare->points[kept++] = compare->points[i];
    }
    compare->n_points = kept;
}

int ipm_compare_close(struct ipm_compare *compare)
{
    drop_empty(compare);
    if (compare->n_points > 0)
        qsort(compare->points, compare->n_points, sizeof(*compare->points),
              compare_points);
    json_decref(compare->index); /* of places that are no more */
    compare->index = NULL;
    compare->first = calloc(compare->n_sessions + 1, sizeof(*compare->first));
    compare->names = calloc(compare->n_sessions + 1, sizeof(char *));
    if (compare->first == NULL || compare->names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < compare->n_sessions; i++) {
        if (i == 0 || compare->sessions[i].side != compare->sessions[i - 1].side)
            compare->first[compare->n_sides++] = i;
    }
    compare->first[compare->n_sides] = compare->n_sessions;
    for (size_t i = 0; i < compare->n_sides; i++) {
        compare->names[i] = name_side(compare, i);
        if (compare->names[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

void ipm_compare_fini(struct ipm_compare *compare)
{
    for (size_t i = 0; i < compare->n_points; i++) {
        struct ipm_compare_point *point = &compare->points[i];
        for (size_t k = 0; k < compare->n_sessions; k++)
            free(point->cells[k]);
        free(point->cells);
    }
    for (size_t i = 0; i < compare->n_sessions; i++) {
        free(compare->sessions[i].directory);
        json_decref(compare->sessions[i].manifest);
        json_decref(compare->sessions[i].versions);
        json_decref(compare->sessions[i].constants);
    }
    for (size_t i = 0; i < compare->n_left_out; i++)
        free(compare->left_out[i].directory);
    for (size_t i = 0; i < compare->n_sides; i++)
        free(compare->names[i]);
    free(compare->names);
    free(compare->first);
    free(compare->left_out);
    free(compare->sessions);
    free(compare->points);
    json_decref(compare->index);
    json_decref(compare->pool);
    memset(compare, 0, sizeof(*compare));
}
