/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/ticker.h"

#include "base/clock.h"
#include "harness/diagnostics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 20 };

const char *const ipm_ticker_names[] = {"auto", "plain", "jsonl", "none", NULL};

void ipm_ticker_init(struct ipm_ticker *ticker, enum ipm_ticker_mode mode, size_t total,
                     int64_t total_ns)
{
    const char *terminal = getenv("TERM");
    if (mode == IPM_TICKER_AUTO && (isatty(STDERR_FILENO) == 0 || terminal == NULL ||
                                    strcmp(terminal, "dumb") == 0))
        mode = IPM_TICKER_PLAIN;
    *ticker = (struct ipm_ticker){
        .mode = mode, .total = total, .total_ns = total_ns, .begun_ns = ipm_now_ns()};
}

/* Seconds left, scaled by how the estimate has held so far. */
static double seconds_left(const struct ipm_ticker *ticker)
{
    double spent_ns = (double)(ipm_now_ns() - ticker->begun_ns);
    double done_ns = (double)ticker->done_ns;
    double left_ns = (double)ticker->total_ns - done_ns;
    double pace = done_ns > 0 ? spent_ns / done_ns : 1;
    return left_ns > 0 ? left_ns * pace / 1e9 : 0;
}

static int percent(const struct ipm_ticker *ticker)
{
    return ticker->total == 0 ? 100 : (int)(ticker->done * 100 / ticker->total);
}

static void say_json(const struct ipm_ticker *ticker, const char *event,
                     const char *label, const json_t *record)
{
    json_t *json = json_pack(
        "{s:s,s:I,s:I,s:I,s:I,s:o}", "event", event, "done", (json_int_t)ticker->done,
        "total", (json_int_t)ticker->total, "failed", (json_int_t)ticker->failed,
        "elapsed_ns", (json_int_t)(ipm_now_ns() - ticker->begun_ns), "seconds_left",
        ipm_json_number(seconds_left(ticker)));
    if (record != NULL) {
        (void)json_object_set_new(json, "label", json_string(label));
        (void)json_object_set(json, "status", json_object_get(record, "status"));
        (void)json_object_set(json, "reason", json_object_get(record, "reason"));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    if (text != NULL)
        (void)fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(json);
}

static void say_failure(const struct ipm_ticker *ticker, const char *label,
                        const json_t *record)
{
    const char *phase = json_string_value(json_object_get(record, "phase"));
    const char *reason = json_string_value(json_object_get(record, "reason"));
    if (ticker->mode == IPM_TICKER_AUTO)
        (void)fputs("\r\033[K", stderr);
    (void)fputs("failed: ", stderr);
    (void)ipm_print_escaped(stderr, label, strlen(label));
    (void)fprintf(stderr, ": %s: ", phase == NULL ? "?" : phase);
    reason = reason == NULL ? "?" : reason;
    (void)ipm_print_escaped(stderr, reason, strlen(reason));
    (void)fputc('\n', stderr);
}

void ipm_ticker_record(struct ipm_ticker *ticker, const char *label,
                       const json_t *record, int64_t planned_ns)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    bool failed = status != NULL && strcmp(status, "failed") == 0;
    ticker->done++;
    ticker->done_ns += planned_ns;
    ticker->failed += failed;
    if (ticker->mode == IPM_TICKER_NONE)
        return;
    if (ticker->mode == IPM_TICKER_JSONL) {
        say_json(ticker, "record", label, record);
        return;
    }
    if (failed)
        say_failure(ticker, label, record);
    int left = (int)(seconds_left(ticker) + 0.5);
    if (ticker->mode == IPM_TICKER_AUTO) {
        (void)fprintf(stderr, "\r\033[K%3d %%  %zu of %zu  %d:%02d left  %.60s",
                      percent(ticker), ticker->done, ticker->total, left / 60,
                      left % 60, label);
        return;
    }
    int step = percent(ticker) * STEPS / 100;
    if (step > ticker->last_step) {
        ticker->last_step = step;
        (void)fprintf(stderr, "%3d %%  %zu of %zu invocations, about %d:%02d left\n",
                      percent(ticker), ticker->done, ticker->total, left / 60,
                      left % 60);
    }
}

void ipm_ticker_end(struct ipm_ticker *ticker, const char *how)
{
    if (ticker->mode == IPM_TICKER_NONE)
        return;
    if (ticker->mode == IPM_TICKER_JSONL) {
        say_json(ticker, how, NULL, NULL);
        return;
    }
    if (ticker->mode == IPM_TICKER_AUTO)
        (void)fputs("\r\033[K", stderr);
    double seconds = (double)(ipm_now_ns() - ticker->begun_ns) / 1e9;
    (void)fprintf(stderr, "%s: %zu of %zu invocations in %.1f s, %zu failed\n", how,
                  ticker->done, ticker->total, seconds, ticker->failed);
}
