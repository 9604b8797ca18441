/* SPDX-License-Identifier: MIT */
/* fan_in and fan_out with a thread for each role: every message that was sent arrives. */
#include "mechanisms/registry.h"
#include "tests/support/test.h"
#include "workloads/registry.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

enum { BATCH = 4, SIZE = 24, ROLES = 1 + IPM_FAN_MAX };

struct link {
    struct ipm_channel channel;
    struct ipm_endpoint ends[IPM_SIDES];
    _Alignas(8) unsigned char options[IPM_OPTIONS_SIZE_MAX];
    unsigned char out[BATCH * SIZE], in[BATCH * SIZE];
    struct ipm_span out_spans[BATCH], in_spans[BATCH];
};

struct stage {
    const struct ipm_workload *workload;
    struct ipm_traffic traffic;
    struct ipm_pace pace;
    void *shared;
    struct link links[IPM_FAN_MAX];
    struct part {
        struct ipm_run run;
        struct ipm_port ports[IPM_FAN_MAX];
        struct ipm_why why;
        int result;
    } parts[ROLES];
};

static void *zeroed(size_t size)
{
    void *memory = NULL;
    size = size > 0 ? size : 1;
    assert_int_equal(posix_memalign(&memory, 4096, size), 0);
    memset(memory, 0, size);
    return memory;
}

/* Side A of a channel sends: the sender of fan_in, the dealer of fan_out. */
static void lay_link(struct stage *stage, int at, const struct ipm_mechanism *mechanism,
                     enum ipm_wait wait)
{
    struct link *link = &stage->links[at];
    bool in = stage->workload->starting != 0;
    ipm_option_defaults(mechanism->options, link->options);
    link->channel = (struct ipm_channel){
        .mechanism = mechanism,
        .config = {.max_message = SIZE,
                   .depth = 8,
                   .batch = BATCH,
                   .wait = wait,
                   .copies = mechanism->default_copies,
                   .token = "unit",
                   .options = link->options},
        .state = zeroed(mechanism->channel_size),
    };
    struct ipm_why why = {.text = ""};
    if (mechanism->create(&link->channel, &why) != 0)
        fail_msg("%s: %s", mechanism->name, why.text);
    const struct ipm_mode *mode = &mechanism->modes[mechanism->default_copies];
    for (int side = 0; side < IPM_SIDES; side++) {
        link->ends[side] =
            (struct ipm_endpoint){.channel = &link->channel,
                                  .side = (enum ipm_side)side,
                                  .sends = side == IPM_SIDE_A,
                                  .receives = side == IPM_SIDE_B,
                                  .state = zeroed(mechanism->endpoint_size)};
        assert_int_equal(mechanism->attach(&link->ends[side], &why), 0);
        int role = (side == IPM_SIDE_A) == in ? 1 + at : 0;
        stage->parts[role].ports[at] = (struct ipm_port){
            .mechanism = mechanism,
            .send = side == IPM_SIDE_A ? &link->ends[side] : NULL,
            .recv = side == IPM_SIDE_B ? &link->ends[side] : NULL,
            .send_in_place = mode->send_in_place,
            .receive_in_place = mode->receive_in_place,
            .out = link->out,
            .in = link->in,
            .stride = SIZE,
            .out_spans = link->out_spans,
            .in_spans = link->in_spans,
            .out_length = SIZE_MAX,
            .in_length = SIZE_MAX,
            .salt = (uint64_t)at << 40,
        };
    }
}

static void raise_stage(struct stage *stage, const char *workload,
                        const char *mechanism, enum ipm_wait wait, int fan)
{
    memset(stage, 0, sizeof(*stage));
    stage->workload = ipm_workload_find(workload);
    assert_non_null(stage->workload);
    ipm_option_defaults(ipm_traffic_options, &stage->traffic);
    stage->traffic.size = SIZE;
    stage->traffic.batch = BATCH;
    stage->traffic.fan = fan;
    stage->shared = zeroed(stage->workload->shared_size(&stage->traffic, 1));
    stage->workload->prepare(stage->shared, &stage->traffic, 1, 1);
    for (int at = 0; at < fan; at++)
        lay_link(stage, at, ipm_mechanism_find(mechanism), wait);
}

