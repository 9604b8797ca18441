/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/record.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>

/* Record number @n; @padding makes the line that much longer. */
static json_t *make_record(int n, size_t padding)
{
    char *text = malloc(padding + 1);
    memset(text, 'p', padding);
    text[padding] = '\0';
    json_t *record =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:s}", "schema",
                  IPM_RECORD_SCHEMA, "point", "0123456789abcdef", "pass", "timing",
                  "workload", "pingpong", "mechanism", "pipe", "status", "ok", "build",
                  "abc", "invocation", n, "value", 0.1, "note", text);
    free(text);
    assert_non_null(record);
    return record;
}

struct seen {
    int n; /* records so far, which must be numbered 0, 1, 2 ... */
    bool disordered;
    int stop_at; /* record at which to return @stop_with; -1: none */
    int stop_with;
};

static int see(void *context, const json_t *record, size_t line)
{
    struct seen *seen = context;
    int64_t number = -1;
    (void)ipm_json_get_integer(record, "invocation", &number, NULL);
    if (number != seen->n || line != (size_t)seen->n + 1)
        seen->disordered = true;
    return seen->n++ == seen->stop_at ? seen->stop_with : 0;
}

/* Reads @path, which must hold records 0 .. n - 1 and be torn or not. */
static void check_records(const char *path, int n, bool torn)
{
    struct seen seen = {.stop_at = -1};
    bool out_torn = !torn;
    struct ipm_why why = {0};
    int error = ipm_records_read(path, see, &seen, &out_torn, &why);
    if (error != 0)
        fail_msg("%d: %s", error, why.text);
    assert_int_equal(seen.n, n);
    assert_false(seen.disordered);
    assert_int_equal(out_torn, torn);
}

static void append_record(int fd, int n, size_t padding)
{
    ipm_auto_json json_t *record = make_record(n, padding);
    assert_int_equal(ipm_records_write(fd, record, NULL), 0);
}

/* A file of @n records, the whole of its text, and where each line begins. */
static char *make_file(const char *path, int n, size_t padding, size_t *out_length)
{
    size_t dropped = 77;
    (void)unlink(path);
    ipm_auto_fd int fd = ipm_records_append(path, &dropped, NULL);
    assert_true(fd >= 0);
    assert_int_equal(dropped, 0);
    for (int i = 0; i < n; i++)
        append_record(fd, i, padding);
    return ipm_test_read(path, out_length);
}

static void torn_last_line_at_every_offset(void **state)
{
    char path[256];
    size_t length = 0;
    char *text = make_file(ipm_test_path(state, "records.jsonl", path), 3, 0, &length);
    int complete = 0;
    size_t border = 0;
    check_records(path, 3, false);
    for (size_t cut = 0; cut <= length; cut++) {
        if (cut > 0 && text[cut - 1] == '\n') {
            complete++;
            border = cut;
        }
        ipm_test_write(path, text, cut);
        check_records(path, complete, cut > border);
        {
            size_t dropped = 77;
            ipm_auto_fd int fd = ipm_records_append(path, &dropped, NULL);
            assert_true(fd >= 0);
            assert_int_equal(dropped, cut - border);
            check_records(path, complete, false);
            append_record(fd, complete, 0);
        }
        check_records(path, complete + 1, false);
    }
    assert_int_equal(complete, 3);
    free(text);
}

/* Lines longer than the pieces in which the appender walks back. */
static void torn_long_lines_are_cut(void **state)
{
    char path[256];
    size_t length = 0;
    char *text =
        make_file(ipm_test_path(state, "records.jsonl", path), 2, 9000, &length);
    size_t border = (size_t)(strchr(text, '\n') - text) + 1;
    for (size_t cut = 1; cut < length;
         cut += cut % 4096 < 4 || cut % 4096 > 4092 ? 1 : 61) {
        size_t kept = cut < border ? 0 : border;
        ipm_test_write(path, text, cut);
        check_records(path, kept > 0, cut > kept);
        size_t dropped = 77;
        ipm_auto_fd int fd = ipm_records_append(path, &dropped, NULL);
        assert_true(fd >= 0);
        if (dropped != cut - kept)
            fail_msg("cut at %zu: %zu dropped", cut, dropped);
        check_records(path, kept > 0, false);
    }
    free(text);
}

