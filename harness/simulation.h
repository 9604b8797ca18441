/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * simulation: the simulated meter beside a run - a process of its own (ipcmeter-meter) that
 * is told after each energy window what happened in it, and says what it would have read.
 *
 * Life cycle: start -> replay* -> measure* -> stop.  Between windows the meter sleeps.
 */
#ifndef IPM_HARNESS_SIMULATION_H
#define IPM_HARNESS_SIMULATION_H

#include "base/json.h"
#include "base/why.h"

#include <stdint.h>
#include <sys/types.h>

enum { IPM_SIMULATION_LINE = 1024 };

struct ipm_simulation {
    pid_t pid;          /* 0: not running */
    int pidfd, fd;      /* fd: lines both ways */
    json_t *parameters; /* all of them, as the meter resolved them */
    int64_t last_ns;    /* when the meter's clock was last moved */
    double most_watts;  /* more than it can draw */
};

/**
 * ipm_simulation_start() - start the meter
 * @parameters: of the config (harness/meter/meter.h); copied
 *
 * Return: 0; -EINVAL it refused the parameters (it said why on stderr); -EPIPE it died;
 *         -ETIME it does not answer; -errno of its start.  After a failure nothing runs.
 */
int ipm_simulation_start(struct ipm_simulation *simulation, const json_t *parameters,
                         struct ipm_why *why);

/**
 * ipm_simulation_replay() - a record of before, when a run goes on
 *
 * A record that the meter took part in brings it to where it was then; another one does
 * nothing.
 *
 * Return: 0; -EPIPE, -ETIME as above; -EBADMSG the record's window makes no sense.
 */
int ipm_simulation_replay(struct ipm_simulation *simulation, const json_t *record,
                          struct ipm_why *why);

/**
 * ipm_simulation_measure() - put the meter's joules into the record of a window that is over
 *
 * A record of the pass energy or idle that is ok gets energy_package_uj among its metrics,
 * or the reason why there is none, and the member "meter": what the meter was told and what
 * it read (docs/record.md).  Any other energy metric of it becomes null: nothing measured
 * stands beside what is simulated.  Other records are left alone.
 *
 * Return: 0; -EPIPE the meter died; -ETIME; -EBADMSG; -ENOMEM.
 */
int ipm_simulation_measure(struct ipm_simulation *simulation, json_t *record,
                           struct ipm_why *why);

/* Idempotent; gives the meter a second to end, then kills it, and reaps it. */
void ipm_simulation_stop(struct ipm_simulation *simulation);

#endif
