/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schedule.h"

#include "base/random.h"
#include "harness/describe.h"
#include "harness/precision.h"
#include "harness/schedule_parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void start_round(struct ipm_schedule *schedule, int64_t round)
{
    schedule->round = round;
    schedule->at = 0;
    schedule->step = 0;
    uint64_t state = schedule->seed + (uint64_t)schedule->round;
    state = ipm_random_next(&state); /* neighbouring rounds must not share a sequence */
    ipm_random_shuffle(&state, schedule->order, schedule->n_order);
}

void ipm_schedule_begin(struct ipm_schedule *schedule, int64_t round)
{
    schedule->n_order = schedule->n_entries;
    for (size_t i = 0; i < schedule->n_entries; i++)
        schedule->order[i] = i;
    start_round(schedule, round);
}

/* The n-th invocation of an entry in a round, from 0.  Return: 0; 1 there are not so many. */
static int step_of(const struct entry *entry, int64_t round, size_t n,
                   struct step *out_step)
{
    static const struct {
        bool rest;
        int64_t invocation;
    } abba[IPM_ABBA] = {{true, 0}, {false, 0}, {false, 1}, {true, 1}};
    if (entry->rest == NULL) {
        if (n > 0 || round >= entry->invocations)
            return 1;
        *out_step = (struct step){entry->pass, round, &entry->done[round]};
        return 0;
    }
    if (n >= IPM_ABBA || 2 * round + abba[n].invocation >= entry->invocations)
        return 1;
    int64_t invocation = 2 * round + abba[n].invocation;
    *out_step = (struct step){
        abba[n].rest ? entry->rest : entry->pass, invocation,
        &entry->done[(abba[n].rest ? entry->invocations : 0) + invocation]};
    return 0;
}

/* Of those beyond the rounds progress does not know: they are planned as they come. */
static void take(struct ipm_schedule *schedule, const struct entry *entry,
                 const struct step *step)
{
    int64_t cost_ns = ipm_plan_invocation_ns(step->pass, entry->point);
    *step->done = true;
    schedule->planned_ns += (double)cost_ns;
    schedule->spent_ns += (double)cost_ns;
    if (step->invocation < IPM_BUDGET_INVOCATIONS) {
        schedule->entries[entry - schedule->entries].needed_ns -= (double)cost_ns;
        schedule->needed_ns -= (double)cost_ns;
    }
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
            ipm_precise_recall(entry->precise, ipm_precision_sample(record)) != 0)
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
    if (!schedule->has_last)
        return;
    schedule->settled++;
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
        (void)ipm_precise_take(entry->precise,
                               ipm_precision_sample(ok ? record : NULL));
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
        if (entry->dropped || next_of(schedule, entry, &step) != 0) {
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
    struct again again;
    do {
        if (schedule->n_again == 0)
            return 1;
        again = schedule->again[schedule->first_again];
        schedule->first_again = (schedule->first_again + 1) % schedule->room_again;
        schedule->n_again--;
    } while (again.entry->dropped);
    again.job.try++;
    again.job.failures++;
    hand_out(schedule, again.entry, &again.job);
    return 0;
}

/* Return: 0 a round has begun; 1 there is no other one. */
static int next_round(struct ipm_schedule *schedule)
{
    if (!schedule->beyond && !schedule->cut && schedule->round + 1 < schedule->rounds) {
        schedule->cut = schedule->round + 1 >= IPM_BUDGET_INVOCATIONS &&
                        !ipm_schedule_has_time(schedule, schedule->round + 1);
        if (!schedule->cut) {
            ipm_schedule_begin(schedule, schedule->round + 1);
            return 0;
        }
    }
    if (!schedule->beyond && ipm_schedule_restore(schedule)) {
        ipm_schedule_begin(schedule, 0);
        return 0;
    }
    if (schedule->precise == NULL)
        return 1;
    schedule->n_order = ipm_precise_block(schedule->precise, schedule->n_entries,
                                          ipm_schedule_left_ns(schedule),
                                          ipm_schedule_pace(schedule), schedule->order);
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
    ipm_schedule_drop(schedule);
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
    double budget_ns = ipm_schedule_left_ns(schedule);
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
        if (entry->dropped && entry->pass->kind == IPM_PASS_TIMING)
            stop = json_pack("{s:s,s:I}", "reason", "dropped", "invocations",
                             (json_int_t)made);
        else if (entry->precise != NULL)
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
