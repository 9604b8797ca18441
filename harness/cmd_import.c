/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter import: records that a worker left elsewhere, into a result folder.
 */
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/import.h"

#include <errno.h>
#include <stdio.h>

enum { EMULATED = 256 };

static const struct ipm_command_operand import_operands[] = {
    {.name = "DIR", .kind = IPM_OPERAND_FOLDER},
    {.name = "FILE", .kind = IPM_OPERAND_FILE},
    {.name = NULL},
};

static const struct ipm_command_option import_options[] = {
    {.name = "emulated",
     .code = EMULATED,
     .help = "they were measured on an emulated machine: every record says so"},
    {.name = NULL},
};

const struct ipm_command ipm_command_import = {
    .name = "import",
    .run = ipm_cmd_import,
    .summary = "records measured elsewhere, into a result folder",
    .operands = import_operands,
    .options = import_options,
    .about = "Takes the records in FILE, one a line, into the result folder DIR, which "
             "gets a manifest when it is new and is only added to when it is not. FILE "
             "may be the log of a serial console: what is no record is counted and "
             "left out, and so is a torn last line.",
};

static int complain(const struct ipm_why *why)
{
    ipm_complain("import", why->text);
    switch (why->error) {
    case -ENODATA:
    case -EXDEV:
    case -EINVAL:
    case -ENOENT:
        return IPM_EXIT_USAGE;
    default:
        return IPM_EXIT_INTERNAL;
    }
}

int ipm_cmd_import(int argc, char **argv)
{
    struct ipm_import_request request = {.emulated = false};
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_import, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        switch (code) {
        case EMULATED:
            request.emulated = true;
            break;
        case IPM_ARGUMENTS_HELP:
            ipm_command_usage(&ipm_command_import, stdout);
            return IPM_EXIT_OK;
        default:
            ipm_command_usage(&ipm_command_import, stderr);
            return IPM_EXIT_USAGE;
        }
    }
    if (arguments.n_operands != 2) {
        ipm_command_usage(&ipm_command_import, stderr);
        return IPM_EXIT_USAGE;
    }
    request.directory = arguments.operands[0];
    request.file = arguments.operands[1];

    struct ipm_import_result result;
    struct ipm_why why = {.error = 0, .text = ""};
    if (ipm_import(&request, &result, &why) != 0)
        return complain(&why);
    (void)fprintf(stderr,
                  "ipcmeter import: %zu records added, %zu known, %zu other lines\n",
                  result.records, result.known, result.other);
    if (result.torn)
        (void)fputs("ipcmeter import: the last line is torn and was dropped\n", stderr);
    if (result.broken > 0) {
        /* The problem quotes the line, which a console wrote. */
        char text[160];
        (void)snprintf(text, sizeof(text), "%zu broken records left out; first, %s",
                       result.broken, result.problem);
        ipm_complain("import", text);
    }
    return result.broken > 0 ? IPM_EXIT_FAILED : IPM_EXIT_OK;
}
