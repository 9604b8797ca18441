/* SPDX-License-Identifier: MIT */
#include "mechanisms/registry.h"
#include "tests/support/test.h"

#include <errno.h>

/* Every row changes one thing in a mechanism that is in order. */
struct mutation {
    const char *name;
    void (*apply)(struct ipm_mechanism *mechanism);
    int error;
    const char *text; /* part of the reason */
};

#define MUTATION(label, statement)                                                     \
    static void mutate_##label(struct ipm_mechanism *m)                                \
    {                                                                                  \
        statement;                                                                     \
    }

static int some_wait_fd(const struct ipm_endpoint *endpoint)
{
    (void)endpoint;
    return -1;
}

MUTATION(abi, m->abi = IPM_PLUGIN_ABI + 1)
MUTATION(empty_name, m->name = "")
MUTATION(bad_name, m->name = "Shm-ring")
MUTATION(no_family, m->family = NULL)
MUTATION(long_summary,
         m->summary = "a summary that goes on and on, to well beyond sixty characters")
MUTATION(no_create, m->create = NULL)
MUTATION(no_destroy, m->destroy = NULL)
MUTATION(no_attach, m->attach = NULL)
MUTATION(no_detach, m->detach = NULL)
MUTATION(no_send, m->send_n = NULL)
MUTATION(no_receive, m->recv_n = NULL)
MUTATION(loan_without_peek, m->peek_n = NULL)
MUTATION(loan_not_declared, m->capabilities &= ~(unsigned)IPM_CAP_LOAN)
MUTATION(pollfd_without_hook, m->capabilities |= IPM_CAP_POLLFD)
MUTATION(wait_none, m->waits |= IPM_WAIT_BIT(IPM_WAIT_NONE))
MUTATION(negative_limit, m->limits.min_length = -1)
MUTATION(crossed_limits, m->limits.min_length = 2; m->limits.max_length = 1)
MUTATION(token_with_length, m->capabilities |= IPM_CAP_TOKEN; m->limits.max_length = 1)
MUTATION(default_unsupported, m->modes[m->default_copies].supported = false)
MUTATION(default_out_of_range, m->default_copies = IPM_MODES)
MUTATION(options_without_size, m->options_size = 0)
MUTATION(null_name, m->name = NULL)
MUTATION(long_name, m->name = "a_name_that_goes_on_and_on_until_it_is_too_long")
MUTATION(no_version, m->version = 0)
MUTATION(no_summary, m->summary = NULL)
MUTATION(empty_summary, m->summary = "")
MUTATION(wait_fd_not_declared, m->wait_fd = some_wait_fd)
MUTATION(broker_without_helper, m->capabilities |= IPM_CAP_BROKER)
MUTATION(unknown_capability, m->capabilities |= 1u << 31)
MUTATION(unknown_wait, m->waits |= IPM_WAIT_BIT(IPM_WAIT_COUNT))
MUTATION(in_place_without_loan, *m = *ipm_mechanism_find("pipe");
         m->modes[2].send_in_place = true)
MUTATION(size_without_options, m->options = NULL)
MUTATION(huge_options, m->options_size = IPM_OPTIONS_SIZE_MAX + 1)
MUTATION(tiny_options, m->options_size = 7)

/* Tables of options, each with one row at fault; all are in a struct of 16 bytes. */
static const char *const no_choices[] = {NULL};

#define TABLE(label, ...)                                                              \
    static const struct ipm_option table_##label[] = {{__VA_ARGS__}, {.name = NULL}};  \
    static void mutate_option_##label(struct ipm_mechanism *m)                         \
    {                                                                                  \
        m->options = table_##label;                                                    \
        m->options_size = 16;                                                          \
    }
#define ROW .offset = 8, .fallback = "1", .unit = "", .help = ""

TABLE(good, .name = "x", ROW)
TABLE(empty_name, .name = "", ROW)
TABLE(bad_name, .name = "X y", ROW)
TABLE(no_default, .name = "x", .offset = 8, .unit = "", .help = "")
TABLE(bad_default, .name = "x", .offset = 8, .fallback = "one", .unit = "", .help = "")
TABLE(default_out_of_range, .name = "x", ROW, .min = 2, .max = 3)
TABLE(crossed, .name = "x", ROW, .min = 2, .max = 1)
TABLE(no_choices, .name = "x", ROW, .type = IPM_OPTION_CHOICE)
TABLE(empty_choices, .name = "x", ROW, .type = IPM_OPTION_CHOICE, .choices = no_choices)
TABLE(unknown_type, .name = "x", ROW, .type = (enum ipm_option_type)9)
TABLE(outside, .name = "x", .offset = 16, .fallback = "1", .unit = "", .help = "")
TABLE(far_outside, .name = "x", .offset = SIZE_MAX - 7, .fallback = "1", .unit = "",
      .help = "")
