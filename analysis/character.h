/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * character: what a foreign text is made of, and which of it a reader would not see.
 */
#ifndef IPM_ANALYSIS_CHARACTER_H
#define IPM_ANALYSIS_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at @at, not its end, and its bytes; 0 bytes: no UTF-8. */
size_t ipm_character(const char *at, uint32_t *out_point);

/* Whether nothing would be seen of it, or it would turn the text around it: controls, line
 * ends, directional and zero-width characters, what XML does not allow. */
bool ipm_character_hidden(uint32_t point);

/**
 * ipm_character_shown() - a text as it may stand in a line of any kind of file
 *
 * Hidden characters become \uXXXX, bytes that are no UTF-8 \xXX.  Markup stays what it is.
 *
 * Return: the text, the caller's; NULL when out of memory.
 */
char *ipm_character_shown(const char *text);

#endif
