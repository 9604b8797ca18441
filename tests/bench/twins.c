/* SPDX-License-Identifier: MIT */
/*
 * bench_twins: what the worker does with four mechanisms, as a loop with nothing around it,
 * so that floors.sh can say what the worker adds.
 *
 *     bench_twins MECHANISM SIZE ROUNDS CPU_A CPU_B [WORKLOAD [ROOM [COPIES [SPAN]]]]
 *
 * MECHANISM  pipe, unix_stream, posix_mq: wait block; shm_ring: wait spin, to 56 bytes, a
 *            ring that is inlined here; shm_ring_hooks: our own, called through its table
 * ROUNDS     operations between two reads of the clock (the worker's timing_batch)
 * WORKLOAD   pingpong or stream
 * ROOM       what the worker's record says it was granted: bytes of a pipe, SO_SNDBUF of a
 *            socket, messages of a queue; 0: as it comes
 * COPIES     rings: 0 or 2
 * SPAN       rings: messages per call of a stream
 *
 * Prints nanoseconds per operation.  The same system calls on the same objects, the same
 * CPUs, the same warm-up and window, the clock read as often.  What the worker has beyond
 * that - calls through a table, deadlines, ranges that are checked, samples, the word about
 * the last batch - is left out here: the side that does not hold the clock never leaves its
 * loop, it is killed.  None of the measured code is ours, only the clock is; but for
 * shm_ring_hooks, which tells the worker's own cost from that of a table of functions.
 */
#include "base/clock.h"
#include "base/option.h"
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    LARGEST = 1 << 20, /* bytes of a message */
    SLOTS = 64,        /* as shm_ring has by itself, and at the default depth */
    SLOT_PAYLOAD = 56, /* bytes: what shares a line with the slot's word */
    EAGER_LOOKS = 2048,
    WARMUP_NS = 10000000,
    WINDOW_NS = 100000000,
};

/* The rings are one kind of thing twice; a bare loop is written for one of them. */
enum kind {
    PIPE,
    UNIX_STREAM,
    POSIX_MQ,
    RING_IN_PLACE,
    RING_COPIED,
    HOOKS_IN_PLACE,
    HOOKS_COPIED,
};

struct slot {
    _Alignas(64) _Atomic uint64_t word; /* lap and length */
    unsigned char payload[SLOT_PAYLOAD];
};

struct ring {
    _Alignas(128) _Atomic uint64_t head; /* messages given back */
    _Alignas(128) struct slot slots[SLOTS];
};

struct shared {
    struct ring rings[2]; /* there, back */
    _Alignas(128) _Atomic int ready;
    _Atomic uint64_t operations; /* of the window */
    _Atomic int64_t elapsed_ns;
};

struct plan {
    enum kind kind;
    bool stream;
    size_t size, span;
    uint64_t rounds;
    int cpus[2];
    long room;
    struct shared *shared;
    int in[2], out[2];                     /* descriptors by side */
    const struct ipm_mechanism *mechanism; /* hooks */
    struct ipm_channel channels[2];        /* hooks: there, back */
    _Alignas(16) unsigned char options[IPM_OPTIONS_SIZE_MAX];
};

/* One side's view. */
struct side {
    int in, out;
    struct ring *from, *to;
    uint64_t taken, given; /* messages out of @from, into @to */
    uint64_t head_seen;    /* of @to */
    unsigned char *buffer;
    const struct ipm_mechanism *mechanism; /* hooks */
    struct ipm_endpoint sends, receives;
    struct ipm_span out_spans[SLOTS], in_spans[SLOTS];
};

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "bench_twins: %s: %s\n", what, strerror(errno));
    _exit(1);
}

/* --- one message, or a span of them ---------------------------------------------------- */

static __attribute__((noinline)) void rest(enum kind kind, const struct side *side,
                                           bool sends, ssize_t moved, size_t size)
{
    if (moved < 0 || kind == POSIX_MQ)
        die(sends ? "send" : "receive");
    for (size_t done = (size_t)moved; done < size; done += (size_t)moved) {
        unsigned char *at = side->buffer + done;
        moved =
            sends ? write(side->out, at, size - done) : read(side->in, at, size - done);
        if (moved <= 0)
            die(sends ? "send" : "receive");
    }
}

