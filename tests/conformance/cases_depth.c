/* SPDX-License-Identifier: MIT */
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <unistd.h>

/*
 * What becomes of the depth asked for: the room that create() reports against what the
 * sender gets rid of while nobody receives.  How the two relate to the depth is a fact of
 * each mechanism (docs/method.md, "Queue depth"), printed and not judged; that the report is
 * true is.
 */
enum {
    MOST = 4096,         /* counted no further */
    CARRYING_US = 20000, /* for messages that the kernel is still carrying on */
    FULL = 1,            /* stage: nobody sends any more */
};

static int fill(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    uint64_t sent = 0;
    for (int refused = 0; refused < 2 && sent < MOST;) {
        size_t accepted = 0;
        int result = ipm_put(end, length, 1, sent, 0, &accepted);
        IPM_CHECK(end, result == (accepted == 1 ? 0 : IPM_AGAIN),
                  "message %llu: %d, %zu accepted", (unsigned long long)sent, result,
                  accepted);
        sent += accepted;
        refused = accepted > 0 ? 0 : refused + 1;
        if (refused == 1)
            (void)usleep(CARRYING_US);
    }
    atomic_store(&end->rig->board->value, sent);
    ipm_stage_set(end->rig->board, FULL);
    return 0;
}

static int look_on(struct ipm_end *end, void *argument)
{
    (void)argument;
    ipm_stage_wait(end->rig->board, FULL);
    return 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Is what create() reported, on a channel of that depth, what was taken? */
static void judge(const struct ipm_channel *channel, int64_t taken)
{
    const struct ipm_capacity *capacity = &channel->capacity;
    const struct ipm_channel_config *config = &channel->config;
    int64_t depth = (int64_t)config->depth;
    int64_t length = (int64_t)config->max_message;
    int64_t room = capacity->messages;
    int64_t limit = channel->mechanism->limits.in_flight;
    if (room < IPM_VARIES || room == 0 || capacity->bytes < IPM_VARIES)
        fail_msg("depth %lld: room for %lld messages, %lld bytes", (long long)depth,
                 (long long)room, (long long)capacity->bytes);
    /* Where only the bytes are known, what frames cost may take from them, but not so much
     * that fewer than the depth fit, unless the bytes alone are too few. */
    int64_t promised = room != IPM_VARIES ? room
                       : capacity->bytes > 0 && length > 0
                           ? least(depth, capacity->bytes / length)
                           : 1;
    if (taken < least(promised, MOST))
        fail_msg("depth %lld, %lld bytes: took %lld of the %lld that fit",
                 (long long)depth, (long long)length, (long long)taken,
                 (long long)promised);
    /* A queue that holds far more than it says would spoil a comparison at equal depth. */
    if (room != IPM_VARIES && taken > 2 * least(room, MOST))
        fail_msg("depth %lld, %lld bytes: took %lld, reports room for %lld",
                 (long long)depth, (long long)length, (long long)taken,
                 (long long)room);
    if (limit > 0 && taken > limit)
        fail_msg("depth %lld: took %lld, its limit is %lld", (long long)depth,
                 (long long)taken, (long long)limit);
}

static void depth_row(struct ipm_setup setup)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    if (ipm_rig_open(&rig, &setup, &why) != 0)
        fail_msg("create, depth %zu: %s", setup.depth, why.text);
    pid_t sender = ipm_rig_fork(&rig, IPM_SIDE_A, fill, NULL);
    pid_t receiver = ipm_rig_fork(&rig, IPM_SIDE_B, look_on, NULL);
    ipm_rig_forked(&rig);
    int status = ipm_rig_wait(sender);
    if (status != 0)
        (void)kill(receiver, SIGKILL);
    int other = ipm_rig_wait(receiver);
    ipm_expect_ended_well(&rig, IPM_SIDE_A, status);
    ipm_expect_ended_well(&rig, IPM_SIDE_B, other);
    int64_t taken = (int64_t)atomic_load(&rig.board->value);
    int64_t room = rig.channel.capacity.messages;
    char reported[24] = "unknown";
    if (room != IPM_VARIES)
        (void)snprintf(reported, sizeof(reported), "%lld", (long long)room);
    print_message("depth %zu of %zu bytes: room %s, took %lld%s\n", setup.depth,
                  setup.max_message, reported, (long long)taken,
                  taken == MOST ? " and more" : "");
    judge(&rig.channel, taken);
    ipm_rig_fini(&rig);
}

void ipm_case_depth(void **state)
{
    (void)state;
    static const size_t depths[] = {4, 16, 64};
    static const size_t lengths[] = {64, 4096};
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_FLOOR))
        ipm_suite_skip("a floor has no queue");
    if (ipm_suite_can(IPM_CAP_LOSSY))
        ipm_suite_skip("never full: the case `lossy` checks what happens instead");
    bool token = ipm_suite_can(IPM_CAP_TOKEN);
    for (size_t i = 0; i < (token ? 1 : IPM_TEST_ROWS(lengths)); i++) {
        if (!token && lengths[i] > ipm_suite.max_message) {
            print_message("%zu bytes: longer than any message here\n", lengths[i]);
            continue;
        }
        for (size_t k = 0; k < IPM_TEST_ROWS(depths); k++) {
            struct ipm_setup setup = ipm_suite_setup();
            setup.max_message = token ? 0 : lengths[i];
            setup.depth = depths[k];
            setup.batch = 1;
            depth_row(setup);
        }
    }
}
