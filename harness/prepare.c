/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/prepare.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/energy.h"
#include "harness/gate_controls.h"
#include "harness/spec_keys.h"
#include "harness/spec_set.h"
#include "harness/topology_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

int ipm_texts_add(const char ***list, size_t *n, const char *text)
{
    const char **larger = realloc(*list, (*n + 1) * sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    larger[(*n)++] = text;
    *list = larger;
    return 0;
}

static int complain(const char *text)
{
    ipm_complain(NULL, text);
    return IPM_EXIT_INTERNAL;
}

int ipm_request_take(struct ipm_request *request, int option, const char *argument)
{
    struct ipm_worker *worker = &request->worker;
    switch (option) {
    case 'c':
        request->sensors.counters = argument;
        return 0;
    case 'e':
        request->sensors.events = argument;
        return 0;
    case 'm':
        request->sensors.energy = argument;
        return 0;
    case 'r':
        worker->sysroot = argument;
        return 0;
    case 'l':
        if (worker->n_plugins == IPM_PLUGINS_MAX) {
            (void)complain("too many plug-ins");
            return IPM_EXIT_USAGE;
        }
        worker->plugins[worker->n_plugins++] = argument;
        return 0;
    default:
        return 1;
    }
}

int ipm_prepare_describe(struct ipm_request *request, json_t **out_describe)
{
    struct ipm_why why = {0};
    int error = ipm_worker_find(&request->worker, &why);
    if (error != 0)
        return complain(why.text);
    error =
        ipm_describe_worker(&request->worker, request->interrupted, out_describe, &why);
    if (error == 1)
        return IPM_EXIT_INTERRUPTED;
    if (error != 0)
        (void)complain(why.text);
    return error == 0 ? 0 : error == -EINVAL ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
}

static int read_config(const char *path, char **out_text, size_t *out_length)
{
    ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return ipm_read_all(fd, IPM_CONFIG_LIMIT, out_text, out_length);
}

/* A config and what the command line has to say against it. */
static int load_text(const char *file, const char *const *sets, size_t n_sets,
                     const json_t *describe, struct ipm_spec *out_spec)
{
    static const struct ipm_position start = {.line = 1, .column = 1};
    ipm_auto_free char *owned = NULL;
    const char *text = ipm_default_config;
    size_t length = strlen(ipm_default_config);
    int error = file != NULL ? read_config(file, &owned, &length) : 0;
    if (file != NULL)
        text = owned;

    struct ipm_diagnostics diagnostics;
    ipm_diagnostics_init(&diagnostics, file != NULL ? file : "(built-in config)", text,
                         text != NULL ? length : 0);
    if (error != 0)
        ipm_diagnostics_error_at(&diagnostics, &start, NULL,
                                 "cannot read this file: %s", strerror(-error));
    else
        error =
            ipm_spec_load(text, length, sets, n_sets, describe, &diagnostics, out_spec);
    ipm_diagnostics_print(&diagnostics, stderr);
    bool wrong = diagnostics.count > 0;
    ipm_diagnostics_fini(&diagnostics);
    if (wrong)
        return IPM_EXIT_USAGE;
    return error != 0 ? complain(strerror(-error)) : 0;
}

/* --quick as arguments of --set, which come first: the user's override them.  The budget
 * leaves room for the start and for an estimate that is off. */
static const char *const quick_sets[] = {"repeat.invocations=2",
                                         "repeat.energy=1",
                                         "repeat.window=10ms",
                                         "repeat.warmup=2ms",
                                         "repeat.budget=40s",
                                         "sensors.energy=off",
                                         NULL};

/* Counter passes double the time; who asks for events by name gets them. */
static const char *const uncounted_sets[] = {"sensors.events=[]",
                                             "sensors.counters=off", NULL};

/* A gate measures time, and takes as long as its blocks take. */
static const char *const gate_sets[] = {"sensors.counters=off", "sensors.energy=off",
                                        "sensors.events=[]", "repeat.budget=720h",
                                        NULL};

/* The arguments of --set, then what --counters, --events and --energy say as such. */
struct sets {
    const char **texts; /* the first are borrowed, the last are @words */
    size_t n;
    char *words[IPM_SENSOR_WORDS];
};

static void drop_sets(struct sets *sets)
{
    free(sets->texts);
    for (size_t i = 0; i < IPM_SENSOR_WORDS; i++)
        free(sets->words[i]);
}

static int add_sets(struct sets *sets, const char *const *texts)
{
    int error = 0;
    for (; error == 0 && *texts != NULL; texts++)
        error = ipm_texts_add(&sets->texts, &sets->n, *texts);
    return error;
}

static int collect_sets(const struct ipm_request *request, struct sets *sets)
{
    struct ipm_why why = {0};
    int error = ipm_sensor_words_set(&request->sensors, sets->words, &why);
    if (error != 0) {
        (void)complain(why.text);
        return error == -EINVAL ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
    }
    if (error == 0 && request->quick)
        error = add_sets(sets, quick_sets);
    if (error == 0 && request->gate)
        error = add_sets(sets, gate_sets);
    if (error == 0 && request->quick && request->sensors.events == NULL)
        error = add_sets(sets, uncounted_sets);
    for (size_t i = 0; error == 0 && i < request->n_sets; i++)
        error = ipm_texts_add(&sets->texts, &sets->n, request->sets[i]);
    for (size_t i = 0; error == 0 && i < IPM_SENSOR_WORDS && sets->words[i] != NULL;
         i++)
        error = ipm_texts_add(&sets->texts, &sets->n, sets->words[i]);
    return error == 0 ? 0 : complain(strerror(-error));
}

static int load_spec(const struct ipm_request *request, const json_t *describe,
                     struct ipm_spec *out_spec)
{
    struct sets sets = {0};
    int status = collect_sets(request, &sets);
    if (status == 0)
        status = load_text(request->config, sets.texts, sets.n, describe, out_spec);
    drop_sets(&sets);
    if (status == 0)
        out_spec->quick = request->quick;
    if (status == 0 && request->gate && ipm_gate_controls_add(out_spec, describe) < 0) {
        ipm_spec_fini(out_spec);
        status = complain("no memory");
    }
    return status;
}

/* A slip in an axis is told before it costs a night. */
static int check_points(const struct ipm_spec *spec, const struct ipm_plan *plan)
{
    if ((int64_t)plan->n_points <= spec->max_points)
        return 0;
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "the plan has %zu points, max_points allows %" PRId64
                   ": narrow the sweeps, or raise it: --set max_points=%zu",
                   plan->n_points, spec->max_points, plan->n_points);
    (void)complain(text);
    return IPM_EXIT_USAGE;
}

