/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_noise.h"
#include "analysis/significance.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>

static void skip_without_gsl(void)
{
    if (isnan(ipm_root_mean_square_median(1))) {
        print_message("skipped: built without GSL\n");
        skip();
    }
}

static struct ipm_gate_null null_of(const char *id, const char *builds, double effect)
{
    return (struct ipm_gate_null){.id = id,
                                  .metric = "p50_ns",
                                  .mechanism = "pipe",
                                  .builds = builds,
                                  .effect = effect};
}

/* By hand: two sessions of each of two pairs, (1, 3) and (-2, -2) %: the pairs' means are
 * 2 and -2, so between is 2; the squares about them are 1 + 1 + 0 + 0 over two degrees of
 * freedom, so within is 1.  Alone in its mechanism, a point is shrunk towards itself over
 * what its few degrees of freedom lose. */
static void two_parts(void **state)
{
    (void)state;
    skip_without_gsl();
    const struct ipm_gate_null nulls[] = {
        null_of("x", "one", 0.01), null_of("x", "two", -0.02),
        null_of("x", "one", 0.03), null_of("x", "two", -0.02)};
    struct ipm_gate_noise noise;
    assert_int_equal(ipm_gate_noise_fit(nulls, 4, &noise, NULL), 0);
    assert_int_equal(noise.n_points, 1);
    assert_int_equal(noise.points[0].sessions, 4);
    assert_int_equal(noise.points[0].pairs, 2);
    assert_true(fabs(noise.points[0].between - 0.02) < 1e-15);
    assert_true(fabs(noise.points[0].within - 0.01) < 1e-15);
    double lost = ipm_root_mean_square_median(2);
    double grown =
        (2 + IPM_GATE_NOISE_PRIOR / (lost * lost)) / (2 + IPM_GATE_NOISE_PRIOR);
    assert_true(fabs(noise.points[0].noise - sqrt(grown * (4e-4 + 1e-4))) < 1e-12);
    ipm_gate_noise_fini(&noise);
    ipm_gate_noise_fini(&noise);
}

/* Sessions of one pair that agree on a bias say nothing about the next pair: the bias is
 * noise, however often it was seen. */
static void a_bias_is_noise(void **state)
{
    (void)state;
    skip_without_gsl();
    struct ipm_gate_null nulls[20];
    for (size_t i = 0; i < 20; i++)
        nulls[i] = null_of("x", "one", 0.01);
    struct ipm_gate_noise noise;
    assert_int_equal(ipm_gate_noise_fit(nulls, 20, &noise, NULL), 0);
    assert_true(noise.points[0].noise >= 0.01);
    ipm_gate_noise_fini(&noise);
}

static void is_shrunk_to_its_mechanism(void **state)
{
    (void)state;
    skip_without_gsl();
    static const char *const ids[] = {"p0", "p1", "p2", "p3", "p4"};
    struct ipm_gate_null nulls[6];
    for (size_t i = 0; i < 5; i++)
        nulls[i] = null_of(ids[i], "one", 0.01);
    nulls[4].effect = 0;
    nulls[5] = null_of("alone", "one", 0.08);
    nulls[5].mechanism = "shm_ring";
    struct ipm_gate_noise noise;
    assert_int_equal(ipm_gate_noise_fit(nulls, 6, &noise, NULL), 0);
    double quiet = ipm_gate_noise_of(&noise, "p4", "p50_ns", "pipe");
    double usual = ipm_gate_noise_of(&noise, "p0", "p50_ns", "pipe");
    assert_true(quiet > 0.01 && quiet < usual); /* one lucky 0 is not believed */
    /* A point that was not calibrated: the largest of its mechanism, and of no other. */
    assert_true(ipm_gate_noise_of(&noise, "new", "p50_ns", "pipe") == usual);
    assert_true(isnan(ipm_gate_noise_of(&noise, "new", "p99_ns", "pipe")));
    assert_true(isnan(ipm_gate_noise_of(&noise, "new", "p50_ns", "fifo")));
    assert_true(ipm_gate_noise_of(&noise, "new", "p50_ns", "shm_ring") > 0.08);
    ipm_gate_noise_fini(&noise);
}

/* 400 points, 20 pairs each, 1 % between them: the noise is found to a tenth. */
static void planted_noise_is_found(void **state)
{
    (void)state;
    skip_without_gsl();
    enum { POINTS = 400, PAIRS = 20 };
    static struct ipm_gate_null nulls[POINTS * PAIRS];
    static char ids[POINTS][16];
    static char builds[PAIRS][16];
    uint64_t random = 7;
    for (size_t i = 0; i < (size_t)POINTS * PAIRS; i++) {
        double sum = 0; /* of twelve uniform ones: sd 1 */
        for (int k = 0; k < 12; k++)
            sum += (double)(ipm_test_random(&random) >> 11) * 0x1p-53 - 0.5;
        (void)snprintf(ids[i / PAIRS], 16, "%zu", i / PAIRS);
        (void)snprintf(builds[i % PAIRS], 16, "%zu", i % PAIRS);
        nulls[i] = null_of(ids[i / PAIRS], builds[i % PAIRS], 0.01 * sum);
    }
    struct ipm_gate_noise noise;
    assert_int_equal(ipm_gate_noise_fit(nulls, POINTS * PAIRS, &noise, NULL), 0);
    assert_int_equal(noise.n_points, POINTS);
    double squares = 0;
    for (size_t i = 0; i < POINTS; i++)
        squares += noise.points[i].noise * noise.points[i].noise;
    assert_true(fabs(sqrt(squares / POINTS) - 0.01) < 0.001);
    ipm_gate_noise_fini(&noise);
}