/* One bad line between two good ones. */
static void bad_line_is_an_error_with_its_number(void **state)
{
    static const struct {
        const char *line;
        size_t length; /* 0: strlen */
        int error;
        const char *said;
    } rows[] = {
        {"\n", 0, -EINVAL, ":2"},
        {"{\n", 0, -EINVAL, ":2"},
        {"{}}\n", 0, -EINVAL, ":2"},
        {"\0\n", 2, -EINVAL, ":2"},
        {"[]\n", 0, -EINVAL, ":2: not a record"},
        {"null\n", 0, -EINVAL, ":2"},
        {"{}\n", 0, -EINVAL, ":2: not a record: no schema"},
        {"{\"schema\":\"1\"}\n", 0, -EINVAL, ":2: not a record: no schema"},
        {"{\"schema\":2}\n", 0, -EPROTO, ":2: record schema 2"},
        {"{\"schema\":1}\n", 0, -EINVAL, ":2: not a record: 'point'"},
        {"{\"schema\":1,\"schema\":1}\n", 0, -EINVAL, ":2:"},
        {"{\"schema\":1,\"point\":\"\xff\"}\n", 0, -EINVAL, ":2:"},
    };
    char path[256];
    size_t length = 0;
    char *text = make_file(ipm_test_path(state, "records.jsonl", path), 3, 0, &length);
    size_t first = (size_t)(strchr(text, '\n') - text) + 1;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char all[2048];
        size_t bad = rows[i].length > 0 ? rows[i].length : strlen(rows[i].line);
        memcpy(all, text, first);
        memcpy(all + first, rows[i].line, bad);
        memcpy(all + first + bad, text + first, length - first);
        ipm_test_write(path, all, length + bad);
        struct seen seen = {.stop_at = -1};
        bool torn = true;
        struct ipm_why why = {0};
        int error = ipm_records_read(path, see, &seen, &torn, &why);
        if (error != rows[i].error || strstr(why.text, rows[i].said) == NULL)
            fail_msg("row %zu: %d '%s'", i, error, why.text);
        assert_int_equal(why.error, error);
        assert_int_equal(seen.n, 1);
        assert_true(torn); /* written on success only */
        assert_int_equal(ipm_records_read(path, see, &seen, &torn, NULL), error);
        /* A bad line is no torn line where it ends the file, either. */
        ipm_test_write(path, all, first + bad);
        seen = (struct seen){.stop_at = -1};
        assert_int_equal(ipm_records_read(path, see, &seen, &torn, NULL), error);
    }
    free(text);
}

/* What ipm_records_scan() came by. */
struct scanned {
    int good, bad;
    size_t bad_line;
    int error;
    int stop_with; /* what the bad line's visitor returns */
};

static int count_good(void *context, const json_t *record, size_t line)
{
    struct scanned *scanned = context;
    (void)record;
    scanned->good += line != scanned->bad_line;
    return 0;
}

static int count_bad(void *context, size_t line, const struct ipm_why *why)
{
    struct scanned *scanned = context;
    scanned->bad++;
    scanned->bad_line = line;
    scanned->error = why->error;
    return scanned->stop_with;
}

