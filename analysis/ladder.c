/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/ladder.h"

#include "analysis/manifest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char same_cpu[] = "same_cpu";

static bool is_round_trip(const struct ipm_point *point)
{
    return !point->floor && !point->mapped &&
           strcmp(point->factors.workload, "pingpong") == 0;
}

static size_t count_size(const struct ipm_summary *summary, int64_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        n += is_round_trip(point) && !point->token && point->factors.size == size;
    }
    return n;
}

static int64_t pick_size(const struct ipm_summary *summary)
{
    int64_t best = IPM_LADDER_SIZE;
    size_t most = count_size(summary, best);
    if (most > 0)
        return best;
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        int64_t size = point->factors.size;
        if (!is_round_trip(point))
            continue;
        /* Alone, points without payload still make a ladder; of the other sizes the
         * fullest. */
        size_t n = point->token ? 0 : count_size(summary, size);
        if (best == IPM_LADDER_SIZE || n > most || (n == most && size < best)) {
            best = size;
            most = n;
        }
    }
    return best;
}

static bool in_ladder(const struct ipm_point *point, int64_t size, const char *touch)
{
    return is_round_trip(point) && (point->factors.size == size || point->token) &&
           (touch == NULL || strcmp(point->factors.touch, touch) == 0);
}

enum { SEEN = 64 };

/* Whether a text is new here; of more than SEEN texts it may be said twice. */
static bool is_new(const char *seen[SEEN], size_t *n_seen, const char *text)
{
    for (size_t i = 0; i < *n_seen; i++) {
        if (strcmp(seen[i], text) == 0)
            return false;
    }
    if (*n_seen < SEEN)
        seen[(*n_seen)++] = text;
    return true;
}

/* Most frequent text over the ladder's points; @favourite wins a tie. */
static const char *most_frequent(const struct ipm_summary *summary,
                                 const struct ipm_ladder *ladder,
                                 const char *(*text_of)(const struct ipm_point *),
                                 const char *favourite)
{
    const char *best = "";
    size_t most = 0;
    const char *seen[SEEN];
    size_t n_seen = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        const char *text = text_of(&summary->points[i]);
        size_t n = 0;
        if (summary->points[i].mapped || !is_new(seen, &n_seen, text))
            continue; /* a map has thousands, and none in the ladder */
        for (size_t k = 0; k < summary->n_points; k++) {
            const struct ipm_point *point = &summary->points[k];
            n += in_ladder(point, ladder->size, ladder->touch) &&
                 strcmp(text_of(point), text) == 0;
        }
        if (text[0] != '\0' &&
            (n > most || (n == most && n > 0 && strcmp(text, favourite) == 0))) {
            best = text;
            most = n;
        }
    }
    return best;
}

static const char *touch_of(const struct ipm_point *point)
{
    return point->factors.touch;
}

static const char *away_of(const struct ipm_point *point)
{
    return strcmp(point->factors.placement, same_cpu) == 0 ? ""
                                                           : point->factors.placement;
}

static void add_part(struct ipm_rung *rung, const char *name, const char *value)
{
    size_t used = strlen(rung->variant);
    (void)snprintf(rung->variant + used, sizeof(rung->variant) - used, "%s%s%s%s",
                   used == 0 ? "" : " ", name, name[0] == '\0' ? "" : "=", value);
    used = strlen(rung->variant);
    if (used + 1 < sizeof(rung->variant))
        return;
    /* Cut text must not end inside a UTF-8 character. */
    while (used > 0 && (unsigned char)rung->variant[used - 1] >= 0x80)
        rung->variant[--used] = '\0';
}

/* What makes this point another one than a point of the same mechanism, copies, wait and
 * placement: its options, and the shared axes that are not at their defaults. */
static void describe_variant(struct ipm_rung *rung, const json_t *manifest)
{
    const struct ipm_factors *factors = &rung->point->factors;
    const struct {
        const char *name;
        int64_t value;
    } axes[] = {
        {"depth", factors->depth},
        {"batch", factors->batch},
        {"reply_size", factors->reply_size},
    };
    for (size_t i = 0; i < sizeof(axes) / sizeof(axes[0]); i++) {
        char value[24];
        const char *usual = ipm_manifest_axis_default(manifest, axes[i].name);
        (void)snprintf(value, sizeof(value), "%lld", (long long)axes[i].value);
        bool without = rung->point->token && axes[i].value == 0; /* said below */
        if (!without && usual[0] != '\0' && strcmp(usual, value) != 0)
            add_part(rung, axes[i].name, value);
    }
    const char *policy = ipm_manifest_axis_default(manifest, "policy");
    if (policy[0] != '\0' && strcmp(policy, factors->policy) != 0)
        add_part(rung, "policy", factors->policy);
    if (factors->options[0] != '\0')
        add_part(rung, "", factors->options);
    if (rung->point->token)
        add_part(rung, "", "no payload");
}

