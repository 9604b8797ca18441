/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_leave: what a gate leaves for a pipeline, of its document (analysis/gate_json.h). */
#ifndef IPM_HARNESS_GATE_LEAVE_H
#define IPM_HARNESS_GATE_LEAVE_H

#include "base/json.h"

#include <stdbool.h>
#include <stdio.h>

struct ipm_gate_leave {
    const char *junit,
        *markdown;    /* files to replace, in folders that are made where they are
                                   * missing; NULL: not asked for */
    bool annotations; /* on stdout */
};

/**
 * ipm_gate_leave_check() - can the files be written, as far as is known before the gate?
 *
 * Return: 0; -errno the folder cannot be made, or nothing may be written into it.
 */
int ipm_gate_leave_check(const struct ipm_gate_leave *leave, struct ipm_why *why);

/**
 * ipm_gate_leave() - write what was asked for
 *
 * All of it is tried; the first error is told.
 *
 * Return: 0; -EINVAL @document is none of a gate; -EIO, -errno of writing; -ENOMEM.
 */
int ipm_gate_leave(const struct ipm_gate_leave *leave, const json_t *document,
                   struct ipm_why *why);

/* The document of a gate that came to none: its verdict is error.  NULL: no memory. */
json_t *ipm_gate_leave_failed(const char *sentence);

/* The document of the gate in a folder.  Return: 0; 1 the folder has none; -EINVAL it is no JSON;
 * -errno. */
int ipm_gate_leave_read(const char *directory, json_t **out_document,
                        struct ipm_why *why);

#endif