INLINE void look_again(uint32_t *looks)
{
    if (++*looks <= EAGER_LOOKS)
        return;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

INLINE uint64_t word_of(uint64_t number, size_t size)
{
    return ((number / SLOTS + 1) << 32) | size;
}

INLINE void ring_put(bool copies, struct side *side, size_t n, size_t size)
{
    while (n > 0) {
        uint32_t looks = 0;
        while (side->given - side->head_seen >= SLOTS) {
            side->head_seen =
                atomic_load_explicit(&side->to->head, memory_order_acquire);
            look_again(&looks);
        }
        size_t room = SLOTS - (size_t)(side->given - side->head_seen);
        size_t now = copies ? 1 : n < room ? n : room;
        for (size_t i = now; i-- > 0;) {
            uint64_t number = side->given + i;
            struct slot *slot = &side->to->slots[number % SLOTS];
            if (copies)
                memcpy(slot->payload, side->buffer, size);
            atomic_store_explicit(&slot->word, word_of(number, size),
                                  memory_order_release);
        }
        side->given += now;
        n -= now;
    }
}

/* 1 to @n messages. */
INLINE size_t ring_get(bool copies, struct side *side, size_t n, size_t size)
{
    size_t got = 0;
    uint32_t looks = 0;
    while (got < n) {
        uint64_t number = side->taken + got;
        struct slot *slot = &side->from->slots[number % SLOTS];
        if (atomic_load_explicit(&slot->word, memory_order_acquire) !=
            word_of(number, size)) {
            if (got > 0)
                break;
            look_again(&looks);
            continue;
        }
        if (copies)
            memcpy(side->buffer, slot->payload, size);
        got++;
    }
    side->taken += got;
    atomic_store_explicit(&side->from->head, side->taken, memory_order_release);
    return got;
}

INLINE void hooks_put(bool copies, struct side *side, size_t n, size_t size)
{
    const struct ipm_mechanism *m = side->mechanism;
    size_t done = 0;
    if (copies) {
        if (m->send_n(&side->sends, side->out_spans, n, IPM_FOREVER, &done) != 0)
            die("send_n");
        return;
    }
    for (; n > 0; n -= done) {
        if (m->reserve_n(&side->sends, size, side->out_spans, n, IPM_FOREVER, &done) !=
                0 ||
            m->publish_n(&side->sends, done) != 0)
            die("reserve_n");
    }
}

INLINE size_t hooks_get(bool copies, struct side *side, size_t n)
{
    const struct ipm_mechanism *m = side->mechanism;
    size_t got = 0;
    if (copies) {
        if (m->recv_n(&side->receives, side->in_spans, n, IPM_FOREVER, &got) != 0)
            die("recv_n");
    } else if (m->peek_n(&side->receives, side->in_spans, n, IPM_FOREVER, &got) != 0 ||
               m->consume_n(&side->receives, got) != 0) {
        die("peek_n");
    }
    return got;
}

/* @n messages; a kernel takes one at a time. */
INLINE void put(enum kind kind, struct side *side, size_t n, size_t size)
{
    if (kind >= HOOKS_IN_PLACE) {
        hooks_put(kind == HOOKS_COPIED, side, n, size);
        return;
    }
    if (kind >= RING_IN_PLACE) {
        ring_put(kind == RING_COPIED, side, n, size);
        return;
    }
    for (; n > 0; n--) {
        ssize_t sent =
            kind == PIPE          ? write(side->out, side->buffer, size)
            : kind == UNIX_STREAM ? send(side->out, side->buffer, size, MSG_NOSIGNAL)
            : mq_send(side->out, (char *)side->buffer, size, 0) == 0 ? (ssize_t)size
                                                                     : -1;
        if (__builtin_expect(sent != (ssize_t)size, 0))
            rest(kind, side, true, sent, size);
    }
}

INLINE size_t get(enum kind kind, struct side *side, size_t n, size_t size)
{
    if (kind >= HOOKS_IN_PLACE)
        return hooks_get(kind == HOOKS_COPIED, side, n);
    if (kind >= RING_IN_PLACE)
        return ring_get(kind == RING_COPIED, side, n, size);
    ssize_t got = kind == PIPE ? read(side->in, side->buffer, size)
                  : kind == UNIX_STREAM
                      ? recv(side->in, side->buffer, size, MSG_NOSIGNAL)
                      : mq_receive(side->in, (char *)side->buffer, size, NULL);
    if (__builtin_expect(got != (ssize_t)size, 0))
        rest(kind, side, false, got, size);
    return 1;
}

/* --- the loops ------------------------------------------------------------------------- */

INLINE void pingpong(enum kind kind, struct side *side, const struct plan *plan,
                     size_t size, int64_t window_ns)
{
    uint64_t operations = 0;
    int64_t start_ns = ipm_now_ns();
    int64_t now_ns = start_ns;
    while (now_ns - start_ns < window_ns) {
        for (uint64_t i = 0; i < plan->rounds; i++) {
            put(kind, side, 1, size);
            (void)get(kind, side, 1, size);
        }
        operations += plan->rounds;
        now_ns = ipm_now_ns();
    }
    plan->shared->operations = operations;
    plan->shared->elapsed_ns = now_ns - start_ns;
}

INLINE _Noreturn void answer(enum kind kind, struct side *side, size_t size)
{
    for (;;) {
        (void)get(kind, side, 1, size);
        put(kind, side, 1, size);
    }
}

INLINE void consume(enum kind kind, struct side *side, const struct plan *plan,
                    size_t size, int64_t window_ns)
{
    uint64_t operations = 0;
    (void)get(kind, side, plan->span, size); /* the first start the clock */
    int64_t start_ns = ipm_now_ns();
    int64_t now_ns = start_ns;
    while (now_ns - start_ns < window_ns) {
        for (uint64_t left = plan->rounds; left > 0;) {
            size_t most = left < plan->span ? (size_t)left : plan->span;
            size_t came = get(kind, side, most, size);
            left -= came;
        }
        operations += plan->rounds;
        now_ns = ipm_now_ns();
    }
    plan->shared->operations = operations;
    plan->shared->elapsed_ns = now_ns - start_ns;
}

INLINE _Noreturn void produce(enum kind kind, struct side *side,
                              const struct plan *plan, size_t size)
{
    for (;;) {
        (void)ipm_now_ns();
        for (uint64_t left = plan->rounds; left > 0;) {
            size_t most = left < plan->span ? (size_t)left : plan->span;
            put(kind, side, most, size);
            left -= most;
        }
    }
}

INLINE void play_kind(enum kind kind, struct side *side, const struct plan *plan,
                      int role, size_t size)
{
    if (role != plan->stream) {
        if (plan->stream)
            produce(kind, side, plan, size);
        answer(kind, side, size);
    }
    if (plan->stream) {
        consume(kind, side, plan, size, WARMUP_NS);
        consume(kind, side, plan, size, WINDOW_NS);
    } else {
        pingpong(kind, side, plan, size, WARMUP_NS);
        pingpong(kind, side, plan, size, WINDOW_NS);
    }
}

static void play(struct side *side, const struct plan *plan, int role)
{
    switch (plan->kind) {
    case PIPE:
        play_kind(PIPE, side, plan, role, plan->size);
        break;
    case UNIX_STREAM:
        play_kind(UNIX_STREAM, side, plan, role, plan->size);
        break;
    case POSIX_MQ:
        play_kind(POSIX_MQ, side, plan, role, plan->size);
        break;
    case RING_IN_PLACE:
        play_kind(RING_IN_PLACE, side, plan, role, plan->size);
        break;
    case RING_COPIED:
        /* A loop written by hand knows its size. */
        if (plan->size == SLOT_PAYLOAD)
            play_kind(RING_COPIED, side, plan, role, SLOT_PAYLOAD);
        else
            play_kind(RING_COPIED, side, plan, role, plan->size);
        break;
    case HOOKS_IN_PLACE:
        play_kind(HOOKS_IN_PLACE, side, plan, role, plan->size);
        break;
    case HOOKS_COPIED:
        play_kind(HOOKS_COPIED, side, plan, role, plan->size);
        break;
    }
}

/* --- setting up ------------------------------------------------------------------------ */

static void open_pipe(struct plan *plan, int from, int to)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        die("pipe2");
    if (plan->room > 0 && fcntl(fds[1], F_SETPIPE_SZ, (int)plan->room) != plan->room)
        die("F_SETPIPE_SZ to ROOM");
    plan->in[to] = fds[0];
    plan->out[from] = fds[1];
}

