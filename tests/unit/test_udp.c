/* SPDX-License-Identifier: MIT */
/* What the conformance suite does not know of udp: its window, its notes, its numbers. */
#include "base/clock.h"
#include "base/payload.h"
#include "mechanisms/credit.h"
#include "mechanisms/registry.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/socket.h>

enum { LONGEST = 65499, SECOND_NS = 1000000000 };

struct pair {
    const struct ipm_mechanism *mechanism;
    struct ipm_channel channel;
    struct ipm_endpoint ends[IPM_SIDES];
    unsigned char channel_state[256];
    _Alignas(16) unsigned char end_states[IPM_SIDES][256];
};

static unsigned char buffer[LONGEST];

static void pair_open(struct pair *pair, size_t max_message, size_t depth)
{
    struct ipm_why why = {0};
    *pair = (struct pair){.mechanism = ipm_mechanism_find("udp")};
    assert_non_null(pair->mechanism);
    if (pair->mechanism->probe(&why) != 0) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    assert_true(pair->mechanism->channel_size <= sizeof(pair->channel_state));
    assert_true(pair->mechanism->endpoint_size <= sizeof(pair->end_states[0]));
    pair->channel = (struct ipm_channel){
        .mechanism = pair->mechanism,
        .state = pair->channel_state,
        .config = {.max_message = max_message,
                   .depth = depth,
                   .batch = 1,
                   .wait = IPM_WAIT_BLOCK,
                   .copies = 2,
                   .duplex = true},
    };
    if (pair->mechanism->create(&pair->channel, &why) != 0)
        fail_msg("%s", why.text);
    for (int side = 0; side < IPM_SIDES; side++) {
        pair->ends[side] = (struct ipm_endpoint){
            .channel = &pair->channel,
            .side = (enum ipm_side)side,
            .sends = true,
            .receives = true,
            .state = pair->end_states[side],
        };
        assert_int_equal(pair->mechanism->attach(&pair->ends[side], &why), 0);
    }
}

static void pair_close(struct pair *pair)
{
    for (int side = 0; side < IPM_SIDES; side++)
        pair->mechanism->detach(&pair->ends[side]);
    pair->mechanism->destroy(&pair->channel);
}

/* What was sent may still be on its way through a softirq: the other side waits for it. */
static int64_t patience_ns(void)
{
    return ipm_now_ns() + 20 * (int64_t)SECOND_NS;
}

static int put(struct pair *pair, int side, size_t length, uint64_t seed,
               int64_t deadline_ns)
{
    size_t n = 0;
    struct ipm_span span = {buffer, length};
    ipm_payload_fill(buffer, length, seed);
    return pair->mechanism->send_n(&pair->ends[side], &span, 1, deadline_ns, &n);
}

static int get(struct pair *pair, int side, size_t length, uint64_t seed)
{
    size_t n = 0;
    struct ipm_span span = {buffer, length};
    int result =
        pair->mechanism->recv_n(&pair->ends[side], &span, 1, patience_ns(), &n);
    if (result == 0) {
        assert_int_equal(span.length, length);
        assert_true(ipm_payload_verify(buffer, length, seed, NULL));
    }
    return result;
}

/* --- the window fits the buffer -------------------------------------------------------- */

static void test_nothing_is_lost(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 64, 3000, 9000, 16000, 17000, LONGEST};
    static const size_t depths[] = {0, 1, 2, 3, 64, 1000};
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(depths); k++) {
            struct pair pair;
            pair_open(&pair, lengths[i], depths[k]);
            int64_t promised = pair.channel.capacity.messages;
            assert_true(promised >= 1);
            for (int round = 0; round < 3; round++) {
                uint64_t sent = 0;
                while (put(&pair, IPM_SIDE_A, lengths[i], sent, 0) == 0)
                    sent++;
                assert_true(sent >= (uint64_t)promised);
                for (uint64_t at = 0; at < sent; at++)
                    assert_int_equal(get(&pair, IPM_SIDE_B, lengths[i], at), 0);
            }
            pair_close(&pair);
        }
    }
}

/* --- credit always comes back ---------------------------------------------------------- */

/* Any order of calls: with fewer than the capacity on their way there is always room, and
 * what was sent always arrives. */
