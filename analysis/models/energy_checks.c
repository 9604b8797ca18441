/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_checks.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_statistics_double.h>
#endif

const char *const ipm_energy_verdict_names[] = {"holds", "fails", "not_tested"};

/* What all checks work on: copies of the observations, and which blocks they are of. */
struct bench {
    const struct ipm_energy_cell *cell;
    const struct ipm_energy_fit *fit;
    struct ipm_energy_observation *all;
    size_t n;
};

static void restore(struct bench *bench)
{
    for (size_t i = 0; i < bench->n; i++)
        bench->all[i] = bench->cell->blocks[i].observed;
}

static double freedom(const struct ipm_energy_fit *fit)
{
    return (double)fit->n - (double)fit->p;
}

static void not_tested(struct ipm_energy_check *check, const char *reason)
{
    check->verdict = IPM_ENERGY_NOT_TESTED;
    (void)snprintf(check->reason, sizeof(check->reason), "%s", reason);
}

__attribute__((format(printf, 3, 4))) static void
judge(struct ipm_energy_check *check, double p, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->reason, sizeof(check->reason), format, arguments);
    va_end(arguments);
    check->p = p;
    if (isnan(p))
        not_tested(check, "too_few: no freedom is left to judge it by");
    else
        check->verdict = p >= IPM_ENERGY_CHECK_P ? IPM_ENERGY_HOLDS : IPM_ENERGY_FAILS;
}

static void check_self_loop(struct bench *bench, struct ipm_energy_check *check)
{
    struct ipm_energy_fit alone;
    const unsigned terms = 1u << IPM_ENERGY_MESSAGE | 1u << IPM_ENERGY_BYTE;
    for (size_t i = 0; i < bench->n; i++) {
        const char *workload = bench->cell->blocks[i].row->factors.workload;
        bench->all[i].used &= strcmp(workload, "self_loop") == 0;
    }
    check->unit = "uJ";
    int result =
        ipm_energy_solve(bench->all, bench->n, terms & bench->fit->terms, &alone);
    if (result == IPM_ENERGY_FEW || result == IPM_ENERGY_SINGULAR) {
        not_tested(check,
                   "too_few: self_loop windows of two sizes, five blocks and more");
        return;
    }
    const double *joint = bench->fit->covariance[IPM_ENERGY_MESSAGE];
    /* The error of a window is that of all windows: both are weighed by the joint one. */
    double variance = alone.covariance[IPM_ENERGY_MESSAGE][IPM_ENERGY_MESSAGE] *
                          (bench->fit->variance / alone.variance) -
                      joint[IPM_ENERGY_MESSAGE];
    check->found = alone.value[IPM_ENERGY_MESSAGE];
    check->expected = bench->fit->value[IPM_ENERGY_MESSAGE];
    if (!(variance > 0)) {
        not_tested(check, "not_identifiable: e0 rests on the self-loops alone");
        return;
    }
    double t = (check->found - check->expected) / sqrt(variance);
    judge(check, ipm_energy_t_tail(t, freedom(bench->fit)),
          "e0 of self_loop windows alone against that of all");
}

#if IPM_HAVE_GSL

static int main_switch(const struct ipm_energy_fit *fit)
{
    return fit->terms >> IPM_ENERGY_LOCAL & 1 ? IPM_ENERGY_LOCAL : IPM_ENERGY_WAKE;
}

/* Both kinds of switches move together: which of them a block has is a fact of it. */
static void shuffle(struct bench *bench, gsl_rng *random, size_t *order, size_t used)
{
    gsl_ran_shuffle(random, order, used, sizeof(*order));
    for (size_t i = 0, at = 0; i < bench->n; i++) {
        if (!bench->all[i].used)
            continue;
        const double *from = bench->cell->blocks[order[at++]].observed.rate;
        bench->all[i].rate[IPM_ENERGY_LOCAL] = from[IPM_ENERGY_LOCAL];
        bench->all[i].rate[IPM_ENERGY_WAKE] = from[IPM_ENERGY_WAKE];
    }
}

