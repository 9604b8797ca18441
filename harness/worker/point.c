/* SPDX-License-Identifier: MIT */
#include "harness/worker/point.h"

#include "base/record.h"
#include "base/units.h"
#include "harness/worker/point_parts.h"
#include "harness/worker/sensors/system_calls.h"
#include "mechanisms/registry.h"
#include "workloads/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum {
    /* Counting system calls takes no long window, and traced roles are slow. */
    COUNTING_WINDOW_NS = 100000000,
    LEAST_TIMEOUT_NS = 1000000000, /* a busy machine may keep a role waiting so long */
};

const char *const ipm_policy_names[] = {"other", "batch", "fifo", NULL};

static int choice(const json_t *json, const char *key, const char *const *names,
                  int fallback, int *out, struct ipm_why *why)
{
    const char *text = NULL;
    int error = ipm_json_get_text(json, key, &text, why);
    if (error < 0)
        return error;
    *out = fallback;
    if (error > 0)
        return 0;
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return ipm_why_set(why, -EINVAL, "'%s' knows no '%s'", key, text);
}

static int parse_traffic(const json_t *json, struct ipm_traffic *traffic,
                         struct ipm_why *why)
{
    ipm_option_defaults(ipm_traffic_options, traffic);
    for (const struct ipm_option *row = ipm_traffic_options; row->name != NULL; row++) {
        const json_t *value = json_object_get(json, row->name);
        char text[32];
        if (value == NULL || json_is_null(value))
            continue;
        if (json_is_integer(value))
            (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
                           json_integer_value(value));
        else if (json_is_string(value) && json_string_length(value) < sizeof(text))
            (void)snprintf(text, sizeof(text), "%s", json_string_value(value));
        else
            return ipm_why_set(why, -EINVAL, "'%s' must be a number or a word",
                               row->name);
        int error = ipm_option_set(ipm_traffic_options, traffic, row->name, text, why);
        if (error != 0)
            return -EINVAL;
    }
    return 0;
}

static int parse_options(const json_t *json, struct ipm_point *point,
                         struct ipm_why *why)
{
    const struct ipm_mechanism *mechanism = point->mechanism;
    if (mechanism->options_size > sizeof(point->options))
        return ipm_why_set(
            why, -EINVAL, "'%s' has options of %zu bytes, the most is %zu",
            mechanism->name, mechanism->options_size, sizeof(point->options));
    ipm_option_defaults(mechanism->options, point->options);
    size_t prefix = strlen(mechanism->name);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(json, "options"), key, value)
    {
        char number[32];
        const char *text = json_string_value(value);
        if (json_is_integer(value)) {
            (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                           json_integer_value(value));
            text = number;
        } else if (json_is_boolean(value)) {
            text = json_is_true(value) ? "true" : "false";
        }
        if (strncmp(key, mechanism->name, prefix) != 0 || key[prefix] != '.' ||
            text == NULL)
            return ipm_why_set(why, -EINVAL, "option '%s' is not one of '%s'", key,
                               mechanism->name);
        const struct ipm_option *row =
            ipm_option_find(mechanism->options, key + prefix + 1);
        /* A duration comes as a whole number of nanoseconds. */
        if (row != NULL && row->type == IPM_OPTION_DURATION && text == number)
            (void)strcat(number, "ns");
        if (ipm_option_set(mechanism->options, point->options, key + prefix + 1, text,
                           why) != 0)
            return -EINVAL;
    }
    return 0;
}

static int parse_cpus(const json_t *json, struct ipm_point *point, struct ipm_why *why)
{
    const json_t *cpus = json_object_get(json, "cpus");
    size_t n = json_array_size(cpus);
    bool many = ipm_point_many(point);
    size_t wanted = (size_t)ipm_point_cpus(point);
    if (cpus == NULL || json_is_null(cpus)) {
        int here = sched_getcpu();
        for (size_t i = 0; i < wanted; i++)
            point->cpus[i] = here < 0 ? 0 : here;
        return 0;
    }
    if (n < 1 || n > wanted || (!many && n > 1 && n % IPM_SIDES != 0) ||
        (many && n > IPM_SIDES && n != wanted))
        return ipm_why_set(why, -EINVAL,
                           many ? "'cpus' must be a list of one number, of two, or of "
                                  "one per role"
                                : "'cpus' must be a list of one number, or of two per "
                                  "pair");
    for (size_t i = 0; i < wanted; i++) {
        /* Many share the second of two; pairs use a short list over again. */
        size_t at = many && i >= n ? n - 1 : i % n;
        const json_t *cpu = json_array_get(cpus, at);
        if (!json_is_integer(cpu) || json_integer_value(cpu) < 0 ||
            json_integer_value(cpu) >= CPU_SETSIZE)
            return ipm_why_set(why, -EINVAL, "'cpus' must hold CPU numbers");
        point->cpus[i] = (int)json_integer_value(cpu);
    }
    return 0;
}

