/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec: what is to be measured - a config and the --set of the command line, checked
 * against what the worker describes.
 *
 * Plain data.  Lists of words and axis values stay JSON, in one canonical form: sizes are
 * integers in bytes, words are strings, a placement by numbers is the word "cpus:2,4".
 */
#ifndef IPM_HARNESS_SPEC_H
#define IPM_HARNESS_SPEC_H

#include "base/json.h"
#include "base/why.h"
#include "harness/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPM_NAME = 65,                    /* room for a name, NUL included */
    IPM_PATTERN = 257,                /* the same, of a pattern */
    IPM_CONFIG_LIMIT = 1 << 20,       /* longest config, bytes */
    IPM_AXIS_LIMIT = 1024,            /* most values on an axis */
    IPM_SWEEP_LIMIT = 100000,         /* most combinations in a sweep */
    IPM_COMBINATIONS_LIMIT = 1000000, /* most in all sweeps */
    IPM_GATING_BLOCKS = 128,          /* most blocks of a stage of a gate */
    IPM_BUDGET_INVOCATIONS = 6,       /* a budget leaves a point this many */
};

/* The words of "counters"; of "energy" the first two, what else it says is in sensing. */
enum ipm_sensing {
    IPM_SENSING_AUTO,
    IPM_SENSING_OFF,
    IPM_SENSING_PERF, /* as a config may say; a spec has AUTO for it */
    IPM_SENSING_PAPI,
};

/* Which runs a sweep is for. */
enum ipm_when {
    IPM_WHEN_ALWAYS,
    IPM_WHEN_ENERGY,    /* those whose plan has the pass energy */
    IPM_WHEN_NO_ENERGY, /* the others */
};

/* What becomes of points with several spinning roles on a CPU; the words of
 * "oversubscribe". */
enum ipm_oversubscribe { IPM_OVERSUBSCRIBE_REFUSE, IPM_OVERSUBSCRIBE_ALLOW };

/* How often and how long a point is measured. */
struct ipm_repeat {
    int64_t invocations; /* of the timing pass, >= 1 */
    int64_t counters;    /* of each counter pass, >= 1 */
    int64_t energy;      /* of the energy pass, >= 0 */
    int64_t window_ns;
    int64_t warmup_ns;
    double precision;    /* relative half-width wanted; 0: none */
    int64_t budget_ns;   /* of the whole run; these two at the top only; 0: none */
    double between_runs; /* relative standard deviation, for the report's intervals */
};

/* What a gate between two arms asks (analysis/gate.h); shares of 0: its defaults. */
struct ipm_gating {
    char points[IPM_PATTERN]; /* labels of the points that are gated; "": all */
    double smallest_effect, margin, screen_limit, alpha;
    int64_t screen_blocks, confirm_blocks, looks;
};

struct ipm_sweep {
    char name[IPM_NAME];
    int64_t when;       /* enum ipm_when */
    json_t *workloads;  /* list of names */
    json_t *mechanisms; /* list of names, "all" and "floors" written out */
    json_t *axes;       /* axis name to list of values, in the order of the config */
    json_t *exclude;    /* list of rows, factor to list of values (spec_rows.h) */
    json_t *include;    /* list of rows, factor to value */
    struct ipm_repeat repeat;
};

struct ipm_spec {
    char name[IPM_NAME]; /* sane as the name of a folder */
    struct ipm_repeat repeat;
    struct ipm_gating gate;
    int64_t counters;      /* enum ipm_sensing */
    int64_t syscalls;      /* index into ipm_syscall_words */
    int64_t energy;        /* enum ipm_sensing: a pass, or none */
    int64_t max_points;    /* a plan with more is refused */
    int64_t oversubscribe; /* enum ipm_oversubscribe */
    bool quick; /* --quick: a first look, not for publication; no key of a config */
    json_t *sensing; /* what workers are asked of their sensors (docs/protocol.md); an
                         object, empty when nothing but the defaults */
    size_t n_sweeps;
    struct ipm_sweep *sweeps;
};

/**
 * ipm_spec_load() - text and --set to a spec
 * @text, @length: the config
 * @sets:          the arguments of --set, "KEY=VALUE", in their order
 * @describe:      of the worker that will measure
 * @diagnostics:   initialised with the same text; gets every error, not only the first
 *
 * Return: 0; 1 the diagnostics say what is wrong; -ENOMEM.
 */
int ipm_spec_load(const char *text, size_t length, const char *const *sets,
                  size_t n_sets, const json_t *describe,
                  struct ipm_diagnostics *diagnostics, struct ipm_spec *out_spec);

/* Parameters of the simulated meter that the config asks for; NULL: it does not. */
const json_t *ipm_spec_simulated(const struct ipm_spec *spec);

/* The spec as a config that gives the same spec again; nothing is left to a default. */
json_t *ipm_spec_json(const struct ipm_spec *spec);

void ipm_spec_fini(struct ipm_spec *spec);

#endif
