/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_cell.h"

#include "analysis/digest_pack.h"
#include "analysis/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void take_joules(struct ipm_compare_cell *cell, const json_t *joules)
{
    double value = json_number_value(json_array_get(joules, 0));
    double low = json_number_value(json_array_get(joules, 1));
    double blocks = json_number_value(json_array_get(joules, 3));
    double reach = blocks > 1 ? ipm_student(blocks - 1, IPM_SUMMARY_LEVEL) : NAN;
    if (value > 0 && low > 0 && low < value && reach > 0) {
        cell->joules[0] = log(value);
        cell->joules[1] = (value - low) / reach / value; /* delta method */
        cell->joules[2] = blocks - 1;
    }
}

/* Lists of blocks, one behind the other in the session's own memory. */
static int read_lists(struct ipm_compare_session *session, const json_t *lists,
                      struct ipm_compare_reader *reader)
{
    size_t i;
    size_t k;
    const json_t *list;
    const json_t *number;
    size_t used = 0;
    json_array_foreach(lists, i, list) used += json_array_size(list);
    session->blocks = calloc(used + 1, sizeof(*session->blocks));
    reader->lists = calloc(json_array_size(lists) + 1, sizeof(*reader->lists));
    if (session->blocks == NULL || reader->lists == NULL)
        return -ENOMEM;
    reader->n_lists = json_array_size(lists);
    used = 0;
    json_array_foreach(lists, i, list)
    {
        struct ipm_compare_list *of = &reader->lists[i];
        if (!json_is_array(list))
            continue;
        of->blocks = session->blocks + used;
        of->n = json_array_size(list);
        json_array_foreach(list, k, number)
        {
            json_int_t block = json_integer_value(number);
            block = block < 0                     ? 0
                    : block >= IPM_COMPARE_BLOCKS ? IPM_COMPARE_BLOCKS - 1
                                                  : block;
            session->blocks[used++] = (int32_t)block;
            of->past = (size_t)block + 1 > of->past ? (size_t)block + 1 : of->past;
        }
    }
    return 0;
}

int ipm_compare_read_open(struct ipm_compare_session *session,
                          const struct ipm_digest *digest,
                          struct ipm_compare_reader *out_reader)
{
    const json_t *points = json_object_get(digest->json, "points");
    size_t n = json_array_size(points);
    *out_reader =
        (struct ipm_compare_reader){.figures = digest->figures, .left = digest->length};
    /* Of a map's pairs none is kept: less is used. */
    session->room = malloc(n * sizeof(struct ipm_compare_cell) +
                           digest->length / IPM_DIGEST_DIGITS * sizeof(double) + 1);
    out_reader->room = session->room;
    if (session->room == NULL)
        return -ENOMEM;
    int error =
        read_lists(session, json_object_get(digest->json, "blocks"), out_reader);
    if (error != 0)
        ipm_compare_read_close(out_reader);
    return error;
}

void ipm_compare_read_close(struct ipm_compare_reader *reader)
{
    free(reader->lists);
    *reader = (struct ipm_compare_reader){0};
}

/* The figures as logarithms of costs. */
static void take_costs(struct ipm_compare_cell *cell, double *costs, size_t n)
{
    for (size_t by = 0; by < IPM_DIGEST_FIGURES; by++) {
        double sign = by == IPM_BY_THROUGHPUT ? -1 : 1;
        double *of = costs + by * n;
        for (size_t i = 0; i < n; i++) {
            if (isnan(of[i]))
                continue;
            of[i] = sign * log(of[i]);
            cell->known[by]++;
        }
        cell->costs[by] = of;
    }
}

int ipm_compare_read_cell(struct ipm_compare_reader *reader,
                          struct ipm_compare_session *session, const json_t *point,
                          const json_t *joules, bool kept,
                          struct ipm_compare_cell **out_cell)
{
    const json_t *number = json_array_get(point, IPM_DIGEST_BLOCKS);
    json_int_t of = json_is_integer(number) ? json_integer_value(number) : -1;
    *out_cell = NULL;
    if (of < 0 || (size_t)of >= reader->n_lists || reader->lists[of].blocks == NULL)
        return -EINVAL;
    const struct ipm_compare_list *list = &reader->lists[of];
    size_t n = IPM_DIGEST_FIGURES * list->n;
    const char *figures = reader->figures;
    if (n * IPM_DIGEST_DIGITS > reader->left)
        return -EINVAL;
    reader->figures += n * IPM_DIGEST_DIGITS;
    reader->left -= n * IPM_DIGEST_DIGITS;
    if (!kept)
        return 0;
    struct ipm_compare_cell *cell = (struct ipm_compare_cell *)(void *)reader->room;
    double *costs = (double *)(void *)(cell + 1);
    *cell = (struct ipm_compare_cell){
        .n = (uint32_t)list->n,
        .missed = json_is_true(json_array_get(point, IPM_DIGEST_MISSED)),
        .joules = {NAN, NAN, NAN},
        .blocks = list->blocks};
    if (!ipm_digest_unpack(figures, n, costs))
        return -EINVAL;
    reader->room = (char *)(costs + n);
    take_costs(cell, costs, list->n);
    take_joules(cell, joules);
    session->n_blocks = list->past > session->n_blocks ? list->past : session->n_blocks;
    *out_cell = cell;
    return 0;
}