static void open_sockets(struct plan *plan)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        die("socketpair");
    for (int i = 0; i < 2; i++) {
        int half = (int)(plan->room / 2); /* the kernel doubles it */
        int granted = 0;
        socklen_t length = sizeof(granted);
        if (plan->room > 0 &&
            setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &half, sizeof(half)) != 0)
            die("SO_SNDBUF");
        if (getsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &granted, &length) != 0 ||
            (plan->room > 0 && granted != plan->room))
            die("SO_SNDBUF as ROOM");
        plan->in[i] = plan->out[i] = fds[i];
    }
}

static void open_queue(struct plan *plan, int from, int to)
{
    struct mq_attr attributes = {.mq_maxmsg = plan->room > 0 ? plan->room : 10,
                                 .mq_msgsize = (long)plan->size};
    char name[64];
    (void)snprintf(name, sizeof(name), "/ipm-twin-%d-%d", (int)getpid(), from);
    plan->out[from] =
        mq_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (plan->out[from] < 0)
        die("mq_open");
    plan->in[to] = mq_open(name, O_RDONLY | O_CLOEXEC);
    (void)mq_unlink(name);
    if (plan->in[to] < 0)
        die("mq_open for reading");
}

extern const struct ipm_mechanism ipm_mechanism_shm_ring;

