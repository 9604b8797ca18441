/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter list: what the worker has, and why something is not available here.
 */
#include "analysis/models/model.h"
#include "base/cleanup.h"
#include "harness/columns.h"
#include "harness/commands.h"
#include "harness/prepare.h"

#include <inttypes.h>
#include <string.h>

enum { JSON = 256 };

static const struct ipm_command_operand list_operands[] = {
    {.name = "mechanisms|workloads|floors|sensors|models",
     .kind = IPM_OPERAND_WORDS,
     .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option list_options[] = {
    {.name = "json",
     .code = JSON,
     .help = "as one document, with all that the worker tells"},
    IPM_REQUEST_OPTIONS,
    {.name = NULL},
};

const struct ipm_command ipm_command_list = {
    .name = "list",
    .run = ipm_cmd_list,
    .summary = "what there is, and why something is not available here",
    .operands = list_operands,
    .options = list_options,
    .about = "What there is to measure and to measure with, and why something is not "
             "available here.",
};

static const char *const kinds[] = {"mechanisms", "floors", "workloads",
                                    "sensors",    "models", NULL};

/* Texts of a list, parted by a blank; "-" for none. */
static const char *join(const json_t *list, char text[256])
{
    size_t index;
    const json_t *entry;
    (void)strcpy(text, "-");
    size_t used = 0;
    json_array_foreach(list, index, entry)
    {
        const char *word = json_string_value(entry);
        if (word == NULL)
            word = ipm_describe_text(entry, "name", "?");
        const char *many = json_is_true(json_object_get(entry, "many")) ? " x fan" : "";
        int wrote = snprintf(text + used, 256 - used, "%s%s%s", used > 0 ? " " : "",
                             word, many);
        used += (size_t)wrote;
        if (used >= 256)
            break;
    }
    return text;
}

/* "2, 1, 0", the default first. */
static const char *copies_of(const json_t *mechanism, char text[256])
{
    const json_t *modes = json_object_get(mechanism, "modes");
    int64_t natural = ipm_describe_integer(mechanism, "default_copies", -1);
    size_t used = (size_t)snprintf(text, 256, "%" PRId64, natural);
    size_t index;
    const json_t *mode;
    json_array_foreach(modes, index, mode)
    {
        int64_t copies = ipm_describe_integer(mode, "copies", -1);
        if (copies != natural && used < 256)
            used += (size_t)snprintf(text + used, 256 - used, ", %" PRId64, copies);
    }
    return text;
}

static void add_titles(struct ipm_columns *columns, const char *const *titles)
{
    for (; *titles != NULL; titles++)
        ipm_columns_add(columns, "%s", *titles);
}

static void add_available(struct ipm_columns *columns, const json_t *entry)
{
    if (json_is_true(json_object_get(entry, "available")))
        ipm_columns_add(columns, "yes");
    else
        ipm_columns_add(columns, "no: %s",
                        ipm_describe_text(entry, "reason", "no reason given"));
}

static void add_mechanism(struct ipm_columns *columns, const json_t *entry)
{
    const json_t *waits = json_object_get(entry, "waits");
    bool here = json_is_true(json_object_get(entry, "available"));
    char text[256];
    ipm_columns_add(columns, "%s", ipm_describe_text(entry, "name", "?"));
    /* A module that is not here has said neither; its place holder has no waits. */
    bool unknown =
        !here && json_array_size(waits) == 0 && !ipm_describe_is_floor(entry);
    ipm_columns_add(columns, "%s", unknown ? "?" : copies_of(entry, text));
    ipm_columns_add(columns, "%s", unknown ? "?" : join(waits, text));
    ipm_columns_add(columns, "%s", ipm_describe_text(entry, "summary", ""));
    add_available(columns, entry);
}

/* The entries of one kind and family, in the order of the describe document. */
static void add_family(struct ipm_columns *columns, const json_t *describe, bool floors,
                       const char *family)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "mechanisms"), index, entry)
    {
        if (ipm_describe_is_floor(entry) == floors &&
            strcmp(ipm_describe_text(entry, "family", "-"), family) == 0)
            add_mechanism(columns, entry);
    }
}

/* By family, in the order in which the families first appear. */
static void print_mechanisms(const json_t *describe, bool floors)
{
    static const char *const titles[] = {"NAME",    "COPIES",    "WAITS",
                                         "SUMMARY", "AVAILABLE", NULL};
    struct ipm_columns columns;
    ipm_columns_init(&columns, 5);
    add_titles(&columns, titles);
    ipm_auto_json json_t *seen = json_object();
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "mechanisms"), index, entry)
    {
        const char *family = ipm_describe_text(entry, "family", "-");
        if (ipm_describe_is_floor(entry) != floors ||
            json_object_get(seen, family) != NULL)
            continue;
        (void)json_object_set_new(seen, family, json_true());
        if (!floors)
            ipm_columns_heading(&columns, family);
        add_family(&columns, describe, floors, family);
    }
    ipm_columns_print(&columns, floors ? 0 : 2, stdout);
    ipm_columns_fini(&columns);
}

