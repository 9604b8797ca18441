/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/export_parts.h"
#include "base/cleanup.h"
#include "tests/support/records.h"

#include <errno.h>
#include <math.h>

/* One format of the records in the test's directory; the caller frees the text. */
static char *export_as(void **state, const char *format, int wanted,
                       struct ipm_export_losses *losses)
{
    ipm_auto_report struct ipm_report report = {0};
    const struct ipm_report_wishes wishes = {.no_models = true};
    struct ipm_why why = {0};
    char *text = NULL;
    size_t size = 0;
    if (ipm_report_load(*state, &wishes, &report, &why) != 0)
        fail_msg("%s", why.text);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    int got = ipm_export_write(ipm_export_format(format), &report, out, losses, &why);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(got, wanted);
    if (wanted != 0)
        assert_int_equal(size, 0);
    return text;
}

static json_t *json_of(void **state, const char *format)
{
    ipm_auto_free char *text = export_as(state, format, 0, NULL);
    json_error_t problem;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (json == NULL)
        fail_msg("%s: %s", format, problem.text);
    return json;
}

static void put_manifest(void **state, const char *text)
{
    char path[256];
    ipm_test_write(ipm_test_path(state, "manifest.json", path), text, strlen(text));
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void formats_are_found(void **state)
{
    (void)state;
    assert_null(ipm_export_format("xml"));
    assert_null(ipm_export_format(""));
    for (size_t i = 0; i < ipm_export_n_formats; i++) {
        const struct ipm_export_format *format = &ipm_export_formats[i];
        assert_ptr_equal(ipm_export_format(format->name), format);
        assert_true(strlen(format->purpose) <= 60);
    }
}

static void an_empty_run_is_nothing(void **state)
{
    assert_int_equal(fclose(ipm_test_records(state)), 0);
    for (size_t i = 0; i < ipm_export_n_formats; i++)
        free(export_as(state, ipm_export_formats[i].name, IPM_EXPORT_NOTHING, NULL));
}

static void a_run_that_failed_is_no_figure(void **state)
{
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.status = "failed", .p50_ns = 400});
    assert_int_equal(fclose(file), 0);
    free(export_as(state, "csv", IPM_EXPORT_NOTHING, NULL));
    free(export_as(state, "gbench", IPM_EXPORT_NOTHING, NULL));
    free(export_as(state, "bmf", IPM_EXPORT_NOTHING, NULL));
    ipm_auto_free char *junit = export_as(state, "junit", 0, NULL);
    assert_holds(junit, "tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\"");
    assert_holds(junit, "1 of 1 invocations failed: the record gives no reason");
    assert_null(strstr(junit, "<system-out>"));
}

static void a_full_disk_is_seen(void **state)
{
    ipm_auto_report struct ipm_report report = {0};
    struct ipm_why why = {0};
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 400, .cpu_ns = 200});
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ipm_report_load(*state, NULL, &report, &why), 0);
    for (size_t i = 0; i < ipm_export_n_formats; i++) {
        ipm_auto_file FILE *full = fopen("/dev/full", "we");
        if (full == NULL)
            skip();
        why = (struct ipm_why){0};
        assert_int_equal(
            ipm_export_write(&ipm_export_formats[i], &report, full, NULL, &why), -EIO);
        assert_int_equal(why.error, -EIO);
    }
}

