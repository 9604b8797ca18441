/* SPDX-License-Identifier: MIT */
#include "workloads/registry.h"

#include <errno.h>
#include <string.h>

#define IPM_WORKLOAD(name) extern const struct ipm_workload ipm_workload_##name;
#include "workloads/list.def"
#undef IPM_WORKLOAD

const struct ipm_workload *const ipm_workloads[] = {
#define IPM_WORKLOAD(name) &ipm_workload_##name,
#include "workloads/list.def"
#undef IPM_WORKLOAD
    NULL,
};

const char *const ipm_arrivals_names[] = {"constant", "poisson", NULL};
const char *const ipm_background_names[] = {"none", "cpu", "memory", "switches", NULL};

#define TRAFFIC(field) IPM_OPTION_FIELD(struct ipm_traffic, field)

const struct ipm_option ipm_traffic_options[] = {
    {.name = "size",
     .type = IPM_OPTION_SIZE,
     .offset = TRAFFIC(size),
     .fallback = "64",
     .min = 0,
     .max = INT64_C(1) << 32,
     .unit = "bytes",
     .help = "payload of one message"},
    {.name = "reply_size",
     .type = IPM_OPTION_INTEGER,
     .offset = TRAFFIC(reply_size),
     .fallback = "-1",
     .min = -1,
     .max = INT64_C(1) << 32,
     .unit = "bytes",
     .help = "payload of the reply; -1: as size"},
    {.name = "touch",
     .type = IPM_OPTION_CHOICE,
     .offset = TRAFFIC(touch),
     .fallback = "none",
     .choices = ipm_touch_names,
     .unit = "",
     .help = "whether payload is written before send and read after receive"},
    {.name = "depth",
     .type = IPM_OPTION_INTEGER,
     .offset = TRAFFIC(depth),
     .fallback = "64",
     .min = 1,
     .max = 1 << 20,
     .unit = "messages",
     .help = "messages in flight wanted; the record holds what was granted"},
    {.name = "batch",
     .type = IPM_OPTION_INTEGER,
     .offset = TRAFFIC(batch),
     .fallback = "16",
     .min = 1,
     .max = 1024,
     .unit = "messages",
     .help = "messages handed to the mechanism by one call, where several go in a row"},
    {.name = "compute",
     .type = IPM_OPTION_DURATION,
     .offset = TRAFFIC(compute_ns),
     .fallback = "0ns",
     .min = 0,
     .max = INT64_C(1000000000),
     .unit = "ns",
     .help = "time that a server spins between request and reply"},
    {.name = "arrivals",
     .type = IPM_OPTION_CHOICE,
     .offset = TRAFFIC(arrivals),
     .fallback = "constant",
     .choices = ipm_arrivals_names,
     .unit = "",
     .help = "planned send times: equal gaps, or exponential ones"},
    {.name = "pairs",
     .type = IPM_OPTION_INTEGER,
     .offset = TRAFFIC(pairs),
     .fallback = "1",
     .min = 1,
     .max = 32,
     .unit = "",
     .help =
         "independent copies of the workload at once, each with channels of its own"},
    {.name = "fan",
     .type = IPM_OPTION_INTEGER,
     .offset = TRAFFIC(fan),
     .fallback = "4",
     .min = 1,
     .max = IPM_FAN_MAX,
     .unit = "",
     .help = "senders of fan_in, receivers of fan_out, each with a channel of its own"},
    {.name = "working_set",
     .type = IPM_OPTION_SIZE,
     .offset = TRAFFIC(working_set),
     .fallback = "0",
     .min = 0,
     .max = INT64_C(1) << 32,
     .unit = "bytes",
     .help = "memory of its own that a receiver reads after each message"},
    {.name = "working_set_stride",
     .type = IPM_OPTION_SIZE,
     .offset = TRAFFIC(working_set_stride),
     .fallback = "64",
     .min = 8,
     .max = INT64_C(1) << 30,
     .unit = "bytes",
     .help = "from read to read in the working set: 64 a line, 4096 a page"},
    {.name = "background",
     .type = IPM_OPTION_CHOICE,
     .offset = TRAFFIC(background),
     .fallback = "none",
     .choices = ipm_background_names,
     .unit = "",
     .help = "what runs meanwhile on every CPU that no role uses"},
    {.name = NULL},
};

const struct ipm_workload *ipm_workload_find(const char *name)
{
    for (const struct ipm_workload *const *at = ipm_workloads; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0)
            return *at;
    }
    return NULL;
}

bool ipm_workload_lists(const struct ipm_workload *workload, const char *axis)
{
    const char *const *at = workload->axes;
    while (at != NULL && *at != NULL && strcmp(*at, axis) != 0)
        at++;
    return at != NULL && *at != NULL;
}

/* Is every many a last row, with an edge to each of them? */
static const char *many_contradiction(const struct ipm_workload *w)
{
    bool many = w->roles[w->n_roles - 1].many;
    const struct ipm_edge *last = &w->edges[w->n_edges - 1];
    for (int i = 0; i < w->n_roles - 1; i++) {
        if (w->roles[i].many)
            return "only the last role can be many";
    }
    for (int i = 0; i < w->n_edges; i++) {
        const struct ipm_edge *edge = &w->edges[i];
        bool leads = edge->from == w->n_roles - 1 || edge->to == w->n_roles - 1;
        if (edge->many && (!many || edge != last))
            return "only the last edge can be many, and only to roles that are";
        if (many && leads != edge->many)
            return "an edge to each of many roles must be many itself";
    }
    if (many && (w->n_roles < 2 || last->from == last->to || !last->many))
        return "many roles need another role, and an edge to it";
    if (many != ipm_workload_lists(w, "fan"))
        return "the axis fan and many roles come together";
    if (w->starting < 0 || w->starting >= w->n_roles)
        return "the messages start at a role that is not there";
    return NULL;
}

static const char *contradiction(const struct ipm_workload *w)
{
    if (w->n_roles < 1 || w->n_roles > IPM_WORKLOAD_ROLES || w->n_edges < 1 ||
        w->n_edges > IPM_WORKLOAD_EDGES)
        return "too few or too many roles or edges";
    if (w->run == NULL || w->messages_per_operation < 1)
        return "run and messages_per_operation are needed";
    if (w->summary == NULL || strlen(w->summary) > 60)
        return "a summary of at most 60 characters is needed";
    for (int i = 0; i < w->n_edges; i++) {
        const struct ipm_edge *edge = &w->edges[i];
        if (edge->from < 0 || edge->from >= w->n_roles || edge->to < 0 ||
            edge->to >= w->n_roles)
            return "an edge leads to a role that is not there";
        if (edge->duplex && edge->from == edge->to)
            return "a role cannot be in duplex with itself";
    }
    for (int i = 0; i < w->n_roles; i++) {
        if (w->roles[i].name == NULL)
            return "a role has no name";
    }
    int metrics = 0;
    while (w->metrics != NULL && w->metrics[metrics].name != NULL)
        metrics++;
    if (metrics > IPM_WORKLOAD_METRICS)
        return "too many metrics";
    return many_contradiction(w);
}

int ipm_workload_check(const struct ipm_workload *workload, struct ipm_why *why)
{
    if (workload->abi != IPM_PLUGIN_ABI)
        return ipm_why_set(why, -EPROTO, "built for plug-in ABI %u, this worker has %d",
                           workload->abi, IPM_PLUGIN_ABI);
    const char *text = contradiction(workload);
    if (text != NULL)
        return ipm_why_set(why, -EINVAL, "workload '%s': %s", workload->name, text);
    return 0;
}
