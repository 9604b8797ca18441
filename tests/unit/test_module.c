/* SPDX-License-Identifier: MIT */
#include "base/module.h"
#include "tests/support/test.h"

#include <errno.h>

static void not_built_names_the_package(void **state)
{
    (void)state;
    char path[4096];
    char tiny[8];
    struct ipm_why why = {.error = 0};
    assert_int_equal(
        ipm_module_path("no_such_module", "libfoo-dev", path, sizeof(path), &why),
        -EOPNOTSUPP);
    assert_string_equal(
        why.text, "built without its library: install libfoo-dev and build again");
    assert_int_equal(ipm_module_path("x", "libfoo-dev", tiny, sizeof(tiny), &why),
                     -ENAMETOOLONG);
}

static void what_is_no_object(void **state)
{
    char path[256];
    void *address = NULL;
    struct ipm_why why = {.error = 0};
    ipm_test_write(ipm_test_path(state, "text.so", path), "text", 4);
    assert_int_equal(ipm_object_open(path, "symbol", &address, &why), -ENOEXEC);
    assert_non_null(strstr(why.text, path));
    assert_int_equal(ipm_object_open("/nowhere.so", "symbol", &address, NULL),
                     -ENOEXEC);
    assert_int_equal(ipm_object_open("libm.so.6", "no_such_symbol", &address, &why),
                     -ENOEXEC);
    assert_string_equal(why.text, "libm.so.6 has no symbol no_such_symbol");
    assert_null(address);
    assert_int_equal(ipm_object_open("libm.so.6", "cos", &address, &why), 0);
    assert_non_null(address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_built_names_the_package),
        cmocka_unit_test_setup_teardown(what_is_no_object, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
