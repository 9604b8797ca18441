/* SPDX-License-Identifier: MIT */
/*
 * ipcmeter-worker: one point on stdin, one record on stdout (docs/protocol.md).
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "harness/worker/confined.h"
#include "harness/worker/describe.h"
#include "harness/worker/invocation.h"
#include "harness/worker/meter.h"
#include "harness/worker/sensors/sensor.h"
#include "mechanisms/delay.h"
#include "mechanisms/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INTERNAL = 1, EXIT_USAGE = 2, POINT_LIMIT = 1 << 20 };

static const char usage[] =
    "usage: ipcmeter-worker [--plugin SO]... [--sysroot DIR] [--sensors JSON]\n"
    "                       [--no-sandbox] describe | meter\n"
    "       ipcmeter-worker [--plugin SO]... [--delay NAME:NS]\n"
    "                       one point on stdin, one record on stdout\n"
    "       ipcmeter-worker --version | --help\n";

#if defined(__SANITIZE_ADDRESS__)
/* The leak check at exit wants a thread, and a process whose next child begins a PID
 * namespace may not have one. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

struct arguments {
    json_t *(*document)(const struct arguments *arguments,
                        const struct ipm_sandbox *sandbox); /* NULL: a point */
    bool sandbox;
    const char *sysroot;
    json_t *sensing; /* what is asked of the sensors; NULL: nothing */
};

static int complain(const char *what, const char *detail)
{
    (void)fprintf(stderr, "ipcmeter-worker: %s%s\n", what, detail);
    return EXIT_USAGE;
}

static int print(const char *text)
{
    int error = ipm_write_all(STDOUT_FILENO, text, strlen(text));
    if (error == 0)
        return 0;
    (void)fprintf(stderr, "ipcmeter-worker: write: %s\n", strerror(-error));
    return EXIT_INTERNAL;
}

static json_t *describe(const struct arguments *arguments,
                        const struct ipm_sandbox *sandbox)
{
    return ipm_describe(arguments->sysroot, arguments->sensing, sandbox);
}

static json_t *examine(const struct arguments *arguments,
                       const struct ipm_sandbox *sandbox)
{
    (void)sandbox;
    return ipm_meter_examine(arguments->sysroot, arguments->sensing);
}

static int write_inside(void *context, const struct ipm_sandbox *sandbox,
                        int64_t sandbox_ns)
{
    const struct arguments *arguments = context;
    (void)sandbox_ns;
    ipm_auto_json json_t *document = arguments->document(arguments, sandbox);
    ipm_auto_free char *text =
        json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(17));
    return text != NULL && ipm_write_all(IPM_CONFINED_OUTPUT, text, strlen(text)) == 0
               ? 0
               : EXIT_INTERNAL;
}

/* Prints a document that is made inside the sandbox, where points are measured. */
static int answer(struct arguments *arguments)
{
    struct ipm_why why = {.error = 0, .text = ""};
    char *text = NULL;
    int status = 0;
    int error = ipm_confined_run(arguments->sandbox, write_inside, arguments, &text,
                                 &status, &why);
    ipm_auto_free char *owned = text;
    if (error == 0 && status != 0)
        error = ipm_why_set(&why, -ECHILD, "a probe brought the leader down");
    if (error != 0) {
        (void)complain("", why.text);
        return EXIT_INTERNAL;
    }
    return print(owned);
}

static int measure(int64_t begun_ns)
{
    struct ipm_why why = {.error = 0, .text = ""};
    char *read_text = NULL;
    size_t length = 0;
    int error = ipm_read_all(STDIN_FILENO, POINT_LIMIT, &read_text, &length);
    ipm_auto_free char *text = read_text;
    if (error != 0)
        return complain("stdin: ", strerror(-error));
    json_error_t problem;
    ipm_auto_json json_t *point =
        json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (point == NULL) {
        (void)fprintf(stderr, "ipcmeter-worker: stdin:%d:%d: %s\n", problem.line,
                      problem.column, problem.text);
        return EXIT_USAGE;
    }
    char *line = NULL;
    error = ipm_invocation_run(point, begun_ns, &line, &why);
    ipm_auto_free char *owned = line;
    if (error == -EINVAL)
        return complain("point: ", why.text);
    if (error != 0) {
        (void)complain("", strerror(-error));
        return EXIT_INTERNAL;
    }
    return print(owned);
}

int main(int argc, char **argv)
{
    int64_t begun_ns = ipm_now_ns();
    struct arguments arguments = {
        .document = NULL, .sandbox = true, .sysroot = "", .sensing = NULL};
    /* Should the driver vanish, nobody waits for this record any more. */
    (void)ipm_die_with_parent(NULL);
    for (int i = 1; i < argc; i++) {
        struct ipm_why why = {.error = 0, .text = ""};
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--plugin") == 0 && more) {
            if (ipm_plugin_load(argv[++i], &why) != 0)
                return complain("--plugin: ", why.text);
        } else if (strcmp(argv[i], "--delay") == 0 && more) {
            if (ipm_delay_plant(argv[++i], &why) != 0)
                return complain("--delay: ", why.text);
        } else if (strcmp(argv[i], "--sysroot") == 0 && more) {
            arguments.sysroot = argv[++i];
        } else if (strcmp(argv[i], "--sensors") == 0 && more) {
            json_decref(arguments.sensing);
            arguments.sensing = json_loads(argv[++i], JSON_REJECT_DUPLICATES, NULL);
            if (!json_is_object(arguments.sensing))
                return complain("--sensors: not a JSON object: ", argv[i]);
            if (ipm_sensing_check(arguments.sensing, &why) != 0)
                return complain("--sensors: ", why.text);
        } else if (strcmp(argv[i], "--no-sandbox") == 0) {
            arguments.sandbox = false;
        } else if (strcmp(argv[i], "describe") == 0) {
            arguments.document = describe;
        } else if (strcmp(argv[i], "meter") == 0) {
            arguments.document = examine;
        } else if (strcmp(argv[i], "--version") == 0) {
            (void)printf("ipcmeter-worker %s\n", IPM_VERSION);
            return 0;
        } else if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage, stdout);
            return 0;
        } else {
            (void)fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    int status = arguments.document != NULL ? answer(&arguments) : measure(begun_ns);
    json_decref(arguments.sensing);
    return status;
}
