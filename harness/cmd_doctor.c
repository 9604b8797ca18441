/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter doctor: is this machine fit to measure on?
 */
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_WIDTH = 7 /* of "unknown" */ };

struct arguments {
    bool json;
    bool strict;
    bool help;
    const char *sysroot;
};

enum { JSON = 256, STRICT, SYSROOT };

static const struct ipm_command_option doctor_options[] = {
    {.name = "json",
     .code = JSON,
     .help = "as one JSON document, with what machine it is"},
    {.name = "strict", .code = STRICT, .help = "exit with 4 when a check fails"},
    {.name = "sysroot",
     .code = SYSROOT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "read sys/ and proc/ below DIR"},
    {.name = NULL},
};

const struct ipm_command ipm_command_doctor = {
    .name = "doctor",
    .run = ipm_cmd_doctor,
    .summary = "is this machine fit to measure on?",
    .options = doctor_options,
    .about = "Looks whether this machine is fit to measure on; changes nothing. Each "
             "check is ok, warn (figures are worse, or some are missing), fail "
             "(figures say little about this machine) or unknown, with what mends it.",
};

/* Return: 0; -EINVAL, and the user has been told. */
static int parse(int argc, char **argv, struct arguments *out_arguments)
{
    struct arguments arguments = {.sysroot = ""};
    struct stat folder;
    struct ipm_arguments walk;
    ipm_arguments_init(&walk, &ipm_command_doctor, argc, argv);
    for (int code; (code = ipm_arguments_next(&walk)) != IPM_ARGUMENTS_END;) {
        switch (code) {
        case JSON:
            arguments.json = true;
            break;
        case STRICT:
            arguments.strict = true;
            break;
        case SYSROOT:
            arguments.sysroot = walk.value;
            break;
        case IPM_ARGUMENTS_HELP:
            arguments.help = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (walk.n_operands > 0) {
        (void)fprintf(stderr, "ipcmeter doctor: what is '%s'?\n", walk.operands[0]);
        return -EINVAL;
    }
    if (arguments.sysroot[0] != '\0' &&
        (stat(arguments.sysroot, &folder) != 0 || !S_ISDIR(folder.st_mode))) {
        (void)fprintf(stderr, "ipcmeter doctor: '%s' is no folder\n",
                      arguments.sysroot);
        return -EINVAL;
    }
    *out_arguments = arguments;
    return 0;
}

static bool in_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (refused == NULL || refused[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

static void print_status(enum ipm_check_status status, int width, bool colour)
{
    static const char *const codes[] = {
        [IPM_CHECK_OK] = "32",
        [IPM_CHECK_UNKNOWN] = "36",
        [IPM_CHECK_WARN] = "33",
        [IPM_CHECK_FAIL] = "31",
    };
    const char *name = ipm_check_status_names[status];
    if (colour)
        (void)printf("\033[%sm%-*s\033[0m", codes[status], width, name);
    else
        (void)printf("%-*s", width, name);
}

static void print_check(const struct ipm_check *check, int width, bool colour)
{
    (void)fputs("  ", stdout);
    print_status(check->status, STATUS_WIDTH, colour);
    (void)printf("  %-*s  ", width, check->name);
    (void)ipm_print_escaped(stdout, check->text, strlen(check->text));
    (void)putchar('\n');
    /* What is well and wants nothing is half of the rows: said once, at the end. */
    if (check->status == IPM_CHECK_OK && strcmp(check->mend, "nothing to do") == 0)
        return;
    (void)printf("  %-*s  %-*s  -> ", STATUS_WIDTH, "", width, "");
    (void)ipm_print_escaped(stdout, check->mend, strlen(check->mend));
    (void)putchar('\n');
}

static void print_text(const struct ipm_doctor *doctor)
{
    bool colour = in_colour();
    int width = 0;
    for (int i = 0; i < doctor->n; i++) {
        int length = (int)strlen(doctor->checks[i].name);
        width = length > width ? length : width;
    }
    for (int topic = 0; ipm_topic_names[topic] != NULL; topic++) {
        (void)printf("%s%s\n", topic == 0 ? "" : "\n", ipm_topic_names[topic]);
        for (int i = 0; i < doctor->n; i++) {
            if ((int)doctor->checks[i].topic == topic)
                print_check(&doctor->checks[i], width, colour);
        }
    }
    (void)fputs("\nThis machine: ", stdout);
    print_status(ipm_doctor_grade(doctor), 0, colour);
    (void)printf(
        " (%d fail, %d warn, %d unknown, %d ok); nothing was changed, and where "
        "a row is ok\nand names no command there is nothing to do.\n",
        ipm_doctor_count(doctor, IPM_CHECK_FAIL),
        ipm_doctor_count(doctor, IPM_CHECK_WARN),
        ipm_doctor_count(doctor, IPM_CHECK_UNKNOWN),
        ipm_doctor_count(doctor, IPM_CHECK_OK));
}

static int print_json(const struct ipm_doctor *doctor, const char *sysroot)
{
    ipm_auto_json json_t *document = ipm_environment_examined(doctor, sysroot);
    if (document == NULL || json_dumpf(document, stdout, JSON_INDENT(2)) != 0)
        return -ENOMEM;
    (void)putchar('\n');
    return 0;
}

int ipm_cmd_doctor(int argc, char **argv)
{
    struct arguments arguments;
    if (parse(argc, argv, &arguments) != 0) {
        ipm_command_usage(&ipm_command_doctor, stderr);
        return IPM_EXIT_USAGE;
    }
    if (arguments.help) {
        ipm_command_usage(&ipm_command_doctor, stdout);
        return IPM_EXIT_OK;
    }
    struct ipm_doctor doctor;
    ipm_doctor_examine(&doctor, arguments.sysroot);
    int error = 0;
    if (arguments.json)
        error = print_json(&doctor, arguments.sysroot);
    else
        print_text(&doctor);
    if (error != 0 || fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("ipcmeter doctor: the result could not be written\n", stderr);
        return IPM_EXIT_INTERNAL;
    }
    bool unfit = ipm_doctor_grade(&doctor) == IPM_CHECK_FAIL;
    return arguments.strict && unfit ? IPM_EXIT_UNFIT : IPM_EXIT_OK;
}
