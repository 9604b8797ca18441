/* SPDX-License-Identifier: MIT */
#include "harness/worker/point_parts.h"

#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>

static const uint64_t mix_stream =
    UINT64_C(0x6d69780000000000); /* apart from what else the seed gives */

/* The sizes of a mix are its own: a size beside it may only be what stands for them. */
int ipm_point_parse_mix(const json_t *json, struct ipm_point *point,
                        struct ipm_why *why)
{
    const char *text = ipm_mix_words[0];
    if (ipm_json_get_text(json, "size_mix", &text, why) < 0)
        return -EINVAL;
    if (ipm_mix_parse(text, &point->mix, why) != 0) {
        ipm_why_prefix(why, "'size_mix': ");
        return -EINVAL;
    }
    if (point->mix.n == 0)
        return 0;
    const json_t *size = json_object_get(json, "size");
    int64_t stands_for = ipm_mix_size(&point->mix);
    if (size != NULL && !json_is_null(size) && point->traffic.size != stands_for)
        return ipm_why_set(why, -EINVAL,
                           "'size' beside a 'size_mix' must be absent or its mean, "
                           "%" PRId64,
                           stands_for);
    point->traffic.size = stands_for;
    return 0;
}

static bool is_role_cpu(const struct ipm_point *point, int64_t cpu)
{
    for (int i = 0; i < ipm_point_cpus(point); i++) {
        if (point->cpus[i] == cpu)
            return true;
    }
    return false;
}

int ipm_point_parse_background(const json_t *json, struct ipm_point *point,
                               struct ipm_why *why)
{
    const json_t *cpus = json_object_get(json, "background_cpus");
    size_t n = json_array_size(cpus);
    bool wanted = point->traffic.background != IPM_BACKGROUND_NONE;
    if (!wanted && n == 0)
        return 0;
    if (!wanted || n == 0 || n > IPM_BACKGROUND_CPUS)
        return ipm_why_set(why, -EINVAL,
                           "'background' and 'background_cpus', a list of CPUs, go "
                           "together");
    bool taken[CPU_SETSIZE] = {false};
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(cpus, i);
        int64_t cpu = json_is_integer(value) ? json_integer_value(value) : -1;
        if (cpu < 0 || cpu >= CPU_SETSIZE || taken[cpu] || is_role_cpu(point, cpu))
            return ipm_why_set(why, -EINVAL,
                               "'background_cpus' must hold CPU numbers, each once, "
                               "and none of a role");
        taken[cpu] = true;
        point->background_cpus[point->n_background++] = (int)cpu;
    }
    return 0;
}

int ipm_point_parse_memory(const json_t *json, struct ipm_point *point,
                           struct ipm_why *why)
{
    const json_t *value = json_object_get(json, "memory_node");
    const char *word = json_string_value(value);
    int64_t node = -1;
    point->memory_node = IPM_NODE_LOCAL;
    if (value == NULL || json_is_null(value) ||
        (word != NULL && strcmp(word, "local") == 0))
        return 0;
    if (word != NULL && strcmp(word, "remote") == 0) {
        value = json_object_get(json, "memory_node_resolved");
        word = json_string_value(value);
    }
    if (json_is_integer(value))
        node = json_integer_value(value);
    else if (word == NULL || ipm_parse_integer(word, &node, NULL) != 0)
        node = -1;
    if (node < 0 || node >= IPM_NODE_NUMBERS)
        return ipm_why_set(why, -EINVAL,
                           "'memory_node' must be \"local\", the number of a node, or "
                           "\"remote\" with its 'memory_node_resolved'");
    point->memory_node = (int)node;
    return 0;
}

void ipm_point_draw_mix(struct ipm_point *point)
{
    if (point->mix.n > 0)
        ipm_mix_draw(&point->mix, point->seed ^ mix_stream, &point->mix_table);
}
