/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stats.h"
#include "base/cleanup.h"
#include "harness/commands.h"
#include "tests/support/records.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

enum { ARGUMENTS = 12, COLUMNS = 100 };

static const char golden[] = IPM_SOURCE "/tests/golden/small-run";

/* What the command leaves on stdout and on stderr; the caller frees both. */
struct output {
    int status;
    char *out, *err;
};

static int divert(int fd, const char *path)
{
    int kept = dup(fd);
    ipm_auto_fd int file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && file >= 0 && dup2(file, fd) == fd);
    return kept;
}

static void restore(int fd, int kept)
{
    assert_true(dup2(kept, fd) == fd);
    (void)close(kept);
}

/* `ipcmeter advise` with these words, NULL at the end. */
static struct output run(void **state, const char *const *words)
{
    char out[256];
    char err[256];
    char *argv[ARGUMENTS + 2] = {strdup("advise")};
    int argc = 1;
    size_t length = 0;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = strdup(words[argc - 1]);
    (void)fflush(NULL);
    int kept_out = divert(STDOUT_FILENO, ipm_test_path(state, "out", out));
    int kept_err = divert(STDERR_FILENO, ipm_test_path(state, "err", err));
    struct output output = {.status = ipm_cmd_advise(argc, argv)};
    (void)fflush(NULL);
    restore(STDOUT_FILENO, kept_out);
    restore(STDERR_FILENO, kept_err);
    output.out = ipm_test_read(out, &length);
    output.err = ipm_test_read(err, &length);
    while (argc > 0)
        free(argv[--argc]);
    return output;
}

static void drop(struct output *output)
{
    free(output->out);
    free(output->err);
}

