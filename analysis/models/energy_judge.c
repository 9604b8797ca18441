/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_judge.h"

#include "analysis/manifest.h"
#include "analysis/models/energy_design.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ipm_energy_finding_names[] = {"fitted",  "sum_only", "rejected",
                                                "refused", "too_few",  NULL};

enum {
    BIT_MESSAGE = 1u << IPM_ENERGY_MESSAGE,
    BIT_BYTE = 1u << IPM_ENERGY_BYTE,
    BIT_SWITCHES = 1u << IPM_ENERGY_LOCAL | 1u << IPM_ENERGY_WAKE,
};

static void find(struct ipm_energy_judgement *judgement,
                 enum ipm_energy_finding finding, const char *reason)
{
    judgement->finding = finding;
    (void)snprintf(judgement->reason, sizeof(judgement->reason), "%s", reason);
}

static bool is_held(const json_t *manifest, const char *when)
{
    const json_t *state = json_object_get(json_object_get(manifest, when), "state");
    return json_is_true(json_object_get(state, "frequency_held"));
}

/* Is there something about the machine or its meter that forbids coefficients? */
static bool refuse(const struct ipm_energy_cell *cell, const json_t *manifest,
                   struct ipm_energy_judgement *judgement)
{
    const char *provenance = cell->provenance;
    /* What an emulated machine's or a simulated meter's joules are made of is known: there
     * the arithmetic is what is tested. */
    bool planted =
        strcmp(provenance, "simulated") == 0 || ipm_manifest_is_emulated(manifest);
    const char *reason = NULL;
    if (strcmp(provenance, "estimated") == 0)
        reason =
            "estimated: from CPU time, so that coefficients would be CPU time in other "
            "units";
    else if (strcmp(provenance, "attributed") == 0 && !planted)
        reason = "attributed: the host's energy shared out by CPU time";
    else if (strcmp(cell->factors->wait, "block") != 0)
        reason =
            "not_applicable: who does not sleep draws power at no rate at all; see "
            "the lines of power against rate";
    else if (!planted && (!is_held(manifest, "environment_before") ||
                          !is_held(manifest, "environment_after")))
        reason =
            "not_applicable: the CPUs' frequency is not known to be held, before and "
            "after the run; there the curve and joules per message are what holds";
    if (reason != NULL)
        find(judgement, IPM_ENERGY_REFUSED, reason);
    return reason != NULL;
}

static bool well_posed(const struct ipm_energy_fit *fit, const double *designed_vif)
{
    if (!(fit->condition < IPM_ENERGY_MOST_CONDITION))
        return false;
    for (int term = 0; term < IPM_ENERGY_PARAMETERS; term++) {
        if (fit->terms >> term & 1 && !(fit->vif[term] < IPM_ENERGY_MOST_VIF &&
                                        designed_vif[term] < IPM_ENERGY_MOST_VIF))
            return false;
    }
    return true;
}

/* Of those terms.  Return: as ipm_energy_solve(). */
static int solve_terms(const struct ipm_energy_observation *all, size_t n,
                       unsigned terms, struct ipm_energy_fit *fit, double *designed_vif)
{
    int result = ipm_energy_solve(all, n, terms, fit);
    for (int term = 0; term < IPM_ENERGY_TERMS; term++)
        designed_vif[term] =
            result == 0 ? ipm_energy_designed_vif(all, n, fit, term) : fit->vif[term];
    return result;
}

/* Where the sizes hardly differ, a message and its bytes are one figure. */
static int solve(const struct ipm_energy_observation *all, size_t n,
                 struct ipm_energy_judgement *judgement)
{
    unsigned terms = BIT_SWITCHES | BIT_MESSAGE | BIT_BYTE;
    double *designed = judgement->designed_vif;
    terms = ipm_energy_terms(all, n, terms);
    int result = solve_terms(all, n, terms, &judgement->fit, designed);
    if ((result != 0 && result != IPM_ENERGY_SINGULAR) ||
        well_posed(&judgement->fit, designed) || (terms & BIT_BYTE) == 0)
        return result;
    struct ipm_energy_fit without;
    double designed_without[IPM_ENERGY_TERMS];
    /* Even if it is not well posed either, it tells more than one without a solution. */
    if (solve_terms(all, n, terms & ~(unsigned)BIT_BYTE, &without, designed_without) ==
            0 &&
        (result != 0 || well_posed(&without, designed_without))) {
        judgement->fit = without;
        memcpy(designed, designed_without, sizeof(designed_without));
        return 0;
    }
    return result;
}

