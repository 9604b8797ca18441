/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/answer.h"

#include "analysis/manifest.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char same_cpu[] = "same_cpu";

static bool waits(const struct ipm_rung *rung, const char *wait)
{
    return strcmp(rung->point->factors.wait, wait) == 0;
}

static double time_of(const struct ipm_rung *rung)
{
    return rung->p50->estimate.value;
}

/* "pipe (2 copies, wait block, same_cpu)" */
static void put_rung(FILE *out, const struct ipm_rung *rung)
{
    const struct ipm_factors *factors = &rung->point->factors;
    (void)fprintf(out, "%s (%s %s, wait %s, %s", factors->mechanism,
                  ipm_copies_text(factors->copies),
                  factors->copies == 1 ? "copy" : "copies", factors->wait,
                  factors->placement);
    (void)fprintf(out, "%s%s)", rung->variant[0] == '\0' ? "" : ", ", rung->variant);
}

static void put_ns(FILE *out, double ns)
{
    char text[IPM_UNITS_TEXT];
    (void)fputs(ipm_format_ns(text, ns), out);
}

static void put_factor(FILE *out, double factor)
{
    char text[IPM_UNITS_TEXT];
    (void)fputs(ipm_format_count(text, factor), out);
}

/* The rungs that the first sentence speaks of; NULL where there is none.  Of mechanisms that
 * deliver, where there are any. */
struct contrast {
    const struct ipm_rung *fastest;
    const struct ipm_rung *second;
    const struct ipm_rung
        *kernel;       /* cheapest that blocks and goes through the kernel */
    bool kernel_known; /* false: taken for one for want of the worker's description */
};

/* A token alone brings nothing across, and a channel that may lose messages is no rival to
 * one that may not. */
static bool delivers(const struct ipm_rung *rung, const json_t *manifest)
{
    return !rung->point->token &&
           !ipm_manifest_has_capability(manifest, rung->point->factors.mechanism,
                                        "lossy");
}

static struct contrast find_contrast(const struct ipm_ladder *ladder,
                                     const json_t *manifest)
{
    struct contrast contrast = {.kernel_known = true};
    bool any = false;
    for (size_t i = 0; i < ladder->n_rungs; i++)
        any = any || delivers(&ladder->rungs[i], manifest);
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const struct ipm_rung *rung = &ladder->rungs[i];
        const struct ipm_factors *factors = &rung->point->factors;
        if (any && !delivers(rung, manifest))
            continue;
        if (contrast.fastest == NULL)
            contrast.fastest = rung;
        else if (contrast.second == NULL)
            contrast.second = rung;
        int in_kernel =
            ipm_manifest_in_kernel(manifest, factors->mechanism, factors->copies);
        if (contrast.kernel != NULL || !waits(rung, "block") || in_kernel == 0)
            continue;
        contrast.kernel = rung;
        contrast.kernel_known = in_kernel > 0;
    }
    return contrast;
}

static bool overlap(const struct ipm_rung *a, const struct ipm_rung *b)
{
    return a->p50->estimate.high >= b->p50->estimate.low &&
           b->p50->estimate.high >= a->p50->estimate.low;
}

static void put_fastest(FILE *out, const struct ipm_ladder *ladder,
                        const json_t *manifest)
{
    struct contrast contrast = find_contrast(ladder, manifest);
    const struct ipm_rung *fastest = contrast.fastest;
    if (fastest == NULL) {
        (void)fputs(ladder->n_unmeasured > 0
                        ? "no round trip could be measured: see the failures."
                        : "this run has no ping-pong point outside a map, so there is "
                          "no ladder.",
                    out);
        return;
    }
    char size[IPM_UNITS_TEXT];
    (void)fprintf(out, "%s, touch %s: ", ipm_format_size(size, ladder->size),
                  ladder->touch);
    put_rung(out, fastest);
    (void)fputs(" makes a round trip in ", out);
    put_ns(out, time_of(fastest));

    const char *kind = contrast.kernel_known ? "kernel mechanism" : "mechanism";
    if (contrast.kernel == NULL) {
        (void)fputs("; no blocking kernel mechanism was measured beside it", out);
    } else if (contrast.kernel == fastest) {
        (void)fprintf(out, "; it is itself the cheapest blocking %s", kind);
    } else {
        (void)fprintf(out, "; the cheapest blocking %s, ", kind);
        put_rung(out, contrast.kernel);
        (void)fputs(", takes ", out);
        put_ns(out, time_of(contrast.kernel));
        (void)fputs(", ", out);
        put_factor(out, time_of(contrast.kernel) / time_of(fastest));
        (void)fputs(" times as long", out);
    }
    if (contrast.second != NULL && (isnan(fastest->p50->estimate.low) ||
                                    isnan(contrast.second->p50->estimate.low))) {
        (void)fputs("; whether it is faster than ", out);
        put_rung(out, contrast.second);
        (void)fputs(" cannot be told without their intervals", out);
    } else if (contrast.second != NULL && overlap(fastest, contrast.second)) {
        (void)fputs("; the fastest is not told apart from ", out);
        put_rung(out, contrast.second);
        (void)fputs(": their intervals overlap", out);
    }
    (void)fputc('.', out);
}