static void names_tell_what_is_not_usual(void **state)
{
    static const struct {
        struct ipm_factors factors;
        const char *name;
    } rows[] = {
        {{.workload = "pingpong",
          .mechanism = "pipe",
          .placement = "same_cpu",
          .wait = "block",
          .touch = "none",
          .policy = "other",
          .rate = "max",
          .options = "",
          .size = 64,
          .copies = 2,
          .depth = 64,
          .batch = 16,
          .reply_size = -1},
         "pingpong/pipe/64/same_cpu/block/copies=2"},
        {{.workload = "stream",
          .mechanism = "a\nb\xe2\x80\xae",
          .placement = "{\"cpus\":[0,1]}",
          .wait = "",
          .touch = "full",
          .policy = "fifo",
          .rate = "50%",
          .options = "pipe.a=1 pipe.b=2",
          .size = -1,
          .copies = -1,
          .depth = 1,
          .batch = 1,
          .reply_size = 0},
         "stream/a\\u000Ab\\u202E/-/{\"cpus\":[0,1]}/-/rate=50%/touch=full/depth=1/"
         "batch=1/reply_size=0/policy=fifo/pipe.a=1/pipe.b=2"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        bool cut = true;
        ipm_auto_free char *name = ipm_export_name(&rows[i].factors, &cut);
        assert_string_equal(name, rows[i].name);
        assert_false(cut);
    }
}

static void long_names_are_cut_and_stay_apart(void **state)
{
    char words[2][3000];
    char *names[2];
    struct ipm_factors factors = {.workload = "pingpong",
                                  .placement = "",
                                  .wait = "",
                                  .touch = "",
                                  .policy = "",
                                  .rate = "",
                                  .options = "",
                                  .copies = -1,
                                  .depth = -1,
                                  .batch = -1,
                                  .reply_size = -1};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (int at = 0; at + 2 < 2998; at += 2)
            memcpy(words[i] + at, "\xc3\xa9", 3); /* of two bytes each */
        (void)strcat(words[i], i == 0 ? "a" : "b");
        factors.mechanism = words[i];
        bool cut = false;
        names[i] = ipm_export_name(&factors, &cut);
        assert_true(cut);
        assert_true(strlen(names[i]) <= IPM_EXPORT_NAME);
        json_t *utf8 = json_string(names[i]);
        assert_non_null(utf8); /* no half of a character */
        json_decref(utf8);
    }
    assert_string_not_equal(names[0], names[1]);
    free(names[0]);
    free(names[1]);
}

/* Two versions of a plug-in are two points with the same factors. */
static void points_of_one_name_are_told_apart(void **state)
{
    FILE *file = ipm_test_records(state);
    const char *const ids[] = {"0123456789abcdef", "</id>&\n"};
    for (size_t i = 0; i < 2; i++)
        ipm_test_put_row(
            file, (struct ipm_test_row){.point = ids[i], .p50_ns = 400, .cpu_ns = 200});
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *bmf = json_of(state, "bmf");
    const char *name;
    json_t *measures;
    assert_int_equal(json_object_size(bmf), 2);
    assert_non_null(json_object_get(
        bmf, "pingpong/pipe/64/same_cpu/block/copies=2/point=0123456789abcdef"));
    json_object_foreach(bmf, name, measures)
    {
        assert_null(strchr(name, '<'));
        assert_non_null(json_object_get(measures, "latency"));
    }
}

