/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter import: records that a worker left elsewhere, into a result folder.
 */
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/import.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: ipcmeter import DIR FILE [--emulated]\n"
    "\n"
    "  Takes the records in FILE, one a line, into the result folder DIR, which gets "
    "a\n"
    "  manifest when it is new and is only added to when it is not.  FILE may be the "
    "log\n"
    "  of a serial console: what is no record is counted and left out, and so is a "
    "torn\n"
    "  last line.\n"
    "\n"
    "  --emulated   they were measured on an emulated machine: every record says so\n";

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
    static const struct option options[] = {
        {"emulated", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct ipm_import_request request = {.emulated = false};
    optind = 0; /* main() may have used getopt before */
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'e':
            request.emulated = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return IPM_EXIT_OK;
        default:
            (void)fputs(usage, stderr);
            return IPM_EXIT_USAGE;
        }
    }
    if (optind + 2 != argc) {
        (void)fputs(usage, stderr);
        return IPM_EXIT_USAGE;
    }
    request.directory = argv[optind];
    request.file = argv[optind + 1];

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
