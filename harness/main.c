/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter: what one message between two processes costs on this machine, and why.
 */
#include "harness/commands.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

static void print_usage(FILE *out)
{
    (void)fputs("usage: ipcmeter COMMAND [ARGUMENTS]\n\n", out);
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++)
        (void)fprintf(out, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
    (void)fputs("\n`ipcmeter COMMAND --help` tells the arguments, `ipcmeter --man`\n"
                "is the man page.\n",
                out);
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
    if (strcmp(argv[1], "--man") == 0) {
        ipm_command_man(stdout);
        return fflush(stdout) == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
    }
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++) {
        if (strcmp(argv[1], (*verb)->name) == 0)
            return (*verb)->run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "ipcmeter: there is no command '%s'\n\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