TABLE(between, .name = "x", .offset = 4, .fallback = "1", .unit = "", .help = "")
TABLE(no_help, .name = "x", .offset = 8, .fallback = "1", .unit = "")
TABLE(no_unit, .name = "x", .offset = 8, .fallback = "1", .help = "")

static const struct ipm_option table_twice[] = {
    {.name = "x", ROW}, {.name = "x", ROW}, {.name = NULL}};
MUTATION(option_twice, m->options = table_twice; m->options_size = 16)

static const struct mutation mutations[] = {
    {"abi", mutate_abi, -EPROTO, "ABI"},
    {"empty name", mutate_empty_name, -EINVAL, "name"},
    {"bad name", mutate_bad_name, -EINVAL, "name"},
    {"no family", mutate_no_family, -EINVAL, "family"},
    {"long summary", mutate_long_summary, -EINVAL, "summary"},
    {"no create", mutate_no_create, -EINVAL, "hook"},
    {"no destroy", mutate_no_destroy, -EINVAL, "hook"},
    {"no attach", mutate_no_attach, -EINVAL, "hook"},
    {"no detach", mutate_no_detach, -EINVAL, "hook"},
    {"no send_n", mutate_no_send, -EINVAL, "hook"},
    {"no recv_n", mutate_no_receive, -EINVAL, "hook"},
    {"loan without peek_n", mutate_loan_without_peek, -EINVAL, "loan"},
    {"loan not declared", mutate_loan_not_declared, -EINVAL, "loan"},
    {"pollfd without wait_fd", mutate_pollfd_without_hook, -EINVAL, "pollfd"},
    {"wait none", mutate_wait_none, -EINVAL, "waits = 0"},
    {"negative limit", mutate_negative_limit, -EINVAL, "limits"},
    {"crossed limits", mutate_crossed_limits, -EINVAL, "limits"},
    {"token with length", mutate_token_with_length, -EINVAL, "token"},
    {"default unsupported", mutate_default_unsupported, -EINVAL, "default"},
    {"default out of range", mutate_default_out_of_range, -EINVAL, "default"},
    {"options without size", mutate_options_without_size, -EINVAL, "options"},
    {"null name", mutate_null_name, -EINVAL, "'?': the name"},
    {"long name", mutate_long_name, -EINVAL, "longer than 39"},
    {"no version", mutate_no_version, -EINVAL, "versions"},
    {"no summary", mutate_no_summary, -EINVAL, "summary"},
    {"empty summary", mutate_empty_summary, -EINVAL, "summary"},
    {"wait_fd not declared", mutate_wait_fd_not_declared, -EINVAL, "pollfd"},
    {"broker without helper", mutate_broker_without_helper, -EINVAL, "broker"},
    {"unknown capability", mutate_unknown_capability, -EINVAL, "not know"},
    {"unknown wait", mutate_unknown_wait, -EINVAL, "not know"},
    {"in place without loan", mutate_in_place_without_loan, -EINVAL, "in place"},
    {"size without options", mutate_size_without_options, -EINVAL, "disagree"},
    {"huge options", mutate_huge_options, -EINVAL, "512"},
    {"tiny options", mutate_tiny_options, -EINVAL, "512"},
    {"option: none at fault", mutate_option_good, 0, ""},
    {"option: empty name", mutate_option_empty_name, -EINVAL, "option's name"},
    {"option: bad name", mutate_option_bad_name, -EINVAL, "option's name"},
    {"option: no default", mutate_option_no_default, -EINVAL, "no default"},
    {"option: bad default", mutate_option_bad_default, -EINVAL, "no default"},
    {"option: default out of range", mutate_option_default_out_of_range, -EINVAL,
     "no default"},
    {"option: min above max", mutate_option_crossed, -EINVAL, "min"},
    {"option: no choices", mutate_option_no_choices, -EINVAL, "choice"},
    {"option: empty choices", mutate_option_empty_choices, -EINVAL, "choice"},
    {"option: unknown type", mutate_option_unknown_type, -EINVAL, "type"},
    {"option: behind the struct", mutate_option_outside, -EINVAL, "outside"},
    {"option: far behind the struct", mutate_option_far_outside, -EINVAL, "outside"},
    {"option: between two places", mutate_option_between, -EINVAL, "outside"},
    {"option: no help", mutate_option_no_help, -EINVAL, "help"},
    {"option: no unit", mutate_option_no_unit, -EINVAL, "unit"},
    {"option: two of one name", mutate_option_twice, -EINVAL, "two options"},
};

