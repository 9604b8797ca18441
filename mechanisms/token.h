/* SPDX-License-Identifier: MIT */
/*
 * token: what mechanisms without a payload have in common.  A token is a message of length
 * 0: it says that something happened, and none may be lost or made up.
 */
#ifndef IPM_MECHANISMS_TOKEN_H
#define IPM_MECHANISMS_TOKEN_H

#include "mechanisms/mechanism.h"

#include <errno.h>

/* Of the @n messages, how many from the first on have a token's only length. */
static inline size_t ipm_token_sane(const struct ipm_span *messages, size_t n)
{
    size_t sane = 0;
    while (sane < n && messages[sane].length == 0)
        sane++;
    return sane;
}

/* Tells the receiver about @n tokens. */
static inline void ipm_token_taken(struct ipm_span *messages, size_t n)
{
    for (size_t i = 0; i < n; i++)
        messages[i].length = 0;
}

/* Posts or takes one token.  0, IPM_AGAIN, IPM_CLOSED or -errno. */
typedef int ipm_token_move(void *own, int64_t deadline_ns);

/* send_n() where each token is a call of its own. */
static inline __attribute__((always_inline)) int
ipm_token_send_each(ipm_token_move *post, void *own, const struct ipm_span *messages,
                    size_t n, int64_t deadline_ns, size_t *out_n)
{
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (messages[i].length != 0)
            return -EMSGSIZE;
        int result = post(own, deadline_ns);
        if (result != 0)
            return result;
        *out_n = i + 1;
    }
    return 0;
}

/* recv_n() where only another call could tell whether a second token is there. */
static inline __attribute__((always_inline)) int
ipm_token_recv_one(ipm_token_move *take, void *own, struct ipm_span *messages,
                   int64_t deadline_ns, size_t *out_n)
{
    *out_n = 0;
    int result = take(own, deadline_ns);
    if (result != 0)
        return result;
    messages[0].length = 0;
    *out_n = 1;
    return 0;
}

/* The side that an endpoint's tokens come from. */
static inline enum ipm_side ipm_token_peer(enum ipm_side side)
{
    return side == IPM_SIDE_A ? IPM_SIDE_B : IPM_SIDE_A;
}

#endif
