/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/rehearsal.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/record.h"
#include "harness/capacity.h"
#include "harness/describe.h"
#include "harness/invoke.h"
#include "harness/schedule.h"
#include "harness/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t window_ns = 1000000;
static const int64_t any_rate = 1000; /* messages/s: what they cost is not asked */
static const int64_t longest_ns = 3 * IPM_NS_PER_SECOND;

/* As a run keeps a record; a folder that takes no such file is merely not accounted for. */
static void keep(const json_t *record)
{
    ipm_auto_fd int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)ipm_records_write(fd, record, NULL);
}

/* Time that the point's invocation takes beside its window; -1: it left no ok record. */
static int64_t try_point(const struct ipm_request *request, const struct ipm_plan *plan,
                         const struct ipm_point *point)
{
    const char *argv[IPM_WORKER_ARGUMENTS];
    struct ipm_job job = {.point = point, .pass = &plan->passes[0]};
    struct ipm_job_context context = {.run = "rehearsal",
                                      .sysroot = request->worker.sysroot,
                                      .no_sandbox = request->worker.no_sandbox};
    ipm_auto_json json_t *json = ipm_job_json(&job, &context);
    (void)json_object_set_new(json, "window_ns", json_integer(window_ns));
    (void)json_object_set_new(json, "warmup_ns", json_integer(0));
    double share;
    if (ipm_capacity_share(&point->factors, &share)) /* of what is not known yet */
        (void)json_object_set_new(json, "rate_resolved", json_integer(any_rate));
    ipm_auto_free char *input = json_dumps(json, JSON_COMPACT);
    if (input == NULL)
        return -1;
    ipm_worker_arguments(&request->worker, argv);
    int64_t begun_ns = ipm_now_ns();
    struct ipm_spawn spawn = {
        .argv = argv,
        .input = input,
        .input_length = strlen(input),
        .output_limit = IPM_RECORD_LIMIT,
        .deadline_ns = begun_ns + longest_ns,
        .interrupted = request->interrupted,
    };
    char *said = NULL;
    size_t length = 0;
    int status = 0;
    struct ipm_why why = {.error = 0, .text = ""};
    if (ipm_spawn_worker(&spawn, &said, &length, &status, &why) != 0)
        return -1;
    ipm_auto_free char *text = said;
    ipm_auto_json json_t *record = json_loadb(text, length, 0, NULL);
    bool ok = strcmp(ipm_describe_text(record, "status", ""), "ok") == 0;
    if (ok)
        keep(record);
    int64_t spent_ns = ipm_now_ns() - begun_ns;
    return ok && spent_ns > window_ns ? spent_ns - window_ns : -1;
}

/* Of all passes of a point, with this overhead. */
static double point_ns(const struct ipm_plan *plan, const struct ipm_point *point,
                       double overhead_ns)
{
    double sum_ns = 0;
    for (size_t p = 0; p < plan->n_passes; p++) {
        const struct ipm_pass *pass = &plan->passes[p];
        double each_ns = (double)ipm_plan_window_ns(pass, point) +
                         (double)point->repeat.warmup_ns + overhead_ns;
        sum_ns += (double)ipm_plan_invocations(pass, point) * each_ns;
    }
    return sum_ns;
}

enum { KEY = 96 };

/* What invocations are alike: two CPUs must meet, and the line between them is timed. */
static const char *key_of(const struct ipm_point *point, char key[KEY])
{
    (void)snprintf(key, KEY, "%d %s", point->factors.place.n_cpus,
                   point->factors.mechanism);
    return key;
}

/* Sums of what was tried, by number of CPUs; [0] of all. */
struct tried {
    double sum_ns[3];
    size_t n[3];
};

static size_t class_of(const struct ipm_point *point)
{
    return point->factors.place.n_cpus == 2 ? 2 : 1;
}

