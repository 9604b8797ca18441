/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter schema: what a config may say - as JSON Schema, as help of a key, as a man page.
 */
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/prepare.h"
#include "harness/schema.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "usage: ipcmeter schema [--key KEY | --man] [--plugin SO]...\n"
    "\n"
    "  prints the JSON Schema of a config, for editors and checkers\n"
    "  --key KEY    help of one key: repeat.window, sweeps.axes.size, pipe.capacity, "
    "...\n"
    "  --man        the man page ipcmeter-config(5)\n"
    "  --plugin SO  mechanisms of a shared object\n";

struct options {
    struct ipm_request request;
    const char *key;
    bool man, help;
};

/* Return: 0; IPM_EXIT_USAGE after a message. */
static int parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"key", required_argument, NULL, 'k'},
        {"man", no_argument, NULL, 'm'},
        {"plugin", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct ipm_worker *worker = &options->request.worker;
    optind = 0;
    for (int option = 0; (option = getopt_long(argc, argv, "h", known, NULL)) >= 0;) {
        if (option == 'k')
            options->key = optarg;
        options->man = options->man || option == 'm';
        options->help = options->help || option == 'h';
        if (option == 'l' && worker->n_plugins < IPM_PLUGINS_MAX)
            worker->plugins[worker->n_plugins++] = optarg;
        else if (option == 'l' || option == '?')
            return IPM_EXIT_USAGE;
    }
    if (argc - optind > 0 || (options->man && options->key != NULL)) {
        (void)fputs(usage, stderr);
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
        (void)fputs(usage, stdout);
    else if (status == 0)
        status = print(&options);
    return status;
}
