/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_arm: one of the two sides of a gate - any program that speaks the worker protocol.
 */
#ifndef IPM_HARNESS_GATE_ARM_H
#define IPM_HARNESS_GATE_ARM_H

#include "harness/describe.h"
#include "harness/plan.h"

struct ipm_arm {
    struct ipm_worker worker;
    bool own;   /* our own worker, with plug-ins or without */
    char *text; /* what the worker's words lie in */
    json_t *describe;
    char hash[IPM_HASH_TEXT]; /* of the words, files among them by what is in them */
};

/**
 * ipm_arm_parse() - a command line to a worker that can be started
 * @line:   words parted by blanks: 'x y' and "x y" are one, a backslash takes the next
 *          character as it is, and nothing else means anything - no shell sees them.  The first
 *          is a path, or a name that is looked for in $PATH.  Instead, one or more words
 *          plugin=PATH: our own worker with these plug-ins.  NULL: our own worker
 * @common: the rest of its struct ipm_worker, for both arms alike
 *
 * Return: 0; -EINVAL no word, an open quote, or plugin= beside other words; -E2BIG too many
 *         words; -ENOENT, -EACCES there is no such program; -ENAMETOOLONG; -ENOMEM.
 */
int ipm_arm_parse(const char *line, const struct ipm_worker *common,
                  struct ipm_arm *out_arm, struct ipm_why *why);

/* Asks it for its describe document, and takes the hash of it.  Return: as
 * ipm_describe_worker(). */
int ipm_arm_describe(struct ipm_arm *arm, const volatile sig_atomic_t *interrupted,
                     struct ipm_why *why);

/**
 * ipm_arms_together() - can the two be measured turn by turn?
 *
 * Return: 0; -EXDEV they say that they run under different kernels or boots: what differs
 *         between them is not the code alone.
 */
int ipm_arms_together(const json_t *a, const json_t *b, struct ipm_why *why);

/**
 * ipm_arm_has() - can arm B measure a point of arm A's plan, and means the same by it?
 *
 * Return: 0; -ENOENT mechanism or workload are renamed or gone; -ENODEV there, but not
 *         available; -EPROTO of another version: a default or the meaning has changed.
 */
int ipm_arm_has(const json_t *a, const json_t *b, const struct ipm_factors *factors,
                struct ipm_why *why);

/* Idempotent. */
void ipm_arm_fini(struct ipm_arm *arm);

#endif
