/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter plan: the points of a config, what is skipped and why, and how long it takes.
 * Measures nothing but the time that starting workers takes.
 */
#include "base/cleanup.h"
#include "base/units.h"
#include "harness/columns.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/plan_when.h"
#include "harness/prepare.h"
#include "harness/rehearsal.h"

#include <inttypes.h>
#include <string.h>

enum { SET = 256, QUICK, JSON, POINTS, NO_REHEARSAL };

static const struct ipm_command_operand plan_operands[] = {
    {.name = "CONFIG", .kind = IPM_OPERAND_FILE, .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option plan_options[] = {
    {.name = "set",
     .code = SET,
     .value = "KEY=VALUE",
     .kind = IPM_OPERAND_SETTING,
     .many = true,
     .help = "mechanisms=pipe,shm_ring, size=64,4096, repeat.window=20ms ..."},
    {.name = "quick", .code = QUICK, .help = "what run --quick measures"},
    {.name = "json", .code = JSON, .help = "the whole plan as one document"},
    {.name = "points", .code = POINTS, .help = "one line per point, too"},
    {.name = "no-rehearsal",
     .code = NO_REHEARSAL,
     .help = "do not try each mechanism once to see how long a start takes: 10 ms are "
             "assumed"},
    IPM_REQUEST_OPTIONS,
    {.name = NULL},
};

const struct ipm_command ipm_command_plan = {
    .name = "plan",
    .run = ipm_cmd_plan,
    .summary = "points, skips with reasons, and the time a run takes",
    .operands = plan_operands,
    .options = plan_options,
    .about = "What CONFIG comes down to: JSON with comments; without it, the built-in "
             "default.",
};

struct options {
    struct ipm_request request;
    const char **sets;
    bool json, points, untried, help;
};

/* Return: 0; IPM_EXIT_USAGE after a message; IPM_EXIT_INTERNAL. */
static int parse(int argc, char **argv, struct options *options)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_plan, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        if (code == SET && ipm_texts_add(&options->sets, &options->request.n_sets,
                                         arguments.value) != 0)
            return IPM_EXIT_INTERNAL;
        options->json = options->json || code == JSON;
        options->points = options->points || code == POINTS;
        options->untried = options->untried || code == NO_REHEARSAL;
        options->help = options->help || code == IPM_ARGUMENTS_HELP;
        options->request.quick = options->request.quick || code == QUICK;
        if (code == IPM_ARGUMENTS_WRONG ||
            ipm_request_take(&options->request, code, arguments.value) ==
                IPM_EXIT_USAGE)
            return IPM_EXIT_USAGE;
    }
    options->request.sets = options->sets;
    if (arguments.n_operands > 1) {
        (void)fputs("plan: one CONFIG at most\n", stderr);
        return IPM_EXIT_USAGE;
    }
    options->request.config = arguments.operands[0];
    return 0;
}

enum { TIME = 64 };

static const char *format_time(char text[TIME], int64_t ns)
{
    char unit[IPM_UNITS_TEXT];
    int64_t seconds = ns / 1000000000;
    if (seconds < 100)
        (void)snprintf(text, TIME, "%s", ipm_format_ns(unit, (double)ns));
    else if (seconds < 3600)
        (void)snprintf(text, TIME, "%" PRId64 " min %" PRId64 " s", seconds / 60,
                       seconds % 60);
    else
        (void)snprintf(text, TIME, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
                       seconds % 3600 / 60);
    return text;
}

static void print_time(const char *name, int64_t ns)
{
    char text[TIME];
    (void)printf("  %-13s%s\n", name, format_time(text, ns));
}

static int64_t invocations_of(const struct ipm_plan *plan, const struct ipm_pass *pass)
{
    int64_t sum = 0;
    for (size_t i = 0; i < plan->n_points; i++)
        sum += ipm_plan_invocations(pass, &plan->points[i]);
    return sum;
}

