/* SPDX-License-Identifier: MIT */
/*
 * json_arena: room for one parsed document at a time.
 *
 * A reader of many records has each document for a moment, between values that stay: on the heap
 * the two get mixed, and finding room takes longer with every record.  While an arena is open,
 * ipm_json_arena_load() makes its values in one block, which the next load takes over.
 *
 * One per thread, and of that thread alone.  What does not fit goes to the heap, as do all values
 * that are made otherwise; json_decref() tells them apart.
 */
#ifndef IPM_BASE_JSON_ARENA_H
#define IPM_BASE_JSON_ARENA_H

#include <jansson.h>
#include <stdbool.h>

/* Return: whether it is open now; false: no memory, or one is open already.  Either way loads
 * work. */
bool ipm_json_arena_open(void);

/* json_loadb() into the arena.  The value, and whatever belongs to it, must be released before
 * the next load and before the arena is closed: none of it may be kept by json_incref(). */
json_t *ipm_json_arena_load(const char *text, size_t length, size_t flags,
                            json_error_t *out_problem);

/* By the one that opened it. */
void ipm_json_arena_close(void);

#endif
