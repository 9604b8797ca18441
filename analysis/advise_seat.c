/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/advise_seat.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool at_rate(const struct ipm_point *point, int64_t rate)
{
    int64_t found;
    struct ipm_why why = {0};
    return ipm_parse_integer(point->factors.rate, &found, &why) == 0 && found == rate;
}

static bool placed(const struct ipm_point *point, const char *placement)
{
    return placement == NULL || advise_is(point->factors.placement, placement) ||
           advise_is(point->factors.placement_class, placement);
}

bool ipm_advisor_means(const struct ipm_advisor *advisor, const struct ipm_point *point)
{
    const struct ipm_question *question = advisor->question;
    bool limited = question->rate > 0 && !advisor->idle_channel &&
                   advise_is(advisor->workload, "open_loop");
    return advise_is(point->factors.workload, advisor->workload) &&
           placed(point, question->placement) &&
           (question->wait == NULL || advise_is(point->factors.wait, question->wait)) &&
           (limited ? at_rate(point, question->rate)
                    : advise_is(point->factors.rate, "max"));
}

void ipm_seat_add(struct ipm_seat *seat, const struct ipm_point *point, int64_t size)
{
    int64_t at = point->factors.size;
    if (at == size && seat->exact == NULL)
        seat->exact = point;
    if (at < size && at > 0 && (seat->lower == NULL || at > seat->lower->factors.size))
        seat->lower = point;
    if (at > size && (seat->upper == NULL || at < seat->upper->factors.size))
        seat->upper = point;
    if (seat->most == 0 || at > seat->most)
        seat->most = at;
    if (seat->least == 0 || at < seat->least)
        seat->least = at;
}

int ipm_seat_enter(const struct ipm_advisor *advisor, const struct ipm_seat *seat,
                   enum ipm_by by, struct ipm_entrant *out_entrant,
                   char reason[IPM_SEAT_REASON])
{
    const struct ipm_energy *energy = &advisor->report->energy;
    char text[IPM_ENTRY_REASON] = "";
    int result = 1;
    if (seat->exact != NULL) {
        result = ipm_entrant_make(seat->exact, by, &advisor->invocations, energy,
                                  out_entrant, text);
    } else if (seat->lower != NULL && seat->upper != NULL) {
        struct ipm_entrant lower = {0};
        struct ipm_entrant upper = {0};
        result = ipm_entrant_make(seat->lower, by, &advisor->invocations, energy,
                                  &lower, text);
        if (result == 0)
            result = ipm_entrant_make(seat->upper, by, &advisor->invocations, energy,
                                      &upper, text);
        if (result == 0)
            result = ipm_entrant_between(&lower, &upper, by, advisor->question->size,
                                         out_entrant, text);
        free(lower.owned);
        free(upper.owned);
    } else {
        char least[IPM_UNITS_TEXT];
        char most[IPM_UNITS_TEXT];
        (void)snprintf(
            text, sizeof(text), "not measured: %s%s%s only, and nothing is said beyond",
            ipm_format_size(least, seat->least),
            seat->least == seat->most ? "" : " to ",
            seat->least == seat->most ? "" : ipm_format_size(most, seat->most));
    }
    if (result > 0)
        (void)snprintf(reason, IPM_SEAT_REASON, "%s", text);
    return result;
}

/* Messages per second, one way, that the answer is known to carry; 0: not known. */
static double capacity(const struct ipm_advisor *advisor, const struct ipm_seat *seat,
                       bool *out_by_stream)
{
    const struct ipm_summary *summary = &advisor->report->summary;
    const struct ipm_point *asked = seat->exact != NULL ? seat->exact : seat->lower;
    struct ipm_seat stream = {0};
    char reason[IPM_SEAT_REASON];
    for (size_t i = 0; i < summary->n_points; i++) {
        const struct ipm_point *point = &summary->points[i];
        if (advise_is(point->factors.workload, "stream") &&
            ipm_same_answer(point, asked) &&
            advise_is(point->factors.placement, asked->factors.placement) &&
            advise_is(point->factors.touch, asked->factors.touch) &&
            advise_is(point->factors.rate, "max") && point->factors.batch <= 1)
            ipm_seat_add(&stream, point, advisor->question->size);
    }
    struct ipm_entrant entrant = {0};
    *out_by_stream =
        stream.most > 0 &&
        ipm_seat_enter(advisor, &stream, IPM_BY_THROUGHPUT, &entrant, reason) == 0;
    double found = *out_by_stream ? entrant.figure.value : 0;
    free(entrant.owned);
    if (*out_by_stream ||
        ipm_seat_enter(advisor, seat, IPM_BY_LATENCY, &entrant, reason) != 0)
        return found;
    found = 1e9 / entrant.figure.value;
    free(entrant.owned);
    return found;
}

bool ipm_seat_able(const struct ipm_advisor *advisor, const struct ipm_seat *seat,
                   json_t *facts, char reason[IPM_SEAT_REASON])
{
    const struct ipm_question *question = advisor->question;
    char text[IPM_UNITS_TEXT];
    if (question->p99_ns > 0) {
        struct ipm_entrant tail = {0};
        char why[IPM_SEAT_REASON];
        if (ipm_seat_enter(advisor, seat, IPM_BY_TAIL, &tail, why) != 0) {
            (void)snprintf(reason, IPM_SEAT_REASON, "its p99 is not known: %.150s",
                           why);
            return false;
        }
        double p99 = tail.figure.value;
        free(tail.owned);
        advise_set(facts, "p99_ns", ipm_json_number(p99));
        if (p99 > (double)question->p99_ns) {
            (void)snprintf(reason, IPM_SEAT_REASON, "p99 above the limit: %s",
                           ipm_format_ns(text, p99));
            return false;
        }
    }
    if (question->rate == 0 || advise_is(advisor->workload, "open_loop"))
        return true;
    bool by_stream;
    double carries = capacity(advisor, seat, &by_stream);
    advise_set(facts, "capacity_per_s", ipm_json_number(carries));
    if (carries >= (double)question->rate)
        return true;
    if (by_stream)
        (void)snprintf(reason, IPM_SEAT_REASON,
                       "rate too high: its stream carries %s/s",
                       ipm_format_count(text, carries));
    else
        (void)snprintf(reason, IPM_SEAT_REASON,
                       "rate not known to be carried: no stream was measured, and its "
                       "round trips make %s/s",
                       ipm_format_count(text, carries));
    return false;
}
