/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_noise: by how much two arms differ that are the same (A/A), for each point.
 *
 * A null session is one gate of an arm against another build or copy of the same source.  Its
 * result for a point is one logarithm: the effect over the point's blocks (the pseudomedian
 * that ipm_gate_judge() gives).  It should rest on as many blocks as a gate confirms with; on
 * fewer, the noise comes out too large, which is the cautious side.
 *
 * The noise is the root of the mean square of a point's results about 0, not about their
 * mean: the truth of a null session is known, and a bias that is the same in all of them, as
 * the layout of one pair of builds gives, is what the margin is there for.
 *
 * Few sessions give a poor estimate: the square of the noise is shrunk towards the square of
 * the median over the points of the same mechanism, weighted as that many sessions more,
 *
 *     s^2 = (n s_point^2 + IPM_GATE_NOISE_PRIOR s_mechanism^2) / (n + IPM_GATE_NOISE_PRIOR),
 *
 * which is Smyth's (2004) moderated variance with a fixed prior weight.
 */
#ifndef IPM_ANALYSIS_GATE_NOISE_H
#define IPM_ANALYSIS_GATE_NOISE_H

#include "base/why.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPM_GATE_NOISE_PRIOR = 10,
    IPM_GATE_NOISE_SESSIONS =
        20, /* that a calibration should have, and ipm_gate_noise_fit
                                     does not ask for */
    IPM_GATE_NOISE_TEXT = 64,
};

/* One point in one null session. */
struct ipm_gate_null {
    const char *id, *metric, *mechanism; /* texts are copied */
    double effect;                       /* a logarithm; not NaN */
};

struct ipm_gate_noise_point {
    char id[IPM_GATE_NOISE_TEXT], metric[IPM_GATE_NOISE_TEXT];
    char mechanism[IPM_GATE_NOISE_TEXT];
    size_t sessions;
    double measured; /* root mean square about 0, a logarithm */
    double noise;    /* shrunk */
};

struct ipm_gate_noise {
    char fingerprint[IPM_GATE_NOISE_TEXT]; /* of the machine class; the caller's word */
    int64_t made_s, expires_s;             /* seconds since 1970, UTC */
    struct ipm_gate_noise_point *points;   /* by mechanism, id and metric */
    size_t n_points;
};

/**
 * ipm_gate_noise_fit() - the noise of every point that occurs in @nulls
 *
 * Fingerprint and times of @out_noise are "" and 0: they are the caller's.
 *
 * Return: 0; -ENODATA @n_nulls is 0; -EINVAL an effect is no number, a text is longer than
 *         IPM_GATE_NOISE_TEXT or one point has two mechanisms; -ENOMEM.
 */
int ipm_gate_noise_fit(const struct ipm_gate_null *nulls, size_t n_nulls,
                       struct ipm_gate_noise *out_noise, struct ipm_why *why);

/**
 * ipm_gate_noise_of() - for struct ipm_gate_point
 *
 * Of a point that was never calibrated, the largest noise among the points of its mechanism
 * and metric: the cautious side.
 *
 * Return: a logarithm; NaN: nothing is known of its mechanism either.
 */
double ipm_gate_noise_of(const struct ipm_gate_noise *noise, const char *id,
                         const char *metric, const char *mechanism);

/**
 * ipm_gate_noise_holds() - may it be used on this machine now?
 *
 * Return: 0; -EXDEV it is of another class of machine; -ESTALE it has expired.
 */
int ipm_gate_noise_holds(const struct ipm_gate_noise *noise, const char *fingerprint,
                         int64_t now_s, struct ipm_why *why);

/* Its document, schema 1; the caller's reference.  NULL: no memory. */
json_t *ipm_gate_noise_json(const struct ipm_gate_noise *noise);

/* The way back.  Return: 0; -EINVAL it is no such document; -ENOMEM. */
int ipm_gate_noise_read(const json_t *json, struct ipm_gate_noise *out_noise,
                        struct ipm_why *why);

/* Idempotent. */
void ipm_gate_noise_fini(struct ipm_gate_noise *noise);

#endif
