/* SPDX-License-Identifier: MIT */
#include "harness/worker/helper.h"

#include "base/clock.h"
#include "base/process.h"
#include "harness/worker/task_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int64_t patience_ns = 5 * IPM_NS_PER_SECOND;

static const struct {
    const char *name, *unit, *source;
} rows[IPM_BILL_ROWS] = {
    [IPM_BILL_CPU] = {"cpu_ns", "ns", "process clock"},
    [IPM_BILL_VOLUNTARY] = {"voluntary_switches", "", "proc"},
    [IPM_BILL_INVOLUNTARY] = {"involuntary_switches", "", "proc"},
    [IPM_BILL_SWITCHES] = {"switches_task", "", "proc"},
    [IPM_BILL_MINOR] = {"page_faults_minor", "", "proc"},
    [IPM_BILL_MAJOR] = {"page_faults_major", "", "proc"},
};

/* /proc shows the pids of the namespace that mounted it, which is not ours in a sandbox:
 * the pidfd knows the helper's number there. */
static int open_proc(const struct ipm_helper_process *process)
{
    char path[64];
    char text[512];
    (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
                   process->pidfd_plus_one - 1);
    if (ipm_read_file(path, text, sizeof(text)) != 0)
        return -1;
    const char *line = strstr(text, "\nPid:");
    int pid = 0;
    if (line == NULL || sscanf(line, "\nPid: %d", &pid) != 1 || pid <= 0)
        return -1;
    (void)snprintf(path, sizeof(path), "/proc/%d", pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int ipm_helpers_start(struct ipm_helpers *helpers, const struct ipm_wiring *wiring,
                      const struct ipm_point *point, struct ipm_why *why)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (int seat = 0; seat < ipm_point_seats(point); seat++)
        CPU_SET((size_t)ipm_point_cpu(point, seat), &cpus);
    helpers->n = 0;
    for (int i = 0; i < wiring->n_channels; i++) {
        const struct ipm_channel *channel = &wiring->entries[i].channel;
        if (channel->mechanism->helper == NULL)
            continue;
        if (helpers->n == IPM_HELPERS_MAX)
            return ipm_why_set(why, -EOPNOTSUPP, "more than %d helper processes",
                               IPM_HELPERS_MAX);
        struct ipm_helper_process *process = &helpers->entries[helpers->n].process;
        int error =
            ipm_helper_start(process, channel, &cpus, ipm_now_ns() + patience_ns, why);
        if (error != 0)
            return error;
        helpers->entries[helpers->n++].proc_plus_one = open_proc(process) + 1;
    }
    return 0;
}

void ipm_helpers_stop(struct ipm_helpers *helpers)
{
    for (int i = 0; i < helpers->n; i++) {
        ipm_twin_close(&helpers->entries[i].twin);
        ipm_helper_stop(&helpers->entries[i].process);
    }
    ipm_helpers_forget(helpers);
}

void ipm_helpers_forget(struct ipm_helpers *helpers)
{
    for (int i = 0; i < helpers->n; i++) {
        ipm_helper_forget(&helpers->entries[i].process);
        if (helpers->entries[i].proc_plus_one != 0)
            (void)close(helpers->entries[i].proc_plus_one - 1);
        helpers->entries[i].proc_plus_one = 0;
    }
    helpers->n = 0;
}

/* Switches of one task, added. */
static int add_switches(int tasks, const char *task, struct ipm_bill_reading *reading)
{
    char name[sizeof(((struct dirent *)NULL)->d_name) + sizeof("/status")];
    char text[IPM_TASK_STATUS_ROOM];
    int64_t voluntary = 0;
    int64_t involuntary = 0;
    (void)snprintf(name, sizeof(name), "%s/status", task);
    int error = ipm_read_file_at(tasks, name, text, sizeof(text));
    if (error == 0)
        error = ipm_task_status_switches(text, &voluntary, &involuntary);
    if (error != 0)
        return error;
    reading->values[IPM_BILL_VOLUNTARY] += voluntary;
    reading->values[IPM_BILL_INVOLUNTARY] += involuntary;
    reading->values[IPM_BILL_SWITCHES] += voluntary + involuntary;
    return 0;
}

static int read_tasks(int proc, struct ipm_bill_reading *reading)
{
    int fd = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    int error = folder == NULL ? -errno : 0;
    struct dirent *entry;
    while (error == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            error = add_switches(fd, entry->d_name, reading);
    }
    if (folder != NULL)
        (void)closedir(folder);
    else if (fd >= 0)
        (void)close(fd);
    return error;
}

static int read_faults(int proc, struct ipm_bill_reading *reading)
{
    char text[1024];
    long long minor = 0;
    long long major = 0;
    int error = ipm_read_file_at(proc, "stat", text, sizeof(text));
    if (error != 0)
        return error;
    /* "pid (name) state" and five numbers and flags come first; a name may hold anything. */
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %lld %*d %lld",
                               &minor, &major) != 2)
        return -EPROTO;
    reading->values[IPM_BILL_MINOR] = minor;
    reading->values[IPM_BILL_MAJOR] = major;
    return 0;
}

