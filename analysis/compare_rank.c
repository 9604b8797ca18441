/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_parts.h"
#include "base/cleanup.h"
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000, SEED = 20260101 };

struct score {
    double mean;     /* of the points' mean logarithms */
    double *parts;   /* what each cluster adds to the mean */
    size_t n;        /* clusters that have a value */
    double variance; /* of the mean */
    size_t place;
    size_t *places; /* draws by place, from 0 */
};

struct scores {
    struct score *of; /* by side */
    size_t n, points;
};

static void fini(struct scores *scores)
{
    for (size_t i = 0; i < scores->n && scores->of != NULL; i++) {
        free(scores->of[i].parts);
        free(scores->of[i].places);
    }
    free(scores->of);
}

/* Has the side two values and more of the point? */
static bool has_two(const struct ipm_compare *compare,
                    const struct ipm_compare_point *point, size_t side, enum ipm_by by)
{
    size_t n = 0;
    for (size_t i = compare->first[side]; i < compare->first[side + 1]; i++) {
        const struct ipm_compare_cell *cell = ipm_compare_cell(compare, point, i);
        for (; cell != NULL; cell = cell->pooled)
            n += cell->known[by];
    }
    return n >= 2;
}

/* Which points have two values and more on all sides, and may be compared.  Side by side, whose
 * cells stand together in memory. */
static void find_common(const struct ipm_compare *compare, enum ipm_by by,
                        unsigned char *common)
{
    char text[256];
    for (size_t i = 0; i < compare->n_points; i++)
        common[i] = !compare->points[i].floor;
    for (size_t side = 0; side < compare->n_sides; side++) {
        for (size_t i = 0; i < compare->n_points; i++) {
            const struct ipm_compare_point *point = &compare->points[i];
            common[i] =
                common[i] && has_two(compare, point, side, by) &&
                ipm_compare_point_refusal(compare, point, 0, side, by, text)[0] == '\0';
        }
    }
}

/* May no point of them all be compared? */
static bool refused(const struct ipm_compare *compare, enum ipm_by by)
{
    char text[256];
    for (size_t side = 1; side < compare->n_sides; side++) {
        if (ipm_compare_refusal(compare, 0, side, by, text)[0] != '\0')
            return true;
    }
    return false;
}

static int score(const struct ipm_compare *compare, enum ipm_by by,
                 const unsigned char *common, size_t side, size_t points,
                 struct score *out)
{
    struct ipm_compare_values values;
    size_t n = ipm_compare_clusters(compare, side, false);
    ipm_auto_free unsigned char *present = calloc(n + 1, 1);
    out->parts = calloc(n + 1, sizeof(*out->parts));
    out->places = calloc(compare->n_sides, sizeof(*out->places));
    if (present == NULL || out->parts == NULL || out->places == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < compare->n_points; i++) {
        double sum = 0;
        if (!common[i])
            continue;
        ipm_compare_take(compare, &compare->points[i], side, by, false, &values);
        for (size_t k = 0; k < values.n; k++)
            sum += values.cost[k];
        double mean = sum / (double)values.n;
        out->mean += mean / (double)points;
        for (size_t k = 0; k < values.n; k++) {
            out->parts[values.cluster[k]] +=
                (values.cost[k] - mean) / (double)values.n / (double)points;
            present[values.cluster[k]] = 1;
        }
    }
    for (size_t k = 0; k < n; k++) {
        if (!present[k])
            continue;
        out->variance += out->parts[k] * out->parts[k];
        out->parts[out->n++] = out->parts[k];
    }
    /* The clusters' own mean is in the score already: what is left is too near to it. */
    double widening = out->n > 1 ? sqrt((double)out->n / ((double)out->n - 1)) : NAN;
    out->variance *= widening * widening;
    for (size_t k = 0; k < out->n; k++)
        out->parts[k] *= widening;
    return 0;
}

/* Is a's cost below b's, beyond interval and margin? */
static bool below(const struct score *a, const struct score *b, double level)
{
    double left = a->variance;
    double right = b->variance;
    double both = left + right;
    double freedom =
        both * both /
        (left * left / ((double)a->n - 1) + right * right / ((double)b->n - 1));
    double reach = both == 0 ? 0 : ipm_student(freedom, level) * sqrt(both);
    double ahead = b->mean - a->mean;
    return ahead > reach && ahead > log(1 + IPM_COMPARE_MARGIN);
}

