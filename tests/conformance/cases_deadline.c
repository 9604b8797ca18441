/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

/*
 * A stream of messages whose sender and receiver both keep running out of time: a call that
 * gives up, or is cancelled, while its message moves must neither lose nor repeat it.
 */
enum { MESSAGES = 1500, LONGEST_NS = 60000 };

struct haste {
    uint64_t state;
};

/* Now or soon, in turn with a try that does not wait at all. */
static int64_t hasty_ns(struct haste *haste)
{
    uint64_t value = ipm_test_random(&haste->state);
    return value % 4 == 0 ? 0 : ipm_now_ns() + (int64_t)(value >> 8) % LONGEST_NS;
}

static int hasty_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct haste haste = {1};
    struct ipm_script script = ipm_script_new(end, 21);
    script.batch = 1;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        size_t length = ipm_script_next(&script, NULL);
        int result = IPM_AGAIN;
        while (result == IPM_AGAIN) {
            size_t accepted = 1;
            result = ipm_put(end, length, 1, i, hasty_ns(&haste), &accepted);
            IPM_CHECK(end, accepted == (result == 0), "%zu accepted with %d", accepted,
                      result);
        }
        IPM_CHECK(end, result == 0, "message %llu: %d", (unsigned long long)i, result);
    }
    return 0;
}

static int hasty_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    struct haste haste = {2};
    struct ipm_script script = ipm_script_new(end, 21);
    script.batch = 1;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        size_t length = ipm_script_next(&script, NULL);
        struct ipm_got got = {0};
        int result = IPM_AGAIN;
        while (result == IPM_AGAIN)
            result = ipm_get(end, &length, 1, i, hasty_ns(&haste), &got);
        IPM_CHECK(end, result == 0 && got.n == 1, "message %llu: %d",
                  (unsigned long long)i, result);
        IPM_CHECK(end, !got.wrong, "message %llu: %s", (unsigned long long)i, got.text);
    }
    return 0;
}

static void hasty_variant(struct ipm_setup setup)
{
    if (!ipm_suite_timed(setup.wait)) {
        print_message("wait %s: not timed, so no deadline to keep\n",
                      ipm_wait_names[setup.wait]);
        return;
    }
    ipm_suite_tried();
    setup.depth = 2;
    if (!ipm_suite_can(IPM_CAP_TOKEN))
        setup.max_message = ipm_suite.max_message < 9000 ? ipm_suite.max_message : 9000;
    ipm_pair_run(&setup, hasty_send, hasty_receive, NULL);
}

void ipm_case_deadlines(void **state)
{
    (void)state;
    if (ipm_suite_can(IPM_CAP_LOCAL) || ipm_suite_can(IPM_CAP_LOSSY))
        ipm_suite_skip("nothing has to arrive");
    ipm_each_variant(ipm_suite_setup(), true, hasty_variant);
    ipm_suite_skip_untried("no deadline is promised");
}
