/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/command.h"

#include <assert.h>
#include <string.h>

enum { WIDTH = 80, INDENT = 2, COLUMN = 22 /* where the help of an option begins */ };

void ipm_arguments_init(struct ipm_arguments *arguments,
                        const struct ipm_command *command, int argc, char **argv)
{
    size_t n = 0;
    *arguments = (struct ipm_arguments){.argc = argc, .argv = argv};
    for (const struct ipm_command_option *row = command->options;
         row != NULL && row->name != NULL; row++) {
        assert(n < IPM_COMMAND_OPTIONS && row->code > 0 &&
               row->code != IPM_ARGUMENTS_HELP && row->code != IPM_ARGUMENTS_WRONG);
        arguments->known[n++] = (struct option){
            .name = row->name,
            .has_arg = row->value != NULL ? required_argument : no_argument,
            .val = row->code};
    }
    arguments->known[n] = (struct option){.name = "help", .val = IPM_ARGUMENTS_HELP};
    optind = 0; /* glibc: begin anew, whoever has used getopt before */
}

int ipm_arguments_next(struct ipm_arguments *arguments)
{
    int code =
        getopt_long(arguments->argc, arguments->argv, "h", arguments->known, NULL);
    arguments->value = optarg;
    if (code >= 0)
        return code;
    arguments->operands = arguments->argv + optind;
    arguments->n_operands = arguments->argc - optind;
    return IPM_ARGUMENTS_END;
}

void ipm_command_synopsis(const struct ipm_command *command, FILE *out)
{
    bool others = false;
    (void)fprintf(out, "ipcmeter %s", command->name);
    for (const struct ipm_command_operand *operand = command->operands;
         operand != NULL && operand->name != NULL; operand++)
        (void)fprintf(out, operand->optional ? " [%s]%s" : " %s%s", operand->name,
                      operand->many ? "..." : "");
    for (const struct ipm_command_option *row = command->options;
         row != NULL && row->name != NULL; row++) {
        if (row->must)
            (void)fprintf(out, " --%s %s", row->name, row->value);
        others = others || !row->must;
    }
    if (others)
        (void)fputs(" [OPTIONS]", out);
}

/* Words at @column in lines behind @indent blanks; ends the line. */
static void put_wrapped(const char *text, int column, int indent, FILE *out)
{
    bool first = true;
    for (const char *at = text; *at != '\0';) {
        int length = (int)strcspn(at, " \n");
        if (!first && column + 1 + length > WIDTH) {
            (void)fprintf(out, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        column += fprintf(out, "%s%.*s", first ? "" : " ", length, at);
        first = false;
        at += length;
        at += strspn(at, " \n");
    }
    (void)fputc('\n', out);
}

static void put_option(const struct ipm_command_option *row, FILE *out)
{
    int column = fprintf(out, "%*s--%s", INDENT, "", row->name);
    if (row->value != NULL)
        column += fprintf(out, " %s", row->value);
    /* Two blanks part the columns; a long option has a line of its own. */
    if (column + 2 > COLUMN)
        (void)fprintf(out, "\n%*s", COLUMN, "");
    else
        (void)fprintf(out, "%*s", COLUMN - column, "");
    put_wrapped(row->help, COLUMN, COLUMN, out);
}

void ipm_command_usage(const struct ipm_command *command, FILE *out)
{
    (void)fputs("usage: ", out);
    ipm_command_synopsis(command, out);
    (void)fprintf(out, "\n%*s", INDENT, "");
    put_wrapped(command->about, INDENT, INDENT, out);
    if (command->options != NULL)
        (void)fputc('\n', out);
    for (const struct ipm_command_option *row = command->options;
         row != NULL && row->name != NULL; row++)
        put_option(row, out);
    if (command->note != NULL) {
        (void)fprintf(out, "\n%*s", INDENT, "");
        put_wrapped(command->note, INDENT, INDENT, out);
    }
}
