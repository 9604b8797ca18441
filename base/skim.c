/* SPDX-License-Identifier: MIT */
#include "base/skim.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char histogram[] = "histogram";

/* A piece of the line. */
struct span {
    const char *text;
    size_t length;
};

struct skimmer {
    const char *text;
    size_t length;
    const char *const *unread;
    struct span member; /* the one of the object that we are in */
    char *out;
    size_t kept; /* text before it is in @out, or cut out */
    struct ipm_skimmed *skimmed;
};

/* Behind the string that begins at @at, or @length. */
static size_t string_end(const char *text, size_t length, size_t at)
{
    for (at++; at < length && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < length ? at + 1 : length;
}

size_t ipm_skim_value(const char *text, size_t length, size_t at)
{
    size_t depth = 0;
    while (at < length) {
        char letter = text[at];
        if (depth == 0 && (letter == ',' || letter == '}' || letter == ']'))
            return at;
        if (letter == '"') {
            at = string_end(text, length, at);
            continue;
        }
        if (letter == '{' || letter == '[')
            depth++;
        if (letter == '}' || letter == ']')
            depth--;
        at++;
    }
    return length;
}

static bool equals(struct span span, const char *word)
{
    return strlen(word) == span.length && memcmp(word, span.text, span.length) == 0;
}

static bool is_unread(const struct skimmer *skimmer, struct span key)
{
    for (size_t i = 0; skimmer->unread[i] != NULL; i++) {
        if (equals(key, skimmer->unread[i]))
            return true;
    }
    return false;
}

/* Only Base64's letters: then the string means what it looks like. */
static bool is_packed(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        char letter = text.text[i];
        bool plain = (letter >= 'A' && letter <= 'Z') ||
                     (letter >= 'a' && letter <= 'z') ||
                     (letter >= '/' && letter <= '9') || letter == '+' || letter == '=';
        if (!plain)
            return false;
    }
    return true;
}

static void cut(struct skimmer *skimmer, size_t from, size_t to)
{
    struct ipm_skimmed *skimmed = skimmer->skimmed;
    memcpy(skimmer->out + skimmed->length, skimmer->text + skimmer->kept,
           from - skimmer->kept);
    skimmed->length += from - skimmer->kept;
    if (to > from) { /* by four letters at least: there is room */
        memcpy(skimmer->out + skimmed->length, "null", 4);
        skimmed->length += 4;
    }
    skimmer->kept = to;
}

/* Takes a histogram's text out, when there is a place to remember it. */
static size_t take_packed(struct skimmer *skimmer, size_t from, size_t to)
{
    struct ipm_skimmed *skimmed = skimmer->skimmed;
    struct span text = {skimmer->text + from + 1, to - from - 2};
    if (text.length < 4 || skimmed->n_packed == IPM_SKIM_PACKED || !is_packed(text) ||
        skimmer->member.length >= sizeof(skimmed->packed[0].parent))
        return to;
    size_t i = skimmed->n_packed++;
    memcpy(skimmed->packed[i].parent, skimmer->member.text, skimmer->member.length);
    skimmed->packed[i].parent[skimmer->member.length] = '\0';
    skimmed->packed[i].text = text.text;
    skimmed->packed[i].length = text.length;
    cut(skimmer, from, to);
    return to;
}

/* Behind the string at @at, and behind its value when it is a member that was cut out. */
static size_t skim_string(struct skimmer *skimmer, size_t at, size_t depth)
{
    size_t end = string_end(skimmer->text, skimmer->length, at);
    if (end + 1 >= skimmer->length || skimmer->text[end] != ':' || depth > 2)
        return end;
    struct span key = {skimmer->text + at + 1, end - at - 2};
    size_t from = end + 1;
    if (depth == 1) {
        skimmer->member = key;
        if (!is_unread(skimmer, key))
            return from;
        size_t to = ipm_skim_value(skimmer->text, skimmer->length, from);
        if (to < skimmer->length && to - from >= 4)
            cut(skimmer, from, to);
        return to;
    }
    if (!equals(key, histogram) || skimmer->text[from] != '"')
        return from;
    size_t to = string_end(skimmer->text, skimmer->length, from);
    return to < skimmer->length ? take_packed(skimmer, from, to) : to;
}

int ipm_skim(const char *text, size_t length, const char *const *unread, char *out,
             struct ipm_skimmed *out_skimmed)
{
    struct skimmer skimmer = {.text = text,
                              .length = length,
                              .unread = unread,
                              .out = out,
                              .skimmed = out_skimmed};
    out_skimmed->length = out_skimmed->n_packed = 0;
    size_t depth = 0;
    for (size_t at = 0; at < length;) {
        char letter = text[at];
        if (letter == '"') {
            at = skim_string(&skimmer, at, depth);
            continue;
        }
        if (letter == '{' || letter == '[')
            depth++;
        if ((letter == '}' || letter == ']') && depth-- == 0)
            return -EINVAL;
        at++;
    }
    if (depth != 0)
        return -EINVAL;
    cut(&skimmer, length, length);
    return 0;
}

int ipm_skim_restore(const struct ipm_skimmed *skimmed, json_t *object)
{
    for (size_t i = 0; i < skimmed->n_packed; i++) {
        json_t *parent = json_object_get(object, skimmed->packed[i].parent);
        if (json_is_object(parent) &&
            json_object_set_new(parent, histogram,
                                json_stringn_nocheck(skimmed->packed[i].text,
                                                     skimmed->packed[i].length)) != 0)
            return -ENOMEM;
    }
    return 0;
}
