/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/methods.h"
#include "analysis/report.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT = 256, METHODS, LAYOUT, BATTERY, BASE_POWER };

static const struct ipm_command_operand report_operands[] = {
    {.name = "DIR", .kind = IPM_OPERAND_FOLDER},
    {.name = NULL},
};

static const struct ipm_command_option report_options[] = {
    {.name = "text", .code = TEXT, .help = "print the answer in words"},
    {.name = "methods",
     .code = METHODS,
     .help = "print a paragraph for the methods section of a paper, and write nothing"},
    {.name = "layout",
     .code = LAYOUT,
     .value = "HOW",
     .help = "file (the default), or dir: html/ too, the page with style, script and "
             "pictures as files, for servers whose content policy wants that"},
    {.name = "battery",
     .code = BATTERY,
     .value = "WH",
     .help = "how many hours a battery of WH watt-hours lasts under each load"},
    {.name = "base-power",
     .code = BASE_POWER,
     .value = "W",
     .help = "of the whole device without messages; else what the meter showed at "
             "rest"},
    {.name = NULL},
};

const struct ipm_command ipm_command_report = {
    .name = "report",
    .run = ipm_cmd_report,
    .summary = "from a result folder to numbers, text and pictures",
    .operands = report_operands,
    .options = report_options,
    .about = "Writes report.json, plots/ and report.html into the result folder DIR.",
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_report, stderr);
    return IPM_EXIT_USAGE;
}

/* A directory without records of a run is the caller's mistake; everything else is not. */
static int complain(const struct ipm_why *why)
{
    ipm_complain("report", why->text);
    return why->error == -ENOENT || why->error == -EMEDIUMTYPE ? IPM_EXIT_USAGE
                                                               : IPM_EXIT_INTERNAL;
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

/* What is wanted. */
struct wanted {
    bool text, methods, help;
    struct ipm_report_wishes wishes;
};

/* Return: 0; IPM_EXIT_USAGE. */
static int take(int code, const char *value, struct wanted *wanted)
{
    struct ipm_report_wishes *wishes = &wanted->wishes;
    switch (code) {
    case TEXT:
        wanted->text = true;
        return 0;
    case METHODS:
        wanted->methods = true;
        return 0;
    case LAYOUT:
        wishes->folder = strcmp(value, "dir") == 0;
        if (wishes->folder || strcmp(value, "file") == 0)
            return 0;
        (void)fprintf(stderr, "ipcmeter report: --layout is file or dir, not '%s'\n",
                      value);
        return wrong_usage();
    case BATTERY:
    case BASE_POWER:
        if (read_positive(value, code == BATTERY ? &wishes->battery_wh
                                                 : &wishes->base_power_w))
            return 0;
        (void)fprintf(stderr, "ipcmeter report: '%s' is no number above 0\n", value);
        return wrong_usage();
    case IPM_ARGUMENTS_HELP:
        wanted->help = true;
        return 0;
    default:
        return wrong_usage();
    }
}

int ipm_cmd_report(int argc, char **argv)
{
    struct wanted wanted = {.text = false};
    const struct ipm_report_wishes *wishes = &wanted.wishes;
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_report, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        int status = take(code, arguments.value, &wanted);
        if (status != 0)
            return status;
        if (wanted.help) {
            ipm_command_usage(&ipm_command_report, stdout);
            return IPM_EXIT_OK;
        }
    }
    bool base_alone = wishes->base_power_w > 0 && !(wishes->battery_wh > 0);
    if (arguments.n_operands != 1 || base_alone || (wanted.methods && wanted.text))
        return wrong_usage();
    const char *directory = arguments.operands[0];
    struct stat status;
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        (void)fprintf(stderr, "ipcmeter report: '%s' is no directory\n", directory);
        return IPM_EXIT_USAGE;
    }

    /* The answer does not depend on what can be written: a run on a read-only medium can
     * still be read. */
    struct ipm_why why = {0};
    if (wanted.methods) {
        int error = ipm_methods_put(directory, stdout, &why);
        return error == 0 ? IPM_EXIT_OK : complain(&why);
    }
    int written = ipm_report_write(directory, wishes, &why);
    int result = written == 0 ? IPM_EXIT_OK : complain(&why);
    if (!wanted.text)
        return result == 0 ? put_paths(directory, wishes->folder) : result;
    struct ipm_why unread = {0};
    int error = ipm_report_text(directory, wishes, stdout, &unread);
    if (error != 0 && error != written)
        return complain(&unread);
    return result;
}
