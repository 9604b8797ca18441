/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "tests/support/test.h"

#include <errno.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int open_null(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* The early return is what a cleanup is for. */
static int leave_early(int *out_seen, bool early)
{
    ipm_auto_fd int fd = open_null();
    *out_seen = fd;
    if (early)
        return -EINVAL;
    assert_true(is_open(fd));
    return 0;
}

static void fd_is_closed_on_every_way_out(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        int seen = -1;
        assert_int_equal(leave_early(&seen, early), early ? -EINVAL : 0);
        assert_false(is_open(seen));
    }
}

static void no_fd_is_no_close(void **state)
{
    (void)state;
    {
        ipm_auto_fd int none = -1;
        (void)none;
        errno = 0;
    }
    /* close(-1) would have set EBADF. */
    assert_int_equal(errno, 0);
}

static void fd_zero_is_closed_too(void **state)
{
    (void)state;
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 3);
    (void)close(0);
    {
        ipm_auto_fd int fd = open_null();
        assert_int_equal(fd, 0);
    }
    bool closed = !is_open(0);
    if (kept >= 0) {
        assert_int_equal(dup2(kept, 0), 0);
        (void)close(kept);
    }
    assert_true(closed);
}

static void stolen_fd_stays_open(void **state)
{
    (void)state;
    int stolen = -1;
    {
        ipm_auto_fd int fd = open_null();
        stolen = ipm_steal_fd(&fd);
        assert_int_equal(fd, -1);
    }
    assert_true(is_open(stolen));
    assert_int_equal(close(stolen), 0);
}

static void cleaned_fd_is_forgotten(void **state)
{
    (void)state;
    int fd = open_null();
    ipm_cleanup_fd(&fd);
    assert_int_equal(fd, -1);
    ipm_cleanup_fd(&fd); /* a second time is harmless */
    assert_int_equal(fd, -1);
}

/* cmocka's test_malloc() keeps count of what was not freed. */
static void memory_is_freed_or_stolen(void **state)
{
    (void)state;
    int *stolen = NULL;
    {
        ipm_auto_free int *none = NULL;
        ipm_auto_free int *freed = malloc(sizeof(*freed));
        ipm_auto_free int *kept = malloc(sizeof(*kept));
        assert_non_null(freed);
        assert_non_null(kept);
        (void)none;
        *kept = 42;
        stolen = ipm_steal(&kept);
        assert_null(kept);
    }
    assert_int_equal(*stolen, 42); /* a sanitizer would see use after free */
    free(stolen);
}

static void file_is_closed(void **state)
{
    (void)state;
    int fd = -1;
    {
        ipm_auto_file FILE *none = NULL;
        ipm_auto_file FILE *file = fopen("/dev/null", "re");
        (void)none;
        assert_non_null(file);
        fd = fileno(file);
        assert_true(is_open(fd));
    }
    assert_false(is_open(fd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fd_is_closed_on_every_way_out),
        cmocka_unit_test(no_fd_is_no_close),
        cmocka_unit_test(fd_zero_is_closed_too),
        cmocka_unit_test(stolen_fd_stays_open),
        cmocka_unit_test(cleaned_fd_is_forgotten),
        cmocka_unit_test(memory_is_freed_or_stolen),
        cmocka_unit_test(file_is_closed),
    };
    return cmocka_run_group_tests_name("cleanup", tests, NULL, NULL);
}