static void lower_stage(struct stage *stage)
{
    for (int at = 0; at < stage->traffic.fan; at++) {
        struct link *link = &stage->links[at];
        for (int side = 0; side < IPM_SIDES; side++) {
            link->channel.mechanism->detach(&link->ends[side]);
            free(link->ends[side].state);
        }
        link->channel.mechanism->destroy(&link->channel);
        free(link->channel.state);
    }
    free(stage->shared);
}

static void *act(void *argument)
{
    struct part *part = argument;
    part->result = part->run.workload->run(&part->run, &part->why);
    return NULL;
}

/* One round of all roles; none may fail. */
static void play(struct stage *stage, bool verify, uint64_t max_batches,
                 int64_t duration_ns)
{
    pthread_t threads[ROLES];
    int n = 1 + (int)stage->traffic.fan;
    atomic_store(&stage->pace.last_batch, UINT64_MAX);
    for (int role = 0; role < n; role++) {
        struct part *part = &stage->parts[role];
        part->run =
            (struct ipm_run){.workload = stage->workload,
                             .traffic = &stage->traffic,
                             .role = role,
                             .ports = part->ports,
                             .pace = &stage->pace,
                             .shared = stage->shared,
                             .verify = verify,
                             .batch = (uint64_t)(3 * BATCH * stage->traffic.fan),
                             .max_batches = max_batches,
                             .duration_ns = duration_ns,
                             .timeout_ns = IPM_FOREVER};
        for (int i = 0; i < IPM_WORKLOAD_METRICS; i++)
            part->run.metrics[i] = NAN;
        for (int i = 0; i < IPM_FAN_MAX; i++) {
            part->ports[i].sent = part->ports[i].received = 0;
            part->ports[i].quiet = !verify;
        }
    }
    for (int role = 0; role < n; role++)
        assert_int_equal(pthread_create(&threads[role], NULL, act, &stage->parts[role]),
                         0);
    for (int role = 0; role < n; role++)
        assert_int_equal(pthread_join(threads[role], NULL), 0);
    for (int role = 0; role < n; role++) {
        if (stage->parts[role].result != 0)
            fail_msg("%s, role %d: %d %s", stage->workload->name, role,
                     stage->parts[role].result, stage->parts[role].why.text);
    }
}

static const struct row {
    const char *mechanism;
    enum ipm_wait wait;
    int fan;
} rows[] = {
    {"pipe", IPM_WAIT_BLOCK, 1},       {"pipe", IPM_WAIT_BLOCK, 5},
    {"pipe", IPM_WAIT_YIELD, 3},       {"shm_ring", IPM_WAIT_YIELD, IPM_FAN_MAX},
    {"shm_ring", IPM_WAIT_YIELD, 3},   {"unix_seqpacket", IPM_WAIT_BLOCK, IPM_FAN_MAX},
    {"unix_dgram", IPM_WAIT_BLOCK, 2},
};

/* Verified rounds are bounded by batches: each of the many has its share of them, exactly. */
static void every_message_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * IPM_TEST_ROWS(rows); i++) {
        const struct row *row = &rows[i / 2];
        const char *workload = i % 2 == 0 ? "fan_in" : "fan_out";
        struct stage *stage = zeroed(sizeof(*stage));
        raise_stage(stage, workload, row->mechanism, row->wait, row->fan);
        for (int round = 0; round < 3; round++) {
            play(stage, true, 7, INT64_MAX);
            for (int at = 0; at < row->fan; at++) {
                const struct ipm_port *one = &stage->parts[0].ports[at];
                const struct ipm_port *many = &stage->parts[1 + at].ports[at];
                assert_int_equal(one->sent + one->received, 7 * 3 * BATCH);
                assert_int_equal(many->sent + many->received, 7 * 3 * BATCH);
            }
        }
        lower_stage(stage);
        free(stage);
    }
}

/* Rounds that the clock ends: what was sent is what came, and none is left for the next,
 * which is verified. */
