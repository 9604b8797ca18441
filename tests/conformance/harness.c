/* SPDX-License-Identifier: MIT */
#include "tests/conformance/harness.h"

#include "base/clock.h"
#include "base/option.h"
#include "base/process.h"
#include "tests/conformance/leftovers.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *map_or_abort(size_t bytes, int sharing)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

int ipm_end_fail(struct ipm_end *end, const char *file, int line, const char *condition,
                 const char *format, ...)
{
    char *text = end->rig->board->sides[end->endpoint.side].text;
    size_t room = sizeof(end->rig->board->sides[0].text);
    int used = snprintf(text, room, "%s:%d: %s: ", file, line, condition);
    va_list arguments;
    va_start(arguments, format);
    if (used > 0 && (size_t)used < room)
        (void)vsnprintf(text + used, room - (size_t)used, format, arguments);
    va_end(arguments);
    return IPM_RIG_FAILED;
}

const char *ipm_rig_prefix(void)
{
    static char prefix[24];
    if (prefix[0] == '\0')
        (void)snprintf(prefix, sizeof(prefix), "conform-%d", (int)getpid());
    return prefix;
}

void ipm_rig_init(struct ipm_rig *rig, const struct ipm_setup *setup)
{
    static unsigned serial;
    const struct ipm_mechanism *mechanism = setup->mechanism;
    if (mechanism->options_size > sizeof(rig->options))
        abort();
    *rig = (struct ipm_rig){
        .state_bytes = mechanism->channel_size + 1, /* of 0 cannot be mapped */
        .board = map_or_abort(sizeof(*rig->board), MAP_SHARED),
    };
    rig->board->ends = 1 + (setup->readers > 0 ? setup->readers : 1);
    rig->channel = (struct ipm_channel){
        .mechanism = mechanism,
        .config = {.max_message = setup->max_message,
                   .depth = setup->depth,
                   .batch = setup->batch,
                   .wait = setup->wait,
                   .copies = setup->copies,
                   .duplex = setup->duplex},
        .state = map_or_abort(rig->state_bytes, MAP_SHARED),
    };
    (void)snprintf(rig->channel.config.directory, sizeof(rig->channel.config.directory),
                   "%s", ipm_isolated_directory());
    (void)snprintf(rig->channel.config.token, sizeof(rig->channel.config.token),
                   "%s-%u", ipm_rig_prefix(), ++serial);
    if (mechanism->options != NULL) {
        if (setup->options != NULL)
            memcpy(rig->options, setup->options, mechanism->options_size);
        else
            ipm_option_defaults(mechanism->options, rig->options);
        rig->channel.config.options = rig->options;
    }
}

void ipm_rig_fini(struct ipm_rig *rig)
{
    ipm_helper_stop(&rig->helper);
    rig->channel.mechanism->destroy(&rig->channel);
    (void)munmap(rig->channel.state, rig->state_bytes);
    (void)munmap(rig->board, sizeof(*rig->board));
}

int ipm_rig_open(struct ipm_rig *rig, const struct ipm_setup *setup,
                 struct ipm_why *why)
{
    ipm_rig_init(rig, setup);
    int error = setup->mechanism->create(&rig->channel, why);
    if (error == 0)
        error = ipm_helper_start(&rig->helper, &rig->channel, NULL,
                                 ipm_now_ns() + IPM_HELPER_SECONDS * IPM_NS_PER_SECOND,
                                 why);
    if (error != 0)
        ipm_rig_fini(rig);
    return error;
}

