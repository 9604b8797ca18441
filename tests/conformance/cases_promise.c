/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/payload.h"
#include "base/process.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/syscalls.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <poll.h>

/* --- loan ------------------------------------------------------------------------------ */

enum { LOANS = 12, LOAN_BYTES = 100, LOAN_SPAN = 4 };

/* Reserves several, twice, and hands over only the first. */
static int loan_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    const struct ipm_mechanism *mechanism = end->mechanism;
    for (uint64_t i = 0; i < LOANS; i++) {
        struct ipm_span first[LOAN_SPAN];
        struct ipm_span again[LOAN_SPAN];
        size_t n = 0;
        size_t m = 0;
        int result = mechanism->reserve_n(&end->endpoint, LOAN_BYTES, first, LOAN_SPAN,
                                          IPM_FOREVER, &n);
        IPM_CHECK(end, result == 0 && n >= 1 && n <= LOAN_SPAN, "%d, %zu", result, n);
        ipm_payload_fill(first[0].data, LOAN_BYTES, 999); /* to be written over */
        result = mechanism->reserve_n(&end->endpoint, LOAN_BYTES, again, LOAN_SPAN,
                                      IPM_FOREVER, &m);
        IPM_CHECK(end, result == 0 && m >= n, "%d, %zu", result, m);
        for (size_t k = 0; k < n; k++) {
            IPM_CHECK(end, first[k].data == again[k].data, "span %zu moved", k);
            IPM_CHECK(end, again[k].length == LOAN_BYTES, "span %zu: %zu", k,
                      again[k].length);
        }
        ipm_payload_fill(again[0].data, LOAN_BYTES, i);
        if (m > 1)
            ipm_payload_fill(again[1].data, LOAN_BYTES, 888); /* stays with us */
        result = mechanism->publish_n(&end->endpoint, 1);
        IPM_CHECK(end, result == 0, "%d", result);
    }
    return 0;
}

/* Looks at several, twice, and gives back only the first. */
static int loan_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    const struct ipm_mechanism *mechanism = end->mechanism;
    for (uint64_t i = 0; i < LOANS; i++) {
        struct ipm_span first[LOAN_SPAN];
        struct ipm_span again[LOAN_SPAN];
        size_t n = 0;
        size_t m = 0;
        int result =
            mechanism->peek_n(&end->endpoint, first, LOAN_SPAN, IPM_FOREVER, &n);
        IPM_CHECK(end, result == 0 && n >= 1 && n <= LOAN_SPAN, "%d, %zu", result, n);
        result = mechanism->peek_n(&end->endpoint, again, LOAN_SPAN, IPM_FOREVER, &m);
        IPM_CHECK(end, result == 0 && m >= n, "%d, %zu", result, m);
        for (size_t k = 0; k < n; k++) {
            IPM_CHECK(end, first[k].data == again[k].data, "span %zu moved", k);
            IPM_CHECK(end, again[k].length == LOAN_BYTES, "span %zu: %zu", k,
                      again[k].length);
            IPM_CHECK(end, ipm_payload_verify(again[k].data, LOAN_BYTES, i + k, NULL),
                      "message %llu", (unsigned long long)(i + k));
        }
        result = mechanism->consume_n(&end->endpoint, 1);
        IPM_CHECK(end, result == 0, "%d", result);
    }
    return 0;
}

static void loan_variant(struct ipm_setup setup)
{
    /* In every mode: the hooks are there, whoever copies behind them. */
    setup.max_message = 256;
    ipm_pair_run(&setup, loan_send, loan_receive, NULL);
}

void ipm_case_loan(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (!ipm_suite_can(IPM_CAP_LOAN))
        ipm_suite_skip("no loan");
    ipm_each_variant(ipm_suite_setup(), true, loan_variant);
}

/* --- shared ---------------------------------------------------------------------------- */

