/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON Schema follows the tables that check a config; help and man page follow it. */
#include "harness/meter/meter.h"
#include "harness/schema.h"
#include "harness/schema_text.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"
#include "harness/spec_sensors.h"
#include "tests/support/front.h"

#include <errno.h>

struct fixture {
    json_t *describe;
    json_t *schema;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (fixture == NULL)
        return -1;
    fixture->describe = ipm_test_describe();
    fixture->schema = ipm_schema_json(fixture->describe);
    *state = fixture;
    return fixture->schema != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    json_decref(fixture->describe);
    json_decref(fixture->schema);
    free(fixture);
    return 0;
}

static const json_t *key(const struct fixture *fixture, const char *path)
{
    const json_t *found = NULL;
    struct ipm_why why = {0};
    if (ipm_schema_key(fixture->schema, path, &found, &why) != 0)
        fail_msg("%s: %s", path, why.text);
    return found;
}

/* Every row of a table and of the tables below it. */
static void check_table(const struct fixture *fixture, const struct ipm_key *row,
                        const char *above)
{
    for (; row->name != NULL; row++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s%s%s", above, above[0] != '\0' ? "." : "",
                       row->name);
        const json_t *schema = key(fixture, path);
        assert_string_equal(json_string_value(json_object_get(schema, "description")),
                            row->help);
        if (row->type == IPM_KEY_INTEGER) {
            assert_int_equal(json_integer_value(json_object_get(schema, "minimum")),
                             row->min);
            assert_int_equal(json_integer_value(json_object_get(schema, "maximum")),
                             row->max);
        }
        if (row->choices != NULL && row->type == IPM_KEY_CHOICE) {
            size_t n = 0;
            while (row->choices[n] != NULL)
                n++;
            assert_int_equal(json_array_size(json_object_get(schema, "enum")), n);
        }
        if (row->members != NULL)
            check_table(fixture, row->members, path);
    }
}

static void keys(void **state)
{
    const struct fixture *fixture = *state;
    check_table(fixture, ipm_spec_keys, "");
    for (const struct ipm_meter_parameter *at = ipm_meter_parameters; at->name != NULL;
         at++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "sensors.energy.simulated.%s", at->name);
        assert_string_equal(
            json_string_value(json_object_get(key(fixture, path), "description")),
            at->help);
    }
    json_t *names = ipm_axis_names(fixture->describe);
    size_t index;
    json_t *name;
    assert_true(json_array_size(names) > 12);
    json_array_foreach(names, index, name)
    {
        char path[128];
        (void)snprintf(path, sizeof(path), "sweeps.axes.%s", json_string_value(name));
        assert_ptr_equal(key(fixture, path), key(fixture, json_string_value(name)));
    }
    json_decref(names);
}

static void unknown_keys(void **state)
{
    static const struct {
        const char *path, *mend;
    } rows[] = {
        {"repeat.windw", "did you mean 'window'?"},
        {"nam", "did you mean 'name'?"},
        {"sweeps.axes.sizes", "did you mean 'size'?"},
        {"repeat.window.x", "there is no key 'x'"},
    };
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const json_t *found = NULL;
        struct ipm_why why = {0};
        int error = ipm_schema_key(fixture->schema, rows[i].path, &found, &why);
        assert_int_equal(error, -ENOENT);
        if (strstr(why.text, rows[i].mend) == NULL)
            fail_msg("%s: %s", rows[i].path, why.text);
    }
}

static char *printed(const struct fixture *fixture, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    if (path != NULL)
        ipm_schema_help(key(fixture, path), path, out);
    else
        ipm_schema_man(fixture->schema, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void help(void **state)
{
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"repeat.window",
         "repeat.window\n  measured time of one invocation\n"
         "  allowed: a duration with its unit (ns, us, ms, s, min, h), "
         "\"10us\" .. \"1h\"\n  default: 50ms\n"},
        {"max_points", "  allowed: a whole number, 1 .. 1000000\n  default: 20000\n"},
        {"sensors.counters", "  allowed: auto, off, perf, papi\n  default: auto\n"},
        {"size", "  allowed: a size (64, \"4KiB\"), 0 .. 4294967296 bytes\n"},
        {"size", "a list or a range will do"},
        {"reply_size", "or \"same\"\n  default: same\n"},
        {"wait", "  allowed: spin, yield, block, spin_then_block\n"},
        {"shm_ring.spin", "a duration (\"20us\")"},
        {"sweeps.mechanisms", "  allowed: all, floors, pipe, "},
        {"sweeps.exclude", "    workload                 a workload\n"},
        {"", "a config\n"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char *text = printed(*state, rows[i].path);
        if (strstr(text, rows[i].text) == NULL)
            fail_msg("row %zu: %s", i, text);
        free(text);
    }
}

/* What a sweep does not say is as the top has it, not the default. */
static void overrides_have_no_default(void **state)
{
    char *text = printed(*state, "sweeps.repeat.window");
    assert_null(strstr(text, "default"));
    free(text);
}

/* No line of ours is taken for a request, and every key is there. */
static void man(void **state)
{
    static const char *const requests[] = {".TH ", ".SH ", ".TP", ".PP", ".B ",
                                           ".BR ", ".I ",  ".nf", ".fi", ".\\\""};
    char *text = printed(*state, NULL);
    assert_non_null(strstr(text, ".B repeat.window\n"));
    assert_non_null(strstr(text, ".B sensors.energy.simulated.p_idle_w\n"));
    assert_non_null(strstr(text, ".B shm_ring.backing\n"));
    assert_non_null(strstr(text, ".B sweeps.exclude\n"));
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        bool known = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < IPM_TEST_ROWS(requests); i++)
            known = known || strncmp(line, requests[i], strlen(requests[i])) == 0;
        if (!known)
            fail_msg("a request: %s", line);
    }
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys), TEST(unknown_keys), TEST(help), TEST(overrides_have_no_default),
        TEST(man),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
