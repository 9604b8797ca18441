/* SPDX-License-Identifier: MIT */
#include "harness/worker/describe.h"

#include "base/option.h"
#include "base/record.h"
#include "harness/worker/build_id.h"
#include "harness/worker/describe_machine.h"
#include "harness/worker/point.h"
#include "harness/worker/sensors/modules.h"
#include "mechanisms/probe.h"
#include "mechanisms/registry.h"
#include "workloads/registry.h"

#include <string.h>

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *texts_of(const char *const *texts)
{
    json_t *list = json_array();
    for (; texts != NULL && *texts != NULL; texts++)
        (void)json_array_append_new(list, json_string(*texts));
    return list;
}

static json_t *bits_of(unsigned bits, const char *const *names)
{
    json_t *list = json_array();
    for (unsigned i = 0; names[i] != NULL; i++) {
        if ((bits & 1u << i) != 0)
            (void)json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

static json_t *options_of(const struct ipm_option *options)
{
    static const char *const types[] = {"integer", "size", "duration", "flag",
                                        "choice"};
    json_t *list = json_array();
    for (; options != NULL && options->name != NULL; options++) {
        bool bounded = options->min != 0 || options->max != 0;
        json_t *row = json_object();
        set(row, "name", json_string(options->name));
        set(row, "type", json_string(types[options->type]));
        set(row, "default", json_string(options->fallback));
        set(row, "min", bounded ? json_integer(options->min) : json_null());
        set(row, "max", bounded ? json_integer(options->max) : json_null());
        set(row, "choices",
            options->type == IPM_OPTION_CHOICE ? texts_of(options->choices)
                                               : json_null());
        set(row, "unit", json_string(options->unit));
        set(row, "help", json_string(options->help));
        (void)json_array_append_new(list, row);
    }
    return list;
}

static void set_available(json_t *json, int error, const struct ipm_why *why)
{
    set(json, "available", json_boolean(error == 0));
    set(json, "reason",
        error == 0 ? json_null()
                   : json_sprintf("%s: %s", ipm_why_class(error), why->text));
}

static json_t *mechanism_json(const struct ipm_mechanism *mechanism)
{
    json_t *modes = json_array();
    for (int copies = 0; copies < IPM_MODES; copies++) {
        const struct ipm_mode *mode = &mechanism->modes[copies];
        const struct ipm_facts *facts = &mode->facts;
        if (!mode->supported)
            continue;
        json_t *row = json_object();
        set(row, "copies", json_integer(copies));
        set(row, "copies_made", json_integer(facts->copies));
        set(row, "syncs", json_integer(facts->syncs));
        set(row, "pages", json_integer(facts->pages));
        set(row, "chunk_bytes", json_integer(facts->chunk_bytes));
        set(row, "system_calls", ipm_json_number(facts->system_calls));
        set(row, "wakeups", ipm_json_number(facts->wakeups));
        (void)json_array_append_new(modes, row);
    }
    struct ipm_why why = {.error = 0, .text = ""};
    struct ipm_limits limits = mechanism->limits;
    int error = ipm_probe(mechanism, &limits, &why);
    json_t *json = json_object();
    set(json, "name", json_string(mechanism->name));
    set(json, "version", json_integer(mechanism->version));
    set(json, "family", json_string(mechanism->family));
    set(json, "kind",
        json_string((mechanism->capabilities & IPM_CAP_FLOOR) != 0 ? "floor"
                                                                   : "mechanism"));
    set(json, "summary", json_string(mechanism->summary));
    set(json, "capabilities", bits_of(mechanism->capabilities, ipm_capability_names));
    set(json, "waits", bits_of(mechanism->waits, ipm_wait_names));
    set(json, "limits",
        json_pack("{s:I,s:I,s:I}", "min_length", (json_int_t)limits.min_length,
                  "max_length", (json_int_t)limits.max_length, "in_flight",
                  (json_int_t)limits.in_flight));
    set(json, "modes", modes);
    set(json, "default_copies", json_integer(mechanism->default_copies));
    set(json, "options", options_of(mechanism->options));
    set_available(json, error, &why);
    return json;
}

static json_t *workload_json(const struct ipm_workload *workload)
{
    json_t *roles = json_array();
    for (int i = 0; i < workload->n_roles; i++) {
        const struct ipm_role *role = &workload->roles[i];
        json_t *row = json_object();
        set(row, "name", json_string(role->name));
        set(row, "side", json_string(role->side == IPM_SIDE_A ? "a" : "b"));
        set(row, "mortal", json_boolean(role->mortal));
        set(row, "many", json_boolean(role->many));
        set(row, "spins", json_boolean(role->spins));
        (void)json_array_append_new(roles, row);
    }
    json_t *metrics = json_array();
    for (const struct ipm_metric_row *row = workload->metrics;
         row != NULL && row->name != NULL; row++)
        (void)json_array_append_new(
            metrics,
            json_pack("{s:s,s:s,s:s}", "name", row->name, "unit", row->unit, "better",
                      row->better == IPM_BETTER_LOWER ? "lower" : "higher"));
    json_t *json = json_object();
    set(json, "name", json_string(workload->name));
    set(json, "version", json_integer(workload->version));
    set(json, "family", json_string(workload->family));
    set(json, "summary", json_string(workload->summary));
    set(json, "roles", roles);
    set(json, "needs", bits_of(workload->needs, ipm_capability_names));
    set(json, "refuses", bits_of(workload->refuses, ipm_capability_names));
    set(json, "only",
        workload->only == NULL ? json_null() : json_string(workload->only));
    set(json, "waits_any", json_boolean(workload->waits_any));
    set(json, "min_size", json_integer(workload->min_size));
    set(json, "messages_per_operation", json_integer(workload->messages_per_operation));
    set(json, "latency_kind",
        json_string(workload->latency == IPM_LATENCY_ROUND_TRIP ? "round_trip"
                                                                : "interval"));
    set(json, "axes", texts_of(workload->axes));
    set(json, "metrics", metrics);
    set(json, "model",
        workload->model == NULL ? json_null() : json_string(workload->model));
    return json;
}

static json_t *axes_json(void)
{
    static const struct ipm_option policy[] = {
        {.name = "policy",
         .type = IPM_OPTION_CHOICE,
         .fallback = "other",
         .choices = ipm_policy_names,
         .unit = "",
         .help = "scheduling policy of the roles"},
        {.name = NULL},
    };
    json_t *axes = options_of(ipm_traffic_options);
    json_t *more = options_of(policy);
    (void)json_array_extend(axes, more);
    json_decref(more);
    (void)json_array_append_new(
        axes, json_pack("{s:s, s:s, s:s, s:n, s:n, s:o, s:s, s:s}", "name", "size_mix",
                        "type", "mix", "default", ipm_mix_words[0], "min", "max",
                        "choices", texts_of(ipm_mix_words), "unit", "", "help",
                        "sizes within a window: a word, or sizes with their weights"));
    (void)json_array_append_new(
        axes,
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:[s, s], s:s, s:s}", "name",
                  "memory_node", "type", "node", "default", "local", "min", 0, "max",
                  IPM_NODE_NUMBERS - 1, "choices", "local", "remote", "unit", "",
                  "help",
                  "where memory lies: as touched, far from side b, or by number"));
    return axes;
}

