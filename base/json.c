/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/cleanup.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

json_t *ipm_json_number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 9007199254740992.0)
        return json_integer((json_int_t)value);
    return json_real(value);
}

json_t *ipm_json_text(const char *text)
{
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    ipm_auto_free char *copy = strdup(text);
    if (copy == NULL)
        return NULL;
    for (char *at = copy; *at != '\0';) {
        size_t length = 1;
        json_t *character = NULL;
        /* Jansson knows what UTF-8 is: the shortest piece that it takes is a character. */
        for (; length <= 4 && character == NULL; length++)
            character = json_stringn(at, strnlen(at, length));
        if (character == NULL)
            *at++ = '?';
        else
            at += json_string_length(character);
        json_decref(character);
    }
    return json_string(copy);
}

char *ipm_json_canonical(const json_t *json)
{
    return json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                JSON_REAL_PRECISION(17));
}

void ipm_hash_text(const void *bytes, size_t length, char text[IPM_HASH_TEXT])
{
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    /* FNV-1a moves its last bytes little: finish with the mix of splitmix64. */
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    (void)snprintf(text, IPM_HASH_TEXT, "%016llx", (unsigned long long)hash);
}

void ipm_json_hash(const json_t *json, char text[IPM_HASH_TEXT])
{
    ipm_auto_free char *canonical = ipm_json_canonical(json);
    const char *hashed = canonical == NULL ? "" : canonical;
    ipm_hash_text(hashed, strlen(hashed), text);
}

static int wrong_type(const char *key, const char *expected, struct ipm_why *why)
{
    return ipm_why_set(why, -EINVAL, "'%s' must be %s", key, expected);
}

int ipm_json_get_integer(const json_t *object, const char *key, int64_t *out,
                         struct ipm_why *why)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 1;
    if (!json_is_integer(value))
        return wrong_type(key, "a whole number", why);
    *out = json_integer_value(value);
    return 0;
}

int ipm_json_get_number(const json_t *object, const char *key, double *out,
                        struct ipm_why *why)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 1;
    if (!json_is_number(value))
        return wrong_type(key, "a number", why);
    *out = json_number_value(value);
    return 0;
}

int ipm_json_get_flag(const json_t *object, const char *key, bool *out,
                      struct ipm_why *why)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 1;
    if (!json_is_boolean(value))
        return wrong_type(key, "true or false", why);
    *out = json_is_true(value);
    return 0;
}

int ipm_json_get_text(const json_t *object, const char *key, const char **out,
                      struct ipm_why *why)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 1;
    if (!json_is_string(value))
        return wrong_type(key, "a string", why);
    *out = json_string_value(value);
    return 0;
}

enum { TEMPORARY = 4096 };

/* The file beside @path that is to replace it: a descriptor, or -errno. */
static int open_temporary(const char *path, char temporary[TEMPORARY],
                          struct ipm_why *why)
{
    int needed = snprintf(temporary, TEMPORARY, "%s.tmp", path);
    if (needed < 0 || needed >= TEMPORARY)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 ? ipm_why_set(why, -errno, "open %s: ", temporary) : fd;
}

/* @error: of writing it. */
static int replace(int fd, int error, const char *temporary, const char *path,
                   struct ipm_why *why)
{
    if (error == 0 && fsync(fd) != 0)
        error = -errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = -errno;
    if (error == 0)
        return 0;
    (void)unlink(temporary);
    return ipm_why_set(why, error, "write %s: ", path);
}

int ipm_text_write_file(const char *text, size_t length, const char *path,
                        struct ipm_why *why)
{
    char temporary[TEMPORARY];
    ipm_auto_fd int fd = open_temporary(path, temporary, why);
    if (fd < 0)
        return fd;
    return replace(fd, ipm_write_all(fd, text, length), temporary, path, why);
}

/* Piece by piece: the text of a long run's report is a hundred megabytes. */
static int print_document(const json_t *json, FILE *out)
{
    errno = 0;
    if (json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0 &&
        fputc('\n', out) != EOF && fflush(out) == 0)
        return 0;
    return errno != 0 ? -errno : -ENOMEM;
}

int ipm_json_write_file(const json_t *json, const char *path, struct ipm_why *why)
{
    char temporary[TEMPORARY];
    ipm_auto_fd int fd = open_temporary(path, temporary, why);
    if (fd < 0)
        return fd;
    ipm_auto_file FILE *out = fdopen(fd, "w");
    if (out == NULL)
        return replace(fd, -errno, temporary, path, why);
    (void)ipm_steal_fd(&fd);
    return replace(fileno(out), print_document(json, out), temporary, path, why);
}
