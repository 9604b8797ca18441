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

static int lead(void *context, const struct ipm_sandbox *sandbox, int64_t sandbox_ns)
{
    struct invocation *invocation = context;
    struct ipm_outcome outcome;
    invocation->times.sandbox_ns = sandbox_ns;
    ipm_lead(invocation->point, sandbox, invocation->board, IPM_CONFINED_OUTPUT,
             invocation->token, &outcome);
    ipm_auto_json json_t *record = ipm_collect(
        invocation->point, sandbox, invocation->board, &outcome, &invocation->times);
    ipm_auto_free char *text =
        json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text == NULL)
        return 1;
    size_t length = strlen(text);
    text[length] = '\n'; /* the NUL's place: the line feed says that this is all */
    return ipm_write_all(IPM_CONFINED_OUTPUT, text, length + 1) == 0 ? 0 : 1;
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

/* The leader ended without a record: say where it was and how it ended. */
static json_t *epitaph(const struct invocation *invocation, int status)
{
    char text[IPM_STATUS_TEXT];
    char reason[IPM_STATUS_TEXT + 16];
    uint32_t phase = atomic_load(&invocation->board->phase);
    json_t *record = ipm_record_begin(invocation->point->json, &invocation->times);
    (void)snprintf(reason, sizeof(reason), "leader %s", ipm_status_text(status, text));
    ipm_record_end(record, "failed", ipm_phase_names[phase], reason);
    return record;
}

int ipm_invocation_run(const json_t *json, int64_t begun_ns, json_t **out_record,
                       struct ipm_why *why)
{
    struct ipm_point point;
    struct invocation invocation = {.point = &point, .times = {.begun_ns = begun_ns}};
    stamp(invocation.times.started);
    int error = ipm_point_parse(json, &point, why);
    if (error < 0)
        return error;
    if (error > 0) {
        *out_record = ipm_record_begin(json, &invocation.times);
        ipm_record_end(*out_record, "skipped", "plan", why->text);
        return 0;
    }
    make_token(invocation.token, sizeof(invocation.token), json);

    struct ipm_region region = IPM_REGION_NONE;
    char *text = NULL;
    int status = 0;
    error = ipm_region_create(&region, IPM_BOARD_MAGIC, IPM_BOARD_VERSION,
                              sizeof(struct ipm_board), why);
    if (error == 0) {
        ipm_region_prefault(&region);
        invocation.board = region.base;
        error = ipm_confined_run(point.sandbox, lead, &invocation, &text, &status, why);
    }
    ipm_auto_free char *owned = text;
    if (error != 0) {
        *out_record = ipm_record_begin(json, &invocation.times);
        ipm_record_end(*out_record, "failed", "sandbox", why->text);
    } else {
        size_t length = strlen(owned);
        bool whole = length > 0 && owned[length - 1] == '\n';
        *out_record = whole ? json_loads(owned, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (*out_record == NULL)
            *out_record = epitaph(&invocation, status);
    }
    ipm_region_fini(&region);
    return 0;
}
