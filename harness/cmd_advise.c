/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter advise: which mechanism, by what margin, on what evidence.
 */
#include "analysis/advise.h"
#include "analysis/report.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/units.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SIZE = 256, RATE, P99, PLACEMENT, WAIT, BY, JSON };

static const struct ipm_command_operand advise_operands[] = {
    {.name = "DIR", .kind = IPM_OPERAND_FOLDER},
    {.name = NULL},
};

static const struct ipm_command_option advise_options[] = {
    {.name = "size",
     .code = SIZE,
     .value = "S",
     .must = true,
     .help = "bytes of a message: 64, 4KiB ...; between two sizes that were measured "
             "it is interpolated, beyond them nothing is said"},
    {.name = "rate",
     .code = RATE,
     .value = "R",
     .help = "messages per second, as planned (open_loop), or that it must carry"},
    {.name = "p99",
     .code = P99,
     .value = "T",
     .help = "the 99th percentile may be at most this: 50us, 2ms ..."},
    {.name = "placement",
     .code = PLACEMENT,
     .value = "P",
     .help = "same_cpu, nearest_core ..., or a class as cross_llc; else each"},
    {.name = "wait",
     .code = WAIT,
     .value = "spin|yield|block|spin_then_block|any",
     .kind = IPM_OPERAND_WORDS,
     .help = "how both sides wait (default: any)"},
    {.name = "by",
     .code = BY,
     .value = "latency|p99|throughput|cpu|joules",
     .kind = IPM_OPERAND_WORDS,
     .help = "what is to be least, or most (default: latency, the median)"},
    {.name = "json", .code = JSON, .help = "the same as a document"},
    {.name = NULL},
};

const struct ipm_command ipm_command_advise = {
    .name = "advise",
    .run = ipm_cmd_advise,
    .summary = "which mechanism, by what margin, on what evidence",
    .operands = advise_operands,
    .options = advise_options,
    .about = "Which mechanism, out of what the run in DIR measured.",
    .note = "Exit status 11: there is nothing to compare.",
};

static int wrong_usage(void)
{
    ipm_command_usage(&ipm_command_advise, stderr);
    return IPM_EXIT_USAGE;
}

static int wrong_value(const char *option, const char *text)
{
    char line[400];
    (void)snprintf(line, sizeof(line), "--%s: %.300s", option, text);
    ipm_complain("advise", line);
    return IPM_EXIT_USAGE;
}

static int wrong_word(const char *option, const char *word, const char *const *words)
{
    char mend[IPM_MEND];
    char text[400];
    (void)snprintf(text, sizeof(text), "'%.80s' is not known; %s", word,
                   ipm_mend_word(mend, word, words));
    return wrong_value(option, text);
}

static bool listed(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* Reads one option into the question. */
static int take(int option, const char *value, struct ipm_question *question)
{
    static const char *const waits[] = {"spin", "yield", "block", "spin_then_block",
                                        "any",  NULL};
    const char *bys[IPM_BYS + 1] = {NULL};
    struct ipm_why why = {0};
    for (int by = 0; by < IPM_BYS; by++)
        bys[by] = ipm_by_names[by];
    switch (option) {
    case SIZE:
        if (ipm_parse_size(value, &question->size, &why) != 0)
            return wrong_value("size", why.text);
        return question->size > 0 ? 0 : wrong_value("size", "must be 1 at least");
    case RATE:
        if (ipm_parse_integer(value, &question->rate, &why) != 0)
            return wrong_value("rate", why.text);
        return question->rate > 0 ? 0 : wrong_value("rate", "must be 1 at least");
    case P99:
        if (ipm_parse_duration(value, &question->p99_ns, &why) != 0)
            return wrong_value("p99", why.text);
        return question->p99_ns > 0 ? 0 : wrong_value("p99", "must be above 0");
    case PLACEMENT:
        question->placement = value;
        return value[0] != '\0' ? 0 : wrong_value("placement", "is empty");
    case WAIT:
        if (!listed(value, waits))
            return wrong_word("wait", value, waits);
        question->wait = strcmp(value, "any") == 0 ? NULL : value;
        return 0;
    default:
        for (int by = 0; by < IPM_BYS; by++) {
            if (strcmp(bys[by], value) != 0)
                continue;
            question->by = (enum ipm_by)by;
            return 0;
        }
        return wrong_word("by", value, bys);
    }
}

static int put(const struct ipm_report *report, const struct ipm_question *question,
               bool json)
{
    ipm_auto_json json_t *advice = ipm_advise_json(report, question);
    if (advice == NULL) {
        ipm_complain("advise", "no memory");
        return IPM_EXIT_INTERNAL;
    }
    if (json) {
        (void)json_dumpf(advice, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
    } else {
        ipm_advise_text(advice, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return IPM_EXIT_INTERNAL;
    return json_is_null(json_object_get(advice, "reason")) ? IPM_EXIT_OK
                                                           : IPM_EXIT_NOTHING;
}

int ipm_cmd_advise(int argc, char **argv)
{
    struct ipm_question question = {.by = IPM_BY_LATENCY};
    bool json = false;
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_advise, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        if (code == IPM_ARGUMENTS_HELP) {
            ipm_command_usage(&ipm_command_advise, stdout);
            return IPM_EXIT_OK;
        }
        if (code == IPM_ARGUMENTS_WRONG)
            return wrong_usage();
        if (code == JSON) {
            json = true;
            continue;
        }
        int result = take(code, arguments.value, &question);
        if (result != 0)
            return result;
    }
    if (arguments.n_operands != 1)
        return wrong_usage();
    if (question.size == 0)
        return wrong_value("size", "is a must: bytes of a message");
    const char *directory = arguments.operands[0];
    struct stat status;
    struct ipm_why why = {0};
    ipm_auto_report struct ipm_report report = {0};
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        ipm_complain("advise", "there is no such directory");
        return IPM_EXIT_USAGE;
    }
    const struct ipm_report_wishes wishes = {.no_models = true};
    int error = ipm_report_load(directory, &wishes, &report, &why);
    if (error != 0) {
        ipm_complain("advise", why.text);
        return error == -ENOENT || error == -EMEDIUMTYPE ? IPM_EXIT_USAGE
                                                         : IPM_EXIT_INTERNAL;
    }
    return put(&report, &question, json);
}
