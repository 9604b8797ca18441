/* SPDX-License-Identifier: MIT */
/*
 * pipe_room: how much a pipe or a fifo holds, and the option that says so.
 *
 * A pipe's room is counted in page-sized slots, not in bytes: a write joins the last slot
 * only when its odd part fits there whole.  So 64 messages of 64 bytes share one slot, and
 * 64 messages of 3000 bytes need 64.  Capacity from depth is reckoned in slots for this
 * reason; a longer message still passes, in parts, while the reader drains.
 */
#ifndef IPM_MECHANISMS_PIPE_ROOM_H
#define IPM_MECHANISMS_PIPE_ROOM_H

#include "mechanisms/mechanism.h"

enum { IPM_PIPE_CAPACITY = 65536 }; /* bytes; what a new pipe has */

/* What the options of a mechanism over a pipe are, or begin with. */
struct ipm_pipe_options {
    int64_t capacity_bytes; /* 0: from depth */
};

extern const struct ipm_option ipm_pipe_option_rows[];

/**
 * ipm_pipe_set_room() - for create(): give a pipe the room that the channel asks for
 * @fd: either end
 *
 * config.options is, or begins with, struct ipm_pipe_options.  Fills channel->capacity with
 * what was granted.
 *
 * Return: 0; -errno, also when a capacity asked for by name is refused.
 */
int ipm_pipe_set_room(struct ipm_channel *channel, int fd, struct ipm_why *why);

#endif
