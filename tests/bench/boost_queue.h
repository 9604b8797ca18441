/* SPDX-License-Identifier: MIT */
/*
 * boost_queue: Boost.Lockfree's spsc_queue behind C calls, for the ring's bench.
 *
 * One queue of records of a fixed size and a fixed capacity, in memory that the caller
 * shares.  run_push and run_pop move @count records one at a time, spinning while the queue
 * is full or empty; the loops are compiled with the queue, so that no call is between.
 */
#ifndef IPM_TESTS_BOOST_QUEUE_H
#define IPM_TESTS_BOOST_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ipm_boost_queue {
    size_t record;   /* bytes */
    size_t capacity; /* records */
    size_t size;     /* bytes of memory, alignment 128 */
    void (*construct)(void *memory);
    /* @buffer: one record */
    void (*run_push)(void *memory, void *buffer, uint64_t count);
    void (*run_pop)(void *memory, void *buffer, uint64_t count);
};

extern const struct ipm_boost_queue ipm_boost_queues[]; /* record 0 ends it */

#ifdef __cplusplus
}
#endif

#endif
