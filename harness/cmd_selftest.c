/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter selftest: does the tool keep what it promises?
 *
 * `stats` draws suites of which the truth is known and puts them through the gate.
 */
#include "analysis/gate_simulation.h"
#include "analysis/significance.h"
#include "base/json.h"
#include "base/units.h"
#include "harness/commands.h"
#include "harness/selftest_gate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SUITES = 256, SEED, CLASS, JSON };

static const struct ipm_command_operand selftest_operands[] = {
    {.name = "gate|stats", .kind = IPM_OPERAND_WORDS},
    {.name = NULL},
};

static const struct ipm_command_option selftest_options[] = {
    {.name = "suites",
     .code = SUITES,
     .value = "N",
     .help = "in which nothing changed, of each class; 5000"},
    {.name = "seed", .code = SEED, .value = "N", .help = "of the draws; 1"},
    {.name = "class",
     .code = CLASS,
     .value = "NAME",
     .help = "this class of noise alone"},
    {.name = "json", .code = JSON, .help = "as one document"},
    {.name = NULL},
};

const struct ipm_command ipm_command_selftest = {
    .name = "selftest",
    .run = ipm_cmd_selftest,
    .summary = "does the tool itself keep what it promises?",
    .operands = selftest_operands,
    .options = selftest_options,
    .about =
        "gate: two gates on this machine, between copies of one worker, where it must "
        "not see a regression, and with one point made slower, which it must see, and "
        "nothing else.  stats: how often the gate cries wolf, and what it misses, on "
        "simulated "
        "suites of 50 points and 3 controls in six classes of noise.",
    .note = "Exit status 3: a promise was not kept.",
};

enum { POINTS = 50, CONTROLS = 3, SESSIONS = 20 };

#define FALSE_ALARMS       0.01  /* of suites in which nothing changed, at most */
#define FALSE_ALARMS_UPPER 0.014 /* upper end of Clopper and Pearson's interval */
#define NAIVE_ALARMS       0.5   /* the other design, at least: the simulation bites */
#define PASSED             0.05  /* of suites with a point slower by 5 %, at most */
#define POWER_5            0.95
#define POWER_10           0.99
#define TAIL               0.025

static const double slower[] = {0, 0.05, 0.10};

enum { EFFECTS = sizeof(slower) / sizeof(slower[0]) };

/* Power is asked of the first class alone; of the others it is shown, from fewer suites. */
static size_t suites_of(int64_t asked, size_t index, size_t effect)
{
    size_t fewer = effect == 0 || (index == 0 && effect == 1) ? 1 : 5 * effect;
    size_t suites = (size_t)asked / fewer;
    return suites > 0 ? suites : 1;
}

struct options {
    int64_t suites, seed;
    const char *noise_name;
    bool json, help;
    bool gate; /* else stats */
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_selftest, stderr);
    return IPM_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct options *options)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_selftest, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        struct ipm_why why = {0};
        int error = 0;
        if (code == SUITES)
            error = ipm_parse_integer(arguments.value, &options->suites, &why);
        else if (code == SEED)
            error = ipm_parse_integer(arguments.value, &options->seed, &why);
        else if (code == CLASS)
            options->noise_name = arguments.value;
        else if (code == JSON)
            options->json = true;
        else if (code == IPM_ARGUMENTS_HELP)
            options->help = true;
        else
            return wrong_usage();
        if (error != 0) {
            (void)fprintf(stderr, "selftest: %s\n", why.text);
            return IPM_EXIT_USAGE;
        }
    }
    if (options->help)
        return 0;
    options->gate =
        arguments.n_operands == 1 && strcmp(arguments.operands[0], "gate") == 0;
    if (!options->gate &&
        (arguments.n_operands != 1 || strcmp(arguments.operands[0], "stats") != 0))
        return wrong_usage();
    if (options->suites < 1 || options->suites > 1000000 || options->seed < 0 ||
        options->seed > UINT32_MAX) {
        (void)fputs("selftest: 1 to 1000000 suites, and a seed below 2^32\n", stderr);
        return IPM_EXIT_USAGE;
    }
    return 0;
}

/* What one class gave. */
struct outcome {
    const struct ipm_gate_class *noise;
    struct ipm_gate_simulated simulated[EFFECTS];
};

