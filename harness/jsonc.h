/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jsonc: JSON with comments and trailing commas, and where in the text a value stands.
 *
 * Comments, trailing commas and a byte order mark are overwritten by blanks before jansson sees the text, so
 * that every position in what it parses is a position in what the user wrote.
 */
#ifndef IPM_HARNESS_JSONC_H
#define IPM_HARNESS_JSONC_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

/* A piece of a text, on one line. */
struct ipm_position {
    size_t line;   /* from 1 */
    size_t column; /* from 1, in characters */
    size_t offset; /* bytes from the start of the text */
    size_t bytes;  /* length of the piece; 0 at the end of the text */
};

/* A way into a document, from the leaf to the root, which is NULL.  Lives on the stack of
 * whoever walks the document. */
struct ipm_pointer {
    const struct ipm_pointer *up;
    const char *key; /* member of an object; NULL: element @index of an array */
    size_t index;
};

/**
 * ipm_jsonc_blank() - overwrite comments and trailing commas by blanks, in place
 *
 * Line feeds stay, strings are left alone, the length does not change.
 *
 * Return: 0; -EINVAL a comment has no end (@out_at: where it starts).
 */
int ipm_jsonc_blank(char *text, size_t length, struct ipm_position *out_at,
                    struct ipm_why *why);

/**
 * ipm_jsonc_parse() - text to document
 * @out_root: the caller's reference; any JSON value
 * @out_at:   on -EINVAL, where the text goes wrong
 *
 * A key that an object has twice is an error.
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int ipm_jsonc_parse(const char *text, size_t length, json_t **out_root,
                    struct ipm_position *out_at, struct ipm_why *why);

/**
 * ipm_jsonc_locate() - where a value, or the key it is known by, stands
 * @text: one that ipm_jsonc_parse() accepts, comments included
 * @key:  the key's place instead of the value's; an element of an array has none
 *
 * Scans the text from its start: for messages only.
 *
 * Return: 0; -ENOENT nothing is there.
 */
int ipm_jsonc_locate(const char *text, size_t length, const struct ipm_pointer *at,
                     bool key, struct ipm_position *out_at);

/* The pointer as text, "/sweeps/0/axes"; the caller frees it; NULL when out of memory. */
char *ipm_pointer_text(const struct ipm_pointer *at);

#endif