static double mean_ns(const struct tried *tried, size_t class)
{
    class = tried->n[class] > 0 ? class : 0;
    return tried->n[class] > 0 ? tried->sum_ns[class] / (double)tried->n[class] : 0;
}

/* In an order of its own: what the time ends before is not always the same sweep. */
static void try_all(const struct ipm_request *request, const struct ipm_plan *plan,
                    json_t *overheads, struct tried *tried)
{
    ipm_auto_free size_t *order = calloc(plan->n_points + 1, sizeof(*order));
    uint64_t state = 1;
    int64_t end_ns = ipm_now_ns() + longest_ns;
    if (order == NULL)
        return;
    for (size_t i = 0; i < plan->n_points; i++)
        order[i] = i;
    ipm_random_shuffle(&state, order, plan->n_points);
    for (size_t i = 0; i < plan->n_points && ipm_now_ns() < end_ns; i++) {
        const struct ipm_point *point = &plan->points[order[i]];
        const size_t classes[] = {0, class_of(point)};
        char key[KEY];
        if (json_object_get(overheads, key_of(point, key)) != NULL)
            continue;
        int64_t overhead_ns = try_point(request, plan, point);
        (void)json_object_set_new(overheads, key, json_integer(overhead_ns));
        for (size_t c = 0; c < 2 && overhead_ns >= 0; c++) {
            tried->sum_ns[classes[c]] += (double)overhead_ns;
            tried->n[classes[c]]++;
        }
    }
}

static double overhead_of(const struct ipm_point *point, const json_t *overheads,
                          const struct tried *tried)
{
    char key[KEY];
    int64_t own_ns = ipm_describe_integer(overheads, key_of(point, key), -1);
    return own_ns >= 0 ? (double)own_ns : mean_ns(tried, class_of(point));
}

/* Of the windows that say what 100 % is, before the first one of the plan. */
static double capacities_ns(const struct ipm_plan *plan, const json_t *overheads,
                            const struct tried *tried)
{
    ipm_auto_json json_t *seen = json_object();
    double sum_ns = 0;
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        char key[IPM_HASH_TEXT];
        if (!ipm_capacity_missing(&point->factors, seen, key))
            continue;
        (void)json_object_set_new(seen, key, json_true());
        sum_ns +=
            IPM_CAPACITY_WINDOWS *
            ((double)ipm_plan_window_ns(&plan->passes[0], point) +
             (double)point->repeat.warmup_ns + overhead_of(point, overheads, tried));
    }
    return sum_ns;
}

void ipm_rehearse(const struct ipm_request *request,
                  const struct ipm_prepared *prepared,
                  struct ipm_rehearsal *out_rehearsal)
{
    const struct ipm_plan *plan = &prepared->plan;
    struct ipm_rehearsal rehearsal = {.estimate_ns = plan->estimate_ns,
                                      .whole_ns = plan->estimate_ns};
    struct tried tried = {.n = {0}};
    ipm_auto_json json_t *overheads = json_object(); /* by key; -1: it failed */
    try_all(request, plan, overheads, &tried);
    if (tried.n[0] > 0) {
        double estimate_ns = capacities_ns(plan, overheads, &tried);
        for (size_t i = 0; i < plan->n_points; i++) {
            const struct ipm_point *point = &plan->points[i];
            estimate_ns += point_ns(plan, point, overhead_of(point, overheads, &tried));
        }
        rehearsal.tried = tried.n[0];
        rehearsal.overhead_ns = (int64_t)mean_ns(&tried, 0);
        rehearsal.whole_ns = estimate_ns < 9e18 ? (int64_t)estimate_ns : INT64_MAX;
        rehearsal.estimate_ns = rehearsal.whole_ns;
        if (plan->budget_ns != 0 && rehearsal.whole_ns > plan->budget_ns)
            rehearsal.estimate_ns = plan->budget_ns; /* the run drops the rest */
    }
    *out_rehearsal = rehearsal;
}
