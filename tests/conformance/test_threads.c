/* SPDX-License-Identifier: MIT */
/*
 * Both ends of a mechanism as threads of one process, so that the thread sanitizer sees
 * both: it is blind across processes.  Holds in every build; meant for the tsan preset.
 *
 *     test_threads shm_ring | shm_pipe_token | futex
 */
#include "base/clock.h"
#include "base/region.h"
#include "mechanisms/registry.h"
#include "mechanisms/wait.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static const struct ipm_mechanism *mechanism;

enum {
    MESSAGES = 20000,
    SPUN_MESSAGES = 5000, /* on one CPU each hand-over costs a time slice */
    ROUNDS = 10000,
};

struct thread {
    pthread_t id;
    struct ipm_end end;
    ipm_part *part;
    struct ipm_stream stream;
    int result;
};

/*
 * Each end maps the channel's memory for itself, at an address of its own, and the thread
 * sanitizer tells memory by its address: it would see no sharing at all.  So the linker
 * sends the mapping and unmapping of regions here (--wrap), and both ends get one mapping.
 */
int __real_ipm_region_map(struct ipm_region *out_region, int fd, uint64_t magic,
                          uint32_t version, struct ipm_why *why);
int __wrap_ipm_region_map(struct ipm_region *out_region, int fd, uint64_t magic,
                          uint32_t version, struct ipm_why *why);
void __real_ipm_region_fini(struct ipm_region *region);
void __wrap_ipm_region_fini(struct ipm_region *region);

static struct ipm_region shared = IPM_REGION_NONE;
static ino_t shared_file;
static int users; /* of the one mapping */

int __wrap_ipm_region_map(struct ipm_region *out_region, int fd, uint64_t magic,
                          uint32_t version, struct ipm_why *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return ipm_why_set(why, -errno, "fstat: ");
    if (users == 0) {
        int error = __real_ipm_region_map(&shared, fd, magic, version, why);
        if (error != 0)
            return error;
        shared_file = status.st_ino;
    } else if (status.st_ino != shared_file) {
        return ipm_why_set(why, -EBUSY, "one region at a time in this test");
    }
    users++;
    *out_region = shared;
    return 0;
}

void __wrap_ipm_region_fini(struct ipm_region *region)
{
    if (users > 0 && region->base == shared.base) {
        *region = IPM_REGION_NONE;
        if (--users == 0)
            __real_ipm_region_fini(&shared);
        return;
    }
    __real_ipm_region_fini(region);
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    thread->result = thread->part(&thread->end, &thread->stream);
    return NULL;
}

static void run_threads(const struct ipm_setup *setup, ipm_part *part_a,
                        ipm_part *part_b, struct ipm_stream stream)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    struct thread threads[IPM_SIDES] = {{.part = part_a, .stream = stream},
                                        {.part = part_b, .stream = stream}};
    if (ipm_rig_open(&rig, setup, &why) != 0)
        fail_msg("create: %s", why.text);
    /* Attaching and detaching change the channel's table of descriptors, which roles never
     * share: the main thread does both. */
    for (int side = 0; side < IPM_SIDES; side++) {
        ipm_end_init(&threads[side].end, &rig, (enum ipm_side)side);
        if (ipm_end_attach(&threads[side].end, false, &why) != 0)
            fail_msg("attach: %s", why.text);
    }
    for (int side = 0; side < IPM_SIDES; side++) {
        if (ipm_end_join(&threads[side].end, &why) != 0)
            fail_msg("join: %s", why.text);
    }
    assert_int_equal(users, IPM_SIDES); /* else the sanitizer is blind again */
    for (int side = 0; side < IPM_SIDES; side++)
        assert_int_equal(
            pthread_create(&threads[side].id, NULL, thread_main, &threads[side]), 0);
    for (int side = 0; side < IPM_SIDES; side++)
        assert_int_equal(pthread_join(threads[side].id, NULL), 0);
    for (int side = 0; side < IPM_SIDES; side++) {
        if (threads[side].result != 0)
            fail_msg("wait %s, copies %d: %s", ipm_wait_names[setup->wait],
                     setup->copies, rig.board->sides[side].text);
        ipm_end_fini(&threads[side].end);
    }
    ipm_rig_fini(&rig);
}

