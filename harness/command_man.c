/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The man page of command.h. */
#include "base/cleanup.h"
#include "harness/command.h"
#include "harness/troff.h"

#include <string.h>

static const char head[] =
    ".\\\" Made by `ipcmeter --man`: do not edit.\n"
    ".TH IPCMETER 1 \"\" \"ipcmeter " IPM_VERSION "\"\n"
    ".SH NAME\n"
    "ipcmeter \\- what one message between two processes costs, and why\n"
    ".SH SYNOPSIS\n";

static const char description[] =
    ".SH DESCRIPTION\n"
    "ipcmeter measures the ways Linux has to pass a message, between real processes, "
    "one "
    "fresh\n"
    "process image per measurement.\n"
    "What is measured stands in a config, ipcmeter\\-config(5); what was measured "
    "lands in "
    "a result\n"
    "folder: manifest.json (the machine, the config, the seed) and records.jsonl (one "
    "line per\n"
    "invocation).\n"
    "Data goes to standard output, everything else to standard error.\n"
    ".SH COMMANDS\n"
    "Each also takes\n"
    ".B \\-\\-help\n"
    "or\n"
    ".BR \\-h .\n";

static const char tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nAll is well.\n"
    ".TP\n.B 1\nAn error of the system, or of ipcmeter.\n"
    ".TP\n.B 2\nThe command line, the config or the folder is wrong.\n"
    ".TP\n.B 3\nFinished, but with invocations that failed.\n"
    ".TP\n.B 4\nThe machine is unfit, and\n.B \\-\\-strict\nwas given.\n"
    ".TP\n.B 11\nThere is nothing to compare.\n"
    ".TP\n.B 12\nWhat it needs is not here.\n"
    ".TP\n.BR 130 \", \" 143\nInterrupted, and\n.B \\-\\-resume\ngoes on.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B IPCMETER_WORKER\nThe worker to run instead of the one beside this "
    "program.\n"
    ".TP\n.B NO_COLOR\nWhere it is set, there are no colours.\n"
    ".SH FILES\n"
    ".TP\n.I results/TIME\\-NAME\nWhere\n.B run\nputs a result without\n"
    ".BR \\-\\-out .\n"
    ".SH EXAMPLES\n"
    ".TP\n.B ipcmeter run \\-\\-quick\nA first look in under a minute.\n"
    ".TP\n.B ipcmeter run \\-\\-set mechanisms=pipe,shm_ring \\-\\-set "
    "workloads=pingpong \\-\\-set size=64\nA run without a config.\n"
    ".TP\n.BI \"ipcmeter report \" DIR \" \\-\\-text\"\nThe answer in words.\n"
    ".SH SEE ALSO\n"
    "ipcmeter\\-config(5)\n";

static void put(const char *text, FILE *out)
{
    ipm_troff_put(text, strlen(text), out);
}

/* Sentences, a line each, as troff wants them; "..." ends none. */
static void put_sentences(const char *text, FILE *out)
{
    while (*text != '\0') {
        const char *end = strstr(text, ". ");
        while (end != NULL && end > text && end[-1] == '.')
            end = strstr(end + 1, ". ");
        size_t length = end != NULL ? (size_t)(end + 1 - text) : strlen(text);
        ipm_troff_put(text, length, out);
        (void)fputc('\n', out);
        text += length;
        text += *text == ' ';
    }
}

static void put_synopsis(const struct ipm_command *command, FILE *out)
{
    ipm_auto_free char *line = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&line, &length);
    if (text == NULL)
        return;
    ipm_command_synopsis(command, text);
    if (fclose(text) == 0)
        put(line, out);
}

static void put_options(const struct ipm_command *command, FILE *out)
{
    for (const struct ipm_command_option *row = command->options;
         row != NULL && row->name != NULL; row++) {
        (void)fputs(".TP\n.BI \"\\-\\-", out);
        put(row->name, out);
        if (row->value != NULL) {
            (void)fputs(" \" \"", out);
            put(row->value, out);
        }
        (void)fputs("\"\n", out);
        put(row->help, out);
        (void)fputs(row->many ? "; may be given several times.\n" : ".\n", out);
    }
}

void ipm_command_man(FILE *out)
{
    (void)fputs(head, out);
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++) {
        (void)fputs(verb == ipm_commands ? ".B " : ".br\n.B ", out);
        put_synopsis(*verb, out);
        (void)fputc('\n', out);
    }
    (void)fputs(description, out);
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++) {
        (void)fputs(".SS \"", out);
        put_synopsis(*verb, out);
        (void)fputs("\"\n", out);
        put_sentences((*verb)->about, out);
        put_options(*verb, out);
        if ((*verb)->note != NULL) {
            (void)fputs(".PP\n", out);
            put_sentences((*verb)->note, out);
        }
    }
    (void)fputs(tail, out);
}