static int parse_times(const json_t *json, struct ipm_point *point, struct ipm_why *why)
{
    point->window_ns = 50000000;
    point->warmup_ns = 10000000;
    point->timeout_ns = 0;
    if (ipm_json_get_integer(json, "window_ns", &point->window_ns, why) < 0 ||
        ipm_json_get_integer(json, "warmup_ns", &point->warmup_ns, why) < 0 ||
        ipm_json_get_integer(json, "timeout_ns", &point->timeout_ns, why) < 0)
        return -EINVAL;
    if (point->window_ns <= 0 || point->warmup_ns < 0 || point->timeout_ns < 0 ||
        point->window_ns > INT64_MAX / 16 || point->warmup_ns > INT64_MAX / 16)
        return ipm_why_set(why, -EINVAL,
                           "window_ns, warmup_ns or timeout_ns is out of range");
    if (strcmp(point->pass, IPM_SYSTEM_CALLS_PASS) == 0 &&
        point->window_ns > COUNTING_WINDOW_NS)
        point->window_ns = COUNTING_WINDOW_NS;
    if (point->timeout_ns == 0)
        point->timeout_ns = 10 * point->window_ns > LEAST_TIMEOUT_NS
                                ? 10 * point->window_ns
                                : LEAST_TIMEOUT_NS;
    return 0;
}

static int unknown_member(const json_t *json, struct ipm_why *why)
{
    static const char *const members[] = {
        "schema",
        "run",
        "point",
        "pass",
        "invocation",
        "block",
        "seed",
        "workload",
        "mechanism",
        "size",
        "rate",
        "rate_resolved",
        "placement",
        "cpus",
        "wait",
        "copies",
        "touch",
        "depth",
        "batch",
        "policy",
        "options",
        "window_ns",
        "warmup_ns",
        "timeout_ns",
        "sandbox",
        "sysroot",
        "host",
        "reply_size",
        "try",
        "placement_class",
        "unavailable",
        "sensors",
        "arrivals",
        "compute",
        "pairs",
        "fan",
        "working_set",
        "working_set_stride",
        "size_mix",
        "background",
        "background_cpus",
        "memory_node",
        "memory_node_resolved",
        NULL,
    };
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        (void)value;
        size_t i = 0;
        while (members[i] != NULL && strcmp(members[i], key) != 0)
            i++;
        if (members[i] == NULL)
            return ipm_why_set(why, -EINVAL, "unknown member '%s'", key);
    }
    return 0;
}

/* "max"; whole messages a second, as a number or its text; or a share, which the driver has
 * resolved. */
static int parse_rate(const json_t *json, struct ipm_traffic *traffic,
                      struct ipm_why *why)
{
    const json_t *value = json_object_get(json, "rate");
    const json_t *resolved = json_object_get(json, "rate_resolved");
    const char *text = json_string_value(value);
    traffic->rate = 0;
    if (value == NULL || json_is_null(value) ||
        (text != NULL && strcmp(text, "max") == 0))
        return 0;
    int error = 0;
    if (text != NULL && text[0] != '\0' && text[strlen(text) - 1] == '%')
        value = resolved;
    if (json_is_integer(value))
        traffic->rate = json_integer_value(value);
    else
        error = text != NULL ? ipm_parse_integer(text, &traffic->rate, NULL) : -EINVAL;
    if (error != 0 || traffic->rate < 1 || traffic->rate > IPM_RATE_MAX)
        return ipm_why_set(why, -EINVAL,
                           "'rate' must be \"max\", 1 .. %d messages a second, or a "
                           "share with its 'rate_resolved'",
                           IPM_RATE_MAX);
    return 0;
}

static int parse_factors(const json_t *json, struct ipm_point *point,
                         struct ipm_why *why)
{
    int64_t copies = point->mechanism->default_copies;
    int wait = IPM_WAIT_NONE;
    int policy = IPM_POLICY_OTHER;
    unsigned waits = point->mechanism->waits;
    int natural = waits == 0                                    ? IPM_WAIT_NONE
                  : (waits & IPM_WAIT_BIT(IPM_WAIT_BLOCK)) != 0 ? IPM_WAIT_BLOCK
                                                                : IPM_WAIT_SPIN;
    if (point->workload->n_roles == 1)
        natural = IPM_WAIT_NONE;
    if (choice(json, "wait", ipm_wait_names, natural, &wait, why) < 0 ||
        choice(json, "policy", ipm_policy_names, IPM_POLICY_OTHER, &policy, why) < 0 ||
        ipm_json_get_integer(json, "copies", &copies, why) < 0)
        return -EINVAL;
    if (copies < 0 || copies >= IPM_MODES)
        return ipm_why_set(why, -EINVAL, "'copies' must be 0, 1 or 2");
    point->wait = (enum ipm_wait)wait;
    point->policy = (enum ipm_policy)policy;
    point->copies = (int)copies;
    point->pass = "timing";
    point->sysroot = "";
    point->sandbox = true;
    if (ipm_json_get_text(json, "pass", &point->pass, why) < 0 ||
        ipm_json_get_text(json, "sysroot", &point->sysroot, why) < 0 ||
        parse_rate(json, &point->traffic, why) < 0 ||
        ipm_json_get_flag(json, "sandbox", &point->sandbox, why) < 0)
        return -EINVAL;
    point->idle = strcmp(point->pass, "idle") == 0;
    point->unavailable = json_object_get(json, "unavailable");
    point->sensing = json_object_get(json, "sensors");
    if (ipm_sensing_check(point->sensing, why) != 0)
        return -EINVAL;
    int64_t seed = 1;
    if (ipm_json_get_integer(json, "seed", &seed, why) < 0)
        return -EINVAL;
    point->seed = (uint64_t)seed;
    return 0;
}

