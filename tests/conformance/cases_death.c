/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

enum {
    STAGE_READY = 1,
    STAGE_DEAD = 2,
    UNSEEN = 1000, /* messages to a dead receiver that nothing tells us of */
};

struct death {
    enum ipm_side victim;
    bool killed;            /* by SIGKILL; else it detaches and exits */
    int64_t *seen_after_ns; /* if not NULL: from the kill to the survivor's return */
};

/* Without EOF the survivor must get away by its deadline; with it, by itself. */
static int64_t patience_ns(void)
{
    return ipm_suite_can(IPM_CAP_EOF) ? IPM_FOREVER : ipm_soon_ns();
}

static bool is_end(int result)
{
    return result == IPM_CLOSED || (result == IPM_AGAIN && !ipm_suite_can(IPM_CAP_EOF));
}

static int die(struct ipm_end *end, const struct death *death)
{
    ipm_stage_set(end->rig->board, STAGE_READY);
    while (death->killed)
        (void)pause();
    return 0;
}

/* What a thread of the sender still has to carry dies with it: a promise is only what has
 * arrived by then.  So the one that is to be killed waits for that. */
static bool carried_by_threads(const struct death *death)
{
    return ipm_suite_can(IPM_CAP_THREADS) && death->killed &&
           death->victim == IPM_SIDE_A;
}

static int dying_send(struct ipm_end *end, void *argument)
{
    const struct death *death = argument;
    size_t length = end->rig->channel.config.max_message;
    size_t accepted = 0;
    int result = ipm_put(end, length, 1, 1, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    while (carried_by_threads(death) && atomic_load(&end->rig->board->value) == 0)
        (void)usleep(200);
    if (death->victim == end->endpoint.side)
        return die(end, death);
    ipm_stage_wait(end->rig->board, STAGE_DEAD);
    if (ipm_suite_can(IPM_CAP_LOSSY)) {
        /* The writer waits for nobody, so it does not miss anybody either. */
        for (uint64_t i = 0; i < 1000; i++) {
            result = ipm_put(end, length, 1, i, 0, &accepted);
            IPM_CHECK(end, result == 0 && accepted == 1, "%d", result);
        }
        return 0;
    }
    bool unseen = ipm_endless(&end->rig->channel) && !ipm_suite_can(IPM_CAP_EOF);
    for (uint64_t i = 0; result == 0; i++) {
        if (unseen && i == UNSEEN)
            return 0;
        IPM_CHECK(end, i < IPM_ENDLESS, "a dead receiver takes everything");
        result = ipm_put(end, length, 1, i, patience_ns(), &accepted);
    }
    IPM_CHECK(end, is_end(result), "%d", result);
    result = ipm_put(end, length, 1, 0, patience_ns(), &accepted);
    IPM_CHECK(end, is_end(result), "once more: %d", result);
    return 0;
}

static int dying_receive(struct ipm_end *end, void *argument)
{
    const struct death *death = argument;
    size_t length = end->rig->channel.config.max_message;
    struct ipm_got got;
    bool survives = death->victim != end->endpoint.side;
    if (survives && !carried_by_threads(death))
        ipm_stage_wait(end->rig->board, STAGE_DEAD);
    int result = ipm_get(end, &length, 1, 1, IPM_FOREVER, &got);
    bool lost = survives && death->killed && ipm_suite_can(IPM_CAP_VOLATILE);
    if (lost) {
        IPM_CHECK(end, result == IPM_CLOSED, "nobody has what was sent: %d", result);
    } else {
        IPM_CHECK(end, result == 0 && got.n == 1, "what the dead one had sent: %d",
                  result);
        IPM_CHECK(end, !got.wrong, "%s", got.text);
    }
    if (!survives)
        return die(end, death);
    atomic_store(&end->rig->board->value, 1);
    ipm_stage_wait(end->rig->board, STAGE_DEAD);
    for (int i = 0; i < 2; i++) {
        result = ipm_get(end, &length, 1, 1, patience_ns(), &got);
        IPM_CHECK(end, is_end(result) && got.n == 0, "call %d: %d", i, result);
    }
    return 0;
}

/* Runs both parts, ends the victim as asked, and judges the survivor alone. */
static void death_run(const struct ipm_setup *setup, struct death death,
                      ipm_part *send_part, ipm_part *receive_part)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    enum ipm_side survivor = death.victim == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
    if (ipm_rig_open(&rig, setup, &why) != 0)
        fail_msg("create: %s", why.text);
    if (survivor == IPM_SIDE_A && ipm_endless(&rig.channel) &&
        !ipm_suite_can(IPM_CAP_EOF))
        print_message("wait %s: no eof, and perhaps never full: at most %d are sent to "
                      "a dead receiver\n",
                      ipm_wait_names[setup->wait], UNSEEN);
    pid_t pids[IPM_SIDES] = {
        ipm_rig_fork(&rig, IPM_SIDE_A, send_part, &death),
        ipm_rig_fork(&rig, IPM_SIDE_B, receive_part, &death),
    };
    ipm_rig_forked(&rig);
    int status = 0;
    int64_t killed_ns = 0;
    if (death.killed) {
        /* A part that fails before it is ready must not hang us. */
        while (atomic_load(&rig.board->stage) < STAGE_READY &&
               rig.board->sides[death.victim].text[0] == '\0' &&
               rig.board->sides[survivor].text[0] == '\0')
            (void)usleep(200);
        (void)usleep(20000); /* time to fall asleep; nothing depends on it */
        killed_ns = ipm_now_ns();
        (void)kill(pids[death.victim], SIGKILL);
        status = ipm_rig_wait(pids[death.victim]);
        if (!WIFSIGNALED(status))
            ipm_expect_ended_well(&rig, death.victim, status);
    } else {
        ipm_expect_ended_well(&rig, death.victim, ipm_rig_wait(pids[death.victim]));
    }
    ipm_stage_set(rig.board, STAGE_DEAD);
    ipm_expect_ended_well(&rig, survivor, ipm_rig_wait(pids[survivor]));
    if (death.seen_after_ns != NULL)
        *death.seen_after_ns = (int64_t)atomic_load(&rig.board->value) - killed_ns;
    ipm_rig_fini(&rig);
}

