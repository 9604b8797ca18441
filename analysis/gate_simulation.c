/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_simulation.h"

#include "analysis/gate_noise.h"
#include "analysis/significance.h"
#include "base/cleanup.h"
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if IPM_HAVE_GSL
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#endif

const struct ipm_gate_class ipm_gate_classes[IPM_GATE_CLASSES] = {
    {.name = "quiet",
     .summary = "2 % scatter, one in fifty spoilt by 15 %",
     .scatter = 0.02,
     .spoilt_chance = 0.02,
     .spoilt = 0.15},
    {.name = "drift",
     .summary = "steps of 2 % that are remembered, one in twenty spoilt",
     .scatter = 0.03,
     .spoilt_chance = 0.05,
     .spoilt = 0.15,
     .drift_step = 0.02,
     .drift_memory = 0.995},
    {.name = "bimodal",
     .summary = "three in ten invocations are 12 % slower",
     .scatter = 0.02,
     .mode_chance = 0.3,
     .mode = 0.12},
    {.name = "arm_bias",
     .summary = "builds of one source differ by 1 % at each point",
     .scatter = 0.02,
     .spoilt_chance = 0.02,
     .spoilt = 0.15,
     .bias = 0.01},
    {.name = "heavy_tail",
     .summary = "Student's t with 2 degrees of freedom, one in ten spoilt by 30 %",
     .scatter = 0.02,
     .heavy = true,
     .spoilt_chance = 0.1,
     .spoilt = 0.3},
    {.name = "regime_jumps",
     .summary = "every fortieth invocation the machine takes another level, 10 % apart",
     .scatter = 0.02,
     .spoilt_chance = 0.02,
     .spoilt = 0.15,
     .jump_chance = 0.025,
     .jump = 0.1},
};

enum {
    NAIVE = 10, /* invocations of a point with each arm */
    IDS = 32,
};

#if IPM_HAVE_GSL

#define NAIVE_ALPHA 0.05

/* The machine: all that lasts from one invocation to the next. */
struct machine {
    const struct ipm_gate_class *noise;
    gsl_rng *source;
    double drift, level;
    double *bias; /* of arm B at each point, as these two builds have it */
    size_t n_points;
};

struct workshop {
    const struct ipm_gate_simulation *what;
    struct machine machine;
    struct ipm_gate_point *points;
    char (*ids)[IDS];
    double *values;     /* of the naive design: [arm][point][NAIVE] */
    size_t naive_least; /* pairs of 100 in which B must be slower to be called */
    uint64_t seeds;
};

static void build_arms(struct machine *machine)
{
    for (size_t i = 0; i < machine->n_points; i++)
        machine->bias[i] =
            gsl_ran_gaussian_ziggurat(machine->source, machine->noise->bias);
}

/* Logarithm of the cost of one invocation. */
static double invoke(struct machine *machine, size_t point, enum ipm_gate_arm arm)
{
    const struct ipm_gate_class *noise = machine->noise;
    gsl_rng *source = machine->source;
    double cost = arm == IPM_GATE_B ? machine->bias[point] : 0;
    if (noise->drift_step > 0)
        machine->drift = noise->drift_memory * machine->drift +
                         gsl_ran_gaussian_ziggurat(source, noise->drift_step);
    if (noise->jump_chance > 0 && gsl_rng_uniform(source) < noise->jump_chance)
        machine->level = gsl_ran_gaussian_ziggurat(source, noise->jump);
    cost += machine->drift + machine->level;
    cost += noise->heavy ? noise->scatter * gsl_ran_tdist(source, 2)
                         : gsl_ran_gaussian_ziggurat(source, noise->scatter);
    if (noise->mode_chance > 0 && gsl_rng_uniform(source) < noise->mode_chance)
        cost += noise->mode;
    if (noise->spoilt_chance > 0 && gsl_rng_uniform(source) < noise->spoilt_chance)
        cost += log1p(gsl_ran_exponential(source, noise->spoilt));
    return cost;
}

/* Of @n_points: none is slower. */
static size_t pick_slower(struct workshop *shop)
{
    size_t n = shop->what->points;
    return shop->what->slower > 0 ? gsl_rng_uniform_int(shop->machine.source, n)
                                  : n + shop->what->controls;
}

/* One gate from the first question to the last answer. */
static int run_gate(struct workshop *shop, const struct ipm_gate_params *params,
                    size_t slower, struct ipm_gate **out_gate, struct ipm_why *why)
{
    struct ipm_gate_params own = *params;
    own.seed = ipm_random_next(&shop->seeds) >> 11;
    struct ipm_gate *gate = NULL;
    int error = ipm_gate_new(&own, shop->points, shop->machine.n_points, &gate, why);
    if (error != 0)
        return error;
    struct ipm_gate_trial trial;
    while (error == 0 && ipm_gate_next(gate, &trial) == 0) {
        double cost = invoke(&shop->machine, trial.point, trial.arm);
        if (trial.point == slower && trial.arm == IPM_GATE_B)
            cost += log1p(shop->what->slower);
        error = ipm_gate_record(gate, exp(cost), why);
    }
    if (error == 0)
        *out_gate = gate;
    else
        ipm_gate_free(gate);
    return error;
}

