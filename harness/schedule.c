/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schedule.h"

#include "base/record.h"
#include "harness/describe.h"
#include "harness/precision.h"
#include "harness/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ABBA = 4 /* windows of a visit to a point for its energy */ };

/* A point in a pass; for energy, in both of its passes. */
struct entry {
    const struct ipm_point *point;
    const struct ipm_pass *pass;
    const struct ipm_pass
        *rest;           /* of energy: the pass of its windows at rest; else NULL */
    int64_t invocations; /* of each pass, in the rounds */
    int64_t room;        /* invocations that may be; more where precision is asked */
    struct ipm_precise *precise; /* NULL: no precision is asked of this pass */
    bool *done; /* by invocation, then those at rest; into the schedule's one array */
};

/* One invocation of an entry. */
struct step {
    const struct ipm_pass *pass;
    int64_t invocation;
    bool *done;
};

/* A job to be tried again. */
struct again {
    struct ipm_job job;
    const struct entry *entry;
};

struct ipm_schedule {
    const struct ipm_plan *plan;
    uint64_t seed;
    size_t n_entries;
    struct entry *entries;
    struct ipm_precise *precise; /* by entry; wanted 0: none; NULL: a fixed schedule */
    bool *done;
    size_t *order; /* of the entries in this round */
    size_t n_order;
    int64_t rounds; /* most of an entry */
    int64_t round;
    size_t at;      /* in order: what comes next */
    size_t step;    /* of that entry in this round */
    int64_t blocks; /* the first that no earlier part of the run can have used */
    int retries;
    struct again *again; /* failed ones of this block: a ring */
    size_t first_again, n_again, room_again;
    bool beyond; /* the rounds: blocks for precision */
    struct ipm_job last;
    const struct entry *last_entry;
    bool has_last;
    struct ipm_progress progress;
    double planned_ns, spent_ns; /* of the jobs done: what was thought, what it was */
    bool cut;                    /* the budget ended it */
};

static void start_round(struct ipm_schedule *schedule, int64_t round)
{
    schedule->round = round;
    schedule->at = 0;
    schedule->step = 0;
    uint64_t state = schedule->seed + (uint64_t)schedule->round;
    state = ipm_random_next(&state); /* neighbouring rounds must not share a sequence */
    ipm_random_shuffle(&state, schedule->order, schedule->n_order);
}

static void start_full_round(struct ipm_schedule *schedule, int64_t round)
{
    schedule->n_order = schedule->n_entries;
    for (size_t i = 0; i < schedule->n_entries; i++)
        schedule->order[i] = i;
    start_round(schedule, round);
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

/* Timing of a point whose repeat asks for a precision. */
static void make_precise(struct ipm_schedule *schedule, struct entry *entry)
{
    const struct ipm_repeat *repeat = &entry->point->repeat;
    if (schedule->precise == NULL || entry->pass->kind != IPM_PASS_TIMING ||
        !(repeat->precision > 0))
        return;
    entry->precise = &schedule->precise[entry - schedule->entries];
    ipm_precise_init(entry->precise, repeat->precision, repeat->invocations,
                     ipm_plan_invocation_ns(entry->pass, entry->point));
    entry->invocations = (int64_t)entry->precise->pilot;
    entry->room = (int64_t)entry->precise->most;
}

static int allocate(struct ipm_schedule *schedule, size_t room, bool precise)
{
    schedule->entries = calloc(room + 1, sizeof(*schedule->entries));
    schedule->order = calloc(room + 1, sizeof(*schedule->order));
    schedule->room_again = room * ABBA + 1;
    schedule->again = calloc(schedule->room_again, sizeof(*schedule->again));
    if (precise)
        schedule->precise = calloc(room + 1, sizeof(*schedule->precise));
    return schedule->entries == NULL || schedule->order == NULL ||
                   schedule->again == NULL || (precise && schedule->precise == NULL)
               ? -ENOMEM
               : 0;
}

static int fill(struct ipm_schedule *schedule, const struct ipm_plan *plan,
                bool precise)
{
    size_t slots = 0;
    if (allocate(schedule, plan->n_points * plan->n_passes, precise) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n_points; i++) {
        for (size_t p = 0; p < plan->n_passes; p++) {
            const struct ipm_point *point = &plan->points[i];
            const struct ipm_pass *pass = &plan->passes[p];
            int64_t invocations = ipm_plan_invocations(pass, point);
            if (invocations == 0)
                continue;
            schedule->progress.jobs += invocations;
            schedule->progress.left_ns +=
                invocations * ipm_plan_invocation_ns(pass, point);
            if (pass->kind == IPM_PASS_IDLE)
                continue; /* its windows go with those of energy */
            struct entry *entry = &schedule->entries[schedule->n_entries++];
            *entry = (struct entry){.point = point,
                                    .pass = pass,
                                    .rest = rest_of(plan, pass),
                                    .invocations = invocations,
                                    .room = invocations};
            make_precise(schedule, entry);
            slots += (size_t)entry->room * (entry->rest == NULL ? 1 : 2);
            if (rounds_of(entry) > schedule->rounds)
                schedule->rounds = rounds_of(entry);
        }
    }
    schedule->progress.left = schedule->progress.jobs;
    schedule->done = calloc(slots + 1, sizeof(bool));
    if (schedule->done == NULL)
        return -ENOMEM;
    bool *done = schedule->done;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        schedule->entries[i].done = done;
        done += entry->room * (entry->rest == NULL ? 1 : 2);
    }
    return 0;
}

