/* SPDX-License-Identifier: MIT */
#include "base/process.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/traffic.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

/*
 * Wake-ups per message in lock-step.  Who waits for a message sleeps, and each time it goes
 * to sleep is one voluntary task switch, which the kernel counts; being pushed off the CPU
 * by somebody else is not one.  Nobody sends before the peer sleeps, so that a receiver
 * that was kept from asking in time does not find its message there already.  One CPU for
 * both, so that whoever looks does not do so in the middle of the other's falling asleep.
 */
enum {
    SETTLING = 100, /* rounds: first touches, modes, adaptive waits */
    ROUNDS = 400,   /* counted; two messages each */
    TRIES = 8,      /* the best counts */
};

static const double tolerance = 0.1; /* of the declared value; of 1 if that is 0 */

/* One channel that carries both directions, or one there and one back. */
struct lock_step {
    struct ipm_rig rigs[2];
    size_t n_rigs;
    size_t cpu;
    _Atomic pid_t *players; /* shared; [0] is the first, 0: not there yet */
};

static enum ipm_side side_of(bool first, size_t rig)
{
    return first == (rig == 0) ? IPM_SIDE_A : IPM_SIDE_B;
}

static void use_cpu(size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        abort();
}

/* The peer's entry in /proc, which says whether it runs. */
static int open_peer(const struct lock_step *step, bool first)
{
    char path[64];
    pid_t peer = 0;
    while ((peer = atomic_load(&step->players[first])) == 0)
        (void)sched_yield();
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)peer);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        abort();
    return fd;
}

/* Without a voluntary switch of our own. */
static void await_sleep(int peer)
{
    for (;;) {
        char text[128] = "";
        const char *state = NULL;
        if (pread(peer, text, sizeof(text) - 1, 0) > 0)
            state = strrchr(text, ')'); /* pid (name) state ... */
        if (state == NULL || state[1] != ' ' || state[2] != 'R')
            return; /* it sleeps, or is gone */
        (void)sched_yield();
    }
}

static uint64_t voluntary_switches(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_nvcsw;
}

static int attach_all(struct lock_step *step, struct ipm_end *ends, bool first)
{
    struct ipm_why why = {0};
    for (size_t i = 0; i < step->n_rigs; i++) {
        ipm_end_init(&ends[i], &step->rigs[i], side_of(first, i));
        int error = ipm_end_attach(&ends[i], false, &why);
        IPM_CHECK(&ends[i], error == 0, "attach: %s", why.text);
    }
    for (size_t i = 0; i < step->n_rigs; i++) {
        while (atomic_load(&step->rigs[i].board->attached) < step->rigs[i].board->ends)
            (void)sched_yield();
        int error = ipm_end_join(&ends[i], &why);
        IPM_CHECK(&ends[i], error == 0, "join: %s", why.text);
    }
    return 0;
}

static int rounds(struct ipm_end *out, struct ipm_end *in, bool first, int peer)
{
    size_t length = out->rig->channel.config.max_message;
    uint64_t before = 0;
    for (uint64_t i = 0; i < SETTLING + ROUNDS; i++) {
        if (i == SETTLING)
            before = voluntary_switches();
        for (int half = 0; half < 2; half++) {
            size_t accepted = 0;
            struct ipm_got got = {0};
            if (first == (half == 0)) {
                await_sleep(peer);
                int result = ipm_put(out, length, 1, i, IPM_FOREVER, &accepted);
                IPM_CHECK(out, result == 0, "round %llu: %d", (unsigned long long)i,
                          result);
                continue;
            }
            int result = ipm_get(in, &length, 1, i, IPM_FOREVER, &got);
            IPM_CHECK(in, result == 0 && !got.wrong, "round %llu: %d %s",
                      (unsigned long long)i, result, got.text);
        }
    }
    (void)atomic_fetch_add(&out->rig->board->value, voluntary_switches() - before);
    return 0;
}

static pid_t fork_player(struct lock_step *step, bool first)
{
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0)
        return pid;
    struct ipm_end ends[2];
    (void)ipm_die_with_parent(NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(IPM_WATCHDOG_SECONDS);
    use_cpu(step->cpu);
    atomic_store(&step->players[!first], getpid());
    for (size_t i = 0; i < step->n_rigs; i++)
        ipm_channel_keep(&step->rigs[i].channel, side_of(first, i));
    int result = attach_all(step, ends, first);
    if (result != 0)
        _exit(result);
    size_t last = step->n_rigs - 1;
    int peer = open_peer(step, first);
    result = rounds(&ends[first ? 0 : last], &ends[first ? last : 0], first, peer);
    for (size_t i = 0; i < step->n_rigs; i++)
        ipm_end_fini(&ends[i]);
    _exit(result);
}