static int shared_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct ipm_span span;
    size_t n = 0;
    int result = end->mechanism->reserve_n(&end->endpoint, LOAN_BYTES, &span, 1,
                                           IPM_FOREVER, &n);
    IPM_CHECK(end, result == 0 && n == 1, "%d", result);
    volatile unsigned char *byte = span.data;
    *byte = 1;
    result = end->mechanism->publish_n(&end->endpoint, 1);
    IPM_CHECK(end, result == 0, "%d", result);
    *byte = 2;
    ipm_stage_set(end->rig->board, 1);
    ipm_stage_wait(end->rig->board, 2);
    return 0;
}

static int shared_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct ipm_span span = {end->buffers, LOAN_BYTES};
    size_t n = 0;
    ipm_stage_wait(end->rig->board, 1);
    int result =
        end->receive_in_place
            ? end->mechanism->peek_n(&end->endpoint, &span, 1, IPM_FOREVER, &n)
            : end->mechanism->recv_n(&end->endpoint, &span, 1, IPM_FOREVER, &n);
    IPM_CHECK(end, result == 0 && n == 1, "%d", result);
    int expected = ipm_suite_can(IPM_CAP_SHARED) ? 2 : 1;
    int seen = *(const volatile unsigned char *)span.data;
    ipm_stage_set(end->rig->board, 2);
    IPM_CHECK(end, seen == expected, "saw what was written %s publish_n()",
              seen == 2 ? "after" : "before");
    return 0;
}

static void shared_variant(struct ipm_setup setup)
{
    if (!setup.mechanism->modes[setup.copies].send_in_place)
        return; /* the sender's message is copied: it has nothing that it could change */
    ipm_suite_tried();
    ipm_pair_run(&setup, shared_send, shared_receive, NULL);
}

void ipm_case_shared(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (!ipm_suite_can(IPM_CAP_LOAN))
        ipm_suite_skip("no loan: the sender has nothing that it could change");
    ipm_each_variant(ipm_suite_setup(), true, shared_variant);
    ipm_suite_skip_untried("no mode in which the sender writes in place");
}

/* --- pollfd ---------------------------------------------------------------------------- */

static int poll_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t accepted = 0;
    ipm_stage_wait(end->rig->board, 1);
    int result = ipm_put(end, end->rig->channel.config.max_message, 1, 3, IPM_FOREVER,
                         &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    ipm_stage_wait(end->rig->board, 2);
    return 0;
}

static int poll_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct pollfd entry = {.fd = end->mechanism->wait_fd(&end->endpoint),
                           .events = POLLIN};
    size_t length = end->rig->channel.config.max_message;
    IPM_CHECK(end, entry.fd >= 0, "%d", entry.fd);
    IPM_CHECK(end, poll(&entry, 1, 0) == 0, "readable while empty");
    ipm_stage_set(end->rig->board, 1);
    IPM_CHECK(end, poll(&entry, 1, -1) == 1, "poll");
    IPM_CHECK(end, (entry.revents & POLLIN) != 0, "events %x", (unsigned)entry.revents);
    struct ipm_got got;
    int result = ipm_get(end, &length, 1, 3, 0, &got);
    IPM_CHECK(end, result == 0 && got.n == 1 && !got.wrong, "%d %s", result, got.text);
    IPM_CHECK(end, poll(&entry, 1, 0) == 0, "readable after the only message");
    ipm_stage_set(end->rig->board, 2);
    return 0;
}

static void poll_variant(struct ipm_setup setup)
{
    setup.max_message = ipm_suite_can(IPM_CAP_TOKEN) ? 0 : 64;
    ipm_pair_run(&setup, poll_send, poll_receive, NULL);
}

void ipm_case_pollfd(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (!ipm_suite_can(IPM_CAP_POLLFD))
        ipm_suite_skip("no pollfd");
    ipm_each_variant(ipm_suite_setup(), false, poll_variant);
}

/* --- system calls per message ---------------------------------------------------------- */

enum { COUNTED = 100, NOT_TRACEABLE = 77 };

