/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/ticker.h"

#include "base/clock.h"
#include "harness/diagnostics.h"
#include "harness/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 20 };

const char *const ipm_ticker_names[] = {"auto", "plain", "jsonl", "none", NULL};

void ipm_ticker_init(struct ipm_ticker *ticker, enum ipm_ticker_mode mode)
{
    const char *terminal = getenv("TERM");
    if (mode == IPM_TICKER_AUTO && (isatty(STDERR_FILENO) == 0 || terminal == NULL ||
                                    strcmp(terminal, "dumb") == 0))
        mode = IPM_TICKER_PLAIN;
    *ticker = (struct ipm_ticker){.mode = mode, .begun_ns = ipm_now_ns()};
}

/* Seconds left: what is thought, and for each invocation what the ones before took more or
 * less than was thought - starting a process costs the same before a long window as before
 * a short one. */
static double seconds_left(const struct ipm_ticker *ticker)
{
    double spent_ns = (double)(ipm_now_ns() - ticker->begun_ns);
    double left = (double)(ticker->total - ticker->done);
    double more_ns = ticker->done == 0
                         ? 0
                         : (spent_ns - (double)ticker->done_ns) / (double)ticker->done;
    double left_ns = (double)ticker->left_ns + left * more_ns;
    return left_ns > 0 ? left_ns / 1e9 : 0;
}

static int percent(const struct ipm_ticker *ticker)
{
    return ticker->total == 0 ? 100 : (int)(ticker->done * 100 / ticker->total);
}

/* Takes @more over. */
static void say_json(const struct ipm_ticker *ticker, const char *event, json_t *more)
{
    json_t *json = json_pack(
        "{s:s,s:I,s:I,s:I,s:I,s:o}", "event", event, "done", (json_int_t)ticker->done,
        "total", (json_int_t)ticker->total, "failed", (json_int_t)ticker->failed,
        "elapsed_ns", (json_int_t)(ipm_now_ns() - ticker->begun_ns), "seconds_left",
        ipm_json_number(seconds_left(ticker)));
    (void)json_object_update(json, more);
    json_decref(more);
    char *text = json_dumps(json, JSON_COMPACT);
    if (text != NULL)
        (void)fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(json);
}

void ipm_ticker_expect(struct ipm_ticker *ticker, size_t left, int64_t left_ns)
{
    ticker->total = ticker->done + left;
    ticker->left_ns = left_ns;
}

void ipm_ticker_start(struct ipm_ticker *ticker, size_t left, int64_t left_ns)
{
    ticker->begun_ns = ipm_now_ns();
    ipm_ticker_expect(ticker, left, left_ns);
    if (ticker->mode == IPM_TICKER_JSONL)
        say_json(ticker, "start", NULL);
}

static void clear_line(const struct ipm_ticker *ticker)
{
    if (ticker->mode == IPM_TICKER_AUTO)
        (void)fputs("\r\033[K", stderr);
}

static void say_failure(const struct ipm_ticker *ticker, const char *label,
                        const json_t *record, bool again)
{
    const char *phase = json_string_value(json_object_get(record, "phase"));
    const char *reason = json_string_value(json_object_get(record, "reason"));
    clear_line(ticker);
    (void)fputs("failed: ", stderr);
    (void)ipm_print_escaped(stderr, label, strlen(label));
    (void)fprintf(stderr, ": %s: ", phase == NULL ? "?" : phase);
    reason = reason == NULL ? "?" : reason;
    (void)ipm_print_escaped(stderr, reason, strlen(reason));
    (void)fputs(again ? "; once more at the end of its block\n" : "\n", stderr);
}

static json_t *told(const char *label, const json_t *record, bool again)
{
    static const char *const members[] = {"pass", "invocation", "block",
                                          "try",  "status",     "reason"};
    json_t *json = json_pack("{s:s,s:b}", "label", label, "again", again);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(record, members[i]);
        if (value != NULL)
            (void)json_object_set(json, members[i], value);
    }
    return json;
}

void ipm_ticker_record(struct ipm_ticker *ticker, const char *label,
                       const json_t *record, int64_t planned_ns, bool again)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    bool failed = status != NULL && strcmp(status, "failed") == 0;
    if (!again) { /* what is tried again is not done */
        ticker->done++;
        ticker->done_ns += planned_ns;
        ticker->failed += failed;
    }
    if (ticker->mode == IPM_TICKER_NONE)
        return;
    if (ticker->mode == IPM_TICKER_JSONL) {
        say_json(ticker, "invocation", told(label, record, again));
        return;
    }
    if (failed)
        say_failure(ticker, label, record, again);
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

void ipm_ticker_warn(struct ipm_ticker *ticker, const char *text)
{
    if (ticker->mode == IPM_TICKER_JSONL) {
        say_json(ticker, "warning", json_pack("{s:s}", "text", text));
        return;
    }
    clear_line(ticker);
    (void)fputs("ipcmeter: ", stderr);
    (void)ipm_print_escaped(stderr, text, strlen(text));
    (void)fputc('\n', stderr);
}

void ipm_ticker_end(struct ipm_ticker *ticker, const struct ipm_ticker_end *end)
{
    if (ticker->mode == IPM_TICKER_JSONL) {
        say_json(ticker, "end",
                 json_pack("{s:s,s:s?,s:O?,s:O?,s:s?}", "how", end->how, "reason",
                           end->reason, "failures", end->failures, "left_out",
                           end->left_out, "resume", end->resume));
        return;
    }
    clear_line(ticker);
    if (ticker->mode != IPM_TICKER_NONE) {
        double seconds = (double)(ipm_now_ns() - ticker->begun_ns) / 1e9;
        (void)fprintf(stderr, "%s: %zu of %zu invocations in %.1f s, %zu failed\n",
                      end->how, ticker->done, ticker->total, seconds, ticker->failed);
        ipm_tally_print(end->left_out, "left out, combinations", stderr);
    }
    ipm_tally_print(end->failures, "failed, invocations", stderr);
}
