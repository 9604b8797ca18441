/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/region.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { VERSION = 3, SIZE = 3 * 65536 + 100 };

static const uint64_t magic = UINT64_C(0x6970636d65746572);

static void make(struct ipm_region *region)
{
    assert_int_equal(ipm_region_create(region, magic, VERSION, SIZE, NULL), 0);
}

static void nonsense_sizes_are_refused(void **state)
{
    static const size_t sizes[] = {0, SIZE_MAX, SIZE_MAX - IPM_REGION_HEADER + 1,
                                   SIZE_MAX - IPM_REGION_HEADER, SIZE_MAX / 2};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(sizes); i++) {
        struct ipm_region region = {.base = &region, .size = 7, .fd = 42};
        struct ipm_why why = {0};
        int error = ipm_region_create(&region, magic, VERSION, sizes[i], &why);
        if (error >= 0)
            fail_msg("%zu bytes were granted", sizes[i]);
        assert_int_equal(why.error, error);
        assert_true(region.base == &region && region.size == 7 && region.fd == 42);
    }
}

static int create_without_descriptors(void *context)
{
    (void)context;
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return 2;
    }
    struct ipm_region region = IPM_REGION_NONE;
    struct ipm_why why = {0};
    if (ipm_region_create(&region, magic, VERSION, SIZE, &why) != -EMFILE)
        return 3;
    return region.base == NULL && region.fd == -1 && why.error == -EMFILE ? 0 : 4;
}

static void no_descriptor_left_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(ipm_test_in_child(create_without_descriptors, NULL), 0);
}

static void foreign_memory_is_refused(void **state)
{
    struct ipm_region region;
    (void)state;
    make(&region);
    const struct {
        uint64_t magic;
        uint32_t version;
    } rows[] = {{magic + 1, VERSION},        {0, VERSION},
                {magic, VERSION + 1},        {magic, 0},
                {magic, VERSION | 1u << 31}, {~magic, VERSION}};
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_region mapped = {.base = &mapped, .size = 7, .fd = 42};
        struct ipm_why why = {0};
        assert_int_equal(
            ipm_region_map(&mapped, region.fd, rows[i].magic, rows[i].version, &why),
            -EPROTO);
        assert_int_equal(why.error, -EPROTO);
        assert_true(mapped.base == &mapped && mapped.size == 7 && mapped.fd == 42);
    }
    ipm_region_fini(&region);
}