static int make(const struct ipm_plan *plan, uint64_t seed, bool precise,
                struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    struct ipm_schedule *schedule = calloc(1, sizeof(*schedule));
    if (schedule == NULL)
        return ipm_why_set(why, -ENOMEM, "schedule: ");
    schedule->plan = plan;
    schedule->seed = seed;
    int error = fill(schedule, plan, precise);
    if (error != 0) {
        ipm_schedule_free(schedule);
        return ipm_why_set(why, error, "schedule: ");
    }
    start_full_round(schedule, 0);
    *out_schedule = schedule;
    return 0;
}

int ipm_schedule_fixed(const struct ipm_plan *plan, uint64_t seed,
                       struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    return make(plan, seed, false, out_schedule, why);
}

int ipm_schedule_precision(const struct ipm_plan *plan, uint64_t seed,
                           struct ipm_schedule **out_schedule, struct ipm_why *why)
{
    return make(plan, seed, true, out_schedule, why);
}

void ipm_schedule_retries(struct ipm_schedule *schedule, int retries)
{
    schedule->retries = retries;
}

void ipm_schedule_free(struct ipm_schedule *schedule)
{
    if (schedule == NULL)
        return;
    for (size_t i = 0; schedule->precise != NULL && i < schedule->n_entries; i++)
        ipm_precise_fini(&schedule->precise[i]);
    free(schedule->precise);
    free(schedule->again);
    free(schedule->entries);
    free(schedule->order);
    free(schedule->done);
    free(schedule);
}

/* Of those beyond the rounds progress does not know: they are planned as they come. */
static void take(struct ipm_schedule *schedule, const struct entry *entry,
                 const struct step *step)
{
    int64_t cost_ns = ipm_plan_invocation_ns(step->pass, entry->point);
    *step->done = true;
    schedule->planned_ns += (double)cost_ns;
    schedule->spent_ns += (double)cost_ns;
    if (step->invocation >= entry->invocations)
        return;
    schedule->progress.left--;
    schedule->progress.left_ns -= cost_ns;
}

