/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: what a comparison needs of a run, and no more.
 *
 * A record is tens of kilobytes, and two hundred runs of thousands of points are more than a
 * comparison can read.  A digest holds, by point, one figure per invocation, and what the
 * models found: about a third of a kilobyte a point, in five values.  `ipcmeter report` leaves
 * one beside report.json; without it, or when it is of other records, it is made from these.
 *
 * The document, all of it derived:
 *
 *     schema      2
 *     records     {bytes, hash, whole}: of which records.jsonl this is
 *     factors     the names of a point's factors, in the order of its text
 *     blocks      [[...]]: which blocks invocations were in, each such list once
 *     points      [[factors, kind, missed, blocks, figures]]
 *                 factors: one text, tabs between; kind "mechanism", "floor", "token" or
 *                 "mapped"; missed: it did not keep up with its rate; blocks: which of the lists,
 *                 that has an entry for each invocation; figures: of each invocation the
 *                 latency, then of each the p99, the throughput, the CPU time, as
 *                 analysis/digest_pack.h says
 *     joules      of each point [value, low, high, blocks], or null
 *     provenance  of the joules; "" when there are none
 *     constants   [{model, of, name, unit, value, low, high, provenance, passed, reason}]
 */
#ifndef IPM_ANALYSIS_DIGEST_H
#define IPM_ANALYSIS_DIGEST_H

#include "analysis/report.h"
#include "base/json.h"
#include "base/why.h"

enum {
    IPM_DIGEST_SCHEMA = 2,
    IPM_DIGEST_FIGURES = 4, /* latency to cpu, in the order of enum ipm_by */
    IPM_DIGEST_FACTORS_N = 14,
};

/* Names of a point's factors, in the order of its text: placement and class come first, so that
 * what two runs are matched by is the rest of the text as it stands. */
extern const char *const ipm_digest_factors[IPM_DIGEST_FACTORS_N];

/* Where a point's members are. */
enum ipm_digest_member {
    IPM_DIGEST_FACTORS,
    IPM_DIGEST_KIND,
    IPM_DIGEST_MISSED,
    IPM_DIGEST_BLOCKS,
    IPM_DIGEST_PACKED,
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
 * @whole: hash all of them, too, which takes as long as reading them
 *
 * The other hash is of a file below a megabyte as it is; of a larger one of its first and last 64
 * KiB and of 64 blocks of 4 KiB spread over the rest.  That tells a run from another and from an
 * earlier state of itself; a change of one record in the middle it may not see.
 *
 * Return: 0, {bytes, hash} or {bytes, hash, whole} the caller's; -ENOENT; -errno of reading.
 */
int ipm_digest_records(const char *directory, bool whole, json_t **out_records,
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
 * The file's is taken when its records are those that are there: by size and samples, and
 * by all their bytes where they were written after it, as an editor does and a copy may.
 *
 * Return: 0, and the document is the caller's; -ENOENT there are no records; -EINVAL they are
 *         no records, or manifest.json is no JSON; -ENOMEM; -errno.
 */
int ipm_digest_load(const char *directory, json_t **out_digest,
                    enum ipm_digest_source *out_source, struct ipm_why *why);

#endif
