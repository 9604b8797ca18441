/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/report.h"
#include "analysis/report_html.h"
#include "base/cleanup.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

/* What @put writes, as a string; the caller frees it. */
#define CAPTURE(text, put)                                                             \
    do {                                                                               \
        size_t capture_length = 0;                                                     \
        FILE *out = open_memstream(&(text), &capture_length);                          \
        assert_non_null(out);                                                          \
        put;                                                                           \
        assert_int_equal(fclose(out), 0);                                              \
    } while (0)

struct row {
    const char *text, *written;
};

static void assert_written(const struct row *row, void (*put)(FILE *, const char *))
{
    ipm_auto_free char *text = NULL;
    CAPTURE(text, put(out, row->text));
    assert_string_equal(text, row->written);
}

static void markup_is_text(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\"><script>alert(1)</script>",
         "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"a' onload='x", "a&#39; onload=&#39;x"},
        {"&lt;", "&amp;lt;"},
        {"`$(id)` @macro 100 %", "`$(id)` @macro 100 %"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        assert_written(&rows[i], ipm_html_text);
        assert_written(&rows[i], ipm_html_lines);
    }
}

static void the_invisible_is_shown(void **state)
{
    static const struct row rows[] = {
        {"a\x01z\x7f", "a\\u0001z\\u007F"},
        {"\xc2\x85", "\\u0085"}, /* C1: next line */
        {"ab\xe2\x80\xae"
         "cd",
         "ab\\u202Ecd"},                                  /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"}, /* isolates */
        {"\xe2\x80\x8b\xef\xbb\xbf", "\\u200B\\uFEFF"},
        {"\xef\xbf\xbe", "\\uFFFE"},      /* no XML takes it */
        {"\xf3\xa0\x81\x81", "\\uE0041"}, /* a tag character */
        {"\xff"
         "a\xc3",
         "\\xFFa\\xC3"},                     /* no UTF-8, and cut short */
        {"\xc0\xbc", "\\xC0\\xBC"},          /* '<', overlong */
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        assert_written(&rows[i], ipm_html_text);
        assert_written(&rows[i], ipm_html_lines);
    }
    assert_written(&(struct row){"a\nb\tc", "a\\u000Ab\\u0009c"}, ipm_html_text);
    assert_written(&(struct row){"a\nb\tc", "a\nb\\u0009c"}, ipm_html_lines);
}

/* No byte sequence may leave a character that ends a text or an attribute. */
static void random_bytes_stay_inside(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof(bytes) - 1; i++)
            bytes[i] = (char)(ipm_test_random(&seed) % 255 + 1);
        bytes[sizeof(bytes) - 1] = '\0';
        ipm_auto_free char *text = NULL;
        CAPTURE(text, ipm_html_text(out, bytes));
        assert_null(strpbrk(text, "<>\"'\n"));
        ipm_auto_json json_t *valid = json_string(text); /* fails on what is no UTF-8 */
        assert_non_null(valid);
    }
}

static void formats_escape(void **state)
{
    ipm_auto_free char *text = NULL;
    (void)state;
    CAPTURE(text,
            ipm_html_put(out, "<p title=\"%s\">%zu %s</p>", "\"<", (size_t)3, "&"));
    assert_string_equal(text, "<p title=\"&quot;&lt;\">3 &amp;</p>");
}

static void numbers_and_values(void **state)
{
    ipm_auto_free char *number = NULL;
    ipm_auto_free char *missing = NULL;
    ipm_auto_free char *value = NULL;
    (void)state;
    CAPTURE(number, ipm_html_number(out, 1234567.5));
    assert_string_equal(number, "1234567.5");
    CAPTURE(missing, ipm_html_number(out, NAN));
    assert_string_equal(missing, "");
    ipm_auto_json json_t *json =
        json_pack("{s:s, s:[i,b,n], s:f}", "<a>", "&", "list", 7, 1, "half", 0.5);
    CAPTURE(value, ipm_html_value(out, json));
    assert_string_equal(value, "&lt;a&gt; &amp;, list 7, yes, -, half 0.5");
    assert_string_equal(ipm_member_text(json, "<a>"), "&");
    assert_string_equal(ipm_member_text(json, "list"), "");
    assert_true(isnan(ipm_member_number(json, "absent")));
    assert_true(ipm_member_number(json, "half") == 0.5);
}