/* A describe document tells of sensors as they are asked: once more, when they are. */
static int describe_again(struct ipm_request *request, const struct ipm_spec *spec,
                          json_t **describe)
{
    if (json_object_size(spec->sensing) == 0)
        return 0;
    json_t *again = NULL;
    request->worker.sensing = spec->sensing;
    int status = ipm_prepare_describe(request, &again);
    request->worker.sensing = NULL;
    if (status == 0) {
        json_decref(*describe);
        *describe = again;
    }
    return status;
}

/* Decides on the energy meter, and says so when one that is there is not believed. */
static int examine(const struct ipm_request *request, struct ipm_prepared *prepared)
{
    struct ipm_why why = {0};
    const json_t *pass = ipm_describe_find(prepared->describe, "passes", "energy");
    bool there = json_is_true(json_object_get(pass, "available"));
    int error =
        ipm_energy_examine(&request->worker, &prepared->spec, request->interrupted,
                           prepared->describe, &prepared->energy, &why);
    if (error == 1)
        return IPM_EXIT_INTERRUPTED;
    if (error != 0)
        return complain(why.text);
    if (there && prepared->spec.energy != IPM_SENSING_OFF &&
        !json_is_true(json_object_get(prepared->energy, "accepted"))) {
        char text[512];
        (void)snprintf(text, sizeof(text), "energy is not measured: %s",
                       ipm_describe_text(prepared->energy, "reason", ""));
        (void)complain(text);
    }
    return 0;
}

