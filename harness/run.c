/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/record.h"
#include "base/units.h"
#include "harness/capacity.h"
#include "harness/energy.h"
#include "harness/invoke.h"
#include "harness/manifest.h"
#include "harness/schedule.h"
#include "harness/simulation.h"
#include "harness/tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { PATH = 4096 };

struct session {
    const struct ipm_run_request *request;
    const struct ipm_prepared *prepared;
    json_t *manifest;
    char manifest_path[PATH];
    char run[IPM_HASH_TEXT];
    const char *build;
    struct ipm_schedule *schedule;
    struct ipm_ticker ticker;
    json_t *failures; /* harness/tally.h */
    json_t *sensing;  /* what every point asks of its sensors; NULL: nothing */
    struct ipm_simulation simulation;
    bool simulated;
    struct ipm_why replay_why; /* of a visitor, which has no other place for it */
    int records;
    char records_path[PATH];
};

static uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        number = (uint64_t)ipm_now_ns();
    return number & ((UINT64_C(1) << 53) - 1);
}

static int make_folder(const char *path, struct ipm_why *why)
{
    char parent[PATH];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    for (char *slash = strchr(parent + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(parent, 0755); /* what is really wrong shows at the last one */
        *slash = '/';
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "create %s: ", path);
    return 0;
}

static int join(char *path, const char *folder, const char *file, struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s", folder, file);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "%.60s...: path is too long", folder);
    return 0;
}

/* The run goes on: its seed and name, not new ones. */
static int adopt(struct session *session, json_t *found, struct ipm_why *why)
{
    int error = ipm_manifest_resumable(found, session->manifest, why);
    if (error != 0)
        return error;
    ipm_manifest_adopt(session->manifest, found);
    return 0;
}

static int open_manifest(struct session *session, struct ipm_why *why)
{
    const struct ipm_run_request *request = session->request;
    uint64_t seed = request->seeded ? request->seed : random_number();
    uint64_t name = random_number();
    ipm_hash_text(&name, sizeof(name), session->run);
    session->manifest = ipm_manifest_new(
        &session->prepared->spec, &session->prepared->plan, session->prepared->describe,
        session->run, seed, request->request.worker.sysroot);
    (void)json_object_set(session->manifest, "energy", session->prepared->energy);
    int error = session->manifest == NULL ? ipm_why_set(why, -ENOMEM, "no memory") : 0;
    if (error == 0 && session->simulated)
        (void)json_object_set(json_object_get(session->manifest, "energy"),
                              "parameters", session->simulation.parameters);
    if (error == 0)
        error = join(session->manifest_path, request->out, "manifest.json", why);
    if (error != 0)
        return error;

    json_error_t problem;
    ipm_auto_json json_t *found = json_load_file(session->manifest_path, 0, &problem);
    if (found == NULL && json_error_code(&problem) != json_error_cannot_open_file)
        return ipm_why_set(why, -EINVAL, "%s:%d:%d: %s", session->manifest_path,
                           problem.line, problem.column, problem.text);
    if (found != NULL && !request->resume)
        return ipm_why_set(why, -EEXIST,
                           "%s holds a run already; --resume goes on with it",
                           request->out);
    if (found != NULL)
        error = adopt(session, found, why);
    if (error != 0) {
        ipm_why_prefix(why, "cannot go on in %s: ", request->out);
        return error;
    }
    const char *run = json_string_value(json_object_get(session->manifest, "run"));
    (void)snprintf(session->run, sizeof(session->run), "%s", run == NULL ? "" : run);
    return ipm_json_write_file(session->manifest, session->manifest_path, why);
}

static int mark_done(void *context, const json_t *record, size_t line)
{
    struct session *session = context;
    (void)line;
    (void)ipm_schedule_mark(session->schedule, record, session->build);
    if (!session->simulated)
        return 0;
    return ipm_simulation_replay(&session->simulation, record, &session->replay_why);
}

static int open_records(struct session *session, struct ipm_why *why)
{
    const char *path = session->records_path;
    size_t dropped = 0;
    bool torn = false;
    int error =
        join(session->records_path, session->request->out, "records.jsonl", why);
    if (error != 0)
        return error;
    session->records = ipm_records_append(path, &dropped, why);
    if (session->records < 0)
        return session->records;
    if (dropped > 0) {
        char text[PATH + 64];
        (void)snprintf(text, sizeof(text),
                       "%s ended in a torn line of %zu bytes: cut off", path, dropped);
        ipm_ticker_warn(&session->ticker, text);
    }
    error = ipm_records_read(path, mark_done, session, &torn, why);
    if (error != 0 && session->replay_why.error != 0)
        return ipm_why_set(why, error, "%s", session->replay_why.text);
    return error;
}

/* Passes that this machine does not have, and why: a worker that measures must not try. */
static json_t *unavailable_passes(const json_t *describe)
{
    json_t *reasons = json_object();
    size_t i;
    json_t *pass;
    json_array_foreach(json_object_get(describe, "passes"), i, pass)
    {
        if (!json_is_true(json_object_get(pass, "available")))
            (void)json_object_set(reasons, ipm_describe_text(pass, "name", "?"),
                                  json_object_get(pass, "reason"));
    }
    return reasons;
}

static json_t *make_point(const struct session *session, const struct ipm_job *job)
{
    const struct ipm_worker *worker = &session->request->request.worker;
    struct ipm_job_context context = {
        .run = session->run,
        .sysroot = worker->sysroot,
        .no_sandbox = worker->no_sandbox,
        .sensing = session->sensing,
    };
    json_t *point = ipm_job_json(job, &context);
    int64_t rate = ipm_capacity_resolve(
        json_object_get(session->manifest, "capacities"), &job->point->factors);
    if (rate > 0)
        (void)json_object_set_new(point, "rate_resolved", json_integer(rate));
    const json_t *host = json_object_get(session->manifest, "host");
    (void)json_object_set(point, "host", json_object_get(host, "class"));
    (void)json_object_set_new(point, "unavailable",
                              unavailable_passes(session->prepared->describe));
    return point;
}

static int invoke(struct session *session, const json_t *point, json_t **out_record,
                  struct ipm_why *why)
{
    const struct ipm_request *request = &session->request->request;
    return ipm_invoke(&request->worker, session->build, point, request->interrupted,
                      out_record, why);
}

/* A folder removed or renamed takes the open file with it: what is written then would be
 * found by nobody. */
static int check_in_place(const struct session *session, struct ipm_why *why)
{
    struct stat open_one;
    struct stat named;
    if (fstat(session->records, &open_one) != 0)
        return ipm_why_set(why, -errno, "fstat %s: ", session->records_path);
    if (stat(session->records_path, &named) == 0 && named.st_dev == open_one.st_dev &&
        named.st_ino == open_one.st_ino)
        return 0;
    return ipm_why_set(why, -ESTALE, "%s was taken away during the run",
                       session->records_path);
}

/* Writes the record; one that is about to be replaced is marked as what it is. */
static int keep(struct session *session, const struct ipm_job *job,
                const json_t *record, struct ipm_run_result *result,
                struct ipm_why *why)
{
    bool ok = strcmp(ipm_describe_text(record, "status", ""), "ok") == 0;
    bool failed = strcmp(ipm_describe_text(record, "status", ""), "failed") == 0;
    bool again = ipm_schedule_again(session->schedule, record);
    ipm_auto_json json_t *line = json_copy((json_t *)(uintptr_t)record);
    if (ok && again)
        (void)json_object_set_new(line, "status", json_string("invalid"));
    int error = check_in_place(session, why);
    if (error == 0)
        error = ipm_records_write(session->records, line, why);
    if (error != 0)
        return error;
    result->measured++;
    if (failed && !again) {
        result->failed++;
        ipm_tally_failure(session->failures, record);
    }
    if (failed || !again) {
        char label[IPM_LABEL];
        struct ipm_progress progress;
        ipm_ticker_record(&session->ticker,
                          ipm_factors_label(&job->point->factors, label), line,
                          ipm_plan_invocation_ns(job->pass, job->point), again);
        ipm_schedule_progress(session->schedule, &progress);
        ipm_ticker_expect(&session->ticker, (size_t)progress.left + again,
                          progress.left_ns);
    }
    return 0;
}

/* One invocation and its record.  Return: 0; 1 interrupted; -errno. */
static int measure(struct session *session, const struct ipm_job *job,
                   json_t **out_record, struct ipm_run_result *result,
                   struct ipm_why *why)
{
    int64_t begun_ns = ipm_now_ns();
    ipm_auto_json json_t *point = make_point(session, job);
    ipm_auto_json json_t *record = NULL;
    int error = invoke(session, point, &record, why);
    if (error == 0 && session->simulated)
        error = ipm_simulation_measure(&session->simulation, record, why);
    if (error == 0)
        error = keep(session, job, record, result, why);
    if (error != 0)
        return error;
    ipm_schedule_spent(session->schedule, ipm_now_ns() - begun_ns);
    *out_record = ipm_steal(&record);
    return 0;
}

static int measure_all(struct session *session, struct ipm_run_result *result,
                       struct ipm_why *why)
{
    const volatile sig_atomic_t *interrupted = session->request->request.interrupted;
    size_t most = session->request->max_failures;
    json_t *last = NULL;
    struct ipm_job job;
    int error = 0;
    while (error == 0 && ipm_schedule_next(session->schedule, last, &job) == 0) {
        json_decref(last);
        last = NULL;
        result->too_many = most > 0 && result->failed >= most;
        result->interrupted = interrupted != NULL && *interrupted != 0;
        if (result->too_many || result->interrupted)
            break;
        error = measure(session, &job, &last, result, why);
        result->interrupted = error == 1;
    }
    json_decref(last);
    return error < 0 ? error : 0;
}

/* In an event what people read behind the last word goes before it: that is the end. */
static void warn_of_drift(struct session *session)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(session->manifest, "drift"), i, entry)
    {
        char text[512];
        (void)snprintf(text, sizeof(text), "drift: %s: %s (%s -> %s)",
                       ipm_describe_text(entry, "name", "?"),
                       ipm_describe_text(entry, "text", "?"),
                       ipm_describe_text(entry, "before", "?"),
                       ipm_describe_text(entry, "after", "?"));
        if (session->ticker.mode == IPM_TICKER_JSONL)
            ipm_ticker_warn(&session->ticker, text);
    }
}

