/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diagnostics: every error of a configuration, each with its place, the line it stands on
 * and how to mend it.
 *
 *     first.jsonc:4:5: error: unknown key 'mechanism'
 *         4 |     "mechanism": "all",
 *           |     ^~~~~~~~~~~
 *           = did you mean 'mechanisms'?
 *
 * What --set put into the document has no place in the file: an error in it is reported as
 * `--set KEY: error: ...`.  Whatever is printed has its control characters escaped.
 */
#ifndef IPM_HARNESS_DIAGNOSTICS_H
#define IPM_HARNESS_DIAGNOSTICS_H

#include "harness/jsonc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ipm_diagnostic;
struct ipm_overlay;

enum { IPM_DIAGNOSTICS_MOST = 100 }; /* errors kept; the rest are counted */

struct ipm_diagnostics {
    const char *file; /* as the user named it; borrowed */
    const char *text; /* what it holds; borrowed; NULL: it could not be read */
    size_t length;    /* bytes of @text */
    size_t count;     /* errors so far, those that are not kept included */

    struct ipm_diagnostic *list; /* the rest is private */
    size_t n_list;
    struct ipm_overlay *overlays;
    size_t n_overlays;
};

/* @text (may be NULL) and @file must outlive the diagnostics. */
void ipm_diagnostics_init(struct ipm_diagnostics *diagnostics, const char *file,
                          const char *text, size_t length);
void ipm_diagnostics_fini(struct ipm_diagnostics *diagnostics);

/* From here on, errors at or below @at are errors of `--set @key`, the last one if
 * several. */
void ipm_diagnostics_overlay(struct ipm_diagnostics *diagnostics,
                             const struct ipm_pointer *at, const char *key);

/* The key of the --set that put there what stands at @at; NULL: the document has it.  Lives
 * as long as the diagnostics. */
const char *ipm_diagnostics_set_at(const struct ipm_diagnostics *diagnostics,
                                   const struct ipm_pointer *at);

/**
 * ipm_diagnostics_error() - note an error in the document
 * @at:   NULL: the document as a whole
 * @key:  point at the key, not at the value
 * @mend: what to do about it; NULL or "": nothing to say
 */
void ipm_diagnostics_error(struct ipm_diagnostics *diagnostics,
                           const struct ipm_pointer *at, bool key, const char *mend,
                           const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Notes an error at a place of the text. */
void ipm_diagnostics_error_at(struct ipm_diagnostics *diagnostics,
                              const struct ipm_position *at, const char *mend,
                              const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Notes an error of `--set @key` itself. */
void ipm_diagnostics_error_set(struct ipm_diagnostics *diagnostics, const char *key,
                               const char *mend, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints all, in the order of the text, those of --set last. */
void ipm_diagnostics_print(const struct ipm_diagnostics *diagnostics, FILE *out);

/* "ipcmeter COMMAND: TEXT" on stderr, the text escaped; @command NULL: "ipcmeter: TEXT". */
void ipm_complain(const char *command, const char *text);

/* Prints text with C0, DEL and C1 control characters, and bytes that are no UTF-8, as \xNN;
 * returns the columns. */
size_t ipm_print_escaped(FILE *out, const char *text, size_t length);

/* The word of a NULL-terminated list that is at most two edits away, and keeps more than half
 * of its letters; NULL: none is, or the list itself is NULL. */
const char *ipm_nearest_word(const char *word, const char *const *words);

enum { IPM_MEND = 256 };

/* "did you mean 'x'?", else "allowed: a, b, c". */
const char *ipm_mend_word(char mend[IPM_MEND], const char *word,
                          const char *const *words);

#endif
