/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/advise.h"

#include "analysis/advise_seat.h"
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void leave_out(json_t *list, const struct ipm_factors *factors,
                      const char *reason)
{
    json_t *json = json_object();
    advise_set(json, "mechanism", json_string(factors->mechanism));
    advise_set(json, "copies",
               factors->copies < 0 ? json_null() : json_integer(factors->copies));
    advise_set(json, "wait", advise_text(factors->wait));
    advise_set(json, "options", json_string(factors->options));
    advise_set(json, "reason", json_string(reason));
    (void)json_array_append_new(list, json);
}

/* What the plan of the run could not have. */
static void add_skips(const struct ipm_advisor *advisor,
                      const struct ipm_factors *asked, json_t *list)
{
    const struct ipm_question *question = advisor->question;
    const json_t *skips = json_object_get(advisor->report->manifest, "skips");
    size_t i;
    const json_t *skip;
    json_array_foreach(skips, i, skip)
    {
        const char *wait = ipm_member_text(skip, "wait");
        double copies = ipm_member_number(skip, "copies");
        if (!advise_is(ipm_member_text(skip, "workload"), advisor->workload) ||
            !advise_is(ipm_member_text(skip, "placement"), asked->placement) ||
            (double)question->size != ipm_member_number(skip, "size") ||
            (question->wait != NULL && !advise_is(wait, question->wait)))
            continue;
        const struct ipm_factors factors = {
            .mechanism = ipm_member_text(skip, "mechanism"),
            .copies = isnan(copies) ? -1 : (int64_t)copies,
            .wait = wait,
            .options = ""};
        leave_out(list, &factors, ipm_member_text(skip, "reason"));
    }
}

static bool seen_before(const struct ipm_point *const *points, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (ipm_same_answer(points[k], points[i]))
            return true;
    }
    return false;
}

/* Why a point, or, where it is interpolated, one of its two sides can never win. */
static enum ipm_unfit unfit_of(const struct ipm_advisor *advisor,
                               const struct ipm_seat *seat)
{
    bool exact = seat->exact != NULL;
    const struct ipm_point *sides[] = {exact ? seat->exact : seat->lower,
                                       exact ? NULL : seat->upper};
    enum ipm_unfit unfit = IPM_FIT;
    for (size_t i = 0; i < 2 && unfit == IPM_FIT; i++) {
        if (sides[i] != NULL)
            unfit = ipm_point_unfit(sides[i], advisor->report->manifest,
                                    &advisor->invocations);
    }
    return unfit;
}

/* All who answer one question, or why they do not. */
static int gather(const struct ipm_advisor *advisor,
                  const struct ipm_point *const *points, size_t n,
                  struct ipm_contest *contest, json_t *facts, json_t *left_out)
{
    const struct ipm_question *question = advisor->question;
    contest->entrants = calloc(n, sizeof(*contest->entrants));
    if (contest->entrants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (seen_before(points, i))
            continue;
        struct ipm_seat seat = {0};
        char reason[IPM_SEAT_REASON] = "";
        for (size_t k = i; k < n; k++) {
            if (ipm_same_answer(points[i], points[k]))
                ipm_seat_add(&seat, points[k], question->size);
        }
        const struct ipm_point *point = seat.exact != NULL ? seat.exact : points[i];
        enum ipm_unfit unfit = unfit_of(advisor, &seat);
        ipm_auto_json json_t *fact = json_object();
        struct ipm_entrant *entrant = &contest->entrants[contest->n];
        int result = unfit != IPM_FIT ? 1
                                      : ipm_seat_enter(advisor, &seat, question->by,
                                                       entrant, reason);
        if (result < 0)
            return result;
        if (unfit != IPM_FIT)
            (void)snprintf(reason, sizeof(reason), "%s", ipm_unfit_words[unfit]);
        contest->n += result == 0;
        if (result == 0 && !ipm_seat_able(advisor, &seat, fact, reason)) {
            free(entrant->owned);
            *entrant = (struct ipm_entrant){0};
            contest->n--;
            result = 1;
        }
        if (result == 0)
            (void)json_object_set(facts, entrant->point->id, fact);
        else
            leave_out(left_out, &point->factors, reason);
    }
    return ipm_contest_judge(contest, question->by == IPM_BY_THROUGHPUT);
}

