/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare.h"

#include "analysis/compare_parts.h"
#include "analysis/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ipm_compare_open(struct ipm_compare *compare)
{
    *compare = (struct ipm_compare){
        .index = json_object(), .pool = json_object(), .shared = json_object()};
    return compare->index == NULL || compare->pool == NULL || compare->shared == NULL
               ? -ENOMEM
               : 0;
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
            empty = empty && ipm_compare_cell(compare, &compare->points[i], k) == NULL;
        if (!empty)
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
    json_decref(compare->shared);
    compare->index = compare->shared = NULL;
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
    return ipm_compare_plugins(compare);
}

void ipm_compare_session_fini(struct ipm_compare_session *session)
{
    free(session->directory);
    free(session->cells);
    free(session->room);
    free(session->blocks);
    json_decref(session->manifest);
    json_decref(session->versions);
    json_decref(session->constants);
    *session = (struct ipm_compare_session){0};
}

void ipm_compare_fini(struct ipm_compare *compare)
{
    for (size_t i = 0; i < compare->n_sessions; i++)
        ipm_compare_session_fini(&compare->sessions[i]);
    for (size_t i = 0; i < compare->n_left_out; i++)
        free(compare->left_out[i].directory);
    for (size_t i = 0; i < compare->n_sides; i++)
        free(compare->names[i]);
    for (size_t i = 0; i < compare->n_plugins; i++)
        free(compare->plugins[i].versions);
    free(compare->plugins);
    free(compare->names);
    free(compare->first);
    free(compare->left_out);
    free(compare->sessions);
    free(compare->points);
    json_decref(compare->index);
    json_decref(compare->shared);
    json_decref(compare->plugin_names);
    json_decref(compare->pool);
    memset(compare, 0, sizeof(*compare));
}
