/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <errno.h>

enum { LENGTHS = 9 };

/* --- every border of the length ------------------------------------------------------ */

static size_t border_lengths(const struct ipm_end *end, size_t lengths[LENGTHS])
{
    size_t most = end->rig->channel.config.max_message;
    size_t least = (size_t)end->mechanism->limits.min_length;
    const size_t borders[LENGTHS] = {0, 1, 63, 64, 65, 4095, 4096, 4097, most};
    size_t n = 0;
    for (size_t i = 0; i < LENGTHS; i++) {
        if (borders[i] >= least && borders[i] <= most)
            lengths[n++] = borders[i];
    }
    return n;
}

static int lengths_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t lengths[LENGTHS];
    size_t n = border_lengths(end, lengths);
    size_t most = end->rig->channel.config.max_message;
    size_t least = (size_t)end->mechanism->limits.min_length;
    for (size_t i = 0; i < n; i++) {
        size_t accepted = 1;
        int result = ipm_put(end, most + 1, 1, 0, IPM_FOREVER, &accepted);
        IPM_CHECK(end, result == -EMSGSIZE, "%zu bytes: %d", most + 1, result);
        if (least > 0) {
            result = ipm_put(end, least - 1, 1, 0, IPM_FOREVER, &accepted);
            IPM_CHECK(end, result == -EMSGSIZE, "%zu bytes: %d", least - 1, result);
        }
        (void)ipm_keep_pace(end, i, 1);
        result = ipm_put(end, lengths[i], 1, i, IPM_FOREVER, &accepted);
        IPM_CHECK(end, result == 0 && accepted == 1, "%zu bytes: %d", lengths[i],
                  result);
    }
    return 0;
}

static int lengths_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t lengths[LENGTHS];
    size_t n = border_lengths(end, lengths);
    for (size_t i = 0; i < n; i++) {
        struct ipm_got got;
        int result = ipm_get(end, &lengths[i], 1, i, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0 && got.n == 1, "%zu bytes: %d", lengths[i], result);
        IPM_CHECK(end, !got.wrong, "%s", got.text);
        ipm_paced(end, i + 1);
    }
    return 0;
}

static void lengths_variant(struct ipm_setup setup)
{
    setup.max_message = ipm_suite.max_message;
    setup.depth = 4;
    setup.batch = 1;
    ipm_pair_run(&setup, lengths_send, lengths_receive, NULL);
}

void ipm_case_lengths(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("local: nothing is carried from end to end");
    ipm_each_variant(ipm_suite_setup(), true, lengths_variant);
}

/* --- a message longer than the room ---------------------------------------------------- */

static int short_room_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t accepted = 0;
    int result = ipm_put(end, 64, 1, 7, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    ipm_stage_wait(end->rig->board, 1); /* stay until it is read */
    return 0;
}

static int short_room_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t got = 0;
    struct ipm_span span = {end->buffers, 63};
    end->buffers[63] = 0xa5;
    int result = end->mechanism->recv_n(&end->endpoint, &span, 1, IPM_FOREVER, &got);
    IPM_CHECK(end, result == -EMSGSIZE, "64 bytes into room for 63: %d", result);
    IPM_CHECK(end, end->buffers[63] == 0xa5, "wrote behind the room");
    ipm_stage_set(end->rig->board, 1);
    return 0;
}

static void short_room_variant(struct ipm_setup setup)
{
    ipm_pair_run(&setup, short_room_send, short_room_receive, NULL);
}

void ipm_case_short_room(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (!ipm_suite_can(IPM_CAP_FRAMED) || ipm_suite_can(IPM_CAP_TOKEN))
        ipm_suite_skip("no message borders to keep");
    ipm_each_variant(ipm_suite_setup(), false, short_room_variant);
}

/* --- order and content ----------------------------------------------------------------- */

static void stream_variant(struct ipm_setup setup)
{
    struct ipm_stream stream = {.seed = 1000, .count = 3000};
    if (setup.wait == IPM_WAIT_SPIN)
        stream.count = 1000; /* on one CPU each hand-over costs a time slice */
    setup.max_message = ipm_suite.max_message < 9000 ? ipm_suite.max_message : 9000;
    ipm_pair_run(&setup, ipm_stream_send, ipm_stream_receive, &stream);
}

void ipm_case_stream(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("local: nothing is carried from end to end");
    ipm_each_variant(ipm_suite_setup(), true, stream_variant);
}

/* --- both directions ------------------------------------------------------------------- */

/* On one CPU each hand-over between spinners costs a time slice. */
static uint64_t rounds(const struct ipm_end *end, uint64_t usual)
{
    return end->rig->channel.config.wait == IPM_WAIT_SPIN ? usual / 4 : usual;
}

