/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/simulation.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/energy_counter.h"
#include "base/process.h"
#include "harness/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "ipcmeter-meter";
static const char source[] = "simulated";

/* It answers in microseconds: what takes longer will not come. */
static const int64_t patience_ns = 10 * IPM_NS_PER_SECOND;

/* In the child: never returns. */
__attribute__((noreturn)) static void child(const char *path, pid_t parent, int fd,
                                            int failure)
{
    const char *const argv[] = {path, NULL};
    sigset_t none;
    (void)sigemptyset(&none);
    int error = ipm_die_with_parent(NULL);
    if (error == 0 && getppid() != parent)
        _exit(1); /* it died before we asked to die with it */
    /* A group of its own: Ctrl-C is for the driver, which ends the meter in its turn. */
    if (error == 0 &&
        (setpgid(0, 0) != 0 || dup2(fd, STDIN_FILENO) < 0 ||
         dup2(fd, STDOUT_FILENO) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0))
        error = -errno;
    if (error == 0) {
        (void)execv(path, (char *const *)argv);
        error = -errno;
    }
    (void)ipm_write_all(failure, &error, sizeof(error));
    _exit(127);
}

static int spawn(struct ipm_simulation *simulation, struct ipm_why *why)
{
    char path[IPM_WORKER_PATH];
    int ends[2];
    int failure[2];
    int error = ipm_program_beside(program, path, why);
    if (error != 0)
        return error;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return ipm_why_set(why, -errno, "socketpair: ");
    ipm_auto_fd int ours = ends[0];
    ipm_auto_fd int theirs = ends[1];
    if (pipe2(failure, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    ipm_auto_fd int failure_read = failure[0];
    ipm_auto_fd int failure_write = failure[1];
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return ipm_why_set(why, -errno, "fork: ");
    if (pid == 0)
        child(path, parent, theirs, failure_write);
    (void)close(ipm_steal_fd(&failure_write));
    ssize_t got;
    do {
        got = read(failure_read, &error, sizeof(error));
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(error)) {
        (void)waitpid(pid, NULL, 0);
        return ipm_why_set(why, error, "execute %s: ", path);
    }
    simulation->pid = pid;
    simulation->fd = ipm_steal_fd(&ours);
    simulation->pidfd = ipm_pidfd_open(pid, why);
    return simulation->pidfd < 0 ? simulation->pidfd : 0;
}

/* The other end is closed: what became of the meter. */
static int died(struct ipm_simulation *simulation, struct ipm_why *why)
{
    char words[IPM_STATUS_TEXT];
    int status = 0;
    int error = ipm_wait_until(simulation->pid, simulation->pidfd,
                               ipm_now_ns() + IPM_NS_PER_SECOND, &status);
    if (error != 0)
        return ipm_why_set(why, -EPIPE, "the simulated meter stopped answering");
    simulation->pid = 0;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 2;
    return ipm_why_set(why, refused ? -EINVAL : -EPIPE, "the simulated meter %s",
                       ipm_status_text(status, words));
}

static int send_line(struct ipm_simulation *simulation, const json_t *json,
                     struct ipm_why *why)
{
    ipm_auto_free char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    ipm_auto_free char *line = NULL;
    if (text == NULL || asprintf(&line, "%s\n", text) < 0)
        return ipm_why_set(why, -ENOMEM, "no memory");
    size_t length = strlen(line);
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(simulation->fd, line + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return died(simulation, why);
        if (n < 0)
            return ipm_why_set(why, -errno, "tell the simulated meter: ");
        sent += (size_t)n;
    }
    return 0;
}

static int receive_line(struct ipm_simulation *simulation, json_t **out_json,
                        struct ipm_why *why)
{
    char line[IPM_SIMULATION_LINE];
    size_t length = 0;
    int64_t deadline_ns = ipm_now_ns() + patience_ns;
    while (length == 0 || line[length - 1] != '\n') {
        struct pollfd entry = {.fd = simulation->fd, .events = POLLIN};
        int64_t left_ns = deadline_ns - ipm_now_ns();
        struct timespec left = ipm_timespec(left_ns > 0 ? left_ns : 0);
        int ready = ppoll(&entry, 1, &left, NULL);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            return ipm_why_set(why, -ETIME, "the simulated meter does not answer");
        ssize_t got =
            ready < 0 ? -1
                      : recv(simulation->fd, line + length, sizeof(line) - length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return died(simulation, why);
        if (got < 0)
            return ipm_why_set(why, -errno, "listen to the simulated meter: ");
        length += (size_t)got;
        if (length == sizeof(line) && line[length - 1] != '\n')
            return ipm_why_set(why, -EBADMSG, "the simulated meter babbles");
    }
    *out_json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*out_json)) {
        json_decref(*out_json);
        return ipm_why_set(why, -EBADMSG, "the simulated meter speaks no JSON");
    }
    return 0;
}

static int ask(struct ipm_simulation *simulation, const json_t *question,
               json_t **out_answer, struct ipm_why *why)
{
    int error = send_line(simulation, question, why);
    return error != 0 ? error : receive_line(simulation, out_answer, why);
}

int ipm_simulation_start(struct ipm_simulation *simulation, const json_t *parameters,
                         struct ipm_why *why)
{
    *simulation = (struct ipm_simulation){.pidfd = -1, .fd = -1};
    int error = spawn(simulation, why);
    if (error == 0)
        error = ask(simulation, parameters, &simulation->parameters, why);
    if (error != 0) {
        ipm_simulation_stop(simulation);
        return error;
    }
    /* An event costs what it costs; a kilowatt of them is beyond any machine of this size. */
    double rest_w = 0;
    (void)ipm_json_get_number(simulation->parameters, "p_idle_w", &rest_w, NULL);
    simulation->most_watts = 1000 + 2 * rest_w;
    simulation->last_ns = ipm_now_ns();
    return 0;
}

void ipm_simulation_stop(struct ipm_simulation *simulation)
{
    int status = 0;
    ipm_cleanup_fd(&simulation->fd); /* the end of its input */
    if (simulation->pid > 0) {
        bool ended = simulation->pidfd >= 0 &&
                     ipm_wait_until(simulation->pid, simulation->pidfd,
                                    ipm_now_ns() + IPM_NS_PER_SECOND, &status) == 0;
        if (!ended) {
            (void)kill(simulation->pid, SIGKILL);
            while (waitpid(simulation->pid, &status, 0) < 0 && errno == EINTR)
                ;
        }
    }
    simulation->pid = 0;
    ipm_cleanup_fd(&simulation->pidfd);
    json_decref(simulation->parameters);
    simulation->parameters = NULL;
}

int ipm_simulation_replay(struct ipm_simulation *simulation, const json_t *record,
                          struct ipm_why *why)
{
    const json_t *window = json_object_get(record, "meter");
    if (strcmp(ipm_describe_text(window, "source", ""), source) != 0)
        return 0;
    ipm_auto_json json_t *answer = NULL;
    int error = ask(simulation, window, &answer, why);
    simulation->last_ns = ipm_now_ns();
    return error;
}

/* Both kinds of switches, of roles and helpers; 1: the record does not have them. */
static int count_switches(const json_t *record, double *out_switches)
{
    static const char *const names[] = {"voluntary_switches", "involuntary_switches"};
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        double value = 0;
        const json_t *metric =
            json_object_get(json_object_get(record, "metrics"), names[i]);
        if (ipm_json_get_number(metric, "value", &value, NULL) != 0)
            return 1;
        sum += value;
    }
    *out_switches = sum;
    return 0;
}

