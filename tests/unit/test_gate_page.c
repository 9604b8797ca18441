/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gate leaves for a pipeline: never green without a pass, the worst first, cut in time. */
#include "analysis/gate_annotations.h"
#include "analysis/gate_junit.h"
#include "analysis/gate_markdown.h"
#include "analysis/gate_page.h"
#include "base/cleanup.h"
#include "harness/leave.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

/* What @put writes of it; the caller's. */
static char *put_as(ipm_leave_form *put, const json_t *document, int wanted)
{
    char *text = NULL;
    size_t size = 0;
    struct ipm_why why = {0};
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    int got = put(document, out, &why);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(got, wanted);
    if (wanted != 0) {
        assert_int_equal(size, 0);
        assert_string_not_equal(why.text, "");
    }
    return text;
}

static json_t *golden_gate(void)
{
    json_error_t problem;
    json_t *json =
        json_load_file(IPM_SOURCE "/tests/golden/small-gate/gate.json", 0, &problem);
    if (json == NULL)
        fail_msg("%s", problem.text);
    return json;
}

/* A gate with this verdict and one point of that; the caller's. */
static json_t *gate_of(const char *whole, const char *point)
{
    json_t *json =
        json_pack("{s:i, s:s, s:s, s:s, s:[{s:s, s:s, s:s, s:s}]}", "schema", 1, "kind",
                  "gate", "verdict", whole, "sentence", "so it is", "points", "point",
                  "1", "label", "w/m/1", "verdict", point, "reason", "because");
    assert_non_null(json);
    return json;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void what_points_count_for(void **state)
{
    static const struct {
        const char *whole, *point;
        enum ipm_gate_verdict counts;
    } rows[] = {
        {"pass", "pass", IPM_GATE_PASS},
        {"regression", "regression", IPM_GATE_REGRESSION},
        {"regression", "inconclusive", IPM_GATE_INCONCLUSIVE},
        {"regression", "pass", IPM_GATE_PASS},
        {"error", "regression", IPM_GATE_REGRESSION},
        {"error", "pass", IPM_GATE_PASS},
        {"error", "error", IPM_GATE_ERROR},
        {"inconclusive", "pass", IPM_GATE_PASS},
        {"inconclusive", "regression", IPM_GATE_INCONCLUSIVE},
        {"environment", "pass", IPM_GATE_ENVIRONMENT},
        {"environment", "regression", IPM_GATE_ENVIRONMENT},
        {"environment", "inconclusive", IPM_GATE_ENVIRONMENT},
        {"environment", "error", IPM_GATE_ERROR},
        {"pass", "fine", IPM_GATE_ERROR},
        {"pass", "", IPM_GATE_ERROR},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_gate_page struct ipm_gate_page page = {0};
        ipm_auto_json json_t *json = gate_of(rows[i].whole, rows[i].point);
        assert_int_equal(ipm_gate_page_make(json, &page, NULL), 0);
        assert_int_equal(page.n_points, 1);
        assert_int_equal(page.points[0].counts, rows[i].counts);
        bool counts = page.points[0].counts == page.points[0].verdict;
        assert_int_equal(strstr(page.points[0].reason, "does not count") != NULL,
                         !counts);
        assert_non_null(strstr(page.points[0].reason, "because"));
    }
}

/* Anything but a pass has an error or a failure, and a line that says so. */
static void only_a_pass_is_green(void **state)
{
    static const char *const wholes[] = {
        "regression", "inconclusive", "environment", "error", "", "Pass", "pass "};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(wholes); i++) {
        ipm_auto_json json_t *json = gate_of(wholes[i], "pass");
        ipm_auto_free char *junit = put_as(ipm_gate_junit, json, 0);
        ipm_auto_free char *markdown = put_as(ipm_gate_markdown, json, 0);
        ipm_auto_free char *lines = put_as(ipm_gate_annotate, json, 0);
        bool failure = strcmp(wholes[i], "regression") == 0;
        assert_holds(junit, failure
                                ? "<failure type=\"regression\" message=\"so it is\"/>"
                                : "<error type=\"");
        assert_int_equal(count(junit, "<failure ") + count(junit, "<error "), 1);
        assert_null(strstr(markdown, "## ipcmeter gate: pass"));
        bool warning = strcmp(wholes[i], "inconclusive") == 0 ||
                       strcmp(wholes[i], "environment") == 0;
        const char *begin = warning ? "::warning title=gate::" : "::error title=gate::";
        assert_int_equal(strncmp(lines, begin, strlen(begin)), 0);
    }
    ipm_auto_json json_t *json = gate_of("pass", "pass");
    ipm_auto_free char *junit = put_as(ipm_gate_junit, json, 0);
    ipm_auto_free char *markdown = put_as(ipm_gate_markdown, json, 0);
    ipm_auto_free char *lines = put_as(ipm_gate_annotate, json, 0);
    assert_holds(junit, "tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"0\"");
    assert_holds(markdown, "## ipcmeter gate: pass\n\nSo it is\n");
    assert_string_equal(lines, "");
}

