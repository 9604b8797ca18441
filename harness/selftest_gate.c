/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/selftest_gate.h"

#include "base/cleanup.h"
#include "base/clock.h"
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

/* On one CPU, where two of them would only add their distance.  The margin is wide, since what two
 * copies of one program differ by was not calibrated here, and what is planted is wider. */
static const char config[] =
    "{ \"name\": \"selftest\", \"repeat\": { \"window\": \"5ms\", \"warmup\": \"1ms\" "
    "},\n"
    "  \"gate\": { \"margin\": 0.1, \"smallest_effect\": 0.25 },\n"
    "  \"sweeps\": [\n"
    "    { \"name\": \"floor\", \"workloads\": \"self_loop\",\n"
    "      \"mechanisms\": \"floor_syscall\" },\n"
    "    { \"name\": \"round trips\", \"workloads\": \"pingpong\",\n"
    "      \"mechanisms\": [\"pipe\", \"unix_stream\", \"posix_mq\"],\n"
    "      \"axes\": { \"size\": 64, \"placement\": \"same_cpu\", \"wait\": \"block\" "
    "} } ] }\n";

enum {
    POINTS = 3,
    PATH = IPM_SCRATCH + 32,
    DELAY = IPM_WORD + 24,
    MESSAGES_PER_OPERATION = 2,
    BLOCKS = 12, /* of a look */
    NULL_LOOKS = 1,
    LOOKS = 2,
    MORE_LOOKS = 4, /* where those could not tell */
};

#define PLANTED 2.0 /* of an operation's time, in all */

/* For all of it; it bounds only whether a gate is made once more. */
static const int64_t budget_ns = 60 * IPM_NS_PER_SECOND;

struct selftest {
    struct ipm_gate_setup setup;
    char scratch[IPM_SCRATCH];
    char path[PATH]; /* of the config */
    uint64_t random;
    char id[IPM_HASH_TEXT]; /* of the point that something is planted at */
    char delay[DELAY];
    int64_t begun_ns;
};

static int say(const struct ipm_why *why)
{
    (void)fprintf(stderr, "ipcmeter selftest: %s\n", why->text);
    return why->error == -ENOTSUP ? IPM_EXIT_ENVIRONMENT : IPM_EXIT_INTERNAL;
}

/* A gate.  Return: exit status, 0 when there is a verdict on the points. */
static int run(struct selftest *test, const char *name, int64_t looks,
               struct ipm_gate_outcome *out)
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
    setup->prepared.spec.gate.confirm_blocks = BLOCKS;
    setup->prepared.spec.gate.looks = looks;
    if (ipm_gate_run(&request, &setup->prepared, out, &why) != 0)
        return say(&why);
    (void)printf("%s: %s\n    %s\n", name, ipm_gate_verdict_names[out->result.verdict],
                 out->result.sentence);
    (void)fflush(stdout);
    if (out->interrupted)
        return ipm_signals_status();
    return out->result.verdict == IPM_GATE_ERROR ? IPM_EXIT_INTERNAL : 0;
}

/* Index of the point @id in the gate. */
static size_t index_of(const struct ipm_gate_outcome *outcome, const char *id)
{
    size_t i = 0;
    while (strcmp(ipm_gate_point(outcome->gate, i)->id, id) != 0)
        i++;
    return i;
}

/* Is any point but @but, NULL: none, a regression? */
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

/* Some times of what an operation takes, over its messages. */
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

/* Chooses where, and how much. */
static int choose(struct selftest *test, const struct ipm_gate_outcome *outcome)
{
    size_t chosen = (size_t)(ipm_random_next(&test->random) % POINTS);
    size_t at = point_under_test(outcome->gate, chosen);
    const struct ipm_point *points = test->setup.prepared.plan.points;
    struct ipm_why why = {0};
    size_t k = 0;
    (void)strcpy(test->id, ipm_gate_point(outcome->gate, at)->id);
    while (strcmp(points[k].hash, test->id) != 0)
        k++;
    int64_t ns = planted_ns(outcome->gate, at);
    (void)snprintf(test->delay, DELAY, "%s:%" PRId64, points[k].factors.mechanism, ns);
    if (ns > 0)
        return 0;
    (void)ipm_why_set(&why, -ENODATA, "the null control measured nothing");
    return say(&why);
}

static int null_control(struct selftest *test)
{
    struct ipm_gate_outcome outcome = {.gate = NULL};
    int status = run(test, "null", NULL_LOOKS, &outcome);
    if (status == 0 && has_regression(&outcome, NULL)) {
        (void)puts("FAIL  the same program twice, and a regression is seen");
        status = IPM_EXIT_FAILED;
    }
    if (status == 0)
        status = choose(test, &outcome);
    ipm_gate_outcome_fini(&outcome);
    return status;
}

/* Return: exit status, IPM_EXIT_ENVIRONMENT when the gate could not tell. */
static int look(struct selftest *test, const char *name, int64_t looks)
{
    struct ipm_gate_outcome outcome = {.gate = NULL};
    int status = run(test, name, looks, &outcome);
    if (status == 0) {
        size_t at = index_of(&outcome, test->id);
        enum ipm_gate_verdict verdict = outcome.result.findings[at].verdict;
        status = IPM_EXIT_ENVIRONMENT;
        if (has_regression(&outcome, test->id)) {
            (void)puts("FAIL  a regression is seen where none was planted");
            status = IPM_EXIT_FAILED;
        } else if (verdict == IPM_GATE_PASS) {
            (void)puts("FAIL  what was planted is said to pass");
            status = IPM_EXIT_FAILED;
        } else if (verdict == IPM_GATE_REGRESSION) {
            (void)puts("ok    what was planted is seen, there and nowhere else");
            status = IPM_EXIT_OK;
        }
    }
    ipm_gate_outcome_fini(&outcome);
    return status;
}

static int positive_control(struct selftest *test)
{
    struct ipm_arm *arm = &test->setup.arms[IPM_GATE_B];
    struct ipm_why why = {0};
    arm->worker.words[0] = "--delay";
    arm->worker.words[1] = test->delay;
    arm->worker.n_words = 2;
    int error = ipm_arm_describe(arm, &ipm_signal_caught, &why);
    if (error != 0)
        return error == 1 ? ipm_signals_status() : say(&why);
    (void)printf("planted: %s ns in arm b\n", test->delay);
    int64_t began_ns = ipm_now_ns();
    int status = look(test, "slower", LOOKS);
    int64_t now_ns = ipm_now_ns();
    int64_t again_ns = (now_ns - began_ns) * MORE_LOOKS / LOOKS;
    if (status == IPM_EXIT_ENVIRONMENT &&
        now_ns - test->begun_ns + again_ns < budget_ns)
        status = look(test, "once more", MORE_LOOKS);
    if (status == IPM_EXIT_ENVIRONMENT)
        (void)puts(
            "the machine was too noisy to tell whether what was planted is seen");
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
        .begun_ns = ipm_now_ns(),
    };
    int status = prepare(&test);
    if (status == 0)
        status = null_control(&test);
    if (status == 0)
        status = positive_control(&test);
    ipm_gate_setup_fini(&test.setup);
    ipm_scratch_remove(test.scratch);
    return status;
}
