/* SPDX-License-Identifier: MIT */
/*
 * skim: a line of JSON with less to parse.
 *
 * A record of an invocation is 4 to 30 KB, and the parser takes its time for each letter.  Here
 * strings and brackets are told apart and nothing else is understood: what is left goes to the
 * parser, which judges it; what was cut out is not judged.
 *
 * Cut out are whole members that the reader does not want, and packed histograms, which are
 * put back after parsing as they were: Base64 needs no parser.
 */
#ifndef IPM_BASE_SKIM_H
#define IPM_BASE_SKIM_H

#include <jansson.h>
#include <stddef.h>

enum { IPM_SKIM_PACKED = 8 /* histograms taken out of one line; more stay in */ };

struct ipm_skimmed {
    size_t length; /* of the text left */
    size_t n_packed;
    struct {
        char parent[32];  /* the member that has it */
        const char *text; /* in the line */
        size_t length;
    } packed[IPM_SKIM_PACKED];
};

/**
 * ipm_skim() - cut out
 * @text:   a line of JSON, one object
 * @unread: names of members of that object, NULL-terminated: null stands in their place
 * @out:    room for @length bytes
 *
 * The packed histograms, "histogram" of a member, are null in @out as well.
 *
 * Return: 0; -EINVAL where strings or brackets do not end: then the line is no JSON.
 */
int ipm_skim(const char *text, size_t length, const char *const *unread, char *out,
             struct ipm_skimmed *out_skimmed);

/* Behind the value that begins at @at: before the comma or bracket that ends it; @length where
 * none does.  It is not judged. */
size_t ipm_skim_value(const char *text, size_t length, size_t at);

/* Puts the histograms back into what was parsed.  Return: 0; -ENOMEM. */
int ipm_skim_restore(const struct ipm_skimmed *skimmed, json_t *object);

#endif
