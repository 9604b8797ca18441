/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare: two and more results side by side - a description with its uncertainty, never a
 * gate and never a score without its table.
 *
 * A side is a machine, a kernel or a build: one result directory or several, its sessions.
 * Points are matched by their factors, their placement by the class it was resolved to.  All
 * ratios are of costs (of throughput: of the time per message) and relative to the first
 * side: above 1 costs more.  Logarithms are what is computed with.
 *
 *   a point   Hodges and Lehmann's shift of the logarithms with its exact interval, unpaired.
 *             Replicates are the invocations, "within one session"; where both sides have
 *             several sessions, these, and then Welch's interval, since sessions are few.
 *   a class   the mean of the points' mean logarithms.  Its error is that of the invocations:
 *             those of one block stand together, because what a machine does for a while does
 *             something to all points (cluster-robust; Student's t, degrees by Welch and
 *             Satterthwaite).  Where mechanisms differ in sign beyond their intervals there is
 *             no mean, but the mechanisms' own.
 *
 * Nothing is compared that is not alike in kind: emulated and real machines, joules of
 * different provenance, plug-ins of different versions.
 *
 * Life cycle: open -> add each directory -> make -> use -> fini.
 */
#ifndef IPM_ANALYSIS_COMPARE_H
#define IPM_ANALYSIS_COMPARE_H

#include "analysis/digest.h"
#include "analysis/rivals.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPM_COMPARE_LEVEL  0.95
#define IPM_COMPARE_MARGIN 0.05 /* a ratio nearer to 1 is a tie */

enum {
    IPM_COMPARE_WIDE = 8, /* more sides: classes and ranks alone, no ratios by point */
    IPM_COMPARE_SMALL = 4096,  /* bytes; larger messages are a class of their own */
    IPM_COMPARE_BLOCKS = 4096, /* of a session; later ones count as the last */
};

/* What one session says of one point. */
struct ipm_compare_cell {
    uint32_t n; /* invocations */
    bool missed;
    double joules[3]; /* log of value, its standard error, degrees; [0] NaN: none */
    const int32_t *blocks;              /* the session's */
    uint32_t known[IPM_DIGEST_FIGURES]; /* costs that are no NaN */
    /* Log of the cost of each invocation, NaN where it has none. */
    const double *costs[IPM_DIGEST_FIGURES];
    /* Another point of the session that nothing tells from this one, but the pair of CPUs or a
     * word that means the same class here: its invocations are invocations of this one. */
    struct ipm_compare_cell *pooled;
};

struct ipm_compare_point {
    size_t number;              /* among the cells of every session */
    const char *key;            /* what it was matched by */
    struct ipm_factors factors; /* placement: the word of the first who has it */
    bool floor, token;
    size_t mechanism, workload; /* places among plug-ins, once made; SIZE_MAX: none */
};

/* A mechanism or workload whose version some side's worker told. */
struct ipm_compare_plugin {
    const char *name;     /* "mechanism pipe" */
    json_int_t *versions; /* by side; -1: unknown; -2: its sessions differ */
};

struct ipm_compare_session {
    char *directory; /* as it was given */
    size_t side;
    json_t *manifest; /* without what describes the worker */
    json_t *versions; /* of mechanisms and workloads: {"mechanism pipe": 1} */
    json_t *constants;
    enum ipm_digest_source source;
    const char *provenance; /* of its joules; "" */
    bool emulated;
    size_t n_points, n_mapped;
    size_t n_pooled;     /* points that are pooled with one before */
    char pooled_as[400]; /* the first of them, and by which word it was asked for */
    size_t n_blocks;     /* one more than the last */
    struct ipm_compare_cell **cells; /* by number of a point; NULL: it has none */
    size_t n_cells;
    /* Cells, and the blocks of their invocations, stand together: there are a million. */
    char *room;
    int32_t *blocks;
};

struct ipm_compare_left_out {
    char *directory;
    char reason[256];
    int error;
};

struct ipm_compare {
    struct ipm_compare_session *sessions; /* by side */
    size_t n_sessions, sessions_room;
    size_t n_sides; /* that have a session, once made */
    size_t *first;  /* session of each side, and one past the last */
    char **names;   /* of sides */
    struct ipm_compare_left_out *left_out;
    size_t n_left_out, left_out_room;
    struct ipm_compare_point *points; /* sorted by factors, once made */
    size_t n_points, points_room;
    struct ipm_compare_plugin *plugins;
    size_t n_plugins;
    json_t *plugin_names; /* owns their names */
    json_t *index;        /* key -> place in points, before they are sorted */
    json_t *pool;         /* owns texts */
    json_t *shared;       /* points of digests, while they are read */
};

/* Return: 0; -ENOMEM. */
int ipm_compare_open(struct ipm_compare *compare);

/**
 * ipm_compare_add() - read one result directory
 * @side: from 0; sides come in order
 *
 * What cannot be read is kept among the left out, with its reason.
 *
 * Return: 0; 1 it is left out; -ENOMEM.
 */
int ipm_compare_add(struct ipm_compare *compare, const char *directory, size_t side,
                    struct ipm_why *why);

/* Sorts points, drops sides without a session, names the others.  Return: 0; -ENOMEM. */
int ipm_compare_close(struct ipm_compare *compare);

void ipm_compare_session_fini(struct ipm_compare_session *session);

/* Idempotent. */
void ipm_compare_fini(struct ipm_compare *compare);

#define ipm_auto_compare __attribute__((cleanup(ipm_compare_fini)))

/* Why two sides' figures are not compared; both are told by name.  "" when they may be. */
const char *ipm_compare_refusal(const struct ipm_compare *compare, size_t a, size_t b,
                                enum ipm_by by, char text[256]);

/* The same of one point, beyond that of the sides. */
const char *ipm_compare_point_refusal(const struct ipm_compare *compare,
                                      const struct ipm_compare_point *point, size_t a,
                                      size_t b, enum ipm_by by, char text[256]);

/* What a session says of a point; NULL: nothing. */
static inline const struct ipm_compare_cell *
ipm_compare_cell(const struct ipm_compare *compare,
                 const struct ipm_compare_point *point, size_t session)
{
    const struct ipm_compare_session *of = &compare->sessions[session];
    return point->number < of->n_cells ? of->cells[point->number] : NULL;
}

/* Whether a side has the point at all. */
bool ipm_compare_has(const struct ipm_compare *compare,
                     const struct ipm_compare_point *point, size_t side);

/**
 * ipm_compare_document() - everything that words, page and pictures show
 *
 * docs/compare.schema.json says its form.  The same results give the same document.
 *
 * Return: 0, and the document is the caller's; -ENOMEM.
 */
int ipm_compare_document(const struct ipm_compare *compare, json_t **out_document,
                         struct ipm_why *why);

#endif
