/* SPDX-License-Identifier: MIT */
#include "mechanisms/cma.h"

#include "base/process.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    SLOT_ALIGN = 64,
    MOST_CAPACITY = 4 << 20, /* bytes, when depth asks for more */
};

static const uint64_t area_magic = UINT64_C(0x616572615f616d63); /* "cma_area" */

const struct ipm_option ipm_cma_option_rows[] = {
    {.name = "spin",
     .type = IPM_OPTION_DURATION,
     .offset = IPM_OPTION_FIELD(struct ipm_cma_options, spin_ns),
     .fallback = "0ns",
     .min = 0,
     .max = IPM_NS_PER_SECOND,
     .unit = "ns",
     .help = "spin_then_block: how long to spin; 0: as long as a wake-up takes"},
    {.name = NULL},
};

static ssize_t move(enum ipm_cma_direction direction, pid_t pid,
                    const struct iovec *local, const struct iovec *remote, size_t n)
{
    return direction == IPM_CMA_READ ? process_vm_readv(pid, local, n, remote, n, 0)
                                     : process_vm_writev(pid, local, n, remote, n, 0);
}

static const char *call_name(enum ipm_cma_direction direction)
{
    return direction == IPM_CMA_READ ? "process_vm_readv" : "process_vm_writev";
}

