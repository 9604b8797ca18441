/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/jsonc.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    TOKEN_END,
    TOKEN_PUNCTUATION,
    TOKEN_STRING,
    TOKEN_WORD, /* a number, true, null, or nonsense: jansson tells them apart */
    TOKEN_COMMENT,
    TOKEN_TORN, /* a comment without an end */
};

struct token {
    enum kind kind;
    size_t start, end; /* bytes; end is the first behind it */
};

struct scan {
    const char *text;
    size_t length;
    size_t at;
};

static size_t string_end(const struct scan *scan, size_t at)
{
    for (at++; at < scan->length && scan->text[at] != '\n'; at++) {
        if (scan->text[at] == '"')
            return at + 1;
        if (scan->text[at] == '\\')
            at++;
    }
    return at < scan->length ? at : scan->length;
}

static struct token comment(const struct scan *scan, size_t start)
{
    const char *text = scan->text;
    size_t at = start + 2;
    if (text[start + 1] == '/') {
        while (at < scan->length && text[at] != '\n')
            at++;
        return (struct token){TOKEN_COMMENT, start, at};
    }
    for (; at + 1 < scan->length; at++) {
        if (text[at] == '*' && text[at + 1] == '/')
            return (struct token){TOKEN_COMMENT, start, at + 2};
    }
    return (struct token){TOKEN_TORN, start, scan->length};
}

/* Some editors put it in front of a text. */
static const char mark[] = {'\xef', '\xbb', '\xbf'};

static bool has_mark(const char *text, size_t length)
{
    return length >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0;
}

/* The next token, comments included; moves behind it. */
static struct token next_raw(struct scan *scan)
{
    const char *text = scan->text;
    size_t start = scan->at;
    if (start == 0 && has_mark(text, scan->length))
        start = sizeof(mark);
    while (start < scan->length && memchr(" \t\r\n", text[start], 4) != NULL)
        start++;
    struct token token = {TOKEN_WORD, start, start + 1};
    if (start >= scan->length)
        token = (struct token){TOKEN_END, scan->length, scan->length};
    else if (memchr("{}[],:", text[start], 6) != NULL)
        token.kind = TOKEN_PUNCTUATION;
    else if (text[start] == '"')
        token = (struct token){TOKEN_STRING, start, string_end(scan, start)};
    else if (text[start] == '/' && start + 1 < scan->length &&
             (text[start + 1] == '/' || text[start + 1] == '*'))
        token = comment(scan, start);
    else
        while (token.end < scan->length &&
               memchr(" \t\r\n{}[],:\"/", text[token.end], 12) == NULL)
            token.end++;
    scan->at = token.end;
    return token;
}

static struct token next(struct scan *scan)
{
    struct token token = next_raw(scan);
    while (token.kind == TOKEN_COMMENT || token.kind == TOKEN_TORN)
        token = next_raw(scan);
    return token;
}