/* Invalid, failed and repeated lines and those of other passes are no repetitions. */
static void repetitions_are_what_medians_are_of(void **state)
{
    struct ipm_export_losses losses = {0};
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 7; i++)
        ipm_test_put_row(file, (struct ipm_test_row){.invocation = i,
                                                     .p50_ns = 400 + 2 * i,
                                                     .cpu_ns = 200 + i});
    ipm_test_put_row(
        file, (struct ipm_test_row){.invocation = 3, .p50_ns = 9000, .cpu_ns = 200});
    ipm_test_put_row(
        file, (struct ipm_test_row){
                  .invocation = 8, .status = "invalid", .p50_ns = 9000, .cpu_ns = 200});
    ipm_test_put_row(file, (struct ipm_test_row){
                               .invocation = 9, .status = "failed", .p50_ns = 9000});
    ipm_test_put_row(file, (struct ipm_test_row){.invocation = 1,
                                                 .pass = "counters:software",
                                                 .p50_ns = 9000,
                                                 .cpu_ns = 200});
    json_t *unbilled = ipm_test_record(
        &(struct ipm_test_row){.invocation = 10, .p50_ns = 406, .cpu_ns = 200});
    (void)json_object_del(json_object_get(unbilled, "metrics"), "cpu_ns");
    ipm_test_put_record(file, unbilled);
    assert_int_equal(fclose(file), 0);

    free(export_as(state, "gbench", 0, &losses));
    assert_int_equal(losses.invocations, 1); /* compare.py stops without a CPU time */
    ipm_auto_json json_t *gbench = json_of(state, "gbench");
    const json_t *entries = json_object_get(gbench, "benchmarks");
    assert_int_equal(json_array_size(entries), 7 + 4);
    for (size_t i = 0; i < 7; i++) {
        const json_t *entry = json_array_get(entries, i);
        assert_int_equal(json_integer_value(json_object_get(entry, "repetition_index")),
                         i);
        assert_float_equal(json_real_value(json_object_get(entry, "real_time")),
                           (float)(400 + 2 * i), 0);
    }
    static const struct {
        const char *name;
        double real, cpu;
    } wanted[] = {{"mean", 406, 203},
                  {"median", 406, 203},
                  {"stddev", 4.320493798938574, 2.160246899469287},
                  {"cv", 4.320493798938574 / 406, 2.160246899469287 / 203}};
    for (size_t i = 0; i < 4; i++) {
        const json_t *entry = json_array_get(entries, 7 + i);
        assert_string_equal(json_string_value(json_object_get(entry, "aggregate_name")),
                            wanted[i].name);
        assert_float_equal(json_real_value(json_object_get(entry, "real_time")),
                           wanted[i].real, 1e-9);
        assert_float_equal(json_real_value(json_object_get(entry, "cpu_time")),
                           wanted[i].cpu, 1e-9);
    }
}

/* A stream's p50 is the time between messages, which nobody waits for. */
static void a_stream_has_no_latency(void **state)
{
    FILE *file = ipm_test_records(state);
    json_t *record = ipm_test_record(
        &(struct ipm_test_row){.workload = "stream", .p50_ns = 400, .cpu_ns = 200});
    json_t *distribution = json_incref(json_object_get(record, "latency_ns"));
    (void)json_object_set_new(record, "latency_ns", json_null());
    (void)json_object_set_new(record, "interval_ns", distribution);
    ipm_test_put_record(file, record);
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *bmf = json_of(state, "bmf");
    const json_t *measures =
        json_object_get(bmf, "stream/pipe/64/same_cpu/block/copies=2");
    assert_null(json_object_get(measures, "latency"));
    assert_null(json_object_get(measures, "cycles")); /* missing is not 0 */
    const json_t *interval = json_object_get(measures, "interval");
    assert_float_equal(json_number_value(json_object_get(interval, "value")), 400, 0);
    assert_null(json_object_get(interval, "lower_value")); /* of one invocation */
}

static void put_energy_window(FILE *file, const char *pass, int block, int invocation,
                              int messages, double energy_uj)
{
    json_t *record = json_pack(
        "{s:i, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:I,"
        " s:s, s:{s:{s:f, s:s, s:s, s:s, s:s, s:n}}}",
        "schema", 1, "point", "p", "pass", pass, "invocation", invocation, "block",
        block, "workload", "pingpong", "mechanism", "pipe", "size", 64, "wait", "block",
        "placement", "same_cpu", "build", "b", "copies", 2, "messages", messages,
        "operations", messages / 2, "elapsed_ns", (json_int_t)2000000000, "status",
        "ok", "metrics", "energy_package_uj", "value", energy_uj, "unit", "uJ",
        "status", "ok", "source", "simulated", "provenance", "simulated", "reason");
    assert_non_null(record);
    ipm_test_put_record(file, record);
}

