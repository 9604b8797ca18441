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
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: ipcmeter advise DIR --size S [--rate R] [--p99 T] [--placement P] [--wait "
    "W]\n"
    "                       [--by WHAT] [--json]\n"
    "  Which mechanism, out of what the run in DIR measured.\n"
    "  --size S       bytes of a message: 64, 4KiB ...; between two sizes that were "
    "measured\n"
    "                 it is interpolated, beyond them nothing is said\n"
    "  --rate R       messages per second, as planned (open_loop), or that it must "
    "carry\n"
    "  --p99 T        the 99th percentile may be at most this: 50us, 2ms ...\n"
    "  --placement P  same_cpu, nearest_core ..., or a class as cross_llc; else each\n"
    "  --wait W       spin, yield, block or spin_then_block; else any\n"
    "  --by WHAT      latency (the median; the default), p99, throughput, cpu or "
    "joules\n"
    "  --json         the same as a document\n"
    "  Exit status 11: there is nothing to compare.\n";

static int wrong_usage(void)
{
    (void)fputs(usage, stderr);
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
    case 's':
        if (ipm_parse_size(value, &question->size, &why) != 0)
            return wrong_value("size", why.text);
        return question->size > 0 ? 0 : wrong_value("size", "must be 1 at least");
    case 'r':
        if (ipm_parse_integer(value, &question->rate, &why) != 0)
            return wrong_value("rate", why.text);
        return question->rate > 0 ? 0 : wrong_value("rate", "must be 1 at least");
    case 'p':
        if (ipm_parse_duration(value, &question->p99_ns, &why) != 0)
            return wrong_value("p99", why.text);
        return question->p99_ns > 0 ? 0 : wrong_value("p99", "must be above 0");
    case 'l':
        question->placement = value;
        return value[0] != '\0' ? 0 : wrong_value("placement", "is empty");
    case 'w':
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
    static const struct option options[] = {
        {"size", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"p99", required_argument, NULL, 'p'},
        {"placement", required_argument, NULL, 'l'},
        {"wait", required_argument, NULL, 'w'},
        {"by", required_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct ipm_question question = {.by = IPM_BY_LATENCY};
    bool json = false;
    optind = 0; /* main() may have used getopt before */
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return IPM_EXIT_OK;
        }
        if (option == '?')
            return wrong_usage();
        if (option == 'j') {
            json = true;
            continue;
        }
        int result = take(option, optarg, &question);
        if (result != 0)
            return result;
    }
    if (optind + 1 != argc)
        return wrong_usage();
    if (question.size == 0)
        return wrong_value("size", "is a must: bytes of a message");
    const char *directory = argv[optind];
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
        return error == -ENOENT ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
    }
    return put(&report, &question, json);
}
