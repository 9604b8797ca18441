/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine_keys and baseline_class: which sessions may be gated against each other. */
#include "analysis/baseline_class.h"
#include "analysis/machine_keys.h"
#include "analysis/member.h"
#include "tests/support/test.h"

/* A session with this host and these checks, as JSON; the caller's. */
static json_t *session(const char *name, const char *host, const char *checks)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:o, s:{s:o}}}", "directory", name,
                  "build", name, "boot", name, "manifest", "version", "1", "build",
                  name, "host", json_loads(host, 0, NULL), "environment_before",
                  "checks", json_loads(checks, 0, NULL));
    assert_non_null(json);
    return json;
}

static const char quiet[] =
    "[{\"name\": \"governor\", \"status\": \"ok\", \"text\": \"performance\"},"
    " {\"name\": \"load\", \"status\": \"ok\", \"text\": \"idle\"}]";

static json_t *class_of(json_t *one, json_t *two, json_t *new)
{
    json_t *baseline = json_pack("[o, o]", one, two);
    json_t *candidate = json_pack("[o]", new);
    json_t *answer = ipm_baseline_class(baseline, candidate);
    json_decref(baseline);
    json_decref(candidate);
    assert_non_null(answer);
    return answer;
}

static size_t count(const json_t *answer, const char *which)
{
    return json_array_size(json_object_get(answer, which));
}

static bool notes_say(const json_t *answer, const char *part)
{
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(answer, "notes"), i, note)
    {
        if (strstr(json_string_value(note), part) != NULL)
            return true;
    }
    return false;
}

static void weights(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool other_machine;
        enum ipm_machine_weight weight;
    } rows[] = {
        {"architecture", true, IPM_MACHINE_HARD},
        {"cpu_model", true, IPM_MACHINE_HARD},
        {"stepping", true, IPM_MACHINE_HARD},
        {"threads", true, IPM_MACHINE_HARD},
        {"caches", true, IPM_MACHINE_HARD},
        {"numa_nodes", true, IPM_MACHINE_HARD},
        {"hypervisor", true, IPM_MACHINE_HARD},
        {"kernel", true, IPM_MACHINE_HARD},
        {"mitigations.meltdown", true, IPM_MACHINE_HARD},
        {"libc", true, IPM_MACHINE_HARD},
        {"compiler", true, IPM_MACHINE_HARD},
        {"version", true, IPM_MACHINE_HARD},
        {"clocksource", false, IPM_MACHINE_HARD},
        {"build", true, IPM_MACHINE_ASIDE},
        {"setting.governor", false, IPM_MACHINE_SOFT},
        {"setting.turbo", false, IPM_MACHINE_SOFT},
        {"microcode", false, IPM_MACHINE_SOFT},
        {"memory_gib", false, IPM_MACHINE_SOFT},
        {"container", false, IPM_MACHINE_SOFT},
        {"cpu_models", false, IPM_MACHINE_SOFT}, /* no key begins another */
        {"cpu", false, IPM_MACHINE_SOFT},
        {"", false, IPM_MACHINE_SOFT},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const struct ipm_machine_key *key = ipm_machine_key(rows[i].key);
        if (key->other_machine != rows[i].other_machine ||
            key->weight != rows[i].weight)
            fail_msg("%s", rows[i].key);
    }
}

static void the_same_machine(void **state)
{
    (void)state;
    static const char host[] = "{\"class\": \"x\", \"cpu_model\": \"A\"}";
    json_t *answer = class_of(session("1", host, quiet), session("2", host, quiet),
                              session("3", host, quiet));
    assert_int_equal(count(answer, "hard") + count(answer, "soft"), 0);
    assert_int_equal(count(answer, "notes"), 0);
    json_decref(answer);
}

