/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ipcmeter export: a run, or a gate, in the words of other tools. */
#include "analysis/export.h"
#include "analysis/gate_junit.h"
#include "analysis/gate_markdown.h"
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/leave.h"
#include "harness/replace_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT = 256, OUT };

static const struct ipm_command_operand export_operands[] = {
    {.name = "DIR", .kind = IPM_OPERAND_FOLDER},
    {.name = NULL},
};

static const struct ipm_command_option export_options[] = {
    {.name = "format",
     .code = FORMAT,
     .value = "csv|gbench|bmf|junit|markdown",
     .kind = IPM_OPERAND_WORDS,
     .must = true,
     .help = "csv: every figure of every point in a row; gbench: Google Benchmark JSON "
             "for compare.py and github-action-benchmark; bmf: Bencher Metric Format, "
             "with intervals; junit: JUnit XML, a test case per point; markdown: a "
             "summary for a job's page, always below 1 MiB"},
    {.name = "out",
     .code = OUT,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "into FILE, which is replaced when all of it is written"},
    {.name = NULL},
};

const struct ipm_command ipm_command_export = {
    .name = "export",
    .run = ipm_cmd_export,
    .summary = "a run for other tools: csv, Google Benchmark, JUnit ...",
    .operands = export_operands,
    .options = export_options,
    .about =
        "Writes the run in the result folder DIR for another tool, on stdout. Of a "
        "gate: its verdict, as junit or markdown.",
    .note = "Exit status 11: the run has nothing for that format.",
};

struct options {
    const char *directory, *out;
    const struct ipm_export_format *format;
    bool help;
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_export, stderr);
    return IPM_EXIT_USAGE;
}

static int unknown_format(const char *word)
{
    char text[IPM_MEND + 64];
    char mend[IPM_MEND];
    const char *names[16] = {NULL};
    for (size_t i = 0; i < ipm_export_n_formats && i < 15; i++)
        names[i] = ipm_export_formats[i].name;
    (void)snprintf(text, sizeof(text), "no format '%.40s': %s", word,
                   ipm_mend_word(mend, word, names));
    ipm_complain("export", text);
    return IPM_EXIT_USAGE;
}

/* Return: 0; IPM_EXIT_USAGE after a message. */
static int parse(int argc, char **argv, struct options *options)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_export, argc, argv);
    for (int option; (option = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        switch (option) {
        case FORMAT:
            options->format = ipm_export_format(arguments.value);
            if (options->format == NULL)
                return unknown_format(arguments.value);
            break;
        case OUT:
            options->out = arguments.value;
            break;
        case IPM_ARGUMENTS_HELP:
            options->help = true;
            return 0;
        default:
            return wrong_usage();
        }
    }
    if (arguments.n_operands != 1 || options->format == NULL)
        return wrong_usage();
    options->directory = arguments.operands[0];
    struct stat status;
    if (stat(options->directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        char text[300];
        (void)snprintf(text, sizeof(text), "'%.256s' is no directory",
                       options->directory);
        ipm_complain("export", text);
        return IPM_EXIT_USAGE;
    }
    return 0;
}

/* What a reader of the export cannot see. */
static void put_notes(const struct ipm_report *report,
                      const struct ipm_export_losses *losses)
{
    if (report->table.torn)
        (void)fputs("ipcmeter export: the last line of the records is torn and was "
                    "dropped\n",
                    stderr);
    if (report->table.n_bad > 0)
        (void)fprintf(stderr, "ipcmeter export: lines that are no records: %zu\n",
                      report->table.n_bad);
    if (json_is_true(json_object_get(report->manifest, "interrupted")))
        (void)fputs("ipcmeter export: the run was interrupted: this is what there is\n",
                    stderr);
    if (json_is_true(
            json_object_get(json_object_get(report->manifest, "host"), "emulated")))
        (void)fputs("ipcmeter export: measured on an emulated machine: these are no "
                    "figures of hardware\n",
                    stderr);
    if (losses->invocations > 0)
        (void)fprintf(stderr,
                      "ipcmeter export: invocations without a time or a CPU time, left "
                      "out: %zu\n",
                      losses->invocations);
    if (losses->long_names > 0)
        (void)fprintf(stderr,
                      "ipcmeter export: names that were too long and were cut: %zu\n",
                      losses->long_names);
}

struct job {
    const struct ipm_export_format *format;
    const struct ipm_report *report;
    struct ipm_export_losses losses;
};

static int write_run(FILE *out, void *context, struct ipm_why *why)
{
    struct job *job = context;
    return ipm_export_write(job->format, job->report, out, &job->losses, why);
}

static int export(const struct options *options)
{
    ipm_auto_report struct ipm_report report = {0};
    const struct ipm_report_wishes wishes = {.no_models = true};
    struct job job = {.format = options->format, .report = &report};
    struct ipm_why why = {0};
    int error = ipm_report_load(options->directory, &wishes, &report, &why);
    if (error != 0) {
        ipm_complain("export", why.text);
        return error == -ENOENT || error == -EMEDIUMTYPE ? IPM_EXIT_USAGE
                                                         : IPM_EXIT_INTERNAL;
    }
    error = options->out != NULL ? ipm_replace_file(options->out, write_run, &job, &why)
                                 : write_run(stdout, &job, &why);
    put_notes(&report, &job.losses);
    if (error == IPM_EXPORT_NOTHING) {
        (void)fprintf(stderr, "ipcmeter export: nothing to write: the run has no %s\n",
                      options->format->nothing);
        return IPM_EXIT_NOTHING;
    }
    if (error != 0)
        ipm_complain("export", why.text);
    return error == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
}

/* Of a gate there are the formats that say what its verdict is.  The others would have figures of
 * two builds as those of one. */
static int export_gate(const struct options *options, const json_t *document)
{
    const char *path = options->out;
    bool junit = strcmp(options->format->name, "junit") == 0;
    bool markdown = strcmp(options->format->name, "markdown") == 0;
    struct ipm_why why = {0};
    if (!junit && !markdown) {
        ipm_complain("export",
                     "the folder holds a gate, whose records are of two builds turn by "
                     "turn: --format junit or markdown; gate.json has every value");
        return IPM_EXIT_USAGE;
    }
    const struct ipm_leave leave = {.junit = junit ? path : NULL,
                                    .markdown = markdown ? path : NULL};
    int error = path != NULL ? ipm_leave(&leave, &ipm_leave_gate, document, &why)
                : junit      ? ipm_gate_junit(document, stdout, &why)
                             : ipm_gate_markdown(document, stdout, &why);
    if (error == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        error = ipm_why_set(&why, -EIO, "the export could not be written");
    if (error != 0)
        ipm_complain("export", why.text);
    return error == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
}

int ipm_cmd_export(int argc, char **argv)
{
    struct options options = {0};
    struct ipm_why why = {0};
    ipm_auto_json json_t *gate = NULL;
    int status = parse(argc, argv, &options);
    if (status != 0)
        return status;
    if (options.help) {
        ipm_command_usage(&ipm_command_export, stdout);
        return IPM_EXIT_OK;
    }
    switch (ipm_leave_read_gate(options.directory, &gate, &why)) {
    case 0:
        return export_gate(&options, gate);
    case 1:
        return export(&options);
    default:
        ipm_complain("export", why.text);
        return IPM_EXIT_INTERNAL;
    }
}
