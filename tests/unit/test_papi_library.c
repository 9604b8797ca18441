/* SPDX-License-Identifier: MIT */
/*
 * The PAPI sensors over the library itself.  Presets need a PMU that most machines of tests
 * lack; two software events of the same component take the same way.
 */
#include "tests/support/tree.h"

#if IPM_HAVE_PAPI

#include "harness/worker/sensors/modules/papi_events.c"

#include <unistd.h>

enum { PAGES_WALKED = 4096 };

static const struct ipm_sensor_context context = {
    .sysroot = "", .pass = "counters:papi:core", .window_ns = 50000000};

/* Page faults and context switches, by the codes that PAPI gives them here. */
static bool find_events(struct ipm_papi_event events[3])
{
    struct ipm_why why;
    memset(events, 0, 3 * sizeof(events[0]));
    events[0] = (struct ipm_papi_event){
        .name = "faults", .symbol = "perf::PAGE-FAULTS", .proof = IPM_PAPI_PAGES};
    events[1] = (struct ipm_papi_event){.name = "switches",
                                        .symbol = "perf::CONTEXT-SWITCHES",
                                        .proof = IPM_PAPI_UNTRIED,
                                        .moves = true};
    if (begin(&why) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        char name[40];
        (void)snprintf(name, sizeof(name), "%s", events[i].symbol);
        if (PAPI_event_name_to_code(name, &events[i].code) != PAPI_OK)
            return false;
    }
    return true;
}

/* A window of known work.  0: as it must be; else a line of this file. */
static int measure(const struct ipm_papi_event *events, bool kernel)
{
    struct ipm_papi papi;
    struct ipm_metric metrics[8];
    struct ipm_why why = {.error = 0};
    if (ipm_papi_open(&papi, events, &context, &why) != 0)
        return __LINE__;
    if ((papi.user_only[0] == '\0') != kernel)
        return __LINE__;
    for (int window = 0; window < 3; window++) {
        ipm_papi_start(&papi);
        (void)ipm_exercise(IPM_EXERCISE_CODE);
        sleep_often(10);
        ipm_papi_stop(&papi);
        size_t n = ipm_papi_read(&papi, metrics, 8);
        const struct ipm_metric *faults = &metrics[kernel ? 0 : 1];
        const struct ipm_metric *switched = &metrics[kernel ? 1 : 3];
        /* Each window begins at 0.  A stack may grow by a page. */
        if (n != (kernel ? 2 : 4) || faults->status != IPM_METRIC_OK ||
            faults->value < PAGES_WALKED || faults->value > 2 * PAGES_WALKED)
            return __LINE__;
        if (strcmp(faults->name, kernel ? "faults" : "faults_user") != 0)
            return __LINE__;
        /* With the kernel out of sight a switch is nowhere: missing, never 0. */
        if (kernel ? switched->status != IPM_METRIC_OK || switched->value < 5
                   : strncmp(switched->reason, "zero: ", 6) != 0)
            return __LINE__;
    }
    ipm_papi_close(&papi);
    /* Once more: a probe comes before each open. */
    if (ipm_papi_open(&papi, events, &context, &why) != 0)
        return __LINE__;
    ipm_papi_close(&papi);
    return 0;
}

/* Whether the kernel lets this process count it, by its own word and not by PAPI's. */
static bool kernel_is_ours(void)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                         .size = sizeof(attributes),
                                         .config = PERF_COUNT_SW_CONTEXT_SWITCHES};
    int fd = ipm_perf_system->open(&attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static int not_tried(const char *why)
{
    (void)fprintf(stderr, "not tried: %s\n", why);
    return 1;
}

/* In a child: PAPI lasts as long as its process.  1: not tried, and why is said. */
static int whole(void *of)
{
    struct ipm_papi_event events[3];
    const bool *kernel = of;
    if (!*kernel && !ipm_become_nobody())
        return not_tried("root's rights cannot be given up");
    if (kernel_is_ours() != *kernel)
        return not_tried(*kernel ? "the kernel is not ours to count"
                                 : "anybody may count the kernel here");
    if (!find_events(events))
        return not_tried("PAPI does not have the two software events");
    struct ipm_papi papi;
    struct ipm_why why = {.error = 0};
    if (ipm_papi_open(&papi, events, &context, &why) != 0)
        return not_tried(why.text);
    ipm_papi_close(&papi);
    int line = measure(events, *kernel);
    if (line != 0)
        (void)fprintf(stderr, "line %d\n", line);
    return line == 0 ? 0 : 2;
}

static void check(bool kernel)
{
    int status = ipm_test_in_child(whole, &kernel);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 1)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void kernel_and_user(void **state)
{
    (void)state;
    check(true);
}

/* Who may not count the kernel is told "No error" by PAPI all the same. */
static void user_alone(void **state)
{
    (void)state;
    check(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_and_user),
        cmocka_unit_test(user_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    (void)puts("skip: PAPI is not here");
    return 77;
}

#endif
