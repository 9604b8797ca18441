/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter counts: system calls, bytes and sleeps of a message against a kept table.
 */
#include "analysis/counts.h"
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/leave.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { AGAINST = 256, WRITE, JSON, JUNIT, MARKDOWN, ANNOTATIONS };

static const struct ipm_command_operand counts_operands[] = {
    {.name = "DIR", .kind = IPM_OPERAND_FOLDER, .many = true},
    {.name = NULL},
};

static const struct ipm_command_option counts_options[] = {
    {.name = "against",
     .code = AGAINST,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "the table to judge by"},
    {.name = "write",
     .code = WRITE,
     .value = "FILE",
     .kind = IPM_OPERAND_FILE,
     .help = "makes the table of what was counted, from several runs the better"},
    {.name = "json", .code = JSON, .help = "the verdicts as a document"},
    IPM_LEAVE_OPTIONS(JUNIT, MARKDOWN, ANNOTATIONS),
    {.name = NULL},
};

const struct ipm_command ipm_command_counts = {
    .name = "counts",
    .run = ipm_cmd_counts,
    .summary = "a gate that no noise moves: system calls and bytes a message",
    .operands = counts_operands,
    .options = counts_options,
    .about =
        "Judges what a message costs in system calls, bytes through the kernel and "
        "sleeps in the result folders DIR, taken together, against a table that is "
        "kept with the sources, or writes that table. These counts do not depend on "
        "how busy the machine is.",
    .note =
        "Exit status 10: regression, more of something than the table says. 1: error, "
        "a "
        "point of the table was not measured, failed, or is of another version; 11: "
        "all of them. 0: as in the table, or improved, which asks for a new table.",
};

struct options {
    const char *against, *write;
    struct ipm_leave leave;
    bool json;
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_counts, stderr);
    return IPM_EXIT_USAGE;
}

/* Without a verdict: what is left for a pipeline says why. */
static int complain(const struct options *options, const struct ipm_why *why, int error)
{
    const char *text = why->text[0] == '\0' ? "no memory" : why->text;
    struct ipm_why unwritten = {0};
    ipm_complain("counts", text);
    if (ipm_leave_failed(&options->leave, &ipm_leave_counts, text, &unwritten) != 0)
        ipm_complain("counts", unwritten.text);
    return error == -ENOENT    ? IPM_EXIT_USAGE
           : error == -ENODATA ? IPM_EXIT_NOTHING
                               : IPM_EXIT_INTERNAL;
}

static int write_table(const struct ipm_counts *counts, const struct options *options)
{
    struct ipm_why why = {0};
    ipm_auto_json json_t *table = NULL;
    int error = ipm_counts_table(counts, &table, &why);
    if (error == 0)
        error = ipm_json_write_file(table, options->write, &why);
    return error == 0 ? IPM_EXIT_OK : complain(options, &why, error);
}

static int status_of(const json_t *document)
{
    const char *verdict = json_string_value(json_object_get(document, "verdict"));
    if (strcmp(verdict, "error") == 0)
        return json_integer_value(json_object_get(document, "judged")) == 0
                   ? IPM_EXIT_NOTHING
                   : IPM_EXIT_INTERNAL;
    return strcmp(verdict, "regression") == 0 ? IPM_EXIT_REGRESSION : IPM_EXIT_OK;
}

static int judge(const struct ipm_counts *counts, const json_t *table,
                 const struct options *options)
{
    struct ipm_why why = {0};
    ipm_auto_json json_t *document = ipm_counts_judge(counts, table);
    if (document == NULL)
        return complain(options, &why, -ENOMEM);
    if (options->json) {
        (void)json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
    } else {
        ipm_counts_text(document, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return IPM_EXIT_INTERNAL;
    if (ipm_leave(&options->leave, &ipm_leave_counts, document, &why) != 0) {
        ipm_complain("counts", why.text);
        return IPM_EXIT_INTERNAL;
    }
    return status_of(document);
}

int ipm_cmd_counts(int argc, char **argv)
{
    struct options options = {0};
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_counts, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        switch (code) {
        case AGAINST:
            options.against = arguments.value;
            break;
        case WRITE:
            options.write = arguments.value;
            break;
        case JSON:
            options.json = true;
            break;
        case JUNIT:
            options.leave.junit = arguments.value;
            break;
        case MARKDOWN:
            options.leave.markdown = arguments.value;
            break;
        case ANNOTATIONS:
            options.leave.annotations = true;
            break;
        case IPM_ARGUMENTS_HELP:
            ipm_command_usage(&ipm_command_counts, stdout);
            return IPM_EXIT_OK;
        default:
            return wrong_usage();
        }
    }
    if (arguments.n_operands < 1 ||
        (options.against == NULL) == (options.write == NULL) ||
        (options.json && options.leave.annotations) ||
        (options.write != NULL && ipm_leave_asked(&options.leave)))
        return wrong_usage();
    struct ipm_why why = {0};
    ipm_auto_json json_t *table = NULL;
    ipm_auto_counts struct ipm_counts counts = {0};
    int error = options.against == NULL
                    ? 0
                    : ipm_counts_table_read(options.against, &table, &why);
    for (int i = 0; error == 0 && i < arguments.n_operands; i++)
        error = ipm_counts_read(&counts, arguments.operands[i], &why);
    if (error != 0)
        return complain(&options, &why, error);
    if (counts.torn)
        ipm_complain("counts", "a last line of the records is torn and was dropped");
    if (counts.n_bad > 0)
        (void)fprintf(stderr, "ipcmeter counts: lines that are no records: %zu\n",
                      counts.n_bad);
    return options.write != NULL ? write_table(&counts, &options)
                                 : judge(&counts, table, &options);
}
