/* SPDX-License-Identifier: MIT */
/* The PAPI sensors over a PAPI that does what a test tells it. */
#include "harness/worker/sensors/modules.h"
#include "tests/support/tree.h"

#include <errno.h>

#if IPM_HAVE_PAPI

#include "harness/worker/sensors/modules/papi.c"
#include "harness/worker/sensors/modules/papi_events.c"

/* What the library says and does. */
static struct {
    int version;
    bool no_component;
    PAPI_component_info_t info;
    bool kernel;      /* is it really counted, whatever was said */
    bool no_switches; /* the software event of the check is not to be had */
    int domain;       /* as set */
    int inherit;      /* result of asking for it */
    int missing;      /* a preset that add refuses with @refusal */
    int refusal;
    int start;
    long long counts[4]; /* of the presets, by position, in every window */
    int n_sets;          /* alive */
} papi;

enum { EVENT_SET = 8 };

static int n_added;
static int64_t switches_before;

static void reset(void)
{
    memset(&papi, 0, sizeof(papi));
    papi.version = PAPI_VER_CURRENT;
    papi.info.available_domains = PAPI_DOM_ALL & ~PAPI_DOM_OTHER;
    papi.info.num_native_events = 169;
    papi.kernel = true;
    papi.counts[0] = 12000000;
    papi.counts[1] = 13000000;
}

int PAPI_is_initialized(void)
{
    return PAPI_NOT_INITED;
}

int PAPI_library_init(int version)
{
    assert_int_equal(version, PAPI_VER_CURRENT);
    return papi.version;
}

int PAPI_set_debug(int level)
{
    assert_int_equal(level, PAPI_QUIET);
    return PAPI_OK;
}

char *PAPI_strerror(int result)
{
    static char text[32];
    (void)snprintf(text, sizeof(text), "PAPI says %d", result);
    return text;
}

int PAPI_get_component_index(const char *name)
{
    assert_string_equal(name, "perf_event");
    return papi.no_component ? PAPI_ENOCMP : 0;
}

const PAPI_component_info_t *PAPI_get_component_info(int component)
{
    assert_int_equal(component, 0);
    return &papi.info;
}

int PAPI_set_cmp_domain(int domain, int component)
{
    assert_int_equal(component, 0);
    papi.domain = domain;
    return PAPI_OK; /* as the real one says, also when it may not */
}

int PAPI_create_eventset(int *set)
{
    *set = EVENT_SET;
    papi.n_sets++;
    n_added = 0;
    return PAPI_OK;
}

int PAPI_assign_eventset_component(int set, int component)
{
    assert_int_equal(set, EVENT_SET);
    assert_int_equal(component, 0);
    return PAPI_OK;
}

int PAPI_set_opt(int option, PAPI_option_t *value)
{
    assert_int_equal(option, PAPI_INHERIT);
    assert_int_equal(value->inherit.eventset, EVENT_SET);
    assert_int_equal(value->inherit.inherit, PAPI_INHERIT_ALL);
    return papi.inherit;
}

int PAPI_add_named_event(int set, const char *name)
{
    (void)set;
    assert_string_equal(name, "perf::CONTEXT-SWITCHES");
    n_added = -1;
    return papi.no_switches ? PAPI_ENOEVNT : PAPI_OK;
}

int PAPI_add_event(int set, int code)
{
    assert_int_equal(set, EVENT_SET);
    if (papi.missing == code || papi.missing == -1)
        return papi.refusal;
    n_added++;
    return PAPI_OK;
}

int PAPI_start(int set)
{
    assert_int_equal(set, EVENT_SET);
    switches_before = switches();
    return n_added < 0 ? PAPI_OK : papi.start;
}

int PAPI_stop(int set, long long *values)
{
    assert_int_equal(set, EVENT_SET);
    if (n_added < 0)
        values[0] = papi.kernel ? switches() - switches_before : 0;
    for (int i = 0; i < n_added; i++)
        values[i] = papi.counts[i];
    return PAPI_OK;
}

int PAPI_cleanup_eventset(int set)
{
    assert_int_equal(set, EVENT_SET);
    return PAPI_OK;
}

int PAPI_destroy_eventset(int *set)
{
    *set = PAPI_NULL;
    papi.n_sets--;
    return PAPI_OK;
}

static const struct ipm_sensor_context context = {
    .sysroot = "", .pass = "counters:papi:core", .window_ns = 50000000};

