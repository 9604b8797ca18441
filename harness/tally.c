/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/tally.h"

#include "base/cleanup.h"
#include "harness/describe.h"
#include "harness/diagnostics.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES = 4 /* mechanisms told of a reason */ };

void ipm_tally_add(json_t *tally, const char *reason, const char *mechanism)
{
    json_t *counts = json_object_get(tally, reason);
    if (counts == NULL) {
        counts = json_object();
        (void)json_object_set_new(tally, reason, counts);
    }
    json_int_t count = json_integer_value(json_object_get(counts, mechanism));
    (void)json_object_set_new(counts, mechanism, json_integer(count + 1));
}

void ipm_tally_failure(json_t *tally, const json_t *record)
{
    ipm_auto_json json_t *text =
        json_sprintf("%s: %s", ipm_describe_text(record, "phase", "?"),
                     ipm_describe_text(record, "reason", "no reason is given"));
    ipm_tally_add(tally, json_string_value(text) ?: "?",
                  ipm_describe_text(record, "mechanism", "?"));
}

json_t *ipm_tally_left_out(const struct ipm_plan *plan)
{
    json_t *tally = json_object();
    for (size_t i = 0; i < plan->n_skips; i++)
        ipm_tally_add(tally, plan->skips[i].reason, plan->skips[i].factors.mechanism);
    for (size_t i = 0; i < plan->n_dropped; i++)
        ipm_tally_add(tally, plan->dropped[i].reason,
                      plan->dropped[i].factors.mechanism);
    return tally;
}

struct group {
    const char *reason;
    const json_t *counts;
    json_int_t sum;
};

static int frequent_first(const void *a, const void *b)
{
    const struct group *left = a;
    const struct group *right = b;
    if (left->sum != right->sum)
        return left->sum < right->sum ? 1 : -1;
    return strcmp(left->reason, right->reason);
}

static void print_group(const struct group *group, FILE *out)
{
    size_t n = 0;
    const char *name;
    json_t *count;
    (void)fprintf(out, "  %6" JSON_INTEGER_FORMAT "  ", group->sum);
    (void)ipm_print_escaped(out, group->reason, strlen(group->reason));
    json_object_foreach((json_t *)(uintptr_t)group->counts, name, count)
    {
        (void)count;
        if (n++ >= NAMES)
            continue;
        (void)fputs(n == 1 ? " (" : ", ", out);
        (void)ipm_print_escaped(out, name, strlen(name));
    }
    if (n > NAMES)
        (void)fprintf(out, " and %zu more", n - NAMES);
    (void)fputs(")\n", out);
}

void ipm_tally_print(const json_t *tally, const char *what, FILE *out)
{
    size_t n = json_object_size(tally);
    ipm_auto_free struct group *groups = calloc(n + 1, sizeof(*groups));
    if (groups == NULL || n == 0)
        return;
    json_int_t sum = 0;
    size_t at = 0;
    const char *reason;
    json_t *counts;
    json_object_foreach((json_t *)(uintptr_t)tally, reason, counts)
    {
        struct group *group = &groups[at++];
        const char *name;
        json_t *count;
        *group = (struct group){.reason = reason, .counts = counts};
        json_object_foreach(counts, name, count) group->sum +=
            json_integer_value(count);
        sum += group->sum;
    }
    qsort(groups, n, sizeof(*groups), frequent_first);
    (void)fprintf(out, "%s: %" JSON_INTEGER_FORMAT "\n", what, sum);
    for (size_t i = 0; i < n; i++)
        print_group(&groups[i], out);
}
