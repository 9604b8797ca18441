/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/cpu_events.h"
#include "harness/worker/sensors/event_name.h"
#include "harness/worker/sensors/pfm.h"
#include "harness/worker/sensors/tracefs.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <linux/perf_event.h>

#define DEVICES "sys/bus/event_source/devices/"

/* The words of an Intel core PMU, an uncore PMU and a tracepoint. */
static const struct ipm_tree_file files[] = {
    {DEVICES "cpu/type", "4\n"},
    {DEVICES "cpu/format/event", "config:0-7\n"},
    {DEVICES "cpu/format/umask", "config:8-15\n"},
    {DEVICES "cpu/format/cmask", "config:24-31\n"},
    {DEVICES "cpu/format/split", "config:0-7,32-35\n"},
    {DEVICES "cpu/format/offcore_rsp", "config1:0-63\n"},
    {DEVICES "cpu/format/edge", "config:18\n"},
    {DEVICES "cpu/format/odd", "config9:3-1\n"},
    {DEVICES "cpu/events/walk-active", "event=0x08,umask=0x10,cmask=1\n"},
    {DEVICES "cpu/events/loop", "loop\n"},
    {DEVICES "cpu_atom/type", "12\n"},
    {DEVICES "power/type", "31\n"},
    {DEVICES "power/cpumask", "0\n"},
    {DEVICES "broken/type", "many\n"},
    {"sys/kernel/tracing/events/tlb/tlb_flush/id", "77\n"},
    {"sys/kernel/tracing/events/sched/broken/id", "x\n"},
    {NULL, NULL},
};

static void names_become_codes(void **state)
{
    static const struct {
        const char *text;
        uint32_t type;
        uint64_t config, config1;
    } rows[] = {
        {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0},
        {"dTLB-load-misses", PERF_TYPE_HW_CACHE, 0x10003, 0},
        {"iTLB-load-misses", PERF_TYPE_HW_CACHE, 0x10004, 0},
        {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 0},
        {"r1A2b", PERF_TYPE_RAW, 0x1a2b, 0},
        {"rffffffffffffffff", PERF_TYPE_RAW, UINT64_MAX, 0},
        {"cpu/event=0x08,umask=0x0e/", 4, 0x0e08, 0},
        {"cpu/event=8,umask=14,edge/", 4, 0x40e08, 0},
        {"cpu/event=010,umask=08/", 4, 0x080a, 0},
        {"cpu/walk-active/", 4, 0x1001008, 0},
        {"cpu/walk-active,cmask=2/", 4, 0x2001008, 0},
        {"cpu/split=0xabc/", 4, 0xa000000bc, 0},
        {"cpu/event=0xb7,offcore_rsp=0xffffffffffffffff/", 4, 0xb7, UINT64_MAX},
        {"cpu/config=0x412e,config1=3/", 4, 0x412e, 3},
        {"cpu_atom/config=1/", 12, 1, 0},
        {"tlb:tlb_flush", PERF_TYPE_TRACEPOINT, 77, 0},
    };
    ipm_tree_put_all(*state, files);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_event_code code = {.type = 99};
        struct ipm_why why = {.error = 0, .text = ""};
        if (ipm_event_name(rows[i].text, *state, &code, &why) != 0)
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_int_equal(code.type, rows[i].type);
        assert_int_equal(code.config, rows[i].config);
        assert_int_equal(code.config1, rows[i].config1);
        assert_int_equal(code.config2, 0);
    }
}

