/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/winner.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_field_names[IPM_FIELDS] = {"any", "sleeping"};

/* What a contest is made from. */
struct sources {
    const struct ipm_energy *energy;
    struct ipm_invocations invocations;
};

static int compare_points(const void *a, const void *b)
{
    const struct ipm_point *left = *(const struct ipm_point *const *)a;
    const struct ipm_point *right = *(const struct ipm_point *const *)b;
    int order = ipm_rivals_compare(left, right);
    return order != 0 ? order : strcmp(left->id, right->id);
}

static int hold(const struct ipm_point *const *points, size_t n, enum ipm_by by,
                const struct sources *sources, struct ipm_contest *contest)
{
    char reason[IPM_ENTRY_REASON];
    contest->entrants = calloc(n, sizeof(*contest->entrants));
    if (contest->entrants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int result =
            ipm_entrant_make(points[i], by, &sources->invocations, sources->energy,
                             &contest->entrants[contest->n], reason);
        if (result < 0)
            return result;
        contest->n += result == 0;
    }
    return ipm_contest_judge(contest, by == IPM_BY_THROUGHPUT);
}

/* The same contest among those that sleep; the costs stay with the others. */
static int hold_sleeping(const struct ipm_contest *any, enum ipm_by by,
                         struct ipm_contest *contest)
{
    size_t n = 0;
    for (size_t i = 0; i < any->n; i++)
        n += ipm_wait_sleeps(any->entrants[i].point->factors.wait);
    if (n == any->n || n == 0)
        return 0;
    contest->entrants = calloc(n, sizeof(*contest->entrants));
    if (contest->entrants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < any->n; i++) {
        if (!ipm_wait_sleeps(any->entrants[i].point->factors.wait))
            continue;
        contest->entrants[contest->n] = any->entrants[i];
        contest->entrants[contest->n++].owned = NULL;
    }
    return ipm_contest_judge(contest, by == IPM_BY_THROUGHPUT);
}

static int make_cell(const struct ipm_point *const *points, size_t n,
                     const struct sources *sources, struct ipm_winner_cell *cell)
{
    cell->asked = points[0];
    for (int by = 0; by < IPM_BYS; by++) {
        struct ipm_contest *contests = cell->contests[by];
        if (!ipm_by_fits((enum ipm_by)by, points[0]->factors.workload))
            continue;
        int error = hold(points, n, (enum ipm_by)by, sources, &contests[IPM_FIELD_ANY]);
        if (error == 0)
            error = hold_sleeping(&contests[IPM_FIELD_ANY], (enum ipm_by)by,
                                  &contests[IPM_FIELD_SLEEPING]);
        if (error != 0)
            return error;
    }
    return 0;
}

static int make_cells(const struct ipm_summary *summary, const json_t *manifest,
                      const struct sources *sources, struct ipm_winners *winners)
{
    size_t room = summary->n_points + 1;
    ipm_auto_free const struct ipm_point **points = calloc(room, sizeof(*points));
    winners->cells = calloc(room, sizeof(*winners->cells));
    if (points == NULL || winners->cells == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        enum ipm_unfit unfit = ipm_point_unfit(point, manifest, &sources->invocations);
        winners->unfit[unfit]++;
        if (unfit == IPM_FIT)
            points[n++] = point;
    }
    qsort(points, n, sizeof(*points), compare_points);
    for (size_t from = 0, to; from < n; from = to) {
        to = from;
        while (to < n && ipm_rivals_compare(points[from], points[to]) == 0)
            to++;
        int error = make_cell(points + from, to - from, sources,
                              &winners->cells[winners->n_cells++]);
        if (error != 0)
            return error;
    }
    return 0;
}

int ipm_winners_make(const struct ipm_table *table, const struct ipm_summary *summary,
                     const struct ipm_energy *energy, const json_t *manifest,
                     struct ipm_winners *out_winners, struct ipm_why *why)
{
    struct sources sources = {.energy = energy};
    ipm_auto_winners struct ipm_winners winners = {.provenance = energy->provenance};
    int error = ipm_invocations_make(table, &sources.invocations);
    if (error == 0)
        error = make_cells(summary, manifest, &sources, &winners);
    ipm_invocations_fini(&sources.invocations);
    if (error != 0)
        return ipm_why_set(why, error, "hold the contests: ");
    *out_winners = winners;
    memset(&winners, 0, sizeof(winners));
    return 0;
}

void ipm_winners_fini(struct ipm_winners *winners)
{
    for (size_t i = 0; i < winners->n_cells; i++) {
        for (int by = 0; by < IPM_BYS; by++) {
            for (int field = 0; field < IPM_FIELDS; field++)
                ipm_contest_fini(&winners->cells[i].contests[by][field]);
        }
    }
    free(winners->cells);
    memset(winners, 0, sizeof(*winners));
}