/* Opens, measures a window, reads and closes; returns how many metrics. */
static size_t measure(const struct ipm_sensor *sensor, struct ipm_metric metrics[8])
{
    struct ipm_why why = {.error = 0};
    struct ipm_papi state;
    assert_int_equal(sensor->probe(&context, &why), 0);
    assert_int_equal(papi.n_sets, 0); /* it leaves nothing behind */
    assert_int_equal(sensor->open(&state, &context, &why), 0);
    sensor->start(&state);
    sensor->stop(&state);
    size_t n = sensor->read(&state, metrics, 8);
    sensor->close(&state);
    assert_int_equal(papi.n_sets, 0);
    return n;
}

static void counts_user_and_kernel(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    reset();
    assert_int_equal(measure(&papi_core, metrics), 2);
    assert_int_equal(papi.domain, PAPI_DOM_ALL);
    assert_string_equal(metrics[0].name, "papi_tot_cyc");
    assert_string_equal(metrics[1].name, "papi_tot_ins");
    assert_string_equal(metrics[0].source, "papi");
    assert_int_equal(metrics[0].status, IPM_METRIC_OK);
    assert_true(metrics[0].value == 12000000 && metrics[1].value == 13000000);

    papi.inherit = PAPI_ENOEVNT;
    assert_int_equal(measure(&papi_core, metrics), 2);
    assert_string_equal(metrics[0].source, "papi, one thread");
}

/* "No error", and half of the work in nobody's count: the metric's name must not hide it. */
static void user_mode_alone_is_named(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    reset();
    papi.kernel = false;
    for (int told = 0; told < 2; told++) {
        if (told == 1)
            papi.info.available_domains = PAPI_DOM_USER | PAPI_DOM_SUPERVISOR;
        assert_int_equal(measure(&papi_core, metrics), 4);
        assert_int_equal(papi.domain, told == 1 ? PAPI_DOM_USER : PAPI_DOM_ALL);
        assert_string_equal(metrics[0].name, "papi_tot_cyc");
        assert_int_equal(metrics[0].status, IPM_METRIC_UNAVAILABLE);
        assert_non_null(strstr(metrics[0].reason, "denied: PAPI "));
        assert_non_null(strstr(metrics[0].reason, "; papi_tot_cyc_user has that"));
        assert_string_equal(metrics[1].name, "papi_tot_cyc_user");
        assert_true(metrics[1].value == 12000000);
        assert_string_equal(metrics[3].name, "papi_tot_ins_user");
    }
    /* Where the check itself cannot be made, nothing is claimed against it. */
    reset();
    papi.no_switches = true;
    assert_int_equal(measure(&papi_core, metrics), 2);
}