static void set_parameters(struct ipm_energy_judgement *judgement)
{
    static const char *const names[] = {"E_cs.local", "E_cs.wake", "e0", "e1"};
    static const char *const units[] = {"uJ", "uJ", "uJ", "nJ/B"};
    static const char *const absences[] = {
        "absent: hardly a switch from task to task on one CPU",
        "absent: hardly a switch to an idle CPU", "absent: no messages",
        "not_identifiable: the sizes hardly differ; e0 has the bytes in it"};
    for (int i = 0; i < IPM_ENERGY_PARAMETERS; i++) {
        struct ipm_energy_parameter *parameter = &judgement->parameters[i];
        *parameter = (struct ipm_energy_parameter){
            .name = names[i], .unit = units[i], .value = NAN, .low = NAN, .high = NAN};
        if (judgement->result != 0 || !(judgement->fit.terms >> i & 1)) {
            (void)snprintf(parameter->reason, sizeof(parameter->reason), "%s",
                           judgement->result == 0 ? absences[i]
                                                  : "not_identifiable: no fit");
            continue;
        }
        double half = ipm_energy_half_width(&judgement->fit, i, IPM_SUMMARY_LEVEL);
        parameter->value = judgement->fit.value[i];
        parameter->low = parameter->value - half;
        parameter->high = parameter->value + half;
        parameter->stands = half < IPM_ENERGY_MOST_WIDTH * parameter->value;
        if (!parameter->stands)
            (void)snprintf(parameter->reason, sizeof(parameter->reason),
                           "below_noise: between %.3g and %.3g %s", parameter->low,
                           parameter->high, units[i]);
    }
}

/* A line of messages alone, where they carry always the same. */
static void set_sum(const struct ipm_energy_cell *cell,
                    const struct ipm_energy_observation *all,
                    struct ipm_energy_judgement *judgement)
{
    double low[2] = {INFINITY, INFINITY};
    double high[2] = {0, 0};
    double switches = 0;
    double messages = 0;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const double *rate = all[i].rate;
        if (!all[i].used)
            continue;
        double many = rate[IPM_ENERGY_LOCAL] + rate[IPM_ENERGY_WAKE];
        double shares[2] = {many / rate[IPM_ENERGY_MESSAGE],
                            rate[IPM_ENERGY_BYTE] / rate[IPM_ENERGY_MESSAGE]};
        switches += many * all[i].weight;
        messages += rate[IPM_ENERGY_MESSAGE] * all[i].weight;
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], shares[k]);
            high[k] = fmax(high[k], shares[k]);
        }
    }
    judgement->switches_per_message = messages > 0 ? switches / messages : NAN;
    judgement->sum_uj = judgement->sum_low = judgement->sum_high = NAN;
    bool same = true;
    for (int k = 0; k < 2; k++)
        same = same && high[k] - low[k] <= 2 * IPM_ENERGY_SAME * high[k];
    struct ipm_energy_fit fit;
    if (!same || ipm_energy_solve(all, cell->n_blocks, BIT_MESSAGE, &fit) != 0)
        return;
    double half = ipm_energy_half_width(&fit, IPM_ENERGY_MESSAGE, IPM_SUMMARY_LEVEL);
    judgement->sum_uj = fit.value[IPM_ENERGY_MESSAGE];
    judgement->sum_low = judgement->sum_uj - half;
    judgement->sum_high = judgement->sum_uj + half;
}

static double correlate(const struct ipm_energy_observation *all, size_t n,
                        unsigned terms)
{
    double most = NAN;
    for (int term = IPM_ENERGY_LOCAL; term <= IPM_ENERGY_WAKE; term++) {
        double one = terms >> term & 1
                         ? ipm_energy_correlation(all, n, term, IPM_ENERGY_MESSAGE)
                         : NAN;
        if (isnan(most) || fabs(one) > fabs(most))
            most = one;
    }
    return most;
}

