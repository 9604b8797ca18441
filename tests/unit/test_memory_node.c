/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "harness/worker/memory_node.h"
#include "harness/worker/point.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 8000, TOUCHED = 2000 };

static uint64_t counted(const struct ipm_memory_pages *pages, int node)
{
    for (int i = 0; i < pages->n; i++) {
        if (pages->nodes[i].node == node)
            return pages->nodes[i].pages;
    }
    return 0;
}

/* For a body that may not use cmocka: which line failed is its exit status. */
#define NEED(condition)                                                                \
    do {                                                                               \
        if (!(condition))                                                              \
            return __LINE__;                                                           \
    } while (0)

/* In a child: the policy stays with the task. */
static int bound(void *context)
{
    int node = *(int *)context;
    struct ipm_why why = {0};
    struct ipm_memory_pages before;
    struct ipm_memory_pages after;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    NEED(ipm_memory_bind(node, &why) == 0);
    ipm_memory_count(&before);
    NEED(before.n == 0 && before.why.error < 0); /* nothing was marked */
    NEED(ipm_memory_prove(&before, node, &why) == before.why.error);

    ipm_memory_mark();
    ipm_memory_count(&before);
    int fd = memfd_create("test", MFD_CLOEXEC);
    NEED(fd >= 0 && ftruncate(fd, (off_t)(PAGES * page)) == 0);
    unsigned char *memory =
        mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(memory != MAP_FAILED);
    (void)madvise(memory, PAGES * page, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < TOUCHED; i++)
        memory[i * page] = 1;
    ipm_memory_count(&after);
    /* Not what is mapped, but what is there. */
    uint64_t more = counted(&after, node) - counted(&before, node);
    NEED(more >= TOUCHED && more < 2 * TOUCHED);
    NEED(ipm_memory_prove(&after, node, &why) == 0);

    ipm_memory_mark();
    ipm_memory_count(&after);
    NEED(counted(&after, node) < TOUCHED); /* it is older than the mark now */
    return 0;
}

static void here(void **state)
{
    (void)state;
    struct ipm_why why = {0};
    unsigned char nodes[IPM_NODE_NUMBERS / 8];
    int n = ipm_memory_nodes(nodes, &why);
    if (n < 0) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    int seen = 0;
    int first = -1;
    int absent = -1;
    for (int node = IPM_NODE_NUMBERS - 1; node >= 0; node--) {
        bool usable = (nodes[node / 8] >> node % 8 & 1) != 0;
        seen += usable;
        first = usable ? node : first;
        absent = usable ? absent : node;
    }
    assert_int_equal(seen, n);
    assert_int_equal(ipm_test_in_child(bound, &first), 0);
    assert_int_equal(ipm_memory_bind(absent, &why), -EOPNOTSUPP);
    assert_int_equal(ipm_memory_bind(IPM_NODE_NUMBERS, &why), -EOPNOTSUPP);
    assert_int_equal(ipm_memory_bind(IPM_NODE_LOCAL, &why), 0);
}

/* What a machine of several nodes would show. */
static void elsewhere(void **state)
{
    struct ipm_memory_pages all_there = {.n = 1, .nodes = {{1, 500}}};
    struct ipm_memory_pages strayed = {.n = 2, .nodes = {{1, 500}, {0, 3}}};
    struct ipm_memory_pages unknown = {.n = 0, .why = {-EPERM, "asked, and refused"}};
    struct ipm_memory_pages sum = {.n = 0};
    struct ipm_why why = {0};
    (void)state;
    assert_int_equal(ipm_memory_prove(&all_there, 1, &why), 0);
    assert_int_equal(ipm_memory_prove(&all_there, 0, &why), -EREMOTEIO);
    assert_string_equal(why.text,
                        "memory node 0: 500 of 500 pages lie elsewhere, on node 1");
    assert_int_equal(ipm_memory_prove(&strayed, 1, &why), -EREMOTEIO);
    assert_string_equal(why.text,
                        "memory node 1: 3 of 503 pages lie elsewhere, on node 0");
    assert_int_equal(ipm_memory_prove(&strayed, IPM_NODE_LOCAL, &why), 0);
    assert_int_equal(ipm_memory_prove(&unknown, 1, &why), -EPERM);
    assert_int_equal(ipm_memory_prove(&unknown, IPM_NODE_LOCAL, &why), 0);

    ipm_memory_add(&sum, &all_there);
    ipm_memory_add(&sum, &strayed);
    ipm_auto_json json_t *json = ipm_memory_json(&sum);
    assert_int_equal(json_object_size(json), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "1")), 1000);
    assert_int_equal(json_integer_value(json_object_get(json, "0")), 3);
    /* Half of an answer is none. */
    ipm_memory_add(&sum, &unknown);
    ipm_memory_add(&sum, &all_there);
    assert_int_equal(sum.n, 0);
    assert_string_equal(sum.why.text, "asked, and refused");
    ipm_auto_json json_t *nothing = ipm_memory_json(&sum);
    assert_true(json_is_null(nothing));
}

/* What a point may ask for. */
static void asked(void **state)
{
    static const struct {
        const char *members;
        int error, node;
    } rows[] = {
        {"", 0, IPM_NODE_LOCAL},
        {",\"memory_node\":null", 0, IPM_NODE_LOCAL},
        {",\"memory_node\":\"local\",\"memory_node_resolved\":null", 0, IPM_NODE_LOCAL},
        {",\"memory_node\":0", 0, 0},
        {",\"memory_node\":\"7\",\"memory_node_resolved\":7", 0, 7},
        {",\"memory_node\":\"remote\",\"memory_node_resolved\":3", 0, 3},
        {",\"memory_node\":\"remote\"", -EINVAL, 0},
        {",\"memory_node\":\"remote\",\"memory_node_resolved\":null", -EINVAL, 0},
        {",\"memory_node\":\"far\"", -EINVAL, 0},
        {",\"memory_node\":-1", -EINVAL, 0},
        {",\"memory_node\":1024", -EINVAL, 0},
        {",\"memory_node\":true", -EINVAL, 0},
        {",\"memory_node\":[0]", -EINVAL, 0},
    };
    static struct ipm_point point;
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[256];
        struct ipm_why why = {0};
        (void)snprintf(text, sizeof(text),
                       "{\"schema\":1,\"workload\":\"pingpong\",\"mechanism\":\"pipe\""
                       "%s}",
                       rows[i].members);
        ipm_auto_json json_t *json = json_loads(text, 0, NULL);
        assert_non_null(json);
        int error = ipm_point_parse(json, &point, &why);
        if (error != rows[i].error || (error == 0 && point.memory_node != rows[i].node))
            fail_msg("%s: %d, node %d: %s", rows[i].members, error, point.memory_node,
                     why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(here),
        cmocka_unit_test(elsewhere),
        cmocka_unit_test(asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
