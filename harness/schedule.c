/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schedule.h"

#include "base/random.h"
#include "base/record.h"
#include "harness/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ABBA = 4 /* windows of a visit to a point for its energy */ };

/* A point in a pass; for energy, in both of its passes. */
struct entry {
    const struct ipm_point *point;
    const struct ipm_pass *pass;
    const struct ipm_pass
        *rest;           /* of energy: the pass of its windows at rest; else NULL */
    int64_t invocations; /* of each pass */
    bool *done; /* by invocation, then those at rest; into the schedule's one array */
};

/* One invocation of an entry. */
struct step {
    const struct ipm_pass *pass;
    int64_t invocation;
    bool *done;
};

struct ipm_schedule {
    uint64_t seed;
    size_t n_entries;
    struct entry *entries;
    bool *done;
    size_t *order;  /* of the entries in this round */
    int64_t rounds; /* most of an entry */
    int64_t round;
    size_t at;   /* in order: what comes next */
    size_t step; /* of that entry in this round */
    struct ipm_job last;
    bool has_last;
    struct ipm_progress progress;
};

static void start_round(struct ipm_schedule *schedule, int64_t round)
{
    schedule->round = round;
    schedule->at = 0;
    schedule->step = 0;
    uint64_t state = schedule->seed + (uint64_t)schedule->round;
    state = ipm_random_next(&state); /* neighbouring rounds must not share a sequence */
    for (size_t i = 0; i < schedule->n_entries; i++)
        schedule->order[i] = i;
    ipm_random_shuffle(&state, schedule->order, schedule->n_entries);
}

static int64_t rounds_of(const struct entry *entry)
{
    return entry->rest == NULL ? entry->invocations : (entry->invocations + 1) / 2;
}

/* The n-th invocation of an entry in a round, from 0.  Return: 0; 1 there are not so many. */
static int step_of(const struct entry *entry, int64_t round, size_t n,
                   struct step *out_step)
{
    static const struct {
        bool rest;
        int64_t invocation;
    } abba[ABBA] = {{true, 0}, {false, 0}, {false, 1}, {true, 1}};
    if (entry->rest == NULL) {
        if (n > 0 || round >= entry->invocations)
            return 1;
        *out_step = (struct step){entry->pass, round, &entry->done[round]};
        return 0;
    }
    if (n >= ABBA || 2 * round + abba[n].invocation >= entry->invocations)
        return 1;
    int64_t invocation = 2 * round + abba[n].invocation;
    *out_step = (struct step){
        abba[n].rest ? entry->rest : entry->pass, invocation,
        &entry->done[(abba[n].rest ? entry->invocations : 0) + invocation]};
    return 0;
}

static const struct ipm_pass *rest_of(const struct ipm_plan *plan,
                                      const struct ipm_pass *pass)
{
    for (size_t p = 0; pass->kind == IPM_PASS_ENERGY && p < plan->n_passes; p++) {
        if (plan->passes[p].kind == IPM_PASS_IDLE && plan->passes[p].used)
            return &plan->passes[p];
    }
    return NULL;
}

static int fill(struct ipm_schedule *schedule, const struct ipm_plan *plan)
{
    size_t room = plan->n_points * plan->n_passes;
    schedule->entries = calloc(room + 1, sizeof(*schedule->entries));
    schedule->order = calloc(room + 1, sizeof(*schedule->order));
    if (schedule->entries == NULL || schedule->order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n_points; i++) {
        for (size_t p = 0; p < plan->n_passes; p++) {
            const struct ipm_point *point = &plan->points[i];
            const struct ipm_pass *pass = &plan->passes[p];
            int64_t invocations = ipm_plan_invocations(pass, point);
            if (invocations == 0)
                continue;
            schedule->progress.jobs += invocations;
            if (pass->kind == IPM_PASS_IDLE)
                continue; /* its windows go with those of energy */
            struct entry *entry = &schedule->entries[schedule->n_entries++];
            *entry =
                (struct entry){point, pass, rest_of(plan, pass), invocations, NULL};
            if (rounds_of(entry) > schedule->rounds)
                schedule->rounds = rounds_of(entry);
        }
    }
    schedule->progress.left = schedule->progress.jobs;
    schedule->progress.left_ns =
        plan->estimate_ns; /* at most INT64_MAX, unlike a sum */
    schedule->done = calloc((size_t)schedule->progress.jobs + 1, sizeof(bool));
    if (schedule->done == NULL)
        return -ENOMEM;
    bool *done = schedule->done;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        schedule->entries[i].done = done;
        done += entry->invocations * (entry->rest == NULL ? 1 : 2);
    }
    return 0;
}

