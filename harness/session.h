/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session: a result folder while it is being filled - what run and gate have in common.
 *
 *     begin -> open -> records -> { point, write }* -> finish -> say -> close
 */
#ifndef IPM_HARNESS_SESSION_H
#define IPM_HARNESS_SESSION_H

#include "base/record.h"
#include "harness/run.h"
#include "harness/schedule.h"

enum { IPM_SESSION_PATH = 4096 };

struct ipm_session {
    const struct ipm_run_request *request;
    const struct ipm_prepared *prepared;
    const char *build; /* of the worker that was described */
    char run[IPM_HASH_TEXT];
    json_t *manifest;
    json_t *sensing;  /* what every point asks of its sensors; NULL: nothing */
    json_t *failures; /* harness/tally.h */
    struct ipm_ticker ticker;
    int records;
    char manifest_path[IPM_SESSION_PATH], records_path[IPM_SESSION_PATH];
};

/* Below 2^53, by the kernel. */
uint64_t ipm_session_random(void);

/**
 * ipm_session_begin() - a manifest, in memory alone: the caller may add to it
 *
 * Both arguments must outlive the session, which ipm_session_close() ends, also after an error.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_session_begin(struct ipm_session *session,
                      const struct ipm_run_request *request,
                      const struct ipm_prepared *prepared, struct ipm_why *why);

/**
 * ipm_session_open() - the folder, and the manifest into it
 *
 * With request->resume the run that is there goes on: its seed and name, not new ones.
 *
 * Return: 0; -EEXIST it holds a run and resume was not asked for; -EXDEV it holds another
 *         run; -EINVAL its manifest makes no sense; -errno.
 */
int ipm_session_open(struct ipm_session *session, struct ipm_why *why);

/* Opens the records for appending and shows those that are there to @visit.  Return: 0; what
 * the visitor returned; -errno. */
int ipm_session_records(struct ipm_session *session, ipm_records_visit *visit,
                        void *context, struct ipm_why *why);

/* The point that a worker reads for a job; the caller's reference. */
json_t *ipm_session_point(const struct ipm_session *session, const struct ipm_job *job);

/* One line, synced.  Return: 0; -ESTALE the file was taken away during the run; -errno. */
int ipm_session_write(struct ipm_session *session, const json_t *record,
                      struct ipm_why *why);

/* How the machine looks now and what drifted, into the manifest, and that into its file; @why
 * may be NULL.  Return: 0; -errno. */
int ipm_session_finish(struct ipm_session *session, bool early, struct ipm_why *why);

/* The last word on stderr. */
void ipm_session_say(struct ipm_session *session, const struct ipm_ticker_end *end);

void ipm_session_close(struct ipm_session *session);

#endif
