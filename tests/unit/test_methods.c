/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/methods.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "tests/support/records.h"

#include <errno.h>
#include <string.h>

static char *of(const char *document)
{
    ipm_auto_json json_t *report = json_loads(document, 0, NULL);
    assert_non_null(report);
    char *text = ipm_methods_text(report);
    assert_non_null(text);
    return text;
}

static void says(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("'%s' is not in: %s", wanted, text);
}

static void hides(const char *text, const char *word)
{
    if (strstr(text, word) != NULL)
        fail_msg("'%s' is in: %s", word, text);
}

/* Of a report without members nothing is made up: no statistics, no seed, no machine. */
static void nothing_is_made_up(void **state)
{
    (void)state;
    ipm_auto_free char *text = of("{}");
    static const char *const words[] = {"median", "interval", "seed",   "window",
                                        "Energy", "model",    "random", "percentile",
                                        "kernel", "set aside"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        hides(text, words[i]);
    says(text, "0 points.");
    says(text, "What machine it was is not recorded.");
    ipm_auto_free char *other =
        of("{\"points\": 3, \"config\": [], \"health\": null, \"passes\": {},"
           " \"environment\": {\"drift\": 7}, \"models\": \"x\", \"host\": []}");
    assert_string_equal(text, other);
}

#define POINT                                                                          \
    "{\"workload\": \"pingpong\", \"mechanism\": \"%s\","                              \
    " \"passes\": {\"timing\": {\"ok\": %d}}, \"overhead\": {\"clock_ns\": %s,"        \
    " \"loop_ns\": %s}, \"figures\": {\"p50_ns\": {\"value\": 5, \"low\": %s},"        \
    " \"p99_ns\": {\"value\": %s}}}"

static char *of_points(const char *clock, const char *loop, const char *low,
                       const char *tail)
{
    char one[600];
    char other[600];
    char document[2000];
    (void)snprintf(one, sizeof(one), POINT, "pipe", 6, clock, loop, low, tail);
    (void)snprintf(other, sizeof(other), POINT, "udp", 9, clock, loop, low, tail);
    (void)snprintf(document, sizeof(document),
                   "{\"version\": \"9.8.7\", \"points\": [%s, %s, %s]}", one, other,
                   one);
    return of(document);
}

static void statistics_follow_the_figures(void **state)
{
    (void)state;
    ipm_auto_free char *none = of_points("null", "null", "null", "null");
    says(none, "ipcmeter 9.8.7: 3 points");
    says(none, "2 mechanisms: pipe and udp");
    says(none, "6 to 9 invocations");
    says(none, "medians over invocations.");
    hides(none, "Hettmansperger");
    hides(none, "Percentiles");
    hides(none, "clock read");
    ipm_auto_free char *some = of_points("1", "null", "4", "7");
    says(some, "95 % intervals between order statistics");
    says(some, "Percentiles");
    hides(some, "jackknife");
    says(some, "less the share of the clock read;");
    ipm_auto_free char *all = of_points("1", "2", "4", "7");
    says(all, "of the clock read and of an empty loop");
}

static void what_was_not_measured_is_named(void **state)
{
    (void)state;
    ipm_auto_free char *text =
        of("{\"passes\": [{\"name\": \"timing\", \"available\": true},"
           " {\"name\": \"energy\", \"available\": false, \"reason\": \"absent: x\"},"
           " {\"name\": \"idle\", \"available\": false, \"reason\": \"absent: x\"},"
           " {\"name\": \"core\", \"available\": false, \"reason\": null}],"
           " \"health\": {\"failed\": 1, \"skips\": 2, \"quick\": true},"
           " \"host\": {\"cpu_model\": \"A CPU\", \"hypervisor\": false},"
           " \"config\": {\"repeat\": {\"window\": \"5ms\", \"precision\": 0.02}},"
           " \"seed\": 42}");
    says(text,
         "Not measured: energy and idle (absent: x); core (no reason is recorded).");
    says(text, "1 invocation failed, 2 combinations were skipped.");
    says(text, "not for publication");
    says(text, "The machine: A CPU.");
    says(text, "(seed 42)");
    says(text, "at most 2 % of the median");
    hides(text, "a guest");
    hides(text, "interrupted");
}

static void joules_have_their_word(void **state)
{
    (void)state;
    ipm_auto_free char *text = of(
        "{\"points\": [{\"figures\": {\"e\": {\"value\": 1, \"provenance\":"
        " \"simulated\"}, \"f\": {\"value\": null, \"provenance\": \"measured\"}}}]}");
    says(text, "Energy is simulated:");
    hides(text, "measured:");
}

/* Of a run: one line, nothing written, control characters of the run not passed on. */
static void a_directory(void **state)
{
    char path[256];
    ipm_auto_free char *out_text = NULL;
    size_t length = 0;
    struct ipm_why why = {0};
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 6; i++)
        ipm_test_put_row(file, (struct ipm_test_row){.point = "a",
                                                     .mechanism = "pipe\x1b[31m\n",
                                                     .invocation = i,
                                                     .p50_ns = 4000 + i});
    assert_int_equal(fclose(file), 0);
    const char *folder = ipm_test_path(state, "", path);
    FILE *out = open_memstream(&out_text, &length);
    assert_non_null(out);
    assert_int_equal(ipm_methods_put(folder, out, &why), 0);
    assert_int_equal(fclose(out), 0);
    says(out_text, "in 6 invocations");
    hides(out_text, "\x1b");
    assert_ptr_equal(strchr(out_text, '\n'), out_text + length - 1);
    char made[300];
    (void)snprintf(made, sizeof(made), "%s/report.json", folder);
    assert_int_not_equal(access(made, F_OK), 0);
    assert_int_equal(ipm_methods_put("/nowhere", stderr, &why), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_up),
        cmocka_unit_test(statistics_follow_the_figures),
        cmocka_unit_test(what_was_not_measured_is_named),
        cmocka_unit_test(joules_have_their_word),
        cmocka_unit_test_setup_teardown(a_directory, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