int ipm_schedule_fixed(const struct ipm_plan *plan, uint64_t seed,
                       struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    struct ipm_schedule *schedule = calloc(1, sizeof(*schedule));
    if (schedule == NULL)
        return ipm_why_set(why, -ENOMEM, "schedule: ");
    schedule->seed = seed;
    int error = fill(schedule, plan);
    if (error != 0) {
        ipm_schedule_free(schedule);
        return ipm_why_set(why, error, "schedule: ");
    }
    start_round(schedule, 0);
    *out_schedule = schedule;
    return 0;
}

void ipm_schedule_free(struct ipm_schedule *schedule)
{
    if (schedule == NULL)
        return;
    free(schedule->entries);
    free(schedule->order);
    free(schedule->done);
    free(schedule);
}

static void take(struct ipm_schedule *schedule, const struct entry *entry,
                 const struct step *step)
{
    *step->done = true;
    schedule->progress.left--;
    schedule->progress.left_ns -= ipm_plan_invocation_ns(step->pass, entry->point);
}

int ipm_schedule_mark(struct ipm_schedule *schedule, const json_t *record,
                      const char *build)
{
    const char *point = ipm_describe_text(record, "point", "");
    const char *pass = ipm_describe_text(record, "pass", "");
    int64_t invocation = ipm_describe_integer(record, "invocation", -1);
    if (strcmp(ipm_describe_text(record, "status", ""), "ok") != 0 ||
        strcmp(ipm_describe_text(record, "build", ""), build) != 0)
        return 1;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        bool rest = entry->rest != NULL && strcmp(entry->rest->name, pass) == 0;
        if (strcmp(entry->point->hash, point) != 0 ||
            (!rest && strcmp(entry->pass->name, pass) != 0))
            continue;
        if (invocation < 0 || invocation >= entry->invocations)
            return 1;
        struct step step = {rest ? entry->rest : entry->pass, invocation,
                            &entry->done[(rest ? entry->invocations : 0) + invocation]};
        if (!*step.done)
            take(schedule, entry, &step);
        return 0;
    }
    return 1;
}

/* A seed of its own for each try of each job, whatever the order was. */
static uint64_t job_seed(const struct ipm_schedule *schedule, const struct ipm_job *job)
{
    uint64_t state = schedule->seed;
    const char *texts[] = {job->point->hash, job->pass->name};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (const char *c = texts[i]; *c != '\0'; c++) {
            state ^= (unsigned char)*c;
            state = ipm_random_next(&state);
        }
    }
    state ^= (uint64_t)job->invocation * IPM_TRIES + (uint64_t)job->try;
    /* JSON numbers are exact up to 2^53 wherever they are read. */
    return ipm_random_next(&state) >> 11;
}

static bool regime_changed(const json_t *record)
{
    return record != NULL &&
           strcmp(ipm_describe_text(record, "status", ""), "ok") == 0 &&
           ipm_describe_lists(json_object_get(record, "flags"), "regime_changed");
}

int ipm_schedule_next(struct ipm_schedule *schedule, const json_t *last_record,
                      struct ipm_job *out_job)
{
    struct ipm_job *job = &schedule->last;
    if (schedule->has_last && job->try + 1 < IPM_TRIES && regime_changed(last_record)) {
        job->try++;
        job->seed = job_seed(schedule, job);
        *out_job = *job;
        return 0;
    }
    while (schedule->round < schedule->rounds) {
        while (schedule->at < schedule->n_entries) {
            const struct entry *entry =
                &schedule->entries[schedule->order[schedule->at]];
            struct step step;
            if (step_of(entry, schedule->round, schedule->step++, &step) != 0) {
                schedule->at++;
                schedule->step = 0;
                continue;
            }
            if (*step.done)
                continue;
            *job = (struct ipm_job){.point = entry->point,
                                    .pass = step.pass,
                                    .invocation = step.invocation,
                                    .block = schedule->round};
            job->seed = job_seed(schedule, job);
            take(schedule, entry, &step);
            schedule->has_last = true;
            *out_job = *job;
            return 0;
        }
        start_round(schedule, schedule->round + 1);
    }
    schedule->has_last = false;
    return 1;
}

void ipm_schedule_progress(const struct ipm_schedule *schedule,
                           struct ipm_progress *out_progress)
{
    *out_progress = schedule->progress;
}

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