void ipm_end_init(struct ipm_end *end, struct ipm_rig *rig, enum ipm_side side)
{
    const struct ipm_channel_config *config = &rig->channel.config;
    const struct ipm_mechanism *mechanism = rig->channel.mechanism;
    const struct ipm_mode *mode = &mechanism->modes[config->copies];
    size_t state = (mechanism->endpoint_size + 4095) / 4096 * 4096;
    size_t stride = (config->max_message + IPM_CANARY + 63) / 64 * 64;
    *end = (struct ipm_end){
        .rig = rig,
        .mechanism = mechanism,
        .send_in_place = mode->send_in_place,
        .receive_in_place = mode->receive_in_place,
        .stride = stride,
        .mapped = state + IPM_RIG_BATCH * stride,
    };
    end->memory = map_or_abort(end->mapped, MAP_PRIVATE);
    end->buffers = (unsigned char *)end->memory + state;
    end->endpoint = (struct ipm_endpoint){
        .channel = &rig->channel,
        .side = side,
        .sends = side == IPM_SIDE_A || config->duplex,
        .receives = side == IPM_SIDE_B || config->duplex,
        .state = end->memory,
    };
}

int ipm_end_join(struct ipm_end *end, struct ipm_why *why)
{
    return end->mechanism->join != NULL ? end->mechanism->join(&end->endpoint, why) : 0;
}

int ipm_end_attach(struct ipm_end *end, bool meet, struct ipm_why *why)
{
    int error = end->mechanism->attach(&end->endpoint, why);
    atomic_fetch_add(&end->rig->board->attached, 1);
    if (error != 0 || !meet)
        return error;
    while (atomic_load(&end->rig->board->attached) < end->rig->board->ends)
        (void)sched_yield();
    return ipm_end_join(end, why);
}

int ipm_ends_attach(struct ipm_end ends[IPM_SIDES], struct ipm_why *why)
{
    int error = 0;
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = ipm_end_attach(&ends[side], false, why);
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = ipm_end_join(&ends[side], why);
    return error;
}

void ipm_end_fini(struct ipm_end *end)
{
    end->mechanism->detach(&end->endpoint);
    (void)munmap(end->memory, end->mapped);
}

static int run_part(struct ipm_rig *rig, enum ipm_side side, ipm_part *part,
                    void *argument)
{
    struct ipm_end end;
    struct ipm_why why = {0};
    ipm_end_init(&end, rig, side);
    int error = ipm_end_attach(&end, true, &why);
    if (error != 0)
        return ipm_end_fail(&end, __FILE__, __LINE__, "attach", "%s", why.text);
    uint64_t before = ipm_allocations();
    int result = part(&end, argument);
    atomic_store(&rig->board->sides[side].allocations, ipm_allocations() - before);
    ipm_end_fini(&end);
    return result;
}

/* One side takes the first CPU, the other the last: two that spin where the scheduler has put
 * them together wait for its tick at every message. */
static void use_own_cpu(enum ipm_side side)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return;
    int cpu = side == IPM_SIDE_A ? 0 : CPU_SETSIZE - 1;
    while (cpu >= 0 && cpu < CPU_SETSIZE && !CPU_ISSET((size_t)cpu, &allowed))
        cpu += side == IPM_SIDE_A ? 1 : -1;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET((size_t)cpu, &own);
    (void)sched_setaffinity(0, sizeof(own), &own);
}

pid_t ipm_rig_fork(struct ipm_rig *rig, enum ipm_side side, ipm_part *part,
                   void *argument)
{
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0)
        return pid;
    (void)ipm_die_with_parent(NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(IPM_WATCHDOG_SECONDS);
    use_own_cpu(side);
    ipm_helper_forget(&rig->helper);
    ipm_channel_keep(&rig->channel, side);
    _exit(run_part(rig, side, part, argument));
}

void ipm_rig_forked(struct ipm_rig *rig)
{
    ipm_channel_close(&rig->channel);
}

int ipm_rig_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            abort();
    }
    return status;
}

void ipm_stage_set(struct ipm_board *board, int stage)
{
    atomic_store(&board->stage, stage);
}