static void fill_rung(struct ipm_rung *rung, const struct ipm_point *point)
{
    *rung = (struct ipm_rung){
        .point = point,
        .p50 = ipm_point_figure(point, "p50_ns"),
        .p99 = ipm_point_figure(point, "p99_ns"),
        .cpu = ipm_point_figure(point, "cpu_ns_per_message"),
        .rate = ipm_point_figure(point, "messages_per_s"),
    };
}

static int compare_rungs(const void *a, const void *b)
{
    const struct ipm_rung *left = a;
    const struct ipm_rung *right = b;
    double difference = left->p50->estimate.value - right->p50->estimate.value;
    if (difference != 0)
        return difference > 0 ? 1 : -1;
    return ipm_factors_compare(&left->point->factors, &right->point->factors);
}

static void collect(const struct ipm_summary *summary, const json_t *manifest,
                    struct ipm_ladder *ladder)
{
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        bool timed = !isnan(ipm_point_value(point, "p50_ns"));
        if (point->floor && timed && !point->mapped) {
            fill_rung(&ladder->floors[ladder->n_floors++], point);
            continue;
        }
        if (!in_ladder(point, ladder->size, ladder->touch))
            continue;
        if (!timed) {
            ladder->n_unmeasured++;
            continue;
        }
        struct ipm_rung *rung = &ladder->rungs[ladder->n_rungs++];
        fill_rung(rung, point);
        describe_variant(rung, manifest);
        if (strcmp(point->factors.placement, ladder->away) == 0)
            ladder->away_class = point->factors.placement_class;
    }
    qsort(ladder->rungs, ladder->n_rungs, sizeof(*ladder->rungs), compare_rungs);
    qsort(ladder->floors, ladder->n_floors, sizeof(*ladder->floors), compare_rungs);
}

int ipm_ladder_make(const struct ipm_summary *summary, const json_t *manifest,
                    struct ipm_ladder *out_ladder, struct ipm_why *why)
{
    struct ipm_ladder ladder = {.size = pick_size(summary), .away_class = ""};
    ladder.rungs = calloc(summary->n_points + 1, sizeof(*ladder.rungs));
    ladder.floors = calloc(summary->n_points + 1, sizeof(*ladder.floors));
    if (ladder.rungs == NULL || ladder.floors == NULL) {
        ipm_ladder_fini(&ladder);
        return ipm_why_set(why, -ENOMEM, "make the ladder: ");
    }
    ladder.touch = most_frequent(summary, &ladder, touch_of, "none");
    ladder.away = most_frequent(summary, &ladder, away_of, "nearest_core");
    collect(summary, manifest, &ladder);
    if (ladder.n_rungs + ladder.n_unmeasured == 0)
        ladder.size = -1;
    *out_ladder = ladder;
    return 0;
}

void ipm_ladder_fini(struct ipm_ladder *ladder)
{
    free(ladder->rungs);
    free(ladder->floors);
    memset(ladder, 0, sizeof(*ladder));
}

static bool same_mechanism(const struct ipm_rung *a, const struct ipm_rung *b)
{
    const struct ipm_factors *left = &a->point->factors;
    const struct ipm_factors *right = &b->point->factors;
    return strcmp(left->mechanism, right->mechanism) == 0 &&
           left->copies == right->copies && strcmp(a->variant, b->variant) == 0;
}

bool ipm_rungs_same_but_placement(const struct ipm_rung *a, const struct ipm_rung *b)
{
    return same_mechanism(a, b) &&
           strcmp(a->point->factors.wait, b->point->factors.wait) == 0 &&
           strcmp(a->point->factors.placement, b->point->factors.placement) != 0;
}

bool ipm_rungs_same_but_wait(const struct ipm_rung *a, const struct ipm_rung *b)
{
    return same_mechanism(a, b) &&
           strcmp(a->point->factors.placement, b->point->factors.placement) == 0 &&
           strcmp(a->point->factors.wait, b->point->factors.wait) != 0;
}

const struct ipm_rung *ipm_ladder_floor(const struct ipm_ladder *ladder,
                                        const char *mechanism)
{
    const struct ipm_rung *best = NULL;
    double best_distance = INFINITY;
    for (size_t i = 0; i < ladder->n_floors; i++) {
        const struct ipm_factors *factors = &ladder->floors[i].point->factors;
        if (strcmp(factors->mechanism, mechanism) != 0)
            continue;
        double distance = fabs((double)factors->size - (double)ladder->size);
        if (strcmp(factors->placement, ladder->away) != 0)
            distance += 0.5; /* decides between equal sizes alone */
        if (distance < best_distance) {
            best = &ladder->floors[i];
            best_distance = distance;
        }
    }
    return best;
}

const char *ipm_copies_text(int64_t copies)
{
    static const char *const texts[] = {"0", "1", "2"};
    return copies >= 0 && copies < 3 ? texts[copies] : "-";
}
