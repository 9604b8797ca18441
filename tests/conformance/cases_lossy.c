/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <signal.h>

/* --- a slow reader ---------------------------------------------------------------------- */

enum { LONG = 3000, SLOW_MESSAGES = 3000, STAGE_SENT = 1, STAGE_READ = 2 };

/* How many are sent while nobody reads: as many as the capacity promises, then far more. */
static const uint64_t burst_factors[] = {1, 5};

static uint64_t burst_length(const struct ipm_end *end, size_t burst)
{
    int64_t messages = end->rig->channel.capacity.messages;
    uint64_t promised = messages > 0 ? (uint64_t)messages : 1;
    return promised * burst_factors[burst] + (burst > 0 ? 3 : 0);
}

static int burst_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    uint64_t at = 0;
    for (size_t burst = 0; burst < IPM_TEST_ROWS(burst_factors); burst++) {
        for (uint64_t left = burst_length(end, burst); left > 0; left--, at++) {
            size_t accepted = 0;
            int result = ipm_put(end, length, 1, at, 0, &accepted);
            IPM_CHECK(end, result == 0 && accepted == 1, "message %llu: %d",
                      (unsigned long long)at, result);
        }
        ipm_stage_set(end->rig->board, 2 * (int)burst + STAGE_SENT);
        ipm_stage_wait(end->rig->board, 2 * (int)burst + STAGE_READ);
    }
    return 0;
}

static int burst_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct ipm_lossy lossy = {0};
    uint64_t sent = 0;
    for (size_t burst = 0; burst < IPM_TEST_ROWS(burst_factors); burst++) {
        ipm_stage_wait(end->rig->board, 2 * (int)burst + STAGE_SENT);
        sent += burst_length(end, burst);
        int result = 0;
        while (result == 0) {
            int failed = ipm_lossy_get(end, &lossy, sent, 0, &result);
            if (failed != 0)
                return failed;
        }
        IPM_CHECK(end, result == IPM_AGAIN, "%d", result);
        IPM_CHECK(end, lossy.next == sent, "the last is %llu of %llu",
                  (unsigned long long)lossy.next, (unsigned long long)sent);
        uint64_t missed = ipm_missed(end);
        IPM_CHECK(end, lossy.taken + missed == sent,
                  "%llu received and %llu missed of %llu",
                  (unsigned long long)lossy.taken, (unsigned long long)missed,
                  (unsigned long long)sent);
        IPM_CHECK(end, (missed > 0) == (burst > 0), "%llu missed in burst %zu",
                  (unsigned long long)missed, burst);
        ipm_stage_set(end->rig->board, 2 * (int)burst + STAGE_READ);
    }
    return 0;
}

static void lossy_variant(struct ipm_setup setup)
{
    struct ipm_stream stream = {.count = SLOW_MESSAGES};
    setup.depth = 8;
    setup.max_message = 64;
    ipm_pair_run(&setup, burst_send, burst_receive, NULL);
    /* At the same time, long enough to be overwritten while it is copied. */
    setup.max_message = LONG;
    ipm_pair_run(&setup, ipm_lossy_send, ipm_lossy_receive, &stream);
    setup.depth = 0;
    ipm_pair_run(&setup, ipm_lossy_send, ipm_lossy_receive, &stream);
}

void ipm_case_lossy(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_LOSSY))
        ipm_suite_skip("not lossy: the other cases demand that nothing is missed");
    ipm_each_variant(ipm_suite_setup(), true, lossy_variant);
}

/* --- several readers ---------------------------------------------------------------------- */

enum { READERS = 3, FANNED = 2000 };

static int mortal_receive(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    struct ipm_lossy lossy = {0};
    for (;;) {
        int result = 0;
        int failed =
            ipm_lossy_get(end, &lossy, 2 * stream->count, IPM_FOREVER, &result);
        if (failed != 0)
            return failed;
        atomic_store(&end->rig->board->value, lossy.taken);
    }
}

/* Half of it before a reader is killed, half after. */
static int fanout_send(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    size_t length = end->rig->channel.config.max_message;
    int64_t deadline_ns = ipm_suite_can(IPM_CAP_LOSSY) ? 0 : IPM_FOREVER;
    for (uint64_t at = 0; at < stream->count; at++) {
        size_t accepted = 0;
        if (at == stream->count / 2) {
            ipm_stage_set(end->rig->board, STAGE_SENT);
            ipm_stage_wait(end->rig->board, STAGE_READ);
        }
        int result = ipm_put(end, length, 1, at, deadline_ns, &accepted);
        IPM_CHECK(end, result == 0 && accepted == 1, "message %llu: %d",
                  (unsigned long long)at, result);
    }
    return 0;
}

static int fanout_receive(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    if (ipm_suite_can(IPM_CAP_LOSSY))
        return ipm_lossy_receive(end, argument);
    for (uint64_t at = 0; at < stream->count;) {
        size_t length = end->rig->channel.config.max_message;
        struct ipm_got got;
        int result = ipm_get(end, &length, 1, at, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0 && got.n == 1 && !got.wrong, "message %llu: %d %s",
                  (unsigned long long)at, result, got.text);
        at += got.n;
    }
    return 0;
}

static void fanout_variant(struct ipm_setup setup)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    struct ipm_stream stream = {.count = FANNED};
    bool lossy = ipm_suite_can(IPM_CAP_LOSSY);
    pid_t readers[READERS];
    setup.max_message = 200;
    setup.readers = READERS + lossy;
    if (ipm_rig_open(&rig, &setup, &why) != 0)
        fail_msg("create: %s", why.text);
    pid_t writer = ipm_rig_fork(&rig, IPM_SIDE_A, fanout_send, &stream);
    for (int i = 0; i < READERS; i++)
        readers[i] = ipm_rig_fork(&rig, IPM_SIDE_B, fanout_receive, &stream);
    pid_t mortal = lossy ? ipm_rig_fork(&rig, IPM_SIDE_B, mortal_receive, &stream) : 0;
    ipm_rig_forked(&rig);
    while (rig.board->sides[IPM_SIDE_A].text[0] == '\0' &&
           rig.board->sides[IPM_SIDE_B].text[0] == '\0' &&
           (atomic_load(&rig.board->stage) < STAGE_SENT ||
            (lossy && atomic_load(&rig.board->value) == 0)))
        (void)usleep(200);
    if (lossy) {
        (void)usleep(5000); /* time to fall asleep; nothing depends on it */
        (void)kill(mortal, SIGKILL);
        int status = ipm_rig_wait(mortal);
        if (!WIFSIGNALED(status))
            ipm_expect_ended_well(&rig, IPM_SIDE_B, status);
    }
    ipm_stage_set(rig.board, STAGE_READ);
    ipm_expect_ended_well(&rig, IPM_SIDE_A, ipm_rig_wait(writer));
    for (int i = 0; i < READERS; i++)
        ipm_expect_ended_well(&rig, IPM_SIDE_B, ipm_rig_wait(readers[i]));
    ipm_rig_fini(&rig);
}

void ipm_case_fanout(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_FANOUT))
        ipm_suite_skip("one receiver per channel");
    ipm_each_variant(ipm_suite_setup(), true, fanout_variant);
}
