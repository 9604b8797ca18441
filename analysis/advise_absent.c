/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run never had in the workload that is asked for, and how to measure it. */
#include "analysis/advise_seat.h"
#include "analysis/html.h"
#include "analysis/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ipm_advise_absent(const struct ipm_advisor *advisor, json_t *advice)
{
    const struct ipm_summary *summary = &advisor->report->summary;
    const json_t *manifest = advisor->report->manifest;
    const json_t *describe = json_object_get(manifest, "describe");
    json_t *tokens = json_array();
    json_t *unmeasured = json_array();
    json_t *unavailable = json_array();
    size_t i;
    const json_t *mechanism;
    json_array_foreach(json_object_get(describe, "mechanisms"), i, mechanism)
    {
        const char *name = ipm_member_text(mechanism, "name");
        bool token = ipm_manifest_has_capability(manifest, name, "token");
        bool measured = false;
        for (size_t k = 0; k < summary->n_points && !measured; k++)
            measured = advise_is(summary->points[k].factors.mechanism, name) &&
                       ipm_advisor_means(advisor, &summary->points[k]);
        if (measured && token && !ipm_manifest_is_floor(manifest, name))
            (void)json_array_append_new(tokens, json_string(name));
        if (measured || token || ipm_manifest_is_floor(manifest, name) ||
            ipm_manifest_has_capability(manifest, name, "lossy"))
            continue;
        if (json_is_false(json_object_get(mechanism, "available"))) {
            json_t *json = json_object();
            advise_set(json, "mechanism", json_string(name));
            advise_set(json, "reason",
                       advise_text(ipm_member_text(mechanism, "reason")));
            (void)json_array_append_new(unavailable, json);
        } else {
            (void)json_array_append_new(unmeasured, json_string(name));
        }
    }
    advise_set(advice, "tokens", tokens);
    advise_set(advice, "unmeasured", unmeasured);
    advise_set(advice, "unavailable", unavailable);
}

/* Words that a shell takes as they are. */
static bool plain(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.%";
    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

char *ipm_advise_command(const struct ipm_advisor *advisor, bool whole_workload,
                         const json_t *mechanisms)
{
    const struct ipm_question *question = advisor->question;
    const char *workload = advisor->workload;
    char *text = NULL;
    size_t length = 0;
    size_t n = 0;
    size_t i;
    const json_t *name;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    if (question->rate > 0 && question->by != IPM_BY_THROUGHPUT)
        workload = "open_loop";
    (void)fprintf(out, "ipcmeter run --out more --set workloads=%s --set size=%lld",
                  workload, (long long)question->size);
    (void)fputs(" --set mechanisms=", out);
    json_array_foreach(mechanisms, i, name)
    {
        if (!whole_workload && plain(json_string_value(name)))
            (void)fprintf(out, "%s%s", n++ == 0 ? "" : ",", json_string_value(name));
    }
    if (n == 0)
        (void)fputs("all", out);
    if (question->rate > 0 && question->by != IPM_BY_THROUGHPUT)
        (void)fprintf(out, " --set rate=%lld", (long long)question->rate);
    if (question->placement != NULL && plain(question->placement))
        (void)fprintf(out, " --set placement=%s", question->placement);
    if (question->wait != NULL && plain(question->wait))
        (void)fprintf(out, " --set wait=%s", question->wait);
    if (question->by == IPM_BY_JOULES)
        (void)fputs(" --energy auto", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
