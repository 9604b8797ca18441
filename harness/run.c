/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/record.h"
#include "harness/capacity.h"
#include "harness/energy.h"
#include "harness/manifest.h"
#include "harness/schedule.h"
#include "harness/simulation.h"
#include "harness/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { PATH = 4096 };

/* Beyond the worker's own limits, which are 10 windows and 10 s for each other phase. */
static const int64_t patience_ns = 60 * IPM_NS_PER_SECOND;

struct session {
    const struct ipm_run_request *request;
    const struct ipm_prepared *prepared;
    json_t *manifest;
    char manifest_path[PATH];
    char run[IPM_HASH_TEXT];
    const char *build;
    struct ipm_schedule *schedule;
    struct ipm_ticker ticker;
    json_t *sensing; /* what every point asks of its sensors; NULL: nothing */
    struct ipm_simulation simulation;
    bool simulated;
    struct ipm_why replay_why; /* of a visitor, which has no other place for it */
    int records;
    const char *argv[2 * IPM_PLUGINS_MAX + 2];
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
    char path[PATH];
    size_t dropped = 0;
    bool torn = false;
    int error = join(path, session->request->out, "records.jsonl", why);
    if (error != 0)
        return error;
    session->records = ipm_records_append(path, &dropped, why);
    if (session->records < 0)
        return session->records;
    if (dropped > 0)
        (void)fprintf(stderr,
                      "ipcmeter: %s ended in a torn line of %zu bytes: cut off\n", path,
                      dropped);
    error = ipm_records_read(path, mark_done, session, &torn, why);
    if (error != 0 && session->replay_why.error != 0)
        return ipm_why_set(why, error, "%s", session->replay_why.text);
    return error;
}

