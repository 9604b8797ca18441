/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

enum {
    SPAN = 3,          /* messages per call where a queue is filled */
    ROOM_WHOLE = 4096, /* bytes; a message of this length fits into any empty queue */
};

/* --- a full queue ---------------------------------------------------------------------- */

/* Threads or a helper carry on when a call has returned: what is full now may have room in
 * a moment. */
static bool carries_on(void)
{
    return ipm_suite_can(IPM_CAP_THREADS) || ipm_suite_can(IPM_CAP_BROKER);
}

/* Judges a queue that has taken *@io_sent messages and then said @result. */
static int full_queue(struct ipm_end *end, uint64_t *io_sent, int result)
{
    const struct ipm_channel *channel = &end->rig->channel;
    size_t length = channel->config.max_message;
    uint64_t sent = *io_sent;
    IPM_CHECK(end, result == IPM_AGAIN, "message %llu: %d", (unsigned long long)sent,
              result);
    IPM_CHECK(end,
              sent > 0 || channel->capacity.messages == 0 ||
                  (channel->capacity.bytes != IPM_VARIES &&
                   (int64_t)length > channel->capacity.bytes),
              "full from the start");
    IPM_CHECK(end,
              channel->capacity.messages == IPM_VARIES ||
                  sent >= (uint64_t)channel->capacity.messages,
              "took %llu of the %lld that the capacity promises",
              (unsigned long long)sent, (long long)channel->capacity.messages);
    int64_t limit = end->mechanism->limits.in_flight;
    IPM_CHECK(end, limit == 0 || sent <= (uint64_t)limit, "took %llu, limit %lld",
              (unsigned long long)sent, (long long)limit);
    /* Full is what stays full: whoever carries messages on in the kernel may have made room
     * since the first refusal. */
    for (int timed = 0; timed <= ipm_suite_timed(channel->config.wait);) {
        size_t accepted = 1;
        int64_t deadline_ns = timed != 0 ? ipm_soon_ns() : 0;
        result = ipm_put(end, length, SPAN, sent, deadline_ns, &accepted);
        sent += accepted;
        IPM_CHECK(end, sent < IPM_ENDLESS, "never full");
        if (accepted > 0) {
            timed = 0;
            continue;
        }
        IPM_CHECK(end, result == IPM_AGAIN, "still full: %d", result);
        IPM_CHECK(end, ipm_now_ns() >= deadline_ns, "gave up before the deadline");
        timed++;
    }
    *io_sent = sent;
    return 0;
}

/* Sends until the queue is full, or for ever according to its capacity. */
static int fill_queue(struct ipm_end *end, uint64_t *out_sent)
{
    size_t length = end->rig->channel.config.max_message;
    bool endless = ipm_endless(&end->rig->channel);
    bool promised = end->rig->channel.capacity.messages > IPM_ENDLESS;
    uint64_t sent = 0;
    int result = 0;
    while (result == 0 && !(endless && sent >= IPM_ENDLESS)) {
        /* In spans, so that the last is accepted in part. */
        size_t accepted = SPAN + 1;
        int64_t deadline_ns = carries_on() ? ipm_soon_ns() : 0;
        result = ipm_put(end, length, SPAN, sent, deadline_ns, &accepted);
        IPM_CHECK(end, result == 0 ? accepted > 0 && accepted <= SPAN : accepted < SPAN,
                  "%zu of %d accepted with %d", accepted, SPAN, result);
        sent += accepted;
        IPM_CHECK(end, endless || sent < IPM_ENDLESS, "never full");
        IPM_CHECK(end, !promised || result == 0, "%d after %llu of practically endless",
                  result, (unsigned long long)sent);
    }
    int failed = result == 0 ? 0 : full_queue(end, &sent, result);
    *out_sent = sent;
    return failed;
}

static int full_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct ipm_board *board = end->rig->board;
    size_t length = end->rig->channel.config.max_message;
    uint64_t sent = 0;
    int failed = fill_queue(end, &sent);
    if (failed != 0)
        return failed;
    atomic_store(&board->value, sent);
    ipm_stage_set(board, 1);
    /* What was taken is room again, although the peer makes no other call meanwhile. */
    ipm_stage_wait(board, 2);
    size_t accepted = 0;
    int result = ipm_put(end, length, 1, sent, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == 0 && accepted == 1, "after room came: %d", result);
    ipm_stage_set(board, 3);
    return 0;
}

static int full_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct ipm_board *board = end->rig->board;
    size_t length = end->rig->channel.config.max_message;
    ipm_stage_wait(board, 1);
    uint64_t count = atomic_load(&board->value);
    for (uint64_t i = 0; i <= count; i++) {
        struct ipm_got got;
        if (i == count) {
            ipm_stage_set(board, 2);
            if (length <= ROOM_WHOLE)
                ipm_stage_wait(board, 3);
        }
        int result = ipm_get(end, &length, 1, i, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0 && got.n == 1, "message %llu: %d",
                  (unsigned long long)i, result);
        IPM_CHECK(end, !got.wrong, "message %llu: %s", (unsigned long long)i, got.text);
    }
    return 0;
}

static void full_variant(struct ipm_setup setup)
{
    /* Lengths that fill pages, share pages, and do not fit the whole queue. */
    const size_t lengths[] = {64, 3000, 4096, ipm_suite.max_message};
    if (ipm_suite_can(IPM_CAP_TOKEN)) {
        ipm_pair_run(&setup, full_send, full_receive, NULL);
        return;
    }
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        setup.max_message = lengths[i];
        if (lengths[i] > ipm_suite.max_message && !ipm_suite_can(IPM_CAP_TOKEN))
            continue;
        ipm_pair_run(&setup, full_send, full_receive, NULL);
    }
}

void ipm_case_full(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_FLOOR))
        ipm_suite_skip("a floor has no queue");
    if (ipm_suite_can(IPM_CAP_LOSSY))
        ipm_suite_skip("never full: the case `lossy` checks what happens instead");
    struct ipm_setup setup = ipm_suite_setup();
    setup.depth = 4;
    setup.batch = 4;
    ipm_each_variant(setup, true, full_variant);
}

/* --- an empty queue -------------------------------------------------------------------- */

static int empty_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t accepted = 0;
    ipm_stage_wait(end->rig->board, 1);
    int result = ipm_put(end, end->rig->channel.config.max_message, 1, 3, IPM_FOREVER,
                         &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    return 0;
}

static int empty_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    struct ipm_got got;
    int result = ipm_get(end, &length, 1, 3, 0, &got);
    IPM_CHECK(end, result == IPM_AGAIN && got.n == 0, "try once: %d", result);
    if (ipm_suite_timed(end->rig->channel.config.wait)) {
        int64_t deadline_ns = ipm_soon_ns();
        result = ipm_get(end, &length, 1, 3, deadline_ns, &got);
        IPM_CHECK(end, result == IPM_AGAIN && got.n == 0, "deadline: %d", result);
        IPM_CHECK(end, ipm_now_ns() >= deadline_ns, "gave up before the deadline");
    }
    ipm_stage_set(end->rig->board, 1);
    result = ipm_get(end, &length, 1, 3, IPM_FOREVER, &got);
    IPM_CHECK(end, result == 0 && got.n == 1, "%d", result);
    IPM_CHECK(end, !got.wrong, "%s", got.text);
    return 0;
}

static void empty_variant(struct ipm_setup setup)
{
    ipm_pair_run(&setup, empty_send, empty_receive, NULL);
}

void ipm_case_empty(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("a floor has no queue");
    ipm_each_variant(ipm_suite_setup(), true, empty_variant);
}
