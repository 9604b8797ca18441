/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest_parse: the document of a digest.  Part of digest.
 *
 * Nearly all of it are its points, and runs of one plan have these in common.  A point's text that
 * was seen is not parsed again; what is new goes to the parser, and what is not as we write it goes
 * there as a whole.
 */
#ifndef IPM_ANALYSIS_DIGEST_PARSE_H
#define IPM_ANALYSIS_DIGEST_PARSE_H

#include <jansson.h>
#include <stddef.h>

enum {
    IPM_DIGEST_SHARED =
        1 << 16 /* points kept, of half a kilobyte each; others are parsed */
};

/* @text: the line, without its end; overwritten
 * @shared: as in ipm_digest_load()
 * Return: the document, the caller's, points of which may be shared and are not to be changed;
 *         NULL: it is none, or no memory. */
json_t *ipm_digest_parse(char *text, size_t length, json_t *shared);

#endif