/* Least and largest ratio over pairs of rungs. */
struct range {
    double least, most;
    size_t n;
};

static void range_add(struct range *range, double ratio)
{
    range->least = range->n == 0 ? ratio : fmin(range->least, ratio);
    range->most = range->n == 0 ? ratio : fmax(range->most, ratio);
    range->n++;
}

/* "1.2 to 3.4 times" */
static void put_range(FILE *out, const struct range *range)
{
    put_factor(out, range->least);
    char least[IPM_UNITS_TEXT];
    char most[IPM_UNITS_TEXT];
    if (strcmp(ipm_format_count(least, range->least),
               ipm_format_count(most, range->most)) != 0)
        (void)fprintf(out, " to %s", most);
    (void)fputs(" times", out);
}

/* Time on two CPUs over time on one, with everything else equal. */
static struct range placement_effect(const struct ipm_ladder *ladder, const char *wait)
{
    struct range range = {0};
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const struct ipm_rung *one = &ladder->rungs[i];
        if (!waits(one, wait) || strcmp(one->point->factors.placement, same_cpu) != 0)
            continue;
        for (size_t k = 0; k < ladder->n_rungs; k++) {
            const struct ipm_rung *two = &ladder->rungs[k];
            if (ipm_rungs_same_but_placement(one, two) &&
                strcmp(two->point->factors.placement, ladder->away) == 0)
                range_add(&range, time_of(two) / time_of(one));
        }
    }
    return range;
}

/* Time with wait block over time with @wait, with everything else equal. */
static struct range wait_effect(const struct ipm_ladder *ladder, const char *wait,
                                const char *placement)
{
    struct range range = {0};
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const struct ipm_rung *awake = &ladder->rungs[i];
        if (!waits(awake, wait) ||
            strcmp(awake->point->factors.placement, placement) != 0)
            continue;
        for (size_t k = 0; k < ladder->n_rungs; k++) {
            const struct ipm_rung *asleep = &ladder->rungs[k];
            if (waits(asleep, "block") && ipm_rungs_same_but_wait(awake, asleep))
                range_add(&range, time_of(asleep) / time_of(awake));
        }
    }
    return range;
}

static const char *pairs(size_t n)
{
    return n == 1 ? "pair" : "pairs";
}

static void put_effect(FILE *out, const struct ipm_ladder *ladder)
{
    static const char *const placed[] = {"block", "yield", "spin_then_block"};
    static const char *const awake[] = {"spin", "yield", "spin_then_block"};
    struct range range = {0};
    for (size_t i = 0; i < sizeof(placed) / sizeof(placed[0]) && range.n == 0; i++) {
        range = placement_effect(ladder, placed[i]);
        if (range.n == 0)
            continue;
        (void)fprintf(out, "with wait %s, a round trip on %s takes ", placed[i],
                      ladder->away);
        put_range(out, &range);
        (void)fprintf(out, " what it takes on same_cpu (%zu %s)", range.n,
                      pairs(range.n));
    }
    if (range.n == 0)
        (void)fputs("what placement does was not measured (it takes same_cpu and "
                    "another placement with the same wait)",
                    out);
    (void)fputs("; ", out);

    const char *const placements[] = {ladder->away, same_cpu};
    range.n = 0;
    for (size_t i = 0; i < 2 * sizeof(awake) / sizeof(awake[0]) && range.n == 0; i++) {
        const char *wait = awake[i / 2];
        const char *placement = placements[i % 2];
        range = wait_effect(ladder, wait, placement);
        if (range.n == 0)
            continue;
        (void)fprintf(out, "on %s, wait block takes ", placement);
        put_range(out, &range);
        (void)fprintf(out, " the time of wait %s (%zu %s).", wait, range.n,
                      pairs(range.n));
    }
    if (range.n == 0)
        (void)fputs("what waiting does was not measured (it takes block and another "
                    "wait at the same placement).",
                    out);
}

/* Why a quantity is nowhere in the run; NULL when it is somewhere. */
static const char *missing(const struct ipm_summary *summary, const json_t *manifest,
                           const char *prefix, const char *pass)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        for (size_t k = 0; k < point->n_figures; k++) {
            const struct ipm_figure *figure = &point->figures[k];
            if (figure->estimate.n > 0 && strncmp(figure->name, prefix, length) == 0)
                return NULL;
        }
    }
    const char *reason = ipm_manifest_pass_reason(manifest, pass);
    if (reason != NULL)
        return reason;
    for (size_t i = 0; i < summary->n_absent; i++) {
        if (strncmp(summary->absent[i].name, prefix, length) == 0)
            return summary->absent[i].reason;
    }
    return "not in the records";
}

static void put_missing(FILE *out, const struct ipm_summary *summary,
                        const json_t *manifest)
{
    static const struct {
        const char *what, *prefix, *pass;
    } quantities[] = {
        {"energy", "energy_", "energy"},
        {"cycles", "cycles", "counters:core"},
    };
    for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]); i++) {
        const char *reason =
            missing(summary, manifest, quantities[i].prefix, quantities[i].pass);
        if (reason != NULL)
            (void)fprintf(out, "; no %s (%s)", quantities[i].what, reason);
    }
}

