/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report.h"
#include "harness/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: ipcmeter report DIR [--text]\n"
    "  Writes report.json, plots/ and report.html into the result directory DIR.\n"
    "  --text   print the answer in words\n";

static int wrong_usage(void)
{
    (void)fputs(usage, stderr);
    return IPM_EXIT_USAGE;
}

/* A directory without records is the caller's mistake; everything else is not. */
static int complain(const struct ipm_why *why)
{
    (void)fprintf(stderr, "ipcmeter report: %s\n", why->text);
    return why->error == -ENOENT ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
}

/* Names what was written, one path a line. */
static int put_paths(const char *directory)
{
    static const char *const names[] = {"report.json",
                                        "report.html",
                                        "plots/ladder.svg",
                                        "plots/latency_size.svg",
                                        "plots/throughput_size.svg",
                                        "plots/ratio.svg"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[4096];
        struct stat status;
        int needed = snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        if (needed < 0 || (size_t)needed >= sizeof(path))
            continue;
        if (stat(path, &status) == 0)
            (void)puts(path);
        else
            (void)fprintf(stderr, "ipcmeter report: no %s: report.json says why\n",
                          names[i]);
    }
    return fflush(stdout) == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
}

int ipm_cmd_report(int argc, char **argv)
{
    static const struct option options[] = {
        {"text", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool text = false;
    optind = 0; /* main() may have used getopt before */
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            text = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return IPM_EXIT_OK;
        default:
            return wrong_usage();
        }
    }
    if (optind + 1 != argc)
        return wrong_usage();
    const char *directory = argv[optind];
    struct stat status;
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        (void)fprintf(stderr, "ipcmeter report: '%s' is no directory\n", directory);
        return IPM_EXIT_USAGE;
    }

    /* The answer does not depend on what can be written: a run on a read-only medium can
     * still be read. */
    struct ipm_why why = {0};
    int written = ipm_report_write(directory, &why);
    int result = written == 0 ? IPM_EXIT_OK : complain(&why);
    if (!text)
        return result == 0 ? put_paths(directory) : result;
    struct ipm_why unread = {0};
    int error = ipm_report_text(directory, stdout, &unread);
    if (error != 0 && error != written)
        return complain(&unread);
    return result;
}
