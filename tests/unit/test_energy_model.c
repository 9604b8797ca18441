/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The energy model against truths: windows of real invocations (tests/fixtures/energy) under
 * the simulated meter, whose noise is drawn again for each seed, and planted lines.
 *
 * IPM_ENERGY_SEEDS=500 draws that often and prints the figures (tests/bench/energy_model.sh).
 */
#include "analysis/models/energy_power.h"
#include "analysis/models/model.h"
#include "analysis/table.h"
#include "base/energy_counter.h"
#include "base/json.h"
#include "base/metric.h"
#include "base/random.h"
#include "harness/meter/meter.h"
#include "tests/support/test.h"

#include <math.h>

#if !IPM_HAVE_GSL

/* Without GSL nothing is fitted. */
int main(void)
{
    return 77;
}

#else

#include <gsl/gsl_cdf.h>

static const double truths[] = {5, 12, 12, 3, 0.5};

struct kind {
    const char *provenance;
    const char *manifest; /* JSON */
    const char *workload; /* only windows of it; NULL: all */
    int64_t size, batch;  /* the same; 0 */
    const char *placement;
    const char *wait; /* put in place of the real one; NULL */
    double extra_w;   /* that tokens draw, whatever their rate */
};

static const struct kind all_windows = {.provenance = "simulated", .manifest = "{}"};

static json_t *fixture(void)
{
    FILE *file = fopen(IPM_SOURCE "/tests/fixtures/energy/windows.jsonl", "re");
    assert_non_null(file);
    json_t *list = json_array();
    json_t *line;
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL)
        assert_int_equal(json_array_append_new(list, line), 0);
    (void)fclose(file);
    assert_true(json_array_size(list) > 100);
    return list;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static bool wanted(const struct kind *kind, const json_t *record)
{
    return (kind->workload == NULL ||
            strcmp(text(record, "workload"), kind->workload) == 0) &&
           (kind->placement == NULL ||
            strcmp(text(record, "placement"), kind->placement) == 0) &&
           (kind->size == 0 || number(record, "size") == (double)kind->size) &&
           (kind->batch == 0 || number(record, "batch") == (double)kind->batch);
}

/* The window again under this meter, in the place of what was read then. */
static void measure(struct ipm_meter *meter, const struct kind *kind, json_t *record)
{
    json_t *metrics = json_object_get(record, "metrics");
    struct ipm_meter_reading reading;
    struct ipm_meter_window window = {
        .gap_ns = (int64_t)number(json_object_get(record, "meter"), "gap_ns"),
        .elapsed_ns = (int64_t)number(record, "elapsed_ns"),
        .switches = number(json_object_get(metrics, "voluntary_switches"), "value") +
                    number(json_object_get(metrics, "involuntary_switches"), "value"),
        .messages = number(record, "messages"),
        .bytes = number(record, "bytes"),
    };
    ipm_meter_measure(meter, &window, &reading);
    const struct ipm_energy_counter counter = {"m", 1, (uint64_t)reading.range_uj, 1e4};
    const struct ipm_energy_window ends = {
        (uint64_t)reading.start_uj, (uint64_t)reading.stop_uj, window.elapsed_ns};
    struct ipm_metric metric = ipm_energy_metric("energy_package_uj", "simulated",
                                                 kind->provenance, &counter, &ends);
    if (window.messages > 0 && strcmp(text(record, "workload"), "token") == 0)
        metric.value += kind->extra_w * (double)window.elapsed_ns / 1e3;
    assert_int_equal(
        json_object_set_new(metrics, "energy_package_uj", ipm_metric_json(&metric)), 0);
    if (kind->wait != NULL)
        (void)json_object_set_new(record, "wait", json_string(kind->wait));
}

