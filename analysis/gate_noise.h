/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_noise: by how much two arms differ that are the same (A/A), for each point.
 *
 * A null session is one gate of an arm against another build or copy of the same source.  Its
 * result for a point is one logarithm: the effect over the point's blocks (the pseudomedian
 * that ipm_gate_judge() gives).  It should rest on as many blocks as a gate confirms with; on
 * fewer, the noise comes out too large, which is the cautious side.
 *
 * Two things make up the noise of a point,
 *
 *     noise^2 = between^2 + within^2:
 *
 * between pairs of builds, the root of the mean square of the pairs' means about 0, not about
 * their own mean: the truth of a null session is known, and a bias that is the same in all
 * sessions of a pair, as its layout gives, is what the margin is there for; and within a
 * pair, the standard deviation of its sessions about its mean.  Where each pair has one
 * session, between holds both.
 *
 * Few values give a poor estimate.  The square of each of the two is shrunk towards that of
 * the point's mechanism, weighted as IPM_GATE_NOISE_PRIOR degrees of freedom,
 *
 *     s^2 = (n s_point^2 + prior s_mechanism^2) / (n + prior),
 *
 * which is Smyth's (2004) moderated variance with a fixed prior; n is the number of pairs,
 * and of sessions less that of pairs.  s_mechanism is the median over its points of s_point,
 * each divided by the median of sqrt(chi^2_n / n), since of few values most root mean squares
 * are too small (by a third of one).
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
    const char *builds;                  /* names the pair: equal texts, one pair */
    double effect;                       /* a logarithm; not NaN */
};

struct ipm_gate_noise_point {
    char id[IPM_GATE_NOISE_TEXT], metric[IPM_GATE_NOISE_TEXT];
    char mechanism[IPM_GATE_NOISE_TEXT];
    size_t sessions, pairs; /* pairs of builds among the sessions, 1 or more */
    double between,
        within;   /* logarithms, as measured; within is 0 of pairs == sessions */
    double noise; /* of the two, shrunk */
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
 * Return: 0; -ENODATA @n_nulls is 0; -ENOTSUP built without GSL; -EINVAL an effect is no number, a text is longer than
 *         IPM_GATE_NOISE_TEXT or one point has two mechanisms; -ENOMEM.
 */
int ipm_gate_noise_fit(const struct ipm_gate_null *nulls, size_t n_nulls,
                       struct ipm_gate_noise *out_noise, struct ipm_why *why);

/* s^2 of above: @root is s_point with @freedom degrees, @typical is s_mechanism. */
double ipm_gate_noise_moderated(double root, double freedom, double typical);

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