int ipm_point_cpu(const struct ipm_point *point, int seat)
{
    if (ipm_point_many(point))
        return point->cpus[ipm_point_role(point, seat)];
    enum ipm_side side = point->workload->roles[ipm_point_row(point, seat)].side;
    return point->cpus[IPM_SIDES * ipm_point_pair(point, seat) + (int)side];
}

const char *ipm_point_role_name(const struct ipm_point *point, int seat,
                                char text[IPM_ROLE_TEXT])
{
    int row = ipm_point_row(point, seat);
    const struct ipm_role *role = &point->workload->roles[row];
    if (role->many)
        (void)snprintf(text, IPM_ROLE_TEXT, "%s %d", role->name,
                       ipm_point_role(point, seat) - row);
    else
        (void)snprintf(text, IPM_ROLE_TEXT, "%s", role->name);
    return text;
}

struct ipm_sensor_context ipm_point_sensing(const struct ipm_point *point)
{
    return (struct ipm_sensor_context){
        .sysroot = point->sysroot,
        .pass = point->pass,
        .window_ns = point->window_ns,
        .unavailable = point->unavailable,
        .sensing = point->sensing,
        .cpus = point->cpus,
        .n_cpus = ipm_point_cpus(point),
    };
}

int64_t ipm_point_longest(const struct ipm_point *point)
{
    int64_t size =
        point->mix.n > 0 ? ipm_mix_longest(&point->mix) : point->traffic.size;
    int64_t reply_size = point->traffic.reply_size;
    return reply_size > size ? reply_size : size;
}

int ipm_point_parse(const json_t *json, struct ipm_point *out_point,
                    struct ipm_why *why)
{
    struct ipm_point *point = out_point;
    memset(point, 0, sizeof(*point));
    point->json = json;
    int64_t schema = 0;
    const char *workload = NULL;
    const char *mechanism = NULL;
    if (!json_is_object(json))
        return ipm_why_set(why, -EINVAL, "a point is a JSON object");
    if (ipm_json_get_integer(json, "schema", &schema, why) != 0 ||
        schema != IPM_RECORD_SCHEMA)
        return ipm_why_set(why, -EINVAL, "'schema' must be %d", IPM_RECORD_SCHEMA);
    if (ipm_json_get_text(json, "workload", &workload, why) != 0 ||
        ipm_json_get_text(json, "mechanism", &mechanism, why) != 0)
        return ipm_why_set(why, -EINVAL, "'workload' and 'mechanism' must be given");
    point->workload = ipm_workload_find(workload);
    point->mechanism = ipm_mechanism_find(mechanism);
    if (point->workload == NULL || point->mechanism == NULL)
        return ipm_why_set(why, -EINVAL, "there is no %s '%s'",
                           point->workload == NULL ? "workload" : "mechanism",
                           point->workload == NULL ? workload : mechanism);
    if (unknown_member(json, why) != 0 ||
        parse_traffic(json, &point->traffic, why) != 0 ||
        parse_factors(json, point, why) != 0 || parse_options(json, point, why) != 0 ||
        parse_cpus(json, point, why) != 0 || parse_times(json, point, why) != 0 ||
        ipm_point_parse_mix(json, point, why) != 0 ||
        ipm_point_parse_background(json, point, why) != 0 ||
        ipm_point_parse_memory(json, point, why) != 0)
        return -EINVAL;
    if (point->workload->smallest)
        point->traffic.size = point->mechanism->limits.min_length;
    if ((point->mechanism->capabilities & IPM_CAP_TOKEN) != 0) {
        point->traffic.size = point->traffic.reply_size = 0;
        point->mix.n = 0; /* a token has no size */
    }
    ipm_point_draw_mix(point);
    point->batch_asked = point->traffic.batch;
    point->traffic.batch = ipm_point_granted_batch(point);
    return ipm_point_impossible(point, why);
}
