/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter conform: does a mechanism keep its promises?  The suite is a program of its own,
 * for the same reason as the worker: what it loads and kills is no part of the driver.
 */
#include "harness/commands.h"
#include "harness/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char program[] = "ipcmeter-conform";

/* The suite parses them itself; tests/cli/commands.sh holds its --help against this table. */
static const struct ipm_command_operand conform_operands[] = {
    {.name = "NAME", .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option conform_options[] = {
    {.name = "plugin",
     .code = 'p',
     .value = "SO",
     .kind = IPM_OPERAND_FILE,
     .many = true,
     .help = "mechanisms of a shared object"},
    {.name = "full",
     .code = 'f',
     .help = "every combination of its options instead of every pair"},
    {.name = "option",
     .code = 'o',
     .value = "NAME=VALUE",
     .many = true,
     .help = "fix one of its options"},
    {.name = "json", .code = 'j', .help = "one line of JSON per mechanism"},
    {.name = "limit",
     .code = 't',
     .value = "SECONDS",
     .help = "a case that takes longer has failed (180)"},
    {.name = "list", .code = 'l', .help = "the properties that are checked"},
    {.name = NULL},
};

const struct ipm_command ipm_command_conform = {
    .name = "conform",
    .run = ipm_cmd_conform,
    .summary = "does a mechanism keep its promises?",
    .operands = conform_operands,
    .options = conform_options,
    .about = "Does a mechanism keep the promises of mechanisms/mechanism.h? Without "
             "NAME: those of the plug-ins, or all.",
    .note =
        "Exit status: 0 conforms, 3 a property does not hold, 12 not available here.",
};

int ipm_cmd_conform(int argc, char **argv)
{
    char path[IPM_WORKER_PATH];
    struct ipm_why why = {.error = 0, .text = ""};
    (void)argc;
    if (ipm_program_beside(program, path, &why) == 0) {
        argv[0] = path;
        (void)fflush(NULL);
        (void)execv(path, argv);
        (void)ipm_why_set(&why, -errno, "execute %s: ", path);
    }
    if (why.error != -ENOENT) {
        (void)fprintf(stderr, "ipcmeter conform: %s\n", why.text);
        return IPM_EXIT_INTERNAL;
    }
    (void)fprintf(stderr,
                  "ipcmeter conform: built without cmocka: there is no %s beside this "
                  "program\n",
                  program);
    return IPM_EXIT_ENVIRONMENT;
}
