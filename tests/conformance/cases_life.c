/* SPDX-License-Identifier: MIT */
#include "mechanisms/registry.h"
#include "tests/conformance/cases.h"
#include "tests/support/test.h"

#include <errno.h>
#include <sys/resource.h>

/* --- what it says of itself ------------------------------------------------------------ */

static void description_facts(const struct ipm_mechanism *mechanism, int copies)
{
    const struct ipm_facts *facts = &mechanism->modes[copies].facts;
    /* A mode is named by who copies.  Between two ends that do, the kernel may copy as well;
     * a helper or a library's threads may in any mode. */
    bool more = copies == IPM_MODES - 1 || ipm_suite_can(IPM_CAP_BROKER) ||
                ipm_suite_can(IPM_CAP_THREADS);
    if (more ? facts->copies < copies : facts->copies != copies)
        fail_msg("mode %d says that it copies %d times", copies, facts->copies);
    assert_true(facts->syncs >= IPM_VARIES);
    assert_true(facts->pages == 0 || facts->pages == 1);
    assert_true(facts->chunk_bytes >= IPM_VARIES);
    assert_true(facts->system_calls >= 0 || facts->system_calls == IPM_VARIES);
    assert_true(facts->wakeups >= 0 || facts->wakeups == IPM_VARIES);
}

void ipm_case_description(void **state)
{
    (void)state;
    const struct ipm_mechanism *mechanism = ipm_suite.mechanism;
    struct ipm_why why = {0};
    if (ipm_mechanism_check(mechanism, &why) != 0)
        fail_msg("%s", why.text);
    assert_ptr_equal(ipm_mechanism_find(mechanism->name), mechanism);
    assert_true(mechanism->version >= 1);
    assert_true(mechanism->waits < IPM_WAIT_BIT(IPM_WAIT_COUNT));
    for (int copies = 0; copies < IPM_MODES; copies++) {
        if (mechanism->modes[copies].supported)
            description_facts(mechanism, copies);
    }
    /* What is promised and cannot be checked is said, not passed over. */
    const unsigned unchecked = IPM_CAP_FANIN | IPM_CAP_FDPASS | IPM_CAP_THREADS;
    for (int bit = 0; ipm_capability_names[bit] != NULL; bit++) {
        if ((mechanism->capabilities & unchecked & 1u << bit) != 0)
            print_message("promise not checked: %s\n", ipm_capability_names[bit]);
    }
}

/* --- built by half --------------------------------------------------------------------- */

enum { MOST_DESCRIPTORS = 64 };

/* In a child: at most @free more descriptors than the @used lowest, which are all open. */
static void limit_descriptors(int used, int free)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)(used + free);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 4 * MOST_DESCRIPTORS; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int complain(const char *what, int number, const char *text)
{
    (void)dprintf(STDERR_FILENO, "%s with %d free descriptors: %s\n", what, number,
                  text);
    return IPM_RIG_FAILED;
}

/* --- called twice, called early -------------------------------------------------------- */

/* In a child: a process that has used some libraries can fork no more. */
static int twice(void *context)
{
    const struct ipm_setup *setup = context;
    const struct ipm_mechanism *mechanism = setup->mechanism;
    struct ipm_why why = {0};
    struct ipm_rig rig;
    struct ipm_end end;
    int before = open_descriptors();

    /* Nothing was created, nothing attached. */
    ipm_rig_init(&rig, setup);
    ipm_end_init(&end, &rig, IPM_SIDE_A);
    mechanism->detach(&end.endpoint);
    ipm_end_fini(&end);
    mechanism->destroy(&rig.channel);
    ipm_rig_fini(&rig);

    if (ipm_rig_open(&rig, setup, &why) != 0)
        return complain("create", MOST_DESCRIPTORS, why.text);
    ipm_end_init(&end, &rig, IPM_SIDE_A);
    if (ipm_end_attach(&end, false, &why) != 0)
        return complain("attach", MOST_DESCRIPTORS, why.text);
    mechanism->detach(&end.endpoint);
    ipm_end_fini(&end);
    ipm_helper_stop(&rig.helper);
    ipm_helper_stop(&rig.helper);
    mechanism->destroy(&rig.channel);
    mechanism->destroy(&rig.channel);
    ipm_rig_fini(&rig);
    return open_descriptors() == before
               ? 0
               : complain("twice", MOST_DESCRIPTORS, "left descriptors behind");
}

