/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/core_map.h"
#include "analysis/html.h"
#include "analysis/plot_core_map.h"
#include "analysis/report.h"
#include "tests/support/records.h"

#include <math.h>
#include <unistd.h>

enum { CPUS = 64, INVOCATIONS = 6 };

/* Two packages of four caches with four cores of two threads; n and n + 32 share a core. */
static const char *class_of(int a, int b, double *out_ns)
{
    a %= CPUS / 2;
    b %= CPUS / 2;
    *out_ns = a == b ? 20 : a / 16 != b / 16 ? 240 : a / 4 != b / 4 ? 120 : 50;
    return a == b             ? "smt_sibling"
           : a / 16 != b / 16 ? "cross_socket"
           : a / 4 != b / 4   ? "cross_llc"
                              : "same_llc";
}

static void put(FILE *file, const char *mechanism, int a, int b, int invocation,
                const char *status)
{
    char placement[32];
    char point[64];
    double ns = 0;
    const char *class = class_of(a, b, &ns);
    (void)snprintf(placement, sizeof(placement), "cpus:%d,%d", a, b);
    (void)snprintf(point, sizeof(point), "%s%d.%d", mechanism, a, b);
    struct ipm_test_row row = {.point = point,
                               .mechanism = mechanism,
                               .wait = "spin",
                               .placement = placement,
                               .status = status,
                               .invocation = invocation,
                               .p50_ns = ns + invocation % 3 - 1};
    json_t *record = ipm_test_record(&row);
    (void)json_object_set_new(record, "placement_class", json_string(class));
    if (strcmp(status, "ok") != 0)
        (void)json_object_set_new(record, "reason", json_string("planted"));
    ipm_test_put_record(file, record);
}

static json_t *report_of(void **state)
{
    char directory[256];
    struct ipm_why why = {0};
    (void)ipm_test_path(state, ".", directory);
    ipm_auto_report struct ipm_report report = {0};
    if (ipm_report_load(directory, NULL, &report, &why) != 0)
        fail_msg("%s", why.text);
    return json_pack("{s:O, s:i}", "core_to_core", report.core_to_core, "rungs",
                     (int)report.ladder.n_rungs);
}

static const json_t *map_at(const json_t *document, size_t i)
{
    return json_array_get(
        json_object_get(json_object_get(document, "core_to_core"), "maps"), i);
}

/* Every class comes out at what was planted, over the pairs that there are of it. */
static void planted(void **state)
{
    static const struct {
        const char *class;
        int pairs;
        double ns;
    } wanted[] = {{"smt_sibling", 32, 20},
                  {"same_llc", 192, 50},
                  {"cross_llc", 768, 120},
                  {"cross_socket", 1024, 240}};
    FILE *file = ipm_test_records(state);
    for (int a = 0; a < CPUS; a++) {
        for (int b = a + 1; b < CPUS; b++) {
            for (int i = 0; i < INVOCATIONS; i++)
                put(file, "shm_ring", a, b, i, "ok");
        }
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *document = report_of(state);
    const json_t *map = map_at(document, 0);
    const json_t *classes = json_object_get(map, "classes");
    assert_int_equal(json_array_size(json_object_get(map, "cpus")), CPUS);
    assert_int_equal(json_array_size(json_object_get(map, "pairs")),
                     CPUS * (CPUS - 1) / 2);
    assert_int_equal(json_array_size(classes), IPM_TEST_ROWS(wanted));
    for (size_t i = 0; i < IPM_TEST_ROWS(wanted); i++) {
        const json_t *class = json_array_get(classes, i);
        assert_string_equal(ipm_member_text(class, "class"), wanted[i].class);
        assert_int_equal(ipm_member_number(class, "pairs"), wanted[i].pairs);
        assert_int_equal(ipm_member_number(class, "measured"), wanted[i].pairs);
        assert_true(fabs(ipm_member_number(class, "value") - wanted[i].ns) <= 1);
        assert_true(ipm_member_number(class, "low") >= wanted[i].ns - 1);
        assert_true(ipm_member_number(class, "high") <= wanted[i].ns + 1);
    }
    /* The pairs of a map are no rungs. */
    assert_int_equal(json_integer_value(json_object_get(document, "rungs")), 0);

    char directory[256];
    char path[256];
    struct ipm_why why = {0};
    json_t *made = NULL;
    (void)ipm_test_path(state, ".", directory);
    assert_int_equal(ipm_plot_core_map(document, directory, &made, &why), 0);
    assert_non_null(made);
    json_decref(made);
    FILE *data = fopen(ipm_test_path(state, "plots/core_to_core.dat", path), "re");
    assert_non_null(data);
    char line[128];
    size_t cells = 0;
    while (fgets(line, sizeof(line), data) != NULL) {
        int column = 0;
        int row = 0;
        double got = 0;
        double ns = 0;
        if (sscanf(line, "%d %d %lf", &column, &row, &got) != 3)
            continue;
        (void)class_of(row, column, &ns);
        assert_true(row != column && fabs(got - ns) <= 1);
        cells++;
    }
    assert_int_equal(fclose(data), 0);
    assert_int_equal(cells, CPUS * (CPUS - 1)); /* both directions of each */
}

/* A pair that failed is a gap with its reason; the other direction is a value of its own. */
static void gaps(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < INVOCATIONS; i++) {
        put(file, "pipe", 0, 1, i, "ok");
        put(file, "pipe", 1, 0, i, "ok");
        put(file, "pipe", 0, 2, i, "failed");
    }
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *document = report_of(state);
    const json_t *pairs = json_object_get(map_at(document, 0), "pairs");
    assert_int_equal(json_array_size(pairs), 3);
    size_t measured = 0;
    for (size_t i = 0; i < 3; i++) {
        const json_t *pair = json_array_get(pairs, i);
        bool has = !isnan(ipm_member_number(pair, "value"));
        measured += has;
        assert_true(has || ipm_member_text(pair, "reason")[0] != '\0');
    }
    assert_int_equal(measured, 2);
}