static void false_counts_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        long long cycles, instructions;
        int at;
        const char *reason;
    } rows[] = {
        {0, 13000000, 0, "stuck: PAPI_TOT_CYC stays 0"},
        {12000000, 0, 1, "stuck: PAPI_TOT_INS stays 0"},
        {12000000, 3999999, 1,
         "failed: PAPI_TOT_INS says 3999999 for a loop of 4000000"},
        {12000000, 400000001, 1, "failed: PAPI_TOT_INS says 400000001"},
        {7, 13000000, 0, "no such clock rate"},
        {INT64_C(1) << 60, 13000000, 0, "no such clock rate"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_metric metrics[8];
        reset();
        papi.counts[0] = rows[i].cycles;
        papi.counts[1] = rows[i].instructions;
        assert_int_equal(measure(&papi_core, metrics), 2);
        if (metrics[rows[i].at].status == IPM_METRIC_OK ||
            strstr(metrics[rows[i].at].reason, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, metrics[rows[i].at].reason);
        assert_int_equal(metrics[1 - rows[i].at].status, IPM_METRIC_OK);
    }
}

static void pages_move_tlb_counters(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    reset();
    papi.counts[1] = 0;
    assert_int_equal(measure(&papi_tlb, metrics), 2);
    assert_int_equal(metrics[0].status, IPM_METRIC_OK);
    assert_non_null(strstr(metrics[1].reason, "stuck: PAPI_TLB_IM stays 0"));
}

static void one_preset_that_is_missing(void **state)
{
    (void)state;
    struct ipm_metric metrics[8];
    reset();
    papi.missing = PAPI_TOT_CYC;
    papi.refusal = PAPI_ENOEVNT;
    papi.counts[0] = 13000000; /* the only one's position */
    assert_int_equal(measure(&papi_core, metrics), 2);
    assert_string_equal(
        metrics[0].reason,
        "absent: PAPI is active, with 169 native events, but has no PAPI_TOT_CYC");
    assert_true(metrics[1].value == 13000000);
    papi.refusal = PAPI_ECNFLCT;
    assert_int_equal(measure(&papi_core, metrics), 2);
    assert_non_null(strstr(metrics[0].reason, "multiplexed: no counter is left for"));
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    struct row {
        int error;
        const char *text;
    } rows[] = {
        {-ENODEV, "no component perf_event"},
        {-EACCES,
         "PAPI disables its component perf_event: by order (perf_event_paranoid"},
        {-ENOENT, "has no PAPI_TOT_CYC, nor PAPI_TOT_INS"},
        {-EACCES, "PAPI_TOT_CYC: PAPI says"},
        {-EPROTO, "another version"},
        {-EIO, "PAPI cannot count"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_papi self;
        struct ipm_why why = {.error = 0};
        reset();
        papi.no_component = i == 0;
        papi.info.disabled = i == 1 ? PAPI_ECMP : 0;
        (void)strcpy(papi.info.disabled_reason, "by order");
        papi.missing = i == 2 || i == 3 ? -1 : 0;
        papi.refusal = i == 2 ? PAPI_ENOEVNT : PAPI_EPERM;
        papi.version = i == 4 ? PAPI_VER_CURRENT + 1 : PAPI_VER_CURRENT;
        papi.start = i == 5 ? PAPI_ESYS : PAPI_OK;
        assert_int_equal(papi_core.open(&self, &context, &why), rows[i].error);
        if (strstr(why.text, rows[i].text) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        assert_int_equal(papi.n_sets, 0);
    }
}

/* A window that PAPI loses is missing, not 0. */
static void lost_windows(void **state)
{
    (void)state;
    struct ipm_papi self;
    struct ipm_metric metrics[8];
    struct ipm_why why;
    reset();
    assert_int_equal(papi_core.open(&self, &context, &why), 0);
    papi.start = PAPI_ESYS;
    papi_core.start(&self);
    papi_core.stop(&self);
    assert_int_equal(papi_core.read(&self, metrics, 8), 2);
    assert_non_null(strstr(metrics[0].reason, "failed: PAPI_TOT_CYC: PAPI says"));
    papi.start = PAPI_OK;
    papi.counts[1] = 0;
    papi_core.start(&self);
    papi_core.stop(&self);
    assert_int_equal(papi_core.read(&self, metrics, 8), 2);
    assert_int_equal(metrics[0].status, IPM_METRIC_OK);
    assert_non_null(strstr(metrics[1].reason, "zero: PAPI_TOT_INS"));
    papi_core.close(&self);
}

/* What stands in for the module until it is loaded says the same of itself. */
static void placeholders_agree(void **state)
{
    (void)state;
    size_t n = 0;
    for (; ipm_module_sensors[n] != NULL; n++) {
        const struct ipm_sensor *real = ipm_module_sensors[n];
        const struct ipm_sensor *other = ipm_sensor_module(n, false);
        struct ipm_why why;
        assert_int_equal(ipm_sensor_check(real, &why), 0);
        assert_non_null(other);
        assert_ptr_not_equal(real, other);
        assert_string_equal(real->name, other->name);
        assert_string_equal(real->summary, other->summary);
        assert_string_equal(real->source, other->source);
        assert_string_equal(real->pass, other->pass);
        assert_string_equal(real->back_end, other->back_end);
        assert_int_equal(real->scope, other->scope);
        size_t row = 0;
        for (; real->metrics[row].name != NULL; row++)
            assert_string_equal(real->metrics[row].name, other->metrics[row].name);
        assert_null(other->metrics[row].name);
    }
    assert_int_equal(n, IPM_SENSOR_MODULES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_user_and_kernel),
        cmocka_unit_test(user_mode_alone_is_named),
        cmocka_unit_test(false_counts_are_not_believed),
        cmocka_unit_test(pages_move_tlb_counters),
        cmocka_unit_test(one_preset_that_is_missing),
        cmocka_unit_test(what_cannot_be_opened),
        cmocka_unit_test(lost_windows),
        cmocka_unit_test(placeholders_agree),
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