static void faults_have_their_reasons(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *reason;
    } rows[] = {
        {"", -EINVAL, "1 to 200"},
        {"two words", -EINVAL, "blanks"},
        {"line\nfeed", -EINVAL, "control"},
        {"cpu/event=0x1ff/", -ERANGE, "does not fit"},
        {"cpu/edge=2/", -ERANGE, "does not fit"},
        {"cpu/event=x/", -EINVAL, "no number"},
        {"cpu/event=-1/", -EINVAL, "no number"},
        {"cpu/event=0x/", -EINVAL, "no number"},
        {"cpu/event=/", -EINVAL, "no number"},
        {"cpu/event=0x10000000000000000/", -EINVAL, "no number"},
        {"cpu/nothing/", -ENOENT, "no event or term 'nothing'"},
        {"cpu/nothing=1/", -ENOENT, "no term 'nothing'"},
        {"cpu/loop/", -ENOENT, "no term 'loop'"},
        {"cpu/odd=1/", -EPROTO, "not understood"},
        {"cpu/event=1", -EINVAL, "PMU/TERMS/"},
        {"cpu//", -EINVAL, "PMU/TERMS/"},
        {"cpu/event=1/u", -EINVAL, "counted apart"},
        {"../cpu/", -ENOENT, "no PMU"},
        {"cpu/../event=1/", -EINVAL, "counted apart"},
        {"cpu/..,event=1/", -EINVAL, "no term"},
        {"gpu/event=1/", -ENOENT, "no PMU 'gpu'"},
        {"broken/event=1/", -EPROTO, "no PMU 'broken'"},
        {"power/config=2/", -EINVAL, "not for a task"},
        {"sched:broken", -ENOENT, ""},
        {"sched:sched_nothing", -ENOENT, "no tracepoint sched:sched_nothing"},
        {"rxyz", -ENOENT, ""},
    };
    ipm_tree_put_all(*state, files);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_event_code code = {.type = 99};
        struct ipm_why why = {.error = 0, .text = ""};
        int error = ipm_event_name(rows[i].text, *state, &code, &why);
        if (strcmp(rows[i].text, "sched:broken") == 0)
            assert_int_equal(error, -EPROTO);
        else
            assert_int_equal(error, rows[i].error);
        if (strstr(why.text, rows[i].reason) == NULL || why.text[0] == '\0')
            fail_msg("%s: '%s'", rows[i].text, why.text);
        assert_int_equal(code.type, 99);
    }
}