/* A machine that moved leaves no regression, and no pass. */
static void a_moved_machine_is_no_verdict(void **state)
{
    static const char *const points[] = {"pass", "regression", "inconclusive"};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(points); i++) {
        ipm_auto_json json_t *json = gate_of("environment", points[i]);
        ipm_auto_free char *junit = put_as(ipm_gate_junit, json, 0);
        ipm_auto_free char *lines = put_as(ipm_gate_annotate, json, 0);
        assert_null(strstr(junit, "<failure"));
        assert_int_equal(count(junit, "<skipped type=\"environment\""), 1);
        assert_null(strstr(lines, "::error"));
        assert_int_equal(count(lines, "::warning title=w/m/1::"), i != 0);
    }
}

/* The file that @leave names; the caller's. */
static char *left_in(const char *path)
{
    size_t length;
    return ipm_test_read(path, &length);
}

static void what_came_to_none(void **state)
{
    static const struct {
        const struct ipm_leave_forms *forms;
        const char *title, *name;
    } rows[] = {{&ipm_leave_gate,
                 "## ipcmeter gate: error\n\nArm b: it crashed &#60;b&#62;\n",
                 "classname=\"gate\" name=\"the gate\""},
                {&ipm_leave_counts,
                 "## ipcmeter counts: error\n\nArm b: it crashed &#60;b&#62;\n",
                 "classname=\"counts\" name=\"the counts\""}};
    char junit[256];
    char markdown[256];
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const struct ipm_leave leave = {
            .junit = ipm_test_path(state, "junit.xml", junit),
            .markdown = ipm_test_path(state, "summary.md", markdown),
        };
        assert_int_equal(
            ipm_leave_failed(&leave, rows[i].forms, "arm b: it crashed <b>", NULL), 0);
        ipm_auto_free char *xml = left_in(junit);
        ipm_auto_free char *page = left_in(markdown);
        assert_holds(xml,
                     "<error type=\"error\" message=\"arm b: it crashed &lt;b&gt;\"/>");
        assert_holds(xml, rows[i].name);
        assert_holds(xml, "tests=\"1\" failures=\"0\" errors=\"1\"");
        assert_holds(page, rows[i].title);
    }
}

static void other_documents_are_refused(void **state)
{
    ipm_leave_form *const renders[] = {ipm_gate_junit, ipm_gate_markdown,
                                       ipm_gate_annotate};
    (void)state;
    json_t *documents[] = {
        NULL,
        json_array(),
        json_object(),
        json_pack("{s:s}", "kind", "gate"),
        json_pack("{s:s, s:i}", "kind", "counts", "schema", 1),
        json_pack("{s:s, s:i}", "kind", "gate", "schema", 2),
        json_pack("{s:s, s:s}", "kind", "gate", "schema", "1"),
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(documents); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(renders); k++)
            free(put_as(renders[k], documents[i], -EINVAL));
        json_decref(documents[i]);
    }
}

/* Members of other types than ours are as if they were not there. */
static void members_may_be_anything(void **state)
{
    static const char *const values[] = {"null", "[]", "{}", "\"x\"", "1e308", "[[1]]"};
    (void)state;
    for (size_t v = 0; v < IPM_TEST_ROWS(values); v++) {
        ipm_auto_json json_t *value = json_loads(values[v], JSON_DECODE_ANY, NULL);
        ipm_auto_json json_t *whole = golden_gate();
        const char *key;
        json_t *member;
        json_object_foreach(whole, key, member)
        {
            if (strcmp(key, "kind") == 0 || strcmp(key, "schema") == 0)
                continue;
            ipm_auto_json json_t *changed = json_copy(whole);
            (void)json_object_set(changed, key, value);
            free(put_as(ipm_gate_junit, changed, 0));
            free(put_as(ipm_gate_markdown, changed, 0));
            free(put_as(ipm_gate_annotate, changed, 0));
        }
        const json_t *point = json_array_get(json_object_get(whole, "points"), 0);
        json_object_foreach((json_t *)(uintptr_t)point, key, member)
        {
            ipm_auto_json json_t *changed = json_deep_copy(whole);
            (void)json_object_set(json_array_get(json_object_get(changed, "points"), 0),
                                  key, value);
            free(put_as(ipm_gate_junit, changed, 0));
            free(put_as(ipm_gate_markdown, changed, 0));
            free(put_as(ipm_gate_annotate, changed, 0));
        }
    }
}

