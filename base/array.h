/* SPDX-License-Identifier: MIT */
/*
 * array: a list that grows.
 */
#ifndef IPM_BASE_ARRAY_H
#define IPM_BASE_ARRAY_H

#include <stddef.h>

/**
 * ipm_array_grow() - room for one more entry
 * @entries: NULL while there is none
 * @n:       entries in use
 * @room:    entries there is room for; raised
 * @size:    bytes of one
 *
 * Return: the entries, perhaps moved; NULL: no memory, and @entries is as it was.
 */
void *ipm_array_grow(void *entries, size_t n, size_t *room, size_t size);

#endif
