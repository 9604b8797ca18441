/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stops.h"
#include "harness/tally.h"
#include "tests/support/test.h"

static char *printed(const json_t *tally)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ipm_tally_print(tally, "failed", out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* By reason, the most frequent first, then by name; a terminal is not told to do things. */
static void reasons(void **state)
{
    static const char *const names[] = {"pipe", "fifo", "pty", "udp", "tcp", "udp"};
    json_t *tally = json_object();
    json_t *record = json_pack("{s:s,s:s,s:s}", "phase", "attach", "reason",
                               "EIO: \033[2J", "mechanism", "dbus");
    (void)state;
    char *text = printed(tally);
    assert_string_equal(text, "");
    free(text);
    ipm_tally_failure(tally, record);
    ipm_tally_add(tally, "another", "pipe");
    for (size_t i = 0; i < IPM_TEST_ROWS(names); i++)
        ipm_tally_add(tally, "often", names[i]);
    text = printed(tally);
    assert_non_null(strstr(text, "failed: 8\n"));
    assert_non_null(strstr(text, "     6  often (pipe, fifo, pty, udp and 1 more)\n"));
    assert_non_null(strstr(text, "     1  another (pipe)\n"));
    assert_non_null(strstr(text, "     1  attach: EIO: "));
    assert_null(strchr(text, '\033'));
    assert_true(strstr(text, "often") < strstr(text, "another"));
    assert_true(strstr(text, "another") < strstr(text, "attach"));
    free(text);
    json_decref(record);
    json_decref(tally);
}

static void stops(void **state)
{
    char text[IPM_STOPS_TEXT];
    json_t *manifest =
        json_pack("{s:{s:{s:s,s:f},s:{s:s,s:f},s:{s:s,s:n},s:i}}", "stops", "a",
                  "reason", "precise", "half_width", 0.01, "b", "reason", "most",
                  "half_width", 0.25, "c", "reason", "failed", "half_width", "d", 3);
    json_t *found = ipm_stops_json(manifest);
    (void)state;
    assert_string_equal(
        ipm_stops_text(found, text),
        "1 precise enough, 1 ended by the most invocations, 1 given up, "
        "most invocations failed; the widest interval of a median is "
        "+- 25 %");
    json_decref(found);
    (void)json_object_set_new(manifest, "stops", json_string("nonsense"));
    found = ipm_stops_json(manifest);
    assert_string_equal(ipm_stops_text(found, text), "");
    json_decref(found);
    json_decref(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reasons),
                                       cmocka_unit_test(stops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