/* Null sessions, in which the screen takes as many blocks as a gate confirms with and lets
 * nothing through: each point's effect rests on that many. */
static int calibrate(struct workshop *shop, struct ipm_why *why)
{
    const struct ipm_gate_simulation *what = shop->what;
    size_t n = shop->machine.n_points;
    ipm_auto_free struct ipm_gate_null *nulls =
        calloc(what->sessions * n, sizeof(*nulls));
    if (nulls == NULL)
        return ipm_why_set(why, -ENOMEM, "calibration: ");
    struct ipm_gate_params params = what->params;
    params.screen_blocks = params.confirm_blocks;
    params.looks = 1;
    params.screen_limit = 1e6;
    params.margin = params.smallest_effect = 1e6;
    for (size_t i = 0; i < n; i++)
        shop->points[i].noise = NAN;
    build_arms(&shop->machine);
    for (size_t session = 0; session < what->sessions; session++) {
        struct ipm_gate *gate = NULL;
        int error = run_gate(shop, &params, n, &gate, why);
        struct ipm_gate_result result = {0};
        if (error == 0)
            error = ipm_gate_judge(gate, &result);
        for (size_t i = 0; error == 0 && i < n; i++)
            nulls[session * n + i] =
                (struct ipm_gate_null){.id = shop->ids[i],
                                       .metric = "cost",
                                       .mechanism = "simulated",
                                       .builds = "one pair",
                                       .effect = result.findings[i].effect.value};
        ipm_gate_result_fini(&result);
        ipm_gate_free(gate);
        if (error != 0)
            return error;
    }
    struct ipm_gate_noise noise = {0};
    int error = ipm_gate_noise_fit(nulls, what->sessions * n, &noise, why);
    for (size_t i = 0; error == 0 && i < n; i++)
        shop->points[i].noise =
            ipm_gate_noise_of(&noise, shop->ids[i], "cost", "simulated");
    ipm_gate_noise_fini(&noise);
    return error;
}

/* Is B called slower at this point? */
static bool naive_calls(const struct workshop *shop, const double *a, const double *b)
{
    size_t slower = 0;
    for (size_t i = 0; i < NAIVE; i++) {
        for (size_t k = 0; k < NAIVE; k++)
            slower += b[k] > a[i];
    }
    return slower >= shop->naive_least;
}

static bool run_naive(struct workshop *shop, size_t slower)
{
    size_t n = shop->what->points;
    for (size_t arm = 0; arm < 2; arm++) {
        for (size_t point = 0; point < n; point++) {
            double *values = shop->values + (arm * n + point) * NAIVE;
            for (size_t i = 0; i < NAIVE; i++)
                values[i] = invoke(&shop->machine, point, (enum ipm_gate_arm)arm);
        }
    }
    bool called = false;
    for (size_t point = 0; point < n; point++) {
        const double *a = shop->values + point * NAIVE;
        called = called || (point != slower && naive_calls(shop, a, a + n * NAIVE));
    }
    return called;
}

/* The fewest pairs for p < NAIVE_ALPHA: of samples without ties it is they alone that count. */
static int find_naive_least(struct workshop *shop)
{
    double a[NAIVE];
    double b[NAIVE];
    for (size_t i = 0; i < NAIVE; i++)
        a[i] = (double)i;
    for (size_t pairs = NAIVE * NAIVE / 2; pairs <= (size_t)NAIVE * NAIVE; pairs++) {
        for (size_t i = 0; i < NAIVE; i++) {
            size_t beaten = i < pairs / NAIVE    ? NAIVE
                            : i == pairs / NAIVE ? pairs % NAIVE
                                                 : 0;
            b[i] = (double)beaten - 0.5 + (double)i / (2 * NAIVE);
        }
        double p = 1;
        int error = ipm_mann_whitney(a, NAIVE, b, NAIVE, &p);
        if (error != 0)
            return error;
        shop->naive_least = pairs;
        if (p < NAIVE_ALPHA)
            return 0;
    }
    return 0;
}