static int check_shuffled(struct bench *bench, uint64_t seed,
                          struct ipm_energy_check *check)
{
    unsigned terms = bench->fit->terms | 1u << IPM_ENERGY_CONSTANT;
    int term = main_switch(bench->fit);
    ipm_auto_free size_t *order = calloc(bench->n + 1, sizeof(*order));
    double found[IPM_ENERGY_SHUFFLES];
    struct ipm_energy_fit real;
    size_t used = 0;
    size_t n = 0;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    if (order == NULL || random == NULL) {
        gsl_rng_free(random);
        return -ENOMEM;
    }
    gsl_rng_set(random, (unsigned long)(seed & 0xffffffff));
    for (size_t i = 0; i < bench->n; i++) {
        if (bench->all[i].used)
            order[used++] = i;
    }
    int result = ipm_energy_solve(bench->all, bench->n, terms, &real);
    double beyond = 0;
    for (int i = 0; result == 0 && i < IPM_ENERGY_SHUFFLES; i++) {
        struct ipm_energy_fit fit;
        shuffle(bench, random, order, used);
        if (ipm_energy_solve(bench->all, bench->n, terms, &fit) != 0)
            continue;
        beyond += fabs(fit.value[term]) >= fabs(real.value[term]);
        found[n++] = fit.value[term];
    }
    gsl_rng_free(random);
    if (result != 0 || n < IPM_ENERGY_SHUFFLES / 2) {
        not_tested(check, "too_few: blocks, or their switches do not differ");
        return 0;
    }
    check->unit = "uJ";
    check->found = gsl_stats_mean(found, 1, n);
    check->expected = 0;
    double error = gsl_stats_sd(found, 1, n) / sqrt((double)n);
    double share = beyond / (double)n;
    judge(check, ipm_energy_t_tail(check->found / error, (double)n - 1),
          "the mean of %zu permutations; %.3g %% of them are as far from 0 as the real "
          "%.4g uJ",
          n, 100 * share, real.value[term]);
    if (share > 0.05 && check->verdict != IPM_ENERGY_NOT_TESTED)
        check->verdict = IPM_ENERGY_FAILS;
    return 0;
}

#else

static int check_shuffled(struct bench *bench, uint64_t seed,
                          struct ipm_energy_check *check)
{
    (void)bench;
    (void)seed;
    not_tested(check, "built without GSL");
    return 0;
}

#endif

static size_t rank_of(const struct ipm_energy_cell *cell, int64_t size)
{
    size_t rank = 0;
    for (int64_t below = INT64_MIN;; rank++) {
        int64_t next = INT64_MAX;
        for (size_t i = 0; i < cell->n_blocks; i++) {
            int64_t other = cell->blocks[i].row->factors.size;
            if (cell->blocks[i].observed.used && other > below && other < next)
                next = other;
        }
        if (next >= size)
            return rank;
        below = next;
    }
}

static void check_half_sizes(struct bench *bench, struct ipm_energy_check *check)
{
    struct ipm_energy_fit half;
    for (size_t i = 0; i < bench->n; i++)
        bench->all[i].used &=
            rank_of(bench->cell, bench->cell->blocks[i].row->factors.size) % 2 == 0;
    unsigned terms = bench->fit->terms;
    /* The half must know every term, or it predicts nothing. */
    bool known = ipm_energy_terms(bench->all, bench->n, terms) == terms &&
                 ipm_energy_solve(bench->all, bench->n, terms, &half) == 0;
    if (!known || half.n == bench->fit->n) {
        not_tested(check, "too_few: every other size does not determine all terms");
        return;
    }
    double others = (double)(bench->fit->n - half.n);
    double f = fmax(bench->fit->sum - half.sum, 0) / others / half.variance;
    judge(check, ipm_energy_f_tail(f, others, freedom(&half)),
          "%zu blocks of every other size predict the %.0f of the others", half.n,
          others);
}