static void refuses_what_is_no_session(void **state)
{
    (void)state;
    struct ipm_gate_noise noise;
    struct ipm_why why = {0};
    assert_int_equal(ipm_gate_noise_fit(NULL, 0, &noise, &why), -ENODATA);
    skip_without_gsl();
    struct ipm_gate_null nulls[2] = {null_of("x", "one", NAN), null_of("x", "one", 0)};
    assert_int_equal(ipm_gate_noise_fit(nulls, 2, &noise, &why), -EINVAL);
    nulls[0] = null_of(
        "0123456789012345678901234567890123456789012345678901234567890123", "one", 0);
    assert_int_equal(ipm_gate_noise_fit(nulls, 2, &noise, &why), -EINVAL);
    nulls[0] = null_of("x", "one", 0);
    nulls[1].mechanism = "fifo";
    assert_int_equal(ipm_gate_noise_fit(nulls, 2, &noise, &why), -EINVAL);
    assert_non_null(strstr(why.text, "is of fifo and of pipe"));
}

static void holds_for_its_class_and_time(void **state)
{
    (void)state;
    const struct ipm_gate_noise noise = {
        .fingerprint = "aa", .made_s = 100, .expires_s = 1000};
    struct ipm_why why = {0};
    assert_int_equal(ipm_gate_noise_holds(&noise, "aa", 999, &why), 0);
    assert_int_equal(ipm_gate_noise_holds(&noise, "aa", 1000, &why), -ESTALE);
    assert_int_equal(ipm_gate_noise_holds(&noise, "ab", 999, &why), -EXDEV);
    assert_non_null(strstr(why.text, "another class"));
}

static void comes_back_from_its_document(void **state)
{
    (void)state;
    skip_without_gsl();
    const struct ipm_gate_null nulls[] = {null_of("x", "one", 0.01),
                                          null_of("x", "two", -0.02),
                                          null_of("y", "one", 0.03)};
    struct ipm_gate_noise noise;
    struct ipm_gate_noise back;
    struct ipm_why why = {0};
    assert_int_equal(ipm_gate_noise_fit(nulls, 3, &noise, NULL), 0);
    (void)snprintf(noise.fingerprint, sizeof(noise.fingerprint), "0011");
    noise.made_s = 5;
    noise.expires_s = 6;
    ipm_auto_json json_t *json = ipm_gate_noise_json(&noise);
    assert_int_equal(ipm_gate_noise_read(json, &back, &why), 0);
    assert_string_equal(back.fingerprint, "0011");
    assert_int_equal(back.expires_s, 6);
    assert_int_equal(back.n_points, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(back.points[i].id, noise.points[i].id);
        assert_true(back.points[i].noise == noise.points[i].noise);
        assert_true(back.points[i].between == noise.points[i].between);
        assert_int_equal(back.points[i].pairs, noise.points[i].pairs);
    }
    ipm_gate_noise_fini(&back);
    ipm_gate_noise_fini(&noise);

    /* Whatever is missing or out of range is named. */
    static const char *const keys[] = {"point", "metric",  "mechanism", "sessions",
                                       "pairs", "between", "within",    "noise"};
    for (size_t i = 0; i < IPM_TEST_ROWS(keys); i++) {
        ipm_auto_json json_t *broken = json_deep_copy(json);
        json_t *row = json_array_get(json_object_get(broken, "points"), 1);
        assert_int_equal(json_object_del(row, keys[i]), 0);
        assert_int_equal(ipm_gate_noise_read(broken, &back, &why), -EINVAL);
        assert_non_null(strstr(why.text, "points[1]"));
        (void)json_object_set_new(row, keys[i], json_integer(-1));
        assert_int_equal(ipm_gate_noise_read(broken, &back, &why), -EINVAL);
    }
    (void)json_object_set_new(json, "schema", json_integer(2));
    assert_int_equal(ipm_gate_noise_read(json, &back, &why), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_parts),
        cmocka_unit_test(a_bias_is_noise),
        cmocka_unit_test(is_shrunk_to_its_mechanism),
        cmocka_unit_test(planted_noise_is_found),
        cmocka_unit_test(refuses_what_is_no_session),
        cmocka_unit_test(holds_for_its_class_and_time),
        cmocka_unit_test(comes_back_from_its_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