/* A pair whose class is none of ours is in a class all the same. */
static void foreign_class(void **state)
{
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < INVOCATIONS; i++) {
        put(file, "pipe", 0, 1, i, "ok");
        put(file, "pipe", 0, 32, i, "ok");
    }
    assert_int_equal(fclose(file), 0);
    char path[256];
    size_t length = 0;
    char *text = ipm_test_read(ipm_test_path(state, "records.jsonl", path), &length);
    for (char *at = text; (at = strstr(at, "same_llc")) != NULL; at++)
        memcpy(at, "same_die", strlen("same_die"));
    ipm_test_write(path, text, length);
    free(text);
    ipm_auto_json json_t *document = report_of(state);
    const json_t *classes = json_object_get(map_at(document, 0), "classes");
    assert_int_equal(json_array_size(classes), 2);
    const json_t *last = json_array_get(classes, 1);
    assert_string_equal(ipm_member_text(last, "class"), "unknown");
    assert_int_equal(ipm_member_number(last, "pairs"), 1);
}

/* One named pair is a point like others, unless all pairs were asked for. */
static void one_pair(void **state)
{
    static const char config[] = "{\"schema\": 1, \"config\": {\"sweeps\": [{\"axes\": "
                                 "{\"placement\": [\"all_pairs\"]}}]}}";
    FILE *file = ipm_test_records(state);
    for (int i = 0; i < INVOCATIONS; i++)
        put(file, "pipe", 0, 1, i, "ok");
    assert_int_equal(fclose(file), 0);
    ipm_auto_json json_t *plain = report_of(state);
    assert_null(map_at(plain, 0));
    assert_int_equal(json_integer_value(json_object_get(plain, "rungs")), 1);
    json_t *made = NULL;
    char directory[256];
    assert_int_equal(
        ipm_plot_core_map(plain, ipm_test_path(state, ".", directory), &made, NULL), 0);
    assert_null(made);

    char path[256];
    ipm_test_write(ipm_test_path(state, "manifest.json", path), config, strlen(config));
    ipm_auto_json json_t *asked = report_of(state);
    assert_int_equal(json_array_size(json_object_get(map_at(asked, 0), "pairs")), 1);
    assert_int_equal(json_integer_value(json_object_get(asked, "rungs")), 1);
}

int main(void)
{
#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {TEST(planted), TEST(gaps), TEST(foreign_class),
                                       TEST(one_pair)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