static void find_by_fit(struct ipm_energy_judgement *judgement)
{
    const struct ipm_energy_parameter *parameters = judgement->parameters;
    char reason[2 * IPM_ENERGY_NOTE];
    double worst = 0;
    double designed = 0;
    for (int term = 0; term < IPM_ENERGY_PARAMETERS; term++) {
        if (judgement->fit.terms >> term & 1) {
            worst = fmax(worst, judgement->fit.vif[term]);
            designed = fmax(designed, judgement->designed_vif[term]);
        }
    }
    bool any = false;
    for (int i = 0; i < IPM_ENERGY_PARAMETERS - 1; i++)
        any = any || parameters[i].stands;
    if (judgement->result == IPM_ENERGY_NO_GSL) {
        find(judgement, IPM_ENERGY_NOT_ENOUGH, "absent: built without GSL");
    } else if (judgement->result == IPM_ENERGY_FEW) {
        (void)snprintf(
            reason, sizeof(reason),
            "too_few: %zu whole blocks for %zu terms; %d more than terms are "
            "the least",
            judgement->used, judgement->fit.p, IPM_ENERGY_FREEDOM);
        find(judgement, IPM_ENERGY_NOT_ENOUGH, reason);
    } else if (judgement->result == 0 && worst < IPM_ENERGY_MOST_VIF &&
               judgement->fit.condition < IPM_ENERGY_MOST_CONDITION &&
               !(designed < IPM_ENERGY_MOST_VIF)) {
        (void)snprintf(
            reason, sizeof(reason),
            "not identifiable: corr(s, m) = %.3f; what tells the rates apart differs "
            "hardly more between points than between repeats of one (VIF by design "
            "%.3g); windows of burst, self_loop and token would tell switches from "
            "messages",
            judgement->correlation, designed);
        find(judgement, IPM_ENERGY_SUM_ONLY, reason);
    } else if (judgement->result != 0 ||
               !well_posed(&judgement->fit, judgement->designed_vif)) {
        (void)snprintf(
            reason, sizeof(reason),
            "not identifiable: corr(s, m) = %.3f, largest VIF %.3g, condition "
            "number %.3g; windows of burst, self_loop and token would tell "
            "switches from messages",
            judgement->correlation, worst, judgement->fit.condition);
        find(judgement, IPM_ENERGY_SUM_ONLY, reason);
    } else if (judgement->lack.p < IPM_ENERGY_LACK_P) {
        (void)snprintf(
            reason, sizeof(reason),
            "lack of fit: F = %.3g, p = %.2g: power is no sum of these rates "
            "here",
            judgement->lack.f, judgement->lack.p);
        find(judgement, IPM_ENERGY_REJECTED, reason);
    } else if (!any) {
        (void)snprintf(reason, sizeof(reason),
                       "not identifiable: no interval is within half of its value; "
                       "corr(s, m) = %.3f",
                       judgement->correlation);
        find(judgement, IPM_ENERGY_SUM_ONLY, reason);
    } else {
        find(judgement, IPM_ENERGY_FITTED, "");
    }
}

/* What does not stand as a whole does not stand in its parts. */
static void withdraw(struct ipm_energy_judgement *judgement)
{
    for (int i = 0; i < IPM_ENERGY_PARAMETERS; i++) {
        struct ipm_energy_parameter *parameter = &judgement->parameters[i];
        if (judgement->finding == IPM_ENERGY_FITTED || isnan(parameter->value))
            continue;
        parameter->stands = false;
        (void)snprintf(parameter->reason, sizeof(parameter->reason), "%s",
                       judgement->finding == IPM_ENERGY_SUM_ONLY
                           ? "not_identifiable: only the sum is"
                           : "rejected: the model does not hold here");
    }
}

static int estimate_rest(const struct ipm_energy_cell *cell,
                         struct ipm_estimate *out_rest)
{
    ipm_auto_free double *values = calloc(cell->n_blocks + 1, sizeof(*values));
    size_t n = 0;
    if (values == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        if (cell->blocks[i].observed.used)
            values[n++] = cell->blocks[i].rest_w;
    }
    (void)ipm_estimate_mean(values, n, IPM_SUMMARY_LEVEL, out_rest);
    return 0;
}

int ipm_energy_judge_cell(struct ipm_energy_cell *cell, const json_t *manifest,
                          struct ipm_energy_judgement *out_judgement)
{
    struct ipm_energy_judgement *judgement = out_judgement;
    ipm_auto_free struct ipm_energy_observation *all =
        calloc(cell->n_blocks + 1, sizeof(*all));
    *judgement = (struct ipm_energy_judgement){.correlation = NAN};
    judgement->lack = (struct ipm_energy_lack){NAN, NAN, NAN, NAN};
    if (all == NULL || estimate_rest(cell, &judgement->rest_w) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < cell->n_blocks; i++) {
        all[i] = cell->blocks[i].observed;
        judgement->used += all[i].used;
    }
    if (strcmp(cell->provenance, "estimated") == 0)
        judgement->sum_uj = judgement->sum_low = judgement->sum_high = NAN;
    else
        set_sum(cell, all, judgement);
    if (refuse(cell, manifest, judgement)) {
        judgement->result = IPM_ENERGY_SINGULAR;
        set_parameters(judgement);
        for (int i = 0; i < IPM_ENERGY_PARAMETERS; i++)
            (void)snprintf(judgement->parameters[i].reason, IPM_ENERGY_NOTE,
                           "refused: no coefficients here");
        return 0;
    }
    judgement->result = solve(all, cell->n_blocks, judgement);
    if (judgement->result < 0)
        return judgement->result;
    judgement->correlation = correlate(all, cell->n_blocks, judgement->fit.terms);
    if (judgement->result == 0) {
        judgement->lack = ipm_energy_lack(all, cell->n_blocks, &judgement->fit);
        for (size_t i = 0; i < cell->n_blocks; i++)
            cell->blocks[i].observed.predicted_w =
                ipm_energy_predict(&judgement->fit, all[i].rate);
    }
    set_parameters(judgement);
    find_by_fit(judgement);
    withdraw(judgement);
    return 0;
}