/* 20 uJ a message beyond 10 W, by blocks: at rest, load, load, at rest. */
static void joules_say_whose_they_are(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int block = 0; block < 6; block++) {
        double noise = block % 2 == 0 ? 1000 : -1000;
        put_energy_window(file, "idle", block, 2 * block, 0, 20e6);
        put_energy_window(file, "energy", block, 2 * block, 100000, 22e6 + noise);
        put_energy_window(file, "energy", block, 2 * block + 1, 100000, 22e6 + noise);
        put_energy_window(file, "idle", block, 2 * block + 1, 0, 20e6);
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_free char *csv = export_as(state, "csv", 0, NULL);
    const char *row = strstr(csv, ",energy_package_message_uj,20");
    assert_non_null(row);
    ipm_auto_free char *line = strndup(row, strcspn(row, "\r"));
    assert_holds(line, ",6,uJ,energy,simulated,");
    ipm_auto_json json_t *bmf = json_of(state, "bmf");
    const json_t *measure = json_object_get(
        json_object_get(bmf, "pingpong/pipe/64/same_cpu/block/copies=2"),
        "energy-package-simulated");
    assert_float_equal(json_number_value(json_object_get(measure, "value")), 20, 1e-6);
    ipm_auto_free char *junit = export_as(state, "junit", 0, NULL);
    assert_holds(junit, "energy_package_message_uj = 20");
    assert_holds(junit, ", energy, simulated");
    ipm_auto_free char *page = export_as(state, "markdown", 0, NULL);
    assert_holds(page, "/copies=2 | package | simulated | 20 [20, 20] |");
    free(export_as(state, "gbench", IPM_EXPORT_NOTHING, NULL));
}

/* What a spreadsheet would compute is a text; the reason of an empty cell stands beside. */
static void a_cell_is_no_formula(void **state)
{
    static const struct {
        const char *mechanism, *cell;
    } rows[] = {
        {"=1+1", ",\"'=1+1\","},
        {"  @SUM(A1)", ",\"'  @SUM(A1)\","},
        {"-2+3", ",\"'-2+3\","},
        {"'quoted", ",\"''quoted\","},
        {"\t=1", ",\"'\\u0009=1\","},
        {"\xef\xbc\x9d"
         "1",
         ",\"'\xef\xbc\x9d"
         "1\","},
        {"a,b\"c", ",\"a,b\"\"c\","},
        {"plain=1", ",plain=1,"},
    };
    FILE *file = ipm_test_records(state);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char point[8];
        (void)snprintf(point, sizeof(point), "p%zu", i);
        ipm_test_put_row(file, (struct ipm_test_row){.point = point,
                                                     .mechanism = rows[i].mechanism,
                                                     .p50_ns = 400,
                                                     .cpu_ns = 200});
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_free char *csv = export_as(state, "csv", 0, NULL);
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        assert_holds(csv, rows[i].cell);
    /* Of the whole run once, in a row without a point. */
    assert_holds(csv, ",,,,,,,,,,,,,,,,,,cycles,,,,,0,,,,not_in_this_pass: measured in "
                      "counters:core\r\n");
    const char *first = strstr(csv, ",cycles,");
    assert_null(strstr(first + 1, ",cycles,"));
}