/* What is asked of a class; only of a quiet one that it finds 5 %. */
struct demand {
    const char *words;
    double seen, bound;
    bool at_least, met;
};

enum { DEMANDS = 6 };

static double share(size_t hits, size_t n)
{
    return (double)hits / (double)n;
}

static size_t make_demands(const struct outcome *outcome, struct demand *demands)
{
    const struct ipm_gate_simulated *null = &outcome->simulated[0];
    const struct ipm_gate_simulated *five = &outcome->simulated[1];
    const struct ipm_gate_simulated *ten = &outcome->simulated[2];
    size_t n = 0;
    demands[n++] = (struct demand){.words = "false alarms, of suites",
                                   .seen = share(null->false_alarms, null->suites),
                                   .bound = FALSE_ALARMS};
    demands[n++] =
        (struct demand){.words = "  upper end of their 95 % interval",
                        .seen = ipm_share_upper(null->false_alarms, null->suites, TAIL),
                        .bound = FALSE_ALARMS_UPPER};
    demands[n++] =
        (struct demand){.words = "false alarms of 10 x A, 10 x B, Mann-Whitney",
                        .seen = share(null->naive_alarms, null->suites),
                        .bound = NAIVE_ALARMS,
                        .at_least = true};
    demands[n++] = (struct demand){.words = "one point +5 %: said to pass",
                                   .seen = share(five->passed, five->suites),
                                   .bound = PASSED};
    if (outcome->noise == &ipm_gate_classes[0]) {
        demands[n++] = (struct demand){.words = "one point +5 %: found",
                                       .seen = share(five->found, five->suites),
                                       .bound = POWER_5,
                                       .at_least = true};
        demands[n++] = (struct demand){.words = "one point +10 %: found",
                                       .seen = share(ten->found, ten->suites),
                                       .bound = POWER_10,
                                       .at_least = true};
    }
    for (size_t i = 0; i < n; i++)
        demands[i].met = demands[i].at_least ? demands[i].seen >= demands[i].bound
                                             : demands[i].seen <= demands[i].bound;
    return n;
}

static void print_outcome(const struct outcome *outcome)
{
    struct demand demands[DEMANDS];
    size_t n = make_demands(outcome, demands);
    (void)printf("%s: %s\n", outcome->noise->name, outcome->noise->summary);
    for (size_t i = 0; i < n; i++)
        (void)printf("  %-4s  %-48s %8.4f  (at %s %g)\n",
                     demands[i].met ? "ok" : "FAIL", demands[i].words, demands[i].seen,
                     demands[i].at_least ? "least" : "most", demands[i].bound);
    for (size_t e = 0; e < EFFECTS; e++) {
        const struct ipm_gate_simulated *seen = &outcome->simulated[e];
        (void)printf("        %+3.0f %%: found %.4f, alone %.4f;", 100 * slower[e],
                     share(seen->found, seen->suites),
                     share(seen->found_alone, seen->suites));
        for (size_t v = 0; v < IPM_GATE_VERDICTS; v++)
            (void)printf(" %s %.4f", ipm_gate_verdict_names[v],
                         share(seen->verdicts[v], seen->suites));
        (void)printf("; %.1f blocks a point\n", seen->blocks);
    }
    (void)printf("        suites with a suspect after the screen: %.4f\n\n",
                 share(outcome->simulated[0].suspected, outcome->simulated[0].suites));
    (void)fflush(stdout);
}