static void statuses(void **state)
{
    static const struct {
        const char *words[ARGUMENTS];
        int status;
        const char *says; /* on stderr, or with status 0 and 11 on stdout */
    } cases[] = {
        {{"--help"}, 0, "usage: ipcmeter advise"},
        {{golden, "--size", "64"}, 0, "runner-up"},
        {{golden, "--size", "64B", "--wait", "any"}, 0, "keeps a CPU busy"},
        {{golden, "--size", "64", "--wait", "block", "--by", "cpu"}, 0, "by cpu"},
        {{golden, "--size", "64", "--p99", "1ns"}, 11, "nobody is left"},
        {{golden, "--size", "7GiB"}, 11, "--set size=7516192768"},
        {{golden, "--size", "64", "--placement", "cross_socket"},
         11,
         "--set placement=cross_socket"},
        {{golden, "--size", "64", "--by", "joules"}, 11, "--energy auto"},
        {{golden}, 2, "--size: is a must"},
        {{golden, "--size", "0"}, 2, "--size"},
        {{golden, "--size", "4K"}, 2, "--size"},
        {{golden, "--size", "64", "--rate", "x"}, 2, "--rate"},
        {{golden, "--size", "64", "--rate", "0"}, 2, "--rate"},
        {{golden, "--size", "64", "--p99", "5"}, 2, "--p99"},
        {{golden, "--size", "64", "--wait", "blok"}, 2, "did you mean 'block'"},
        {{golden, "--size", "64", "--by", "speed"}, 2, "allowed: latency"},
        {{golden, "--size", "64", "--placement", ""}, 2, "--placement"},
        {{golden, "--size", "64", "--frobnicate"}, 2, "usage:"},
        {{golden, golden, "--size", "64"}, 2, "usage:"},
        {{"--size", "64"}, 2, "usage:"},
        {{"/nowhere", "--size", "64"}, 2, "no such directory"},
        {{"/", "--size", "64"}, 2, "records.jsonl"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        bool data = cases[i].status == 0 || cases[i].status == 11;
        struct output output = run(state, cases[i].words);
        const char *told = data ? output.out : output.err;
        if (output.status != cases[i].status || strstr(told, cases[i].says) == NULL ||
            (data ? output.err : output.out)[0] != '\0')
            fail_msg("case %zu: status %d\n%s--\n%s", i, output.status, output.out,
                     output.err);
        drop(&output);
    }
}

/* What is for people fits a terminal; commands to copy are never broken. */
static void lines_are_not_too_wide(void **state)
{
    static const char *const words[] = {golden, "--size", "100", NULL};
    struct output output = run(state, words);
    for (const char *at = output.out; *at != '\0'; at += strcspn(at, "\n")) {
        at += *at == '\n';
        if (strncmp(at, "To measure", 10) != 0)
            assert_true(strcspn(at, "\n") <= COLUMNS);
    }
    drop(&output);
}

static void json_says_the_same(void **state)
{
    static const char *const words[] = {golden, "--size", "64", "--json", NULL};
    struct output output = run(state, words);
    json_t *document = json_loads(output.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    assert_int_equal(output.status, 0);
    json_t *answer = json_array_get(json_object_get(document, "answers"), 0);
    assert_true(json_is_string(json_object_get(answer, "verdict")));
    assert_true(json_array_size(json_object_get(answer, "candidates")) ==
                (size_t)json_integer_value(json_object_get(answer, "entrants")));
    json_decref(document);
    drop(&output);
}

/* Words of a record reach a terminal without its control characters. */
static void words_of_records_are_harmless(void **state)
{
    static const char *words[] = {NULL, "--size", "64", NULL};
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < 6; i++) {
        ipm_test_put_row(file, (struct ipm_test_row){.point = "a",
                                                     .mechanism = "x\033[2J%s%n",
                                                     .wait = "\033]0;y\a",
                                                     .placement = "\033c",
                                                     .invocation = i,
                                                     .p50_ns = 400 + i,
                                                     .cpu_ns = 1});
        ipm_test_put_row(file, (struct ipm_test_row){.point = "b",
                                                     .mechanism = "y\033[2J",
                                                     .placement = "\033c",
                                                     .invocation = i,
                                                     .p50_ns = 900 + i,
                                                     .cpu_ns = 1});
    }
    assert_int_equal(fclose(file), 0);
    words[0] = *state;
    struct output output = run(state, words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "x?[2J%s%n"));
    assert_null(strchr(output.out, '\033'));
    drop(&output);
}

/* Two that sleep and are alike, far behind one that spins: their tie is their own matter. */
static void those_that_sleep_tie_among_themselves(void **state)
{
    static const char *words[] = {NULL, "--size", "64", NULL};
    static const char *const mechanisms[] = {"ring", "pipe", "queue"};
    FILE *file = ipm_test_records(state);
    if (isnan(ipm_student(5, 0.95))) {
        assert_int_equal(fclose(file), 0);
        print_message("skipped: built without GSL, so there are no intervals\n");
        skip();
    }
    for (int i = 0; i < 8; i++) {
        for (int m = 0; m < 3; m++)
            ipm_test_put_row(file,
                             (struct ipm_test_row){.point = mechanisms[m],
                                                   .mechanism = mechanisms[m],
                                                   .wait = m == 0 ? "spin" : "block",
                                                   .invocation = i,
                                                   .p50_ns = m == 0   ? 50 + i
                                                             : m == 1 ? 400 + i
                                                                      : 407 - i,
                                                   .cpu_ns = 1});
    }
    assert_int_equal(fclose(file), 0);
    words[0] = *state;
    struct output output = run(state, words);
    const char *sleeping = strstr(output.out, "sleeping");
    assert_int_equal(output.status, 0);
    assert_non_null(sleeping);
    assert_non_null(strstr(sleeping, "TIE of 2, 1 of them"));
    drop(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statuses, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(lines_are_not_too_wide, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(json_says_the_same, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(those_that_sleep_tie_among_themselves,
                                        ipm_test_directory, ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(words_of_records_are_harmless,
                                        ipm_test_directory, ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
