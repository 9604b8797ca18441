/* SPDX-License-Identifier: MIT */
/*
 * json: what jansson leaves open for us: no NaN in any document, canonical text, a hash of
 * it, and typed look-ups that say what was wrong.
 */
#ifndef IPM_BASE_JSON_H
#define IPM_BASE_JSON_H

#include "base/why.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ipm_auto_json __attribute__((cleanup(ipm_cleanup_json)))

static inline void ipm_cleanup_json(json_t **json)
{
    json_decref(*json);
}

/* A JSON number; null for NaN and the infinities, which JSON cannot hold.  A whole number
 * below 2^53 becomes an integer, so that counts never print as 3.0. */
json_t *ipm_json_number(double value);

/* A JSON string; bytes that are not UTF-8 become '?', since a string that JSON cannot hold
 * would be lost without a word.  For reasons and paths, which may hold any byte. */
json_t *ipm_json_text(const char *text);

/* Compact, keys sorted, reals with 17 digits: equal documents give equal text.  The caller
 * frees it; NULL when out of memory. */
char *ipm_json_canonical(const json_t *json);

enum { IPM_HASH_TEXT = 17 };

/* 64-bit FNV-1a with a final mix, as 16 hexadecimal digits. */
void ipm_hash_text(const void *bytes, size_t length, char text[IPM_HASH_TEXT]);

/* Hash of a document's canonical text. */
void ipm_json_hash(const json_t *json, char text[IPM_HASH_TEXT]);

/*
 * Typed look-ups in an object.  @out is written only on success.
 * Return: 0; 1 the key is absent or null; -EINVAL it is of another type.
 */
int ipm_json_get_integer(const json_t *object, const char *key, int64_t *out,
                         struct ipm_why *why);
int ipm_json_get_number(const json_t *object, const char *key, double *out,
                        struct ipm_why *why);
int ipm_json_get_flag(const json_t *object, const char *key, bool *out,
                      struct ipm_why *why);
/* The string stays the document's. */
int ipm_json_get_text(const json_t *object, const char *key, const char **out,
                      struct ipm_why *why);

/**
 * ipm_json_write_file() - replace a file by a document, in one step
 *
 * Writes a temporary file beside it, syncs and renames: a reader sees the old document or
 * the new one, never half of one.  Two-space indent, keys in insertion order.
 */
int ipm_json_write_file(const json_t *json, const char *path, struct ipm_why *why);

/* The same for text. */
int ipm_text_write_file(const char *text, size_t length, const char *path,
                        struct ipm_why *why);

#endif
