/* SPDX-License-Identifier: MIT */
/* What the conformance suite cannot ask of every mechanism: how message sockets end, whom
 * they listen to, and what a packet pipe makes of short room. */
#include "base/clock.h"
#include "base/option.h"
#include "mechanisms/packet.h"
#include "mechanisms/registry.h"
#include "tests/support/test.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { MESSAGE = 64, ROOM = 128, UNBOUNDED = 100000 };

/* Both ends of a channel, in this process. */
struct both {
    const struct ipm_mechanism *mechanism;
    struct ipm_channel channel;
    struct ipm_packet_channel state;
    struct ipm_packet_endpoint own[IPM_SIDES];
    struct ipm_endpoint ends[IPM_SIDES];
    _Alignas(16) unsigned char options[64];
};

static void open_both(struct both *both, const char *name, const char *address)
{
    struct ipm_why why = {0};
    *both = (struct both){.mechanism = ipm_mechanism_find(name)};
    assert_non_null(both->mechanism);
    if (both->mechanism->probe != NULL && both->mechanism->probe(&why) != 0) {
        print_message("skipped: %s: %s\n", name, why.text);
        skip();
    }
    assert_true(both->mechanism->options_size <= sizeof(both->options));
    ipm_option_defaults(both->mechanism->options, both->options);
    if (address != NULL)
        assert_int_equal(ipm_option_set(both->mechanism->options, both->options,
                                        "address", address, &why),
                         0);
    both->channel = (struct ipm_channel){
        .mechanism = both->mechanism,
        .config = {.max_message = ROOM,
                   .depth = 4,
                   .batch = 1,
                   .wait = IPM_WAIT_BLOCK,
                   .copies = 2,
                   .duplex = true,
                   .directory = "/tmp",
                   .options = both->options},
        .state = &both->state,
    };
    (void)snprintf(both->channel.config.token, sizeof(both->channel.config.token),
                   "packet-%d", (int)getpid());
    if (both->mechanism->create(&both->channel, &why) != 0)
        fail_msg("%s: %s", name, why.text);
    for (int side = 0; side < IPM_SIDES; side++) {
        both->ends[side] = (struct ipm_endpoint){.channel = &both->channel,
                                                 .side = (enum ipm_side)side,
                                                 .sends = true,
                                                 .receives = true,
                                                 .state = &both->own[side]};
        assert_int_equal(both->mechanism->attach(&both->ends[side], &why), 0);
    }
}

static void close_both(struct both *both)
{
    for (int side = 0; side < IPM_SIDES; side++)
        both->mechanism->detach(&both->ends[side]);
    both->mechanism->destroy(&both->channel);
}

static int put(struct both *both, enum ipm_side side, size_t length,
               int64_t deadline_ns)
{
    static unsigned char data[ROOM + 1];
    struct ipm_span span = {data, length};
    size_t n = 0;
    return both->mechanism->send_n(&both->ends[side], &span, 1, deadline_ns, &n);
}

/* Length received, or what recv_n() returned, negated when it is a condition. */
static int64_t get(struct both *both, enum ipm_side side, size_t room)
{
    unsigned char data[ROOM + 1];
    struct ipm_span span = {data, room};
    size_t n = 0;
    int result = both->mechanism->recv_n(&both->ends[side], &span, 1, IPM_FOREVER, &n);
    return result == 0 ? (int64_t)span.length : result > 0 ? -result : result;
}

/* --- the end --------------------------------------------------------------------------- */

static void test_last_words(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, "unix_seqpacket", NULL);
    assert_int_equal(put(&both, IPM_SIDE_A, 1, IPM_FOREVER), 0); /* stays unread */
    assert_int_equal(put(&both, IPM_SIDE_B, MESSAGE, IPM_FOREVER), 0);
    both.mechanism->detach(&both.ends[IPM_SIDE_B]);
    assert_int_equal(get(&both, IPM_SIDE_A, ROOM), MESSAGE);
    assert_int_equal(get(&both, IPM_SIDE_A, ROOM), -IPM_CLOSED);
    assert_int_equal(put(&both, IPM_SIDE_A, 1, IPM_FOREVER), IPM_CLOSED);
    close_both(&both);
}

/* Who has once been told that nobody is there does not wait for him. */
static void test_nobody_there(void **state)
{
    (void)state;
    static const char *const addresses[] = {"pair", "named", "abstract"};
    struct both both;
    for (size_t i = 0; i < IPM_TEST_ROWS(addresses); i++) {
        open_both(&both, "unix_dgram", addresses[i]);
        both.mechanism->detach(&both.ends[IPM_SIDE_B]);
        assert_int_equal(put(&both, IPM_SIDE_A, 1, IPM_FOREVER), IPM_CLOSED);
        assert_int_equal(put(&both, IPM_SIDE_A, 1, IPM_FOREVER), IPM_CLOSED);
        assert_int_equal(get(&both, IPM_SIDE_A, ROOM), -IPM_CLOSED);
        close_both(&both);
    }
    open_both(&both, "netlink", NULL);
    assert_int_equal(put(&both, IPM_SIDE_B, MESSAGE, IPM_FOREVER), 0);
    both.mechanism->detach(&both.ends[IPM_SIDE_B]);
    assert_int_equal(put(&both, IPM_SIDE_A, 1, IPM_FOREVER), IPM_CLOSED);
    assert_int_equal(get(&both, IPM_SIDE_A, ROOM), MESSAGE);
    assert_int_equal(get(&both, IPM_SIDE_A, ROOM), -IPM_CLOSED);
    close_both(&both);
}