static void open_channel(struct plan *plan, int from)
{
    struct ipm_channel *channel = &plan->channels[from];
    struct ipm_why why = {0};
    plan->mechanism = &ipm_mechanism_shm_ring;
    ipm_option_defaults(plan->mechanism->options, plan->options);
    *channel = (struct ipm_channel){
        .mechanism = plan->mechanism,
        .config = {.max_message = plan->size,
                   .depth = plan->stream ? SLOTS : 0,
                   .batch = plan->span,
                   .wait = IPM_WAIT_SPIN,
                   .copies = plan->kind == HOOKS_COPIED ? 2 : 0,
                   .options = plan->options},
        .state = mmap(NULL, plan->mechanism->channel_size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0),
    };
    (void)snprintf(channel->config.token, sizeof(channel->config.token), "twin-%d-%d",
                   (int)getpid(), from);
    if (channel->state == MAP_FAILED || plan->mechanism->create(channel, &why) != 0)
        die(why.text);
}

/* One end of the channel whose side A is role @from. */
static struct ipm_endpoint attach(const struct plan *plan, int from, int number)
{
    struct ipm_why why = {0};
    void *state = NULL;
    if (posix_memalign(&state, 4096, plan->mechanism->endpoint_size) != 0)
        die("posix_memalign");
    memset(state, 0, plan->mechanism->endpoint_size);
    struct ipm_endpoint endpoint = {
        .channel = (struct ipm_channel *)(uintptr_t)&plan->channels[from],
        .side = from == number ? IPM_SIDE_A : IPM_SIDE_B,
        .sends = from == number,
        .receives = from != number,
        .state = state,
    };
    if (plan->mechanism->attach(&endpoint, &why) != 0)
        die(why.text);
    return endpoint;
}

static void attach_all(const struct plan *plan, struct side *side, int number)
{
    side->mechanism = plan->mechanism;
    for (int from = 0; from < (plan->stream ? 1 : 2); from++) {
        struct ipm_endpoint endpoint = attach(plan, from, number);
        if (endpoint.sends)
            side->sends = endpoint;
        else
            side->receives = endpoint;
    }
    for (size_t i = 0; i < SLOTS; i++)
        side->out_spans[i] = side->in_spans[i] =
            (struct ipm_span){side->buffer + i * 64, plan->size};
}

