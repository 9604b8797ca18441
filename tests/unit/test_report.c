/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gnuplot.h"
#include "analysis/report.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "tests/support/records.h"

#include <errno.h>
#include <math.h>

static const char golden[] = IPM_SOURCE "/tests/golden/small-run/records.jsonl";

/* What @put writes, as a string; the caller frees it. */
#define CAPTURE(text, put)                                                             \
    do {                                                                               \
        size_t capture_length = 0;                                                     \
        FILE *out = open_memstream(&(text), &capture_length);                          \
        assert_non_null(out);                                                          \
        put;                                                                           \
        assert_int_equal(fclose(out), 0);                                              \
    } while (0)

static void copy_golden(void **state)
{
    char path[256];
    size_t length = 0;
    ipm_auto_free char *text = ipm_test_read(golden, &length);
    ipm_test_write(ipm_test_path(state, "records.jsonl", path), text, length);
}

static void put_three_rungs(void **state, const char *mechanism)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 6; i++) {
        ipm_test_put_row(file, (struct ipm_test_row){.point = "a",
                                                     .mechanism = mechanism,
                                                     .invocation = i,
                                                     .p50_ns = 4000 + i});
        ipm_test_put_row(file, (struct ipm_test_row){.point = "b",
                                                     .mechanism = mechanism,
                                                     .placement = "nearest_core",
                                                     .invocation = i,
                                                     .p50_ns = 8000 + i});
        ipm_test_put_row(file, (struct ipm_test_row){.point = "c",
                                                     .mechanism = mechanism,
                                                     .placement = "nearest_core",
                                                     .wait = "spin",
                                                     .invocation = i,
                                                     .p50_ns = 400 + i});
    }
    assert_int_equal(fclose(file), 0);
}

static char *text_of(const char *directory)
{
    char *text = NULL;
    struct ipm_why why = {0};
    int error = 0;
    CAPTURE(text, error = ipm_report_text(directory, NULL, out, &why));
    if (error != 0)
        fail_msg("%s", why.text);
    return text;
}

static bool exists(void **state, const char *name)
{
    char path[256];
    return access(ipm_test_path(state, name, path), F_OK) == 0;
}

static bool have_gnuplot(void **state)
{
    struct ipm_why why;
    char path[256];
    ipm_test_write(ipm_test_path(state, "probe.gp", path), "", 0);
    int result = ipm_gnuplot_run(*state, "probe.gp", &why);
    (void)unlink(path);
    return result == 0;
}

static void no_records_is_an_error(void **state)
{
    struct ipm_why why = {0};
    assert_int_equal(ipm_report_write(*state, NULL, &why), -ENOENT);
    assert_non_null(strstr(why.text, "records.jsonl"));
    assert_false(exists(state, "report.json"));
    assert_int_equal(ipm_report_text("/nonexistent", NULL, stdout, &why), -ENOENT);
}

static void without_its_manifest_a_run_is_reported_and_says_so(void **state)
{
    static const struct {
        const char *text; /* NULL: no file */
        const char *says;
    } rows[] = {
        {NULL, "absent: there is none"},
        {"{\"name\": ", "failed: line 1"},
        {"", "failed: line 1"},
        {"[]", "failed: no schema number"},
        {"{\"name\":\"x\"}", "failed: no schema number"},
        {"{\"schema\":0,\"name\":\"x\"}", "failed: schema 0, this build reads 1"},
        {"{\"schema\":2,\"name\":\"x\"}", "failed: schema 2, this build reads 1"}};
    char path[256];
    put_three_rungs(state, "pipe");
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        if (rows[i].text != NULL)
            ipm_test_write(ipm_test_path(state, "manifest.json", path), rows[i].text,
                           strlen(rows[i].text));
        assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
        ipm_auto_json json_t *json =
            json_load_file(ipm_test_path(state, "report.json", path), 0, NULL);
        const json_t *health = json_object_get(json, "health");
        const char *said = json_string_value(json_object_get(health, "manifest"));
        assert_non_null(said);
        assert_non_null(strstr(said, rows[i].says));
        assert_true(json_array_size(json_object_get(json, "points")) > 0);
        ipm_auto_free char *text = text_of(*state);
        assert_non_null(strstr(text, "WITHOUT manifest.json"));
        assert_non_null(strstr(text, rows[i].says));
        size_t length = 0;
        ipm_auto_free char *page =
            ipm_test_read(ipm_test_path(state, "report.html", path), &length);
        assert_non_null(strstr(page, "no manifest.json"));
        assert_non_null(strstr(page, rows[i].says));
    }
}