static bool can_get_away(enum ipm_wait wait)
{
    bool can = ipm_suite_can(IPM_CAP_EOF) || ipm_suite_timed(wait);
    if (!can)
        print_message("wait %s: neither eof nor timed, so nothing to promise\n",
                      ipm_wait_names[wait]);
    else
        ipm_suite_tried();
    return can;
}

static void sender_dies_variant(struct ipm_setup setup)
{
    if (!can_get_away(setup.wait))
        return;
    for (int killed = 0; killed < 2; killed++)
        death_run(&setup, (struct death){IPM_SIDE_A, killed != 0, NULL}, dying_send,
                  dying_receive);
}

static void receiver_dies_variant(struct ipm_setup setup)
{
    if (!can_get_away(setup.wait))
        return;
    for (int killed = 0; killed < 2; killed++)
        death_run(&setup, (struct death){IPM_SIDE_B, killed != 0, NULL}, dying_send,
                  dying_receive);
}

void ipm_case_sender_dies(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_LOCAL))
        ipm_suite_skip("local: there is no peer to die");
    ipm_each_variant(ipm_suite_setup(), false, sender_dies_variant);
    ipm_suite_skip_untried("neither eof nor timed: nothing is promised");
}

void ipm_case_receiver_dies(void **state)
{
    (void)state;
    ipm_suite_skip_call();
    if (ipm_suite_can(IPM_CAP_FLOOR))
        ipm_suite_skip("a floor has no queue that a dead peer could leave full");
    ipm_each_variant(ipm_suite_setup(), false, receiver_dies_variant);
    ipm_suite_skip_untried("neither eof nor timed: nothing is promised");
}

static int idle(struct ipm_end *end, void *argument)
{
    (void)end;
    const struct death *death = argument;
    while (death->killed)
        (void)pause();
    return 0;
}

static int waiting_receive(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    struct ipm_got got;
    ipm_stage_set(end->rig->board, STAGE_READY);
    int result = ipm_get(end, &length, 1, 1, IPM_FOREVER, &got);
    atomic_store(&end->rig->board->value, (uint64_t)ipm_now_ns());
    IPM_CHECK(end, result == IPM_CLOSED, "%d", result);
    return 0;
}