static void walk(size_t max_message, size_t depth, unsigned sending)
{
    struct pair pair;
    uint64_t random = 7 + depth;
    uint64_t sent[IPM_SIDES] = {0};
    uint64_t taken[IPM_SIDES] = {0};
    pair_open(&pair, max_message, depth);
    uint64_t promised = (uint64_t)pair.channel.capacity.messages;
    for (int step = 0; step < 40000; step++) {
        uint64_t value = ipm_test_random(&random);
        int side = (int)(value & 1);
        int peer = 1 - side;
        /* The length is the number's, so that both ends know it. */
        if ((value >> 1) % 100 < sending) {
            bool room = sent[side] - taken[side] < promised;
            int result = put(&pair, side, sent[side] * 37 % (max_message + 1),
                             sent[side], room ? patience_ns() : 0);
            if (result != 0 && (result != IPM_AGAIN || room))
                fail_msg("step %d: %d with %llu of %llu on their way", step, result,
                         (unsigned long long)(sent[side] - taken[side]),
                         (unsigned long long)promised);
            sent[side] += result == 0;
        } else if (sent[peer] > taken[peer]) {
            assert_int_equal(
                get(&pair, side, taken[peer] * 37 % (max_message + 1), taken[peer]), 0);
            taken[peer]++;
        }
    }
    pair_close(&pair);
}

static void test_any_order(void **state)
{
    (void)state;
    static const size_t depths[] = {0, 1, 2, 3, 4, 7, 40};
    for (size_t i = 0; i < IPM_TEST_ROWS(depths); i++) {
        walk(64, depths[i], 50);
        walk(64, depths[i], 70);
    }
    walk(20000, 5, 60);
}

/* Bursts both ways: credits ride on data, notes are sent besides, and nobody waits for
 * them; they must not overflow their socket unread. */
static void test_stray_notes(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t number[IPM_SIDES] = {0};
    pair_open(&pair, 64, 4);
    uint64_t burst = (uint64_t)pair.channel.capacity.messages;
    for (int round = 0; round < 4000; round++) {
        for (int side = 0; side < IPM_SIDES; side++) {
            for (uint64_t i = 0; i < burst; i++)
                assert_int_equal(put(&pair, side, 64, number[side] + i, patience_ns()),
                                 0);
            for (uint64_t i = 0; i < burst; i++)
                assert_int_equal(get(&pair, 1 - side, 64, number[side] + i), 0);
            number[side] += burst;
        }
    }
    /* One way at last: now the notes are all there is. */
    for (uint64_t i = number[IPM_SIDE_A]; i < number[IPM_SIDE_A] + 100; i++) {
        assert_int_equal(put(&pair, IPM_SIDE_A, 64, i, patience_ns()), 0);
        assert_int_equal(get(&pair, IPM_SIDE_B, 64, i), 0);
    }
    pair_close(&pair);
}

/* --- losses and lies ------------------------------------------------------------------- */

static void test_loss_is_seen(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 64, 16);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(put(&pair, IPM_SIDE_A, 64, i, patience_ns()), 0);
    assert_int_equal(get(&pair, IPM_SIDE_B, 64, 0), 0);
    int fd = pair.mechanism->wait_fd(&pair.ends[IPM_SIDE_B]);
    assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 64 + 8);
    assert_int_equal(get(&pair, IPM_SIDE_B, 64, 2), -ENOBUFS);
    pair_close(&pair);
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t words[2];
        size_t length;
    } rows[] = {
        {{0, 1}, 8},          /* credit for what was never sent */
        {{0, UINT32_MAX}, 7}, /* no whole header */
        {{UINT32_MAX, 0}, 8}, /* an old number */
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct pair pair;
        pair_open(&pair, 64, 16);
        int fd = pair.mechanism->wait_fd(&pair.ends[IPM_SIDE_A]);
        assert_int_equal(send(fd, rows[i].words, rows[i].length, 0), rows[i].length);
        assert_int_equal(get(&pair, IPM_SIDE_B, 64, 0), -EPROTO);
        pair_close(&pair);
    }
}

/* --- the reckoning itself -------------------------------------------------------------- */

static void test_ping_pong_needs_no_notes(void **state)
{
    (void)state;
    for (uint32_t window = 2; window < 40; window++) {
        /* Totals that wrap on the way. */
        struct ipm_credit ends[2];
        for (int i = 0; i < 2; i++)
            ends[i] = (struct ipm_credit){.window = window,
                                          .batch = ipm_credit_batch(window),
                                          .sent = UINT32_MAX - 50,
                                          .freed = UINT32_MAX - 50,
                                          .taken = UINT32_MAX - 50,
                                          .told = UINT32_MAX - 50};
        assert_true(ends[0].batch <= window);
        for (int turn = 0; turn < 400; turn++) {
            struct ipm_credit *from = &ends[turn % 2];
            struct ipm_credit *to = &ends[1 - turn % 2];
            assert_true(ipm_credit_open(from));
            uint32_t credit = from->taken;
            ipm_credit_sent(from);
            assert_true(ipm_credit_learn(to, credit));
            assert_false(ipm_credit_took(to));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_stray_notes),
        cmocka_unit_test(test_loss_is_seen),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_ping_pong_needs_no_notes),
    };
    return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
