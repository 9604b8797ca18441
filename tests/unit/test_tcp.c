/* SPDX-License-Identifier: MIT */
/* What the conformance suite cannot do to tcp: come between listen() and connect(). */
#include "base/option.h"
#include "mechanisms/registry.h"
#include "tests/support/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { MOST_STRANGERS = 10 };

static int strangers;         /* how many connect as soon as somebody listens */
static bool strangers_linger; /* else they are gone before they are accepted */
static int stranger_fds[MOST_STRANGERS];

static void come_first(int listener, int i)
{
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (getsockname(listener, (struct sockaddr *)&name, &length) != 0 ||
        connect(fd, (const struct sockaddr *)&name, length) != 0)
        abort();
    if (!strangers_linger) {
        /* With a reset: not even its address can be asked for any more. */
        const struct linger at_once = {.l_onoff = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(fd);
        fd = -1;
    }
    stranger_fds[i] = fd;
}

/* Taken in place of libc's by everything that is linked into this test. */
int listen(int fd, int backlog)
{
    int result = (int)syscall(SYS_listen, fd, backlog);
    for (int i = 0; result == 0 && i < strangers; i++)
        come_first(fd, i);
    return result;
}

struct tcp {
    const struct ipm_mechanism *mechanism;
    struct ipm_channel channel;
    unsigned char state[256];
    _Alignas(16) unsigned char options[256];
};

static void tcp_open(struct tcp *tcp, const char *nodelay)
{
    struct ipm_why why = {0};
    *tcp = (struct tcp){.mechanism = ipm_mechanism_find("tcp")};
    assert_non_null(tcp->mechanism);
    strangers = 0;
    if (tcp->mechanism->probe(&why) != 0) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    assert_true(tcp->mechanism->channel_size <= sizeof(tcp->state));
    assert_true(tcp->mechanism->options_size <= sizeof(tcp->options));
    ipm_option_defaults(tcp->mechanism->options, tcp->options);
    assert_int_equal(
        ipm_option_set(tcp->mechanism->options, tcp->options, "nodelay", nodelay, &why),
        0);
    tcp->channel = (struct ipm_channel){
        .mechanism = tcp->mechanism,
        .state = tcp->state,
        .config = {.max_message = 64, .batch = 1, .options = tcp->options},
    };
}

/* The two descriptors are each other's ends. */
static void expect_connected(const struct tcp *tcp)
{
    assert_int_equal(tcp->channel.n_fds, 2);
    for (int i = 0; i < 2; i++) {
        char byte = 0;
        assert_int_equal(send(tcp->channel.fds[i].fd, "x", 1, MSG_NOSIGNAL), 1);
        assert_int_equal(recv(tcp->channel.fds[1 - i].fd, &byte, 1, 0), 1);
        assert_int_equal(byte, 'x');
    }
}

static void with_strangers(bool linger)
{
    struct tcp tcp;
    struct ipm_why why = {0};
    tcp_open(&tcp, "true");
    strangers = MOST_STRANGERS;
    strangers_linger = linger;
    if (tcp.mechanism->create(&tcp.channel, &why) != 0)
        fail_msg("%s", why.text);
    expect_connected(&tcp);
    for (int i = 0; linger && i < strangers; i++) {
        char byte;
        assert_true(recv(stranger_fds[i], &byte, 1, 0) <= 0); /* was shown the door */
        (void)close(stranger_fds[i]);
    }
    tcp.mechanism->destroy(&tcp.channel);
}

static void test_strangers_first(void **state)
{
    (void)state;
    with_strangers(true);
}

static void test_strangers_gone(void **state)
{
    (void)state;
    with_strangers(false);
}

static void test_nodelay(void **state)
{
    (void)state;
    static const char *const texts[] = {"false", "true"};
    for (int wanted = 0; wanted < 2; wanted++) {
        struct tcp tcp;
        struct ipm_why why = {0};
        tcp_open(&tcp, texts[wanted]);
        assert_int_equal(tcp.mechanism->create(&tcp.channel, &why), 0);
        for (int i = 0; i < tcp.channel.n_fds; i++) {
            int on = -1;
            socklen_t length = sizeof(on);
            assert_int_equal(getsockopt(tcp.channel.fds[i].fd, IPPROTO_TCP, TCP_NODELAY,
                                        &on, &length),
                             0);
            assert_int_equal(on != 0, wanted);
        }
        tcp.mechanism->destroy(&tcp.channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers_first),
        cmocka_unit_test(test_strangers_gone),
        cmocka_unit_test(test_nodelay),
    };
    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
