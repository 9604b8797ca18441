/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of schedule.h that prints. */
#include "base/record.h"
#include "harness/schedule.h"

json_t *ipm_job_json(const struct ipm_job *job, const struct ipm_job_context *context)
{
    const char *sysroot = context->sysroot != NULL ? context->sysroot : "";
    json_t *json =
        json_pack("{s:i,s:s,s:s,s:s,s:I,s:I,s:I}", "schema", IPM_RECORD_SCHEMA, "run",
                  context->run, "point", job->point->hash, "pass", job->pass->name,
                  "invocation", (json_int_t)job->invocation, "block",
                  (json_int_t)job->block, "seed", (json_int_t)job->seed);
    if (job->try > 0)
        (void)json_object_set_new(json, "try", json_integer(job->try));
    ipm_factors_json(&job->point->factors, json);
    json_t *rest =
        json_pack("{s:I,s:I,s:I,s:b,s:s}", "window_ns",
                  (json_int_t)ipm_plan_window_ns(job->pass, job->point), "warmup_ns",
                  (json_int_t)job->point->repeat.warmup_ns, "timeout_ns", (json_int_t)0,
                  "sandbox", !context->no_sandbox, "sysroot", sysroot);
    (void)json_object_update(json, rest);
    json_decref(rest);
    if (json_object_size(context->sensing) > 0)
        (void)json_object_set_new(json, "sensors", json_deep_copy(context->sensing));
    return json;
}