/* Request and reply, so that both sides send, receive and fall asleep in turn. */
static int ping_pong(struct ipm_end *end, void *argument)
{
    const struct ipm_stream *stream = argument;
    bool first = end->endpoint.side == IPM_SIDE_A;
    size_t length = 200;
    for (uint64_t i = 0; i < stream->count; i++) {
        for (int step = 0; step < 2; step++) {
            size_t accepted = 0;
            struct ipm_got got = {0};
            int result = first == (step == 0)
                             ? ipm_put(end, length, 1, i, IPM_FOREVER, &accepted)
                             : ipm_get(end, &length, 1, i, IPM_FOREVER, &got);
            IPM_CHECK(end, result == 0 && !got.wrong, "round %llu: %d %s",
                      (unsigned long long)i, result, got.text);
        }
    }
    return 0;
}

static void test_traffic(void **state)
{
    (void)state;
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        for (int copies = 0; copies < IPM_MODES; copies++) {
            struct ipm_setup setup = {.mechanism = mechanism,
                                      .wait = (enum ipm_wait)wait,
                                      .copies = copies,
                                      .max_message = 1500,
                                      .depth = 16,
                                      .batch = IPM_RIG_BATCH};
            bool spins = wait == IPM_WAIT_SPIN;
            struct ipm_stream stream = {.seed = 77,
                                        .count = spins ? SPUN_MESSAGES : MESSAGES};
            if ((mechanism->waits & IPM_WAIT_BIT(wait)) == 0 ||
                !mechanism->modes[copies].supported)
                continue;
            run_threads(&setup, ipm_stream_send, ipm_stream_receive, stream);
            if ((mechanism->capabilities & IPM_CAP_DUPLEX) == 0)
                continue;
            setup.duplex = true;
            stream.count = spins ? 200 : 2000;
            run_threads(&setup, ping_pong, ping_pong, stream);
        }
    }
}

/* --- the futex wait -------------------------------------------------------------------- */

struct handover {
    _Atomic uint32_t turn; /* odd: the second thread's */
    uint64_t plain;        /* written by whoever's turn it is: no atomic guards it */
    int error;
};

static void take_turns(struct handover *handover, uint32_t first)
{
    for (uint32_t turn = first; turn < 2 * ROUNDS; turn += 2) {
        uint32_t now;
        while ((now = atomic_load_explicit(&handover->turn, memory_order_acquire)) !=
               turn) {
            int result = ipm_futex_wait(&handover->turn, now, IPM_FOREVER);
            if (result != 0)
                handover->error = result;
        }
        handover->plain++;
        atomic_store_explicit(&handover->turn, turn + 1, memory_order_release);
        ipm_futex_wake(&handover->turn, 1);
    }
}

static void *second_turns(void *argument)
{
    take_turns(argument, 1);
    return NULL;
}

static void test_handover(void **state)
{
    (void)state;
    struct handover handover = {0};
    pthread_t second;
    assert_int_equal(pthread_create(&second, NULL, second_turns, &handover), 0);
    take_turns(&handover, 0);
    assert_int_equal(pthread_join(second, NULL), 0);
    assert_int_equal(handover.plain, 2 * ROUNDS);
    assert_int_equal(handover.error, 0);
}

static void test_futex_deadline(void **state)
{
    (void)state;
    _Atomic uint32_t word = 5;
    assert_int_equal(ipm_futex_wait(&word, 4, IPM_FOREVER), 0); /* it is not 4 */
    int64_t deadline_ns = ipm_now_ns() + 20 * 1000000;
    int result = 0;
    while (result == 0) /* a signal may wake it early: the contract says look again */
        result = ipm_futex_wait(&word, 5, deadline_ns);
    assert_int_equal(result, IPM_AGAIN);
    assert_true(ipm_now_ns() >= deadline_ns);
    assert_int_equal(ipm_futex_wait(&word, 5, ipm_now_ns()), IPM_AGAIN);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest traffic[] = {cmocka_unit_test(test_traffic)};
    static const struct CMUnitTest futex[] = {cmocka_unit_test(test_handover),
                                              cmocka_unit_test(test_futex_deadline)};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: test_threads MECHANISM | futex\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[1], "futex") == 0)
        return cmocka_run_group_tests(futex, NULL, NULL);
    mechanism = ipm_mechanism_find(argv[1]);
    if (mechanism == NULL) {
        (void)fprintf(stderr, "there is no mechanism '%s'\n", argv[1]);
        return 2;
    }
    return cmocka_run_group_tests_name(argv[1], traffic, NULL, NULL);
}
