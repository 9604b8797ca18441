/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: ipcmeter report DIR [--text] [--layout file|dir] [--battery WH "
    "[--base-power W]]\n"
    "  Writes report.json, plots/ and report.html into the result directory DIR.\n"
    "  --text          print the answer in words\n"
    "  --layout dir    html/ too: the page with style, script and pictures as files, "
    "for\n"
    "                  servers whose content policy wants that; file is the default\n"
    "  --battery WH    how many hours a battery of WH watt-hours lasts under each "
    "load\n"
    "  --base-power W  of the whole device without messages; else what the meter "
    "showed at\n"
    "                  rest\n";

static int wrong_usage(void)
{
    (void)fputs(usage, stderr);
    return IPM_EXIT_USAGE;
}

/* A directory without records is the caller's mistake; everything else is not. */
static int complain(const struct ipm_why *why)
{
    ipm_complain("report", why->text);
    return why->error == -ENOENT ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
}

/* Names what was written, one path a line. */
static int put_paths(const char *directory, bool folder)
{
    char path[4096];
    int needed = snprintf(path, sizeof(path), "%s/report.json", directory);
    ipm_auto_json json_t *document =
        needed < (int)sizeof(path) ? json_load_file(path, 0, NULL) : NULL;
    const char *name;
    json_t *plot;
    (void)printf("%s\n%s/report.html\n", path, directory);
    if (folder)
        (void)printf("%s/html/index.html\n", directory);
    json_object_foreach(json_object_get(document, "plots"), name, plot)
    {
        const char *picture = json_string_value(json_object_get(plot, "picture"));
        if (picture != NULL)
            (void)printf("%s/%s\n", directory, picture);
        else
            (void)fprintf(stderr,
                          "ipcmeter report: no plots/%s.svg: report.json says why\n",
                          name);
    }
    return fflush(stdout) == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
}

/* A finite number above 0. */
static bool read_positive(const char *word, double *out)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(word, &end);
    if (errno != 0 || end == word || *end != '\0' || !isfinite(value) || value <= 0)
        return false;
    *out = value;
    return true;
}

int ipm_cmd_report(int argc, char **argv)
{
    static const struct option options[] = {
        {"text", no_argument, NULL, 't'},
        {"layout", required_argument, NULL, 'l'},
        {"battery", required_argument, NULL, 'b'},
        {"base-power", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool text = false;
    struct ipm_report_wishes wishes = {0};
    optind = 0; /* main() may have used getopt before */
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            text = true;
            break;
        case 'l':
            if (strcmp(optarg, "file") != 0 && strcmp(optarg, "dir") != 0) {
                (void)fprintf(stderr,
                              "ipcmeter report: --layout is file or dir, not '%s'\n",
                              optarg);
                return wrong_usage();
            }
            wishes.folder = strcmp(optarg, "dir") == 0;
            break;
        case 'b':
        case 'p':
            if (!read_positive(optarg, option == 'b' ? &wishes.battery_wh
                                                     : &wishes.base_power_w)) {
                (void)fprintf(stderr, "ipcmeter report: '%s' is no number above 0\n",
                              optarg);
                return wrong_usage();
            }
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return IPM_EXIT_OK;
        default:
            return wrong_usage();
        }
    }
    bool base_alone = wishes.base_power_w > 0 && !(wishes.battery_wh > 0);
    if (optind + 1 != argc || base_alone)
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
    int written = ipm_report_write_for(directory, &wishes, &why);
    int result = written == 0 ? IPM_EXIT_OK : complain(&why);
    if (!text)
        return result == 0 ? put_paths(directory, wishes.folder) : result;
    struct ipm_why unread = {0};
    int error = ipm_report_text_for(directory, &wishes, stdout, &unread);
    if (error != 0 && error != written)
        return complain(&unread);
    return result;
}
