/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: what a comparison needs of a run, and no more.
 *
 * A record is tens of kilobytes, and two hundred runs of thousands of points are more than a
 * comparison can read.  A digest holds, by point, one figure per invocation, and what the
 * models found: about half a kilobyte a point.  `ipcmeter report` leaves one beside
 * report.json; without it, or when it is of other records, it is made from these.
 *
 * The document, all of it derived:
 *
 *     schema      1
 *     records     {bytes, hash}: of which records.jsonl this is
 *     factors     the names of a point's factors, in order
 *     points      [[factors...], kind, missed, blocks, latency, p99, throughput, cpu, joules]
 *                 kind "mechanism", "floor", "token" or "mapped"; missed: it did not keep up
 *                 with its rate; blocks: the block of each invocation; then a list of as many
 *                 figures, null where one has none, or null for all; joules [value, low, high,
 *                 blocks] or null
 *     provenance  of the joules; "" when there are none
 *     constants   [{model, of, name, unit, value, low, high, provenance, passed, reason}]
 */
#ifndef IPM_ANALYSIS_DIGEST_H
#define IPM_ANALYSIS_DIGEST_H

#include "analysis/report.h"
#include "base/json.h"
#include "base/why.h"

enum {
    IPM_DIGEST_SCHEMA = 1,
    IPM_DIGEST_FIGURES = 4, /* latency to cpu, in the order of enum ipm_by */
};

/* Names of a point's factors, in the order of the document; ends with NULL. */
extern const char *const ipm_digest_factors[];

/* Where a point's members are. */
enum ipm_digest_member {
    IPM_DIGEST_FACTORS,
    IPM_DIGEST_KIND,
    IPM_DIGEST_MISSED,
    IPM_DIGEST_BLOCKS,
    IPM_DIGEST_FIRST, /* of IPM_DIGEST_FIGURES */
    IPM_DIGEST_JOULES = IPM_DIGEST_FIRST + IPM_DIGEST_FIGURES,
    IPM_DIGEST_MEMBERS,
};

/**
 * ipm_digest_json() - the digest of a run
 * @records: {bytes, hash} of its records file; taken over
 *
 * Return: the document, the caller's; NULL: no memory.
 */
json_t *ipm_digest_json(const struct ipm_report *report, json_t *records);

/* Constants that the models found, as above; the caller's.
 * @models: as in report.json */
json_t *ipm_digest_constants(const json_t *models);

/**
 * ipm_digest_records() - which records a directory has
 *
 * The file only ever grows, so that its size and its last 64 KiB tell it from an earlier state
 * and from another run's.
 *
 * Return: 0, {bytes, hash} the caller's; -ENOENT; -errno of reading.
 */
int ipm_digest_records(const char *directory, json_t **out_records,
                       struct ipm_why *why);

/* Writes DIR/digest.json.  Return: 0; -ENOMEM; -errno. */
int ipm_digest_write(const struct ipm_report *report, const char *directory,
                     struct ipm_why *why);

/* Where a digest came from. */
enum ipm_digest_source {
    IPM_DIGEST_FILE, /* DIR/digest.json, which is of its records */
    IPM_DIGEST_MADE, /* from the records, just now; nothing was written */
    IPM_DIGEST_SOURCES,
};

/* "digest", "records" */
extern const char *const ipm_digest_source_names[IPM_DIGEST_SOURCES];

/**
 * ipm_digest_load() - the digest of a result directory
 *
 * Return: 0, and the document is the caller's; -ENOENT there are no records; -EINVAL they are
 *         no records, or manifest.json is no JSON; -ENOMEM; -errno.
 */
int ipm_digest_load(const char *directory, json_t **out_digest,
                    enum ipm_digest_source *out_source, struct ipm_why *why);

#endif
