/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_arm.h"
#include "harness/gate_controls.h"
#include "tests/support/front.h"

#include <errno.h>

static const struct ipm_worker common = {
    .sysroot = "/s", .plugins = {"p.so"}, .n_plugins = 1};

static void words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t n;
        const char *words[4];
    } rows[] = {
        {"/bin/sh", 0, {NULL}},
        {"  /bin/sh\ta  b ", 2, {"a", "b"}},
        {"/bin/sh 'a  b' \"c d\"", 2, {"a  b", "c d"}},
        {"/bin/sh a' 'b\"\"", 1, {"a b"}},
        {"/bin/sh '' \"\"", 2, {"", ""}},
        {"/bin/sh a\\ b '\\' \"\\\"\"", 3, {"a b", "\\", "\""}},
        {"/bin/sh $HOME ; `x` *", 4, {"$HOME", ";", "`x`", "*"}},
        {"/bin/sh a b c plugin=x", 4, {"a", "b", "c", "plugin=x"}},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_arm arm = {0};
        struct ipm_why why = {0};
        assert_int_equal(ipm_arm_parse(rows[i].line, &common, &arm, &why), 0);
        assert_string_equal(arm.worker.path, "/bin/sh");
        assert_int_equal(arm.worker.n_words, rows[i].n);
        for (size_t k = 0; k < rows[i].n; k++)
            assert_string_equal(arm.worker.words[k], rows[i].words[k]);
        assert_string_equal(arm.worker.sysroot, "/s");
        assert_false(arm.own);

        const char *argv[IPM_WORKER_ARGUMENTS];
        assert_int_equal(ipm_worker_arguments(&arm.worker, argv), rows[i].n + 3);
        assert_string_equal(argv[rows[i].n + 1], "--plugin");
        assert_null(argv[rows[i].n + 3]);
        ipm_arm_fini(&arm);
    }
}

static void wrong_words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int error;
    } rows[] = {
        {"", -EINVAL},
        {"  ", -EINVAL},
        {"'/bin/sh", -EINVAL},
        {"/bin/sh \"a", -EINVAL},
        {"/bin/sh \\", -EINVAL},
        {"/nowhere/at/all", -ENOENT},
        {"/", -EACCES},
        {"/etc/passwd", -EACCES},
        {"no_such_program_4711", -ENOENT},
        {"plugin=a.so b", -EINVAL},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_arm arm = {0};
        struct ipm_why why = {0};
        assert_int_equal(ipm_arm_parse(rows[i].line, &common, &arm, &why),
                         rows[i].error);
        assert_string_not_equal(why.text, "");
    }
    char many[4 * IPM_WORDS_MAX] = "/bin/sh";
    struct ipm_arm arm = {0};
    for (int i = 0; i < IPM_WORDS_MAX; i++)
        (void)strcat(many, " a");
    assert_int_equal(ipm_arm_parse(many, &common, &arm, NULL), 0);
    ipm_arm_fini(&arm);
    (void)strcat(many, " a");
    assert_int_equal(ipm_arm_parse(many, &common, &arm, NULL), -E2BIG);
}

static void by_path(void **state)
{
    (void)state;
    struct ipm_arm arm = {0};
    assert_int_equal(setenv("PATH", ":/nowhere:/bin", 1), 0);
    assert_int_equal(ipm_arm_parse("sh -c x", &common, &arm, NULL), 0);
    assert_string_equal(arm.worker.path, "/bin/sh");
    ipm_arm_fini(&arm);
}

static void plugins(void **state)
{
    (void)state;
    struct ipm_arm arm = {0};
    assert_int_equal(setenv("IPCMETER_WORKER", "/bin/sh", 1), 0);
    assert_int_equal(ipm_arm_parse("plugin=a.so 'plugin=b c.so'", &common, &arm, NULL),
                     0);
    assert_true(arm.own);
    assert_int_equal(arm.worker.n_plugins, 3);
    assert_string_equal(arm.worker.plugins[0], "p.so");
    assert_string_equal(arm.worker.plugins[2], "b c.so");
    ipm_arm_fini(&arm);
    assert_int_equal(ipm_arm_parse(NULL, &common, &arm, NULL), 0);
    assert_true(arm.own);
    assert_string_equal(arm.worker.path, "/bin/sh");
    ipm_arm_fini(&arm);
}

static void together(void **state)
{
    (void)state;
    ipm_auto_json json_t *here =
        json_pack("{s:{s:s, s:s, s:s}}", "machine", "architecture", "x86_64", "kernel",
                  "6.1", "boot", "1");
    ipm_auto_json json_t *again = json_deep_copy(here);
    ipm_auto_json json_t *rebooted = json_deep_copy(here);
    ipm_auto_json json_t *silent = json_object();
    (void)json_object_set_new(json_object_get(rebooted, "machine"), "boot",
                              json_string("2"));
    struct ipm_why why = {0};
    assert_int_equal(ipm_arms_together(here, again, &why), 0);
    assert_int_equal(ipm_arms_together(here, silent, &why), 0);
    assert_int_equal(ipm_arms_together(here, rebooted, &why), -EXDEV);
    assert_non_null(strstr(why.text, "compare"));
}

static void has(void **state)
{
    (void)state;
    ipm_auto_json json_t *a = ipm_test_describe();
    struct ipm_why why = {0};
    const struct ipm_factors factors = {.workload = "pingpong", .mechanism = "pipe"};
    const struct {
        const char *kind, *name, *key;
        json_t *value;
        int error;
    } rows[] = {
        {"mechanisms", "pipe", "name", json_string("tube"), -ENOENT},
        {"workloads", "pingpong", "name", json_string("ball"), -ENOENT},
        {"mechanisms", "pipe", "version", json_integer(9), -EPROTO},
        {"mechanisms", "pipe", "available", json_false(), -ENODEV},
        {"mechanisms", "pipe", "summary", json_string("other words"), 0},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *b = json_deep_copy(a);
        assert_int_equal(ipm_arm_has(a, b, &factors, &why), 0);
        (void)json_object_set_new(ipm_test_entry(b, rows[i].kind, rows[i].name),
                                  rows[i].key, rows[i].value);
        assert_int_equal(ipm_arm_has(a, b, &factors, &why), rows[i].error);
    }
}

static void controls(void **state)
{
    (void)state;
    static const struct {
        const char *mechanisms;
        int added;
    } rows[] = {{"\"pipe\"", 0}, {"[\"pipe\", \"floor_null\"]", 1}};
    ipm_auto_json json_t *describe = ipm_test_describe();
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_spec spec;
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "{\"sweeps\": [{\"workloads\": [\"pingpong\", \"self_loop\"], "
                       "\"mechanisms\": %s}]}",
                       rows[i].mechanisms);
        ipm_test_spec(text, describe, &spec);
        assert_int_equal(ipm_gate_controls_add(&spec, describe), rows[i].added);
        assert_int_equal(spec.n_sweeps, 2 - rows[i].added);
        ipm_spec_fini(&spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),    cmocka_unit_test(wrong_words),
        cmocka_unit_test(by_path),  cmocka_unit_test(plugins),
        cmocka_unit_test(together), cmocka_unit_test(has),
        cmocka_unit_test(controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