static void place(struct scores *scores)
{
    double pairs = (double)scores->n * ((double)scores->n - 1) / 2;
    double level = 1 - (1 - IPM_COMPARE_LEVEL) / pairs;
    for (size_t i = 0; i < scores->n; i++) {
        scores->of[i].place = 1;
        for (size_t k = 0; k < scores->n; k++)
            scores->of[i].place +=
                k != i && below(&scores->of[k], &scores->of[i], level);
    }
}

struct drawn {
    double value;
    size_t side;
};

static int compare_drawn(const void *a, const void *b)
{
    const struct drawn *left = a;
    const struct drawn *right = b;
    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return (left->side > right->side) - (left->side < right->side);
}

static int draw(struct scores *scores)
{
    uint64_t state = SEED;
    ipm_auto_free struct drawn *drawn = calloc(scores->n, sizeof(*drawn));
    if (drawn == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < DRAWS; i++) {
        for (size_t side = 0; side < scores->n; side++) {
            const struct score *of = &scores->of[side];
            drawn[side] = (struct drawn){of->mean, side};
            for (size_t k = 0; k < of->n; k++)
                drawn[side].value += of->parts[ipm_random_below(&state, of->n)];
        }
        qsort(drawn, scores->n, sizeof(*drawn), compare_drawn);
        for (size_t k = 0; k < scores->n; k++)
            scores->of[drawn[k].side].places[k]++;
    }
    return 0;
}

static json_t *scores_json(const struct scores *scores)
{
    json_t *sides = json_array();
    double least = INFINITY;
    for (size_t i = 0; i < scores->n; i++)
        least = fmin(least, scores->of[i].mean);
    for (size_t i = 0; i < scores->n; i++) {
        const struct score *of = &scores->of[i];
        json_t *chances = json_array();
        /* Of many sides a list for each would be longer than all else. */
        for (size_t k = 0; k < scores->n && scores->n <= IPM_COMPARE_WIDE; k++)
            (void)json_array_append_new(chances,
                                        ipm_json_number((double)of->places[k] / DRAWS));
        json_t *cost = ipm_compare_interval(exp(of->mean - least), NAN, NAN);
        (void)json_array_append_new(
            sides,
            json_pack("{s: I, s: I, s: O, s: o, s: o}", "side", (json_int_t)i, "place",
                      (json_int_t)of->place, "cost", json_object_get(cost, "value"),
                      "first", ipm_json_number((double)of->places[0] / DRAWS),
                      "chances", chances));
        json_decref(cost);
    }
    return json_pack("{s: I, s: n, s: o}", "points", (json_int_t)scores->points,
                     "reason", "sides", sides);
}

int ipm_compare_rank(const struct ipm_compare *compare, enum ipm_by by,
                     json_t **out_ranks)
{
    struct scores scores = {.n = compare->n_sides};
    ipm_auto_free unsigned char *common = calloc(compare->n_points + 1, 1);
    scores.of = calloc(scores.n + 1, sizeof(*scores.of));
    int error = common == NULL || scores.of == NULL ? -ENOMEM : 0;
    if (error == 0 && !refused(compare, by))
        find_common(compare, by, common);
    for (size_t i = 0; i < compare->n_points && error == 0; i++)
        scores.points += common[i];
    bool known = scores.points > 0;
    for (size_t i = 0; i < scores.n && error == 0 && known; i++) {
        error = score(compare, by, common, i, scores.points, &scores.of[i]);
        known = known && scores.of[i].n > 1;
    }
    if (error == 0 && known) {
        place(&scores);
        error = draw(&scores);
    }
    if (error == 0)
        *out_ranks = known ? scores_json(&scores)
                           : json_pack("{s: I, s: s, s: []}", "points",
                                       (json_int_t)scores.points, "reason",
                                       scores.points == 0
                                           ? "absent: no point has two invocations on "
                                             "every side that may be compared"
                                           : "too few: a side has one block alone",
                                       "sides");
    fini(&scores);
    return error;
}