static bool is(const struct scan *scan, struct token token, char punctuation)
{
    return token.kind == TOKEN_PUNCTUATION && scan->text[token.start] == punctuation;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static struct ipm_position position(const char *text, size_t start, size_t end)
{
    struct ipm_position at = {.line = 1, .column = 1, .offset = start};
    for (size_t i = 0; i < start; i++) {
        if (text[i] == '\n') {
            at.line++;
            at.column = 1;
        } else if (!is_continuation(text[i])) {
            at.column++;
        }
    }
    while (start + at.bytes < end && text[start + at.bytes] != '\n')
        at.bytes++;
    return at;
}

int ipm_jsonc_blank(char *text, size_t length, struct ipm_position *out_at,
                    struct ipm_why *why)
{
    struct scan scan = {.text = text, .length = length};
    struct token before = {TOKEN_END, 0, 0}; /* the token in front of @last */
    struct token last = {TOKEN_END, 0, 0};
    if (has_mark(text, length))
        memset(text, ' ', sizeof(mark));
    for (;;) {
        struct token token = next_raw(&scan);
        if (token.kind == TOKEN_TORN) {
            *out_at = position(text, token.start, token.start + 2);
            return ipm_why_set(why, -EINVAL, "this comment has no end");
        }
        if (token.kind == TOKEN_END)
            return 0;
        if (token.kind == TOKEN_COMMENT) {
            for (size_t i = token.start; i < token.end; i++) {
                if (text[i] != '\n')
                    text[i] = ' ';
            }
            continue;
        }
        /* Only a comma behind a value trails: [,] and [1,,] stay errors. */
        bool closes = is(&scan, token, '}') || is(&scan, token, ']');
        bool value = before.kind == TOKEN_STRING || before.kind == TOKEN_WORD ||
                     is(&scan, before, '}') || is(&scan, before, ']');
        if (closes && value && is(&scan, last, ','))
            text[last.start] = ' ';
        before = last;
        last = token;
    }
}

/* jansson tells how far it had read: the token that ends there is the culprit. */
static struct ipm_position culprit(const char *text, size_t length, int read)
{
    struct scan scan = {.text = text, .length = length};
    struct token found = {TOKEN_END, 0, 0};
    for (;;) {
        struct token token = next(&scan);
        if (token.kind == TOKEN_END || (read >= 0 && token.start >= (size_t)read))
            break;
        found = token;
    }
    return position(text, found.start, found.end);
}

int ipm_jsonc_parse(const char *text, size_t length, json_t **out_root,
                    struct ipm_position *out_at, struct ipm_why *why)
{
    const char *nul = memchr(text, '\0', length);
    if (nul != NULL) {
        *out_at = position(text, (size_t)(nul - text), (size_t)(nul - text) + 1);
        return ipm_why_set(why, -EINVAL, "this is no text: it has a NUL byte");
    }
    ipm_auto_free char *blanked = malloc(length + 1);
    if (blanked == NULL)
        return ipm_why_set(why, -ENOMEM, "%s", strerror(ENOMEM));
    memcpy(blanked, text, length);
    blanked[length] = '\0';
    int error = ipm_jsonc_blank(blanked, length, out_at, why);
    if (error != 0)
        return error;

    struct scan scan = {.text = blanked, .length = length};
    if (next(&scan).kind == TOKEN_END) {
        *out_at = position(text, 0, 0);
        return ipm_why_set(why, -EINVAL, "there is nothing in this file");
    }
    json_error_t problem;
    json_t *root =
        json_loadb(blanked, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root == NULL) {
        *out_at = culprit(blanked, length, problem.position);
        bool escaped_nul = strncmp(problem.text, "\\u0000", 6) == 0;
        return ipm_why_set(why, -EINVAL, "%s",
                           escaped_nul ? "a text must not hold \\u0000" : problem.text);
    }
    *out_root = root;
    return 0;
}

static void skip_value(struct scan *scan, struct token first)
{
    int depth = 0;
    struct token token = first;
    for (;;) {
        if (is(scan, token, '{') || is(scan, token, '['))
            depth++;
        else if (is(scan, token, '}') || is(scan, token, ']'))
            depth--;
        if (depth <= 0 || token.kind == TOKEN_END)
            return;
        token = next(scan);
    }
}

static bool key_equals(const struct scan *scan, struct token token, const char *key)
{
    /* A key may be written with escapes: let jansson decode it. */
    ipm_auto_json json_t *decoded = json_loadb(
        scan->text + token.start, token.end - token.start, JSON_DECODE_ANY, NULL);
    return json_is_string(decoded) && strcmp(json_string_value(decoded), key) == 0;
}

/* Leaves the scan behind the first token of the value at @at, which it returns. */
static struct token seek(struct scan *scan, const struct ipm_pointer *at,
                         struct token *out_key)
{
    static const struct token nothing = {TOKEN_END, 0, 0};
    if (at == NULL)
        return next(scan);
    struct token outer = seek(scan, at->up, out_key);
    if (!is(scan, outer, at->key != NULL ? '{' : '['))
        return nothing;
    for (size_t index = 0;; index++) {
        struct token token = next(scan);
        *out_key = token;
        if (token.kind == TOKEN_END || is(scan, token, '}') || is(scan, token, ']'))
            return nothing;
        bool found =
            at->key != NULL ? key_equals(scan, token, at->key) : index == at->index;
        if (at->key != NULL) {
            (void)next(scan); /* the colon */
            token = next(scan);
        }
        if (found)
            return token;
        skip_value(scan, token);
        struct token comma = next(scan);
        if (!is(scan, comma, ','))
            return nothing;
    }
}

int ipm_jsonc_locate(const char *text, size_t length, const struct ipm_pointer *at,
                     bool key, struct ipm_position *out_at)
{
    struct scan scan = {.text = text, .length = length};
    struct token name = {TOKEN_END, 0, 0};
    struct token value = seek(&scan, at, &name);
    if (value.kind == TOKEN_END)
        return -ENOENT;
    if (key && at != NULL && at->key != NULL)
        value = name;
    *out_at = position(text, value.start, value.end);
    return 0;
}

static void print_pointer(FILE *out, const struct ipm_pointer *at)
{
    if (at == NULL)
        return;
    print_pointer(out, at->up);
    (void)fputc('/', out);
    if (at->key == NULL) {
        (void)fprintf(out, "%zu", at->index);
        return;
    }
    for (const char *c = at->key; *c != '\0'; c++) {
        if (*c == '~' || *c == '/')
            (void)fprintf(out, "~%d", *c == '/');
        else
            (void)fputc(*c, out);
    }
}

char *ipm_pointer_text(const struct ipm_pointer *at)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    print_pointer(out, at);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