/* What the meter is told of a window that ended just now; NULL: the record lacks it. */
static json_t *window_of(struct ipm_simulation *simulation, const json_t *record)
{
    int64_t elapsed_ns = ipm_describe_integer(record, "elapsed_ns", 0);
    int64_t now_ns = ipm_now_ns();
    int64_t gap_ns = now_ns - elapsed_ns - simulation->last_ns;
    double switches = 0;
    if (elapsed_ns <= 0 || count_switches(record, &switches) != 0)
        return NULL;
    simulation->last_ns = now_ns;
    json_t *window = json_object();
    (void)json_object_set_new(window, "source", json_string(source));
    (void)json_object_set_new(window, "elapsed_ns", json_integer(elapsed_ns));
    (void)json_object_set_new(window, "gap_ns", json_integer(gap_ns > 0 ? gap_ns : 0));
    (void)json_object_set_new(window, "switches", ipm_json_number(switches));
    (void)json_object_set_new(
        window, "messages", json_integer(ipm_describe_integer(record, "messages", 0)));
    (void)json_object_set_new(window, "bytes",
                              json_integer(ipm_describe_integer(record, "bytes", 0)));
    return window;
}

/* The readings through the arithmetic of every meter. */
static struct ipm_metric metric_of(const struct ipm_simulation *simulation,
                                   const json_t *window)
{
    const struct ipm_energy_counter counter = {
        .name = "the simulated meter",
        .unit_uj = 1,
        .range = (uint64_t)ipm_describe_integer(window, "range_uj", 0),
        .most_watts = simulation->most_watts};
    const struct ipm_energy_window ends = {
        .start = (uint64_t)ipm_describe_integer(window, "start_uj", 0),
        .stop = (uint64_t)ipm_describe_integer(window, "stop_uj", 0),
        .elapsed_ns = ipm_describe_integer(window, "elapsed_ns", 0)};
    return ipm_energy_metric("energy_package_uj", source, source, &counter, &ends);
}

/* Whatever a real meter may have said: not in this row. */
static void silence(json_t *metrics)
{
    const char *name;
    json_t *metric;
    json_object_foreach(metrics, name, metric)
    {
        if (strncmp(name, "energy_", 7) != 0 ||
            json_is_null(json_object_get(metric, "value")))
            continue;
        struct ipm_metric missing =
            ipm_metric_missing(name, ipm_describe_text(metric, "unit", "uJ"), source,
                               "not_applicable: the meter of this run is simulated");
        (void)snprintf(missing.provenance, sizeof(missing.provenance), "unavailable");
        (void)json_object_set_new(metrics, name, ipm_metric_json(&missing));
    }
}

int ipm_simulation_measure(struct ipm_simulation *simulation, json_t *record,
                           struct ipm_why *why)
{
    const char *pass = ipm_describe_text(record, "pass", "");
    json_t *metrics = json_object_get(record, "metrics");
    if ((strcmp(pass, "energy") != 0 && strcmp(pass, "idle") != 0) ||
        strcmp(ipm_describe_text(record, "status", ""), "ok") != 0 ||
        !json_is_object(metrics))
        return 0;
    silence(metrics);
    ipm_auto_json json_t *window = window_of(simulation, record);
    struct ipm_metric metric = ipm_metric_missing(
        "energy_package_uj", "uJ", source,
        "failed: the record lacks what the simulated meter must be told");
    (void)snprintf(metric.provenance, sizeof(metric.provenance), "unavailable");
    if (window != NULL) {
        ipm_auto_json json_t *answer = NULL;
        int error = ask(simulation, window, &answer, why);
        if (error != 0)
            return error;
        (void)json_object_update(window, answer);
        (void)json_object_set(record, "meter", window);
        metric = metric_of(simulation, window);
    }
    if (json_object_set_new(metrics, metric.name, ipm_metric_json(&metric)) != 0)
        return ipm_why_set(why, -ENOMEM, "no memory");
    return 0;
}
