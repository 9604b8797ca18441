/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/diagnostics.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct ipm_diagnostic {
    char *set; /* key of --set; NULL: @at holds */
    struct ipm_position at;
    char *message;
    char *mend; /* NULL: none */
};

struct ipm_overlay {
    char *pointer;
    char *key;
};

void ipm_diagnostics_init(struct ipm_diagnostics *diagnostics, const char *file,
                          const char *text, size_t length)
{
    *diagnostics =
        (struct ipm_diagnostics){.file = file, .text = text, .length = length};
}

static void free_diagnostic(struct ipm_diagnostic *one)
{
    free(one->set);
    free(one->message);
    free(one->mend);
}

void ipm_diagnostics_fini(struct ipm_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->n_list; i++)
        free_diagnostic(&diagnostics->list[i]);
    for (size_t i = 0; i < diagnostics->n_overlays; i++) {
        free(diagnostics->overlays[i].pointer);
        free(diagnostics->overlays[i].key);
    }
    free(diagnostics->list);
    free(diagnostics->overlays);
    ipm_diagnostics_init(diagnostics, diagnostics->file, NULL, 0);
}

void ipm_diagnostics_overlay(struct ipm_diagnostics *diagnostics,
                             const struct ipm_pointer *at, const char *key)
{
    struct ipm_overlay *larger =
        realloc(diagnostics->overlays, (diagnostics->n_overlays + 1) * sizeof(*larger));
    if (larger == NULL)
        return; /* errors below @at then point at the file: a worse place, no less */
    diagnostics->overlays = larger;
    struct ipm_overlay overlay = {.pointer = ipm_pointer_text(at), .key = strdup(key)};
    if (overlay.pointer == NULL || overlay.key == NULL) {
        free(overlay.pointer);
        free(overlay.key);
        return;
    }
    larger[diagnostics->n_overlays++] = overlay;
}

const char *ipm_diagnostics_set_at(const struct ipm_diagnostics *diagnostics,
                                   const struct ipm_pointer *at)
{
    if (diagnostics->n_overlays == 0)
        return NULL;
    ipm_auto_free char *pointer = ipm_pointer_text(at);
    for (size_t i = diagnostics->n_overlays; pointer != NULL && i > 0; i--) {
        const struct ipm_overlay *overlay = &diagnostics->overlays[i - 1];
        size_t length = strlen(overlay->pointer);
        if (strncmp(pointer, overlay->pointer, length) == 0 &&
            (pointer[length] == '\0' || pointer[length] == '/'))
            return overlay->key;
    }
    return NULL;
}

/* Finding an error's place reads the text from its start: a hostile file must not have that
 * done for each of a hundred thousand errors. */
static bool is_full(struct ipm_diagnostics *diagnostics)
{
    if (diagnostics->n_list < IPM_DIAGNOSTICS_MOST)
        return false;
    diagnostics->count++;
    return true;
}

/* Kept in the order of print; equal ones of --set, which acts on every sweep, once. */
static void add(struct ipm_diagnostics *diagnostics, const char *set,
                const struct ipm_position *at, const char *mend, const char *format,
                va_list arguments)
{
    struct ipm_diagnostic one = {.set = set != NULL ? strdup(set) : NULL};
    if (at != NULL)
        one.at = *at;
    if (vasprintf(&one.message, format, arguments) < 0)
        one.message = NULL;
    if (mend != NULL && mend[0] != '\0')
        one.mend = strdup(mend);

    struct ipm_diagnostic *larger =
        realloc(diagnostics->list, (diagnostics->n_list + 1) * sizeof(*larger));
    if (larger != NULL)
        diagnostics->list = larger;
    if (larger == NULL || one.message == NULL || (set != NULL && one.set == NULL)) {
        free_diagnostic(&one);
        diagnostics->count++;
        return;
    }
    size_t place = diagnostics->n_list;
    for (size_t i = 0; i < diagnostics->n_list; i++) {
        const struct ipm_diagnostic *other = &larger[i];
        if (set != NULL && other->set != NULL && strcmp(set, other->set) == 0 &&
            strcmp(one.message, other->message) == 0) {
            free_diagnostic(&one);
            return;
        }
        bool behind =
            set == NULL && (other->set != NULL || other->at.offset > one.at.offset);
        if (behind && place > i)
            place = i;
    }
    memmove(&larger[place + 1], &larger[place],
            (diagnostics->n_list - place) * sizeof(*larger));
    larger[place] = one;
    diagnostics->n_list++;
    diagnostics->count++;
}