static void tally(const struct workshop *shop, const struct ipm_gate *gate,
                  const struct ipm_gate_result *result, size_t slower,
                  struct ipm_gate_simulated *simulated)
{
    bool wrong = false;
    bool suspected = false;
    size_t blocks = 0;
    for (size_t i = 0; i < shop->machine.n_points; i++) {
        const struct ipm_gate_finding *finding = &result->findings[i];
        size_t n = 0;
        for (int stage = 0; stage < IPM_GATE_STAGES; stage++) {
            (void)ipm_gate_blocks(gate, i, (enum ipm_gate_stage)stage, &n);
            blocks += n;
        }
        if (i == slower || shop->points[i].control)
            continue;
        wrong = wrong || finding->verdict == IPM_GATE_REGRESSION;
        suspected = suspected || finding->suspect;
    }
    bool planted = slower < shop->machine.n_points;
    /* As a reader of the gate is told: where the machine moved, nobody is blamed. */
    bool told = result->verdict == IPM_GATE_REGRESSION;
    bool found =
        told && planted && result->findings[slower].verdict == IPM_GATE_REGRESSION;
    simulated->suites++;
    simulated->verdicts[result->verdict]++;
    simulated->false_alarms += told && wrong;
    simulated->found += found;
    simulated->found_alone += found && !wrong;
    simulated->passed += planted && (result->verdict == IPM_GATE_PASS ||
                                     result->findings[slower].verdict == IPM_GATE_PASS);
    simulated->suspected += suspected;
    simulated->blocks += (double)blocks / (double)shop->machine.n_points;
}

static int run_suite(struct workshop *shop, struct ipm_gate_simulated *simulated,
                     struct ipm_why *why)
{
    size_t slower = pick_slower(shop);
    build_arms(&shop->machine);
    struct ipm_gate *gate = NULL;
    int error = run_gate(shop, &shop->what->params, slower, &gate, why);
    struct ipm_gate_result result = {0};
    if (error == 0)
        error = ipm_gate_judge(gate, &result);
    if (error == 0)
        tally(shop, gate, &result, slower, simulated);
    ipm_gate_result_fini(&result);
    ipm_gate_free(gate);
    if (error == 0 && shop->what->naive)
        simulated->naive_alarms += run_naive(shop, slower);
    return error;
}

static int run_suites(struct workshop *shop, struct ipm_gate_simulated *out_simulated,
                      struct ipm_why *why)
{
    struct ipm_gate_simulated simulated = {0};
    int error = find_naive_least(shop);
    for (size_t i = 0; error == 0 && i < shop->what->suites; i++) {
        if (i % IPM_GATE_CALIBRATED == 0 && shop->what->sessions > 0)
            error = calibrate(shop, why);
        if (error == 0)
            error = run_suite(shop, &simulated, why);
    }
    if (error == 0) {
        simulated.blocks /= (double)(simulated.suites > 0 ? simulated.suites : 1);
        *out_simulated = simulated;
    }
    return error;
}

int ipm_gate_simulate(const struct ipm_gate_simulation *simulation,
                      struct ipm_gate_simulated *out_simulated, struct ipm_why *why)
{
    size_t n = simulation->points + simulation->controls;
    ipm_auto_free struct ipm_gate_point *points = calloc(n + 1, sizeof(*points));
    ipm_auto_free char(*ids)[IDS] = calloc(n + 1, sizeof(*ids));
    ipm_auto_free double *bias = calloc(n + 1, sizeof(*bias));
    ipm_auto_free double *values = calloc(2 * NAIVE * (n + 1), sizeof(*values));
    gsl_rng *source = gsl_rng_alloc(gsl_rng_taus2);
    if (points == NULL || ids == NULL || bias == NULL || values == NULL ||
        source == NULL) {
        if (source != NULL)
            gsl_rng_free(source);
        return ipm_why_set(why, -ENOMEM, "simulation: ");
    }
    gsl_rng_set(source, (unsigned long)(simulation->seed & 0xffffffff));
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "point %zu", i);
        points[i] = (struct ipm_gate_point){.id = ids[i],
                                            .label = ids[i],
                                            .metric = "cost",
                                            .unit = "",
                                            .control = i >= simulation->points,
                                            .noise = NAN,
                                            .smallest_effect = NAN};
    }
    struct workshop shop = {.what = simulation,
                            .machine = {.noise = simulation->noise,
                                        .source = source,
                                        .bias = bias,
                                        .n_points = n},
                            .points = points,
                            .ids = ids,
                            .values = values,
                            .seeds = simulation->seed};
    int error = run_suites(&shop, out_simulated, why);
    gsl_rng_free(source);
    return error;
}

#else

int ipm_gate_simulate(const struct ipm_gate_simulation *simulation,
                      struct ipm_gate_simulated *out_simulated, struct ipm_why *why)
{
    (void)simulation;
    (void)out_simulated;
    return ipm_why_set(why, -ENOTSUP, "built without GSL: nothing can be drawn");
}

#endif
