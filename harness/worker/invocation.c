/* SPDX-License-Identifier: MIT */
#include "harness/worker/invocation.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "harness/worker/collect.h"
#include "harness/worker/confined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct invocation {
    const struct ipm_point *point;
    struct ipm_board *board;
    struct ipm_times times;
    char token[40];
};

/* One line; its line feed says that this is all.  NULL: no memory. */
static char *line_of(const json_t *record)
{
    ipm_auto_free char *text =
        json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    char *line = NULL;
    if (text == NULL || asprintf(&line, "%s\n", text) < 0)
        return NULL;
    return line;
}

static int lead(void *context, const struct ipm_sandbox *sandbox, int64_t sandbox_ns)
{
    struct invocation *invocation = context;
    struct ipm_outcome outcome;
    invocation->times.sandbox_ns = sandbox_ns;
    ipm_lead(invocation->point, sandbox, invocation->board, IPM_CONFINED_OUTPUT,
             invocation->token, &outcome);
    ipm_auto_json json_t *record = ipm_collect(
        invocation->point, sandbox, invocation->board, &outcome, &invocation->times);
    free(outcome.open);
    ipm_auto_free char *line = line_of(record);
    return line != NULL && ipm_write_all(IPM_CONFINED_OUTPUT, line, strlen(line)) == 0
               ? 0
               : 1;
}

/* Names must differ between runs on one machine, also without a PID namespace. */
static void make_token(char *token, size_t room, const json_t *point)
{
    char hash[IPM_HASH_TEXT];
    ipm_json_hash(point, hash);
    (void)snprintf(token, room, "ipm-%d-%.12s", (int)getpid(), hash);
}

static void stamp(char text[32])
{
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* A record that was not measured. */
static char *unmeasured(const json_t *point, const struct ipm_times *times,
                        const char *status, const char *phase, const char *reason)
{
    ipm_auto_json json_t *record = ipm_record_begin(point, times);
    ipm_record_end(record, status, phase, reason);
    return line_of(record);
}

/* The leader ended without a record: say where it was and how it ended. */
static char *epitaph(const struct invocation *invocation, int status)
{
    char text[IPM_STATUS_TEXT];
    char reason[IPM_STATUS_TEXT + 16];
    uint32_t phase = atomic_load(&invocation->board->phase);
    (void)snprintf(reason, sizeof(reason), "leader %s", ipm_status_text(status, text));
    return unmeasured(invocation->point->json, &invocation->times, "failed",
                      ipm_phase_names[phase], reason);
}

int ipm_invocation_run(const json_t *json, int64_t begun_ns, char **out_line,
                       struct ipm_why *why)
{
    struct ipm_point point;
    struct invocation invocation = {.point = &point, .times = {.begun_ns = begun_ns}};
    stamp(invocation.times.started);
    int error = ipm_point_parse(json, &point, why);
    if (error < 0)
        return error;
    if (error > 0) {
        *out_line = unmeasured(json, &invocation.times, "skipped", "plan", why->text);
        return *out_line == NULL ? -ENOMEM : 0;
    }
    make_token(invocation.token, sizeof(invocation.token), json);

    struct ipm_region region = IPM_REGION_NONE;
    char *line = NULL;
    int status = 0;
    error = ipm_region_create(&region, IPM_BOARD_MAGIC, IPM_BOARD_VERSION,
                              ipm_board_size(ipm_point_seats(&point)), why);
    if (error == 0) {
        ipm_region_prefault(&region);
        invocation.board = region.base;
        error = ipm_confined_run(point.sandbox, lead, &invocation, &line, &status, why);
    }
    size_t length = error == 0 ? strlen(line) : 0;
    if (length == 0 || line[length - 1] != '\n') {
        free(line);
        line = error != 0
                   ? unmeasured(json, &invocation.times, "failed", "sandbox", why->text)
                   : epitaph(&invocation, status);
    }
    ipm_region_fini(&region);
    *out_line = line;
    return line == NULL ? -ENOMEM : 0;
}
