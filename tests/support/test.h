/* SPDX-License-Identifier: MIT */
/*
 * test: cmocka, the headers it wants before it, and what several unit tests share.
 */
#ifndef IPM_TESTS_TEST_H
#define IPM_TESTS_TEST_H

/* cmocka.h needs the first four; in the order of the alphabet they would come too late. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IPM_TEST_ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* splitmix64: the same values in every run. */
static inline uint64_t ipm_test_random(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* cmocka set-up and tear-down: *state is the path of an empty directory. */
static inline int ipm_test_directory(void **state)
{
    char *path = strdup("/tmp/ipcmeter-test-XXXXXX");
    if (path == NULL || mkdtemp(path) == NULL) {
        free(path);
        return -1;
    }
    *state = path;
    return 0;
}

static inline int ipm_test_remove(const char *path, const struct stat *status, int type,
                                  struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static inline int ipm_test_directory_remove(void **state)
{
    int error = nftw(*state, ipm_test_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return error;
}

/* A path inside the directory of ipm_test_directory(). */
static inline const char *ipm_test_path(void **state, const char *name, char text[256])
{
    (void)snprintf(text, 256, "%s/%s", (const char *)*state, name);
    return text;
}

static inline void ipm_test_write(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* The whole of a file, NUL-terminated; the caller frees it. */
static inline char *ipm_test_read(const char *path, size_t *out_length)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    struct stat status;
    assert_int_equal(fstat(fileno(file), &status), 0);
    size_t length = (size_t)status.st_size;
    char *text = malloc(length + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    text[length] = '\0';
    *out_length = length;
    return text;
}

/*
 * Runs @body in a child, where it may set limits, handlers or die, and gives the child's
 * wait status.  The body must not use cmocka: it returns the child's exit status.
 */
static inline int ipm_test_in_child(int (*body)(void *context), void *context)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body(context));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
