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

int ipm_compare_read_blocks(struct ipm_compare_reader *reader, const json_t *number)
{
    json_int_t of = json_is_integer(number) ? json_integer_value(number) : -1;
    if (of < 0 || !json_is_array(json_array_get(reader->lists, (size_t)of)))
        return -EINVAL;
    if ((size_t)of == reader->of)
        return 0;
    const json_t *list = json_array_get(reader->lists, (size_t)of);
    size_t n = json_array_size(list);
    int32_t *numbers = reallocarray(reader->numbers, n + 1, sizeof(*numbers));
    if (numbers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        json_int_t block = json_integer_value(json_array_get(list, i));
        numbers[i] = (int32_t)(block < 0                     ? 0
                               : block >= IPM_COMPARE_BLOCKS ? IPM_COMPARE_BLOCKS - 1
                                                             : block);
    }
    reader->numbers = numbers;
    reader->n = n;
    reader->of = (size_t)of;
    return 0;
}

int ipm_compare_make_cell(const json_t *point, const json_t *joules,
                          const struct ipm_compare_reader *reader, const char *figures,
                          struct ipm_compare_cell **out_cell)
{
    size_t n = reader->n;
    struct ipm_compare_cell *cell = malloc(
        sizeof(*cell) + IPM_DIGEST_FIGURES * n * sizeof(double) + n * sizeof(int32_t));
    if (cell == NULL)
        return -ENOMEM;
    double *costs = (double *)(void *)(cell + 1);
    int32_t *numbers = (int32_t *)(void *)(costs + IPM_DIGEST_FIGURES * n);
    *cell = (struct ipm_compare_cell){
        .n = (uint32_t)n,
        .missed = json_is_true(json_array_get(point, IPM_DIGEST_MISSED)),
        .joules = {NAN, NAN, NAN},
        .blocks = numbers};
    memcpy(numbers, reader->numbers, n * sizeof(*numbers));
    if (!ipm_digest_unpack(figures, IPM_DIGEST_FIGURES * n, costs)) {
        free(cell);
        return -EINVAL;
    }
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
    take_joules(cell, joules);
    *out_cell = cell;
    return 0;
}