static void pictures_are_renamed(void **state)
{
    static const char svg[] =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"x\" \"http://out.example\">"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://w\">"
        "<title>one</title><desc>by a plotter</desc><!-- a > b -->"
        "<g id='p'><title>one_plot_1</title><text>id='p' &lt;b&gt;</text>"
        "<title>a tip</title></g>"
        "<use xlink:href='#p' fill = \"url(#q) x url(#r)\"/></svg>\n";
    ipm_auto_free char *text = NULL;
    (void)state;
    assert_int_equal(ipm_html_svg(svg, "one", "a \"label\"", &text, NULL), 0);
    assert_string_equal(
        text, "\n<svg role=\"img\" aria-label=\"a &quot;label&quot;\" "
              "xmlns=\"http://www.w3.org/2000/svg\">"
              "<g id='one-p'><text>id='p' &lt;b&gt;</text><title>a tip</title></g>"
              "<use href='#one-p' fill=\"url(#one-q) x url(#one-r)\"/></svg>\n");
}

static void pictures_that_do_more_are_refused(void **state)
{
    static const char *const inner[] = {
        "<script>x</script>",
        "<foreignObject/>",
        "<image href='data:x'/>",
        "<g onload='x'/>",
        "<g OnClick=\"x\"/>",
        "<use href='http://out.example/#p'/>",
        "<use xlink:href=''/>",
        "<g style='fill:url(http://out.example)'/>",
        "<g fill='url(' />",
        "<g id=p/>",
        "<g id='p",
        "<g",
        "<!-- never ends",
        "<title>one",
        "<style>a{}</style>",
        "<a href='#p'/>",
        "<![CDATA[<script>]]>",
        "<",
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(inner); i++) {
        char svg[256];
        char *text = NULL;
        struct ipm_why why = {0};
        (void)snprintf(svg, sizeof(svg), "<svg><g></g>%s</svg>", inner[i]);
        if (ipm_html_svg(svg, "one", "one", &text, &why) == 0)
            fail_msg("%s was taken: %s", inner[i], text);
        assert_null(text);
        assert_int_equal(why.error, -EINVAL);
        assert_true(why.text[0] != '\0');
    }
    char *text = NULL;
    assert_int_equal(ipm_html_svg("", "one", "one", &text, NULL), -EINVAL);
    assert_int_equal(ipm_html_svg("<svg>", "one", "one", &text, NULL), -EINVAL);
}

static char *page_of(void **state, const json_t *report)
{
    char path[256];
    size_t length = 0;
    assert_int_equal(ipm_report_html(report, *state, NULL), 0);
    return ipm_test_read(ipm_test_path(state, "report.html", path), &length);
}

/* A report of another version, or one that was cut about, still gives a page. */
static void an_empty_report_gives_a_page(void **state)
{
    ipm_auto_json json_t *empty = json_object();
    ipm_auto_free char *page = page_of(state, empty);
    assert_non_null(strstr(page, "run without a name"));
    assert_non_null(strstr(page, "No picture: this report has none"));
    assert_non_null(strstr(page, "No point was measured"));
    assert_non_null(strstr(page, "</html>"));
}

static void mistyped_members_give_a_page(void **state)
{
    static const char *const keys[] = {
        "name",      "started",   "host",        "environment", "health",   "answer",
        "ladder",    "floors",    "points",      "failures",    "invalid",  "skips",
        "models",    "plots",     "unavailable", "bad_lines",   "commands", "passes",
        "workloads", "run_order", "percentiles"};
    static const char *const values[] = {"7", "\"x\"", "[7, \"x\", [], {}]",
                                         "{\"a\": 7, \"b\": {}, \"c\": []}", "null"};
    for (size_t i = 0; i < IPM_TEST_ROWS(values); i++) {
        ipm_auto_json json_t *report = json_object();
        for (size_t k = 0; k < IPM_TEST_ROWS(keys); k++)
            (void)json_object_set_new(report, keys[k],
                                      json_loads(values[i], JSON_DECODE_ANY, NULL));
        ipm_auto_free char *page = page_of(state, report);
        assert_non_null(strstr(page, "</html>"));
    }
}

/* A picture's name out of the document is no way to another file. */
static void only_the_own_pictures_are_read(void **state)
{
    char path[256];
    ipm_test_write(ipm_test_path(state, "secret.svg", path), "<svg>secret</svg>", 17);
    ipm_auto_json json_t *report =
        json_pack("{s:{s:{s:s}}}", "plots", "ladder", "picture", "secret.svg");
    ipm_auto_free char *page = page_of(state, report);
    assert_null(strstr(page, "secret"));
}

