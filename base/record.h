/* SPDX-License-Identifier: MIT */
/*
 * record: the JSON line an invocation leaves, schema version 1 (docs/record.md).
 *
 * A records file is append-only.  The writer syncs each line, so at most the last line can
 * be torn; the reader drops a torn last line and says so, and the appender cuts it off.
 */
#ifndef IPM_BASE_RECORD_H
#define IPM_BASE_RECORD_H

#include "base/histogram.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPM_RECORD_SCHEMA = 1, IPM_RECORD_LIMIT = 4 << 20 /* longest line, bytes */ };

/**
 * ipm_distribution_json() - the shape of every distribution in a record
 * @histogram: values in nanoseconds, each the total of @per operations
 * @per:       >= 1; the figures printed are per operation
 *
 * {count, min, p50, p90, p99, p999, max, mean, per, histogram, histogram_error}.  The packed
 * histogram keeps the undivided values.  An empty histogram gives null.
 */
json_t *ipm_distribution_json(const struct ipm_histogram *histogram, uint64_t per);

/**
 * ipm_record_check() - is this a record we can read?
 *
 * Return: 0; -EPROTO schema of another version; -EINVAL a mandatory member is missing or
 *         of the wrong type.
 */
int ipm_record_check(const json_t *record, struct ipm_why *why);

/**
 * ipm_records_append() - open a records file for appending
 * @out_dropped: bytes of a torn last line that were cut off; usually 0
 *
 * Return: descriptor; -errno.
 */
int ipm_records_append(const char *path, size_t *out_dropped, struct ipm_why *why);

/* Writes one record as one line and syncs it to the device.  -errno, and then nothing of
 * the line is left in the file when the file system allows to cut it. */
int ipm_records_write(int fd, const json_t *record, struct ipm_why *why);

/* Called for each record, which is the caller's only during the call; != 0 stops. */
typedef int ipm_records_visit(void *context, const json_t *record, size_t line);

/**
 * ipm_records_read() - visit every complete record of a file, in order
 * @out_torn: whether a torn last line was dropped; written when the end was reached
 *
 * Return: 0; the visitor's value when it stopped; -EPROTO or -EINVAL with the line number
 *         in @why for a bad line that is not the last; -errno.
 */
int ipm_records_read(const char *path, ipm_records_visit *visit, void *context,
                     bool *out_torn, struct ipm_why *why);

/* Called for each bad line, with what is wrong with it; != 0 stops. */
typedef int ipm_records_bad(void *context, size_t line, const struct ipm_why *why);

/**
 * ipm_records_scan() - the same for a reader that goes on behind a bad line
 * @unread: members that the reader does not want: they are null, and not judged
 *          (base/skim.h), and @visit keeps no reference to anything of the record
 *          (base/json_arena.h); NULL: all are parsed, and may be kept
 * @bad:    gets the line, and its value when it stops is returned
 */
int ipm_records_scan(const char *path, const char *const *unread,
                     ipm_records_visit *visit, ipm_records_bad *bad, void *context,
                     bool *out_torn, struct ipm_why *why);

#endif
