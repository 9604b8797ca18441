/* SPDX-License-Identifier: MIT */
/*
 * sysv_sem: tokens counted by a System V semaphore per direction, both in one set.
 *
 * Every post and every take is a system call.  A span of tokens is posted by one semop()
 * which adds their number; taking n at once would wait for all n, so one is taken.
 *
 * The value ends at SEMVMX (32767): then semop() fails with ERANGE instead of sleeping, and
 * the sender naps (ipm_wait_nap).  SEM_UNDO is not used: it would take back what a dead
 * sender had sent.
 *
 * The set has no name (IPC_PRIVATE), but it is no descriptor either: nothing but IPC_RMID
 * in destroy(), or the end of the IPC namespace, removes it.  When the leader is killed
 * outside a namespace of its own, the set stays.  Removing it wakes whoever sleeps in it
 * (EIDRM): IPM_CLOSED.
 */
#include "mechanisms/token.h"
#include "mechanisms/wait.h"

#include <sys/ipc.h>
#include <sys/sem.h>

enum { LARGEST_VALUE = 32767 }; /* SEMVMX of the kernel */

struct sysv_sem_channel {
    int id_plus_one;
};

struct sysv_sem_endpoint {
    int id;
    unsigned short out; /* numbers of the semaphores in the set */
    unsigned short in;
    enum ipm_wait wait;
    struct ipm_endpoint_stats stats;
};

static int sysv_sem_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct sysv_sem_channel *state = channel->state;
    /* A new set's values are 0 on Linux. */
    int id = semget(IPC_PRIVATE, IPM_SIDES, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0)
        return ipm_why_set(why, -errno, "semget: ");
    state->id_plus_one = id + 1;
    channel->capacity = (struct ipm_capacity){.bytes = 0, .messages = LARGEST_VALUE};
    return 0;
}

static void sysv_sem_destroy(struct ipm_channel *channel)
{
    struct sysv_sem_channel *state = channel->state;
    if (state->id_plus_one != 0)
        (void)semctl(state->id_plus_one - 1, 0, IPC_RMID);
    state->id_plus_one = 0;
}

static int sysv_sem_probe(struct ipm_why *why)
{
    int id = semget(IPC_PRIVATE, IPM_SIDES, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0)
        return ipm_why_set(why, -errno, "semget: ");
    (void)semctl(id, 0, IPC_RMID);
    return 0;
}

static int sysv_sem_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct sysv_sem_channel *state = endpoint->channel->state;
    struct sysv_sem_endpoint *own = endpoint->state;
    (void)why;
    own->id = state->id_plus_one - 1;
    own->out = (unsigned short)endpoint->side;
    own->in = (unsigned short)ipm_token_peer(endpoint->side);
    own->wait = endpoint->channel->config.wait;
    return 0;
}

static void sysv_sem_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

static int removed(int error)
{
    return error == EIDRM || error == EINVAL ? IPM_CLOSED : -error;
}

/* Posts @count tokens whole.  0; 1 there is no room for all; IPM_CLOSED; -errno. */
static int add(const struct sysv_sem_endpoint *own, size_t count)
{
    struct sembuf step = {.sem_num = own->out, .sem_op = (short)count};
    while (semop(own->id, &step, 1) != 0) {
        if (errno == ERANGE)
            return IPM_AGAIN;
        if (errno != EINTR)
            return removed(errno);
    }
    return 0;
}

static int sysv_sem_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct sysv_sem_endpoint *own = endpoint->state;
    size_t sane = ipm_token_sane(messages, n);
    size_t step = sane < LARGEST_VALUE ? sane : LARGEST_VALUE;
    uint32_t turns = 0;
    *out_n = 0;
    while (*out_n < sane) {
        if (step > sane - *out_n)
            step = sane - *out_n;
        int result = add(own, step);
        if (result == 0) {
            *out_n += step;
        } else if (result == IPM_AGAIN && step > 1) {
            step = 1;
        } else if (result == IPM_AGAIN) {
            result = ipm_wait_nap(own->wait, &turns, deadline_ns, &own->stats);
            if (result != 0)
                return result;
        } else {
            return result;
        }
    }
    return sane < n ? -EMSGSIZE : 0;
}

static int sysv_sem_take(void *state, int64_t deadline_ns)
{
    struct sysv_sem_endpoint *own = state;
    bool sleeps = own->wait == IPM_WAIT_BLOCK && deadline_ns != 0;
    struct sembuf step = {.sem_num = own->in, .sem_op = -1};
    uint32_t turns = 0;
    if (!sleeps)
        step.sem_flg = IPC_NOWAIT;
    for (;;) {
        struct timespec left = {0};
        if (sleeps && deadline_ns != IPM_FOREVER) {
            int64_t left_ns = deadline_ns - ipm_now_ns();
            left = ipm_timespec(left_ns > 0 ? left_ns : 0);
        }
        bool timed = sleeps && deadline_ns != IPM_FOREVER;
        if ((timed ? semtimedop(own->id, &step, 1, &left) : semop(own->id, &step, 1)) ==
            0)
            return 0;
        if (errno != EINTR && errno != EAGAIN)
            return removed(errno);
        int result = 0;
        if (!sleeps)
            result = ipm_wait_turn(own->wait, &turns, deadline_ns);
        else if (timed && ipm_now_ns() >= deadline_ns)
            result = IPM_AGAIN;
        if (result != 0)
            return result;
    }
}

static int sysv_sem_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    (void)n;
    return ipm_token_recv_one(sysv_sem_take, endpoint->state, messages, deadline_ns,
                              out_n);
}

static void sysv_sem_stats(const struct ipm_endpoint *endpoint,
                           struct ipm_endpoint_stats *out_stats)
{
    const struct sysv_sem_endpoint *own = endpoint->state;
    *out_stats = own->stats;
}

const struct ipm_mechanism ipm_mechanism_sysv_sem = {
    .abi = IPM_PLUGIN_ABI,
    .name = "sysv_sem",
    .version = 1,
    .family = "token",
    .summary = "System V semaphores, one per direction",
    .capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX | IPM_CAP_TIMED | IPM_CAP_TOKEN,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .modes = {[0] = {.supported = true,
                     .facts = {.syncs = 2, .system_calls = 2, .wakeups = 1}}},
    .default_copies = 0,
    .channel_size = sizeof(struct sysv_sem_channel),
    .endpoint_size = sizeof(struct sysv_sem_endpoint),
    .probe = sysv_sem_probe,
    .create = sysv_sem_create,
    .destroy = sysv_sem_destroy,
    .attach = sysv_sem_attach,
    .detach = sysv_sem_detach,
    .send_n = sysv_sem_send_n,
    .recv_n = sysv_sem_recv_n,
    .stats = sysv_sem_stats,
};