static void print_sweeps(const struct ipm_plan *plan, const struct ipm_spec *spec)
{
    struct ipm_columns columns;
    ipm_columns_init(&columns, 4);
    const char *const titles[] = {"SWEEP", "POINTS", "SKIPPED", "DROPPED"};
    for (size_t i = 0; i < columns.n_columns; i++)
        ipm_columns_add(&columns, "%s", titles[i]);
    for (size_t s = 0; s < spec->n_sweeps; s++) {
        size_t points = 0;
        size_t skips = 0;
        size_t dropped = 0;
        for (size_t i = 0; i < plan->n_points; i++)
            points += plan->points[i].sweep == s;
        for (size_t i = 0; i < plan->n_skips; i++)
            skips += plan->skips[i].sweep == s;
        for (size_t i = 0; i < plan->n_dropped; i++)
            dropped += plan->dropped[i].sweep == s;
        ipm_columns_add(&columns, "%s", spec->sweeps[s].name);
        ipm_columns_add(&columns, "%zu", points);
        ipm_columns_add(&columns, "%zu", skips);
        ipm_columns_add(&columns, "%zu", dropped);
    }
    (void)putchar('\n');
    ipm_columns_print(&columns, 2, stdout);
    ipm_columns_fini(&columns);
}

static void print_passes(const struct ipm_plan *plan)
{
    struct ipm_columns columns;
    ipm_columns_init(&columns, 3);
    ipm_columns_add(&columns, "PASS");
    ipm_columns_add(&columns, "TIME");
    ipm_columns_add(&columns, "INVOCATIONS");
    for (size_t i = 0; i < plan->n_passes; i++) {
        const struct ipm_pass *pass = &plan->passes[i];
        char time[TIME] = "-";
        ipm_columns_add(&columns, "%s", pass->name);
        if (pass->used)
            (void)format_time(time, ipm_plan_pass_ns(plan, pass));
        ipm_columns_add(&columns, "%s", time);
        if (pass->used)
            ipm_columns_add(&columns, "%" PRId64, invocations_of(plan, pass));
        else
            ipm_columns_add(&columns, "none: %s", pass->reason);
    }
    (void)putchar('\n');
    ipm_columns_print(&columns, 2, stdout);
    ipm_columns_fini(&columns);
}

/* One line per mechanism, workload and reason: the sizes of a sweep share theirs. */
static void print_skips(const struct ipm_skip *skips, size_t n_skips, const char *title)
{
    if (n_skips == 0)
        return;
    ipm_auto_json json_t *counts = json_object();
    for (size_t i = 0; i < n_skips; i++) {
        ipm_auto_json json_t *line =
            json_sprintf("%s / %s: %s", skips[i].factors.workload,
                         skips[i].factors.mechanism, skips[i].reason);
        const char *key = json_string_value(line);
        json_int_t count =
            json_integer_value(json_object_get(counts, key != NULL ? key : ""));
        (void)json_object_set_new(counts, key != NULL ? key : "",
                                  json_integer(count + 1));
    }
    (void)printf("\n  %s\n", title);
    const char *line;
    json_t *count;
    json_object_foreach(counts, line, count)
    {
        (void)printf("  %6" JSON_INTEGER_FORMAT "  ", json_integer_value(count));
        (void)ipm_print_escaped(stdout, line, strlen(line));
        (void)putchar('\n');
    }
}

static void print_labels(const struct ipm_skip *skips, size_t n_skips,
                         struct ipm_columns *columns)
{
    for (size_t i = 0; i < n_skips; i++) {
        char label[IPM_LABEL];
        ipm_columns_add(columns, "-");
        ipm_columns_add(columns, "%s", ipm_factors_label(&skips[i].factors, label));
        ipm_columns_add(columns, "%s", skips[i].reason);
    }
}

static void print_points(const struct ipm_plan *plan)
{
    struct ipm_columns columns;
    ipm_columns_init(&columns, 3);
    ipm_columns_add(&columns, "POINT");
    ipm_columns_add(&columns, "WORKLOAD/MECHANISM/SIZE/PLACEMENT/WAIT/...");
    ipm_columns_add(&columns, "CPUS, OR WHY NOT");
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        const struct ipm_place *place = &point->factors.place;
        char label[IPM_LABEL];
        char second[16] = "";
        if (place->n_cpus == 2)
            (void)snprintf(second, sizeof(second), ",%d", place->cpus[1]);
        ipm_columns_add(&columns, "%s", point->hash);
        ipm_columns_add(&columns, "%s", ipm_factors_label(&point->factors, label));
        ipm_columns_add(&columns, "%d%s %s", place->cpus[0], second,
                        ipm_distance_names[place->distance]);
    }
    print_labels(plan->skips, plan->n_skips, &columns);
    print_labels(plan->dropped, plan->n_dropped, &columns);
    (void)putchar('\n');
    ipm_columns_print(&columns, 2, stdout);
    ipm_columns_fini(&columns);
}

