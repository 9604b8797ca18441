/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: one table per verb of the command line, which its parser, its --help, the man page
 * ipcmeter(1) and the completion of shells read.
 *
 * A verb is a const struct ipm_command beside its ipm_cmd_NAME() in cmd_NAME.c, and a line in
 * commands.c.  --help and -h are every verb's and stand in no table.
 */
#ifndef IPM_HARNESS_COMMAND_H
#define IPM_HARNESS_COMMAND_H

#include "base/json.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the value of an option, or an operand, is: what a shell may propose for it. */
enum ipm_operand_kind {
    IPM_OPERAND_TEXT, /* nothing to propose */
    IPM_OPERAND_FILE,
    IPM_OPERAND_FOLDER,
    IPM_OPERAND_WORDS,   /* its name lists them: "auto|plain|none" */
    IPM_OPERAND_SETTING, /* KEY=VALUE of a config */
};

struct ipm_command_option {
    const char *name; /* behind the "--"; NULL ends a table */
    int code; /* what ipm_arguments_next() returns for it: above 0, not 'h' or '?' */
    const char *value; /* name of its value, or the words it may be; NULL: takes none */
    enum ipm_operand_kind kind; /* of the value */
    bool many;                  /* may be given several times, and each counts */
    bool must;                  /* the verb does nothing without it */
    const char *help;           /* no full stop at the end */
};

struct ipm_command_operand {
    const char *name; /* "DIR", or the words it may be; NULL ends a table */
    enum ipm_operand_kind kind;
    bool optional, many;
};

struct ipm_command {
    const char *name;
    int (*run)(int argc, char **argv);          /* as in commands.h */
    const char *summary;                        /* half a line, for the list of verbs */
    const struct ipm_command_operand *operands; /* NULL: none */
    const struct ipm_command_option *options;   /* NULL: none */
    const char *about; /* sentences; what the verb does, and its operands */
    const char *note;  /* sentences, behind the options; NULL: none */
};

/* The verbs in the order of a reader's first day; NULL-terminated. */
extern const struct ipm_command *const ipm_commands[];

enum {
    IPM_COMMAND_OPTIONS = 32, /* of a verb, at most */
    IPM_ARGUMENTS_END = 0,
    IPM_ARGUMENTS_WRONG = '?', /* stderr says what */
    IPM_ARGUMENTS_HELP = 'h',
};

/* A walk over the options of a command line. */
struct ipm_arguments {
    int argc;
    char **argv;
    const char *value; /* of the option just returned; NULL: it has none */
    char **operands;   /* at the end: what is no option, NULL-terminated */
    int n_operands;
    struct option known[IPM_COMMAND_OPTIONS + 2]; /* for getopt_long() */
};

/**
 * ipm_arguments_init() - begin a walk
 * @argv: argv[0] is the verb; options are moved to the front
 *
 * One walk at a time: getopt_long() keeps its place in the process.
 */
void ipm_arguments_init(struct ipm_arguments *arguments,
                        const struct ipm_command *command, int argc, char **argv);

/**
 * ipm_arguments_next() - the next option
 *
 * Return: its code; IPM_ARGUMENTS_HELP; IPM_ARGUMENTS_WRONG; IPM_ARGUMENTS_END, and from then
 * on the operands are there.
 */
int ipm_arguments_next(struct ipm_arguments *arguments);

/* "ipcmeter run [CONFIG] [OPTIONS]", the options that are a must spelt out. */
void ipm_command_synopsis(const struct ipm_command *command, FILE *out);

/* What --help prints, at most 80 columns wide where words allow it. */
void ipm_command_usage(const struct ipm_command *command, FILE *out);

/* The man page ipcmeter(1) of all verbs. */
void ipm_command_man(FILE *out);

/* What bash is to source for its completion of all verbs; @describe: of the worker, for the
 * axes of --set. */
void ipm_command_bash(const json_t *describe, FILE *out);

#endif
