/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digest: figures survive packing, changed records are seen, damaged digests are not taken. */
#include "analysis/digest.h"
#include "analysis/digest_pack.h"
#include "tests/support/records.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static double packed(double value)
{
    char text[IPM_DIGEST_DIGITS];
    double out = 0;
    ipm_digest_pack(value, text);
    assert_true(ipm_digest_unpack(text, 1, &out));
    return out;
}

static void figures_are_their_seven_digits(void **state)
{
    static const double edges[] = {1e-16,     9.999999e27, 1,         0.1,
                                   9999999.5, 99999995,    1234.5675, 3e8};
    uint64_t noise = 7;
    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        char text[40];
        double share = (double)(ipm_test_random(&noise) >> 11) / 9007199254740992.0;
        double value = i < IPM_TEST_ROWS(edges) ? edges[i] : exp(100 * share - 36);
        (void)snprintf(text, sizeof(text), "%.7g", value);
        assert_true(packed(value) == strtod(text, NULL));
    }
}

static void what_is_no_figure_is_none(void **state)
{
    static const double none[] = {0, -1, (double)NAN, (double)INFINITY, 1e-17, 1e29};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(none); i++)
        assert_true(isnan(packed(none[i])));
}

static void letters_that_are_none_are_refused(void **state)
{
    /* A blank, a letter of Latin-1, an exponent too large and one too small. */
    static const char *const wrong[] = {"AB CD", "AB\344CD", "AAAB/", "AAABA"};
    double out[2];
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(wrong); i++) {
        char text[11];
        (void)snprintf(text, sizeof(text), "AAABg%s", wrong[i]);
        assert_false(ipm_digest_unpack(text, 2, out));
    }
    assert_true(ipm_digest_unpack("AAABg", 1, out));
    assert_true(out[0] == 1);
}

enum { LINES = 1500, SECOND = 1700000000 };

/* A run of more than a megabyte, and its digest. */
static void put_run(void **state, char path[256], char records[300])
{
    static const char manifest[] = "{\"schema\": 1, \"host\": {}}";
    struct ipm_why why = {0};
    struct ipm_report report;
    char file[300];
    (void)ipm_test_path(state, "run", path);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(file, sizeof(file), "%s/manifest.json", path);
    ipm_test_write(file, manifest, strlen(manifest));
    (void)snprintf(records, 300, "%s/records.jsonl", path);
    FILE *out = fopen(records, "we");
    assert_non_null(out);
    for (int i = 0; i < LINES; i++) {
        json_t *record = ipm_test_record(&(struct ipm_test_row){
            .point = i % 2 ? "a" : "b", .invocation = i / 2, .p50_ns = 1000 + i});
        ipm_test_put_record(out, record);
        (void)fprintf(out, "%*s\n", 2000, "");
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(ipm_report_load(path, NULL, &report, &why), 0);
    assert_int_equal(ipm_digest_write(&report, path, &why), 0);
    ipm_report_fini(&report);
}

static void set_time(const char *path, const char *name, time_t second)
{
    char file[300];
    const struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};
    (void)snprintf(file, sizeof(file), "%s/%s", path, name);
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
}

static enum ipm_digest_source source_of(const char *path)
{
    struct ipm_why why = {0};
    enum ipm_digest_source source = IPM_DIGEST_SOURCES;
    struct ipm_digest digest;
    assert_int_equal(ipm_digest_load(path, NULL, &digest, &source, &why), 0);
    ipm_digest_fini(&digest);
    return source;
}

/* Changes one byte of the file, and leaves its size. */
static void change(const char *file, long at)
{
    FILE *out = fopen(file, "r+e");
    assert_non_null(out);
    assert_int_equal(fseek(out, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(out);
    assert_int_equal(fseek(out, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(byte == ' ' ? '\t' : ' ', out), byte == ' ' ? '\t' : ' ');
    assert_int_equal(fclose(out), 0);
}

static void a_change_of_the_records_is_seen(void **state)
{
    char path[256];
    char records[300];
    struct stat status;
    put_run(state, path, records);
    assert_int_equal(stat(records, &status), 0);
    assert_true(status.st_size > 1 << 20);
    set_time(path, "digest.jsonl", SECOND);
    set_time(path, "records.jsonl", SECOND - 1);
    assert_int_equal(source_of(path), IPM_DIGEST_FILE);
    /* Copied without its time: it is read through, and is the same. */
    set_time(path, "records.jsonl", SECOND + 1);
    assert_int_equal(source_of(path), IPM_DIGEST_FILE);
    /* Between two of the blocks that are always looked at. */
    long step = ((long)status.st_size - 2 * 65536) / 64;
    assert_true(step > 2 * 4096);
    long between = 65536 + 5 * step + 4096 + 1000;
    change(records, between);
    set_time(path, "records.jsonl", SECOND + 1);
    assert_int_equal(source_of(path), IPM_DIGEST_MADE);
    /* As docs/compare.md says: with its time set back that one goes unseen... */
    set_time(path, "records.jsonl", SECOND - 1);
    assert_int_equal(source_of(path), IPM_DIGEST_FILE);
    /* ... and these do not. */
    static const long seen[] = {10, -10};
    for (size_t i = 0; i < IPM_TEST_ROWS(seen) + 1; i++) {
        long at = i < IPM_TEST_ROWS(seen) ? seen[i] : 65536 + 5 * step + 1000;
        change(records, at);
        set_time(path, "records.jsonl", SECOND - 1);
        assert_int_equal(source_of(path), IPM_DIGEST_MADE);
        struct ipm_why why = {0};
        struct ipm_report report;
        assert_int_equal(ipm_report_load(path, NULL, &report, &why), 0);
        assert_int_equal(ipm_digest_write(&report, path, &why), 0);
        ipm_report_fini(&report);
        set_time(path, "digest.jsonl", SECOND);
        assert_int_equal(source_of(path), IPM_DIGEST_FILE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_their_seven_digits),
        cmocka_unit_test(what_is_no_figure_is_none),
        cmocka_unit_test(letters_that_are_none_are_refused),
        cmocka_unit_test_setup_teardown(a_change_of_the_records_is_seen,
                                        ipm_test_directory, ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