static int counted_rounds(struct ipm_end *a, struct ipm_end *b)
{
    size_t length = a->rig->channel.config.max_message;
    bool carries = !ipm_suite_can(IPM_CAP_LOCAL);
    for (uint64_t i = 0; i < 2 * COUNTED; i++) {
        size_t accepted = 0;
        struct ipm_got got;
        if (i == COUNTED) /* the first half settles modes and first touches */
            ipm_syscalls_mark();
        int result = ipm_put(a, length, 1, i, IPM_FOREVER, &accepted);
        IPM_CHECK(a, result == 0, "%d", result);
        result = ipm_get(b, &length, 1, i, IPM_FOREVER, &got);
        IPM_CHECK(b, result == 0 && (!got.wrong || !carries), "%d %s", result,
                  got.text);
    }
    ipm_syscalls_mark();
    return 0;
}

/* One process holds both ends, so that nobody ever has to wait. */
static int counted_child(struct ipm_rig *rig)
{
    struct ipm_end ends[IPM_SIDES];
    struct ipm_why why = {0};
    if (ipm_syscalls_offer(&why) != 0)
        return NOT_TRACEABLE;
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_end_init(&ends[side], rig, (enum ipm_side)side);
    if (ipm_ends_attach(ends, &why) != 0)
        return ipm_end_fail(&ends[IPM_SIDE_A], __FILE__, __LINE__, "attach", "%s",
                            why.text);
    return counted_rounds(&ends[IPM_SIDE_A], &ends[IPM_SIDE_B]);
}

static void system_calls_variant(struct ipm_setup setup)
{
    double claimed = setup.mechanism->modes[setup.copies].facts.system_calls;
    struct ipm_why why = {0};
    struct ipm_rig rig;
    if (claimed == IPM_VARIES) {
        print_message("copies %d: system calls vary, nothing claimed\n", setup.copies);
        return;
    }
    ipm_suite_tried();
    setup.max_message = ipm_suite_can(IPM_CAP_TOKEN) ? 0 : 64;
    if (ipm_rig_open(&rig, &setup, &why) != 0)
        fail_msg("create: %s", why.text);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)ipm_die_with_parent(NULL);
        (void)alarm(IPM_WATCHDOG_SECONDS);
        _exit(counted_child(&rig));
    }
    uint64_t calls = 0;
    int status = 0;
    int error = ipm_syscalls_count(pid, &calls, &status, &why);
    if (error != 0) {
        (void)kill(pid, SIGKILL);
        const char *text = rig.board->sides[IPM_SIDE_A].text;
        if (text[0] == '\0')
            text = rig.board->sides[IPM_SIDE_B].text;
        fail_msg("%s %s", why.text, text);
    }
    ipm_expect_ended_well(&rig, IPM_SIDE_A, status);
    ipm_rig_fini(&rig);
    double counted = (double)calls / COUNTED;
    if (counted != claimed)
        fail_msg("wait %s, copies %d: %g system calls per message, %g claimed",
                 ipm_wait_names[setup.wait], setup.copies, counted, claimed);
}

static int offer_only(void *context)
{
    (void)context;
    struct ipm_why why = {0};
    if (ipm_syscalls_offer(&why) != 0)
        return NOT_TRACEABLE;
    ipm_syscalls_mark();
    ipm_syscalls_mark();
    return 0;
}

void ipm_case_system_calls(void **state)
{
    (void)state;
    /* Where processes may not be traced (a container, a debugger above us) there is no way
     * to count. */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(offer_only(NULL));
    uint64_t calls = 0;
    int status = 0;
    struct ipm_why why = {0};
    int error = ipm_syscalls_count(pid, &calls, &status, &why);
    if (error != 0)
        ipm_suite_skip(why.text);
    ipm_each_variant(ipm_suite_setup(), true, system_calls_variant);
    ipm_suite_skip_untried("no number is claimed");
}