/* Whether another process can be reached only shows in join(): a probe has no peer. */
int ipm_cma_probe(struct ipm_why *why)
{
    char scope[16];
    if (ipm_read_file("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)) ==
            0 &&
        scope[0] == '3')
        return ipm_why_set(why, -EPERM,
                           "kernel.yama.ptrace_scope 3 closes all processes: ");
    uint64_t word = 0;
    struct iovec local = {&word, sizeof(word)};
    struct iovec remote = {(void *)(uintptr_t)&area_magic, sizeof(area_magic)};
    for (int direction = IPM_CMA_READ; direction <= IPM_CMA_WRITE; direction++) {
        const struct iovec *from = direction == IPM_CMA_READ ? &local : &remote;
        const struct iovec *to = direction == IPM_CMA_READ ? &remote : &local;
        if (move((enum ipm_cma_direction)direction, getpid(), from, to, 1) !=
            (ssize_t)sizeof(word))
            return ipm_why_set(why, -errno,
                               "%s: ", call_name((enum ipm_cma_direction)direction));
    }
    return word == area_magic ? 0 : ipm_why_set(why, -EIO, "read something else: ");
}

int ipm_cma_create(struct ipm_channel *channel, struct ipm_why *why)
{
    struct ipm_cma_channel *state = channel->state;
    size_t message = channel->config.max_message > 0 ? channel->config.max_message : 1;
    state->stride = (message + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
    uint64_t tokens =
        ipm_token_ring_tokens(&channel->config, state->stride, MOST_CAPACITY);
    channel->capacity = (struct ipm_capacity){
        .bytes = (int64_t)(tokens * channel->config.max_message),
        .messages = (int64_t)tokens,
    };
    return ipm_token_ring_create(channel, &state->tokens, tokens, why);
}

int ipm_cma_attach(struct ipm_endpoint *endpoint, enum ipm_side exposer,
                   struct ipm_why *why)
{
    struct ipm_cma_channel *state = endpoint->channel->state;
    const struct ipm_cma_options *options = endpoint->channel->config.options;
    struct ipm_cma_endpoint *own = endpoint->state;
    own->channel = state;
    own->stride = state->stride;
    own->max_message = endpoint->channel->config.max_message;
    own->exposes = endpoint->side == exposer;
    own->spill = IPM_REGION_NONE;
    int error = ipm_token_ring_attach(&own->tokens, &state->tokens, endpoint,
                                      options->spin_ns, why);
    if (error != 0)
        return error;

    /* The slots begin a page, and the word that join() moves lies behind them. */
    size_t size = own->exposes ? state->tokens.tokens * own->stride + sizeof(area_magic)
                               : own->stride;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", size);
    own->memory = memory;
    own->mapped = size;
    if (!own->exposes)
        return 0; /* used by the loan alone: touched only then */
    ipm_prefault(memory, size);
    memcpy(own->memory + size - sizeof(area_magic), &area_magic, sizeof(area_magic));
#ifdef PR_SET_PTRACER
    /* Yama's scope 1 lets only ancestors in, and roles are siblings.  Without Yama: EINVAL. */
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
    state->base = (uintptr_t)memory;
    state->pid = getpid();
    return 0;
}

int ipm_cma_join(struct ipm_endpoint *endpoint, enum ipm_cma_direction direction,
                 struct ipm_why *why)
{
    const struct ipm_cma_channel *state = endpoint->channel->state;
    struct ipm_cma_endpoint *own = endpoint->state;
    if (own->exposes)
        return 0;
    uint64_t size = state->tokens.tokens * own->stride + sizeof(area_magic);
    uint64_t end = 0;
    own->peer = (pid_t)state->pid;
    own->peer_base = state->base;
    if (own->peer <= 0 || own->peer_base == 0 ||
        __builtin_add_overflow(own->peer_base, size, &end) || end > UINTPTR_MAX)
        return ipm_why_set(why, -EPROTO, "the peer has not said where its memory is");
    uint64_t word = area_magic;
    struct iovec local = {&word, sizeof(word)};
    struct iovec remote = {(void *)(uintptr_t)(end - sizeof(word)), sizeof(word)};
    ssize_t moved = move(direction, own->peer, &local, &remote, 1);
    /* It may have sent, and gone, before we came here: then the first call finds out. */
    if (moved < 0 && (errno == ESRCH || ipm_token_ring_peer_closed(&own->tokens)))
        return 0;
    if (moved < 0)
        return ipm_why_set(
            why, errno == EPERM || errno == ENOSYS ? -EOPNOTSUPP : -errno,
            "%s of the other role's memory: %s", call_name(direction), strerror(errno));
    if (moved != (ssize_t)sizeof(word) || word != area_magic)
        return ipm_why_set(why, -EPROTO, "the peer's memory holds something else");
    return 0;
}

void ipm_cma_detach(struct ipm_endpoint *endpoint)
{
    struct ipm_cma_endpoint *own = endpoint->state;
    ipm_token_ring_detach(&own->tokens, endpoint->side);
    if (own->memory != NULL)
        (void)mmap(own->memory, own->mapped, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    own->memory = NULL;
    if (own->spill.base != NULL)
        ipm_region_fini(&own->spill);
}

int ipm_cma_move(const struct ipm_cma_endpoint *own, enum ipm_cma_direction direction,
                 const struct ipm_span *spans, size_t n)
{
    struct iovec local[IPM_CMA_SPAN];
    struct iovec remote[IPM_CMA_SPAN];
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t at =
            own->peer_base + ipm_token_ring_slot(&own->tokens, i) * own->stride;
        local[i] = (struct iovec){spans[i].data, spans[i].length};
        remote[i] = (struct iovec){(void *)(uintptr_t)at, spans[i].length};
        total += spans[i].length;
    }
    if (total == 0)
        return 0;
    ssize_t moved = move(direction, own->peer, local, remote, n);
    if (moved == (ssize_t)total)
        return 0;
    int error = moved < 0 ? errno : EFAULT; /* a part: the rest is not mapped there */
    if (error == ESRCH || (error == EFAULT && ipm_token_ring_peer_closed(&own->tokens)))
        return IPM_CLOSED;
    return -error;
}

void ipm_cma_stats(const struct ipm_endpoint *endpoint,
                   struct ipm_endpoint_stats *out_stats)
{
    const struct ipm_cma_endpoint *own = endpoint->state;
    *out_stats = own->tokens.ring.stats;
}
