/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/rehearsal.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/record.h"
#include "harness/describe.h"
#include "harness/schedule.h"
#include "harness/spawn.h"

#include <stdlib.h>
#include <string.h>

static const int64_t window_ns = 1000000;
static const int64_t longest_ns = 3 * IPM_NS_PER_SECOND;

/* The same words as a run starts its workers with. */
static void arguments(const struct ipm_worker *worker,
                      const char *argv[2 * IPM_PLUGINS_MAX + 2])
{
    size_t n = 0;
    argv[n++] = worker->path;
    for (size_t i = 0; i < worker->n_plugins; i++) {
        argv[n++] = "--plugin";
        argv[n++] = worker->plugins[i];
    }
    argv[n] = NULL;
}

/* Time that the point's invocation takes beside its window; -1: it left no ok record. */
static int64_t try_point(const struct ipm_request *request, const struct ipm_plan *plan,
                         const struct ipm_point *point)
{
    const char *argv[2 * IPM_PLUGINS_MAX + 2];
    struct ipm_job job = {.point = point, .pass = &plan->passes[0]};
    struct ipm_job_context context = {.run = "rehearsal",
                                      .sysroot = request->worker.sysroot,
                                      .no_sandbox = request->worker.no_sandbox};
    ipm_auto_json json_t *json = ipm_job_json(&job, &context);
    (void)json_object_set_new(json, "window_ns", json_integer(window_ns));
    (void)json_object_set_new(json, "warmup_ns", json_integer(0));
    ipm_auto_free char *input = json_dumps(json, JSON_COMPACT);
    if (input == NULL)
        return -1;
    arguments(&request->worker, argv);
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
    int64_t spent_ns = ipm_now_ns() - begun_ns;
    ipm_auto_free char *text = said;
    ipm_auto_json json_t *record = json_loadb(text, length, 0, NULL);
    bool ok = strcmp(ipm_describe_text(record, "status", ""), "ok") == 0;
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

void ipm_rehearse(const struct ipm_request *request,
                  const struct ipm_prepared *prepared,
                  struct ipm_rehearsal *out_rehearsal)
{
    const struct ipm_plan *plan = &prepared->plan;
    struct ipm_rehearsal rehearsal = {.estimate_ns = plan->estimate_ns};
    int64_t end_ns = ipm_now_ns() + longest_ns;
    ipm_auto_json json_t *overheads = json_object(); /* by mechanism; -1: it failed */
    double sum_ns = 0;
    for (size_t i = 0; i < plan->n_points && ipm_now_ns() < end_ns; i++) {
        const char *mechanism = plan->points[i].factors.mechanism;
        if (json_object_get(overheads, mechanism) != NULL)
            continue;
        int64_t overhead_ns = try_point(request, plan, &plan->points[i]);
        (void)json_object_set_new(overheads, mechanism, json_integer(overhead_ns));
        rehearsal.tried += overhead_ns >= 0;
        sum_ns += overhead_ns >= 0 ? (double)overhead_ns : 0;
    }
    if (rehearsal.tried > 0) {
        double mean_ns = sum_ns / (double)rehearsal.tried;
        double estimate_ns = 0;
        for (size_t i = 0; i < plan->n_points; i++) {
            int64_t own_ns =
                ipm_describe_integer(overheads, plan->points[i].factors.mechanism, -1);
            estimate_ns += point_ns(plan, &plan->points[i],
                                    own_ns >= 0 ? (double)own_ns : mean_ns);
        }
        rehearsal.overhead_ns = (int64_t)mean_ns;
        rehearsal.estimate_ns = estimate_ns < 9e18 ? (int64_t)estimate_ns : INT64_MAX;
    }
    *out_rehearsal = rehearsal;
}
