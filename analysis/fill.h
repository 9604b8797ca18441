/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fill: our own markup with foreign text in it, whatever the markup's escapes are.
 */
#ifndef IPM_ANALYSIS_FILL_H
#define IPM_ANALYSIS_FILL_H

#include <stdarg.h>
#include <stdio.h>

/**
 * ipm_fill() - write markup with text in it
 * @put:    writes a foreign text, escaped
 * @format: our own markup; %s is a text for @put, %zu a count; nothing else may follow a '%'
 */
void ipm_fill(FILE *out, void (*put)(FILE *out, const char *text), const char *format,
              va_list arguments) __attribute__((format(printf, 3, 0)));

#endif