static void print_plan(const struct ipm_prepared *prepared,
                       const struct ipm_rehearsal *rehearsal, bool points)
{
    const struct ipm_plan *plan = &prepared->plan;
    (void)ipm_print_escaped(stdout, prepared->spec.name, strlen(prepared->spec.name));
    (void)printf("\n\n  %-13s%zu of %zu combinations; %zu equal another, %zu excluded, "
                 "%zu skipped, %zu dropped\n",
                 "points", plan->n_points, plan->n_combinations, plan->n_merged,
                 plan->n_excluded, plan->n_skips, plan->n_dropped);
    print_time("time", rehearsal->estimate_ns);
    if (rehearsal->tried > 0)
        print_time("start", rehearsal->overhead_ns);
    if (plan->budget_ns != 0)
        print_time("budget", plan->budget_ns);
    if (plan->most_invocations != 0)
        (void)printf("  %-13scut to %" PRId64 " by the budget\n", "invocations",
                     plan->most_invocations);
    print_sweeps(plan, &prepared->spec);
    print_passes(plan);
    print_skips(plan->skips, plan->n_skips, "SKIPPED");
    print_skips(plan->dropped, plan->n_dropped, "DROPPED BY THE BUDGET");
    if (points)
        print_points(plan);
    size_t index;
    json_t *note;
    json_array_foreach(plan->notes, index, note)(void)
        printf("\n  note: %s\n", json_string_value(note));
    char whole[TIME];
    if (rehearsal->whole_ns > rehearsal->estimate_ns)
        (void)printf(
            "\n  note: as slow as the machine was just now, all of it would take %s: "
            "the run will drop points\n",
            format_time(whole, rehearsal->whole_ns));
    const char *depends = ipm_plan_when_note(plan, &prepared->spec);
    if (depends != NULL)
        (void)printf("\n  note: %s\n", depends);
}

static int print_json(const struct ipm_prepared *prepared,
                      const struct ipm_rehearsal *rehearsal)
{
    ipm_auto_json json_t *json = ipm_plan_json(&prepared->plan, &prepared->spec);
    (void)json_object_set_new(json, "estimate_ns",
                              json_integer(rehearsal->estimate_ns));
    (void)json_object_set_new(json, "whole_ns", json_integer(rehearsal->whole_ns));
    (void)json_object_set_new(
        json, "overhead_ns",
        rehearsal->tried > 0 ? json_integer(rehearsal->overhead_ns) : json_null());
    if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0)
        return IPM_EXIT_INTERNAL;
    (void)putchar('\n');
    return IPM_EXIT_OK;
}

static int plan(struct options *options)
{
    ipm_auto_free struct ipm_prepared *prepared = malloc(sizeof(*prepared));
    if (prepared == NULL)
        return IPM_EXIT_INTERNAL;
    int status = ipm_prepare(&options->request, prepared);
    if (status != 0)
        return status;
    struct ipm_rehearsal rehearsal = {.estimate_ns = prepared->plan.estimate_ns,
                                      .whole_ns = prepared->plan.estimate_ns};
    if (!options->untried)
        ipm_rehearse(&options->request, prepared, &rehearsal);
    if (options->json)
        status = print_json(prepared, &rehearsal);
    else
        print_plan(prepared, &rehearsal, options->points);
    ipm_prepared_fini(prepared);
    if (fflush(stdout) != 0 && status == IPM_EXIT_OK)
        status = IPM_EXIT_INTERNAL;
    return status;
}

int ipm_cmd_plan(int argc, char **argv)
{
    struct options options = {0};
    int status = parse(argc, argv, &options);
    if (status == 0 && options.help)
        ipm_command_usage(&ipm_command_plan, stdout);
    else if (status == 0)
        status = plan(&options);
    free(options.sets);
    return status;
}