/* Points that the clock dropped stand with those that the plan had dropped. */
static void tell_dropped(struct session *session, json_t *left_out)
{
    const struct ipm_plan *plan = &session->prepared->plan;
    json_t *list = json_object_get(session->manifest, "dropped");
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct ipm_point *point = &plan->points[i];
        char budget[IPM_UNITS_TEXT];
        if (!ipm_schedule_dropped(session->schedule, point))
            continue;
        struct ipm_skip skip = {.factors = point->factors, .sweep = point->sweep};
        (void)snprintf(skip.reason, sizeof(skip.reason),
                       "the budget of %s ran out: invocations took longer than planned",
                       ipm_format_ns(budget, (double)plan->budget_ns));
        ipm_auto_json json_t *one =
            ipm_plan_skips_json(&session->prepared->spec, &skip, 1);
        (void)json_array_extend(list, one);
        ipm_tally_add(left_out, skip.reason, skip.factors.mechanism);
    }
}

/* The manifest and the last word.  Return: the first error. */
static int finish(struct session *session, const struct ipm_run_result *result,
                  int error, struct ipm_why *why)
{
    bool early = result->interrupted || result->too_many || error != 0;
    char reason[64];
    (void)snprintf(reason, sizeof(reason), "%zu failed invocations", result->failed);
    ipm_manifest_finish(session->manifest, early,
                        session->request->request.worker.sysroot);
    (void)json_object_set_new(session->manifest, "stops",
                              ipm_schedule_stops(session->schedule));
    ipm_auto_json json_t *left_out = ipm_tally_left_out(&session->prepared->plan);
    tell_dropped(session, left_out);
    /* The records stand whatever becomes of the manifest: the first error counts. */
    int unwritten = ipm_json_write_file(session->manifest, session->manifest_path,
                                        error == 0 ? why : NULL);
    error = error != 0 ? error : unwritten;
    warn_of_drift(session);
    struct ipm_ticker_end end = {
        .how = result->interrupted   ? "interrupted"
               : error != 0 || early ? "stopped"
                                     : "done",
        .reason = error != 0 && why != NULL ? why->text
                  : result->too_many        ? reason
                                            : NULL,
        .failures = session->failures,
        .left_out = left_out,
        .resume = early || error != 0 ? session->request->resume_line : NULL,
    };
    ipm_ticker_end(&session->ticker, &end);
    return error;
}