static void scan_goes_on_behind_a_bad_line(void **state)
{
    static const struct {
        const char *line;
        int error;
        int stop_with;
    } rows[] = {{"{\n", -EINVAL, 0},
                {"{\"schema\":2}\n", -EPROTO, 0},
                {"{\n", -EINVAL, 5},
                {"{\n", -EINVAL, -EIO}};
    char path[256];
    size_t length = 0;
    char *text = make_file(ipm_test_path(state, "records.jsonl", path), 3, 0, &length);
    size_t first = (size_t)(strchr(text, '\n') - text) + 1;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char all[2048];
        size_t bad = strlen(rows[i].line);
        memcpy(all, text, first);
        memcpy(all + first, rows[i].line, bad);
        memcpy(all + first + bad, text + first, length - first);
        ipm_test_write(path, all, length + bad - 1); /* and a torn last line */
        struct scanned scanned = {.stop_with = rows[i].stop_with};
        bool torn = false;
        struct ipm_why why = {0};
        assert_int_equal(
            ipm_records_scan(path, NULL, count_good, count_bad, &scanned, &torn, &why),
            rows[i].stop_with);
        assert_int_equal(scanned.good, rows[i].stop_with == 0 ? 2 : 1);
        assert_int_equal(scanned.bad, 1);
        assert_int_equal(scanned.bad_line, 2);
        assert_int_equal(scanned.error, rows[i].error);
        assert_int_equal(torn, rows[i].stop_with == 0);
        assert_int_equal(why.error, 0);
    }
    free(text);
}

/* Which of two values is meant, nobody can say. */
static void member_that_stands_twice_is_an_error(void **state)
{
    char path[256];
    char all[2048];
    size_t length = 0;
    char *text = make_file(ipm_test_path(state, "records.jsonl", path), 1, 0, &length);
    int twice = snprintf(all, sizeof(all), "{\"invocation\":7,%s", text + 1);
    ipm_test_write(path, all, (size_t)twice);
    struct seen seen = {.stop_at = -1};
    bool torn = false;
    struct ipm_why why = {0};
    assert_int_equal(ipm_records_read(path, see, &seen, &torn, &why), -EINVAL);
    assert_non_null(strstr(why.text, ":1:"));
    assert_int_equal(seen.n, 0);
    free(text);
}

static void records_without_their_members_are_refused(void **state)
{
    static const char *const members[] = {"point",  "pass",  "workload",  "mechanism",
                                          "status", "build", "invocation"};
    (void)state;
    ipm_auto_json json_t *whole = make_record(0, 0);
    assert_int_equal(ipm_record_check(whole, NULL), 0);
    for (size_t i = 0; i < IPM_TEST_ROWS(members); i++) {
        ipm_auto_json json_t *record = json_copy(whole);
        struct ipm_why why = {0};
        (void)json_object_del(record, members[i]);
        assert_int_equal(ipm_record_check(record, &why), -EINVAL);
        assert_non_null(strstr(why.text, members[i]));
        (void)json_object_set_new(record, members[i], json_null());
        assert_int_equal(ipm_record_check(record, NULL), -EINVAL);
        (void)json_object_set_new(record, members[i], json_true());
        assert_int_equal(ipm_record_check(record, NULL), -EINVAL);
    }
    (void)json_object_set_new(whole, "schema", json_integer(IPM_RECORD_SCHEMA + 1));
    assert_int_equal(ipm_record_check(whole, NULL), -EPROTO);
    assert_int_equal(ipm_record_check(NULL, NULL), -EINVAL);
}

static void paths_that_cannot_be_opened(void **state)
{
    char path[256];
    struct seen seen = {.stop_at = -1};
    bool torn = true;
    size_t dropped = 77;
    struct ipm_why why = {0};
    (void)ipm_test_path(state, "absent/records.jsonl", path);
    assert_int_equal(ipm_records_read(path, see, &seen, &torn, &why), -ENOENT);
    assert_int_equal(ipm_records_append(path, &dropped, &why), -ENOENT);
    assert_int_equal(ipm_records_append(*state, &dropped, &why), -EISDIR);
    assert_true(ipm_records_read(*state, see, &seen, &torn, &why) < 0);
    assert_true(torn && dropped == 77 && seen.n == 0);
}

static void full_device_is_an_error(void **state)
{
    (void)state;
    size_t dropped = 77;
    ipm_auto_fd int fd = ipm_records_append("/dev/full", &dropped, NULL);
    assert_true(fd >= 0);
    ipm_auto_json json_t *record = make_record(0, 0);
    struct ipm_why why = {0};
    assert_int_equal(ipm_records_write(fd, record, &why), -ENOSPC);
    assert_int_equal(why.error, -ENOSPC);
    assert_non_null(strstr(why.text, "No space left"));
    assert_int_equal(ipm_records_write(-1, record, NULL), -EBADF);
}

