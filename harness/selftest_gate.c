/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/selftest_gate.h"

#include "base/cleanup.h"
#include "base/random.h"
#include "harness/commands.h"
#include "harness/gate_setup.h"
#include "harness/signals.h"
#include "harness/worker_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On one CPU, where two of them would only add their distance. */
static const char config[] =
    "{ \"name\": \"selftest\", \"repeat\": { \"window\": \"5ms\", \"warmup\": \"1ms\" "
    "},\n"
    "  \"gate\": { \"confirm_blocks\": 16 },\n"
    "  \"sweeps\": [\n"
    "    { \"name\": \"floor\", \"workloads\": \"self_loop\",\n"
    "      \"mechanisms\": \"floor_syscall\" },\n"
    "    { \"name\": \"round trips\", \"workloads\": \"pingpong\",\n"
    "      \"mechanisms\": [\"pipe\", \"unix_stream\", \"posix_mq\"],\n"
    "      \"axes\": { \"size\": 64, \"placement\": \"same_cpu\", \"wait\": \"block\" "
    "} } ] }\n";

enum { POINTS = 3, PATH = IPM_SCRATCH + 32, MESSAGES_PER_OPERATION = 2 };

#define PLANTED 0.5 /* of an operation's time */

struct selftest {
    struct ipm_gate_setup setup;
    char scratch[IPM_SCRATCH];
    char path[PATH]; /* of the config */
    uint64_t random;
};

static int say(const struct ipm_why *why)
{
    (void)fprintf(stderr, "ipcmeter selftest: %s\n", why->text);
    return why->error == -ENOTSUP ? IPM_EXIT_ENVIRONMENT : IPM_EXIT_INTERNAL;
}

/* One of the two gates.  Return: exit status, 0 when there is a verdict. */
static int run(struct selftest *test, const char *name, struct ipm_gate_outcome *out)
{
    struct ipm_gate_setup *setup = &test->setup;
    struct ipm_why why = {0};
    char folder[PATH];
    (void)snprintf(folder, sizeof(folder), "%s/%s", test->scratch, name);
    struct ipm_gate_request request = {
        .run = setup->words.run,
        .arms = {&setup->arms[IPM_GATE_A], &setup->arms[IPM_GATE_B]},
    };
    request.run.out = folder;
    if (ipm_gate_run(&request, &setup->prepared, out, &why) != 0)
        return say(&why);
    (void)printf("%s: %s\n    %s\n", name, ipm_gate_verdict_names[out->result.verdict],
                 out->result.sentence);
    return out->interrupted ? ipm_signals_status() : 0;
}

static bool has_regression(const struct ipm_gate_outcome *outcome, const char *but)
{
    for (size_t i = 0; i < outcome->result.n_findings; i++) {
        const struct ipm_gate_point *point = ipm_gate_point(outcome->gate, i);
        if (outcome->result.findings[i].verdict == IPM_GATE_REGRESSION &&
            (but == NULL || strcmp(point->id, but) != 0))
            return true;
    }
    return false;
}

/* The n-th point under test, from 0. */
static size_t point_under_test(const struct ipm_gate *gate, size_t n)
{
    size_t i = 0;
    while (ipm_gate_point(gate, i)->control || n-- > 0)
        i++;
    return i;
}

/* Half of what an operation takes, over its messages. */
static int64_t planted_ns(const struct ipm_gate *gate, size_t point)
{
    size_t n = 0;
    const struct ipm_gate_block *blocks =
        ipm_gate_blocks(gate, point, IPM_GATE_SCREEN, &n);
    double least_ns = INFINITY;
    for (size_t i = 0; i < n; i++) {
        for (size_t place = 0; place < IPM_GATE_BLOCK; place++)
            least_ns = fmin(least_ns, blocks[i].values[place]);
    }
    return isfinite(least_ns) ? (int64_t)(PLANTED * least_ns / MESSAGES_PER_OPERATION)
                              : 0;
}

