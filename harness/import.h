/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import: records that were measured elsewhere - in an emulated guest, on a machine with
 * only the worker, as a batch job - into a result folder of their own.
 *
 * The source is what came over the wire: one record a line, perhaps with carriage returns,
 * with a console's other lines between them, with text before or behind a record on its
 * line, and with the last line torn.  The document of `ipcmeter-worker describe`, when one
 * is among the lines, goes to the manifest.
 */
#ifndef IPM_HARNESS_IMPORT_H
#define IPM_HARNESS_IMPORT_H

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

struct ipm_import_request {
    const char *directory; /* of the results; created, its parent must be there */
    const char *file;      /* what to read */
    bool emulated;         /* the machine that measured was an emulated one */
};

struct ipm_import_result {
    size_t records;   /* that were added */
    size_t known;     /* that the folder holds already, to the last byte */
    size_t broken;    /* lines that begin like a record and are none */
    size_t other;     /* lines that are something else; empty ones are not counted */
    bool torn;        /* the last line has no end, and was dropped */
    char problem[96]; /* what is wrong with the first broken line; "" when none is */
};

/**
 * ipm_import() - take the records of a file into a result folder
 * @request:    what, and where to
 * @out_result: what became of the lines; written on success
 * @why:        on failure
 *
 * A new folder gets a manifest that knows what the records tell: build, times, class of the
 * host and, with @request->emulated, `host.emulated`.  A record without a run or a host
 * gets those of the manifest; with @request->emulated it gets the flag `emulated`.  An
 * existing folder is only added to: its manifest and its records stay as they are.
 *
 * Return: 0; -ENODATA the file holds no record; -EXDEV the records are of two hosts, or of
 *         another host than the folder's, or one side is emulated and the other is not;
 *         -EINVAL the folder's manifest or its records cannot be read; -errno.
 */
int ipm_import(const struct ipm_import_request *request,
               struct ipm_import_result *out_result, struct ipm_why *why);

#endif
