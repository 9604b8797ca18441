/* SPDX-License-Identifier: MIT */
#include "tests/conformance/cover.h"
#include "tests/support/test.h"

#include <errno.h>

struct values {
    int64_t backing, sync, copy, flag, batch;
};

static const char *const backings[] = {"a", "b", "c", "d", "e", "f", NULL};
static const char *const syncs[] = {"w", "x", "y", "z", NULL};

static const struct ipm_option table[] = {
    {.name = "backing",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct values, backing),
     .fallback = "c",
     .choices = backings},
    {.name = "sync",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct values, sync),
     .fallback = "x",
     .choices = syncs},
    {.name = "copy",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct values, copy),
     .fallback = "w",
     .choices = syncs},
    {.name = "flag",
     .type = IPM_OPTION_FLAG,
     .offset = IPM_OPTION_FIELD(struct values, flag),
     .fallback = "true"},
    {.name = "batch",
     .type = IPM_OPTION_INTEGER,
     .offset = IPM_OPTION_FIELD(struct values, batch),
     .fallback = "7",
     .min = 1,
     .max = 64},
    {.name = NULL},
};

enum { LEVELS = 6 };

static void check_pair(const struct ipm_cover *cover, size_t a, size_t b)
{
    for (int i = 0; i < cover->levels[a]; i++) {
        for (int j = 0; j < cover->levels[b]; j++) {
            bool met = false;
            for (size_t row = 0; row < cover->n_rows; row++)
                met = met || (cover->rows[row][a] == i && cover->rows[row][b] == j);
            if (!met)
                fail_msg("%s %d never meets %s %d", cover->axes[a]->name, i,
                         cover->axes[b]->name, j);
        }
    }
}

static void test_pairs(void **state)
{
    (void)state;
    struct ipm_cover cover;
    assert_int_equal(ipm_cover_init(&cover, table, NULL, 0, false, NULL), 0);
    assert_int_equal(cover.n_axes, 4);
    for (size_t a = 0; a < cover.n_axes; a++) {
        for (size_t b = 0; b < a; b++)
            check_pair(&cover, a, b);
    }
    /* The two longest axes need 6 x 4 rows; a greedy choice may take a few more. */
    assert_true(cover.n_rows >= 24 && cover.n_rows <= 32);

    struct values values = {0};
    char text[IPM_COVER_TEXT];
    ipm_cover_values(&cover, 0, &values);
    assert_int_equal(values.backing, 2);
    assert_int_equal(values.sync, 1);
    assert_int_equal(values.copy, 0);
    assert_int_equal(values.flag, 1);
    assert_int_equal(values.batch, 7);
    assert_string_equal(ipm_cover_text(&cover, 0, text), "defaults");
    for (size_t row = 1; row < cover.n_rows; row++)
        assert_string_not_equal(ipm_cover_text(&cover, row, text), "defaults");

    struct ipm_cover again;
    assert_int_equal(ipm_cover_init(&again, table, NULL, 0, false, NULL), 0);
    assert_int_equal(again.n_rows, cover.n_rows);
    assert_memory_equal(again.rows, cover.rows, cover.n_rows * sizeof(cover.rows[0]));
    ipm_cover_fini(&again);
    ipm_cover_fini(&cover);
}

static void test_full(void **state)
{
    (void)state;
    static bool seen[LEVELS][LEVELS][LEVELS][2];
    struct ipm_cover cover;
    struct values values;
    assert_int_equal(ipm_cover_init(&cover, table, NULL, 0, true, NULL), 0);
    assert_int_equal(cover.n_rows, 6 * 4 * 4 * 2);
    for (size_t row = 0; row < cover.n_rows; row++) {
        ipm_cover_values(&cover, row, &values);
        bool *place = &seen[values.backing][values.sync][values.copy][values.flag];
        assert_false(*place);
        *place = true;
    }
    ipm_cover_values(&cover, 0, &values);
    assert_true(values.backing == 2 && values.sync == 1 && values.flag == 1);
    ipm_cover_fini(&cover);
}

static void test_fixed(void **state)
{
    (void)state;
    static const char *const fixed[] = {"batch=16", "backing=e"};
    struct ipm_cover cover;
    char text[IPM_COVER_TEXT];
    assert_int_equal(ipm_cover_init(&cover, table, fixed, 2, false, NULL), 0);
    assert_int_equal(cover.n_axes, 3);
    for (size_t row = 0; row < cover.n_rows; row++) {
        struct values values;
        ipm_cover_values(&cover, row, &values);
        assert_int_equal(values.batch, 16);
        assert_int_equal(values.backing, 4);
    }
    assert_string_equal(ipm_cover_text(&cover, 0, text), "batch=16 backing=e");
    ipm_cover_fini(&cover);
}

static void test_few(void **state)
{
    (void)state;
    struct ipm_cover cover;
    assert_int_equal(ipm_cover_init(&cover, NULL, NULL, 0, false, NULL), 0);
    assert_int_equal(cover.n_rows, 1);
    ipm_cover_fini(&cover);
    assert_int_equal(ipm_cover_init(&cover, NULL, NULL, 0, true, NULL), 0);
    assert_int_equal(cover.n_rows, 1);
    ipm_cover_fini(&cover);

    /* One axis alone: all its values. */
    assert_int_equal(ipm_cover_init(&cover, &table[3], NULL, 0, false, NULL), 0);
    assert_int_equal(cover.n_rows, 2);
    assert_int_equal(cover.rows[0][0], 1);
    assert_int_equal(cover.rows[1][0], 0);
    ipm_cover_fini(&cover);
    assert_int_equal(ipm_cover_init(&cover, &table[4], NULL, 0, false, NULL), 0);
    assert_int_equal(cover.n_rows, 1);
    ipm_cover_fini(&cover);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *fixed;
        int error;
        const char *text;
    } rows[] = {
        {"batch", -EINVAL, "NAME=VALUE"},
        {"colour=red", -EINVAL, "no option 'colour'"},
        {"sync=never", -EINVAL, "sync: 'never' is not one of w, x, y, z"},
        {"batch=65", -ERANGE, "batch: 65 is outside"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_cover cover;
        struct ipm_why why = {0};
        int error = ipm_cover_init(&cover, table, &rows[i].fixed, 1, false, &why);
        if (error != rows[i].error || strstr(why.text, rows[i].text) == NULL)
            fail_msg("%s: %d '%s'", rows[i].fixed, error, why.text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),   cmocka_unit_test(test_full),
        cmocka_unit_test(test_fixed),   cmocka_unit_test(test_few),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
