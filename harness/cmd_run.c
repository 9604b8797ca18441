/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/units.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/run_words.h"
#include "harness/signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { QUICK = IPM_RUN_WORDS_END, RESUME, RETRIES, MAX_FAILURES };

static const struct ipm_command_operand run_operands[] = {
    {.name = "CONFIG", .kind = IPM_OPERAND_FILE, .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option run_options[] = {
    {.name = "out",
     .code = IPM_RUN_OUT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "result folder (default: results/TIME-NAME)"},
    {.name = "quick",
     .code = QUICK,
     .help = "a first look in under a minute: 2 short invocations per point, timing "
             "alone; not for publication"},
    {.name = "resume", .code = RESUME, .help = "go on with the run in DIR"},
    IPM_RUN_OPTIONS,
    IPM_REQUEST_OPTIONS,
    {.name = "retries",
     .code = RETRIES,
     .value = "N",
     .help = "try a failed invocation again so often (default: 1)"},
    {.name = "max-failures",
     .code = MAX_FAILURES,
     .value = "N",
     .help = "stop when so many invocations have failed for good"},
    {.name = NULL},
};

const struct ipm_command ipm_command_run = {
    .name = "run",
    .run = ipm_cmd_run,
    .summary = "measure; results land in a folder of their own",
    .operands = run_operands,
    .options = run_options,
    .about = "Measures CONFIG (default: the built-in first look) into a folder of its "
             "own.",
};

static int parse_retries(const char *text, struct ipm_run_words *words)
{
    int64_t count = 0;
    int status = ipm_run_words_count(words, "--retries: ", text, &count);
    if (status == 0)
        words->run.retries = (int)count;
    return status;
}

static int parse_max_failures(const char *text, struct ipm_run_words *words)
{
    int64_t count = 0;
    int status = ipm_run_words_count(words, "--max-failures: ", text, &count);
    if (status == 0)
        words->run.max_failures = (size_t)count;
    return status;
}

static int take(int code, const char *value, struct ipm_run_words *words)
{
    switch (code) {
    case QUICK:
        words->run.request.quick = true;
        return 0;
    case RESUME:
        words->run.resume = true;
        return 0;
    case RETRIES:
        return parse_retries(value, words);
    case MAX_FAILURES:
        return parse_max_failures(value, words);
    default:
        break;
    }
    int taken = ipm_run_words_take(words, code, value);
    if (taken != 1)
        return taken;
    ipm_command_usage(&ipm_command_run, stderr);
    return IPM_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct ipm_run_words *words)
{
    struct ipm_arguments walk;
    ipm_arguments_init(&walk, &ipm_command_run, argc, argv);
    for (int code; (code = ipm_arguments_next(&walk)) != IPM_ARGUMENTS_END;) {
        if (code == IPM_ARGUMENTS_HELP) {
            ipm_command_usage(&ipm_command_run, stdout);
            return -1;
        }
        int status = take(code, walk.value, words);
        if (status != 0)
            return status;
    }
    if (walk.n_operands > 1)
        return ipm_run_words_complain(words, "one CONFIG, not also ", walk.operands[1]);
    words->run.request.config = walk.operands[0];
    if (words->run.resume && words->run.out == NULL)
        return ipm_run_words_complain(words, "--resume needs --out", "");
    return 0;
}

/* An exact shell word, for a line that a person may paste. */
static void put_word(FILE *out, const char *word)
{
    (void)fputs(" '", out);
    while (*word != '\0') {
        size_t plain = strcspn(word, "'");
        (void)ipm_print_escaped(out, word, plain);
        word += plain;
        if (*word != '\0')
            (void)fputs("'\\''", out);
        word += *word != '\0';
    }
    (void)fputc('\'', out);
}

/* The command that goes on with this run.  The caller's; NULL: no memory. */
static char *resume_line(int argc, char **argv, const char *path)
{
    char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    if (out == NULL)
        return NULL;
    bool has_out = false;
    (void)fputs("ipcmeter run", out);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--resume") == 0)
            continue;
        has_out = has_out || strncmp(argv[i], "--out", 5) == 0;
        put_word(out, argv[i]);
    }
    if (!has_out) {
        (void)fputs(" --out", out);
        put_word(out, path);
    }
    (void)fputs(" --resume", out);
    return fclose(out) == 0 ? line : NULL;
}

static void tell_resume(const struct ipm_run_request *request)
{
    if (request->ticker != IPM_TICKER_JSONL && request->resume_line != NULL)
        (void)fprintf(stderr, "to go on:\n    %s\n", request->resume_line);
}

/* What happened to the machine belongs to the closing words: it is not seen otherwise. */
static void tell_drift(const json_t *drift)
{
    size_t i;
    json_t *entry;
    json_array_foreach(drift, i, entry)
    {
        static const char *const keys[] = {"name", "text", "before", "after"};
        static const char *const marks[] = {": ", " (", " -> ", ")\n"};
        (void)fprintf(stderr, "drift, %s: ",
                      json_string_value(json_object_get(entry, "status")) ?: "warn");
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            const char *word =
                json_string_value(json_object_get(entry, keys[k])) ?: "?";
            (void)ipm_print_escaped(stderr, word, strlen(word));
            (void)fputs(marks[k], stderr);
        }
    }
}

static int measure(int argc, char **argv, struct ipm_run_words *words,
                   const struct ipm_prepared *prepared)
{
    ipm_run_words_folder(words, "", prepared->spec.name);
    ipm_auto_free char *line = resume_line(argc, argv, words->run.out);
    struct ipm_run_result result = {0};
    struct ipm_why why = {.error = 0, .text = ""};
    words->run.resume_line = line;
    int error = ipm_run(&words->run, prepared, &result, &why);
    if (error != 0) {
        (void)ipm_run_words_complain(words, "", why.text);
        return error == -EEXIST || error == -EXDEV ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
    }
    if (words->run.ticker != IPM_TICKER_JSONL)
        tell_drift(result.drift);
    json_decref(result.drift);
    if (result.too_many || result.interrupted)
        tell_resume(&words->run);
    if (result.interrupted) {
        return ipm_signals_status();
    }
    (void)printf("%s\n", words->run.out);
    return result.failed > 0 ? IPM_EXIT_FAILED : IPM_EXIT_OK;
}

int ipm_cmd_run(int argc, char **argv)
{
    struct ipm_run_words words = {.command = "run",
                                  .run = {.ticker = IPM_TICKER_AUTO, .retries = 1}};
    struct ipm_prepared prepared = {0};
    /* The walk over the options moves them about: the resume line wants them as they were. */
    const char **given = NULL;
    size_t n_given = 0;
    int status = 0;
    for (int i = 0; i < argc && status == 0; i++)
        status = ipm_texts_add(&given, &n_given, argv[i]);
    if (status == 0)
        status = parse(argc, argv, &words);
    if (status == 0) {
        words.run.request.interrupted = &ipm_signal_caught;
        words.run.request.examine = true;
        ipm_signals_listen();
        status = ipm_prepare(&words.run.request, &prepared);
        if (status == 0)
            status = ipm_run_words_filter(&words, &prepared.plan);
        if (status == 0)
            status = measure(argc, (char **)(uintptr_t)given, &words, &prepared);
        ipm_prepared_fini(&prepared);
    }
    free(given);
    free(words.sets);
    return status < 0 ? IPM_EXIT_OK : status;
}
