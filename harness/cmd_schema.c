/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter schema: what a config may say - as JSON Schema, as help of a key, as a man page.
 */
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/prepare.h"
#include "harness/schema.h"

#include <string.h>

enum { KEY = 256, MAN };

static const struct ipm_command_option schema_options[] = {
    {.name = "key",
     .code = KEY,
     .value = "KEY",
     .help = "help of one key: repeat.window, sweeps.axes.size, pipe.capacity ..."},
    {.name = "man", .code = MAN, .help = "the man page ipcmeter-config(5)"},
    {.name = "plugin",
     .code = 'l',
     .value = "SO",
     .kind = IPM_OPERAND_FILE,
     .many = true,
     .help = "mechanisms of a shared object"},
    {.name = NULL},
};

const struct ipm_command ipm_command_schema = {
    .name = "schema",
    .run = ipm_cmd_schema,
    .summary = "what a config may say: JSON Schema, help, man page",
    .options = schema_options,
    .about = "Prints the JSON Schema of a config, for editors and checkers.",
};

struct options {
    struct ipm_request request;
    const char *key;
    bool man, help;
};

/* Return: 0; IPM_EXIT_USAGE after a message. */
static int parse(int argc, char **argv, struct options *options)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_schema, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        if (code == KEY)
            options->key = arguments.value;
        options->man = options->man || code == MAN;
        options->help = options->help || code == IPM_ARGUMENTS_HELP;
        if (code == IPM_ARGUMENTS_WRONG ||
            ipm_request_take(&options->request, code, arguments.value) ==
                IPM_EXIT_USAGE)
            return IPM_EXIT_USAGE;
    }
    if (arguments.n_operands > 0 || (options->man && options->key != NULL)) {
        ipm_command_usage(&ipm_command_schema, stderr);
        return IPM_EXIT_USAGE;
    }
    return 0;
}

static int print_key(const json_t *schema, const char *path)
{
    const json_t *key = NULL;
    struct ipm_why why = {0};
    if (ipm_schema_key(schema, path, &key, &why) == 0) {
        ipm_schema_help(key, path, stdout);
        return IPM_EXIT_OK;
    }
    (void)fputs("ipcmeter schema: ", stderr);
    (void)ipm_print_escaped(stderr, why.text, strlen(why.text));
    (void)fputc('\n', stderr);
    return IPM_EXIT_USAGE;
}

static int print(struct options *options)
{
    ipm_auto_json json_t *describe = NULL;
    int status = ipm_prepare_describe(&options->request, &describe);
    if (status != 0)
        return status;
    ipm_auto_json json_t *schema = ipm_schema_json(describe);
    if (schema == NULL)
        return IPM_EXIT_INTERNAL;
    if (options->key != NULL)
        status = print_key(schema, options->key);
    else if (options->man)
        ipm_schema_man(schema, stdout);
    else if (json_dumpf(schema, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) != 0)
        status = IPM_EXIT_INTERNAL;
    else
        (void)putchar('\n');
    if (fflush(stdout) != 0 && status == IPM_EXIT_OK)
        status = IPM_EXIT_INTERNAL;
    return status;
}

int ipm_cmd_schema(int argc, char **argv)
{
    struct options options = {0};
    int status = parse(argc, argv, &options);
    if (status == 0 && options.help)
        ipm_command_usage(&ipm_command_schema, stdout);
    else if (status == 0)
        status = print(&options);
    return status;
}
