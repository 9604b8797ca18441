/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/fill.h"

#include <string.h>

void ipm_fill(FILE *out, void (*put)(FILE *out, const char *text), const char *format,
              va_list arguments)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (strncmp(at, "%s", 2) == 0) {
            put(out, va_arg(arguments, const char *));
            at += 1;
        } else if (strncmp(at, "%zu", 3) == 0) {
            (void)fprintf(out, "%zu", va_arg(arguments, size_t));
            at += 2;
        } else {
            (void)fputc(*at, out);
        }
    }
}
