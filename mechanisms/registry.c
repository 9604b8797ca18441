/* SPDX-License-Identifier: MIT */
#include "mechanisms/registry.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define IPM_MECHANISM(name) extern const struct ipm_mechanism ipm_mechanism_##name;
#include "mechanisms/list.def"
#undef IPM_MECHANISM

static const struct ipm_mechanism *table[IPM_MECHANISMS_MAX + 1] = {
#define IPM_MECHANISM(name) &ipm_mechanism_##name,
#include "mechanisms/list.def"
#undef IPM_MECHANISM
};

const char *const ipm_capability_names[] = {
    "framed", "duplex", "loan",      "pollfd",  "fanin",  "fdpass", "timed",
    "shared", "local",  "allocates", "threads", "broker", "floor",  "token",
    "eof",    "lossy",  "fanout",    "call",    NULL,
};

const char *const ipm_wait_names[] = {
    "none", "spin", "yield", "block", "spin_then_block", NULL};

const struct ipm_mechanism *const *ipm_mechanisms(void)
{
    return table;
}

const struct ipm_mechanism *ipm_mechanism_find(const char *name)
{
    for (const struct ipm_mechanism *const *at = table; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0)
            return *at;
    }
    return NULL;
}

static const char *contradiction(const struct ipm_mechanism *m)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    bool loan = (m->capabilities & IPM_CAP_LOAN) != 0;
    if (m->name[0] == '\0' || strspn(m->name, letters) != strlen(m->name))
        return "the name must match [a-z0-9_]+";
    if (m->family == NULL || m->summary == NULL || strlen(m->summary) > 60)
        return "family and a summary of at most 60 characters are needed";
    if (m->create == NULL || m->destroy == NULL || m->attach == NULL ||
        m->detach == NULL || m->send_n == NULL || m->recv_n == NULL)
        return "a mandatory hook is missing";
    if (loan != (m->reserve_n != NULL && m->publish_n != NULL && m->peek_n != NULL &&
                 m->consume_n != NULL))
        return "loan hooks and the loan capability disagree";
    if (((m->capabilities & IPM_CAP_POLLFD) != 0) != (m->wait_fd != NULL))
        return "wait_fd and the pollfd capability disagree";
    if (((m->capabilities & IPM_CAP_BROKER) != 0) != (m->helper != NULL))
        return "helper and the broker capability disagree";
    if ((m->waits & IPM_WAIT_BIT(IPM_WAIT_NONE)) != 0)
        return "no wait strategy is written as waits = 0";
    if (m->limits.min_length < 0 || m->limits.max_length < 0 ||
        m->limits.in_flight < 0 ||
        (m->limits.max_length != 0 && m->limits.max_length < m->limits.min_length))
        return "the limits contradict each other";
    if ((m->capabilities & IPM_CAP_TOKEN) != 0 && m->limits.max_length != 0)
        return "a token has no length limit";
    if (m->default_copies < 0 || m->default_copies >= IPM_MODES ||
        !m->modes[m->default_copies].supported)
        return "the default mode is not supported";
    for (int copies = 0; copies < IPM_MODES; copies++) {
        const struct ipm_mode *mode = &m->modes[copies];
        if (!loan && (mode->send_in_place || mode->receive_in_place))
            return "a mode works in place without the loan capability";
    }
    if ((m->options != NULL) != (m->options_size > 0))
        return "options and options_size disagree";
    return NULL;
}

int ipm_mechanism_check(const struct ipm_mechanism *mechanism, struct ipm_why *why)
{
    if (mechanism->abi != IPM_PLUGIN_ABI)
        return ipm_why_set(why, -EPROTO, "built for plug-in ABI %u, this worker has %d",
                           mechanism->abi, IPM_PLUGIN_ABI);
    const char *text = contradiction(mechanism);
    if (text != NULL)
        return ipm_why_set(why, -EINVAL, "mechanism '%s': %s", mechanism->name, text);
    return 0;
}

int ipm_plugin_load(const char *path, struct ipm_why *why)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return ipm_why_set(why, -ENOEXEC, "%s", dlerror());
    const struct ipm_mechanism *const *found = dlsym(object, "ipm_plugin_mechanisms");
    if (found == NULL)
        return ipm_why_set(why, -ENOEXEC, "%s has no symbol ipm_plugin_mechanisms",
                           path);

    size_t used = 0;
    while (table[used] != NULL)
        used++;
    for (; *found != NULL; found++) {
        int error = ipm_mechanism_check(*found, why);
        if (error != 0)
            return error;
        if (ipm_mechanism_find((*found)->name) != NULL)
            return ipm_why_set(why, -EEXIST, "%s: a mechanism '%s' exists already",
                               path, (*found)->name);
        if (used == IPM_MECHANISMS_MAX)
            return ipm_why_set(why, -ENOSPC, "%s: more than %d mechanisms", path,
                               IPM_MECHANISMS_MAX);
        table[used++] = *found;
    }
    return 0;
}

void ipm_channel_own(struct ipm_channel *channel, int fd, unsigned owners)
{
    if (channel->n_fds == IPM_CHANNEL_FDS)
        return; /* the conformance suite would see the leak */
    channel->fds[channel->n_fds].fd = fd;
    channel->fds[channel->n_fds].owners = owners;
    channel->n_fds++;
}

void ipm_channel_keep(struct ipm_channel *channel, enum ipm_side side)
{
    int kept = 0;
    for (int i = 0; i < channel->n_fds; i++) {
        if ((channel->fds[i].owners & IPM_OWNER(side)) != 0)
            channel->fds[kept++] = channel->fds[i];
        else
            (void)close(channel->fds[i].fd);
    }
    channel->n_fds = kept;
}

void ipm_channel_drop(struct ipm_channel *channel, int fd)
{
    for (int i = 0; i < channel->n_fds; i++) {
        if (channel->fds[i].fd == fd) {
            (void)close(fd);
            channel->fds[i] = channel->fds[--channel->n_fds];
            return;
        }
    }
}

void ipm_channel_close(struct ipm_channel *channel)
{
    for (int i = 0; i < channel->n_fds; i++)
        (void)close(channel->fds[i].fd);
    channel->n_fds = 0;
}