static void test_contradictions(void **state)
{
    (void)state;
    const struct ipm_mechanism *good = ipm_mechanism_find("shm_ring");
    assert_non_null(good);
    for (size_t i = 0; i < IPM_TEST_ROWS(mutations); i++) {
        struct ipm_mechanism changed = *good;
        struct ipm_why why = {0};
        mutations[i].apply(&changed);
        int error = ipm_mechanism_check(&changed, &why);
        if (error != mutations[i].error || strstr(why.text, mutations[i].text) == NULL)
            fail_msg("%s: %d '%s'", mutations[i].name, error, why.text);
    }
}

/* Of another ABI only the number may be read: behind it there may be anything. */
static void test_garbage_behind_abi(void **state)
{
    (void)state;
    struct ipm_mechanism garbage;
    struct ipm_why why = {0};
    memset(&garbage, 0x5a, sizeof(garbage));
    garbage.abi = IPM_PLUGIN_ABI + 1;
    assert_int_equal(ipm_mechanism_check(&garbage, &why), -EPROTO);
    char text[64];
    (void)snprintf(text, sizeof(text), "ABI %d, this worker has %d", IPM_PLUGIN_ABI + 1,
                   IPM_PLUGIN_ABI);
    assert_non_null(strstr(why.text, text));
    /* And with nothing filled in at all. */
    garbage = (struct ipm_mechanism){.abi = IPM_PLUGIN_ABI};
    assert_int_equal(ipm_mechanism_check(&garbage, &why), -EINVAL);
}

static void test_all_in_order(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct ipm_mechanism *const *at = ipm_mechanisms(); *at != NULL; at++) {
        struct ipm_why why = {0};
        if (ipm_mechanism_check(*at, &why) != 0)
            fail_msg("%s: %s", (*at)->name, why.text);
        assert_ptr_equal(ipm_mechanism_find((*at)->name), *at); /* names are unique */
        n++;
    }
    assert_true(n >= 12);
    assert_null(ipm_mechanism_find("no_such_mechanism"));
    assert_null(ipm_mechanism_find(""));
}

static void test_names(void **state)
{
    (void)state;
    int capabilities = 0;
    int waits = 0;
    while (ipm_capability_names[capabilities] != NULL)
        capabilities++;
    while (ipm_wait_names[waits] != NULL)
        waits++;
    assert_int_equal(1 << (capabilities - 1), IPM_CAP_CALL); /* the last one */
    assert_string_equal(ipm_capability_names[0], "framed");
    assert_int_equal(waits, IPM_WAIT_COUNT);
    assert_string_equal(ipm_wait_names[IPM_WAIT_SPIN_THEN_BLOCK], "spin_then_block");
}

static void test_no_plugin(void **state)
{
    (void)state;
    struct ipm_why why = {0};
    assert_int_equal(ipm_plugin_load("/no/such/file.so", &why), -ENOEXEC);
    assert_true(why.text[0] != '\0');
    why = (struct ipm_why){0};
    assert_int_equal(ipm_plugin_load("libm.so.6", &why), -ENOEXEC);
    assert_non_null(strstr(why.text, "ipm_plugin_mechanisms"));
}

/* Whether a descriptor is open; those of the tests below come from pipe2(). */
static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_descriptors(void **state)
{
    (void)state;
    struct ipm_channel channel = {0};
    int fds[4];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(fds + 2, O_CLOEXEC), 0);
    ipm_channel_own(&channel, fds[0], IPM_OWNER(IPM_SIDE_A));
    ipm_channel_own(&channel, fds[1], IPM_OWNER(IPM_SIDE_B));
    ipm_channel_own(&channel, fds[2], IPM_OWNER_BOTH);

    ipm_channel_keep(&channel, IPM_SIDE_A);
    assert_true(is_open(fds[0]) && !is_open(fds[1]) && is_open(fds[2]));
    assert_int_equal(channel.n_fds, 2);

    ipm_channel_drop(&channel, fds[3]); /* not declared: not ours to close */
    assert_true(is_open(fds[3]));
    ipm_channel_drop(&channel, fds[0]);
    ipm_channel_drop(&channel, fds[0]);
    assert_true(!is_open(fds[0]) && is_open(fds[2]));

    /* A number that was closed may come back as somebody else's file. */
    int other = dup(fds[3]);
    assert_int_equal(other, fds[0]);
    ipm_channel_close(&channel);
    ipm_channel_close(&channel);
    assert_true(is_open(other) && !is_open(fds[2]));
    (void)close(other);
    (void)close(fds[3]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_garbage_behind_abi),
        cmocka_unit_test(test_all_in_order),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_plugin),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