static json_t *candidates_json(const struct ipm_contest *contest, const json_t *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < contest->n; i++) {
        const struct ipm_entrant *entrant = &contest->entrants[i];
        json_t *json = ipm_entrant_json(entrant);
        advise_set(json, "size", json_integer(entrant->point->factors.size));
        advise_set(json, "upper_size",
                   entrant->upper == NULL ? json_null()
                                          : json_integer(entrant->upper->factors.size));
        (void)json_object_update(json, json_object_get(facts, entrant->point->id));
        (void)json_array_append_new(list, json);
    }
    return list;
}

/* The same contest without those that keep a CPU busy; null where it would be no other. */
static int sleeping_json(const struct ipm_contest *contest, bool more_is_better,
                         json_t **out_json)
{
    *out_json = json_null();
    if (contest->n == 0 || ipm_wait_sleeps(contest->entrants[0].point->factors.wait))
        return 0;
    struct ipm_contest sleeping = {.entrants =
                                       calloc(contest->n, sizeof(*sleeping.entrants))};
    if (sleeping.entrants == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < contest->n; i++) {
        if (!ipm_wait_sleeps(contest->entrants[i].point->factors.wait))
            continue;
        sleeping.entrants[sleeping.n] = contest->entrants[i];
        sleeping.entrants[sleeping.n++].owned = NULL;
    }
    int error = ipm_contest_judge(&sleeping, more_is_better);
    if (error == 0 && sleeping.n > 0)
        *out_json = ipm_contest_json(&sleeping);
    if (error == 0 && sleeping.n > 0)
        advise_set(*out_json, "behind", ipm_contest_behind(&sleeping));
    if (error == 0 && sleeping.n > 0)
        advise_set(*out_json, "ahead",
                   ipm_json_number(sleeping.entrants[0].figure.value /
                                   contest->entrants[0].figure.value));
    ipm_contest_fini(&sleeping);
    return error;
}

static int answer(const struct ipm_advisor *advisor,
                  const struct ipm_point *const *points, size_t n, json_t *answers)
{
    const struct ipm_factors *asked = &points[0]->factors;
    ipm_auto_json json_t *facts = json_object();
    ipm_auto_json json_t *left_out = json_array();
    struct ipm_contest contest = {0};
    json_t *sleeping = NULL;
    char traffic[256];
    int error = gather(advisor, points, n, &contest, facts, left_out);
    if (error == 0)
        error = sleeping_json(&contest, advisor->question->by == IPM_BY_THROUGHPUT,
                              &sleeping);
    if (error != 0) {
        ipm_contest_fini(&contest);
        return error;
    }
    add_skips(advisor, asked, left_out);
    json_t *json = ipm_contest_json(&contest);
    advise_set(json, "workload", json_string(asked->workload));
    advise_set(json, "placement", advise_text(asked->placement));
    advise_set(json, "placement_class", advise_text(asked->placement_class));
    advise_set(json, "touch", advise_text(asked->touch));
    advise_set(json, "rate", advise_text(asked->rate));
    advise_set(json, "batch", json_integer(asked->batch));
    advise_set(json, "policy", advise_text(asked->policy));
    advise_set(json, "traffic",
               advise_text(ipm_traffic_text(points[0], traffic, sizeof(traffic))));
    advise_set(json, "idle_channel", json_boolean(advisor->idle_channel));
    advise_set(json, "candidates", candidates_json(&contest, facts));
    advise_set(json, "sleeping", sleeping);
    advise_set(json, "left_out", json_incref(left_out));
    (void)json_array_append_new(answers, json);
    ipm_contest_fini(&contest);
    return 0;
}

static int compare_points(const void *a, const void *b)
{
    const struct ipm_point *left = *(const struct ipm_point *const *)a;
    const struct ipm_point *right = *(const struct ipm_point *const *)b;
    int order = ipm_rivals_compare_but_size(left, right);
    if (order == 0)
        order = ipm_factors_compare(&left->factors, &right->factors);
    return order != 0 ? order : strcmp(left->id, right->id);
}