static json_t *find_pass(json_t *passes, const char *name)
{
    size_t i;
    json_t *pass;
    json_array_foreach(passes, i, pass)
    {
        if (strcmp(json_string_value(json_object_get(pass, "name")), name) == 0)
            return pass;
    }
    pass = json_pack("{s:s,s:b,s:n,s:I}", "name", name, "available", 0, "reason",
                     "min_window_ns", (json_int_t)0);
    (void)json_array_append_new(passes, pass);
    return pass;
}

/* A pass is available when one of its sensors is; else its first sensor's reason holds. */
static void join_pass(json_t *passes, const char *name, int64_t min_window_ns,
                      const json_t *described)
{
    json_t *pass = find_pass(passes, name);
    json_t *reason = json_object_get(described, "reason");
    if (json_is_true(json_object_get(described, "available"))) {
        set(pass, "available", json_true());
        set(pass, "reason", json_null());
    } else if (!json_is_true(json_object_get(pass, "available")) &&
               json_is_null(json_object_get(pass, "reason"))) {
        (void)json_object_set(pass, "reason", reason);
    }
    json_int_t least = json_integer_value(json_object_get(pass, "min_window_ns"));
    if (min_window_ns > least)
        set(pass, "min_window_ns", json_integer(min_window_ns));
}

static void append_metric(json_t *metrics, const struct ipm_sensor *sensor,
                          const struct ipm_sensor_context *context, const char *name,
                          const char *unit)
{
    char counts[256];
    json_t *row = json_pack("{s:s,s:s}", "name", name, "unit", unit);
    if (sensor->counts != NULL && sensor->counts(context, name, counts, sizeof(counts)))
        set(row, "counts", ipm_json_text(counts));
    (void)json_array_append_new(metrics, row);
}

static json_t *rows_json(const struct ipm_sensor *sensor,
                         const struct ipm_sensor_context *context)
{
    json_t *metrics = json_array();
    if (sensor->rows == NULL) {
        for (const struct ipm_sensor_row *row = sensor->metrics; row->name != NULL;
             row++)
            append_metric(metrics, sensor, context, row->name, row->unit);
        return metrics;
    }
    struct ipm_metric rows[IPM_METRICS_MAX];
    size_t n = sensor->rows(context, rows, IPM_METRICS_MAX);
    for (size_t i = 0; i < n; i++)
        append_metric(metrics, sensor, context, rows[i].name, rows[i].unit);
    return metrics;
}