static int exchange(struct ipm_end *end, bool first)
{
    struct ipm_script script = ipm_script_new(end, 5);
    script.batch = 1;
    for (uint64_t i = 0; i < rounds(end, 400); i++) {
        size_t lengths[2];
        lengths[0] = ipm_script_next(&script, NULL); /* the request's */
        lengths[1] = ipm_script_next(&script, NULL); /* the reply's */
        for (int step = 0; step < 2; step++) {
            bool sends = first == (step == 0);
            uint64_t seed = 2 * i + (uint64_t)step;
            size_t accepted = 0;
            struct ipm_got got = {0};
            int result =
                sends ? ipm_put(end, lengths[step], 1, seed, IPM_FOREVER, &accepted)
                      : ipm_get(end, &lengths[step], 1, seed, IPM_FOREVER, &got);
            IPM_CHECK(end, result == 0, "round %llu: %d", (unsigned long long)i,
                      result);
            IPM_CHECK(end, !got.wrong, "round %llu: %s", (unsigned long long)i,
                      got.text);
        }
    }
    return 0;
}

static int exchange_first(struct ipm_end *end, void *argument)
{
    (void)argument;
    return exchange(end, true);
}

static int exchange_second(struct ipm_end *end, void *argument)
{
    (void)argument;
    return exchange(end, false);
}

/* Both send before either receives. */
static int exchange_crossing(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    uint64_t base = end->endpoint.side == IPM_SIDE_A ? 0 : 1000;
    for (uint64_t i = 0; i < rounds(end, 200); i++) {
        size_t accepted = 0;
        struct ipm_got got;
        int result = ipm_put(end, length, 1, base + i, IPM_FOREVER, &accepted);
        IPM_CHECK(end, result == 0, "send %llu: %d", (unsigned long long)i, result);
        result = ipm_get(end, &length, 1, 1000 - base + i, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0, "receive %llu: %d", (unsigned long long)i, result);
        IPM_CHECK(end, !got.wrong, "receive %llu: %s", (unsigned long long)i, got.text);
    }
    return 0;
}

static void duplex_variant(struct ipm_setup setup)
{
    setup.duplex = true;
    ipm_pair_run(&setup, exchange_first, exchange_second, NULL);
    if (ipm_suite_can(IPM_CAP_CALL))
        return;
    ipm_pair_run(&setup, exchange_crossing, exchange_crossing, NULL);
    /* One way only, although both are allowed. */
    struct ipm_stream stream = {.seed = 9, .count = 200};
    ipm_pair_run(&setup, ipm_stream_send, ipm_stream_receive, &stream);
}

void ipm_case_duplex(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_DUPLEX))
        ipm_suite_skip("one way");
    ipm_each_variant(ipm_suite_setup(), true, duplex_variant);
}

/* --- calls ----------------------------------------------------------------------------- */

/* Requests of every border length, up; replies of the same, down. */
static int call_client(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t lengths[LENGTHS];
    size_t n = border_lengths(end, lengths);
    size_t accepted = 0;
    struct ipm_got got;
    for (size_t i = 0; i < n; i++) {
        size_t reply = lengths[n - 1 - i];
        int result =
            ipm_put(end, end->rig->channel.config.max_message + 1, 1, 0, 0, &accepted);
        IPM_CHECK(end, result == -EMSGSIZE, "one byte too many: %d", result);
        result = ipm_get(end, &reply, 1, i, ipm_soon_ns(), &got);
        IPM_CHECK(end, result == IPM_AGAIN, "nothing asked: %d", result);
        result = ipm_put(end, lengths[i], 1, i, IPM_FOREVER, &accepted);
        IPM_CHECK(end, result == 0 && accepted == 1, "%zu bytes: %d", lengths[i],
                  result);
        result = ipm_get(end, &reply, 1, i, 0, &got);
        IPM_CHECK(end, result == IPM_AGAIN && got.n == 0, "try once: %d", result);
        result = ipm_put(end, lengths[i], 1, i, 0, &accepted);
        IPM_CHECK(end, result == IPM_AGAIN && accepted == 0, "second request: %d",
                  result);
        result = ipm_get(end, &reply, 1, 100 + i, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0 && got.n == 1, "%zu bytes back: %d", reply, result);
        IPM_CHECK(end, !got.wrong, "%s", got.text);
    }
    struct ipm_span span = {end->buffers, 63};
    size_t taken = 0;
    int result = ipm_put(end, 64, 1, 7, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    end->buffers[63] = 0xa5;
    result = end->mechanism->recv_n(&end->endpoint, &span, 1, IPM_FOREVER, &taken);
    IPM_CHECK(end, result == -EMSGSIZE, "64 bytes into room for 63: %d", result);
    IPM_CHECK(end, end->buffers[63] == 0xa5, "wrote behind the room");
    return 0;
}

static int call_server(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t lengths[LENGTHS + 1];
    size_t n = border_lengths(end, lengths);
    lengths[n] = 64; /* the last request, answered beyond the client's room */
    size_t accepted = 0;
    struct ipm_got got;
    int result = ipm_get(end, lengths, 1, 0, 0, &got);
    IPM_CHECK(end, result == 0 || result == IPM_AGAIN, "try once: %d", result);
    for (size_t i = result == 0 ? 1 : 0; i <= n + 1; i++) {
        if (i > 0) {
            size_t reply = i <= n ? lengths[n - i] : 64;
            result = ipm_put(end, reply, 1, 99 + i, IPM_FOREVER, &accepted);
            IPM_CHECK(end, result == 0, "%zu bytes back: %d", reply, result);
        }
        if (i == n + 1)
            break;
        result = ipm_get(end, &lengths[i], 1, i == n ? 7 : i, IPM_FOREVER, &got);
        IPM_CHECK(end, result == 0 && got.n == 1, "%zu bytes: %d", lengths[i], result);
        IPM_CHECK(end, !got.wrong, "%s", got.text);
        result = ipm_get(end, &lengths[i], 1, i, 0, &got);
        IPM_CHECK(end, result == IPM_AGAIN, "before the answer: %d", result);
    }
    return 0;
}

static void call_variant(struct ipm_setup setup)
{
    setup.max_message = ipm_suite.max_message;
    ipm_pair_run(&setup, call_client, call_server, NULL);
}

void ipm_case_call(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_CALL))
        ipm_suite_skip("no call: its messages go one by one");
    ipm_each_variant(ipm_suite_setup(), true, call_variant);
}