void ipm_stage_wait(struct ipm_board *board, int stage)
{
    while (atomic_load(&board->stage) < stage)
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

void ipm_expect_ended_well(const struct ipm_rig *rig, enum ipm_side side, int status)
{
    const struct ipm_channel_config *config = &rig->channel.config;
    bool may_allocate = (rig->channel.mechanism->capabilities & IPM_CAP_ALLOCATES) != 0;
    uint64_t allocations = atomic_load(&rig->board->sides[side].allocations);
    char variant[80];
    char text[IPM_STATUS_TEXT];
    (void)snprintf(variant, sizeof(variant), "wait %s, copies %d%s: side %s",
                   ipm_wait_names[config->wait], config->copies,
                   config->duplex ? ", duplex" : "", side == IPM_SIDE_A ? "a" : "b");
    if (status != 0)
        fail_msg("%s %s %s", variant, ipm_status_text(status, text),
                 rig->board->sides[side].text);
    if (allocations != 0 && !may_allocate)
        fail_msg("%s allocated %llu times after attach", variant,
                 (unsigned long long)allocations);
}

void ipm_pair_run(const struct ipm_setup *setup, ipm_part *part_a, ipm_part *part_b,
                  void *argument)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    if (ipm_rig_open(&rig, setup, &why) != 0)
        fail_msg("create: %s", why.text);
    pid_t a = ipm_rig_fork(&rig, IPM_SIDE_A, part_a, argument);
    pid_t b = ipm_rig_fork(&rig, IPM_SIDE_B, part_b, argument);
    ipm_rig_forked(&rig);
    /* One that failed leaves the other waiting for it: the alarm would come, but later. */
    int status[IPM_SIDES] = {0};
    int ended = 0;
    pid_t first = waitpid(-1, &ended, 0);
    if (first == rig.helper.pid) {
        char text[IPM_STATUS_TEXT];
        rig.helper.pid = 0;
        (void)kill(a, SIGKILL);
        (void)kill(b, SIGKILL);
        fail_msg("helper %s %s", rig.helper.name, ipm_status_text(ended, text));
    }
    status[first == a ? IPM_SIDE_A : IPM_SIDE_B] = ended;
    pid_t other = first == a ? b : a;
    if (ended != 0)
        (void)kill(other, SIGKILL);
    int last = ipm_rig_wait(other);
    status[other == a ? IPM_SIDE_A : IPM_SIDE_B] = ended != 0 ? 0 : last;
    ipm_expect_ended_well(&rig, IPM_SIDE_A, status[IPM_SIDE_A]);
    ipm_expect_ended_well(&rig, IPM_SIDE_B, status[IPM_SIDE_B]);
    ipm_rig_fini(&rig);
}

static int run_both(struct ipm_rig *rig, ipm_both_part *part, void *argument)
{
    struct ipm_end ends[IPM_SIDES];
    struct ipm_why why = {0};
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_end_init(&ends[side], rig, (enum ipm_side)side);
    if (ipm_ends_attach(ends, &why) != 0)
        return ipm_end_fail(&ends[IPM_SIDE_A], __FILE__, __LINE__, "attach", "%s",
                            why.text);
    uint64_t before = ipm_allocations();
    int result = part(&ends[IPM_SIDE_A], &ends[IPM_SIDE_B], argument);
    atomic_store(&rig->board->sides[IPM_SIDE_A].allocations,
                 ipm_allocations() - before);
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_end_fini(&ends[side]);
    return result;
}

void ipm_both_run(const struct ipm_setup *setup, ipm_both_part *part, void *argument)
{
    struct ipm_rig rig;
    struct ipm_why why = {0};
    if (ipm_rig_open(&rig, setup, &why) != 0)
        fail_msg("create: %s", why.text);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        (void)ipm_die_with_parent(NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)alarm(IPM_WATCHDOG_SECONDS);
        _exit(run_both(&rig, part, argument));
    }
    int status = ipm_rig_wait(pid);
    if (rig.board->sides[IPM_SIDE_B].text[0] != '\0')
        ipm_expect_ended_well(&rig, IPM_SIDE_B, status);
    ipm_expect_ended_well(&rig, IPM_SIDE_A, status);
    ipm_rig_fini(&rig);
}
