/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leave: what a verdict leaves for a pipeline, of its document. */
#ifndef IPM_HARNESS_LEAVE_H
#define IPM_HARNESS_LEAVE_H

#include "base/json.h"

#include <stdbool.h>
#include <stdio.h>

/* What a command line asks for.  Folders of the files are made where they are missing. */
struct ipm_leave {
    const char *junit, *markdown; /* files to replace; NULL: not asked for */
    bool annotations;             /* on stdout */
};

/* Rows of a command's table of options, under its own codes. */
#define IPM_LEAVE_OPTIONS(junit_code, markdown_code, annotations_code)                 \
    {.name = "junit",                                                                  \
     .code = (junit_code),                                                             \
     .value = "FILE",                                                                  \
     .kind = IPM_OPERAND_FILE,                                                         \
     .help = "and the verdict as JUnit XML into FILE, a test case per point"},         \
        {.name = "markdown",                                                           \
         .code = (markdown_code),                                                      \
         .value = "FILE",                                                              \
         .kind = IPM_OPERAND_FILE,                                                     \
         .help = "and as the summary of a job into FILE"},                             \
    {                                                                                  \
        .name = "annotations", .code = (annotations_code),                             \
        .help = "and lines for GitHub Actions, ::error and ::warning, ten at most, "   \
                "the worst first"                                                      \
    }

/* Writes a document.  Return: 0; -EINVAL it is none of that kind, and nothing was written;
 * -ENOMEM. */
typedef int ipm_leave_form(const json_t *document, FILE *out, struct ipm_why *why);

/* The forms of a kind of document. */
struct ipm_leave_forms {
    const char *kind; /* its member of that name */
    ipm_leave_form *junit, *markdown, *annotate;
};

extern const struct ipm_leave_forms ipm_leave_gate, ipm_leave_counts;

/* Whether anything is asked for. */
bool ipm_leave_asked(const struct ipm_leave *leave);

/**
 * ipm_leave_check() - can the files be written, as far as is known before the verdict?
 *
 * Return: 0; -errno the folder cannot be made, or nothing may be written into it.
 */
int ipm_leave_check(const struct ipm_leave *leave, struct ipm_why *why);

/**
 * ipm_leave() - write what was asked for
 *
 * All of it is tried; the first error is told.
 *
 * Return: 0; as the forms; -EIO, -errno of writing.
 */
int ipm_leave(const struct ipm_leave *leave, const struct ipm_leave_forms *forms,
              const json_t *document, struct ipm_why *why);

/* The same where there is no verdict: an error, and @sentence. */
int ipm_leave_failed(const struct ipm_leave *leave, const struct ipm_leave_forms *forms,
                     const char *sentence, struct ipm_why *why);

/* The document of the gate in a folder.  Return: 0; 1 the folder has none; -EINVAL it is no JSON;
 * -errno. */
int ipm_leave_read_gate(const char *directory, json_t **out_document,
                        struct ipm_why *why);

#endif