static void a_round_by_time_is_drained(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * IPM_TEST_ROWS(rows); i++) {
        const struct row *row = &rows[i / 2];
        bool in = i % 2 == 0;
        struct stage *stage = zeroed(sizeof(*stage));
        raise_stage(stage, in ? "fan_in" : "fan_out", row->mechanism, row->wait,
                    row->fan);
        play(stage, false, UINT64_MAX, 2000000);
        const struct ipm_run *one = &stage->parts[0].run;
        uint64_t many = 0;
        for (int at = 0; at < row->fan; at++)
            many += stage->parts[1 + at].run.messages;
        assert_true(one->messages > 0);
        /* The collector leaves out what opened its clock and what came after it; the
         * receivers together leave out the one call that opened theirs. */
        if (in)
            assert_true(many >= one->messages + 1);
        else
            assert_true(many < one->messages && many + BATCH >= one->messages);
        assert_int_equal(one->messages % one->batch, 0);
        if (in) {
            double least = one->metrics[0];
            double most = one->metrics[1];
            assert_true(least >= 0 && least * row->fan <= 1 + 1e-9);
            assert_true(most <= 1 && most * row->fan >= 1 - 1e-9);
            assert_int_equal(isnan(one->metrics[2]), row->wait != IPM_WAIT_BLOCK);
        }
        play(stage, true, 2, INT64_MAX);
        lower_stage(stage);
        free(stage);
    }
}

/* A counter that never fills holds no sender back. */
static void an_endless_channel_is_refused(void **state)
{
    (void)state;
    struct stage *stage = zeroed(sizeof(*stage));
    raise_stage(stage, "fan_in", "eventfd", IPM_WAIT_YIELD, 2);
    struct part *part = &stage->parts[0];
    part->run = (struct ipm_run){.workload = stage->workload,
                                 .traffic = &stage->traffic,
                                 .ports = part->ports,
                                 .verify = true};
    assert_int_equal(stage->workload->run(&part->run, &part->why), -EOPNOTSUPP);
    assert_non_null(strstr(part->why.text, "never fills"));
    lower_stage(stage);
    free(stage);
}

static int nothing(struct ipm_run *run, struct ipm_why *why)
{
    (void)run;
    (void)why;
    return 0;
}

/* Tables of many that contradict themselves. */
static void many_are_the_last(void **state)
{
    (void)state;
    static const char *const axes[] = {"fan", NULL};
    static const struct {
        bool many[3];  /* roles */
        bool edges[2]; /* 0 to 1, and 2 to 0 */
        bool axis;
        int starting;
        const char *text; /* NULL: nothing is wrong */
    } tables[] = {
        {{false, false, true}, {false, true}, true, 2, NULL},
        {{false, false, false}, {false, false}, false, 0, NULL},
        {{false, true, false}, {false, true}, true, 0, "last role"},
        {{false, false, true}, {false, false}, true, 0, "must be many itself"},
        {{false, false, true}, {true, true}, true, 0, "last edge"},
        {{false, false, false}, {false, true}, false, 0, "last edge"},
        {{false, false, true}, {false, true}, false, 0, "axis fan"},
        {{false, false, false}, {false, false}, true, 0, "axis fan"},
        {{false, false, true}, {false, true}, true, 3, "start at"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(tables); i++) {
        struct ipm_workload workload = {
            .abi = IPM_PLUGIN_ABI,
            .name = "w",
            .summary = "s",
            .axes = tables[i].axis ? axes : NULL,
            .n_roles = 3,
            .roles = {{.name = "a", .many = tables[i].many[0]},
                      {.name = "b", .many = tables[i].many[1]},
                      {.name = "c", .many = tables[i].many[2]}},
            .n_edges = 2,
            .edges = {{.from = 0, .to = 1, .many = tables[i].edges[0]},
                      {.from = 2, .to = 0, .many = tables[i].edges[1]}},
            .starting = tables[i].starting,
            .messages_per_operation = 1,
            .run = nothing,
        };
        struct ipm_why why = {.text = ""};
        int error = ipm_workload_check(&workload, &why);
        assert_int_equal(error, tables[i].text == NULL ? 0 : -EINVAL);
        if (tables[i].text != NULL && strstr(why.text, tables[i].text) == NULL)
            fail_msg("row %zu: %s", i, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_arrives),
        cmocka_unit_test(a_round_by_time_is_drained),
        cmocka_unit_test(an_endless_channel_is_refused),
        cmocka_unit_test(many_are_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