static json_t *model_of(const char *path, const char *manifest_text, double battery_wh,
                        double base_power_w)
{
    struct ipm_table table;
    struct ipm_why why = {0};
    if (ipm_table_read(path, &table, &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(table.n_bad, 0);
    json_t *manifest = json_loads(manifest_text, 0, NULL);
    assert_non_null(manifest);
    struct ipm_model_input input = {.table = &table,
                                    .manifest = manifest,
                                    .battery_wh = battery_wh,
                                    .base_power_w = base_power_w};
    json_t *found = NULL;
    for (size_t i = 0; ipm_models[i] != NULL; i++) {
        if (strcmp(ipm_models[i]->name, "energy") == 0)
            found = ipm_models[i]->fit(&input);
    }
    json_decref(manifest);
    ipm_table_fini(&table);
    assert_non_null(found);
    return found;
}

/* The model of the fixture's windows under a meter of this seed. */
static json_t *draw(void **state, const json_t *windows, const struct kind *kind,
                    int64_t seed)
{
    char path[256];
    struct ipm_meter meter;
    struct ipm_meter_parameters parameters;
    json_t *asked =
        json_pack("{s:f,s:f,s:f,s:f,s:f,s:I}", "p_idle_w", truths[0], "e_switch_uj",
                  truths[1], "e_message_uj", truths[3], "e_byte_nj", truths[4],
                  "noise_uj", 100000.0, "seed", (json_int_t)seed);
    assert_int_equal(ipm_meter_parameters_read(asked, &parameters, NULL), 0);
    json_decref(asked);
    ipm_meter_init(&meter, &parameters);
    FILE *file = fopen(ipm_test_path(state, "records.jsonl", path), "we");
    assert_non_null(file);
    size_t i;
    const json_t *window;
    json_array_foreach(windows, i, window)
    {
        if (!wanted(kind, window))
            continue;
        json_t *record = json_deep_copy(window);
        measure(&meter, kind, record);
        assert_int_equal(json_dumpf(record, file, JSON_COMPACT), 0);
        (void)fputc('\n', file);
        json_decref(record);
    }
    assert_int_equal(fclose(file), 0);
    return model_of(path, kind->manifest, 0, 0);
}

static const json_t *only_cell(const json_t *model)
{
    const json_t *cells = json_object_get(model, "cells");
    assert_int_equal(json_array_size(cells), 1);
    return json_array_get(cells, 0);
}

/* Of 95 % intervals; what is allowed is missed by one right implementation in 10,000. */
static void coverage(void **state)
{
    const char *asked = getenv("IPM_ENERGY_SEEDS");
    int seeds = asked != NULL ? atoi(asked) : 40;
    json_t *windows = fixture();
    unsigned held[5] = {0};
    unsigned failed[5] = {0};
    unsigned rejected = 0;
    static const char *const names[] = {"P_idle", "E_cs.local", "E_cs.wake", "e0",
                                        "e1"};
    for (int seed = 1; seed <= seeds; seed++) {
        json_t *model = draw(state, windows, &all_windows, seed);
        const json_t *cell = only_cell(model);
        /* One fit in a thousand is rejected by chance; its intervals are counted, too. */
        bool fitted = strcmp(text(cell, "status"), "fitted") == 0;
        rejected += !fitted;
        for (size_t i = 0; i < 5; i++) {
            const json_t *row = json_array_get(json_object_get(cell, "parameters"), i);
            const json_t *check = json_array_get(json_object_get(cell, "checks"), i);
            const json_t *given = i == 0 ? row : json_object_get(row, "fitted");
            assert_string_equal(text(row, "name"), names[i]);
            assert_string_equal(text(row, "provenance"), "simulated");
            assert_int_equal(fitted || i == 0, isfinite(number(row, "value")));
            held[i] +=
                number(given, "low") <= truths[i] && truths[i] <= number(given, "high");
            assert_int_equal(fitted, check != NULL);
            assert_string_not_equal(text(check, "status"), "not_tested");
            failed[i] += strcmp(text(check, "status"), "fails") == 0;
        }
        json_decref(model);
    }
    print_message("%u of %d rejected for lack of fit\n", rejected, seeds);
    assert_true(rejected == 0 ||
                gsl_cdf_binomial_Q(rejected - 1, 0.001, (unsigned)seeds) > 1e-5);
    for (size_t i = 0; i < 5; i++) {
        print_message(
            "%-10s inside its interval in %u of %d seeds; check %zu fails in %u\n",
            names[i], held[i], seeds, i, failed[i]);
        unsigned n = (unsigned)seeds;
        if (!(gsl_cdf_binomial_P(held[i], 0.95, n) > 1e-5 &&
              (failed[i] == 0 || gsl_cdf_binomial_Q(failed[i] - 1, 0.01, n) > 1e-5)))
            fail_msg("%s: %u of %u, check %zu: %u", names[i], held[i], n, i, failed[i]);
    }
    json_decref(windows);
}

/* One switch a message at whatever rate: nothing tells them apart. */
static void rates_only(void **state)
{
    struct kind kind = {.provenance = "simulated",
                        .manifest = "{}",
                        .workload = "burst",
                        .size = 64,
                        .batch = 1,
                        .placement = "same_cpu"};
    json_t *windows = fixture();
    json_t *more = json_array();
    /* As many blocks as a run of some length has, at rates that differ. */
    for (int64_t copy = 0; copy < 4; copy++) {
        size_t i;
        const json_t *window;
        json_array_foreach(windows, i, window)
        {
            json_t *record = json_deep_copy(window);
            (void)json_object_set_new(
                record, "block",
                json_integer(2 * copy + (json_int_t)number(window, "block")));
            assert_int_equal(json_array_append_new(more, record), 0);
        }
    }
    json_t *model = draw(state, more, &kind, 3);
    const json_t *cell = only_cell(model);
    assert_string_equal(text(cell, "status"), "sum_only");
    if (strstr(text(cell, "reason"), "not identifiable: corr(s, m) = 1.000") == NULL)
        fail_msg("%s", text(cell, "reason"));
    for (size_t i = 1; i < 5; i++)
        assert_true(json_is_null(json_object_get(
            json_array_get(json_object_get(cell, "parameters"), i), "value")));
    const json_t *sum = json_object_get(cell, "sum");
    double truth = 3 + 64 * 0.5 / 1000 + 12 * number(sum, "switches_per_message");
    assert_true(fabs(number(sum, "value") / truth - 1) < 0.1);
    assert_int_equal(json_array_size(json_object_get(cell, "checks")), 0);
    json_decref(model);
    json_decref(more);
    json_decref(windows);
}

/* A deviate of the standard normal distribution. */
static double deviate(uint64_t *state)
{
    double u = ((double)(ipm_random_next(state) >> 11) + 1) * 0x1p-53;
    double angle = 2 * M_PI * (double)(ipm_random_next(state) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(angle);
}

/*
 * Windows of about a switch a message, with four times as many blocks as in the fixture, and
 * the switches of each block times a factor as other tasks make them vary.  @designed: those of
 * eight messages a switch, too, and a smaller noise.
 */
static json_t *varied(const json_t *windows, bool designed, uint64_t seed)
{
    enum { POINTS = 8, BLOCKS = 8 };
    json_t *list = json_array();
    double factors[POINTS][BLOCKS];
    const char *points[POINTS];
    size_t n_points = 0;
    uint64_t random = seed;
    for (size_t i = 0; i < (size_t)POINTS * BLOCKS; i++)
        factors[i / BLOCKS][i % BLOCKS] =
            exp((designed ? 0.1 : 0.9) * deviate(&random));
    for (int64_t copy = 0; copy < 4; copy++) {
        size_t i;
        const json_t *window;
        json_array_foreach(windows, i, window)
        {
            bool open = strcmp(text(window, "workload"), "open_loop") == 0;
            bool burst = strcmp(text(window, "workload"), "burst") == 0;
            if (number(window, "size") != 64 ||
                strcmp(text(window, "placement"), "nearest_core") != 0 ||
                !(open || (burst && (designed || number(window, "batch") == 1))))
                continue;
            size_t point = 0;
            size_t block = (size_t)(2 * copy) + (size_t)number(window, "block");
            while (point < n_points &&
                   strcmp(points[point], text(window, "point")) != 0)
                point++;
            assert_true(point < POINTS && block < BLOCKS);
            if (point == n_points)
                points[n_points++] = text(window, "point");
            json_t *record = json_deep_copy(window);
            static const char *const kinds[] = {"voluntary_switches",
                                                "involuntary_switches"};
            for (size_t k = 0; k < IPM_TEST_ROWS(kinds); k++) {
                json_t *metric =
                    json_object_get(json_object_get(record, "metrics"), kinds[k]);
                (void)json_object_set_new(
                    metric, "value",
                    json_real(number(metric, "value") * factors[point][block]));
            }
            (void)json_object_set_new(record, "block", json_integer((json_int_t)block));
            assert_int_equal(json_array_append_new(list, record), 0);
        }
    }
    assert_int_equal(n_points, designed ? 5 : 4);
    return list;
}

/* What varies for no reason within the points identifies nothing, whatever its VIF; what the
 * points differ in by design does, with some noise on it. */
static void noise_is_no_design(void **state)
{
    json_t *windows = fixture();
    int falls = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        json_t *noise = varied(windows, false, seed);
        json_t *model = draw(state, noise, &all_windows, 3);
        const json_t *cell = only_cell(model);
        const json_t *wake = json_array_get(json_object_get(cell, "parameters"), 2);
        assert_string_equal(text(wake, "name"), "E_cs.wake");
        assert_string_equal(text(cell, "status"), "sum_only");
        if (strstr(text(cell, "reason"), "not identifiable: corr(s, m) = ") == NULL)
            fail_msg("%s", text(cell, "reason"));
        assert_true(json_is_null(json_object_get(wake, "value")));
        falls += number(json_object_get(wake, "fitted"), "vif") < 5;
        json_decref(model);
        json_decref(noise);
    }
    assert_true(falls > 0); /* the ordinary VIF alone would have let some pass */

    json_t *design = varied(windows, true, 1);
    json_t *model = draw(state, design, &all_windows, 3);
    const json_t *cell = only_cell(model);
    const json_t *wake = json_array_get(json_object_get(cell, "parameters"), 2);
    if (strcmp(text(cell, "status"), "fitted") != 0)
        fail_msg("%s: %s", text(cell, "status"), text(cell, "reason"));
    assert_true(number(json_object_get(wake, "fitted"), "vif_by_design") < 5);
    assert_true(fabs(number(wake, "value") / truths[2] - 1) < 0.2);
    json_decref(model);
    json_decref(design);
    json_decref(windows);
}

static void same_bytes(void **state)
{
    json_t *windows = fixture();
    char *texts[2];
    for (int i = 0; i < 2; i++) {
        json_t *model = draw(state, windows, &all_windows, 5);
        texts[i] = json_dumps(model, 0);
        assert_non_null(texts[i]);
        json_decref(model);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    json_decref(windows);
}

/* No coefficient, and of estimates no joule a message. */
static void refusals(void **state)
{
#define HELD  "{\"state\": {\"frequency_held\": true}}"
#define MOVES "{\"state\": {\"frequency_held\": false}}"
    static const struct {
        struct kind kind;
        const char *status, *reason;
    } rows[] = {
        {{"estimated", "{}", .wait = NULL}, "refused", "estimated: "},
        {{"attributed", "{}", .wait = NULL}, "refused", "attributed: "},
        {{"attributed", "{\"host\": {\"emulated\": true}}", .wait = NULL},
         "fitted",
         ""},
        {{"measured", "{}", .wait = NULL},
         "refused",
         "not_applicable: the CPUs' frequency"},
        {{"measured",
          "{\"environment_before\": " HELD ", \"environment_after\": " MOVES "}",
          .wait = NULL},
         "refused",
         "not_applicable: the CPUs' frequency"},
        {{"measured",
          "{\"environment_before\": " HELD ", \"environment_after\": " HELD "}",
          .wait = NULL},
         "fitted",
         ""},
        {{"simulated", "{}", .wait = "spin"},
         "refused",
         "not_applicable: who does not sleep"},
        {{"simulated", "{}", .extra_w = 2}, "rejected", "lack of fit: "},
    };
    json_t *windows = fixture();
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        json_t *model = draw(state, windows, &rows[i].kind, 2);
        const json_t *cell = only_cell(model);
        if (strcmp(text(cell, "status"), rows[i].status) != 0 ||
            strncmp(text(cell, "reason"), rows[i].reason, strlen(rows[i].reason)) != 0)
            fail_msg("row %zu: %s: %s", i, text(cell, "status"), text(cell, "reason"));
        bool fitted = strcmp(rows[i].status, "fitted") == 0;
        size_t k;
        const json_t *row;
        json_array_foreach(json_object_get(cell, "parameters"), k, row)
        {
            assert_string_equal(text(row, "provenance"), rows[i].kind.provenance);
            assert_int_equal(k == 0 || fitted,
                             !json_is_null(json_object_get(row, "value")));
        }
        bool estimated = strcmp(rows[i].kind.provenance, "estimated") == 0;
        json_array_foreach(json_object_get(model, "curve"), k, row)
        {
            assert_string_equal(text(row, "provenance"), rows[i].kind.provenance);
            assert_true(isfinite(number(json_object_get(row, "beyond_w"), "value")));
            assert_int_equal(estimated,
                             json_is_null(json_object_get(row, "message_uj")));
        }
        assert_true(k > 10);
        if (estimated) {
            assert_true(isnan(number(json_object_get(cell, "sum"), "value")));
            assert_int_equal(json_array_size(json_object_get(model, "lines")), 0);
        }
        json_decref(model);
    }
    json_decref(windows);
}

/* Every block is in the document, those that do not count with the reason. */
static void left_out(void **state)
{
    json_t *windows = fixture();
    json_t *first = json_array_get(windows, 0);
    char point[32];
    (void)snprintf(point, sizeof(point), "%s", text(first, "point"));
    (void)json_array_remove(windows, 0); /* half of a block's rest */
    size_t i;
    json_t *window;
    const char *shortened = NULL;
    json_array_foreach(windows, i, window)
    {
        if (strcmp(text(window, "point"), point) == 0)
            continue;
        shortened = text(window, "point");
        (void)json_object_set_new(window, "elapsed_ns", json_integer(900000000));
        break;
    }
    json_t *model = draw(state, windows, &all_windows, 2);
    const json_t *cell = only_cell(model);
    assert_int_equal((int)number(cell, "left_out"), 2);
    size_t found = 0;
    json_array_foreach(json_object_get(cell, "windows"), i, window)
    {
        const char *reason = text(window, "reason");
        assert_int_equal(json_is_true(json_object_get(window, "used")),
                         reason[0] == '\0');
        if (reason[0] == '\0') {
            assert_true(isfinite(number(window, "residual_w")));
            continue;
        }
        found++;
        const char *class = strcmp(text(window, "id"), point) == 0       ? "too_few: "
                            : strcmp(text(window, "id"), shortened) == 0 ? "too_short: "
                                                                         : "none";
        assert_int_equal(strncmp(reason, class, strlen(class)), 0);
    }
    assert_int_equal(found, 2);
    json_decref(model);
    json_decref(windows);
}

/* Power by mechanism: fixed + E lambda, so that both crossovers are known. */
struct planted {
    const char *mechanism, *wait;
    double fixed_w, message_uj;
};

static const struct planted planted[] = {{"pipe", "block", 0, 15},
                                         {"unix_stream", "block", 0.5, 5},
                                         {"shm_ring", "spin", 2, 1}};
static const double planted_rates[] = {1000, 30000, 100000, 300000, 600000};

static void put_planted(FILE *file, const struct planted *line, double rate, int block,
                        int window, double error_w)
{
    bool load = window == 1 || window == 2;
    /* Who spins does so at rest, too. */
    bool spins = strcmp(line->wait, "spin") == 0;
    double power_w = 3 + (load || spins ? line->fixed_w : 0);
    if (load)
        power_w += line->message_uj * rate / 1e6 + error_w;
    json_t *record = json_pack(
        "{s:i,s:s,s:s+,s:s,s:i,s:i,s:s,s:s,s:i,s:f,s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:s,s:{"
        "s:f},"
        "s:{s:{s:f,s:s,s:s},s:{s:i,s:s,s:s},s:{s:i,s:s,s:s},s:{s:f,s:s,s:s,s:s,s:s}}}",
        "schema", 1, "run", "r", "point", line->mechanism,
        rate == 1000     ? "a"
        : rate == 30000  ? "b"
        : rate == 100000 ? "c"
        : rate == 300000 ? "d"
                         : "e",
        "pass", load ? "energy" : "idle", "invocation", 2 * block + window / 2, "block",
        block, "workload", "open_loop", "mechanism", line->mechanism, "size", 64,
        "rate", rate, "placement", "nearest_core", "wait", line->wait, "build", "b",
        "copies", 1, "messages", load ? (json_int_t)(2 * rate) : 0, "operations",
        load ? (json_int_t)(2 * rate) : 0, "elapsed_ns", (json_int_t)2000000000,
        "status", "ok", "throughput", "bytes_per_s", 64 * rate, "metrics",
        "voluntary_switches", "value", load ? 2 * rate : 0.0, "unit", "", "status",
        "ok", "involuntary_switches", "value", 0, "unit", "", "status", "ok",
        "switches_system", "value", 0, "unit", "", "status", "ok", "energy_package_uj",
        "value", power_w * 2e6, "unit", "uJ", "status", "ok", "source", "simulated",
        "provenance", "simulated");
    assert_non_null(record);
    assert_int_equal(json_dumpf(record, file, JSON_COMPACT), 0);
    (void)fputc('\n', file);
    json_decref(record);
}

static void near(double value, double truth)
{
    if (!(fabs(value / truth - 1) < 0.01))
        fail_msg("%g in place of %g", value, truth);
}

static void hours_and_crossovers(void **state)
{
    char path[256];
    uint64_t random = 9;
    FILE *file = fopen(ipm_test_path(state, "records.jsonl", path), "we");
    assert_non_null(file);
    for (size_t i = 0; i < IPM_TEST_ROWS(planted); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(planted_rates); k++) {
            for (int block = 0; block < 3; block++) {
                double error_w =
                    1e-6 * ((double)(ipm_test_random(&random) >> 11) * 0x1p-53 - 0.5);
                for (int window = 0; window < 4; window++)
                    put_planted(file, &planted[i], planted_rates[k], block, window,
                                error_w);
            }
        }
    }
    assert_int_equal(fclose(file), 0);
    json_t *model = model_of(path, "{}", 12, 0.7);
    const json_t *groups = json_object_get(model, "crossovers");
    assert_int_equal(json_array_size(json_object_get(model, "lines")), 3);
    assert_int_equal(json_array_size(groups), 1);
    const json_t *steps = json_object_get(json_array_get(groups, 0), "cheapest");
    assert_int_equal(json_array_size(steps), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *from = json_object_get(step, "from");
        assert_string_equal(text(step, "mechanism"), planted[i].mechanism);
        double truth =
            i == 0 ? 1000
                   : (planted[i].fixed_w - planted[i - 1].fixed_w) /
                         (planted[i - 1].message_uj - planted[i].message_uj) * 1e6;
        near(number(from, "value"), truth);
        assert_true(i == 0 || (number(from, "low") < number(from, "value") &&
                               number(from, "value") < number(from, "high")));
    }
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(model, "curve"), i, row)
    {
        const struct planted *line = planted;
        while (strcmp(line->mechanism, text(row, "mechanism")) != 0)
            line++;
        double rate = number(json_object_get(row, "messages_per_s"), "value");
        near(number(json_object_get(row, "hours"), "value"),
             12 / (0.7 + line->fixed_w + line->message_uj * rate / 1e6));
        near(number(json_object_get(row, "message_uj"), "value"),
             line->message_uj +
                 (strcmp(line->wait, "spin") == 0 ? 0 : line->fixed_w / rate * 1e6));
    }
    assert_int_equal(i, 15);
    json_decref(model);

    /* Without a base power the meter's rest is it. */
    model = model_of(path, "{}", 12, 0);
    row = json_array_get(json_object_get(model, "curve"), 0);
    near(number(json_object_get(row, "hours"), "value"),
         12 / (3 + number(json_object_get(row, "beyond_w"), "value")));
    /* Whatever the rate, a switch a message. */
    json_array_foreach(json_object_get(model, "cells"), i, row) assert_string_equal(
        text(row, "status"),
        strcmp(text(row, "wait"), "spin") == 0 ? "refused" : "sum_only");
    json_decref(model);
}