/* Placements go by what the kernel shows, whoever made it up: the plan says so. */
static void note_topology(const char *sysroot, struct ipm_plan *plan)
{
    char reason[160];
    const char *trust = ipm_topology_trust(sysroot, reason, sizeof(reason));
    bool apart = false;
    for (size_t i = 0; i < plan->n_points; i++)
        apart = apart || plan->points[i].factors.place.n_cpus > 1;
    if (apart && trust != NULL && strcmp(trust, "hypervisor") == 0)
        (void)json_array_append_new(
            plan->notes, json_sprintf("topology: hypervisor: the classes of placements "
                                      "are what this guest is shown: %s",
                                      reason));
}

int ipm_prepare(struct ipm_request *request, struct ipm_prepared *out_prepared)
{
    const char *sysroot =
        request->worker.sysroot != NULL ? request->worker.sysroot : "";
    struct ipm_prepared *prepared = out_prepared;
    struct ipm_why why = {0};
    *prepared = (struct ipm_prepared){0};
    int status = ipm_prepare_describe(request, &prepared->describe);
    if (status == 0)
        status = load_spec(request, prepared->describe, &prepared->spec);
    if (status == 0)
        status = describe_again(request, &prepared->spec, &prepared->describe);
    if (status == 0 && request->examine)
        status = examine(request, prepared);
    if (status == 0 && ipm_topology_read(sysroot, &prepared->topology, &why) != 0)
        status = complain(why.text);
    if (status == 0 &&
        ipm_plan_build(&prepared->spec, prepared->describe, &prepared->topology,
                       &prepared->plan, &why) != 0) {
        status = complain(why.text);
        status = why.error == -E2BIG ? IPM_EXIT_USAGE : status;
    }
    if (status == 0)
        note_topology(sysroot, &prepared->plan);
    if (status == 0)
        status = check_points(&prepared->spec, &prepared->plan);
    if (status != 0)
        ipm_prepared_fini(prepared);
    return status;
}

/* Of a config that says nothing: what is asked of the sensors. */
static int load_sensing(const struct ipm_request *request, const json_t *describe,
                        struct ipm_spec *spec)
{
    struct sets sets = {0};
    struct ipm_diagnostics diagnostics;
    ipm_auto_json json_t *root = json_object();
    ipm_diagnostics_init(&diagnostics, "(command line)", "{}", 2);
    int status = collect_sets(request, &sets);
    if (status == 0) {
        ipm_spec_set(root, sets.texts, sets.n, describe, &diagnostics);
        ipm_keys_defaults(ipm_spec_keys, spec);
        ipm_keys_read(ipm_spec_keys, root, NULL, spec, &diagnostics);
        ipm_spec_sensors_read(json_object_get(root, "sensors"), spec, &diagnostics);
        ipm_diagnostics_print(&diagnostics, stderr);
        status = diagnostics.count > 0 ? IPM_EXIT_USAGE : 0;
    }
    ipm_diagnostics_fini(&diagnostics);
    drop_sets(&sets);
    return status;
}

int ipm_prepare_list(struct ipm_request *request, json_t **out_describe)
{
    struct ipm_spec spec = {0};
    json_t *describe = NULL;
    int status = ipm_prepare_describe(request, &describe);
    if (status == 0)
        status = load_sensing(request, describe, &spec);
    if (status == 0)
        status = describe_again(request, &spec, &describe);
    ipm_spec_fini(&spec);
    if (status == 0)
        *out_describe = describe;
    else
        json_decref(describe);
    return status;
}

void ipm_prepared_fini(struct ipm_prepared *prepared)
{
    ipm_plan_fini(&prepared->plan);
    ipm_spec_fini(&prepared->spec);
    json_decref(prepared->energy);
    prepared->energy = NULL;
    json_decref(prepared->describe);
    prepared->describe = NULL;
}