void ipm_case_idempotent(void **state)
{
    (void)state;
    struct ipm_setup setup = ipm_suite_setup();
    assert_int_equal(ipm_test_in_child(twice, &setup), 0);
}

/* --- ... step by step ------------------------------------------------------------------ */

/* Runs @attempt with 0, 1, 2 ... free descriptors until it succeeds. */
static int step_by_step(const char *what, int used,
                        int (*attempt)(struct ipm_why *why, void *context),
                        void (*undo)(void *context), void *context)
{
    for (int free = 0; free < MOST_DESCRIPTORS; free++) {
        struct ipm_why why = {0};
        limit_descriptors(used, free);
        int error = attempt(&why, context);
        if (error > 0)
            return complain(what, free, "returned a condition");
        if (error < 0 && why.text[0] == '\0')
            return complain(what, free, "failed without a reason");
        undo(context);
        undo(context);
        limit_descriptors(used, MOST_DESCRIPTORS);
        if (open_descriptors() != used)
            return complain(what, free, "left descriptors behind");
        if (error == 0)
            return 0;
    }
    return complain(what, MOST_DESCRIPTORS, "never succeeded");
}

static int attempt_create(struct ipm_why *why, void *context)
{
    struct ipm_rig *rig = context;
    memset(rig->channel.state, 0, rig->state_bytes);
    return rig->channel.mechanism->create(&rig->channel, why);
}

static void undo_create(void *context)
{
    struct ipm_rig *rig = context;
    rig->channel.mechanism->destroy(&rig->channel);
}

static int half_created(void *context)
{
    struct ipm_rig rig;
    ipm_rig_init(&rig, context);
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    return step_by_step("create", open_descriptors(), attempt_create, undo_create,
                        &rig);
}

void ipm_case_half_created(void **state)
{
    (void)state;
    struct ipm_setup setup = ipm_suite_setup();
    assert_int_equal(ipm_test_in_child(half_created, &setup), 0);
}

static int attempt_attach(struct ipm_why *why, void *context)
{
    struct ipm_end *end = context;
    memset(end->endpoint.state, 0, end->mechanism->endpoint_size);
    return end->mechanism->attach(&end->endpoint, why);
}

static void undo_attach(void *context)
{
    struct ipm_end *end = context;
    end->mechanism->detach(&end->endpoint);
}

/* detach() drops descriptors of the channel, so each attempt needs a new one: this runs
 * for one number of free descriptors.  77: it succeeded. */
static int half_attached_once(const struct ipm_setup *setup, enum ipm_side side,
                              int free)
{
    struct ipm_rig rig;
    struct ipm_end end;
    struct ipm_why why = {0};
    int before = open_descriptors();
    limit_descriptors(before, MOST_DESCRIPTORS);
    if (ipm_rig_open(&rig, setup, &why) != 0)
        return complain("create", MOST_DESCRIPTORS, why.text);
    ipm_end_init(&end, &rig, side);
    limit_descriptors(open_descriptors(), free);
    int error = attempt_attach(&why, &end);
    if (error > 0)
        return complain("attach", free, "returned a condition");
    if (error < 0 && why.text[0] == '\0')
        return complain("attach", free, "failed without a reason");
    undo_attach(&end);
    undo_attach(&end);
    ipm_end_fini(&end);
    ipm_rig_fini(&rig);
    if (open_descriptors() != before)
        return complain("attach", free, "left descriptors behind");
    return error == 0 ? 77 : 0;
}

static int half_attached(void *context)
{
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    for (int side = 0; side < IPM_SIDES; side++) {
        int result = 0;
        for (int free = 0; result == 0 && free < MOST_DESCRIPTORS; free++)
            result = half_attached_once(context, (enum ipm_side)side, free);
        if (result != 77)
            return result != 0
                       ? result
                       : complain("attach", MOST_DESCRIPTORS, "never succeeded");
    }
    return 0;
}

void ipm_case_half_attached(void **state)
{
    (void)state;
    struct ipm_setup setup = ipm_suite_setup();
    assert_int_equal(ipm_test_in_child(half_attached, &setup), 0);
}
