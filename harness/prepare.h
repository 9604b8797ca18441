/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * prepare: what plan and run do first - worker, config, topology, plan.
 */
#ifndef IPM_HARNESS_PREPARE_H
#define IPM_HARNESS_PREPARE_H

#include "harness/command.h"
#include "harness/describe.h"
#include "harness/plan.h"
#include "harness/spec.h"
#include "harness/spec_sensors.h"
#include "harness/topology.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* What the command line says; texts are borrowed from argv. */
struct ipm_request {
    const char *config;      /* NULL: the built-in default */
    const char *const *sets; /* --set, in order */
    size_t n_sets;
    bool gate;  /* for a gate: timing alone, no budget, and control points */
    bool quick; /* a first look: few short invocations, unless a --set says other */
    struct ipm_sensor_words sensors;          /* after the --set */
    struct ipm_worker worker;                 /* path is filled by ipm_prepare() */
    const volatile sig_atomic_t *interrupted; /* NULL: none */
    bool examine; /* the energy meter, which takes seconds: for a run */
};

/* The rows of the options that list, plan and run have in common. */
#define IPM_REQUEST_OPTIONS                                                            \
    IPM_SENSOR_WORD_OPTIONS,                                                           \
        {.name = "plugin",                                                             \
         .code = 'l',                                                                  \
         .value = "SO",                                                                \
         .kind = IPM_OPERAND_FILE,                                                     \
         .many = true,                                                                 \
         .help = "mechanisms of a shared object"},                                     \
    {                                                                                  \
        .name = "sysroot", .code = 'r', .value = "DIR", .kind = IPM_OPERAND_FOLDER,    \
        .help = "read sys/ and proc/ below DIR"                                        \
    }

/**
 * ipm_request_take() - one of these options into a request
 * @option:   what ipm_arguments_next() returned
 * @argument: borrowed
 *
 * Return: 0; 1 it is none of them; IPM_EXIT_USAGE, and stderr says why.
 */
int ipm_request_take(struct ipm_request *request, int option, const char *argument);

struct ipm_prepared {
    json_t *describe;
    struct ipm_spec spec;
    struct ipm_topology topology;
    struct ipm_plan plan;
    json_t
        *energy; /* the verdict on the meter (harness/energy.h); NULL: not examined */
};

/* The built-in default: configs/default.jsonc, NUL-terminated. */
extern const char ipm_default_config[];

/**
 * ipm_prepare() - from a request to a plan
 *
 * Says on stderr what is wrong, all errors of a config at once.
 *
 * Return: 0; IPM_EXIT_USAGE; IPM_EXIT_INTERNAL; IPM_EXIT_INTERRUPTED.
 */
int ipm_prepare(struct ipm_request *request, struct ipm_prepared *out_prepared);

void ipm_prepared_fini(struct ipm_prepared *prepared);

/* Adds to a list of texts made by realloc(); the caller frees the list.  0; -ENOMEM. */
int ipm_texts_add(const char ***list, size_t *n, const char *text);

/* Finds and describes the worker of @request, its sensors asked as worker.sensing says.  The
 * same values; says why on stderr. */
int ipm_prepare_describe(struct ipm_request *request, json_t **out_describe);

/* The same, with what the command line says of the sensors. */
int ipm_prepare_list(struct ipm_request *request, json_t **out_describe);

#endif
