/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_grants.h"

#include "base/units.h"
#include "harness/describe.h"
#include "harness/topology_nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A worker that does not say which policies it is granted may have them all: the record then
 * says what came of it. */
static int check_policy(const struct ipm_rules *rules,
                        const struct ipm_factors *factors, struct ipm_why *why)
{
    const json_t *policy =
        ipm_describe_find(rules->describe, "policies", factors->policy);
    if (policy == NULL || json_is_true(json_object_get(policy, "available")))
        return 0;
    (void)ipm_why_set(why, -EPERM, "policy %s is not granted here: %s", factors->policy,
                      ipm_describe_text(policy, "reason", "no reason given"));
    return 1;
}

static bool usable(const void *context, int node)
{
    size_t index;
    const json_t *number;
    json_array_foreach((const json_t *)context, index, number)
    {
        if (json_is_integer(number) && json_integer_value(number) == node)
            return true;
    }
    return false;
}

/* Where "remote" is one place for all: of several pairs, far from the first one's. */
static int side_b(const struct ipm_factors *factors)
{
    if (factors->n_pairs > 0 || factors->n_fan > 0)
        return factors->pair_cpus[1];
    return factors->place.cpus[factors->place.n_cpus > 1 ? 1 : 0];
}

static int name_nodes(const json_t *nodes, int64_t asked, struct ipm_why *why)
{
    char list[96] = "";
    size_t index;
    const json_t *number;
    json_array_foreach(nodes, index, number)
    {
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof(list) - used, "%s%" JSON_INTEGER_FORMAT,
                       used > 0 ? ", " : "", json_integer_value(number));
    }
    (void)ipm_why_set(why, -ENODEV,
                      "memory_node %lld: the memory that we may use is on node%s %s",
                      (long long)asked, json_array_size(nodes) == 1 ? "" : "s", list);
    return 1;
}

static int place_memory(const struct ipm_rules *rules, struct ipm_factors *factors,
                        struct ipm_why *why)
{
    const char *word = ipm_describe_text(factors->options, "memory_node", "local");
    const json_t *described = json_object_get(rules->describe, "memory_nodes");
    const json_t *nodes = json_object_get(described, "nodes");
    int64_t number = 0;
    factors->memory_node = -1;
    if (strcmp(word, "local") == 0)
        return 0;
    if (!json_is_true(json_object_get(described, "available"))) {
        (void)ipm_why_set(
            why, -EPERM, "memory_node %s: memory cannot be bound to a node here: %s",
            word, ipm_describe_text(described, "reason", "no reason given"));
        return 1;
    }
    if (strcmp(word, "remote") == 0) {
        struct ipm_why reason = {0};
        number = ipm_topology_remote(rules->topology, side_b(factors), usable, nodes,
                                     &reason);
        if (number < 0) {
            (void)ipm_why_set(why, -ENODEV, "memory_node remote: %s", reason.text);
            return 1;
        }
    } else if (ipm_parse_integer(word, &number, why) != 0) {
        return 1;
    }
    if (number < 0 || number > INT32_MAX || !usable(nodes, (int)number))
        return name_nodes(nodes, number, why);
    factors->memory_node = (int)number;
    return 0;
}

int ipm_grants_check(const struct ipm_rules *rules, struct ipm_factors *factors,
                     struct ipm_why *why)
{
    return check_policy(rules, factors, why) != 0 ||
           place_memory(rules, factors, why) != 0;
}
