/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest_pack: figures as text that is quick to read.  Part of digest.
 *
 * A figure is seven decimal digits, more than two invocations ever agree on, and a power of ten:
 * m * 10^e with m below 10^7 and e of -22 to 22.  It is five digits of base 64 (A-Z a-z 0-9 +
 * /): four of m, the highest first, and one of e + 32.  "AAAAA" is none.  Since both m and 10^e
 * are doubles, the figure read is the very double that its decimal digits give.
 *
 * Reading decimal numbers, and a parser's value for each, took most of a comparison's time.
 */
#ifndef IPM_ANALYSIS_DIGEST_PACK_H
#define IPM_ANALYSIS_DIGEST_PACK_H

#include <stdbool.h>
#include <stddef.h>

enum { IPM_DIGEST_DIGITS = 5 /* of one figure */ };

/* Writes IPM_DIGEST_DIGITS letters, no NUL; none for what is not above 0, not finite, or not
 * from 1e-16 to below 1e29, outside which no time, rate or energy of a message is. */
void ipm_digest_pack(double value, char *text);

/* Reads @n figures of n * IPM_DIGEST_DIGITS letters; NaN for none.
 * Return: whether the letters are all of base 64 and their exponents within range. */
bool ipm_digest_unpack(const char *text, size_t n, double *figures);

#endif
