/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_rules.h"

#include "base/mix.h"
#include "harness/describe.h"
#include "harness/plan_grants.h"
#include "harness/plan_place.h"
#include "harness/spec_axes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fixed for ever: a point's name must not change with the machine or the worker. */
static const struct ipm_factors natural = {
    .size = 64,
    .rate = "max",
    .placement = "nearest_core",
    .copies = -1,
    .touch = "none",
    .depth = 64,
    .batch = 16,
    .reply_size = -1,
    .policy = "other",
    .memory_node = -1,
};

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

int ipm_rules_refuse(struct ipm_why *why, const char *format, ...)
{
    char text[sizeof(why->text)];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)ipm_why_set(why, -EOPNOTSUPP, "%s", text);
    return 1;
}

int64_t ipm_rules_axis_integer(const json_t *describe, const char *name,
                               int64_t otherwise)
{
    struct ipm_axis axis;
    char mend[IPM_MEND];
    if (ipm_axis_find(describe, name, &axis, mend) != 0)
        return otherwise;
    ipm_auto_json json_t *value = ipm_axis_fallback(&axis);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool ipm_rules_has_axis(const struct ipm_rules *rules, const char *axis)
{
    return ipm_describe_lists(json_object_get(rules->workload, "axes"), axis);
}

void ipm_rules_defaults(struct ipm_rules *rules)
{
    const json_t *touch = ipm_describe_find(rules->describe, "axes", "touch");
    const json_t *policy = ipm_describe_find(rules->describe, "axes", "policy");
    struct ipm_place place;
    rules->defaults = natural;
    rules->defaults.size =
        ipm_rules_axis_integer(rules->describe, "size", natural.size);
    rules->defaults.depth =
        ipm_rules_axis_integer(rules->describe, "depth", natural.depth);
    rules->defaults.batch =
        ipm_rules_axis_integer(rules->describe, "batch", natural.batch);
    rules->defaults.touch = ipm_describe_text(touch, "default", natural.touch);
    rules->defaults.policy = ipm_describe_text(policy, "default", natural.policy);
    if (ipm_topology_place(rules->topology, natural.placement, &place, NULL) != 0)
        rules->defaults.placement = "same_cpu";
}

static bool capable(const struct ipm_rules *rules, const char *capability)
{
    return ipm_describe_lists(json_object_get(rules->mechanism, "capabilities"),
                              capability);
}

static bool one_role(const struct ipm_rules *rules)
{
    return json_array_size(json_object_get(rules->workload, "roles")) == 1;
}

/* block where it is honoured, else the first that is. */
static const char *natural_wait(const struct ipm_rules *rules)
{
    const json_t *waits = json_object_get(rules->mechanism, "waits");
    if (one_role(rules) || json_array_size(waits) == 0)
        return "none";
    if (ipm_describe_lists(waits, "block"))
        return "block";
    return json_string_value(json_array_get(waits, 0));
}

/* Is it an option of this mechanism, or an axis that means something to the workload? */
static bool applies(const struct ipm_rules *rules, const char *key)
{
    const char *mechanism = ipm_describe_text(rules->mechanism, "name", "");
    size_t length = strlen(mechanism);
    if (same(key, "memory_node"))
        return true; /* every workload has memory */
    if (strchr(key, '.') == NULL)
        return ipm_describe_lists(json_object_get(rules->workload, "axes"), key);
    return strncmp(key, mechanism, length) == 0 && key[length] == '.';
}

/* Those that apply and are not at their default. */
static void keep_options(const struct ipm_rules *rules, struct ipm_factors *factors)
{
    json_t *kept = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(factors->options, key, value)
    {
        struct ipm_axis axis;
        char mend[IPM_MEND];
        if (!applies(rules, key) ||
            ipm_axis_find(rules->describe, key, &axis, mend) != 0)
            continue;
        ipm_auto_json json_t *fallback = ipm_axis_fallback(&axis);
        if (fallback == NULL || !json_equal(fallback, value))
            (void)json_object_set(kept, key, value);
    }
    json_decref(factors->options);
    factors->options = kept;
}

/* The mix of sizes, if there is one. */
static bool find_mix(const struct ipm_factors *factors, struct ipm_mix *out_mix)
{
    const char *text = ipm_describe_text(factors->options, "size_mix", "fixed");
    return ipm_mix_parse(text, out_mix, NULL) == 0 && out_mix->n > 0;
}

void ipm_rules_canonicalise(const struct ipm_rules *rules, struct ipm_factors *factors)
{
    const json_t *axes = json_object_get(rules->workload, "axes");
    const struct ipm_factors *defaults = &rules->defaults;
    struct ipm_mix mix;
    keep_options(rules, factors);
    if (capable(rules, "token"))
        (void)json_object_del(factors->options, "size_mix");
    bool mixed = find_mix(factors, &mix);
    if (!ipm_describe_lists(axes, "size"))
        factors->size = defaults->size;
    if (mixed)
        factors->size = ipm_mix_size(&mix);
    if (!ipm_describe_lists(axes, "touch"))
        factors->touch = defaults->touch;
    if (!ipm_describe_lists(axes, "depth"))
        factors->depth = defaults->depth;
    if (!ipm_describe_lists(axes, "batch"))
        factors->batch = defaults->batch;
    if (!ipm_describe_lists(axes, "reply_size") ||
        (factors->reply_size == factors->size && !mixed))
        factors->reply_size = -1;
    if (one_role(rules))
        factors->placement = "same_cpu";
    if (capable(rules, "token")) {
        factors->size = 0;
        factors->reply_size = -1;
        factors->copies = -1;
    }
    if (factors->size == 0 && factors->reply_size <= 0)
        factors->touch = "none"; /* there is nothing to touch */
    if (factors->wait == NULL || same(natural_wait(rules), "none"))
        factors->wait = natural_wait(rules);
    if (factors->copies < 0)
        factors->copies = ipm_describe_integer(rules->mechanism, "default_copies", 0);
}

static int check_pair(const struct ipm_rules *rules, const struct ipm_factors *factors,
                      struct ipm_why *why)
{
    const char *only = ipm_describe_text(rules->workload, "only", NULL);
    if (only != NULL && !same(only, factors->mechanism))
        return ipm_rules_refuse(why, "%s measures %s alone", factors->workload, only);
    /* What is absent has said nothing about itself that a rule could look at. */
    if (!json_is_true(json_object_get(rules->mechanism, "available")))
        return ipm_rules_refuse(
            why, "%s is not available: %s", factors->mechanism,
            ipm_describe_text(rules->mechanism, "reason", "no reason given"));
    size_t index;
    const json_t *capability;
    json_array_foreach(json_object_get(rules->workload, "needs"), index, capability)
    {
        const char *name = json_string_value(capability);
        if (name != NULL && !capable(rules, name))
            return ipm_rules_refuse(why, "%s needs a mechanism that is '%s'",
                                    factors->workload, name);
    }
    json_array_foreach(json_object_get(rules->workload, "refuses"), index, capability)
    {
        const char *name = json_string_value(capability);
        if (name != NULL && capable(rules, name))
            return ipm_rules_refuse(why, "%s cannot use a mechanism that is '%s'",
                                    factors->workload, name);
    }
    /* A workload that asks for it gives each role a channel to itself. */
    const json_t *needs = json_object_get(rules->workload, "needs");
    if (!one_role(rules) && capable(rules, "local") &&
        !ipm_describe_lists(needs, "local"))
        return ipm_rules_refuse(why, "%s works inside one process only",
                                factors->mechanism);
    return 0;
}

static int check_mode(const struct ipm_rules *rules, const struct ipm_factors *factors,
                      struct ipm_why *why)
{
    const json_t *modes = json_object_get(rules->mechanism, "modes");
    const json_t *waits = json_object_get(rules->mechanism, "waits");
    bool found = false;
    size_t index;
    const json_t *mode;
    json_array_foreach(modes, index, mode) found =
        found || ipm_describe_integer(mode, "copies", -1) == factors->copies;
    if (!found)
        return ipm_rules_refuse(why, "%s has no mode with %" PRId64 " copies",
                                factors->mechanism, factors->copies);
    if (!same(factors->wait, "none") && !ipm_describe_lists(waits, factors->wait))
        return ipm_rules_refuse(why, "%s does not honour wait '%s'", factors->mechanism,
                                factors->wait);
    if (json_is_true(json_object_get(rules->workload, "waits_any")) &&
        (same(factors->wait, "block") || same(factors->wait, "spin_then_block")) &&
        !capable(rules, "pollfd"))
        return ipm_rules_refuse(
            why,
            "%s has no descriptor to poll: nobody can sleep on several of its "
            "channels at once",
            factors->mechanism);
    return 0;
}

static int check_sizes(const struct ipm_rules *rules, const struct ipm_factors *factors,
                       struct ipm_why *why)
{
    const json_t *limits = json_object_get(rules->mechanism, "limits");
    struct ipm_mix mix;
    bool mixed = find_mix(factors, &mix);
    int64_t longest = mixed ? ipm_mix_longest(&mix) : factors->size;
    int64_t shortest = mixed ? ipm_mix_shortest(&mix) : factors->size;
    int64_t smallest_request = shortest;
    int64_t reply = factors->reply_size;
    longest = reply > longest ? reply : longest;
    shortest = reply >= 0 && reply < shortest ? reply : shortest;
    int64_t least = ipm_describe_integer(limits, "min_length", 0);
    int64_t most = ipm_describe_integer(limits, "max_length", 0);
    int64_t wanted = ipm_describe_integer(rules->workload, "min_size", 0);
    if (most != 0 && longest > most)
        return ipm_rules_refuse(why, "%s takes at most %" PRId64 " bytes",
                                factors->mechanism, most);
    if (shortest < least)
        return ipm_rules_refuse(why, "%s takes at least %" PRId64 " bytes",
                                factors->mechanism, least);
    if (smallest_request < wanted)
        return ipm_rules_refuse(why, "%s needs messages of at least %" PRId64 " bytes",
                                factors->workload, wanted);
    return 0;
}

int ipm_rules_check(const struct ipm_rules *rules, struct ipm_factors *factors,
                    struct ipm_why *why)
{
    if (same(factors->rate, "max") == ipm_rules_has_axis(rules, "rate"))
        return ipm_rules_refuse(
            why,
            ipm_rules_has_axis(rules, "rate")
                ? "%s needs a rate: messages per second, or a share such as "
                  "\"50%%\""
                : "%s goes as fast as it can: it has no rate",
            factors->workload);
    if (check_pair(rules, factors, why) != 0 || check_mode(rules, factors, why) != 0 ||
        check_sizes(rules, factors, why) != 0)
        return 1;
    return ipm_rules_place(rules, factors, why) != 0 ||
           ipm_grants_check(rules, factors, why) != 0;
}

static void set_text(json_t *json, const char *key, const char *value,
                     const char *natural_value)
{
    if (!same(value, natural_value))
        (void)json_object_set_new(json, key, json_string(value));
}

static void set_integer(json_t *json, const char *key, int64_t value,
                        int64_t natural_value)
{
    if (value != natural_value)
        (void)json_object_set_new(json, key, json_integer(value));
}

void ipm_rules_hash(const struct ipm_rules *rules, const struct ipm_factors *factors,
                    char hash[IPM_HASH_TEXT])
{
    int64_t copies = ipm_describe_integer(rules->mechanism, "default_copies", 0);
    ipm_auto_json json_t *json = json_pack(
        "{s:s,s:I,s:s,s:I}", "workload", factors->workload, "workload_version",
        (json_int_t)ipm_describe_integer(rules->workload, "version", 0), "mechanism",
        factors->mechanism, "mechanism_version",
        (json_int_t)ipm_describe_integer(rules->mechanism, "version", 0));
    set_integer(json, "size", factors->size, natural.size);
    set_text(json, "rate", factors->rate, natural.rate);
    set_text(json, "placement", factors->placement, natural.placement);
    set_text(json, "wait", factors->wait, natural_wait(rules));
    set_integer(json, "copies", factors->copies, copies);
    set_text(json, "touch", factors->touch, natural.touch);
    set_integer(json, "depth", factors->depth, natural.depth);
    set_integer(json, "batch", factors->batch, natural.batch);
    set_integer(json, "reply_size", factors->reply_size, natural.reply_size);
    set_text(json, "policy", factors->policy, natural.policy);
    if (json_object_size(factors->options) > 0)
        (void)json_object_set(json, "options", factors->options);
    ipm_json_hash(json, hash);
}
