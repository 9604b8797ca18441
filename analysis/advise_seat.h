/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * advise_seat: one answer to a question - a mechanism with its copies, wait and options - at the
 * size that is asked for, or between two sizes that were measured.  Part of advise.
 */
#ifndef IPM_ANALYSIS_ADVISE_SEAT_H
#define IPM_ANALYSIS_ADVISE_SEAT_H

#include "analysis/advise.h"

#include <stdbool.h>
#include <string.h>

enum { IPM_SEAT_REASON = 240 };

/* What the files of this part write their documents with. */
static inline void advise_set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static inline bool advise_is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static inline json_t *advise_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

struct ipm_advisor {
    const struct ipm_report *report;
    const struct ipm_question *question;
    const char *workload;
    bool idle_channel; /* the rate is asked for, and round trips answer */
    struct ipm_invocations invocations;
};

/* Points of one answer at the size, or on both sides of it; NULL where there is none. */
struct ipm_seat {
    const struct ipm_point *exact, *lower, *upper;
    int64_t least, most; /* sizes that were measured */
};

/* Whether the question is about points like this one. */
bool ipm_advisor_means(const struct ipm_advisor *advisor,
                       const struct ipm_point *point);

/* Of two points of one size the first stays. */
void ipm_seat_add(struct ipm_seat *seat, const struct ipm_point *point, int64_t size);

/* Return: 0, and the caller frees @out_entrant's owned; 1 with why not in @reason; -ENOMEM. */
int ipm_seat_enter(const struct ipm_advisor *advisor, const struct ipm_seat *seat,
                   enum ipm_by by, struct ipm_entrant *out_entrant,
                   char reason[IPM_SEAT_REASON]);

/* Whether it can do what is asked of all: the 99th percentile, the rate.  Figures that were
 * looked at go into @facts (p99_ns, capacity_per_s); why not, into @reason. */
bool ipm_seat_able(const struct ipm_advisor *advisor, const struct ipm_seat *seat,
                   json_t *facts, char reason[IPM_SEAT_REASON]);

/* "tokens", "unmeasured" and "unavailable" of the advice: mechanisms that do not answer it. */
void ipm_advise_absent(const struct ipm_advisor *advisor, json_t *advice);

/* The command that measures what is missing: @mechanisms, or all where it is the whole
 * workload; the caller's, NULL when out of memory. */
char *ipm_advise_command(const struct ipm_advisor *advisor, bool whole_workload,
                         const json_t *mechanisms);

#endif
