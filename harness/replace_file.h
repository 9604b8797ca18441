/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replace_file: a file that is the old one or the whole new one. */
#ifndef IPM_HARNESS_REPLACE_FILE_H
#define IPM_HARNESS_REPLACE_FILE_H

#include "base/why.h"

#include <stdio.h>

/**
 * ipm_replace_file() - let @write write @path
 * @write: returns 0 when all is well; anything else leaves the old file, and is returned.  It
 *         need not look whether @out could be written
 *
 * Into a file beside it first, which is synced and renamed; a device, a pipe or a link is written
 * to directly.
 *
 * Return: 0; what @write returned; -errno of opening or writing.
 */
int ipm_replace_file(const char *path,
                     int (*write)(FILE *out, void *context, struct ipm_why *why),
                     void *context, struct ipm_why *why);

#endif
