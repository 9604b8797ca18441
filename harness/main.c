/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter: what one message between two processes costs on this machine, and why.
 */
#include "harness/commands.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"doctor", ipm_cmd_doctor, "is this machine fit to measure on?"},
    {"list", ipm_cmd_list, "what there is, and why something is not available here"},
    {"plan", ipm_cmd_plan, "points, skips with reasons, and the time a run takes"},
    {"run", ipm_cmd_run, "measure; results land in a folder of their own"},
    {"report", ipm_cmd_report, "from a result folder to numbers, text and pictures"},
    {"advise", ipm_cmd_advise, "which mechanism, by what margin, on what evidence"},
    {"gate", ipm_cmd_gate, "does B cost more than A? exit status 10 when it does"},
    {"import", ipm_cmd_import, "records measured elsewhere, into a result folder"},
    {"schema", ipm_cmd_schema, "what a config may say: JSON Schema, help, man page"},
    {"conform", ipm_cmd_conform, "does a mechanism keep its promises?"},
    {"selftest", ipm_cmd_selftest, "does the tool itself keep what it promises?"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
    (void)fputs("usage: ipcmeter COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n`ipcmeter COMMAND --help` tells the arguments.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("ipcmeter %s\n", IPM_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "ipcmeter: there is no command '%s'\n\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
