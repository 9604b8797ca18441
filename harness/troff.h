/* SPDX-License-Identifier: GPL-3.0-or-later */
/* troff: text in a man page, where dots, quotes, dashes and backslashes mean something else. */
#ifndef IPM_HARNESS_TROFF_H
#define IPM_HARNESS_TROFF_H

#include <stddef.h>
#include <stdio.h>

/* @length bytes of text: on a line of its own, or in the quoted argument of a request. */
void ipm_troff_put(const char *text, size_t length, FILE *out);

#endif