/* A file that holds a right header of another length, or no room for one. */
static void wrong_sizes_are_refused(void **state)
{
    static const off_t sizes[] = {0,
                                  1,
                                  24,
                                  IPM_REGION_HEADER - 1,
                                  IPM_REGION_HEADER,
                                  IPM_REGION_HEADER + SIZE - 1,
                                  IPM_REGION_HEADER + SIZE + 1};
    struct ipm_region region;
    unsigned char header[IPM_REGION_HEADER];
    (void)state;
    make(&region);
    assert_int_equal(pread(region.fd, header, sizeof(header), 0), sizeof(header));
    for (size_t i = 0; i < IPM_TEST_ROWS(sizes); i++) {
        ipm_auto_fd int fd = memfd_create("test", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        struct ipm_region mapped = IPM_REGION_NONE;
        struct ipm_why why = {0};
        int error = ipm_region_map(&mapped, fd, magic, VERSION, &why);
        if (error != -EPROTO)
            fail_msg("%lld bytes: error %d", (long long)sizes[i], error);
        assert_null(mapped.base);
        /* The same file at the right length is taken: it was the size that was wrong. */
        assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
        assert_int_equal(ftruncate(fd, IPM_REGION_HEADER + SIZE), 0);
        assert_int_equal(ipm_region_map(&mapped, fd, magic, VERSION, &why), 0);
        ipm_region_fini(&mapped);
    }
    ipm_region_fini(&region);
}

/* A header that agrees with its file in every respect, where there is no room for one. */
static void header_that_agrees_with_a_short_file_is_refused(void **state)
{
    struct {
        uint64_t magic;
        uint32_t version;
        uint32_t reserved;
        uint64_t size;
    } header = {.magic = magic, .version = VERSION};
    (void)state;
    for (size_t whole = sizeof(header); whole <= IPM_REGION_HEADER + 1; whole++) {
        ipm_auto_fd int fd = memfd_create("test", MFD_CLOEXEC);
        assert_true(fd >= 0);
        header.size = whole - IPM_REGION_HEADER; /* wraps, as it would in the check */
        assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
        assert_int_equal(ftruncate(fd, (off_t)whole), 0);
        struct ipm_region mapped = IPM_REGION_NONE;
        int error = ipm_region_map(&mapped, fd, magic, VERSION, NULL);
        /* One usable byte is the least there can be, and shows that the header is right. */
        assert_int_equal(error, whole > IPM_REGION_HEADER ? 0 : -EPROTO);
        ipm_region_fini(&mapped);
    }
}

static void bad_descriptors_are_errors(void **state)
{
    (void)state;
    struct ipm_region mapped = IPM_REGION_NONE;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(ipm_region_map(&mapped, -1, magic, VERSION, NULL), -EBADF);
    assert_true(ipm_region_map(&mapped, ends[0], magic, VERSION, NULL) < 0);
    assert_null(mapped.base);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void seals_refuse_any_change_of_size(void **state)
{
    static const off_t sizes[] = {0,
                                  1,
                                  IPM_REGION_HEADER,
                                  IPM_REGION_HEADER + SIZE - 1,
                                  IPM_REGION_HEADER + SIZE + 1,
                                  1 << 30};
    struct ipm_region region;
    (void)state;
    make(&region);
    for (size_t i = 0; i < IPM_TEST_ROWS(sizes); i++) {
        assert_int_equal(ftruncate(region.fd, sizes[i]), -1);
        assert_int_equal(errno, EPERM);
    }
    assert_int_equal(fcntl(region.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(errno, EPERM);
    ipm_region_fini(&region);
}

static void descriptor_does_not_survive_exec(void **state)
{
    struct ipm_region region;
    (void)state;
    make(&region);
    assert_true((fcntl(region.fd, F_GETFD) & FD_CLOEXEC) != 0);
    ipm_region_fini(&region);
}

static void both_ends_see_the_same_zeroed_memory(void **state)
{
    struct ipm_region region;
    struct ipm_region mapped = IPM_REGION_NONE;
    (void)state;
    make(&region);
    assert_int_equal(region.size, SIZE);
    assert_int_equal((uintptr_t)region.base % IPM_LINE_PAIR, 0);
    const unsigned char *bytes = region.base;
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(bytes[i], 0);

    assert_int_equal(ipm_region_map(&mapped, region.fd, magic, VERSION, NULL), 0);
    assert_int_equal(mapped.size, SIZE);
    assert_int_equal(mapped.fd, -1);
    assert_ptr_not_equal(mapped.base, region.base);
    memset(mapped.base, 0x5a, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(bytes[i], 0x5a);

    /* The descriptor stays the caller's, and its end does not take the memory away. */
    ipm_region_fini(&region);
    assert_int_equal(((unsigned char *)mapped.base)[SIZE - 1], 0x5a);
    ipm_region_fini(&mapped);
}

static void fini_takes_everything_and_is_idempotent(void **state)
{
    struct ipm_region region;
    (void)state;
    make(&region);
    int fd = region.fd;
    char *page = (char *)region.base - IPM_REGION_HEADER;
    unsigned char present[64];
    ipm_region_fini(&region);
    assert_true(region.base == NULL && region.size == 0 && region.fd == -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(mincore(page, (size_t)sysconf(_SC_PAGESIZE), present), -1);
    assert_int_equal(errno, ENOMEM); /* not mapped any more */
    ipm_region_fini(&region);
    assert_int_equal(region.fd, -1);
}

static size_t pages_present(void *start, size_t size, size_t *out_pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)start & ~(page - 1);
    size_t n = ((uintptr_t)start + size - first + page - 1) / page;
    unsigned char *present = calloc(n, 1);
    assert_non_null(present);
    /* The address of a page's first byte, made from one inside it. */
    assert_int_equal(mincore((void *)first, n * page, present), 0);
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += present[i] & 1;
    free(present);
    *out_pages = n;
    return found;
}

static void region_prefault_makes_all_pages_present(void **state)
{
    struct ipm_region region;
    size_t pages = 0;
    (void)state;
    make(&region);
    ipm_region_prefault(&region);
    assert_true(pages_present(region.base, region.size, &pages) == pages);
    assert_true(pages > 1);
    const unsigned char *bytes = region.base;
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(bytes[i], 0);
    ipm_region_fini(&region);
    ipm_region_prefault(&region); /* nothing is mapped: nothing happens */
}

/* Anonymous memory at odd places: the pages it lies in, and no other, and no byte of it
 * changes. */
static void prefault_covers_exactly_the_pages_touched(void **state)
{
    enum { PAGES = 16 };
    static const struct {
        size_t start, size, first, n; /* in sixteenths of a page; pages */
    } rows[] = {{32, 16, 2, 1}, {32, 17, 2, 2},   {47, 1, 2, 1},   {47, 2, 2, 2},
                {33, 15, 2, 1}, {40, 160, 2, 11}, {0, 256, 0, 16}, {255, 1, 15, 1}};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char *start = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(start != MAP_FAILED);
        (void)madvise(start, PAGES * page, MADV_NOHUGEPAGE);
        size_t pages = 0;
        assert_int_equal(pages_present(start, PAGES * page, &pages), 0);
        ipm_prefault(start + rows[i].start * page / 16, rows[i].size * page / 16);
        assert_int_equal(pages_present(start, PAGES * page, &pages), rows[i].n);
        assert_int_equal(
            pages_present(start + rows[i].first * page, rows[i].n * page, &pages),
            rows[i].n);
        memset(start, 0x5a, PAGES * page);
        ipm_prefault(start + rows[i].start * page / 16, rows[i].size * page / 16);
        for (size_t k = 0; k < PAGES * page; k++)
            assert_int_equal(start[k], 0x5a);
        assert_int_equal(munmap(start, PAGES * page), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_sizes_are_refused),
        cmocka_unit_test(no_descriptor_left_is_an_error),
        cmocka_unit_test(foreign_memory_is_refused),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(header_that_agrees_with_a_short_file_is_refused),
        cmocka_unit_test(bad_descriptors_are_errors),
        cmocka_unit_test(seals_refuse_any_change_of_size),
        cmocka_unit_test(descriptor_does_not_survive_exec),
        cmocka_unit_test(both_ends_see_the_same_zeroed_memory),
        cmocka_unit_test(fini_takes_everything_and_is_idempotent),
        cmocka_unit_test(region_prefault_makes_all_pages_present),
        cmocka_unit_test(prefault_covers_exactly_the_pages_touched),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