int ipm_schedule_mark(struct ipm_schedule *schedule, const json_t *record,
                      const char *build)
{
    const char *point = ipm_describe_text(record, "point", "");
    const char *pass = ipm_describe_text(record, "pass", "");
    int64_t invocation = ipm_describe_integer(record, "invocation", -1);
    int64_t block = ipm_describe_integer(record, "block", -1);
    if (strcmp(ipm_describe_text(record, "status", ""), "ok") != 0 ||
        strcmp(ipm_describe_text(record, "build", ""), build) != 0)
        return 1;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        bool rest = entry->rest != NULL && strcmp(entry->rest->name, pass) == 0;
        if (strcmp(entry->point->hash, point) != 0 ||
            (!rest && strcmp(entry->pass->name, pass) != 0))
            continue;
        if (invocation < 0 || invocation >= entry->room)
            return 1;
        struct step step = {rest ? entry->rest : entry->pass, invocation,
                            &entry->done[(rest ? entry->invocations : 0) + invocation]};
        if (*step.done)
            return 0;
        take(schedule, entry, &step);
        if (block >= schedule->blocks && block < INT64_MAX)
            schedule->blocks = block + 1;
        if (entry->precise != NULL &&
            ipm_precise_recall(entry->precise, ipm_precision_value(record)) != 0)
            return 1;
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

static bool has_status(const json_t *record, const char *status)
{
    return strcmp(ipm_describe_text(record, "status", ""), status) == 0;
}

static bool regime_changed(const json_t *record)
{
    return has_status(record, "ok") &&
           ipm_describe_lists(json_object_get(record, "flags"), "regime_changed");
}

static bool same_regime_wanted(const struct ipm_schedule *schedule,
                               const json_t *record)
{
    return schedule->has_last && schedule->last.try + 1 < IPM_TRIES &&
           regime_changed(record);
}

static bool retry_wanted(const struct ipm_schedule *schedule, const json_t *record)
{
    return schedule->has_last && schedule->last.failures < schedule->retries &&
           has_status(record, "failed");
}

bool ipm_schedule_again(const struct ipm_schedule *schedule, const json_t *record)
{
    return same_regime_wanted(schedule, record) || retry_wanted(schedule, record);
}

void ipm_schedule_spent(struct ipm_schedule *schedule, int64_t spent_ns)
{
    const struct ipm_job *job = &schedule->last;
    if (schedule->has_last)
        schedule->spent_ns +=
            (double)(spent_ns - ipm_plan_invocation_ns(job->pass, job->point));
}

/* The last job is out no more: it goes to the end of its block, or its value counts. */
static void settle(struct ipm_schedule *schedule, const json_t *record)
{
    const struct entry *entry = schedule->last_entry;
    if (!schedule->has_last)
        return;
    if (retry_wanted(schedule, record)) {
        size_t at =
            (schedule->first_again + schedule->n_again++) % schedule->room_again;
        schedule->again[at] = (struct again){schedule->last, entry};
    } else if (entry->precise != NULL) {
        bool ok = has_status(record, "ok");
        /* Without memory for a value the point merely goes on longer. */
        (void)ipm_precise_take(entry->precise, ok ? ipm_precision_value(record) : NAN);
    }
    schedule->has_last = false;
}

static void hand_out(struct ipm_schedule *schedule, const struct entry *entry,
                     const struct ipm_job *job)
{
    schedule->last = *job;
    schedule->last.seed = job_seed(schedule, job);
    schedule->last_entry = entry;
    schedule->has_last = true;
    if (job->try > 0) /* no plan has it, the budget feels it */
        schedule->spent_ns += (double)ipm_plan_invocation_ns(job->pass, job->point);
}

/* What comes next of this entry in this round.  Return: 0; 1 nothing any more. */
static int next_of(struct ipm_schedule *schedule, const struct entry *entry,
                   struct step *out_step)
{
    if (!schedule->beyond)
        return step_of(entry, schedule->round, schedule->step++, out_step);
    int64_t invocation = entry->invocations;
    while (invocation < entry->room && entry->done[invocation])
        invocation++;
    if (schedule->step++ > 0 || invocation == entry->room)
        return 1;
    *out_step = (struct step){entry->pass, invocation, &entry->done[invocation]};
    return 0;
}

/* Return: 0; 1 the round has no other step. */
static int next_step(struct ipm_schedule *schedule)
{
    while (schedule->at < schedule->n_order) {
        const struct entry *entry = &schedule->entries[schedule->order[schedule->at]];
        struct step step;
        if (next_of(schedule, entry, &step) != 0) {
            schedule->at++;
            schedule->step = 0;
            continue;
        }
        if (*step.done)
            continue;
        take(schedule, entry, &step);
        if (entry->precise != NULL)
            entry->precise->given++;
        hand_out(schedule, entry,
                 &(struct ipm_job){.point = entry->point,
                                   .pass = step.pass,
                                   .invocation = step.invocation,
                                   .block = schedule->round});
        return 0;
    }
    return 1;
}

/* Return: 0; 1 nothing of this block is to be tried again. */
static int next_again(struct ipm_schedule *schedule)
{
    if (schedule->n_again == 0)
        return 1;
    struct again again = schedule->again[schedule->first_again];
    schedule->first_again = (schedule->first_again + 1) % schedule->room_again;
    schedule->n_again--;
    again.job.try++;
    again.job.failures++;
    hand_out(schedule, again.entry, &again.job);
    return 0;
}

static double left_of_budget_ns(const struct ipm_schedule *schedule)
{
    return schedule->plan->budget_ns == 0
               ? INFINITY
               : (double)schedule->plan->budget_ns - schedule->spent_ns;
}

/* Return: 0 a round has begun; 1 there is no other one. */
static int next_round(struct ipm_schedule *schedule)
{
    if (!schedule->beyond && !schedule->cut && schedule->round + 1 < schedule->rounds) {
        schedule->cut = schedule->round + 1 >= IPM_BUDGET_INVOCATIONS &&
                        left_of_budget_ns(schedule) <= 0;
        if (!schedule->cut) {
            start_full_round(schedule, schedule->round + 1);
            return 0;
        }
    }
    if (schedule->precise == NULL)
        return 1;
    double pace = schedule->planned_ns > 0 && schedule->spent_ns > 0
                      ? schedule->spent_ns / schedule->planned_ns
                      : 1;
    schedule->n_order =
        ipm_precise_block(schedule->precise, schedule->n_entries,
                          left_of_budget_ns(schedule), pace, schedule->order);
    int64_t round = schedule->round + 1;
    round = round > schedule->rounds ? round : schedule->rounds;
    schedule->beyond = true;
    start_round(schedule, round > schedule->blocks ? round : schedule->blocks);
    return schedule->n_order > 0 ? 0 : 1;
}

int ipm_schedule_next(struct ipm_schedule *schedule, const json_t *last_record,
                      struct ipm_job *out_job)
{
    if (same_regime_wanted(schedule, last_record)) {
        struct ipm_job job = schedule->last;
        job.try++;
        hand_out(schedule, schedule->last_entry, &job);
        *out_job = schedule->last;
        return 0;
    }
    settle(schedule, last_record);
    do {
        if (next_step(schedule) == 0 || next_again(schedule) == 0) {
            *out_job = schedule->last;
            return 0;
        }
    } while (next_round(schedule) == 0);
    return 1;
}

void ipm_schedule_progress(const struct ipm_schedule *schedule,
                           struct ipm_progress *out_progress)
{
    *out_progress = schedule->progress;
    out_progress->left += (int64_t)schedule->n_again;
    double budget_ns = left_of_budget_ns(schedule);
    if (!schedule->beyond)
        return;
    double left_ns = 0;
    int64_t left = (int64_t)schedule->n_again;
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct ipm_precise *precise = &schedule->precise[i];
        left += (int64_t)ipm_precise_left(precise);
        left_ns += (double)ipm_precise_left(precise) * (double)precise->cost_ns;
    }
    if (left_ns > budget_ns && left_ns > 0) {
        double share = budget_ns > 0 ? budget_ns / left_ns : 0;
        left = (int64_t)((double)left * share);
        left_ns *= share;
    }
    out_progress->left = left;
    out_progress->left_ns = (int64_t)left_ns;
}

json_t *ipm_schedule_stops(const struct ipm_schedule *schedule)
{
    json_t *stops = json_object();
    for (size_t i = 0; i < schedule->n_entries; i++) {
        const struct entry *entry = &schedule->entries[i];
        json_t *stop = NULL;
        int64_t made = 0;
        for (int64_t n = 0; n < entry->invocations; n++)
            made += entry->done[n];
        if (entry->precise != NULL)
            stop = ipm_precise_json(entry->precise);
        else if (schedule->cut && made < entry->invocations &&
                 entry->pass->kind == IPM_PASS_TIMING)
            stop = json_pack("{s:s,s:I}", "reason", ipm_stop_names[IPM_STOP_BUDGET],
                             "invocations", (json_int_t)made);
        if (stop != NULL)
            (void)json_object_set_new(stops, entry->point->hash, stop);
    }
    return stops;
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