static void skips_have_their_reasons(void **state)
{
    FILE *file = ipm_test_records(state);
    ipm_test_put_row(file, (struct ipm_test_row){.p50_ns = 400, .cpu_ns = 200});
    ipm_test_put_row(file,
                     (struct ipm_test_row){
                         .point = "q", .size = 128, .status = "skipped", .p50_ns = 1});
    ipm_test_put_row(file,
                     (struct ipm_test_row){
                         .point = "r", .size = 256, .status = "invalid", .p50_ns = 1});
    assert_int_equal(fclose(file), 0);
    put_manifest(
        state,
        "{\"schema\": 1, \"skips\": ["
        " {\"sweep\": \"a\", \"workload\": \"pingpong\", \"mechanism\": \"m\","
        "  \"size\": 8, \"placement\": {\"cpus\": [0, 1]}, \"wait\": \"spin\","
        "  \"copies\": 2, \"depth\": 64, \"batch\": 16, \"reply_size\": -1,"
        "  \"policy\": \"other\", \"rate\": \"max\", \"touch\": \"none\", \"pairs\": 2,"
        "  \"options\": {\"m.x\": \"y\"}, \"reason\": \"one CPU & spinning\"},"
        " {\"sweep\": \"b\", \"workload\": \"pingpong\", \"mechanism\": \"m\","
        "  \"size\": 8, \"placement\": {\"cpus\": [0, 1]}, \"wait\": \"spin\","
        "  \"copies\": 2, \"depth\": 64, \"batch\": 16, \"reply_size\": -1,"
        "  \"policy\": \"other\", \"rate\": \"max\", \"touch\": \"none\", \"pairs\": 2,"
        "  \"options\": {\"m.x\": \"y\"}, \"reason\": \"one CPU & spinning\"}],"
        " \"dropped\": [{\"workload\": \"stream\", \"mechanism\": \"m\","
        "  \"reason\": \"the budget\"}]}");
    ipm_auto_free char *junit = export_as(state, "junit", 0, NULL);
    assert_holds(junit, "tests=\"5\" failures=\"0\" errors=\"0\" skipped=\"4\"");
    assert_holds(junit, "name=\"pingpong/m/8/{&quot;cpus&quot;:[0,1]}/spin/copies=2/"
                        "pairs=2/m.x=y\" time=\"0.000000\">\n"
                        "   <skipped message=\"one CPU &amp; spinning\"/>");
    assert_holds(junit, "<skipped message=\"the budget\"/>");
    assert_holds(junit, "<skipped message=\"every invocation was invalid\"/>");
    ipm_auto_free char *page = export_as(state, "markdown", 0, NULL);
    assert_holds(page, "| 2 | one CPU &#38; spinning |\n");
    assert_holds(page, "| 1 | the budget |\n");
}

/* Every character of a name costs twelve bytes on the page: rows end before it does. */
static void a_page_stays_below_its_limit(void **state)
{
    FILE *file = ipm_test_records(state);
    char word[401];
    memset(word, '#', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    for (int i = 0; i < 300; i++) {
        char point[16];
        (void)snprintf(point, sizeof(point), "p%d", i);
        ipm_test_put_row(file, (struct ipm_test_row){.point = point,
                                                     .mechanism = word,
                                                     .placement = word,
                                                     .wait = word,
                                                     .workload = word,
                                                     .rate = word,
                                                     .size = 1 + i,
                                                     .p50_ns = 400,
                                                     .cpu_ns = 200});
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_free char *page = export_as(state, "markdown", 0, NULL);
    assert_true(strlen(page) < 1 << 20);
    assert_null(strstr(page, "##########"));
    const char *more = strstr(page, "\nand ");
    assert_non_null(more);
    long left_out = strtol(more + strlen("\nand "), NULL, 10);
    long rows = 0;
    for (const char *at = page; (at = strstr(at, "\n| &#35;")) != NULL; at++)
        rows++;
    assert_int_equal(rows + left_out, 300);
    assert_true(left_out > 100); /* the bytes end it, not the 200 rows */
}

#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found),
        IN_DIRECTORY(an_empty_run_is_nothing),
        IN_DIRECTORY(a_run_that_failed_is_no_figure),
        IN_DIRECTORY(a_full_disk_is_seen),
        cmocka_unit_test(names_tell_what_is_not_usual),
        cmocka_unit_test(long_names_are_cut_and_stay_apart),
        IN_DIRECTORY(points_of_one_name_are_told_apart),
        IN_DIRECTORY(repetitions_are_what_medians_are_of),
        IN_DIRECTORY(a_stream_has_no_latency),
        IN_DIRECTORY(joules_say_whose_they_are),
        IN_DIRECTORY(a_cell_is_no_formula),
        IN_DIRECTORY(skips_have_their_reasons),
        IN_DIRECTORY(a_page_stays_below_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
