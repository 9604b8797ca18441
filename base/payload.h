/* SPDX-License-Identifier: MIT */
/*
 * payload: the bytes that travel - producing, consuming and verifying them.
 *
 * touch says what the two ends do with a payload inside a measured window:
 *   none    neither writes nor reads it (the mechanism itself still copies it)
 *   sample  one word of each 64-byte line is written before send and read after receive:
 *           every line moves, hardly any CPU time is spent
 *   full    every byte is written and read
 */
#ifndef IPM_BASE_PAYLOAD_H
#define IPM_BASE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_touch { IPM_TOUCH_NONE, IPM_TOUCH_SAMPLE, IPM_TOUCH_FULL, IPM_TOUCH_COUNT };

extern const char *const ipm_touch_names[]; /* NULL-terminated */

/* Writes a payload of @length bytes as @touch asks, values made from @seed. */
void ipm_payload_produce(enum ipm_touch touch, void *data, size_t length,
                         uint64_t seed);

/* Reads a payload as @touch asks; the sum keeps the compiler from dropping the reads. */
uint64_t ipm_payload_consume(enum ipm_touch touch, const void *data, size_t length);

/* Fills all @length bytes with a pattern in which every byte depends on its place and on
 * @seed, so that swapped, shifted, repeated or torn messages are all seen. */
void ipm_payload_fill(void *data, size_t length, uint64_t seed);

/* Whether the bytes are those that ipm_payload_fill() wrote.  @out_at (may be NULL): the
 * first byte that differs. */
bool ipm_payload_verify(const void *data, size_t length, uint64_t seed, size_t *out_at);

#endif