/* A window that only says what 100 % is; its record goes no further. */
static int measure_capacity(void *context, const struct ipm_point *point,
                            json_t **out_record, struct ipm_why *why)
{
    struct session *session = context;
    const struct ipm_job job = {.point = point,
                                .pass = &session->prepared->plan.passes[0]};
    int64_t begun_ns = ipm_now_ns();
    int64_t budget_ns = session->prepared->plan.budget_ns;
    if (budget_ns != 0 && begun_ns - session->ticker.begun_ns > budget_ns / 2) {
        *out_record = json_pack("{s:s}", "reason",
                                "half of the budget went by before this was measured");
        return 0;
    }
    ipm_auto_json json_t *json = make_point(session, &job);
    int error = invoke(session, json, out_record, why);
    ipm_schedule_charge(session->schedule, ipm_now_ns() - begun_ns);
    return error;
}

/* Before the first window: shares need to know of what. */
static int measure_capacities(struct session *session, struct ipm_run_result *result,
                              struct ipm_why *why)
{
    json_t *capacities = json_object_get(session->manifest, "capacities");
    if (capacities == NULL) {
        capacities = json_object();
        (void)json_object_set_new(session->manifest, "capacities", capacities);
    }
    size_t before = json_object_size(capacities);
    int error = ipm_capacity_measure(&session->prepared->plan, capacities,
                                     measure_capacity, session, why);
    result->interrupted = error == 1;
    if (error == 1)
        error = 0;
    if (error == 0 && json_object_size(capacities) > before)
        error = ipm_json_write_file(session->manifest, session->manifest_path, why);
    return error;
}