static void take(const struct ipm_helper_process *process, int proc,
                 struct ipm_bill_reading *out_reading)
{
    clockid_t clock;
    struct timespec cpu;
    *out_reading = (struct ipm_bill_reading){.error = proc < 0 ? -ENOENT : 0};
    if (out_reading->error == 0)
        out_reading->error = read_tasks(proc, out_reading);
    if (out_reading->error == 0)
        out_reading->error = read_faults(proc, out_reading);
    int error = clock_getcpuclockid(process->pid, &clock);
    if (error == 0 && clock_gettime(clock, &cpu) != 0)
        error = errno;
    if (error != 0)
        out_reading->error = -error;
    else
        out_reading->values[IPM_BILL_CPU] =
            (int64_t)cpu.tv_sec * IPM_NS_PER_SECOND + cpu.tv_nsec;
}

static void trace_all(struct ipm_helpers *helpers)
{
    for (int i = 0; i < helpers->n; i++) {
        struct ipm_twin *twin = &helpers->entries[i].twin;
        helpers->entries[i].twin_error = ipm_twin_open(
            twin, helpers->entries[i].process.pid,
            helpers->entries[i].proc_plus_one - 1, &helpers->entries[i].twin_why);
        if (helpers->entries[i].twin_error == 0)
            ipm_twin_count(twin, true);
    }
}

static void untrace_all(struct ipm_helpers *helpers)
{
    for (int i = 0; i < helpers->n; i++) {
        struct ipm_twin *twin = &helpers->entries[i].twin;
        if (twin->page == NULL)
            continue;
        ipm_twin_count(twin, false);
        helpers->entries[i].twin_error = ipm_twin_read(twin, &helpers->entries[i].calls,
                                                       &helpers->entries[i].twin_why);
        ipm_twin_close(twin);
    }
}

void ipm_helpers_open_bills(struct ipm_helpers *helpers)
{
    if (helpers->traced)
        trace_all(helpers);
    for (int i = 0; i < helpers->n; i++)
        take(&helpers->entries[i].process, helpers->entries[i].proc_plus_one - 1,
             &helpers->entries[i].start);
}

void ipm_helpers_close_bills(struct ipm_helpers *helpers)
{
    for (int i = 0; i < helpers->n; i++)
        take(&helpers->entries[i].process, helpers->entries[i].proc_plus_one - 1,
             &helpers->entries[i].stop);
    if (helpers->traced)
        untrace_all(helpers);
}

void ipm_helpers_share(const struct ipm_helpers *helpers, int i,
                       struct ipm_helper_share *out_share)
{
    const struct ipm_bill_reading *start = &helpers->entries[i].start;
    const struct ipm_bill_reading *stop = &helpers->entries[i].stop;
    int error = start->error != 0 ? start->error : stop->error;
    struct ipm_why why = {.error = 0, .text = ""};
    if (error != 0)
        (void)ipm_why_set(&why, error, "the helper's bill: ");
    (void)snprintf(out_share->name, sizeof(out_share->name), "%s",
                   helpers->entries[i].process.name);
    for (int row = 0; row < IPM_BILL_ROWS; row++) {
        double value = (double)(stop->values[row] - start->values[row]);
        out_share->metrics[row] =
            error != 0 ? ipm_metric_failed(rows[row].name, rows[row].unit,
                                           rows[row].source, error, &why)
                       : ipm_metric_value(rows[row].name, rows[row].unit,
                                          rows[row].source, value);
    }
    out_share->n_metrics = IPM_BILL_ROWS;
    if (!helpers->traced)
        return;
    struct ipm_metric *more = &out_share->metrics[IPM_BILL_ROWS];
    int failed = helpers->entries[i].twin_error;
    out_share->n_metrics +=
        failed != 0 ? ipm_system_calls_missing(failed, &helpers->entries[i].twin_why,
                                               more, IPM_CALLS_METRICS)
                    : ipm_system_calls_metrics(&helpers->entries[i].calls, more,
                                               IPM_CALLS_METRICS);
}

int ipm_helpers_ended(struct ipm_helpers *helpers, int i, struct ipm_why *why)
{
    struct ipm_helper_process *process = &helpers->entries[i].process;
    char text[IPM_STATUS_TEXT];
    int status = 0;
    (void)ipm_wait_until(process->pid, process->pidfd_plus_one - 1, IPM_FOREVER,
                         &status);
    process->pid = 0;
    return ipm_why_set(why, -ECHILD, "helper %s %s", process->name,
                       ipm_status_text(status, text));
}