static void an_empty_run_has_an_answer_too(void **state)
{
    assert_int_equal(fclose(ipm_test_records(state)), 0);
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    assert_true(exists(state, "report.json"));
    assert_false(exists(state, "plots/ladder.svg"));
    ipm_auto_free char *text = text_of(*state);
    assert_non_null(strstr(text, "no ping-pong point"));
    assert_non_null(strstr(text, "no round trip was measured"));
}

static void the_same_records_give_the_same_bytes(void **state)
{
    char path[256];
    size_t first_length = 0;
    size_t second_length = 0;
    copy_golden(state);
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    (void)ipm_test_path(state, "report.json", path);
    ipm_auto_free char *first = ipm_test_read(path, &first_length);
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    ipm_auto_free char *second = ipm_test_read(path, &second_length);
    assert_int_equal(first_length, second_length);
    assert_memory_equal(first, second, first_length);
    assert_null(strstr(first, *state)); /* made to be shared: no path in it */
}

/* Everything in the words is in the document. */
static void words_and_document_agree(void **state)
{
    put_three_rungs(state, "pipe");
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    char path[256];
    ipm_auto_json json_t *json =
        json_load_file(ipm_test_path(state, "report.json", path), 0, NULL);
    assert_non_null(json);
    const json_t *answer = json_object_get(json, "answer");
    const char *fastest = json_string_value(json_object_get(answer, "fastest"));
    assert_non_null(strstr(fastest, "pipe (2 copies, wait spin, nearest_core)"));
    assert_non_null(strstr(fastest, "pipe (2 copies, wait block, same_cpu)"));
    assert_non_null(strstr(fastest, "9.94 times as long")); /* 4002.5 / 402.5 */
    const char *effect = json_string_value(json_object_get(answer, "effect"));
    assert_non_null(strstr(effect, "takes 2 times what it takes on same_cpu (1 pair)"));
    assert_non_null(strstr(effect, "19.9 times the time of wait spin (1 pair)"));
    const json_t *points = json_object_get(json_object_get(json, "ladder"), "points");
    assert_int_equal(json_array_size(points), 3);
    assert_string_equal(json_string_value(json_array_get(points, 0)), "c");

    /* Wrapped text: compare without the breaks. */
    ipm_auto_free char *text = text_of(*state);
    size_t kept = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '\n' && *at != ' ')
            text[kept++] = *at;
    }
    text[kept] = '\0';
    ipm_auto_free char *bare = strdup(fastest);
    kept = 0;
    for (const char *at = bare; *at != '\0'; at++) {
        if (*at != ' ')
            bare[kept++] = *at;
    }
    bare[kept] = '\0';
    assert_non_null(strstr(text, bare));
}

/* Of two invocations there is no interval, and so nobody who is known to be the fastest. */
static void the_fastest_of_too_few_is_not_told(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 2; i++) {
        ipm_test_put_row(file, (struct ipm_test_row){.point = "a",
                                                     .mechanism = "pipe",
                                                     .invocation = i,
                                                     .p50_ns = 4000 + i});
        ipm_test_put_row(file, (struct ipm_test_row){.point = "b",
                                                     .mechanism = "fifo",
                                                     .invocation = i,
                                                     .p50_ns = 400 + i});
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ipm_report_write(*state, NULL, NULL), 0);
    char path[256];
    ipm_auto_json json_t *json =
        json_load_file(ipm_test_path(state, "report.json", path), 0, NULL);
    const char *fastest =
        json_string_value(json_object_get(json_object_get(json, "answer"), "fastest"));
    assert_non_null(fastest);
    assert_non_null(strstr(fastest, "whether it is faster than pipe (2 copies"));
    assert_non_null(strstr(fastest, "cannot be told without their intervals"));
    assert_null(strstr(fastest, "overlap"));
}

/* A PATH without gnuplot: the data and the script are there, and the reason. */
static void without_gnuplot_the_report_says_why(void **state)
{
    put_three_rungs(state, "pipe");
    ipm_auto_free char *path_before = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    int error = ipm_report_write(*state, NULL, NULL);
    assert_int_equal(setenv("PATH", path_before, 1), 0);
    assert_int_equal(error, 0);
    assert_true(exists(state, "plots/ladder.gp") && exists(state, "plots/ladder.dat"));
    assert_false(exists(state, "plots/ladder.svg"));
    ipm_auto_free char *text = text_of(*state);
    assert_non_null(strstr(text, "gnuplot is not installed"));
}