static void print_workloads(const json_t *describe)
{
    static const char *const titles[] = {"NAME", "FAMILY",  "ROLES",
                                         "AXES", "SUMMARY", NULL};
    struct ipm_columns columns;
    ipm_columns_init(&columns, 5);
    add_titles(&columns, titles);
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "workloads"), index, entry)
    {
        char text[256];
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "name", "?"));
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "family", "-"));
        ipm_columns_add(&columns, "%s", join(json_object_get(entry, "roles"), text));
        ipm_columns_add(&columns, "%s", join(json_object_get(entry, "axes"), text));
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "summary", ""));
    }
    ipm_columns_print(&columns, 0, stdout);
    ipm_columns_fini(&columns);
}

static void print_sensors(const json_t *describe)
{
    static const char *const titles[] = {"NAME",    "SCOPE",     "PASS",
                                         "SUMMARY", "AVAILABLE", NULL};
    struct ipm_columns columns;
    ipm_columns_init(&columns, 5);
    add_titles(&columns, titles);
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "sensors"), index, entry)
    {
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "name", "?"));
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "scope", "-"));
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "pass", "all"));
        ipm_columns_add(&columns, "%s", ipm_describe_text(entry, "summary", ""));
        add_available(&columns, entry);
    }
    ipm_columns_print(&columns, 0, stdout);
    ipm_columns_fini(&columns);
}

/* Models are the driver's own: what a worker describes knows nothing of them. */
static json_t *models_json(void)
{
    json_t *list = json_array();
    for (const struct ipm_model *const *at = ipm_models; *at != NULL; at++)
        (void)json_array_append_new(
            list, json_pack("{s:s,s:i,s:s}", "name", (*at)->name, "version",
                            (*at)->version, "summary", (*at)->summary));
    return list;
}

static void print_models(void)
{
    static const char *const titles[] = {"NAME", "VERSION", "SUMMARY", NULL};
    struct ipm_columns columns;
    ipm_columns_init(&columns, 3);
    add_titles(&columns, titles);
    for (const struct ipm_model *const *at = ipm_models; *at != NULL; at++) {
        ipm_columns_add(&columns, "%s", (*at)->name);
        ipm_columns_add(&columns, "%d", (*at)->version);
        ipm_columns_add(&columns, "%s", (*at)->summary);
    }
    ipm_columns_print(&columns, 0, stdout);
    ipm_columns_fini(&columns);
}

static void print_kind(const json_t *describe, const char *kind)
{
    if (strcmp(kind, "workloads") == 0)
        print_workloads(describe);
    else if (strcmp(kind, "sensors") == 0)
        print_sensors(describe);
    else if (strcmp(kind, "models") == 0)
        print_models();
    else
        print_mechanisms(describe, strcmp(kind, "floors") == 0);
}

/* The entries of a kind as the worker describes them. */
static json_t *entries_of(const json_t *describe, const char *kind)
{
    if (strcmp(kind, "models") == 0)
        return models_json();
    bool floors = strcmp(kind, "floors") == 0;
    json_t *entries = json_array();
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(describe, floors ? "mechanisms" : kind), index,
                       entry)
    {
        if ((strcmp(kind, "mechanisms") != 0 && !floors) ||
            ipm_describe_is_floor(entry) == floors)
            (void)json_array_append(entries, entry);
    }
    return entries;
}

static int print_json(const json_t *describe, const char *wanted)
{
    ipm_auto_json json_t *json = json_object();
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (wanted == NULL || strcmp(wanted, kinds[i]) == 0)
            (void)json_object_set_new(json, kinds[i], entries_of(describe, kinds[i]));
    }
    if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0)
        return IPM_EXIT_INTERNAL;
    (void)putchar('\n');
    return IPM_EXIT_OK;
}

static void print_text(const json_t *describe, const char *wanted)
{
    if (wanted != NULL) {
        print_kind(describe, wanted);
        return;
    }
    for (size_t i = 0; kinds[i] != NULL; i++) {
        (void)printf("%s%s\n\n", i > 0 ? "\n" : "", kinds[i]);
        print_kind(describe, kinds[i]);
    }
}

struct options {
    struct ipm_request request;
    const char *kind; /* NULL: all */
    bool json, help;
};

static int parse(int argc, char **argv, struct options *options)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_list, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        options->json = options->json || code == JSON;
        options->help = options->help || code == IPM_ARGUMENTS_HELP;
        if (code == IPM_ARGUMENTS_WRONG ||
            ipm_request_take(&options->request, code, arguments.value) ==
                IPM_EXIT_USAGE)
            return IPM_EXIT_USAGE;
    }
    options->kind = arguments.operands[0];
    if (options->kind == NULL)
        return 0;
    for (size_t i = 0; arguments.n_operands == 1 && kinds[i] != NULL; i++) {
        if (strcmp(kinds[i], options->kind) == 0)
            return 0;
    }
    (void)fputs("list: mechanisms, workloads, floors, sensors or models\n", stderr);
    return IPM_EXIT_USAGE;
}

int ipm_cmd_list(int argc, char **argv)
{
    struct options options = {0};
    int status = parse(argc, argv, &options);
    if (status != 0)
        return status;
    if (options.help) {
        ipm_command_usage(&ipm_command_list, stdout);
        return IPM_EXIT_OK;
    }
    ipm_auto_json json_t *describe = NULL;
    status = ipm_prepare_list(&options.request, &describe);
    if (status != 0)
        return status;
    if (options.json)
        status = print_json(describe, options.kind);
    else
        print_text(describe, options.kind);
    if (fflush(stdout) != 0 && status == IPM_EXIT_OK)
        status = IPM_EXIT_INTERNAL;
    return status;
}
