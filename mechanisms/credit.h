/* SPDX-License-Identifier: MIT */
/*
 * credit: flow control for a transport that loses what it has no room for.
 *
 * A sender has at most `window` messages out that the receiver has not taken.  The receiver
 * says how many it has taken since the beginning, a CREDIT, in two ways: in each message
 * that it sends itself, and, when the sender may not have seen those, in a NOTE of its own.
 * Credits are totals, so one that is old or missing does no harm.
 *
 * A note is due once `batch` messages were taken that the sender is not known to know of.
 * It is known to know of a credit that went with a message which it has acknowledged in
 * turn; so in ping-pong no note is ever due, and in a stream one is for each batch.  A
 * sender that waits for credit need only look for notes: up to batch - 1 messages of its
 * window may be held back, never more.
 *
 * Totals are 32 bits wide and wrap; everything here compares differences.
 */
#ifndef IPM_MECHANISMS_CREDIT_H
#define IPM_MECHANISMS_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

struct ipm_credit {
    uint32_t window; /* messages, >= 1 */
    uint32_t batch;  /* messages, >= 1 */
    uint32_t sent;   /* by this side */
    uint32_t freed;  /* of those, taken by the peer as far as we know */
    uint32_t taken;  /* from the peer */
    uint32_t told;   /* of those, what the peer is known to know of */
    bool marked;     /* a message of ours is out whose acknowledgement raises `told` */
    uint32_t mark;   /* value of `sent` that acknowledges it */
    uint32_t marked_credit; /* what it told */
};

/* The largest batch that leaves two thirds of the window free whatever is held back, and
 * that spares ping-pong its notes from a window of 2 on. */
static inline uint32_t ipm_credit_batch(uint32_t window)
{
    uint32_t held = window / 3;
    return window < 2 ? 1 : 1 + (held > 0 ? held : 1);
}

/* May one more message be sent? */
static inline bool ipm_credit_open(const struct ipm_credit *credit)
{
    return credit->sent - credit->freed < credit->window;
}

/* A message was sent that told the peer of all we have taken. */
static inline void ipm_credit_sent(struct ipm_credit *credit)
{
    credit->sent++;
    if (credit->marked)
        return;
    credit->marked = true;
    credit->mark = credit->sent;
    credit->marked_credit = credit->taken;
}

/* The peer says that it has taken @total of our messages.  false: it cannot have. */
static inline bool ipm_credit_learn(struct ipm_credit *credit, uint32_t total)
{
    int32_t news = (int32_t)(total - credit->freed);
    if (news <= 0)
        return true; /* an old one */
    if ((uint32_t)news > credit->sent - credit->freed)
        return false;
    credit->freed = total;
    if (credit->marked && (int32_t)(total - credit->mark) >= 0) {
        credit->marked = false;
        if ((int32_t)(credit->marked_credit - credit->told) > 0)
            credit->told = credit->marked_credit;
    }
    return true;
}

/* One message was taken.  true: a note is due; say ipm_credit_noted() once it is sent. */
static inline bool ipm_credit_took(struct ipm_credit *credit)
{
    credit->taken++;
    return credit->taken - credit->told >= credit->batch;
}

static inline void ipm_credit_noted(struct ipm_credit *credit)
{
    credit->told = credit->taken;
}

#endif