static void put_count(FILE *out, size_t n, const char *one, const char *many)
{
    if (n > 0)
        (void)fprintf(out, "; %zu %s", n, n == 1 ? one : many);
}

static bool bracketed(const struct ipm_summary *summary)
{
    for (size_t i = 0; i < summary->n_points; i++) {
        if (!isnan(ipm_point_value(&summary->points[i], "cacheline_rtt_ns")))
            return true;
    }
    return false;
}

/* What the cache-line brackets of the windows say about the machine. */
static void put_regime(FILE *out, const struct ipm_summary *summary)
{
    const size_t *rows = summary->health.rows;
    size_t kept = summary->health.regime_changed;
    size_t replaced = rows[IPM_ROW_INVALID];
    if (!bracketed(summary))
        (void)fputs("whether the machine changed meanwhile is not known (no cache-line "
                    "bracket in the records)",
                    out);
    else if (kept + replaced == 0)
        (void)fputs("the machine did not change during any invocation on two CPUs",
                    out);
    else
        (void)fprintf(out,
                      "the machine changed during %zu of %zu invocations (%zu measured "
                      "again, %zu kept and flagged)",
                      kept + replaced, rows[IPM_ROW_OK] + replaced, replaced, kept);
}

/* What the core steps around the windows say about it. */
static void put_slow_cores(FILE *out, const struct ipm_health *health)
{
    if (health->slow_core == 0)
        return;
    (void)fprintf(out,
                  "; %zu of %zu invocations had a slow core, by a neighbour or the "
                  "clock frequency: ",
                  health->slow_core, health->rows[IPM_ROW_OK]);
    if (health->set_aside > 0)
        (void)fprintf(out, "%zu set aside, ", health->set_aside);
    (void)fprintf(out, "%zu kept", health->slow_core - health->set_aside);
}

/* What no run can see of itself. */
static void put_between_runs(FILE *out, const json_t *manifest)
{
    double deviation = ipm_manifest_between_runs(manifest);
    if (deviation > 0)
        (void)fprintf(
            out,
            "; intervals of times and rates hold a standard deviation of %.3g "
            "%% from run to run, which the config declares",
            100 * deviation);
}

static void put_limits(FILE *out, const struct ipm_table *table,
                       const struct ipm_summary *summary,
                       const struct ipm_ladder *ladder, const json_t *manifest)
{
    const struct ipm_health *health = &summary->health;
    put_regime(out, summary);
    put_slow_cores(out, health);
    put_between_runs(out, manifest);
    put_missing(out, summary, manifest);
    size_t bare = 0;
    const char *reason = "";
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        const struct ipm_estimate *estimate = &ladder->rungs[i].p50->estimate;
        if (!isnan(estimate->low))
            continue;
        if (bare++ == 0)
            reason = estimate->reason;
    }
    put_count(out, bare, "round trip has no interval", "round trips have no interval");
    if (bare > 0)
        (void)fprintf(out, " (%s)", reason);
    put_count(out, health->rows[IPM_ROW_FAILED], "invocation failed",
              "invocations failed");
    put_count(out, json_array_size(json_object_get(manifest, "dropped")),
              "point was dropped to keep the budget",
              "points were dropped to keep the budget");
    put_count(out, health->builds > 1 ? health->builds : 0, "build",
              "builds of the worker are mixed");
    put_count(out, table->n_bad, "line of records.jsonl is no record",
              "lines of records.jsonl are no records");
    if (table->torn)
        (void)fputs("; the last line of records.jsonl is torn and was dropped", out);
    if (json_is_true(json_object_get(manifest, "interrupted")))
        (void)fputs("; the run was interrupted", out);
    if (json_is_true(json_object_get(manifest, "quick")))
        (void)fputs("; this was a quick look: not for publication", out);
    (void)fputc('.', out);
}

int ipm_answer_make(const struct ipm_table *table, const struct ipm_summary *summary,
                    const struct ipm_ladder *ladder, const json_t *manifest,
                    struct ipm_answer *out_answer, struct ipm_why *why)
{
    struct ipm_answer answer = {0};
    char **const sentences[] = {&answer.fastest, &answer.effect, &answer.limits};
    bool complete = true;
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        size_t length = 0;
        FILE *out = open_memstream(sentences[i], &length);
        if (out == NULL) {
            complete = false;
            break;
        }
        if (i == 0)
            put_fastest(out, ladder, manifest);
        else if (i == 1)
            put_effect(out, ladder);
        else
            put_limits(out, table, summary, ladder, manifest);
        complete = fclose(out) == 0 && complete;
    }
    if (!complete) {
        ipm_answer_fini(&answer);
        return ipm_why_set(why, -ENOMEM, "put the run into words: ");
    }
    *out_answer = answer;
    return 0;
}

void ipm_answer_fini(struct ipm_answer *answer)
{
    free(answer->fastest);
    free(answer->effect);
    free(answer->limits);
    *answer = (struct ipm_answer){0};
}
