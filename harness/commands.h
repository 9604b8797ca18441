/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * commands: the verbs of the command line.
 *
 * Each takes the arguments behind `ipcmeter`, argv[0] being the verb, and returns the exit
 * status.  Data goes to stdout, everything else to stderr.
 */
#ifndef IPM_HARNESS_COMMANDS_H
#define IPM_HARNESS_COMMANDS_H

#include "harness/command.h"

enum {
    IPM_EXIT_OK = 0,
    IPM_EXIT_INTERNAL = 1,
    IPM_EXIT_USAGE = 2,  /* the command line or the config */
    IPM_EXIT_FAILED = 3, /* finished, but with failed invocations */
    IPM_EXIT_UNFIT = 4,  /* the machine, and --strict was given */
    IPM_EXIT_REGRESSION = 10,
    IPM_EXIT_NOTHING = 11,      /* nothing comparable */
    IPM_EXIT_ENVIRONMENT = 12,  /* what it needs is not here */
    IPM_EXIT_INCONCLUSIVE = 13, /* of a gate, where the policy says fail */
    IPM_EXIT_BISECT_SKIP = 125, /* of `gate --bisect`: neither good nor bad */
    IPM_EXIT_INTERRUPTED = 130,
    IPM_EXIT_TERMINATED = 143,
};

int ipm_cmd_list(int argc, char **argv);
int ipm_cmd_plan(int argc, char **argv);
int ipm_cmd_run(int argc, char **argv);
int ipm_cmd_report(int argc, char **argv);
int ipm_cmd_advise(int argc, char **argv);
int ipm_cmd_compare(int argc, char **argv);
int ipm_cmd_counts(int argc, char **argv);
int ipm_cmd_gate(int argc, char **argv);
int ipm_cmd_doctor(int argc, char **argv);
int ipm_cmd_export(int argc, char **argv);
int ipm_cmd_import(int argc, char **argv);
int ipm_cmd_schema(int argc, char **argv);
int ipm_cmd_conform(int argc, char **argv);
int ipm_cmd_selftest(int argc, char **argv);
int ipm_cmd_completion(int argc, char **argv);

extern const struct ipm_command ipm_command_list;
extern const struct ipm_command ipm_command_plan;
extern const struct ipm_command ipm_command_run;
extern const struct ipm_command ipm_command_report;
extern const struct ipm_command ipm_command_advise;
extern const struct ipm_command ipm_command_doctor;
extern const struct ipm_command ipm_command_compare;
extern const struct ipm_command ipm_command_counts;
extern const struct ipm_command ipm_command_gate;
extern const struct ipm_command ipm_command_export;
extern const struct ipm_command ipm_command_import;
extern const struct ipm_command ipm_command_schema;
extern const struct ipm_command ipm_command_conform;
extern const struct ipm_command ipm_command_selftest;
extern const struct ipm_command ipm_command_completion;

#endif