static void a_torn_picture_leaves_a_note(void **state)
{
    char path[256];
    assert_int_equal(mkdir(ipm_test_path(state, "plots", path), 0755), 0);
    ipm_test_write(ipm_test_path(state, "plots/ladder.svg", path), "<svg><g", 7);
    ipm_auto_json json_t *report =
        json_pack("{s:{s:{s:s}}}", "plots", "ladder", "picture", "plots/ladder.svg");
    ipm_auto_free char *page = page_of(state, report);
    assert_non_null(strstr(page, "No picture: the picture is no whole SVG."));
}

/* A point of a workload, which has a metric of that name. */
static json_t *scenario(const char *family, const char *metric)
{
    return json_pack(
        "{s:[{s:s, s:s, s:s, s:[{s:s, s:s, s:s}]}], s:[{s:s, s:s, s:i, s:{s:{s:f}}}]}",
        "workloads", "name", "the_work", "family", family, "summary", "what it is",
        "metrics", "name", metric, "unit", "ns", "better", "lower", "points",
        "workload", "the_work", "mechanism", "m", "size", 64, "figures", metric,
        "value", 1234.0);
}

static void a_scenario_has_a_part_of_its_own(void **state)
{
    ipm_auto_json json_t *report = scenario("a scenario", "own_ns");
    ipm_auto_free char *page = page_of(state, report);
    assert_non_null(strstr(page, "<a href=\"#workload-0\">the_work</a>"));
    assert_non_null(strstr(page, "<h2 id=\"workload-0\">the_work</h2>"));
    assert_non_null(strstr(page, "own_ns, in ns: lower is better"));
    assert_non_null(strstr(page, "<th scope=\"col\" class=\"n\">own_ns</th>"));
    assert_non_null(strstr(page, ">1.23 us"));

    /* Without words of its own, plain traffic has none; nor has what was not measured. */
    json_t *workload = json_array_get(json_object_get(report, "workloads"), 0);
    (void)json_object_set_new(workload, "metrics", json_array());
    ipm_auto_free char *still = page_of(state, report);
    assert_non_null(strstr(still, "workload-0"));
    (void)json_object_set_new(workload, "family", json_string("closed loop"));
    ipm_auto_free char *traffic = page_of(state, report);
    assert_null(strstr(traffic, "workload-0"));
    (void)json_object_set_new(workload, "family", json_string("a scenario"));
    (void)json_object_set_new(report, "points", json_array());
    ipm_auto_free char *unmeasured = page_of(state, report);
    assert_null(strstr(unmeasured, "workload-0"));
}

static void more_metrics_than_there_is_room_for(void **state)
{
    ipm_auto_json json_t *report = scenario("a scenario", "own_ns");
    json_t *workload = json_array_get(json_object_get(report, "workloads"), 0);
    for (int i = 0; i < 100; i++)
        (void)json_array_append_new(json_object_get(workload, "metrics"),
                                    json_pack("{s:s}", "name", "own_ns"));
    ipm_auto_free char *page = page_of(state, report);
    assert_non_null(strstr(page, "</html>"));
}

/* Without joules, what they come from; and why a column is not there. */
static void costs_stand_in_for_joules(void **state)
{
    ipm_auto_json json_t *report = json_pack(
        "{s:[{s:s, s:s, s:i, s:{s:{s:f}, s:{s:f}}}], s:{s:{s:s}, s:{s:s}}}", "points",
        "workload", "pingpong", "mechanism", "m", "size", 64, "figures",
        "cpu_ns_per_message", "value", 2500.0, "bytes_copied_per_message", "value",
        128.0, "unavailable", "syscalls", "reason", "the planted reason",
        "dtlb_load_misses", "reason", "the other reason");
    assert_non_null(report);
    ipm_auto_free char *page = page_of(state, report);
    assert_non_null(strstr(page, "What a message costs instead of joules"));
    assert_non_null(strstr(page, ">2.5 us"));
    assert_non_null(strstr(page, "No system calls/message: the planted reason."));
    assert_non_null(strstr(page, "No dTLB load misses/message: the other reason."));
}

static void the_question_names_the_size(void **state)
{
    ipm_auto_json json_t *report =
        json_pack("{s:{s:i, s:[s]}, s:{s:s}}", "ladder", "size", 4096, "points", "a",
                  "answer", "fastest", "the planted answer");
    ipm_auto_free char *page = page_of(state, report);
    assert_non_null(strstr(page, "getting a message of 4 KiB to another process"));
    assert_non_null(
        strstr(page, "<dt>Answer</dt><dd class=\"first\">the planted answer"));
    assert_non_null(
        strstr(page, "<span class=\"ok\">0</span> kept though the machine"));
}