static int answer_all(const struct ipm_advisor *advisor, json_t *answers)
{
    const struct ipm_summary *summary = &advisor->report->summary;
    ipm_auto_free const struct ipm_point **points =
        calloc(summary->n_points + 1, sizeof(*points));
    if (points == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < summary->n_points; i++) {
        if (ipm_advisor_means(advisor, &summary->points[i]) &&
            !summary->points[i].floor && !summary->points[i].token)
            points[n++] = &summary->points[i];
    }
    qsort(points, n, sizeof(*points), compare_points);
    int error = 0;
    for (size_t from = 0, to; from < n && error == 0; from = to) {
        to = from;
        while (to < n && ipm_rivals_compare_but_size(points[from], points[to]) == 0)
            to++;
        error = answer(advisor, points + from, to - from, answers);
    }
    return error;
}

static bool answered(const json_t *answers)
{
    size_t i;
    const json_t *one;
    json_array_foreach(answers, i, one)
    {
        if (json_integer_value(json_object_get(one, "entrants")) > 0)
            return true;
    }
    return false;
}

/* By workload; a rate by round trips, too, where nothing else answers. */
static int choose(struct ipm_advisor *advisor, json_t *answers)
{
    const struct ipm_question *question = advisor->question;
    if (question->by == IPM_BY_THROUGHPUT) {
        advisor->workload = "stream";
        return answer_all(advisor, answers);
    }
    if (question->rate > 0) {
        advisor->workload = "open_loop";
        int error = answer_all(advisor, answers);
        if (error != 0 || json_array_size(answers) > 0)
            return error;
        advisor->idle_channel = true;
    }
    advisor->workload = "pingpong";
    return answer_all(advisor, answers);
}

static json_t *question_json(const struct ipm_question *question)
{
    json_t *json = json_object();
    advise_set(json, "size", json_integer(question->size));
    advise_set(json, "rate",
               question->rate > 0 ? json_integer(question->rate) : json_null());
    advise_set(json, "p99_ns",
               question->p99_ns > 0 ? json_integer(question->p99_ns) : json_null());
    advise_set(json, "placement", advise_text(question->placement));
    advise_set(json, "wait", advise_text(question->wait));
    advise_set(json, "by", json_string(ipm_by_names[question->by]));
    return json;
}

json_t *ipm_advise_json(const struct ipm_report *report,
                        const struct ipm_question *question)
{
    struct ipm_advisor advisor = {.report = report, .question = question};
    ipm_auto_json json_t *answers = json_array();
    int error = ipm_invocations_make(&report->table, &advisor.invocations);
    if (error == 0)
        error = choose(&advisor, answers);
    if (error != 0) {
        ipm_invocations_fini(&advisor.invocations);
        return NULL;
    }
    bool any = answered(answers);
    json_t *json = json_object();
    advise_set(json, "schema", json_integer(1));
    advise_set(json, "question", question_json(question));
    advise_set(json, "unit", json_string(ipm_by_units[question->by]));
    advise_set(json, "margin", json_real(IPM_CONTEST_MARGIN));
    advise_set(json, "level", json_real(IPM_CONTEST_LEVEL));
    advise_set(json, "provenance",
               question->by == IPM_BY_JOULES ? advise_text(report->energy.provenance)
                                             : json_null());
    advise_set(json, "answers", json_incref(answers));
    ipm_advise_absent(&advisor, json);
    const json_t *unmeasured = json_object_get(json, "unmeasured");
    advise_set(json, "reason",
               any ? json_null()
                   : json_string(json_array_size(answers) > 0
                                     ? "nobody is left"
                                     : "not measured: the run has no such point"));
    bool complete = any && !advisor.idle_channel && json_array_size(unmeasured) == 0;
    ipm_auto_free char *missing =
        complete
            ? NULL
            : ipm_advise_command(&advisor, !any || advisor.idle_channel, unmeasured);
    advise_set(json, "command", advise_text(missing));
    ipm_invocations_fini(&advisor.invocations);
    return json;
}
