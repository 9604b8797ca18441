/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Annotations: escapes, order, the limit, and that no text begins a command. */
#include "analysis/annotations.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *put(struct ipm_annotation *list, size_t n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ipm_annotations_put(out, list, n);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    char *text = put(NULL, 0);
    assert_string_equal(text, "");
    free(text);
}

static void texts_are_escaped(void **state)
{
    (void)state;
    struct ipm_annotation list[] = {
        {.level = IPM_ANNOTATION_ERROR,
         .title = "a,b:c%\n",
         .text = "5 % more\r\n::error::x\033[31m ##[error]y"}};
    char *text = put(list, 1);
    assert_string_equal(text,
                        "::error title=a%2Cb%3Ac%25%0A::5 %25 more%0D%0A::error::x?"
                        "[31m ?#[error]y\n");
    free(text);
}

static void the_worst_stand_first(void **state)
{
    (void)state;
    struct ipm_annotation list[] = {
        {IPM_ANNOTATION_NOTICE, 9, "n", "1"},  {IPM_ANNOTATION_ERROR, 1, "b", "2"},
        {IPM_ANNOTATION_ERROR, NAN, "d", "3"}, {IPM_ANNOTATION_WARNING, 5, "w", "4"},
        {IPM_ANNOTATION_ERROR, 2.5, "c", "5"}, {IPM_ANNOTATION_ERROR, 1, "a", "6"},
    };
    char *text = put(list, 6);
    assert_string_equal(text, "::error title=c::5\n::error title=a::6\n"
                              "::error title=b::2\n::error title=d::3\n"
                              "::warning title=w::4\n::notice title=n::1\n");
    free(text);
}

static void ten_at_most(void **state)
{
    (void)state;
    for (size_t n = 9; n < 30; n++) {
        struct ipm_annotation list[30];
        char numbers[30][8];
        size_t lines = 0;
        for (size_t i = 0; i < n; i++) {
            (void)snprintf(numbers[i], sizeof(numbers[i]), "%zu", i);
            list[i] = (struct ipm_annotation){IPM_ANNOTATION_ERROR, (double)i, "t",
                                              numbers[i]};
        }
        char *text = put(list, n);
        for (const char *at = text; *at != '\0'; at++)
            lines += *at == '\n';
        assert_int_equal(lines, n > 10 ? 10 : n);
        char more[64];
        (void)snprintf(more, sizeof(more), "::error title=and more::%zu more ", n - 9);
        assert_int_equal(strstr(text, more) != NULL, n > 10);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(the_worst_stand_first),
        cmocka_unit_test(ten_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