/* --- two channels at once -------------------------------------------------------------- */

static void two_variant(struct ipm_setup setup)
{
    struct ipm_rig rigs[2];
    pid_t pids[2][IPM_SIDES];
    /* Apart in seed, so in lengths and contents: a message that strays is seen. */
    struct ipm_stream streams[2] = {{.seed = 1 << 20, .count = 500},
                                    {.seed = 1 << 30, .count = 500}};
    struct ipm_why why = {0};
    if (setup.wait == IPM_WAIT_SPIN)
        streams[0].count = streams[1].count = 100; /* four spinners, perhaps one CPU */
    for (int i = 0; i < 2; i++) {
        if (ipm_rig_open(&rigs[i], &setup, &why) != 0)
            fail_msg("create: %s", why.text);
    }
    bool calls = ipm_suite_can(IPM_CAP_CALL);
    for (int i = 0; i < 2; i++) {
        pids[i][IPM_SIDE_A] =
            ipm_rig_fork(&rigs[i], IPM_SIDE_A, calls ? exchange_first : ipm_stream_send,
                         &streams[i]);
        pids[i][IPM_SIDE_B] =
            ipm_rig_fork(&rigs[i], IPM_SIDE_B,
                         calls ? exchange_second : ipm_stream_receive, &streams[i]);
    }
    int status[2][IPM_SIDES];
    for (int i = 0; i < 2 * IPM_SIDES; i++)
        status[i / IPM_SIDES][i % IPM_SIDES] =
            ipm_rig_wait(pids[i / IPM_SIDES][i % IPM_SIDES]);
    for (int i = 0; i < 2 * IPM_SIDES; i++)
        ipm_expect_ended_well(&rigs[i / IPM_SIDES], (enum ipm_side)(i % IPM_SIDES),
                              status[i / IPM_SIDES][i % IPM_SIDES]);
    for (int i = 0; i < 2; i++)
        ipm_rig_fini(&rigs[i]);
}

void ipm_case_two_at_once(void **state)
{
    (void)state;
    if (ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("local: nothing is carried from end to end");
    ipm_each_variant(ipm_suite_setup(), false, two_variant);
}

/* --- both ends in one process ---------------------------------------------------------- */

static int local_rounds(struct ipm_end *a, struct ipm_end *b, void *argument)
{
    (void)argument;
    const struct ipm_channel_config *config = &a->rig->channel.config;
    size_t length = config->max_message;
    for (size_t round = 0; round < 400; round++) {
        size_t n = round % config->batch + 1;
        size_t done = 0;
        struct ipm_span spans[IPM_RIG_BATCH];
        for (size_t i = 0; i < n; i++)
            spans[i] = (struct ipm_span){a->buffers + i * a->stride, length};
        int result = a->mechanism->send_n(&a->endpoint, spans, n, IPM_FOREVER, &done);
        IPM_CHECK(a, result == 0 && done == n, "%zu of %zu: %d", done, n, result);
        for (size_t i = 0; i < n; i++)
            spans[i] = (struct ipm_span){b->buffers + i * b->stride, length};
        done = 0;
        result = b->mechanism->recv_n(&b->endpoint, spans, n, IPM_FOREVER, &done);
        IPM_CHECK(b, result == 0 && done == n, "%zu of %zu: %d", done, n, result);
    }
    return 0;
}

static void local_variant(struct ipm_setup setup)
{
    ipm_both_run(&setup, local_rounds, NULL);
}

void ipm_case_local(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("between processes; the other cases cover it");
    ipm_each_variant(ipm_suite_setup(), true, local_variant);
}