static int start_meter(struct session *session, struct ipm_why *why)
{
    const json_t *parameters = ipm_spec_simulated(&session->prepared->spec);
    if (parameters == NULL)
        return 0;
    int error = ipm_simulation_start(&session->simulation, parameters, why);
    session->simulated = error == 0;
    return error;
}

static void close_session(struct session *session)
{
    if (session->simulated)
        ipm_simulation_stop(&session->simulation);
    ipm_schedule_free(session->schedule);
    json_decref(session->manifest);
    json_decref(session->failures);
    json_decref(session->sensing);
    ipm_cleanup_fd(&session->records);
}

int ipm_run(const struct ipm_run_request *request, const struct ipm_prepared *prepared,
            struct ipm_run_result *out_result, struct ipm_why *why)
{
    struct session session = {
        .request = request,
        .prepared = prepared,
        .build = ipm_describe_text(prepared->describe, "build", "unknown"),
        .sensing = ipm_energy_sensors(&prepared->spec, prepared->energy),
        .failures = json_object(),
        .records = -1,
    };
    struct ipm_run_result result = {0};
    ipm_ticker_init(&session.ticker, request->ticker);
    int error = start_meter(&session, why);
    if (error == 0)
        error = make_folder(request->out, why);
    if (error == 0)
        error = open_manifest(&session, why);
    if (error == 0) {
        const json_t *seed = json_object_get(session.manifest, "seed");
        error =
            ipm_schedule_precision(&prepared->plan, (uint64_t)json_integer_value(seed),
                                   &session.schedule, why);
    }
    if (error == 0)
        error = open_records(&session, why);
    if (error == 0) {
        struct ipm_progress progress;
        ipm_schedule_retries(session.schedule, request->retries);
        ipm_schedule_progress(session.schedule, &progress);
        ipm_ticker_start(&session.ticker, (size_t)progress.left, progress.left_ns);
        error = measure_capacities(&session, &result, why);
        if (error == 0 && !result.interrupted)
            error = measure_all(&session, &result, why);
        error = finish(&session, &result, error, why);
        if (error == 0)
            result.drift = json_incref(json_object_get(session.manifest, "drift"));
    }
    close_session(&session);
    if (error == 0)
        *out_result = result;
    return error;
}
