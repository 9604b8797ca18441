/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter compare: machines, kernels and builds side by side.
 */
#include "analysis/compare.h"
#include "analysis/compare_page.h"
#include "analysis/compare_words.h"
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { JSON = 256, OUT };

static const struct ipm_command_operand compare_operands[] = {
    {.name = "RUN", .kind = IPM_OPERAND_FOLDER, .many = true},
    {.name = NULL},
};

static const struct ipm_command_option compare_options[] = {
    {.name = "json", .code = JSON, .help = "the whole as a document"},
    {.name = "out",
     .code = OUT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "writes compare.json, compare.html and plots/ into DIR"},
    {.name = NULL},
};

const struct ipm_command ipm_command_compare = {
    .name = "compare",
    .run = ipm_cmd_compare,
    .summary = "machines, kernels and builds side by side",
    .operands = compare_operands,
    .options = compare_options,
    .about =
        "Two or more result folders side by side, each against the first: what "
        "differs in their environment, and how many times as much a message costs, "
        "with intervals. Where a word between them is a colon, the folders between "
        "colons are the sessions of one machine: with several a side these are the "
        "replicates, and figures hold between sessions.",
    .note = "Exit status 11: there is nothing to compare.",
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_compare, stderr);
    return IPM_EXIT_USAGE;
}

static void warn(const struct ipm_compare_left_out *left_out)
{
    char text[600];
    (void)snprintf(text, sizeof(text), "%.300s is left out: %s", left_out->directory,
                   left_out->reason);
    ipm_complain("compare", text);
}

/* Reads all sides; `:` parts them, and without one each directory is a side. */
static int read_sides(struct ipm_compare *compare, int n, char **words,
                      struct ipm_why *why)
{
    bool grouped = false;
    size_t side = 0;
    for (int i = 0; i < n; i++)
        grouped = grouped || strcmp(words[i], ":") == 0;
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], ":") == 0) {
            side++;
            continue;
        }
        int result = ipm_compare_add(compare, words[i], side, why);
        if (result < 0)
            return result;
        if (result > 0)
            warn(&compare->left_out[compare->n_left_out - 1]);
        side += !grouped;
    }
    return ipm_compare_close(compare);
}

/* Why there is nothing to compare. */
static int nothing(const struct ipm_compare *compare, const json_t *document)
{
    size_t missing = 0;
    for (size_t i = 0; i < compare->n_left_out; i++)
        missing += compare->left_out[i].error == -ENOENT;
    if (compare->n_sides < 2) {
        ipm_complain("compare", "fewer than two sides can be read: nothing to compare");
        return compare->n_sides == 0 && missing == compare->n_left_out
                   ? IPM_EXIT_USAGE
                   : IPM_EXIT_NOTHING;
    }
    const json_t *matching = json_object_get(document, "matching");
    bool common = json_integer_value(json_object_get(matching, "common")) > 0;
    ipm_complain("compare", common ? "no figure of the points that are alike may be "
                                     "compared: nothing to compare"
                                   : "no point is on all sides, and none that two have "
                                     "can be compared: nothing to compare");
    return IPM_EXIT_NOTHING;
}

static int put(const struct ipm_compare *compare, json_t *document, bool json,
               const char *folder)
{
    struct ipm_why why = {0};
    if (folder != NULL && ipm_compare_write(document, folder, &why) != 0) {
        ipm_complain("compare", why.text);
        return IPM_EXIT_INTERNAL;
    }
    if (json) {
        (void)json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
    } else {
        ipm_compare_text(document, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return IPM_EXIT_INTERNAL;
    return ipm_compare_any(document) ? IPM_EXIT_OK : nothing(compare, document);
}

int ipm_cmd_compare(int argc, char **argv)
{
    bool json = false;
    const char *folder = NULL;
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_compare, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        if (code == JSON) {
            json = true;
        } else if (code == OUT) {
            folder = arguments.value;
        } else if (code == IPM_ARGUMENTS_HELP) {
            ipm_command_usage(&ipm_command_compare, stdout);
            return IPM_EXIT_OK;
        } else {
            return wrong_usage();
        }
    }
    if (arguments.n_operands < 2)
        return wrong_usage();
    struct ipm_why why = {0};
    ipm_auto_compare struct ipm_compare compare = {0};
    ipm_auto_json json_t *document = NULL;
    int error = ipm_compare_open(&compare);
    if (error == 0)
        error = read_sides(&compare, arguments.n_operands, arguments.operands, &why);
    if (error == 0 && compare.n_sides < 2)
        return nothing(&compare, NULL);
    if (error == 0)
        error = ipm_compare_document(&compare, &document, &why);
    if (error != 0) {
        ipm_complain("compare", why.text[0] == '\0' ? "no memory" : why.text);
        return IPM_EXIT_INTERNAL;
    }
    return put(&compare, document, json, folder);
}
