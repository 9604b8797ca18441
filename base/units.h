/* SPDX-License-Identifier: MIT */
/*
 * units: text to number and back, for sizes, durations and plain counts.
 *
 * Parsers read the whole text or fail: a tail that means nothing is an error, never
 * ignored.  IEC suffixes only (4KiB, never 4K or 4KB), so that no reader has to guess.
 */
#ifndef IPM_BASE_UNITS_H
#define IPM_BASE_UNITS_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes: "64", "64B", "4KiB", "1MiB", "2GiB".  -EINVAL (not a size), -ERANGE. */
int ipm_parse_size(const char *text, int64_t *out_bytes, struct ipm_why *why);

/* Nanoseconds: "100ns", "20us", "50ms", "2s", "3min", "1h"; the unit is a must, a
 * decimal fraction is allowed.  -EINVAL, -ERANGE. */
int ipm_parse_duration(const char *text, int64_t *out_ns, struct ipm_why *why);

/* A whole number, decimal, optional sign.  -EINVAL, -ERANGE. */
int ipm_parse_integer(const char *text, int64_t *out_value, struct ipm_why *why);

enum { IPM_UNITS_TEXT = 32 }; /* room that every formatter below is content with */

/* "64 B", "4 KiB", "1.5 MiB": exact when a power of two divides it, else 3 digits. */
const char *ipm_format_size(char text[IPM_UNITS_TEXT], int64_t bytes);

/* Three significant digits and the unit that fits: "12.3 ns", "4.56 us", "50 ms". */
const char *ipm_format_ns(char text[IPM_UNITS_TEXT], double ns);

/* Three significant digits with k, M, G: "1.23 M".  For rates and counts. */
const char *ipm_format_count(char text[IPM_UNITS_TEXT], double value);

#ifdef __cplusplus
}
#endif

#endif
