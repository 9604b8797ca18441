/* SPDX-License-Identifier: MIT */
/*
 * papi_events: counting presets of the calling thread by PAPI's perf_event component.
 *
 *     open -> { start -> stop -> read } -> close
 *
 * Nothing that PAPI says of itself is believed.  Here, on a machine without a PMU, its
 * component is active, lists presets and refuses each of them; set to all domains, it
 * answers "No error" to a user who may not count the kernel, and then counts 0 of his
 * context switches.  So opening counts work of a known amount first: context switches
 * against getrusage(2) - which shows whether the kernel is really counted - and every
 * preset against what the work must move.
 */
#ifndef IPM_WORKER_PAPI_EVENTS_H
#define IPM_WORKER_PAPI_EVENTS_H

#include "harness/worker/sensors/sensor.h"

#include <stdbool.h>

/* What known work must do to a counter. */
enum ipm_papi_proof {
    IPM_PAPI_INSTRUCTIONS, /* between the loop's own and a hundred times as many */
    IPM_PAPI_CYCLES,       /* a rate between 10 MHz and 20 GHz of CPU time */
    IPM_PAPI_PAGES,        /* more than none, over more pages than a TLB holds */
    IPM_PAPI_UNTRIED,      /* the work leaves it alone: nothing is judged */
};

struct ipm_papi_event {
    const char *name;   /* of the metric; NULL ends a table */
    const char *symbol; /* PAPI's */
    int code;
    enum ipm_papi_proof proof;
    bool moves; /* no window leaves it at 0 */
};

enum {
    IPM_PAPI_EVENTS = 4,
    IPM_PAPI_REASON = sizeof(((struct ipm_metric *)0)->reason)
};

struct ipm_papi {
    const struct ipm_papi_event *events;
    int set;        /* PAPI's event set */
    bool inherited; /* threads that are started later are counted, too */
    char user_only[IPM_PAPI_REASON]; /* why the kernel is not counted; "": it is */
    struct {
        int position;                 /* in the set; -1: not in it */
        char reason[IPM_PAPI_REASON]; /* why it is not to be had or believed; "" */
    } counters[IPM_PAPI_EVENTS];
    long long values[IPM_PAPI_EVENTS]; /* by position, of the last window */
    int result;                        /* PAPI's, of that window */
};

/**
 * ipm_papi_open() - open every event that PAPI has, and try each
 *
 * Return: 0, also when a counter that opens is not to be believed (its metric says so);
 *         -ENODEV PAPI lacks its component; -EACCES the component is disabled; -ENOENT it
 *         has none of the events; -EIO, -ENOMEM, -EPROTO the library fails.  @papi is then
 *         closed.
 */
int ipm_papi_open(struct ipm_papi *papi, const struct ipm_papi_event *events,
                  const struct ipm_sensor_context *context, struct ipm_why *why);
void ipm_papi_start(struct ipm_papi *papi);
void ipm_papi_stop(struct ipm_papi *papi);
/* One metric per event: user and kernel mode together.  Where the kernel is refused it is
 * missing, and a second one, NAME_user, has the value. */
size_t ipm_papi_read(const struct ipm_papi *papi, struct ipm_metric *out_metrics,
                     size_t room);
void ipm_papi_close(struct ipm_papi *papi);

#endif