static int waiting_send(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    int result = 0;
    for (uint64_t i = 0; result == 0; i++) {
        size_t accepted = 0;
        IPM_CHECK(end, i < IPM_ENDLESS, "never full");
        ipm_stage_set(end->rig->board, STAGE_READY);
        result = ipm_put(end, length, 1, i, IPM_FOREVER, &accepted);
    }
    atomic_store(&end->rig->board->value, (uint64_t)ipm_now_ns());
    IPM_CHECK(end, result == IPM_CLOSED, "%d", result);
    return 0;
}

enum { PROMPT_TRIES = 8, PROMPT_NS = 100000000 };

/* The best of several: a busy machine may keep the survivor off its CPU. */
static void waiting_side(const struct ipm_setup *setup, enum ipm_side victim)
{
    int64_t best_ns = IPM_FOREVER;
    for (int i = 0; i < PROMPT_TRIES && best_ns > PROMPT_NS; i++) {
        int64_t seen_after_ns = 0;
        struct death death = {victim, true, &seen_after_ns};
        if (victim == IPM_SIDE_A)
            death_run(setup, death, idle, waiting_receive);
        else
            death_run(setup, death, waiting_send, idle);
        best_ns = seen_after_ns < best_ns ? seen_after_ns : best_ns;
    }
    if (best_ns > PROMPT_NS)
        fail_msg("wait %s: the death of side %s was seen after %lld ms at best",
                 ipm_wait_names[setup->wait], victim == IPM_SIDE_A ? "a" : "b",
                 (long long)(best_ns / 1000000));
}

static int calling(struct ipm_end *end, void *argument)
{
    const struct death *death = argument;
    size_t length = end->rig->channel.config.max_message;
    size_t accepted = 0;
    struct ipm_got got;
    int result = ipm_put(end, length, 1, 0, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == 0, "%d", result);
    if (death->victim != end->endpoint.side)
        ipm_stage_set(end->rig->board, STAGE_READY);
    result = ipm_get(end, &length, 1, 0, IPM_FOREVER, &got);
    IPM_CHECK(end, result == IPM_CLOSED, "%d", result);
    return 0;
}

/* Takes the request, and never answers. */
static int called(struct ipm_end *end, void *argument)
{
    size_t length = end->rig->channel.config.max_message;
    struct ipm_got got;
    int result = ipm_get(end, &length, 1, 0, IPM_FOREVER, &got);
    IPM_CHECK(end, result == 0 && !got.wrong, "%d %s", result, got.text);
    return idle(end, argument);
}

/* Answers a caller that is dead. */
static int answering(struct ipm_end *end, void *argument)
{
    (void)argument;
    size_t length = end->rig->channel.config.max_message;
    size_t accepted = 0;
    struct ipm_got got;
    int result = ipm_get(end, &length, 1, 0, IPM_FOREVER, &got);
    IPM_CHECK(end, result == 0 && !got.wrong, "%d %s", result, got.text);
    ipm_stage_set(end->rig->board, STAGE_READY); /* the caller is inside its call */
    ipm_stage_wait(end->rig->board, STAGE_DEAD);
    result = ipm_put(end, length, 1, 0, IPM_FOREVER, &accepted);
    IPM_CHECK(end, result == IPM_CLOSED, "%d", result);
    return 0;
}

static void calling_variant(struct ipm_setup setup)
{
    death_run(&setup, (struct death){IPM_SIDE_A, true, NULL}, idle, waiting_receive);
    death_run(&setup, (struct death){IPM_SIDE_A, true, NULL}, calling, answering);
    death_run(&setup, (struct death){IPM_SIDE_B, true, NULL}, calling, idle);
    death_run(&setup, (struct death){IPM_SIDE_B, true, NULL}, calling, called);
}

static void waiting_variant(struct ipm_setup setup)
{
    waiting_side(&setup, IPM_SIDE_A);
    waiting_side(&setup, IPM_SIDE_B);
}

void ipm_case_dies_while_peer_waits(void **state)
{
    (void)state;
    if (!ipm_suite_can(IPM_CAP_EOF))
        ipm_suite_skip("no eof: whoever waits for ever is the worker's to kill");
    ipm_each_variant(ipm_suite_setup(), false,
                     ipm_suite_can(IPM_CAP_CALL) ? calling_variant : waiting_variant);
}