/* Style, script and pictures are files; a picture of an earlier report is gone. */
static void a_folder_holds_what_the_page_does_not(void **state)
{
    static const char svg[] = "<svg viewBox='0 0 1 1'><g id='g'/></svg>";
    char path[256];
    size_t length = 0;
    assert_int_equal(mkdir(ipm_test_path(state, "plots", path), 0755), 0);
    ipm_test_write(ipm_test_path(state, "plots/ladder.svg", path), svg,
                   sizeof(svg) - 1);
    ipm_auto_json json_t *report =
        json_pack("{s:{s:{s:s}}}", "plots", "ladder", "picture", "plots/ladder.svg");
    assert_int_equal(ipm_report_html_folder(report, *state, NULL), 0);
    ipm_auto_free char *page =
        ipm_test_read(ipm_test_path(state, "html/index.html", path), &length);
    assert_non_null(strstr(page, "<img src=\"ladder.svg\" alt=\"The ladder\"/>"));
    assert_null(strstr(page, "<style"));
    assert_null(strstr(page, "<script>"));
    assert_null(strstr(page, "style="));
    ipm_auto_free char *picture =
        ipm_test_read(ipm_test_path(state, "html/ladder.svg", path), &length);
    assert_non_null(strstr(picture, "id='ladder-g'"));
    ipm_auto_free char *script =
        ipm_test_read(ipm_test_path(state, "html/script.js", path), &length);
    ipm_auto_free char *style =
        ipm_test_read(ipm_test_path(state, "html/style.css", path), &length);
    assert_non_null(strstr(script, "sortable"));
    assert_non_null(strstr(style, "@media print"));

    ipm_auto_json json_t *none = json_object();
    assert_int_equal(ipm_report_html_folder(none, *state, NULL), 0);
    assert_int_not_equal(access(ipm_test_path(state, "html/ladder.svg", path), F_OK),
                         0);
}

/* Every member of report.json is in its schema, and the other way round. */
static void the_schema_names_every_member(void **state)
{
    char path[256];
    size_t length = 0;
    ipm_auto_free char *records =
        ipm_test_read(IPM_SOURCE "/tests/golden/small-run/records.jsonl", &length);
    ipm_test_write(ipm_test_path(state, "records.jsonl", path), records, length);
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    ipm_auto_json json_t *report =
        json_load_file(ipm_test_path(state, "report.json", path), 0, NULL);
    ipm_auto_json json_t *schema =
        json_load_file(IPM_SOURCE "/docs/report.schema.json", 0, NULL);
    const json_t *members = json_object_get(schema, "properties");
    const char *key;
    json_t *ignored;
    assert_true(json_object_size(report) > 0);
    json_object_foreach(report, key, ignored)
    {
        if (json_object_get(members, key) == NULL)
            fail_msg("%s is not in the schema", key);
    }
    json_object_foreach((json_t *)members, key, ignored)
    {
        if (json_object_get(report, key) == NULL)
            fail_msg("%s is in the schema only", key);
    }
    assert_int_equal(json_array_size(json_object_get(schema, "required")),
                     json_object_size(members));
}

#define WITH_DIRECTORY(test)                                                           \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_text),
        cmocka_unit_test(the_invisible_is_shown),
        cmocka_unit_test(random_bytes_stay_inside),
        cmocka_unit_test(formats_escape),
        cmocka_unit_test(numbers_and_values),
        cmocka_unit_test(pictures_are_renamed),
        cmocka_unit_test(pictures_that_do_more_are_refused),
        WITH_DIRECTORY(an_empty_report_gives_a_page),
        WITH_DIRECTORY(mistyped_members_give_a_page),
        WITH_DIRECTORY(only_the_own_pictures_are_read),
        WITH_DIRECTORY(a_torn_picture_leaves_a_note),
        WITH_DIRECTORY(a_scenario_has_a_part_of_its_own),
        WITH_DIRECTORY(more_metrics_than_there_is_room_for),
        WITH_DIRECTORY(costs_stand_in_for_joules),
        WITH_DIRECTORY(the_question_names_the_size),
        WITH_DIRECTORY(a_folder_holds_what_the_page_does_not),
        WITH_DIRECTORY(the_schema_names_every_member),
    };
    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