/* A worker that died or babbled is a failed invocation, said in the driver's words. */
static json_t *no_record(const struct session *session, const json_t *point,
                         const char *reason)
{
    json_t *record = json_deep_copy(point);
    (void)json_object_del(record, "sysroot");
    (void)json_object_del(record, "sandbox");
    (void)json_object_del(record, "unavailable");
    (void)json_object_set_new(record, "build", json_string(session->build));
    (void)json_object_set_new(record, "status", json_string("failed"));
    (void)json_object_set_new(record, "phase", json_string("worker"));
    (void)json_object_set_new(record, "reason", json_string(reason));
    (void)json_object_set_new(record, "flags", json_array());
    return record;
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

/* One worker.  0 with a record; 1 interrupted; -errno the worker cannot be started. */
static int invoke(struct session *session, const json_t *point, json_t **out_record,
                  struct ipm_why *why)
{
    ipm_auto_free char *input =
        json_dumps(point, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (input == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    int64_t window_ns = json_integer_value(json_object_get(point, "window_ns"));
    int64_t warmup_ns = json_integer_value(json_object_get(point, "warmup_ns"));
    struct ipm_spawn spawn = {
        .argv = session->argv,
        .input = input,
        .input_length = strlen(input),
        .output_limit = IPM_RECORD_LIMIT,
        .deadline_ns = ipm_now_ns() + 10 * (window_ns + warmup_ns) + patience_ns,
        .interrupted = session->request->request.interrupted,
    };
    char *said = NULL;
    size_t length = 0;
    int status = 0;
    int result = ipm_spawn_worker(&spawn, &said, &length, &status, why);
    ipm_auto_free char *text = said;
    if (result == IPM_SPAWN_INTERRUPTED)
        return 1;
    if (result == IPM_SPAWN_TIMED_OUT) {
        *out_record = no_record(session, point, "hung: the worker had to be killed");
        return 0;
    }
    if (result == -EFBIG) {
        *out_record = no_record(session, point, "the worker's record is too long");
        return 0;
    }
    if (result < 0)
        return result;
    json_t *record =
        status == 0 ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct ipm_why flaw = {.error = 0, .text = ""};
    if (record != NULL && ipm_record_check(record, &flaw) == 0) {
        *out_record = record;
        return 0;
    }
    char reason[IPM_STATUS_TEXT + sizeof(flaw.text) + 16];
    char ending[IPM_STATUS_TEXT];
    (void)snprintf(reason, sizeof(reason), "worker %s%s%s",
                   ipm_status_text(status, ending), flaw.text[0] == '\0' ? "" : ": ",
                   flaw.text[0] == '\0' && record == NULL ? "" : flaw.text);
    json_decref(record);
    *out_record = no_record(session, point, reason);
    return 0;
}

static bool regime_changed(const json_t *record)
{
    size_t i;
    json_t *flag;
    json_array_foreach(json_object_get(record, "flags"), i, flag)
    {
        if (json_is_string(flag) &&
            strcmp(json_string_value(flag), "regime_changed") == 0)
            return true;
    }
    return false;
}

/* Writes the record; one that is about to be replaced is marked as what it is. */
static int keep(struct session *session, const struct ipm_job *job,
                const json_t *record, struct ipm_run_result *result,
                struct ipm_why *why)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    bool ok = status != NULL && strcmp(status, "ok") == 0;
    bool replaced = ok && regime_changed(record) && job->try + 1 < IPM_TRIES;
    ipm_auto_json json_t *line = json_copy((json_t *)(uintptr_t)record);
    if (replaced)
        (void)json_object_set_new(line, "status", json_string("invalid"));
    int error = ipm_records_write(session->records, line, why);
    if (error != 0)
        return error;
    result->measured++;
    result->failed += status == NULL || strcmp(status, "failed") == 0;
    if (!replaced) {
        char label[IPM_LABEL];
        ipm_ticker_record(&session->ticker,
                          ipm_factors_label(&job->point->factors, label), line,
                          ipm_plan_invocation_ns(job->pass, job->point));
    }
    return 0;
}

static int measure_all(struct session *session, struct ipm_run_result *result,
                       struct ipm_why *why)
{
    const volatile sig_atomic_t *interrupted = session->request->request.interrupted;
    json_t *last = NULL;
    struct ipm_job job;
    int error = 0;
    while (error == 0 && ipm_schedule_next(session->schedule, last, &job) == 0) {
        json_decref(last);
        last = NULL;
        if (interrupted != NULL && *interrupted != 0) {
            result->interrupted = true;
            break;
        }
        ipm_auto_json json_t *point = make_point(session, &job);
        int invoked = invoke(session, point, &last, why);
        if (invoked == 1) {
            result->interrupted = true;
            break;
        }
        error = invoked < 0 ? invoked : 0;
        if (error == 0 && session->simulated)
            error = ipm_simulation_measure(&session->simulation, last, why);
        if (error == 0)
            error = keep(session, &job, last, result, why);
    }
    json_decref(last);
    return error;
}

/* A window that only says what 100 % is; its record goes no further. */
static int measure_capacity(void *context, const struct ipm_point *point,
                            json_t **out_record, struct ipm_why *why)
{
    struct session *session = context;
    const struct ipm_job job = {.point = point,
                                .pass = &session->prepared->plan.passes[0]};
    ipm_auto_json json_t *json = make_point(session, &job);
    return invoke(session, json, out_record, why);
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
    json_decref(session->sensing);
    ipm_cleanup_fd(&session->records);
}

static void worker_arguments(struct session *session)
{
    const struct ipm_worker *worker = &session->request->request.worker;
    size_t n = 0;
    session->argv[n++] = worker->path;
    for (size_t i = 0; i < worker->n_plugins; i++) {
        session->argv[n++] = "--plugin";
        session->argv[n++] = worker->plugins[i];
    }
    session->argv[n] = NULL;
}

int ipm_run(const struct ipm_run_request *request, const struct ipm_prepared *prepared,
            struct ipm_run_result *out_result, struct ipm_why *why)
{
    struct session session = {
        .request = request,
        .prepared = prepared,
        .build = ipm_describe_text(prepared->describe, "build", "unknown"),
        .sensing = ipm_energy_sensors(&prepared->spec, prepared->energy),
        .records = -1,
    };
    struct ipm_run_result result = {0};
    worker_arguments(&session);
    int error = start_meter(&session, why);
    if (error == 0)
        error = make_folder(request->out, why);
    if (error == 0)
        error = open_manifest(&session, why);
    if (error == 0) {
        const json_t *seed = json_object_get(session.manifest, "seed");
        error = ipm_schedule_fixed(&prepared->plan, (uint64_t)json_integer_value(seed),
                                   &session.schedule, why);
    }
    if (error == 0)
        error = open_records(&session, why);
    if (error == 0) {
        struct ipm_progress progress;
        ipm_schedule_progress(session.schedule, &progress);
        ipm_ticker_init(&session.ticker, request->ticker, (size_t)progress.left,
                        progress.left_ns);
        error = measure_capacities(&session, &result, why);
        if (error == 0 && !result.interrupted)
            error = measure_all(&session, &result, why);
        ipm_ticker_end(&session.ticker, result.interrupted ? "interrupted"
                                        : error != 0       ? "stopped"
                                                           : "done");
        ipm_manifest_finish(session.manifest, result.interrupted || error != 0,
                            request->request.worker.sysroot);
        /* The records stand whatever becomes of the manifest: the first error counts. */
        int unwritten = ipm_json_write_file(session.manifest, session.manifest_path,
                                            error == 0 ? why : NULL);
        error = error != 0 ? error : unwritten;
        if (error == 0)
            result.drift = json_incref(json_object_get(session.manifest, "drift"));
    }
    close_session(&session);
    if (error == 0)
        *out_result = result;
    return error;
}