static void hard_keys(void **state)
{
    (void)state;
    static const struct {
        const char *one, *two, *new; /* hosts */
        const char *key, *session;   /* of the first; NULL: alike */
    } rows[] = {
        {"{\"cpu_model\": \"A\"}", "{\"cpu_model\": \"A\"}", "{\"cpu_model\": \"B\"}",
         "cpu_model", "1"},
        {"{\"cpu_model\": \"A\"}", "{\"cpu_model\": \"B\"}", "{\"cpu_model\": \"A\"}",
         "cpu_model", "2"},
        /* What one does not tell is not alike; null tells nothing, either. */
        {"{}", "{\"kernel\": \"6\"}", "{\"kernel\": \"6\"}", "kernel", "1"},
        {"{\"kernel\": null}", "{}", "{\"kernel\": \"6\"}", "kernel", "1"},
        {"{\"kernel\": null}", "{}", "{}", NULL, NULL},
        {"{\"mitigations\": {\"a\": \"on\"}}", "{\"mitigations\": {\"a\": \"on\"}}",
         "{\"mitigations\": {\"a\": \"off\"}}", "mitigations.a", "1"},
        {"{\"caches\": [{\"bytes\": 1}]}", "{\"caches\": [{\"bytes\": 1}]}",
         "{\"caches\": [{\"bytes\": 2}]}", "caches", "1"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        json_t *answer =
            class_of(session("1", rows[i].one, quiet), session("2", rows[i].two, quiet),
                     session("3", rows[i].new, quiet));
        const json_t *row = json_array_get(json_object_get(answer, "hard"), 0);
        assert_int_equal(count(answer, "hard"), rows[i].key != NULL);
        if (rows[i].key != NULL) {
            assert_string_equal(ipm_member_text(row, "key"), rows[i].key);
            assert_string_equal(ipm_member_text(row, "session"), rows[i].session);
        }
        json_decref(answer);
    }
}

static void soft_keys_and_checks(void **state)
{
    (void)state;
    static const char host[] = "{\"microcode\": \"1\"}";
    static const char busy[] =
        "[{\"name\": \"governor\", \"status\": \"ok\", \"text\": \"powersave\"},"
        " {\"name\": \"load\", \"status\": \"fail\", \"text\": \"busy\"}]";
    json_t *answer = class_of(session("1", host, quiet), session("2", host, quiet),
                              session("3", "{\"microcode\": \"2\"}", busy));
    assert_int_equal(count(answer, "hard"), 0);
    assert_int_equal(count(answer, "soft"), 2);
    assert_true(notes_say(answer, "load was worse before 3"));
    json_decref(answer);
    /* What drifted during the new session alone. */
    json_t *drifted = session("3", host, quiet);
    (void)json_object_set_new(json_object_get(drifted, "manifest"), "drift",
                              json_pack("[{s:s, s:s, s:s}]", "name", "steal", "status",
                                        "warn", "text", "5 %"));
    answer = class_of(session("1", host, quiet), session("2", host, quiet), drifted);
    assert_true(notes_say(answer, "steal was worse during 3"));
    json_decref(answer);
    /* A machine that was always loaded. */
    answer = class_of(session("1", host, busy), session("2", host, quiet),
                      session("3", host, busy));
    assert_int_equal(count(answer, "soft"), 1);
    assert_false(notes_say(answer, "worse"));
    json_decref(answer);
}

static void what_no_scatter_holds(void **state)
{
    (void)state;
    json_t *one = session("1", "{}", quiet);
    json_t *two = session("2", "{}", quiet);
    (void)json_object_set_new(two, "boot", json_string("1"));
    (void)json_object_set_new(two, "build", json_string("1"));
    json_t *answer = class_of(one, two, session("3", "{}", quiet));
    assert_true(notes_say(answer, "of one boot"));
    assert_true(notes_say(answer, "of one build"));
    json_decref(answer);
}

static void values_are_short(void **state)
{
    (void)state;
    char text[IPM_BASELINE_VALUE];
    json_t *value = json_pack("{s:i}", "a", 1);
    assert_string_equal(ipm_baseline_value(text, value), "{\"a\":1}");
    json_decref(value);
    assert_string_equal(ipm_baseline_value(text, NULL), "?");
    value = json_string("performance");
    assert_string_equal(ipm_baseline_value(text, value), "performance");
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),
        cmocka_unit_test(the_same_machine),
        cmocka_unit_test(hard_keys),
        cmocka_unit_test(soft_keys_and_checks),
        cmocka_unit_test(what_no_scatter_holds),
        cmocka_unit_test(values_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
