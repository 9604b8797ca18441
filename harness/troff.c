/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/troff.h"

void ipm_troff_put(const char *text, size_t length, FILE *out)
{
    /* In front of a line a dot or a quote would be a request. */
    if (length > 0 && (text[0] == '.' || text[0] == '\''))
        (void)fputs("\\&", out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\')
            (void)fputs("\\e", out);
        else if (text[i] == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(text[i], out);
    }
}