static void expect_ended_well(const struct lock_step *step, bool first, int status)
{
    /* A check that failed wrote its text on one of the boards. */
    for (size_t i = step->n_rigs - 1; i > 0; i--) {
        if (step->rigs[i].board->sides[side_of(first, i)].text[0] != '\0')
            ipm_expect_ended_well(&step->rigs[i], side_of(first, i), status);
    }
    ipm_expect_ended_well(&step->rigs[0], side_of(first, 0), status);
}

/* Voluntary switches of both sides per message. */
static double count_switches(const struct ipm_setup *setup, size_t cpu)
{
    struct lock_step step = {
        .n_rigs = setup->duplex ? 1 : 2,
        .cpu = cpu,
        .players = mmap(NULL, 2 * sizeof(*step.players), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0),
    };
    if (step.players == MAP_FAILED)
        abort();
    struct ipm_why why = {0};
    for (size_t i = 0; i < step.n_rigs; i++) {
        if (ipm_rig_open(&step.rigs[i], setup, &why) != 0)
            fail_msg("create: %s", why.text);
    }
    pid_t first = fork_player(&step, true);
    pid_t second = fork_player(&step, false);
    for (size_t i = 0; i < step.n_rigs; i++)
        ipm_rig_forked(&step.rigs[i]);
    int status = 0;
    bool first_ended = waitpid(-1, &status, 0) == first;
    if (status != 0) /* the other waits for it */
        (void)kill(first_ended ? second : first, SIGKILL);
    int other = ipm_rig_wait(first_ended ? second : first);
    expect_ended_well(&step, first_ended, status);
    expect_ended_well(&step, !first_ended, other);
    uint64_t switches = 0;
    for (size_t i = 0; i < step.n_rigs; i++) {
        switches += atomic_load(&step.rigs[i].board->value);
        ipm_rig_fini(&step.rigs[i]);
    }
    (void)munmap(step.players, 2 * sizeof(*step.players));
    return (double)switches / (2.0 * ROUNDS);
}

static size_t first_cpu(void)
{
    cpu_set_t set;
    size_t cpu = 0;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &set))
        cpu++;
    return cpu;
}

static void wakeups_variant(struct ipm_setup setup)
{
    double claimed = setup.mechanism->modes[setup.copies].facts.wakeups;
    if (setup.wait != IPM_WAIT_BLOCK)
        return;
    setup.max_message = ipm_suite_can(IPM_CAP_TOKEN) ? 0 : 64;
    setup.duplex = ipm_suite_can(IPM_CAP_DUPLEX);
    setup.depth = 0;
    setup.batch = 1;
    if (claimed != IPM_VARIES)
        ipm_suite_tried();
    double best = NAN;
    int tries = claimed == IPM_VARIES ? 1 : TRIES;
    double allowed = tolerance * (claimed == 0 ? 1 : claimed);
    for (int i = 0; i < tries && !(fabs(best - claimed) <= allowed); i++) {
        double counted = count_switches(&setup, first_cpu());
        if (isnan(best) || fabs(counted - claimed) < fabs(best - claimed))
            best = counted;
    }
    if (claimed == IPM_VARIES)
        print_message("copies %d: wake-ups vary, nothing claimed; %g per message now\n",
                      setup.copies, best);
    else if (!(fabs(best - claimed) <= allowed))
        fail_msg("copies %d: %g wake-ups per message in lock-step, %g claimed",
                 setup.copies, best, claimed);
}

void ipm_case_wakeups(void **state)
{
    (void)state;
    bool blocks = false;
    if (ipm_suite_can(IPM_CAP_LOCAL) || ipm_suite_can(IPM_CAP_FLOOR))
        ipm_suite_skip("a floor wakes nobody");
    if (ipm_suite_can(IPM_CAP_BROKER))
        ipm_suite_skip("the broker's wake-ups are not the two ends' to count");
    for (int copies = 0; copies < IPM_MODES; copies++)
        blocks = blocks || ipm_suite.survey.possible[IPM_WAIT_BLOCK][copies];
    if (!blocks)
        ipm_suite_skip("wait block is not possible: nobody sleeps");
    ipm_each_variant(ipm_suite_setup(), true, wakeups_variant);
    ipm_suite_skip_untried("no number is claimed");
}
