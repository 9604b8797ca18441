/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: what a comparison needs of a run, and no more.
 *
 * A record is tens of kilobytes, and two hundred runs of thousands of points are more than a
 * comparison can read.  A digest holds, by point, one figure per invocation, and what the
 * models found: about a third of a kilobyte a point.  `ipcmeter report` leaves one beside
 * report.json; without it, or when it is of other records, it is made from these.
 *
 * digest.jsonl is two lines.  The second is a JSON string of all figures: a parser that looks at
 * each letter takes longer for it than for all the rest, and so none does.  They are packed
 * as analysis/digest_pack.h says, in the order of the points; of a point first the latencies of its
 * invocations, then p99, throughput and CPU time.  The first is a document, all of it derived:
 *
 *     schema      2
 *     records     {bytes, hash, whole}: of which records.jsonl this is
 *     factors     the names of a point's factors, in the order of its text
 *     blocks      [[...]]: which blocks invocations were in, each such list once
 *     points      [[factors, kind, missed, blocks]]
 *                 factors: one text, tabs between; kind "mechanism", "floor", "token" or
 *                 "mapped"; missed: it did not keep up with its rate; blocks: which of the lists,
 *                 that has an entry for each invocation
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
    IPM_DIGEST_MEMBERS,
};

struct ipm_digest {
    json_t *json;  /* the document */
    char *figures; /* packed; those of all points */
    size_t length; /* of the figures, in letters */
};

/* Idempotent. */
void ipm_digest_fini(struct ipm_digest *digest);

#define ipm_auto_digest __attribute__((cleanup(ipm_digest_fini)))

/**
 * ipm_digest_make() - the digest of a run
 * @records: {bytes, hash} of its records file
 *
 * Return: 0, and the caller finishes it; -ENOMEM.
 */
int ipm_digest_make(const struct ipm_report *report, json_t *records,
                    struct ipm_digest *out_digest);

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

/* Writes DIR/digest.jsonl.  Return: 0; -ENOMEM; -errno. */
int ipm_digest_write(const struct ipm_report *report, const char *directory,
                     struct ipm_why *why);

/* Where a digest came from. */
enum ipm_digest_source {
    IPM_DIGEST_FILE, /* DIR/digest.jsonl, which is of its records */
    IPM_DIGEST_MADE, /* from the records, just now; nothing was written */
    IPM_DIGEST_SOURCES,
};

/* "digest", "records" */
extern const char *const ipm_digest_source_names[IPM_DIGEST_SOURCES];

/**
 * ipm_digest_load() - the digest of a result directory
 * @shared: an object of the caller's, which keeps the points that were read, by their text: runs
 *          of one plan have them in common, and these are parsed once; NULL: nothing is kept
 *
 * The file's is taken when its records are those that are there: by size and samples, and
 * by all their bytes where they were written after it, as an editor does and a copy may.
 *
 * Return: 0, and the caller finishes it; -ENOENT there are no records; -EINVAL they are
 *         no records, or manifest.json is no JSON; -ENOMEM; -errno.
 */
int ipm_digest_load(const char *directory, json_t *shared,
                    struct ipm_digest *out_digest, enum ipm_digest_source *out_source,
                    struct ipm_why *why);

#endif