static void open_all(struct plan *plan)
{
    for (int from = 0; from < (plan->stream ? 1 : 2) && plan->kind >= HOOKS_IN_PLACE;
         from++)
        open_channel(plan, from);
    for (int i = 0; i < 2; i++)
        plan->in[i] = plan->out[i] = -1;
    for (int from = 0; from < (plan->stream ? 1 : 2); from++) {
        if (plan->kind == PIPE)
            open_pipe(plan, from, !from);
        else if (plan->kind == POSIX_MQ)
            open_queue(plan, from, !from);
    }
    if (plan->kind == UNIX_STREAM)
        open_sockets(plan);
}

static _Noreturn void role(const struct plan *plan, int number)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)plan->cpus[number], &cpus);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
        die("sched_setaffinity");
    /* A page of its own, as the worker's. */
    void *buffer = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buffer == MAP_FAILED)
        die("mmap");
    struct side side = {
        .in = plan->in[number],
        .out = plan->out[number],
        .from = &plan->shared->rings[!number],
        .to = &plan->shared->rings[number],
        .buffer = buffer,
    };
    if (plan->kind >= HOOKS_IN_PLACE)
        attach_all(plan, &side, number);
    memset((void *)side.to, 0,
           sizeof(*side.to)); /* pages present, before anyone reads */
    for (atomic_fetch_add(&plan->shared->ready, 1); plan->shared->ready < 2;)
        (void)sched_yield();
    play(&side, plan, number);
    _exit(0);
}

/* --- the command line ------------------------------------------------------------------ */

static long number_of(const char *text, long least, long most)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < least || value > most) {
        errno = ERANGE;
        die(text);
    }
    return value;
}

static enum kind kind_of(const char *name, long copies)
{
    static const char *const names[] = {"pipe", "unix_stream",   "posix_mq", "shm_ring",
                                        "",     "shm_ring_hooks"};
    for (int i = PIPE; i <= HOOKS_IN_PLACE; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum kind)(i + (i >= RING_IN_PLACE && copies == 2));
    errno = EINVAL;
    die(name);
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc > 10) {
        (void)fprintf(stderr, "usage: bench_twins MECHANISM SIZE ROUNDS CPU_A CPU_B "
                              "[WORKLOAD [ROOM [COPIES [SPAN]]]]\n");
        return 2;
    }
    struct plan plan = {
        .size = (size_t)number_of(argv[2], 1, LARGEST),
        .rounds = (uint64_t)number_of(argv[3], 1, 1 << 24),
        .cpus = {(int)number_of(argv[4], 0, CPU_SETSIZE - 1),
                 (int)number_of(argv[5], 0, CPU_SETSIZE - 1)},
        .stream = argc > 6 && strcmp(argv[6], "stream") == 0,
        .room = argc > 7 ? number_of(argv[7], 0, 1 << 30) : 0,
        .span = argc > 9 ? (size_t)number_of(argv[9], 1, SLOTS) : 1,
    };
    plan.kind = kind_of(argv[1], argc > 8 ? number_of(argv[8], 0, 2) : 2);
    errno = EINVAL;
    if (argc > 6 && !plan.stream && strcmp(argv[6], "pingpong") != 0)
        die(argv[6]);
    if (plan.kind >= RING_IN_PLACE &&
        (plan.size > SLOT_PAYLOAD || (plan.room > 0 && plan.room != SLOTS)))
        die("shm_ring: at most 56 bytes and 64 messages");
    plan.shared = mmap(NULL, sizeof(*plan.shared), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (plan.shared == MAP_FAILED)
        die("mmap");
    open_all(&plan);

    pid_t roles[2];
    for (int i = 0; i < 2; i++) {
        roles[i] = fork();
        if (roles[i] < 0)
            die("fork");
        if (roles[i] == 0)
            role(&plan, i);
    }
    int timing = plan.stream ? 1 : 0;
    int status = 1;
    (void)waitpid(roles[timing], &status, 0);
    (void)kill(roles[!timing], SIGKILL);
    (void)waitpid(roles[!timing], NULL, 0);
    if (status != 0)
        return 1;
    double elapsed_ns = (double)atomic_load(&plan.shared->elapsed_ns);
    (void)printf("%.3f\n", elapsed_ns / (double)atomic_load(&plan.shared->operations));
    return 0;
}