/* A FIFO takes the line but cannot be synced: not on the device is not written. */
static void failed_sync_is_an_error(void **state)
{
    char path[256];
    size_t dropped = 77;
    assert_int_equal(mkfifo(ipm_test_path(state, "fifo", path), 0600), 0);
    ipm_auto_fd int fd = ipm_records_append(path, &dropped, NULL);
    assert_true(fd >= 0);
    ipm_auto_json json_t *record = make_record(0, 0);
    struct ipm_why why = {0};
    assert_int_equal(ipm_records_write(fd, record, &why), -EINVAL);
    assert_int_equal(why.error, -EINVAL);
}

struct limited {
    const char *path;
    size_t size; /* file size limit */
};

static int write_beyond_the_limit(void *context)
{
    const struct limited *limited = context;
    struct rlimit limit = {.rlim_cur = limited->size, .rlim_max = limited->size};
    size_t dropped = 0;
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    ipm_auto_fd int fd = ipm_records_append(limited->path, &dropped, NULL);
    ipm_auto_json json_t *record = make_record(2, 0);
    struct ipm_why why = {0};
    if (fd < 0 || dropped != 0)
        return 2;
    /* Twice: the first failure must leave the file as it was for the second. */
    for (int i = 0; i < 2; i++) {
        if (ipm_records_write(fd, record, &why) != -EFBIG || why.error != -EFBIG)
            return 3;
    }
    return 0;
}

static void size_limit_leaves_no_part_of_a_line(void **state)
{
    char path[256];
    size_t length = 0;
    char *text = make_file(ipm_test_path(state, "records.jsonl", path), 2, 0, &length);
    static const size_t rooms[] = {0, 1, 2, 20, 100};
    for (size_t i = 0; i < IPM_TEST_ROWS(rooms); i++) {
        struct limited limited = {.path = path, .size = length + rooms[i]};
        int status = ipm_test_in_child(write_beyond_the_limit, &limited);
        if (status != 0)
            fail_msg("room %zu: wait status %d", rooms[i], status);
        size_t after = 0;
        char *left = ipm_test_read(path, &after);
        assert_int_equal(after, length);
        assert_memory_equal(left, text, length);
        free(left);
    }
    check_records(path, 2, false);
    free(text);
}

static void visitor_stops_the_reading(void **state)
{
    static const int values[] = {1, 7, -1, -EIO};
    char path[256];
    size_t length = 0;
    free(make_file(ipm_test_path(state, "records.jsonl", path), 3, 0, &length));
    for (size_t i = 0; i < IPM_TEST_ROWS(values); i++) {
        for (int at = 0; at < 3; at++) {
            struct seen seen = {.stop_at = at, .stop_with = values[i]};
            bool torn = false;
            assert_int_equal(ipm_records_read(path, see, &seen, &torn, NULL),
                             values[i]);
            assert_int_equal(seen.n, at + 1);
        }
    }
}

/* What was written is what is read: any text on one line, reals to the last bit. */
static int compare_record(void *context, const json_t *record, size_t line)
{
    (void)line;
    return json_equal(context, record) ? 1 : 2;
}

static void record_comes_back_as_it_was(void **state)
{
    char path[256];
    size_t dropped = 0;
    ipm_auto_fd int fd =
        ipm_records_append(ipm_test_path(state, "records.jsonl", path), &dropped, NULL);
    ipm_auto_json json_t *record = make_record(0, 10);
    (void)json_object_set_new(record, "text", json_string("a\nb\r\t\"\\ \xe2\x82\xac"));
    (void)json_object_set_new(record, "third", json_real(1.0 / 3));
    (void)json_object_set_new(record, "big", json_integer(INT64_MAX));
    (void)json_object_set_new(record, "none", ipm_json_number(NAN));
    assert_int_equal(ipm_records_write(fd, record, NULL), 0);
    bool torn = true;
    struct ipm_why why = {0};
    int result = ipm_records_read(path, compare_record, record, &torn, &why);
    if (result != 1)
        fail_msg("%d %s", result, why.text);
}