static int null_control(struct selftest *test, char id[IPM_HASH_TEXT],
                        char delay[IPM_WORD + 24])
{
    struct ipm_gate_outcome outcome = {.gate = NULL};
    struct ipm_why why = {0};
    int status = run(test, "null", &outcome);
    if (status == 0 && has_regression(&outcome, NULL)) {
        (void)puts("FAIL  the same program twice, and a regression is seen");
        status = IPM_EXIT_FAILED;
    } else if (status == 0) {
        size_t chosen = (size_t)(ipm_random_next(&test->random) % POINTS);
        size_t at = point_under_test(outcome.gate, chosen);
        const struct ipm_point *points = test->setup.prepared.plan.points;
        size_t k = 0;
        (void)strcpy(id, ipm_gate_point(outcome.gate, at)->id);
        while (strcmp(points[k].hash, id) != 0)
            k++;
        int64_t ns = planted_ns(outcome.gate, at);
        (void)snprintf(delay, IPM_WORD + 24, "%s:%" PRId64, points[k].factors.mechanism,
                       ns);
        if (ns == 0) {
            (void)ipm_why_set(&why, -ENODATA, "the null control measured nothing");
            status = say(&why);
        }
    }
    ipm_gate_outcome_fini(&outcome);
    return status;
}

static int positive_control(struct selftest *test, const char *id, const char *delay)
{
    struct ipm_gate_outcome outcome = {.gate = NULL};
    struct ipm_arm *arm = &test->setup.arms[IPM_GATE_B];
    struct ipm_why why = {0};
    arm->worker.words[0] = "--delay";
    arm->worker.words[1] = delay;
    arm->worker.n_words = 2;
    int error = ipm_arm_describe(arm, &ipm_signal_caught, &why);
    if (error != 0)
        return error == 1 ? ipm_signals_status() : say(&why);
    (void)printf("planted: %s ns in arm b\n", delay);
    int status = run(test, "slower", &outcome);
    bool elsewhere = status == 0 && has_regression(&outcome, id);
    bool there = status == 0 && has_regression(&outcome, NULL);
    bool moved = status == 0 && outcome.result.verdict == IPM_GATE_ENVIRONMENT;
    if (elsewhere || (status == 0 && !there && !moved)) {
        (void)puts(elsewhere ? "FAIL  a regression is seen where none was planted"
                             : "FAIL  what was planted is not seen");
        status = IPM_EXIT_FAILED;
    } else if (status == 0 && !there) {
        (void)puts("the machine moved meanwhile: nothing can be said");
        status = IPM_EXIT_ENVIRONMENT;
    } else if (status == 0) {
        (void)puts("ok    what was planted is seen, there and nowhere else");
    }
    ipm_gate_outcome_fini(&outcome);
    return status;
}

static int prepare(struct selftest *test)
{
    struct ipm_gate_setup *setup = &test->setup;
    struct ipm_why why = {0};
    if (ipm_scratch_make(test->scratch, &why) != 0)
        return say(&why);
    (void)snprintf(test->path, sizeof(test->path), "%s/config.jsonc", test->scratch);
    if (ipm_text_write_file(config, strlen(config), test->path, &why) != 0)
        return say(&why);
    setup->words.run.request.config = test->path;
    int status = ipm_gate_setup(setup);
    for (size_t i = 0; status == 0 && i < 2; i++) {
        static const char *const names[] = {"a", "b"};
        if (ipm_worker_copy(&setup->arms[i].worker, test->scratch, names[i], &why) != 0)
            status = say(&why);
    }
    return status;
}

int ipm_selftest_gate(uint64_t seed)
{
    struct selftest test = {
        .setup = {.words = {.command = "selftest",
                            .run = {.ticker = IPM_TICKER_NONE,
                                    .seeded = true,
                                    .seed = seed}}},
        .random = seed,
    };
    char id[IPM_HASH_TEXT] = "";
    char delay[IPM_WORD + 24] = "";
    int status = prepare(&test);
    if (status == 0)
        status = null_control(&test, id, delay);
    if (status == 0)
        status = positive_control(&test, id, delay);
    ipm_gate_setup_fini(&test.setup);
    ipm_scratch_remove(test.scratch);
    return status;
}