static void annotations_are_the_worst_first(void **state)
{
    static const char *const begins[] = {
        "::error title=gate::not measured: pingpong/posix_mq/",
        "::error title=pingpong/pipe/",
        "::error title=pingpong/fifo/",
        "::error title=pingpong/posix_sem/",
        "::error title=pingpong/posix_mq/",
        "::warning title=self_loop/floor_memcpy/",
        "::warning title=pingpong/futex/",
        "::warning title=pingpong/=cmd|`x`@someone #77 <img",
        "::notice title=pingpong/unix_stream/",
        "::notice title=and more::2 more are in the log",
    };
    (void)state;
    ipm_auto_json json_t *json = golden_gate();
    ipm_auto_free char *text = put_as(ipm_gate_annotate, json, 0);
    char *rest = text;
    for (size_t i = 0; i < IPM_TEST_ROWS(begins); i++) {
        const char *line = strsep(&rest, "\n");
        if (line == NULL || strncmp(line, begins[i], strlen(begins[i])) != 0)
            fail_msg("line %zu is '%s'", i, line == NULL ? "" : line);
    }
    assert_string_equal(rest, "");
    assert_null(strstr(text, "##["));
}

/* Above 1 MiB the runner drops the whole page. */
static void a_page_stays_a_page(void **state)
{
    enum { POINTS = 5000, LONG = 1000 };
    char text[LONG + 1];
    (void)state;
    memset(text, '@', LONG);
    text[LONG] = '\0';
    ipm_auto_json json_t *json = gate_of("regression", "regression");
    json_t *points = json_object_get(json, "points");
    json_t *warnings = json_array();
    (void)json_object_set_new(json, "sentence", json_string(text));
    (void)json_object_set_new(json, "warnings", warnings);
    for (int i = 0; i < POINTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%d", i);
        json_t *point = json_pack("{s:s, s:s, s:s, s:s, s:b}", "point", id, "label",
                                  text, "verdict", i % 3 == 0 ? "pass" : "regression",
                                  "reason", text, "control", i % 7 == 0);
        (void)json_array_append_new(points, point);
        (void)json_array_append_new(warnings, json_string(text));
    }
    ipm_auto_free char *markdown = put_as(ipm_gate_markdown, json, 0);
    assert_true(strlen(markdown) > 100000);
    assert_true(strlen(markdown) < (1 << 20));
    assert_holds(markdown, " more: gate.json has them all\n");
    assert_holds(markdown, "</details>\n");
    assert_holds(markdown, "### To repeat it\n");
    ipm_auto_free char *lines = put_as(ipm_gate_annotate, json, 0);
    assert_int_equal(count(lines, "\n"), 10);
}

/* Two points of one label stay two. */
static void names_are_told_apart(void **state)
{
    (void)state;
    ipm_auto_gate_page struct ipm_gate_page page = {0};
    ipm_auto_json json_t *json = golden_gate();
    assert_int_equal(ipm_gate_page_make(json, &page, NULL), 0);
    assert_int_equal(page.n_points, 12);
    assert_int_equal(page.n_tested, 10);
    for (size_t i = 0; i < page.n_points; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(page.points[i].name, page.points[k].name);
    }
    ipm_gate_page_fini(&page);
    ipm_gate_page_fini(&page);
}

static void files_may_be_anywhere(void **state)
{
    char path[256];
    char below[256];
    char inside[256];
    struct ipm_why why = {0};
    struct ipm_leave leave = {
        .junit = ipm_test_path(state, "junit.xml", path),
        .markdown = ipm_test_path(state, "two/folders/summary.md", below),
    };
    ipm_auto_json json_t *json = gate_of("pass", "pass");
    assert_int_equal(ipm_leave_check(&leave, &why), 0);
    assert_int_equal(ipm_leave(&leave, &ipm_leave_gate, json, &why), 0);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(access(below, R_OK), 0);
    assert_int_equal(unlink(below), 0);
    leave.junit = ipm_test_path(state, "junit.xml/not", inside);
    assert_int_equal(ipm_leave_check(&leave, &why), -ENOTDIR);
    assert_int_equal(ipm_leave(&leave, &ipm_leave_gate, json, &why), -ENOTDIR);
    assert_int_equal(access(below, R_OK), 0); /* the other was tried */
}

static void folders_without_a_gate(void **state)
{
    char path[256];
    struct ipm_why why = {0};
    json_t *json = NULL;
    assert_int_equal(ipm_leave_read_gate(*state, &json, &why), 1);
    assert_null(json);
    ipm_test_write(ipm_test_path(state, "gate.json", path), "{\"kind\":", 8);
    assert_int_equal(ipm_leave_read_gate(*state, &json, &why), -EINVAL);
    assert_null(json);
    ipm_test_write(path, "{}", 2);
    assert_int_equal(ipm_leave_read_gate(*state, &json, &why), 0);
    assert_non_null(json);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_points_count_for),
        cmocka_unit_test(only_a_pass_is_green),
        cmocka_unit_test(a_moved_machine_is_no_verdict),
        cmocka_unit_test_setup_teardown(what_came_to_none, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(members_may_be_anything),
        cmocka_unit_test(annotations_are_the_worst_first),
        cmocka_unit_test(a_page_stays_a_page),
        cmocka_unit_test(names_are_told_apart),
        cmocka_unit_test_setup_teardown(files_may_be_anywhere, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(folders_without_a_gate, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
