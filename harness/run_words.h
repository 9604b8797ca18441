/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_words: what the command lines of run and gate have in common. */
#ifndef IPM_HARNESS_RUN_WORDS_H
#define IPM_HARNESS_RUN_WORDS_H

#include "harness/command.h"
#include "harness/run.h"

/* The codes of these options. */
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

/* Their rows in a table of options. */
#define IPM_RUN_OPTIONS                                                                \
    {.name = "set",                                                                    \
     .code = IPM_RUN_SET,                                                              \
     .value = "KEY=VALUE",                                                             \
     .kind = IPM_OPERAND_SETTING,                                                      \
     .many = true,                                                                     \
     .help = "override a key of the config or an axis of every sweep"},                \
        {.name = "only",                                                               \
         .code = IPM_RUN_ONLY,                                                         \
         .value = "RE",                                                                \
         .help = "measure only points whose label matches"},                           \
        {.name = "skip",                                                               \
         .code = IPM_RUN_SKIP,                                                         \
         .value = "RE",                                                                \
         .help = "leave out points whose label matches"},                              \
        {.name = "seed",                                                               \
         .code = IPM_RUN_SEED,                                                         \
         .value = "N",                                                                 \
         .help = "seed of the order (default: a fresh one)"},                          \
        {.name = "progress",                                                           \
         .code = IPM_RUN_PROGRESS,                                                     \
         .value = "auto|plain|jsonl|none",                                             \
         .kind = IPM_OPERAND_WORDS,                                                    \
         .help = "how progress is shown on stderr (default: auto)"},                   \
    {                                                                                  \
        .name = "no-sandbox", .code = IPM_RUN_NO_SANDBOX,                              \
        .help = "for debugging: no private namespaces"                                 \
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
