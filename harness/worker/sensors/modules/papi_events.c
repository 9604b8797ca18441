/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/modules/papi_events.h"

#include "harness/worker/sensors/exercise.h"
#include "harness/worker/sensors/perf.h"

#include <errno.h>
#include <papi.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SPINS           UINT64_C(4000000)
#define MOST_TIMES      100 /* instructions per spin, interrupts and page faults included */
#define LEAST_CYCLES_US 10 /* per microsecond of CPU time */
#define MOST_CYCLES_US  20000

enum { SLEEPS = 20 };

static int errno_of(int result)
{
    switch (result) {
    case PAPI_ENOEVNT:
        return -ENOENT;
    case PAPI_ENOCMP:
    case PAPI_ENOSUPP:
        return -ENODEV;
    case PAPI_EPERM:
    case PAPI_ECMP_DISABLED:
        return -EACCES;
    case PAPI_ENOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

static void say(char reason[IPM_PAPI_REASON], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(char reason[IPM_PAPI_REASON], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, IPM_PAPI_REASON, format, arguments);
    va_end(arguments);
}

/*
 * Once in a process, and never shut down: PAPI 7.0 crashes when it is initialised again
 * after PAPI_shutdown(), and a probe comes before each open.
 */
static int begin(struct ipm_why *why)
{
    if (PAPI_is_initialized() != PAPI_NOT_INITED)
        return 0;
    int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        return ipm_why_set(
            why, version > 0 ? -EPROTO : errno_of(version), "PAPI_library_init: %s",
            version > 0 ? "the library is of another version" : PAPI_strerror(version));
    /* Else it writes to stderr whatever a call returns, too. */
    (void)PAPI_set_debug(PAPI_QUIET);
    return 0;
}

static int find_component(const struct ipm_sensor_context *context, int *out_component,
                          struct ipm_why *why)
{
    int component = PAPI_get_component_index("perf_event");
    const PAPI_component_info_t *info =
        component < 0 ? NULL : PAPI_get_component_info(component);
    if (info == NULL)
        return ipm_why_set(why, -ENODEV, "this PAPI has no component perf_event");
    if (info->disabled != 0) {
        char level[IPM_PERF_PARANOID];
        return ipm_why_set(
            why, -EACCES,
            "PAPI disables its component perf_event: %.80s "
            "(perf_event_paranoid is %s; above 2 PAPI gives up, for root, "
            "too)",
            info->disabled_reason, ipm_perf_paranoid(context->sysroot, level));
    }
    *out_component = component;
    return 0;
}

static int64_t switches(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0
               ? (int64_t)usage.ru_nvcsw + usage.ru_nivcsw
               : 0;
}

static void destroy(int *set)
{
    if (*set == PAPI_NULL)
        return;
    (void)PAPI_cleanup_eventset(*set);
    (void)PAPI_destroy_eventset(set);
    *set = PAPI_NULL;
}

/* Leaves the CPU of its own accord.  A shorter sleep may be over before the task has left
 * its CPU: no switch at all. */
static void sleep_often(int times)
{
    for (int i = 0; i < times; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* Counts what only the kernel's side sees, against what getrusage says. */
static void check_domain(struct ipm_papi *papi)
{
    int set = PAPI_NULL;
    long long counted = 0;
    int result = PAPI_create_eventset(&set);
    if (result == PAPI_OK)
        result = PAPI_add_named_event(set, "perf::CONTEXT-SWITCHES");
    if (result == PAPI_OK)
        result = PAPI_start(set);
    int64_t before = switches();
    if (result == PAPI_OK) {
        sleep_often(SLEEPS);
        int64_t done = switches() - before;
        result = PAPI_stop(set, &counted);
        if (result == PAPI_OK && 2 * counted < done)
            say(papi->user_only,
                "denied: PAPI counts user mode alone: %lld of %lld context switches, "
                "without an error",
                counted, (long long)done);
    }
    /* Without this software event, or with a PMU that refuses, nothing is proven either way:
     * the presets are still checked. */
    destroy(&set);
}

static int set_domain(struct ipm_papi *papi, int component, struct ipm_why *why)
{
    const PAPI_component_info_t *info = PAPI_get_component_info(component);
    bool kernel = (info->available_domains & PAPI_DOM_KERNEL) != 0;
    int result = PAPI_set_cmp_domain(kernel ? PAPI_DOM_ALL : PAPI_DOM_USER, component);
    if (result != PAPI_OK)
        return ipm_why_set(why, errno_of(result), "PAPI_set_cmp_domain: %s",
                           PAPI_strerror(result));
    if (!kernel)
        say(papi->user_only, "denied: PAPI may count user mode alone here");
    else
        check_domain(papi);
    return 0;
}

static void add(struct ipm_papi *papi, int i, const PAPI_component_info_t *info,
                int *n_added)
{
    const struct ipm_papi_event *event = &papi->events[i];
    char *reason = papi->counters[i].reason;
    int result = PAPI_add_event(papi->set, event->code);
    papi->counters[i].position = -1;
    if (result == PAPI_OK)
        papi->counters[i].position = (*n_added)++;
    else if (result == PAPI_ECNFLCT || result == PAPI_ECOUNT)
        say(reason, "multiplexed: no counter is left for %s beside the others",
            event->symbol);
    else if (result == PAPI_ENOEVNT)
        say(reason, "absent: PAPI is active, with %d native events, but has no %s",
            info->num_native_events, event->symbol);
    else
        say(reason, "%s: %s: %s", ipm_why_class(errno_of(result)), event->symbol,
            PAPI_strerror(result));
}

/* Of several reasons the first is told; of none that exists, all names. */
static int none_added(const struct ipm_papi *papi, struct ipm_why *why)
{
    const char *reason = papi->counters[0].reason;
    const char *text = strstr(reason, ": ");
    int error = strncmp(reason, "absent", 6) == 0   ? -ENOENT
                : strncmp(reason, "denied", 6) == 0 ? -EACCES
                                                    : -EIO;
    (void)ipm_why_set(why, error, "%s", text == NULL ? reason : text + 2);
    for (int i = 1; papi->events[i].name != NULL; i++) {
        if (why != NULL && error == -ENOENT) {
            size_t used = strlen(why->text);
            (void)snprintf(why->text + used, sizeof(why->text) - used, ", nor %s",
                           papi->events[i].symbol);
        }
    }
    return error;
}

static int add_events(struct ipm_papi *papi, int component, struct ipm_why *why)
{
    int n_added = 0;
    int result = PAPI_create_eventset(&papi->set);
    if (result == PAPI_OK)
        result = PAPI_assign_eventset_component(papi->set, component);
    if (result != PAPI_OK)
        return ipm_why_set(why, errno_of(result), "PAPI event set: %s",
                           PAPI_strerror(result));
    PAPI_option_t option;
    memset(&option, 0, sizeof(option));
    option.inherit.eventset = papi->set;
    option.inherit.inherit = PAPI_INHERIT_ALL;
    papi->inherited = PAPI_set_opt(PAPI_INHERIT, &option) == PAPI_OK;
    for (int i = 0; papi->events[i].name != NULL; i++)
        add(papi, i, PAPI_get_component_info(component), &n_added);
    return n_added > 0 ? 0 : none_added(papi, why);
}

/* By the clock: what getrusage says of a task that runs is as old as the last tick. */
static int64_t cpu_us(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
        return 0;
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* Retires at least @n instructions in user mode, and not many times as many. */
static void spin(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        __asm__ volatile("nop");
}

/* Is @value what the work must have made of this counter? */
static void judge(const struct ipm_papi_event *event, long long value, int64_t us,
                  bool walked, char reason[IPM_PAPI_REASON])
{
    long long least = (long long)SPINS;
    if (event->proof == IPM_PAPI_UNTRIED)
        return;
    if (value == 0 && (walked || event->proof != IPM_PAPI_PAGES))
        say(reason, "stuck: %s stays 0 over work that must move it", event->symbol);
    else if (event->proof == IPM_PAPI_INSTRUCTIONS &&
             (value < least || value > least * MOST_TIMES))
        say(reason, "failed: %s says %lld for a loop of %lld instructions and more",
            event->symbol, value, least);
    else if (event->proof == IPM_PAPI_CYCLES && us > 0 &&
             (value / us < LEAST_CYCLES_US || value / us > MOST_CYCLES_US))
        say(reason, "failed: %s says %lld in %lld us of CPU time: no such clock rate",
            event->symbol, value, (long long)us);
}

static void try_events(struct ipm_papi *papi)
{
    const unsigned pages = IPM_EXERCISE_LOADS | IPM_EXERCISE_CODE;
    unsigned wanted = 0;
    for (int i = 0; papi->events[i].name != NULL; i++)
        wanted |= papi->events[i].proof == IPM_PAPI_PAGES ? pages : 0;
    int64_t us = cpu_us();
    ipm_papi_start(papi);
    spin(SPINS);
    bool walked = ipm_exercise(wanted) == pages;
    ipm_papi_stop(papi);
    us = cpu_us() - us;
    for (int i = 0; papi->result == PAPI_OK && papi->events[i].name != NULL; i++) {
        int position = papi->counters[i].position;
        if (position >= 0)
            judge(&papi->events[i], papi->values[position], us, walked,
                  papi->counters[i].reason);
    }
}

int ipm_papi_open(struct ipm_papi *papi, const struct ipm_papi_event *events,
                  const struct ipm_sensor_context *context, struct ipm_why *why)
{
    int component = 0;
    memset(papi, 0, sizeof(*papi));
    papi->events = events;
    papi->set = PAPI_NULL;
    int error = begin(why);
    if (error != 0)
        return error;
    error = find_component(context, &component, why);
    if (error == 0)
        error = set_domain(papi, component, why);
    if (error == 0)
        error = add_events(papi, component, why);
    if (error == 0) {
        try_events(papi);
        if (papi->result != PAPI_OK)
            error = ipm_why_set(why, errno_of(papi->result), "PAPI cannot count: %s",
                                PAPI_strerror(papi->result));
    }
    if (error != 0)
        ipm_papi_close(papi);
    return error;
}

void ipm_papi_start(struct ipm_papi *papi)
{
    memset(papi->values, 0, sizeof(papi->values));
    papi->result = PAPI_start(papi->set);
}

void ipm_papi_stop(struct ipm_papi *papi)
{
    if (papi->result == PAPI_OK)
        papi->result = PAPI_stop(papi->set, papi->values);
}

size_t ipm_papi_read(const struct ipm_papi *papi, struct ipm_metric *out_metrics,
                     size_t room)
{
    /* A mechanism whose library starts threads does part of its work in them. */
    const char *source = papi->inherited ? "papi" : "papi, one thread";
    size_t n = 0;
    for (int i = 0; papi->events[i].name != NULL && room - n >= 2; i++) {
        const struct ipm_papi_event *event = &papi->events[i];
        const char *reason = papi->counters[i].reason;
        int position = papi->counters[i].position;
        char name[sizeof(out_metrics->name)];
        (void)snprintf(name, sizeof(name), "%s%s", event->name,
                       papi->user_only[0] == '\0' ? "" : "_user");
        if (papi->user_only[0] != '\0' && reason[0] == '\0')
            out_metrics[n++] = ipm_metric_missing(
                event->name, "", source, "%s; %s has that", papi->user_only, name);
        if (reason[0] != '\0')
            out_metrics[n++] =
                ipm_metric_missing(event->name, "", source, "%s", reason);
        else if (papi->result != PAPI_OK)
            out_metrics[n++] =
                ipm_metric_missing(name, "", source, "failed: %s: %s", event->symbol,
                                   PAPI_strerror(papi->result));
        else if (event->moves && papi->values[position] == 0)
            out_metrics[n++] = ipm_metric_missing(
                name, "", source, "zero: %s opens but does not count", event->symbol);
        else
            out_metrics[n++] =
                ipm_metric_value(name, "", source, (double)papi->values[position]);
    }
    return n;
}

void ipm_papi_close(struct ipm_papi *papi)
{
    destroy(&papi->set);
}
