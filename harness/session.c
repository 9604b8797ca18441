/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/session.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "harness/capacity.h"
#include "harness/energy.h"
#include "harness/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

uint64_t ipm_session_random(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        number = (uint64_t)ipm_now_ns();
    return number & ((UINT64_C(1) << 53) - 1);
}

static int make_folder(const char *path, struct ipm_why *why)
{
    char parent[IPM_SESSION_PATH];
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
    int needed = snprintf(path, IPM_SESSION_PATH, "%s/%s", folder, file);
    if (needed < 0 || needed >= IPM_SESSION_PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "%.60s...: path is too long", folder);
    return 0;
}

/* The run goes on: its seed and name, not new ones. */
static int adopt(struct ipm_session *session, json_t *found, struct ipm_why *why)
{
    int error = ipm_manifest_resumable(found, session->manifest, why);
    if (error != 0)
        return error;
    ipm_manifest_adopt(session->manifest, found);
    return 0;
}

int ipm_session_begin(struct ipm_session *session,
                      const struct ipm_run_request *request,
                      const struct ipm_prepared *prepared, struct ipm_why *why)
{
    *session = (struct ipm_session){
        .request = request,
        .prepared = prepared,
        .build = ipm_describe_text(prepared->describe, "build", "unknown"),
        .sensing = ipm_energy_sensors(&prepared->spec, prepared->energy),
        .failures = json_object(),
        .records = -1,
    };
    ipm_ticker_init(&session->ticker, request->ticker);
    uint64_t seed = request->seeded ? request->seed : ipm_session_random();
    uint64_t name = ipm_session_random();
    ipm_hash_text(&name, sizeof(name), session->run);
    session->manifest =
        ipm_manifest_new(&prepared->spec, &prepared->plan, prepared->describe,
                         session->run, seed, request->request.worker.sysroot);
    return session->manifest == NULL ? ipm_why_set(why, -ENOMEM, "no memory") : 0;
}

int ipm_session_open(struct ipm_session *session, struct ipm_why *why)
{
    const struct ipm_run_request *request = session->request;
    int error = make_folder(request->out, why);
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

int ipm_session_records(struct ipm_session *session, ipm_records_visit *visit,
                        void *context, struct ipm_why *why)
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
        char text[IPM_SESSION_PATH + 64];
        (void)snprintf(text, sizeof(text),
                       "%s ended in a torn line of %zu bytes: cut off", path, dropped);
        ipm_ticker_warn(&session->ticker, text);
    }
    return ipm_records_read(path, visit, context, &torn, why);
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

json_t *ipm_session_point(const struct ipm_session *session, const struct ipm_job *job)
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

/* A folder removed or renamed takes the open file with it: what is written then would be
 * found by nobody. */
static int check_in_place(const struct ipm_session *session, struct ipm_why *why)
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

int ipm_session_write(struct ipm_session *session, const json_t *record,
                      struct ipm_why *why)
{
    int error = check_in_place(session, why);
    return error == 0 ? ipm_records_write(session->records, record, why) : error;
}

int ipm_session_finish(struct ipm_session *session, bool early, struct ipm_why *why)
{
    ipm_manifest_finish(session->manifest, early,
                        session->request->request.worker.sysroot);
    return ipm_json_write_file(session->manifest, session->manifest_path, why);
}

/* In an event what people read behind the last word goes before it: that is the end. */
static void warn_of_drift(struct ipm_session *session)
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

void ipm_session_say(struct ipm_session *session, const struct ipm_ticker_end *end)
{
    warn_of_drift(session);
    ipm_ticker_end(&session->ticker, end);
}

void ipm_session_close(struct ipm_session *session)
{
    json_decref(session->manifest);
    json_decref(session->failures);
    json_decref(session->sensing);
    if (session->records >= 0)
        ipm_cleanup_fd(&session->records);
}