/* One sensor, in one of its passes. */
static json_t *sensor_json(const struct ipm_sensor *sensor,
                           const struct ipm_sensor_context *context)
{
    struct ipm_why why = {.error = 0, .text = ""};
    const char *not_chosen = ipm_sensor_not_chosen(sensor, context->sensing);
    int error = not_chosen != NULL ? 0 : sensor->probe(context, &why);
    json_t *json = json_object();
    set(json, "name", json_string(sensor->name));
    set(json, "version", json_integer(sensor->version));
    set(json, "family", json_string(sensor->family));
    set(json, "summary", json_string(sensor->summary));
    set(json, "scope",
        json_string(sensor->scope == IPM_SCOPE_TASK ? "task" : "system"));
    set(json, "pass", sensor->pass == NULL ? json_null() : json_string(context->pass));
    set(json, "metrics", rows_json(sensor, context));
    set_available(json, error, &why);
    if (not_chosen != NULL) {
        set(json, "available", json_false());
        set(json, "reason", json_string(not_chosen));
    }
    return json;
}

static struct ipm_sensor_context context_of(const struct ipm_sensor *sensor,
                                            const char *sysroot, const json_t *sensing)
{
    return (struct ipm_sensor_context){
        .sysroot = sysroot,
        .pass = sensor->pass == NULL ? "timing" : sensor->pass,
        .window_ns = sensor->min_window_ns > 0 ? sensor->min_window_ns : 1000000000,
        .sensing = sensing};
}

/* The passes of a module are there when it was asked for: nobody plans them else. */
static void append_modules(json_t *sensors, json_t *passes, const char *sysroot,
                           const json_t *sensing)
{
    const struct ipm_sensor *module;
    for (size_t i = 0; (module = ipm_sensor_module(i, false)) != NULL; i++) {
        bool chosen = ipm_sensor_not_chosen(module, sensing) == NULL;
        module = ipm_sensor_module(i, chosen);
        struct ipm_sensor_context context = context_of(module, sysroot, sensing);
        json_t *json = sensor_json(module, &context);
        if (chosen && module->pass != NULL)
            join_pass(passes, module->pass, module->min_window_ns, json);
        (void)json_array_append_new(sensors, json);
    }
}

/* A sensor that is asked for nothing is listed, but has no pass. */
static void set_sensors(json_t *document, const char *sysroot, const json_t *sensing)
{
    json_t *sensors = json_array();
    json_t *passes = json_array();
    set(find_pass(passes, "timing"), "available", json_true());
    for (const struct ipm_sensor *const *at = ipm_sensors; *at != NULL; at++) {
        const struct ipm_sensor *sensor = *at;
        struct ipm_sensor_context context = context_of(sensor, sysroot, sensing);
        int parts = sensor->passes == NULL ? 0 : sensor->passes(&context);
        for (int part = parts == 0 ? 0 : 1; part <= parts; part++) {
            char text[IPM_PASS_TEXT];
            if (part > 0)
                context.pass = ipm_sensor_pass(sensor, part, text);
            json_t *json = sensor_json(sensor, &context);
            if (sensor->pass != NULL && (sensor->passes == NULL || part > 0))
                join_pass(passes, context.pass, sensor->min_window_ns, json);
            if (strcmp(context.pass, "energy") == 0)
                join_pass(passes, "idle", sensor->min_window_ns, json);
            (void)json_array_append_new(sensors, json);
        }
    }
    append_modules(sensors, passes, sysroot, sensing);
    set(document, "sensors", sensors);
    set(document, "passes", passes);
}

json_t *ipm_describe(const char *sysroot, const json_t *sensing,
                     const struct ipm_sandbox *sandbox)
{
    char build[IPM_BUILD_ID_TEXT];
    json_t *document = json_object();
    json_t *mechanisms = json_array();
    json_t *workloads = json_array();
    set(document, "protocol", json_integer(1));
    set(document, "protocol_lowest", json_integer(1));
    set(document, "schema", json_integer(IPM_RECORD_SCHEMA));
    set(document, "build", json_string(ipm_build_id(build)));
    set(document, "version", json_string(IPM_VERSION));
    for (const struct ipm_mechanism *const *at = ipm_mechanisms(); *at != NULL; at++)
        (void)json_array_append_new(mechanisms, mechanism_json(*at));
    for (const struct ipm_workload *const *at = ipm_workloads; *at != NULL; at++)
        (void)json_array_append_new(workloads, workload_json(*at));
    set(document, "mechanisms", mechanisms);
    set(document, "workloads", workloads);
    set(document, "axes", axes_json());
    set_sensors(document, sysroot, sensing);
    set(document, "policies", ipm_describe_policies());
    set(document, "memory_nodes", ipm_describe_memory_nodes());
    set(document, "machine", ipm_describe_kernel());
    set(document, "sandbox", ipm_sandbox_json(sandbox));
    return document;
}