void ipm_diagnostics_error(struct ipm_diagnostics *diagnostics,
                           const struct ipm_pointer *at, bool key, const char *mend,
                           const char *format, ...)
{
    if (is_full(diagnostics))
        return;
    const char *set = ipm_diagnostics_set_at(diagnostics, at);
    struct ipm_position position = {.line = 1, .column = 1};
    if (set == NULL && diagnostics->text != NULL)
        (void)ipm_jsonc_locate(diagnostics->text, diagnostics->length, at, key,
                               &position);
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, set, &position, mend, format, arguments);
    va_end(arguments);
}

void ipm_diagnostics_error_at(struct ipm_diagnostics *diagnostics,
                              const struct ipm_position *at, const char *mend,
                              const char *format, ...)
{
    if (is_full(diagnostics))
        return;
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, NULL, at, mend, format, arguments);
    va_end(arguments);
}

void ipm_diagnostics_error_set(struct ipm_diagnostics *diagnostics, const char *key,
                               const char *mend, const char *format, ...)
{
    if (is_full(diagnostics))
        return;
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, key, NULL, mend, format, arguments);
    va_end(arguments);
}

/* Bytes of the character that starts here; 0: it is no UTF-8, or not all of it is here. */
static size_t character(const char *text, size_t length)
{
    unsigned char byte = (unsigned char)text[0];
    size_t bytes = byte < 0x80                    ? 1
                   : byte >= 0xc2 && byte <= 0xdf ? 2
                   : byte >= 0xe0 && byte <= 0xef ? 3
                   : byte >= 0xf0 && byte <= 0xf4 ? 4
                                                  : 0;
    for (size_t i = 1; i < bytes; i++) {
        if (i >= length || ((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Neither longer than it must be, nor half of a pair, nor above the last. */
    unsigned char second = bytes > 2 ? (unsigned char)text[1] : 0;
    bool good = !(byte == 0xe0 && second < 0xa0) && !(byte == 0xed && second > 0x9f) &&
                !(byte == 0xf0 && second < 0x90) && !(byte == 0xf4 && second > 0x8f);
    return good ? bytes : 0;
}

size_t ipm_print_escaped(FILE *out, const char *text, size_t length)
{
    size_t columns = 0;
    size_t bytes = 1;
    for (size_t i = 0; i < length; i += bytes) {
        unsigned char byte = (unsigned char)text[i];
        bytes = character(text + i, length - i);
        bool c1 = bytes == 2 && byte == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
        if (byte == '\t') {
            (void)fputc(' ', out);
            columns++;
        } else if (byte < 0x20 || byte == 0x7f || c1 || bytes == 0) {
            (void)fprintf(out, "\\x%02x", c1 ? (unsigned char)text[i + 1] : byte);
            columns += 4;
            bytes = bytes == 0 ? 1 : bytes;
        } else {
            (void)fwrite(text + i, 1, bytes, out);
            columns++;
        }
    }
    return columns;
}

void ipm_complain(const char *command, const char *text)
{
    (void)fprintf(stderr, "ipcmeter%s%s: ", command != NULL ? " " : "",
                  command != NULL ? command : "");
    (void)ipm_print_escaped(stderr, text, strlen(text));
    (void)fputc('\n', stderr);
}

enum { LINE_BEFORE = 96, LINE_AFTER = 72 }; /* bytes shown around an error, at most */

static void print_source(const struct ipm_diagnostics *diagnostics,
                         const struct ipm_position *at, FILE *out)
{
    const char *text = diagnostics->text;
    size_t start = at->offset;
    while (start > 0 && text[start - 1] != '\n' && at->offset - start < LINE_BEFORE)
        start--;
    size_t end = at->offset + at->bytes;
    size_t most = at->offset + LINE_AFTER;
    if (end > most)
        end = most;
    while (end < diagnostics->length && end < most && text[end] != '\n' &&
           text[end] != '\r')
        end++;
    /* Cut between characters. */
    while (start < at->offset && ((unsigned char)text[start] & 0xc0) == 0x80)
        start++;
    while (end < diagnostics->length && ((unsigned char)text[end] & 0xc0) == 0x80)
        end++;

    (void)fprintf(out, "%5zu | ", at->line);
    size_t before = ipm_print_escaped(out, text + start, at->offset - start);
    size_t marked = at->bytes < end - at->offset ? at->bytes : end - at->offset;
    size_t under = ipm_print_escaped(out, text + at->offset, marked);
    (void)ipm_print_escaped(out, text + at->offset + marked, end - at->offset - marked);
    (void)fprintf(out, "\n      | %*s^", (int)before, "");
    for (size_t i = 1; i < under; i++)
        (void)fputc('~', out);
    (void)fputc('\n', out);
}

static void print_text(FILE *out, const char *text)
{
    (void)ipm_print_escaped(out, text, strlen(text));
}

void ipm_diagnostics_print(const struct ipm_diagnostics *diagnostics, FILE *out)
{
    for (size_t i = 0; i < diagnostics->n_list; i++) {
        const struct ipm_diagnostic *one = &diagnostics->list[i];
        if (one->set != NULL) {
            (void)fputs("--set ", out);
            print_text(out, one->set);
        } else {
            print_text(out, diagnostics->file);
            (void)fprintf(out, ":%zu:%zu", one->at.line, one->at.column);
        }
        (void)fputs(": error: ", out);
        print_text(out, one->message);
        (void)fputc('\n', out);
        if (one->set == NULL && diagnostics->text != NULL && diagnostics->length > 0)
            print_source(diagnostics, &one->at, out);
        if (one->mend != NULL) {
            (void)fputs("      = ", out);
            print_text(out, one->mend);
            (void)fputc('\n', out);
        }
    }
    if (diagnostics->count > diagnostics->n_list)
        (void)fprintf(out, "%zu more errors\n",
                      diagnostics->count - diagnostics->n_list);
}

enum { LONGEST_WORD = 64, MOST_EDITS = 2 };

/* Levenshtein distance, with a swap of neighbours as one edit. */
static size_t edits(const char *a, const char *b)
{
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    size_t table[3][LONGEST_WORD + 1];
    if (rows > LONGEST_WORD || columns > LONGEST_WORD)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *now = table[i % 3];
        const size_t *above = table[(i + 2) % 3];
        const size_t *swap = table[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                swap[j - 2] + 1 < best)
                best = swap[j - 2] + 1;
            now[j] = best;
        }
    }
    return table[rows % 3][columns];
}

const char *ipm_nearest_word(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    size_t least = MOST_EDITS + 1;
    for (; words != NULL && *words != NULL; words++) {
        size_t distance = edits(word, *words);
        /* More than half of the word must stay: 'on' does not mean 'off'. */
        if (distance < least && 2 * distance < strlen(*words)) {
            least = distance;
            nearest = *words;
        }
    }
    return nearest;
}

const char *ipm_mend_word(char mend[IPM_MEND], const char *word,
                          const char *const *words)
{
    const char *nearest = ipm_nearest_word(word, words);
    mend[0] = '\0';
    if (nearest != NULL) {
        (void)snprintf(mend, IPM_MEND, "did you mean '%s'?", nearest);
        return mend;
    }
    size_t used = 0;
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        int wrote = snprintf(mend + used, IPM_MEND - used, "%s%s",
                             i == 0 ? "allowed: " : ", ", words[i]);
        used += (size_t)wrote;
        if (used >= IPM_MEND) {
            (void)strcpy(mend + IPM_MEND - 4, "...");
            break;
        }
    }
    return mend;
}