static void tracefs_tells_its_states_apart(void **state)
{
    struct ipm_why why = {.error = 0};
    uint64_t id = 0;
    assert_int_equal(ipm_tracefs_id(*state, "tlb", "tlb_flush", &id, &why), -ENOENT);
    assert_non_null(strstr(why.text, "mounted neither"));
    /* The old place is as good. */
    ipm_tree_put(*state, "sys/kernel/debug/tracing/events/tlb/tlb_flush/id", "12\n");
    assert_int_equal(ipm_tracefs_id(*state, "tlb", "tlb_flush", &id, &why), 0);
    assert_int_equal(id, 12);
    assert_int_equal(ipm_tracefs_id(*state, "tlb", "other", &id, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no tracepoint tlb:other"));
}

static int refused_to_nobody(void *context)
{
    struct ipm_why why = {.error = 0};
    uint64_t id = 0;
    if (!ipm_become_nobody())
        return 2;
    int error = ipm_tracefs_id(context, "tlb", "tlb_flush", &id, &why);
    return error == -EACCES && strstr(why.text, "for root alone") != NULL ? 0 : 1;
}

static void tracefs_for_root_alone_is_denied(void **state)
{
    char path[512];
    ipm_tree_put(*state, "sys/kernel/tracing/events/tlb/tlb_flush/id", "12\n");
    assert_int_equal(chmod(*state, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/sys/kernel/tracing", (const char *)*state);
    assert_int_equal(chmod(path, 0), 0);
    int status = ipm_test_in_child(refused_to_nobody, *state);
    assert_int_equal(chmod(path, 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool with_libpfm4(void)
{
    struct ipm_why why = {.error = 0};
    if (ipm_pfm_knows("perf", &why) == 0)
        return true;
    print_message("%s\n", why.text);
    return false;
}

static void libpfm4_names(void **state)
{
    (void)state;
    struct ipm_event_code code;
    struct ipm_why why;
    if (!with_libpfm4()) {
        assert_int_equal(ipm_event_name("perf::CYCLES", "", &code, &why), -ENOENT);
        assert_non_null(strstr(why.text, "libpfm4"));
        skip();
    }
    assert_int_equal(ipm_event_name("perf::CYCLES", "", &code, &why), 0);
    assert_int_equal(code.type, PERF_TYPE_HARDWARE);
    assert_int_equal(ipm_event_name("perf::DTLB-LOAD-MISSES", "", &code, &why), 0);
    assert_int_equal(code.config, 0x10003);
    assert_int_equal(ipm_event_name("perf::CYCLES:u", "", &code, &why), -EINVAL);
    assert_non_null(strstr(why.text, "one side alone"));
    assert_int_equal(ipm_event_name("perf::CYCLES:z", "", &code, &why), -EINVAL);
    assert_int_equal(ipm_event_name("NO_SUCH_EVENT", "", &code, &why), -ENOENT);
    assert_non_null(strstr(why.text, "libpfm4 knows no event"));
}

/* Every code of the table against its libpfm4 name: a typo in either cannot pass. */
static void the_table_agrees_with_libpfm4(void **state)
{
    (void)state;
    int checked = 0;
    bool library = with_libpfm4();
    for (const struct ipm_cpu *cpu = ipm_cpus; cpu->title != NULL; cpu++) {
        struct ipm_why why = {.error = 0};
        bool known = library && ipm_pfm_knows(cpu->pfm, &why) == 0;
        if (library && !known)
            print_message("%s: not checked: %s\n", cpu->title, why.text);
        for (int i = 0; i < IPM_CPU_METRICS; i++) {
            const struct ipm_cpu_event *row = &cpu->events[i];
            assert_non_null(row->scope);
            assert_true((row->event == NULL) == (row->config == 0));
            if (!known || row->event == NULL)
                continue;
            char name[256];
            struct ipm_event_code code;
            (void)snprintf(name, sizeof(name), "%s::%s", cpu->pfm, row->event);
            if (ipm_pfm_encode(name, &code, &why) != 0)
                fail_msg("%s: %s", cpu->title, why.text);
            if (code.config != row->config)
                fail_msg("%s is %#llx, not %#llx", name,
                         (unsigned long long)code.config,
                         (unsigned long long)row->config);
            assert_int_equal(code.type, PERF_TYPE_RAW);
            checked++;
        }
    }
#if defined(__x86_64__)
    assert_true(checked >= 30 || !library);
#else
    (void)checked;
#endif
}

static void cpus_are_told_apart(void **state)
{
    static const struct {
        const char *cpuinfo;
        const char *title; /* NULL: none */
    } rows[] = {
        {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\n\n",
         "Intel Haswell, Broadwell"},
        {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: "
         "x\n\n",
         "Intel Skylake to Cascade Lake"},
        {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\n\n",
         "Intel Ice Lake to Rocket Lake"},
        {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 173\n\n",
         "Intel Sapphire Rapids to Granite Rapids"},
        {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 42\n\n", NULL},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\n\n", "AMD Zen"},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 49\n\n", "AMD Zen 2"},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 33\n\n", "AMD Zen 3"},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n\n", "AMD Zen 4"},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n\n", "AMD Zen 5"},
        {"vendor_id\t: AuthenticAMD\ncpu family\t: 21\nmodel\t\t: 2\n\n", NULL},
        {"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n",
         "Arm Neoverse N1, N2, V1, V2; Cortex-A76 to A78, X1"},
        {"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd07\n\n"
         "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n",
         "Arm Cortex-A57, A72"},
        {"processor\t: 0\nCPU implementer\t: 0x61\nCPU part\t: 0xd07\n\n", NULL},
        {"processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdch\n\n", NULL},
        {"", NULL},
    };
    struct ipm_why why = {.error = 0};
    assert_null(ipm_cpu_find(*state, &why)); /* there is no cpuinfo */
    assert_non_null(strstr(why.text, "/proc/cpuinfo"));
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_tree_put(*state, "proc/cpuinfo", rows[i].cpuinfo);
        const struct ipm_cpu *cpu = ipm_cpu_find(*state, &why);
        if (rows[i].title == NULL)
            assert_null(cpu);
        else
            assert_non_null(cpu);
        if (cpu != NULL)
            assert_string_equal(cpu->title, rows[i].title);
    }
}

/* No model may be of two rows, or the order of the table would decide. */
static void no_model_is_in_two_rows(void **state)
{
    (void)state;
    for (const struct ipm_cpu *a = ipm_cpus; a->title != NULL; a++) {
        for (const uint16_t *m = a->models; m[0] <= m[1]; m += 2) {
            for (const struct ipm_cpu *b = a; b->title != NULL; b++) {
                const uint16_t *k = b->models;
                for (; k[0] <= k[1]; k += 2) {
                    bool other = strcmp(a->vendor, b->vendor) != 0 ||
                                 a->family != b->family || k == m;
                    assert_true(other || k[1] < m[0] || m[1] < k[0]);
                }
            }
        }
    }
}

#define IN_TREE(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(names_become_codes),
        IN_TREE(faults_have_their_reasons),
        IN_TREE(tracefs_tells_its_states_apart),
        IN_TREE(tracefs_for_root_alone_is_denied),
        cmocka_unit_test(libpfm4_names),
        cmocka_unit_test(the_table_agrees_with_libpfm4),
        IN_TREE(cpus_are_told_apart),
        cmocka_unit_test(no_model_is_in_two_rows),
    };
    /* Before the library starts: it then encodes for CPUs other than this one. */
    (void)setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    return cmocka_run_group_tests_name("event_name", tests, NULL, NULL);
}
