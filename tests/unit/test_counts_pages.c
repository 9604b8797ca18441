/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What judged counts leave for a pipeline: an error for what is none of our words, never a pass. */
#include "analysis/counts.h"
#include "base/cleanup.h"
#include "tests/support/test.h"

#include <errno.h>

typedef int form(const json_t *document, FILE *out, struct ipm_why *why);

static char *put_as(form *put, const json_t *document, int wanted)
{
    char *text = NULL;
    size_t size = 0;
    struct ipm_why why = {0};
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(put(document, out, &why), wanted);
    assert_int_equal(fclose(out), 0);
    if (wanted != 0)
        assert_int_equal(size, 0);
    return text;
}

static json_t *point(const char *name, const char *verdict, const char *reason)
{
    return json_pack("{s:s, s:s, s:s, s:f}", "point", name, "verdict", verdict,
                     "reason", reason, "weight", 1.0);
}

static json_t *counts_of(const char *whole, json_t *points)
{
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:o, s:[], s:[]}", "schema", 1,
                             "kind", "counts", "verdict", whole, "sentence", "so it is",
                             "points", points, "not_in_table", "notes");
    assert_non_null(json);
    return json;
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void each_verdict_is_told(void **state)
{
    (void)state;
    ipm_auto_json json_t *json = counts_of(
        "error",
        json_pack("[o, o, o, o, o]", point("w/a/1", "pass", ""),
                  point("w/b/1", "improved", "2 instead of 3"),
                  point("w/c/1", "regression", "<b>3</b> | `x` @you"),
                  point("w/d/1", "error", "gone"), point("w/e/1", "fine", "?")));
    ipm_auto_free char *junit = put_as(ipm_counts_junit, json, 0);
    ipm_auto_free char *markdown = put_as(ipm_counts_markdown, json, 0);
    ipm_auto_free char *lines = put_as(ipm_counts_annotate, json, 0);
    assert_holds(junit, "<testsuites name=\"ipcmeter\" tests=\"6\" failures=\"1\" "
                        "errors=\"3\">");
    assert_holds(junit, "<testcase classname=\"counts\" name=\"the counts\">\n"
                        "   <error type=\"error\" message=\"so it is\"/>");
    assert_holds(junit,
                 "<testcase classname=\"w.c\" name=\"w/c/1\">\n   <failure "
                 "type=\"regression\" message=\"&lt;b&gt;3&lt;/b&gt; | `x` @you\"/>");
    assert_holds(junit, "<testcase classname=\"w.b\" name=\"w/b/1\">\n   <system-out>");
    assert_holds(
        markdown,
        "## ipcmeter counts: error\n\nSo it is\n\n| verdict | point | reason |\n"
        "|---|---|---|\n| error | w/d/1 | gone |\n| error | w/e/1 | ? |\n"
        "| regression | w/c/1 | &#60;b&#62;3&#60;/b&#62; &#124; &#96;x&#96; "
        "&#64;&#8203;you |\n| improved | w/b/1 | 2 instead of 3 |\n");
    assert_string_equal(lines, "::error title=w/c/1::<b>3</b> | `x` @you\n"
                               "::error title=w/d/1::gone\n::error title=w/e/1::?\n"
                               "::warning title=w/b/1::2 instead of 3\n");
}

static void only_a_pass_is_green(void **state)
{
    static const struct {
        const char *whole;
        bool failed;
    } rows[] = {{"pass", false}, {"improved", false}, {"regression", true},
                {"error", true}, {"", true},          {"PASS", true}};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *json = counts_of(rows[i].whole, json_array());
        ipm_auto_free char *junit = put_as(ipm_counts_junit, json, 0);
        ipm_auto_free char *lines = put_as(ipm_counts_annotate, json, 0);
        bool failed = strstr(junit, "failures=\"0\" errors=\"0\"") == NULL;
        assert_int_equal(failed, rows[i].failed);
        assert_string_equal(lines,
                            rows[i].failed ? "::error title=counts::so it is\n" : "");
    }
}

static void other_documents_are_refused(void **state)
{
    form *const forms[] = {ipm_counts_junit, ipm_counts_markdown, ipm_counts_annotate};
    (void)state;
    ipm_auto_json json_t *gate = json_pack("{s:s, s:i}", "kind", "gate", "schema", 1);
    for (size_t i = 0; i < IPM_TEST_ROWS(forms); i++) {
        free(put_as(forms[i], NULL, -EINVAL));
        free(put_as(forms[i], gate, -EINVAL));
    }
}

static void a_page_stays_a_page(void **state)
{
    enum { POINTS = 3000, LONG = 1500 };
    char text[LONG + 1];
    (void)state;
    memset(text, '#', LONG);
    text[LONG] = '\0';
    json_t *points = json_array();
    json_t *notes = json_array();
    for (int i = 0; i < POINTS; i++) {
        (void)json_array_append_new(points, point(text, "regression", text));
        (void)json_array_append_new(notes, json_string(text));
    }
    ipm_auto_json json_t *json = counts_of("regression", points);
    (void)json_object_set_new(json, "notes", notes);
    ipm_auto_free char *markdown = put_as(ipm_counts_markdown, json, 0);
    assert_true(strlen(markdown) > 100000);
    assert_true(strlen(markdown) < (1 << 20));
    assert_holds(markdown, " more: ipcmeter counts --json has them all\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_is_told),
        cmocka_unit_test(only_a_pass_is_green),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(a_page_stays_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