/* --- strangers ------------------------------------------------------------------------- */

static void check_stranger(const char *name, const char *address, int family,
                           int protocol, int expected)
{
    struct both both;
    struct sockaddr_storage target = {0};
    socklen_t length = sizeof(target);
    open_both(&both, name, address);
    int fd = both.mechanism->wait_fd(&both.ends[IPM_SIDE_A]);
    struct sockaddr *generic = (struct sockaddr *)(void *)&target;
    assert_int_equal(getsockname(fd, generic, &length), 0);
    int stranger = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    assert_true(stranger >= 0);
    assert_int_equal(sendto(stranger, "x", 1, MSG_DONTWAIT, generic, length), -1);
    assert_int_equal(errno, expected);
    (void)close(stranger);
    close_both(&both);
}

static void test_strangers(void **state)
{
    (void)state;
    check_stranger("unix_dgram", "abstract", AF_UNIX, 0, EPERM);
    check_stranger("unix_dgram", "named", AF_UNIX, 0, ENOENT); /* the path is gone */
    check_stranger("netlink", NULL, AF_NETLINK, NETLINK_USERSOCK, ECONNREFUSED);
}

/* Nor is anything else: what create() tried out is gone. */
static void test_queue_begins_empty(void **state)
{
    (void)state;
    static const char *const addresses[] = {"pair", "named", "abstract"};
    for (size_t i = 0; i < IPM_TEST_ROWS(addresses); i++) {
        struct both both;
        open_both(&both, "unix_dgram", addresses[i]);
        assert_int_equal(put(&both, IPM_SIDE_A, 7, IPM_FOREVER), 0);
        assert_int_equal(get(&both, IPM_SIDE_B, ROOM), 7);
        assert_int_equal(put(&both, IPM_SIDE_A, 0, IPM_FOREVER), 0);
        assert_int_equal(get(&both, IPM_SIDE_B, ROOM), 0); /* empty, not the end */
        close_both(&both);
    }
}

/* --- room ------------------------------------------------------------------------------ */

/* Asleep until the deadline, although poll() would say at once that there is room. */
static void test_netlink_deadline(void **state)
{
    (void)state;
    struct both both;
    struct ipm_endpoint_stats stats = {0};
    int result = 0;
    open_both(&both, "netlink", NULL);
    for (int i = 0; result == 0 && i < UNBOUNDED; i++)
        result = put(&both, IPM_SIDE_A, MESSAGE, 0);
    assert_int_equal(result, IPM_AGAIN);
    int64_t deadline_ns = ipm_now_ns() + 20 * 1000000;
    assert_int_equal(put(&both, IPM_SIDE_A, MESSAGE, deadline_ns), IPM_AGAIN);
    assert_true(ipm_now_ns() >= deadline_ns);
    both.mechanism->stats(&both.ends[IPM_SIDE_A], &stats);
    assert_in_range(stats.sleeps, 1, 4);
    struct timeval left = {.tv_sec = 1};
    socklen_t length = sizeof(left);
    int fd = both.mechanism->wait_fd(&both.ends[IPM_SIDE_A]);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, &length), 0);
    assert_int_equal(left.tv_sec, 0); /* the next wait may be for ever */
    assert_int_equal(left.tv_usec, 0);
    close_both(&both);
}

static void test_pipe_packet_room(void **state)
{
    (void)state;
    struct both both;
    open_both(&both, "pipe_packet", NULL);
    static const struct {
        size_t length, room;
        int64_t expected;
    } rows[] = {
        {MESSAGE, ROOM, MESSAGE},        {MESSAGE, MESSAGE, MESSAGE},
        {MESSAGE, MESSAGE + 1, MESSAGE}, {MESSAGE, MESSAGE - 1, -EMSGSIZE},
        {MESSAGE, 0, -EMSGSIZE},         {ROOM, ROOM, ROOM},
        {ROOM, ROOM - 1, -EMSGSIZE},     {1, 1, 1},
        {MESSAGE, ROOM + 1, MESSAGE},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        assert_int_equal(put(&both, IPM_SIDE_A, rows[i].length, IPM_FOREVER), 0);
        assert_int_equal(get(&both, IPM_SIDE_B, rows[i].room), rows[i].expected);
    }
    assert_int_equal(put(&both, IPM_SIDE_A, ROOM + 1, IPM_FOREVER), -EMSGSIZE);
    assert_int_equal(put(&both, IPM_SIDE_A, 0, IPM_FOREVER), -EMSGSIZE);
    close_both(&both);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_queue_begins_empty),
        cmocka_unit_test(test_netlink_deadline),
        cmocka_unit_test(test_pipe_packet_room),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