/* Words that would do harm if gnuplot, a shell or a terminal took them for more. */
static void hostile_words_do_nothing(void **state)
{
    static const char *const words[] = {
        "'; system \"touch pwned\" #",
        "`touch pwned`",
        "\"; !touch pwned\n set output 'pwned'",
        "@x \\ $(touch pwned) {/:Bold <script>&]]>",
        "\x1b[31mred\x07\xc2\x9b",
    };
    bool drawn = have_gnuplot(state);
    if (!drawn)
        print_message("without gnuplot: the picture is not tried\n");
    for (size_t i = 0; i < IPM_TEST_ROWS(words); i++) {
        put_three_rungs(state, words[i]);
        struct ipm_why why = {0};
        if (ipm_report_write(*state, NULL, &why) != 0)
            fail_msg("%s", why.text);
        assert_false(exists(state, "pwned") || exists(state, "plots/pwned"));
        assert_int_not_equal(access("pwned", F_OK), 0);
        assert_int_equal(exists(state, "plots/ladder.svg"), drawn);
        ipm_auto_free char *text = text_of(*state);
        for (const char *at = text; *at != '\0'; at++)
            assert_true(*at == '\n' || (unsigned char)*at >= ' ');
        if (!drawn)
            continue;
        char path[256];
        size_t length = 0;
        ipm_auto_free char *picture =
            ipm_test_read(ipm_test_path(state, "plots/ladder.svg", path), &length);
        assert_null(strstr(picture, "<script"));
        assert_null(strchr(picture, '\x1b'));
        assert_non_null(strstr(picture, "</svg>"));
    }
}

static void gnuplot_text_is_quoted(void **state)
{
    (void)state;
    ipm_auto_free char *string = NULL;
    CAPTURE(string, ipm_gnuplot_string(out, "it's\n\\n `x`"));
    assert_string_equal(string, "'it\xe2\x80\x99s \\n `x`'");
    ipm_auto_free char *column = NULL;
    CAPTURE(column, ipm_gnuplot_column(out, "a \"b\" \\101\t"));
    assert_string_equal(column, "\"a 'b' /101 \"");
}

static void gnuplot_failures_are_told(void **state)
{
    if (!have_gnuplot(state)) {
        print_message("skipped: gnuplot is not installed\n");
        skip();
    }
    char path[256];
    struct ipm_why why = {0};
    static const char script[] = "plot nonsense(\n";
    ipm_test_write(ipm_test_path(state, "bad.gp", path), script, strlen(script));
    assert_int_equal(ipm_gnuplot_run(*state, "bad.gp", &why), -EIO);
    assert_non_null(strstr(why.text, "exited with status"));
    assert_true(ipm_gnuplot_run("/nonexistent", "bad.gp", &why) < 0);
}

static void estimates_read_in_one_unit(void **state)
{
    (void)state;
    static const struct {
        double value, low, high;
        const char *expected;
    } cases[] = {
        {213, 210, 220, "213 ns [210, 220]"},
        {1500, 990, 2000, "1.5 us [0.99, 2]"},
        {2.5e6, 2e6, 3e6, "2.5 ms [2, 3]"},
        {7, NAN, NAN, "7 ns [?]"},
        {NAN, NAN, NAN, "-"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        char text[IPM_ESTIMATE_TEXT];
        struct ipm_estimate estimate = {
            .value = cases[i].value, .low = cases[i].low, .high = cases[i].high};
        assert_string_equal(ipm_estimate_text(text, &estimate), cases[i].expected);
    }
}

static void text_is_wrapped_and_cleaned(void **state)
{
    (void)state;
    char words[1200] = "";
    for (int i = 0; i < 100; i++)
        (void)strcat(words, i % 7 == 0 ? "caf\xc3\xa9s " : "word\x1b ");
    ipm_auto_free char *text = NULL;
    CAPTURE(text, ipm_text_wrap(out, 10, words));
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "caf\xc3\xa9s"));
    int column = 10;
    for (const char *at = text; *at != '\0'; at++) {
        column = *at == '\n' ? 0 : column + (((unsigned char)*at & 0xc0) != 0x80);
        assert_true(column <= IPM_TEXT_WIDTH);
    }
}

#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(no_records_is_an_error),
        IN_DIRECTORY(without_its_manifest_a_run_is_reported_and_says_so),
        IN_DIRECTORY(an_empty_run_has_an_answer_too),
        IN_DIRECTORY(the_same_records_give_the_same_bytes),
        IN_DIRECTORY(words_and_document_agree),
        IN_DIRECTORY(the_fastest_of_too_few_is_not_told),
        IN_DIRECTORY(without_gnuplot_the_report_says_why),
        IN_DIRECTORY(hostile_words_do_nothing),
        cmocka_unit_test(gnuplot_text_is_quoted),
        IN_DIRECTORY(gnuplot_failures_are_told),
        cmocka_unit_test(estimates_read_in_one_unit),
        cmocka_unit_test(text_is_wrapped_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
