/* SPDX-License-Identifier: MIT */
/* What a peer that writes nonsense into a ring's memory can bring about: -EPROTO. */
#include "base/clock.h"
#include "base/option.h"
#include "mechanisms/registry.h"
#include "mechanisms/ring_io.h"
#include "tests/support/test.h"

#include <errno.h>

enum { DEPTH = 4 };

/* Both ends of a ring in this process; the test plays the peer in its memory. */
struct fixture {
    struct ipm_channel channel;
    struct ipm_endpoint ends[IPM_SIDES];
    _Alignas(16) unsigned char options[IPM_OPTIONS_SIZE_MAX];
    unsigned char buffer[4096];
};

static void open_ring(struct fixture *f, const char *layout, size_t message)
{
    const struct ipm_mechanism *ring = ipm_mechanism_find("shm_ring");
    struct ipm_why why = {0};
    memset(f, 0, sizeof(*f));
    ipm_option_defaults(ring->options, f->options);
    assert_int_equal(ipm_option_set(ring->options, f->options, "layout", layout, &why),
                     0);
    f->channel = (struct ipm_channel){
        .mechanism = ring,
        .config = {.max_message = message,
                   .depth = DEPTH,
                   .batch = DEPTH,
                   .wait = IPM_WAIT_SPIN,
                   .copies = 2,
                   .options = f->options},
        .state = calloc(1, ring->channel_size),
    };
    assert_non_null(f->channel.state);
    assert_int_equal(ring->create(&f->channel, &why), 0);
    for (int side = 0; side < IPM_SIDES; side++) {
        void *state = NULL;
        assert_int_equal(posix_memalign(&state, IPM_LINE_PAIR, ring->endpoint_size), 0);
        memset(state, 0, ring->endpoint_size);
        f->ends[side] = (struct ipm_endpoint){.channel = &f->channel,
                                              .side = (enum ipm_side)side,
                                              .sends = side == IPM_SIDE_A,
                                              .receives = side == IPM_SIDE_B,
                                              .state = state};
        assert_int_equal(ring->attach(&f->ends[side], &why), 0);
    }
}

static void close_ring(struct fixture *f)
{
    for (int side = 0; side < IPM_SIDES; side++) {
        f->channel.mechanism->detach(&f->ends[side]);
        free(f->ends[side].state);
    }
    f->channel.mechanism->destroy(&f->channel);
    free(f->channel.state);
}

static struct ipm_ring *ring_of(struct fixture *f, enum ipm_side side)
{
    struct ipm_ring_io *io = f->ends[side].state;
    return &io->ring;
}

static int send_some(struct fixture *f, size_t length, size_t n)
{
    struct ipm_span spans[DEPTH];
    size_t sent = 0;
    for (size_t i = 0; i < n; i++)
        spans[i] = (struct ipm_span){f->buffer, length};
    return f->channel.mechanism->send_n(&f->ends[IPM_SIDE_A], spans, n, 0, &sent);
}

static int receive_some(struct fixture *f, size_t n, size_t *out_n)
{
    struct ipm_span spans[DEPTH];
    for (size_t i = 0; i < n; i++)
        spans[i] = (struct ipm_span){f->buffer, sizeof(f->buffer)};
    return f->channel.mechanism->recv_n(&f->ends[IPM_SIDE_B], spans, n, 0, out_n);
}

static const char *const layouts[] = {"slots", "bytes", "slab"};

/* The word of the first message, in the receiver's mapping. */
static _Atomic uint64_t *first_word(struct fixture *f)
{
    return (_Atomic uint64_t *)(void *)ring_of(f, IPM_SIDE_B)->shared->data;
}

static void test_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(layouts); i++) {
        for (size_t n = 1; n <= 2; n++) {
            struct fixture f;
            size_t got = 0;
            open_ring(&f, layouts[i], 100);
            assert_int_equal(send_some(&f, 50, n), 0);
            atomic_fetch_add(first_word(&f), 51); /* 101 bytes, one too many */
            assert_int_equal(receive_some(&f, n, &got), -EPROTO);
            assert_int_equal(got, 0);
            atomic_fetch_sub(first_word(&f), 1); /* the longest that is allowed */
            assert_int_equal(receive_some(&f, n, &got), 0);
            close_ring(&f);
        }
    }
}

static void test_lap(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(layouts); i++) {
        struct fixture f;
        size_t got = 0;
        open_ring(&f, layouts[i], 100);
        assert_int_equal(send_some(&f, 50, 1), 0);
        atomic_fetch_add(first_word(&f), UINT64_C(5) << 32);
        /* A slot of another lap is not there yet; a record cannot be of another number. */
        int result = receive_some(&f, 1, &got);
        assert_int_equal(result,
                         strcmp(layouts[i], "bytes") == 0 ? -EPROTO : IPM_AGAIN);
        assert_int_equal(got, 0);
        close_ring(&f);
    }
}

/* More given back than was ever sent, and less than was given back before. */
static void test_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(layouts); i++) {
        for (int backwards = 0; backwards < 2; backwards++) {
            struct fixture f;
            size_t got = 0;
            open_ring(&f, layouts[i], 100);
            _Atomic uint64_t *head = &ring_of(&f, IPM_SIDE_A)->shared->head;
            assert_int_equal(send_some(&f, 50, DEPTH), 0);
            assert_int_equal(receive_some(&f, DEPTH, &got), 0);
            assert_int_equal(send_some(&f, 50, DEPTH), 0);
            atomic_store(head, backwards ? 1 : 2 * DEPTH + 1);
            assert_int_equal(send_some(&f, 50, 1), -EPROTO);
            close_ring(&f);
        }
    }
}

static void test_buffer_number(void **state)
{
    (void)state;
    struct fixture f;
    size_t got = 0;
    open_ring(&f, "slab", 100);
    assert_int_equal(send_some(&f, 50, 1), 0);
    struct ipm_slab_line *line = (void *)ring_of(&f, IPM_SIDE_B)->shared->data;
    uint32_t number = atomic_load(&line->buffer);
    atomic_store(&line->buffer, DEPTH);
    assert_int_equal(receive_some(&f, 1, &got), -EPROTO);
    atomic_store(&line->buffer, number);
    assert_int_equal(receive_some(&f, 1, &got), 0);
    close_ring(&f);
}

/* The receiver waits for a word, and what comes is no message. */
static void test_word_moves_to_nonsense(void **state)
{
    (void)state;
    struct fixture f;
    size_t got = 0;
    open_ring(&f, "slots", 100);
    atomic_store(first_word(&f), UINT64_C(9) << 32 | 10);
    assert_int_equal(receive_some(&f, 1, &got), IPM_AGAIN);
    close_ring(&f);
}

/* A receiver who keeps up sees the same buffer again and again. */
static void test_slab_reuses_the_last(void **state)
{
    (void)state;
    struct fixture f;
    open_ring(&f, "slab", 100);
    struct ipm_span span;
    const struct ipm_mechanism *m = f.channel.mechanism;
    void *first = NULL;
    for (int i = 0; i < 3 * DEPTH; i++) {
        size_t n = 0;
        assert_int_equal(m->reserve_n(&f.ends[IPM_SIDE_A], 10, &span, 1, 0, &n), 0);
        first = i == 0 ? span.data : first;
        assert_ptr_equal(span.data, first);
        assert_int_equal(m->publish_n(&f.ends[IPM_SIDE_A], 1), 0);
        assert_int_equal(receive_some(&f, 1, &n), 0);
    }
    close_ring(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_lap),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_buffer_number),
        cmocka_unit_test(test_word_moves_to_nonsense),
        cmocka_unit_test(test_slab_reuses_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