/* The block before this one in time, of the same cell and meter; NULL: none. */
static const struct ipm_energy_block *before(const struct ipm_energy_cell *cell,
                                             const struct ipm_energy_block *block)
{
    const struct ipm_energy_block *found = NULL;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const struct ipm_energy_block *other = &cell->blocks[i];
        if (other->line < block->line && (found == NULL || other->line > found->line))
            found = other;
    }
    return found;
}

static void check_order(struct bench *bench, struct ipm_energy_check *check)
{
    struct ipm_energy_fit side[2];
    struct ipm_energy_fit both;
    unsigned terms = bench->fit->terms;
    bool known = true;
    for (int falling = 0; falling < 2; falling++) {
        restore(bench);
        for (size_t i = 0; i < bench->n; i++) {
            const struct ipm_energy_block *block = &bench->cell->blocks[i];
            const struct ipm_energy_block *last = before(bench->cell, block);
            bool fell = last != NULL && last->observed.rate[IPM_ENERGY_MESSAGE] >
                                            block->observed.rate[IPM_ENERGY_MESSAGE];
            bench->all[i].used &= last != NULL && fell == (falling == 1);
        }
        known = known && ipm_energy_terms(bench->all, bench->n, terms) == terms &&
                ipm_energy_solve(bench->all, bench->n, terms, &side[falling]) == 0;
    }
    restore(bench);
    for (size_t i = 0; i < bench->n; i++)
        bench->all[i].used &= before(bench->cell, &bench->cell->blocks[i]) != NULL;
    if (!known || ipm_energy_solve(bench->all, bench->n, terms, &both) != 0) {
        not_tested(check,
                   "too_few: blocks after a lower rate, or after a higher one, do "
                   "not determine all terms");
        return;
    }
    double apart = side[0].sum + side[1].sum;
    double below = freedom(&side[0]) + freedom(&side[1]);
    double f = fmax(both.sum - apart, 0) / (double)both.p / (apart / below);
    judge(check, ipm_energy_f_tail(f, (double)both.p, below),
          "%zu blocks after a lower rate, %zu after a higher one", side[0].n,
          side[1].n);
}

static void check_rest(struct bench *bench, struct ipm_energy_check *check)
{
    struct ipm_energy_fit fit;
    unsigned terms = bench->fit->terms | 1u << IPM_ENERGY_CONSTANT;
    if (ipm_energy_solve(bench->all, bench->n, terms, &fit) != 0) {
        not_tested(check, "too_few: no freedom is left for a constant");
        return;
    }
    check->unit = "W";
    check->found = fit.value[IPM_ENERGY_CONSTANT];
    check->expected = 0;
    double error = sqrt(fit.covariance[IPM_ENERGY_CONSTANT][IPM_ENERGY_CONSTANT]);
    judge(check, ipm_energy_t_tail(check->found / error, freedom(&fit)),
          "power at no messages, beyond rest");
}

int ipm_energy_check(const struct ipm_energy_cell *cell,
                     const struct ipm_energy_fit *fit, uint64_t seed,
                     struct ipm_energy_check out_checks[IPM_ENERGY_CHECKS])
{
    static const char *const names[] = {"self_loop", "shuffled", "half_sizes",
                                        "reversed_order", "rest"};
    ipm_auto_free struct ipm_energy_observation *all =
        calloc(cell->n_blocks + 1, sizeof(*all));
    struct bench bench = {cell, fit, all, cell->n_blocks};
    int error = all == NULL ? -ENOMEM : 0;
    for (int i = 0; error == 0 && i < IPM_ENERGY_CHECKS; i++) {
        struct ipm_energy_check *check = &out_checks[i];
        *check = (struct ipm_energy_check){
            .name = names[i], .p = NAN, .found = NAN, .expected = NAN, .unit = ""};
        restore(&bench);
        if (i == 0)
            check_self_loop(&bench, check);
        else if (i == 1)
            error = check_shuffled(&bench, seed, check);
        else if (i == 2)
            check_half_sizes(&bench, check);
        else if (i == 3)
            check_order(&bench, check);
        else
            check_rest(&bench, check);
    }
    return error;
}
