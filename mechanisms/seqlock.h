/* SPDX-License-Identifier: MIT */
/*
 * seqlock: a slot that one side overwrites whenever it likes and others copy out.
 *
 * It begins with a sequence word: 2 n + 1 while message n is being written, 2 n + 2 when it
 * is complete; the length and the payload follow.  A reader copies the slot and then looks
 * at the sequence again: if it moved, what was copied is thrown away.
 *
 * So that this is no data race the payload is copied by relaxed atomic words, which compile
 * to plain moves; the fences are those of H.-J. Boehm, "Can seqlocks get along with
 * programming language memory models?", MSPC 2012.
 */
#ifndef IPM_MECHANISMS_SEQLOCK_H
#define IPM_MECHANISMS_SEQLOCK_H

#include "mechanisms/mechanism.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct ipm_seqlock {
    _Atomic uint64_t sequence; /* 0: nothing yet */
    _Atomic uint64_t length;   /* bytes */
    _Atomic uint64_t words[];  /* room for the longest message, whole words */
};

enum { IPM_SEQLOCK_WORD = 8 }; /* bytes */

/* gcc's thread sanitizer knows no fences and says so.  There each access to the payload
 * carries the order itself, which is as correct and dearer on weakly ordered machines. */
#if defined(__SANITIZE_THREAD__)
#define IPM_SEQLOCK_STORE        memory_order_release
#define IPM_SEQLOCK_LOAD         memory_order_acquire
#define IPM_SEQLOCK_FENCE(order) ((void)0)
#else
#define IPM_SEQLOCK_STORE        memory_order_relaxed
#define IPM_SEQLOCK_LOAD         memory_order_relaxed
#define IPM_SEQLOCK_FENCE(order) atomic_thread_fence(order)
#endif

/* Sequence of a slot in which message @number is complete. */
static inline uint64_t ipm_seqlock_complete(uint64_t number)
{
    return 2 * number + 2;
}

/* The one writer: message @number replaces what the slot holds. */
static inline void ipm_seqlock_write(struct ipm_seqlock *slot, uint64_t number,
                                     const void *data, size_t length)
{
    const unsigned char *from = data;
    _Atomic uint64_t *to = slot->words;
    uint64_t word = 0;
    atomic_store_explicit(&slot->sequence, ipm_seqlock_complete(number) - 1,
                          memory_order_relaxed);
    IPM_SEQLOCK_FENCE(memory_order_release);
    atomic_store_explicit(&slot->length, length, IPM_SEQLOCK_STORE);
    for (size_t left = length / IPM_SEQLOCK_WORD; left > 0; left--) {
        memcpy(&word, from, IPM_SEQLOCK_WORD);
        atomic_store_explicit(to++, word, IPM_SEQLOCK_STORE);
        from += IPM_SEQLOCK_WORD;
    }
    if (length % IPM_SEQLOCK_WORD != 0) {
        word = 0;
        memcpy(&word, from, length % IPM_SEQLOCK_WORD);
        atomic_store_explicit(to, word, IPM_SEQLOCK_STORE);
    }
    atomic_store_explicit(&slot->sequence, ipm_seqlock_complete(number),
                          memory_order_release);
}

static inline void ipm_seqlock_copy(const struct ipm_seqlock *slot, void *data,
                                    size_t length)
{
    unsigned char *to = data;
    const _Atomic uint64_t *from = slot->words;
    for (size_t left = length / IPM_SEQLOCK_WORD; left > 0; left--) {
        uint64_t word = atomic_load_explicit(from++, IPM_SEQLOCK_LOAD);
        memcpy(to, &word, IPM_SEQLOCK_WORD);
        to += IPM_SEQLOCK_WORD;
    }
    if (length % IPM_SEQLOCK_WORD != 0) {
        uint64_t word = atomic_load_explicit(from, IPM_SEQLOCK_LOAD);
        memcpy(to, &word, length % IPM_SEQLOCK_WORD);
    }
}

enum { IPM_SEQLOCK_WHOLE, IPM_SEQLOCK_NOT_YET, IPM_SEQLOCK_OVERWRITTEN };

/**
 * ipm_seqlock_read() - copy message @number out of its slot
 * @message:      room, length is set; both are garbage unless the message came whole
 * @max_message:  the longest that the writer may have written, bytes
 * @out_sequence: the slot's, as last seen
 *
 * Return: one of the above; -EMSGSIZE @message has too little room; -EPROTO a length that
 *         cannot be.
 */
static inline int ipm_seqlock_read(const struct ipm_seqlock *slot, uint64_t number,
                                   struct ipm_span *message, size_t max_message,
                                   uint64_t *out_sequence)
{
    uint64_t wanted = ipm_seqlock_complete(number);
    *out_sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
    if (*out_sequence != wanted)
        return *out_sequence < wanted ? IPM_SEQLOCK_NOT_YET : IPM_SEQLOCK_OVERWRITTEN;
    uint64_t length = atomic_load_explicit(&slot->length, IPM_SEQLOCK_LOAD);
    bool fits = length <= message->length && length <= max_message;
    if (fits)
        ipm_seqlock_copy(slot, message->data, (size_t)length);
    IPM_SEQLOCK_FENCE(memory_order_acquire);
    *out_sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    if (*out_sequence != wanted)
        return IPM_SEQLOCK_OVERWRITTEN;
    if (!fits)
        return length > max_message ? -EPROTO : -EMSGSIZE;
    message->length = (size_t)length;
    return IPM_SEQLOCK_WHOLE;
}

#endif
