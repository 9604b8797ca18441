/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_words: what the command lines of run and gate have in common. */
#ifndef IPM_HARNESS_RUN_WORDS_H
#define IPM_HARNESS_RUN_WORDS_H

#include "harness/run.h"

/* The codes that getopt_long() returns for them. */
enum ipm_run_word {
    IPM_RUN_SET = 256,
    IPM_RUN_OUT,
    IPM_RUN_ONLY,
    IPM_RUN_SKIP,
    IPM_RUN_SEED,
    IPM_RUN_PROGRESS,
    IPM_RUN_NO_SANDBOX,
    IPM_RUN_WORDS_END, /* codes of a command's own begin here */
};

/* The rows for getopt_long(). */
#define IPM_RUN_OPTIONS                                                                \
    {"set", required_argument, NULL, IPM_RUN_SET},                                     \
        {"out", required_argument, NULL, IPM_RUN_OUT},                                 \
        {"only", required_argument, NULL, IPM_RUN_ONLY},                               \
        {"skip", required_argument, NULL, IPM_RUN_SKIP},                               \
        {"seed", required_argument, NULL, IPM_RUN_SEED}, IPM_REQUEST_OPTIONS,          \
        {"progress", required_argument, NULL, IPM_RUN_PROGRESS},                       \
    {                                                                                  \
        "no-sandbox", no_argument, NULL, IPM_RUN_NO_SANDBOX                            \
    }

struct ipm_run_words {
    const char *command; /* "run": who complains */
    struct ipm_run_request run;
    const char **sets; /* the caller frees it */
    const char *only, *skip;
    char folder[160]; /* behind run.out where none was named */
};

/* "ipcmeter COMMAND: WHAT DETAIL" on stderr, @detail escaped.  Returns IPM_EXIT_USAGE. */
int ipm_run_words_complain(const struct ipm_run_words *words, const char *what,
                           const char *detail);

/* One option.  Return: 0; 1 it is none of these; IPM_EXIT_..., and stderr says why. */
int ipm_run_words_take(struct ipm_run_words *words, int option, const char *argument);

/* A count that is 0 to a million.  Return: 0; IPM_EXIT_USAGE, and stderr says why. */
int ipm_run_words_count(const struct ipm_run_words *words, const char *name,
                        const char *text, int64_t *out_count);

/* Leaves out of a plan what --only and --skip say.  The same values. */
int ipm_run_words_filter(const struct ipm_run_words *words, struct ipm_plan *plan);

/* The same for a gate: its floors are control points and stay, and what is tested is also
 * what the config's gate.points matches. */
int ipm_run_words_gated(const struct ipm_run_words *words,
                        struct ipm_prepared *prepared);

/* Names a folder under results/ where --out named none: @what, the time and @name. */
void ipm_run_words_folder(struct ipm_run_words *words, const char *what,
                          const char *name);

#endif