static void empty_distribution_is_null(void **state)
{
    (void)state;
    static struct ipm_histogram histogram;
    ipm_histogram_reset(&histogram);
    ipm_auto_json json_t *json = ipm_distribution_json(&histogram, 1);
    assert_true(json_is_null(json));
}

static double number(const json_t *json, const char *key)
{
    double value = NAN;
    assert_int_equal(ipm_json_get_number(json, key, &value, NULL), 0);
    return value;
}

static void distribution_is_per_operation(void **state)
{
    static const uint64_t pers[] = {1, 2, 1000, 3};
    static struct ipm_histogram histogram;
    static struct ipm_histogram back;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(pers); i++) {
        uint64_t per = pers[i];
        ipm_histogram_reset(&histogram);
        for (uint64_t value = 1; value <= 1000; value++)
            ipm_histogram_add(&histogram, value); /* each in a bucket of its own */
        ipm_auto_json json_t *json = ipm_distribution_json(&histogram, per);
        static const struct {
            const char *key;
            double value;
        } rows[] = {{"min", 1},    {"p50", 500},  {"p90", 900},   {"p99", 990},
                    {"p999", 999}, {"max", 1000}, {"mean", 500.5}};
        for (size_t k = 0; k < IPM_TEST_ROWS(rows); k++) {
            double expected = rows[k].value / (double)per;
            double found = number(json, rows[k].key);
            if (fabs(found - expected) > 1e-12 * expected)
                fail_msg("%s per %d: %.17g", rows[k].key, (int)per, found);
        }
        assert_true(number(json, "count") == 1000);
        assert_true(number(json, "per") == (double)per);
        assert_true(number(json, "histogram_error") == 1.0 / 1024);
        const char *packed = NULL;
        assert_int_equal(ipm_json_get_text(json, "histogram", &packed, NULL), 0);
        assert_int_equal(ipm_histogram_unpack(packed, &back, NULL), 0);
        assert_memory_equal(back.buckets, histogram.buckets, sizeof(back.buckets));
        assert_int_equal(json_object_size(json), 11);
    }
}

static void distribution_is_in_order(void **state)
{
    static const char *const keys[] = {"min", "p50", "p90", "p99", "p999", "max"};
    static struct ipm_histogram histogram;
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 50; round++) {
        ipm_histogram_reset(&histogram);
        for (int i = 0; i <= round * round; i++)
            ipm_histogram_add(&histogram, ipm_test_random(&random) >>
                                              ipm_test_random(&random) % 64);
        ipm_auto_json json_t *json = ipm_distribution_json(&histogram, 1);
        for (size_t i = 1; i < IPM_TEST_ROWS(keys); i++)
            assert_true(number(json, keys[i - 1]) <= number(json, keys[i]));
        assert_true(number(json, "count") == round * round + 1);
    }
}

int main(void)
{
#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(torn_last_line_at_every_offset),
        IN_DIRECTORY(torn_long_lines_are_cut),
        IN_DIRECTORY(bad_line_is_an_error_with_its_number),
        IN_DIRECTORY(scan_goes_on_behind_a_bad_line),
        IN_DIRECTORY(member_that_stands_twice_is_an_error),
        cmocka_unit_test(records_without_their_members_are_refused),
        IN_DIRECTORY(paths_that_cannot_be_opened),
        cmocka_unit_test(full_device_is_an_error),
        IN_DIRECTORY(failed_sync_is_an_error),
        IN_DIRECTORY(size_limit_leaves_no_part_of_a_line),
        IN_DIRECTORY(visitor_stops_the_reading),
        IN_DIRECTORY(record_comes_back_as_it_was),
        cmocka_unit_test(empty_distribution_is_null),
        cmocka_unit_test(distribution_is_per_operation),
        cmocka_unit_test(distribution_is_in_order),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