static void lines_that_meet(void **state)
{
    (void)state;
    const struct ipm_power_line lines[] = {
        {.fixed_w = 0,
         .message_uj = 10,
         .freedom = 5,
         .low_per_s = 10,
         .high_per_s = 1e6},
        {.fixed_w = 1,
         .message_uj = 10,
         .freedom = 5,
         .low_per_s = 10,
         .high_per_s = 1e6},
        {.fixed_w = 2,
         .message_uj = 2,
         .freedom = 5,
         .low_per_s = 10,
         .high_per_s = 1e6},
        {.fixed_w = 0,
         .message_uj = 12,
         .freedom = 5,
         .low_per_s = 10,
         .high_per_s = 1e6},
    };
    const struct ipm_power_line *all[] = {&lines[3], &lines[0], &lines[1], &lines[2]};
    struct ipm_power_step steps[4];
    struct ipm_crossover meet;
    assert_int_equal(ipm_power_crossover(&lines[0], &lines[1], 0.95, &meet), 1);
    assert_int_equal(ipm_power_cheapest(all, 0, 1, 2, steps), 0);
    assert_int_equal(ipm_power_cheapest(all, 4, 2, 1, steps), 0);
    assert_int_equal(ipm_power_cheapest(all, 4, 0, 1e6, steps), 2);
    assert_int_equal(steps[0].line, 1); /* they meet at 0: who rises less */
    assert_int_equal(steps[1].line, 3);
    near(steps[1].from_per_s, 250000);
    assert_int_equal(ipm_power_cheapest(all, 4, 0, 200000, steps), 1);
    assert_true(isnan(ipm_power_at(&lines[0], 2e6)));
    near(ipm_power_at(&lines[2], 1e5), 2.2);
    assert_true(isnan(ipm_battery_hours(10, 1, -1)));
    near(ipm_battery_hours(10, 1, 1.5), 4);

    /* Fieller's own case, by hand: a = -1 +- 0.1, b = 2 +- 0.2, independent, at t = 2. */
    struct ipm_power_line one = lines[0];
    struct ipm_power_line other = lines[0];
    one.fixed_w = 0;
    other.fixed_w = 1;
    one.message_uj = 3;
    other.message_uj = 1;
    one.freedom = other.freedom = 60.0045; /* where Student's quantile is about 2 */
    one.fixed_fixed = 0.01;
    one.message_message = 0.04;
    assert_int_equal(ipm_power_crossover(&one, &other, 0.95, &meet), 0);
    double q = pow(gsl_cdf_tdist_Pinv(0.975, 60.0045), 2);
    double lead = 4 - q * 0.04;
    double root = sqrt(4 - lead * (1 - q * 0.01));
    assert_true(fabs(meet.value - 5e5) < 1e-6);
    assert_true(fabs(meet.low - (2 - root) / lead * 1e6) < 1e-3);
    assert_true(fabs(meet.high - (2 + root) / lead * 1e6) < 1e-3);
    one.message_message = 4; /* they may be parallel */
    assert_int_equal(ipm_power_crossover(&one, &other, 0.95, &meet), 0);
    assert_true(isnan(meet.low) && isnan(meet.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(coverage, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(rates_only, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(noise_is_no_design, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(same_bytes, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(refusals, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test_setup_teardown(hours_and_crossovers, ipm_test_directory,
                                        ipm_test_directory_remove),
        cmocka_unit_test(lines_that_meet),
        cmocka_unit_test_setup_teardown(left_out, ipm_test_directory,
                                        ipm_test_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
