/* SPDX-License-Identifier: MIT */
#include "harness/worker/copies_check.h"
#include "mechanisms/registry.h"
#include "tests/support/test.h"

enum { MESSAGES = 1000 };

/* A mechanism of this family and k, for which so many bytes and calls were seen. */
static struct ipm_copies_verdict check(const char *family, unsigned capabilities, int k,
                                       double size, double seen, double calls)
{
    const struct ipm_mechanism mechanism = {
        .name = "planted",
        .family = family,
        .capabilities = capabilities,
        .modes = {[2] = {.supported = true, .facts = {.copies = k}}},
    };
    const struct ipm_workload workload = {
        .name = "planted", .lock_step = true, .n_roles = 2, .n_edges = 1};
    const struct ipm_point point = {
        .workload = &workload,
        .mechanism = &mechanism,
        .copies = 2,
        .traffic = {.size = (int64_t)size, .reply_size = -1, .pairs = 1},
    };
    const struct ipm_metric metrics[] = {
        ipm_metric_value("syscalls", "", "test", calls * MESSAGES),
        seen < 0 ? ipm_metric_missing("bytes_through_kernel", "bytes", "test",
                                      "masked: planted")
                 : ipm_metric_value("bytes_through_kernel", "bytes", "test",
                                    seen * MESSAGES),
    };
    struct ipm_copies_verdict verdict;
    ipm_copies_check(&point, size * MESSAGES, metrics, IPM_TEST_ROWS(metrics),
                     &verdict);
    assert_int_equal(verdict.agreement == IPM_AGREE, verdict.reason[0] == '\0');
    return verdict;
}

static void whole_copies_up_to_the_declared_ones_agree(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        unsigned capabilities;
        int k;
        double size, seen, calls;
        int copies;
    } rows[] = {
        {"stream", 0, 2, 64, 128, 2, 2},         /* pipe */
        {"stream", 0, 5, 1024, 2048, 2, 2},      /* pty: three deep in the kernel */
        {"message", 0, 2, 64, 160, 2, 2},        /* a netlink header each */
        {"shared memory", 0, 2, 64, 0, 0, 0},    /* ring */
        {"shared memory", 0, 1, 64, 2, 2, 0},    /* a byte to wake */
        {"single copy", 0, 2, 1024, 1024, 3, 1}, /* and one into shared memory */
        {"message", IPM_CAP_BROKER, 7, 16384, 65536 + 1500, 9, 4},
        {"message", IPM_CAP_BROKER, 7, 1024, 4475, 9, -1}, /* 4 or 3 and headers */
        {"stream", 0, 2, 1024, 2040, 2, 2},                /* the ends of the window */
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_copies_verdict verdict =
            check(rows[i].family, rows[i].capabilities, rows[i].k, rows[i].size,
                  rows[i].seen, rows[i].calls);
        assert_int_equal(verdict.agreement, IPM_AGREE);
        assert_int_equal(verdict.seen, rows[i].copies);
        assert_int_equal(verdict.declared, rows[i].k);
    }
}

/* So few messages that the two which a library's thread had in flight are more than 1 %. */
static void what_is_in_flight_at_the_ends_is_allowed_for(void **state)
{
    (void)state;
    const struct ipm_mechanism mechanism = {
        .name = "planted",
        .family = "message",
        .capabilities = IPM_CAP_ALLOCATES,
        .modes = {[2] = {.supported = true, .facts = {.copies = 4}}},
    };
    struct ipm_workload workload = {
        .name = "planted", .lock_step = true, .n_roles = 2, .n_edges = 1};
    const struct ipm_point point = {
        .workload = &workload,
        .mechanism = &mechanism,
        .copies = 2,
        .traffic = {.size = 16384, .reply_size = -1, .depth = 64, .pairs = 1},
    };
    const struct ipm_metric metrics[] = {
        ipm_metric_value("syscalls", "", "test", 62 * 4),
        ipm_metric_value("bytes_through_kernel", "bytes", "test", 2 * 61 * 16384),
    };
    struct ipm_copies_verdict verdict;
    ipm_copies_check(&point, 62 * 16384, metrics, IPM_TEST_ROWS(metrics), &verdict);
    assert_int_equal(verdict.agreement, IPM_AGREE);
    assert_int_equal(verdict.seen, 2);
    workload.lock_step = false; /* 128 of 62 */
    ipm_copies_check(&point, 62 * 16384, metrics, IPM_TEST_ROWS(metrics), &verdict);
    assert_int_equal(verdict.agreement, IPM_UNTESTED);
    assert_memory_equal(verdict.reason, "too_short: ", 11);
}

static void other_numbers_disagree(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        int k;
        double size, seen, calls;
    } rows[] = {
        {"stream", 2, 64, 192, 2},          /* three copies */
        {"stream", 2, 64, 64, 2},           /* one */
        {"stream", 2, 64, 0, 2},            /* none */
        {"shared memory", 2, 1024, 512, 2}, /* half a copy */
        {"shared memory", 0, 64, 64, 1},
        {"single copy", 1, 1024, 2048, 3},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        assert_int_equal(check(rows[i].family, 0, rows[i].k, rows[i].size, rows[i].seen,
                               rows[i].calls)
                             .agreement,
                         IPM_DISAGREE);
}

static void what_is_not_known_is_not_judged(void **state)
{
    (void)state;
    struct ipm_copies_verdict verdict = check("stream", 0, 2, 64, -1, 2);
    assert_int_equal(verdict.agreement, IPM_UNTESTED);
    assert_string_equal(verdict.reason, "masked: planted");
    assert_int_equal(check("stream", 0, IPM_VARIES, 64, 128, 2).agreement,
                     IPM_UNTESTED);
    assert_int_equal(check("token", 0, 0, 0, 16, 2).agreement, IPM_UNTESTED);
}

static void declared_bytes_are_k_payloads_or_null(void **state)
{
    (void)state;
    struct ipm_mechanism mechanism = {
        .name = "planted",
        .modes = {[1] = {.supported = true, .facts = {.copies = 3}}}};
    const struct ipm_point point = {.mechanism = &mechanism, .copies = 1};
    struct ipm_metric metric = ipm_copies_declared(&point, 1000);
    assert_int_equal(metric.status, IPM_METRIC_OK);
    assert_true(metric.value == 3000);
    assert_string_equal(metric.source, "declared");
    mechanism.modes[1].facts.copies = IPM_VARIES;
    metric = ipm_copies_declared(&point, 1000);
    assert_int_equal(metric.status, IPM_METRIC_UNAVAILABLE);
    assert_memory_equal(metric.reason, "absent: ", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_copies_up_to_the_declared_ones_agree),
        cmocka_unit_test(what_is_in_flight_at_the_ends_is_allowed_for),
        cmocka_unit_test(other_numbers_disagree),
        cmocka_unit_test(what_is_not_known_is_not_judged),
        cmocka_unit_test(declared_bytes_are_k_payloads_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