static json_t *outcome_json(const struct outcome *outcome)
{
    json_t *effects = json_array();
    for (size_t e = 0; e < EFFECTS; e++) {
        const struct ipm_gate_simulated *seen = &outcome->simulated[e];
        json_t *verdicts = json_object();
        for (size_t v = 0; v < IPM_GATE_VERDICTS; v++)
            (void)json_object_set_new(verdicts, ipm_gate_verdict_names[v],
                                      json_integer((json_int_t)seen->verdicts[v]));
        (void)json_array_append_new(
            effects,
            json_pack("{s:f, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:f}", "slower",
                      slower[e], "suites", (json_int_t)seen->suites, "verdicts",
                      verdicts, "false_alarms", (json_int_t)seen->false_alarms, "found",
                      (json_int_t)seen->found, "found_alone",
                      (json_int_t)seen->found_alone, "passed", (json_int_t)seen->passed,
                      "suspected", (json_int_t)seen->suspected, "naive_alarms",
                      e == 0 ? json_integer((json_int_t)seen->naive_alarms)
                             : json_null(),
                      "blocks_per_point", seen->blocks));
    }
    struct demand demands[DEMANDS];
    size_t n = make_demands(outcome, demands);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:o, s:f, s:b, s:b}", "what",
                            demands[i].words + strspn(demands[i].words, " "), "seen",
                            ipm_json_number(demands[i].seen), "bound", demands[i].bound,
                            "at_least", demands[i].at_least, "met", demands[i].met));
    return json_pack("{s:s, s:o, s:o}", "class", outcome->noise->name, "simulated",
                     effects, "demands", list);
}

static int simulate(const struct options *options, size_t index,
                    struct outcome *outcome)
{
    outcome->noise = &ipm_gate_classes[index];
    for (size_t e = 0; e < EFFECTS; e++) {
        const struct ipm_gate_simulation simulation = {
            .noise = outcome->noise,
            .params = ipm_gate_defaults,
            .suites = suites_of(options->suites, index, e),
            .points = POINTS,
            .controls = CONTROLS,
            .sessions = SESSIONS,
            .slower = slower[e],
            .naive = e == 0,
            .seed = (uint64_t)options->seed + 1000003 * (index * EFFECTS + e),
        };
        struct ipm_why why = {0};
        int error = ipm_gate_simulate(&simulation, &outcome->simulated[e], &why);
        if (error != 0) {
            (void)fprintf(stderr, "selftest: %s\n", why.text);
            return error == -ENOTSUP ? IPM_EXIT_ENVIRONMENT : IPM_EXIT_INTERNAL;
        }
    }
    return 0;
}

static bool all_met(const struct outcome *outcome)
{
    struct demand demands[DEMANDS];
    size_t n = make_demands(outcome, demands);
    bool met = true;
    for (size_t i = 0; i < n; i++)
        met = met && demands[i].met;
    return met;
}

static int run_stats(const struct options *options)
{
    ipm_auto_json json_t *classes = json_array();
    bool met = true;
    size_t simulated = 0;
    for (size_t i = 0; i < IPM_GATE_CLASSES; i++) {
        if (options->noise_name != NULL &&
            strcmp(options->noise_name, ipm_gate_classes[i].name) != 0)
            continue;
        struct outcome outcome;
        int status = simulate(options, i, &outcome);
        if (status != 0)
            return status;
        simulated++;
        met = all_met(&outcome) && met;
        if (options->json)
            (void)json_array_append_new(classes, outcome_json(&outcome));
        else
            print_outcome(&outcome);
    }
    if (simulated == 0) {
        (void)fputs("selftest: the classes are", stderr);
        for (size_t i = 0; i < IPM_GATE_CLASSES; i++)
            (void)fprintf(stderr, " %s", ipm_gate_classes[i].name);
        (void)fputc('\n', stderr);
        return IPM_EXIT_USAGE;
    }
    if (options->json) {
        ipm_auto_json json_t *json =
            json_pack("{s:i, s:s, s:I, s:i, s:i, s:O, s:b}", "schema", 1, "selftest",
                      "stats", "seed", (json_int_t)options->seed, "points", (int)POINTS,
                      "controls", (int)CONTROLS, "classes", classes, "met", met);
        if (json == NULL ||
            json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0)
            return IPM_EXIT_INTERNAL;
        (void)putchar('\n');
    }
    return met ? IPM_EXIT_OK : IPM_EXIT_FAILED;
}

int ipm_cmd_selftest(int argc, char **argv)
{
    struct options options = {.suites = 5000, .seed = 1};
    int status = parse(argc, argv, &options);
    if (status == 0 && options.help)
        ipm_command_usage(&ipm_command_selftest, stdout);
    else if (status == 0 && options.gate)
        status = ipm_selftest_gate((uint64_t)options.seed);
    else if (status == 0)
        status = run_stats(&options);
    if (fflush(stdout) != 0 && status == IPM_EXIT_OK)
        status = IPM_EXIT_INTERNAL;
    return status;
}
