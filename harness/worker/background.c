/* SPDX-License-Identifier: MIT */
#include "harness/worker/background.h"

#include "base/clock.h"
#include "base/cpu_list.h"
#include "base/process.h"
#include "base/region.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int64_t patience_ns = 10 * IPM_NS_PER_SECOND;

enum {
    CACHE_INDICES = 8,
    CACHE_TIMES = 2, /* what is streamed through, in last-level caches */
    UNKNOWN_CACHE = 32 << 20,
    LEAST_SLICE = 4 << 20,
    MEMORY_SHARE = 4, /* of the memory that is free, at most a quarter */
    LOOK_NS = 200000,
};

struct cache {
    int64_t bytes;  /* 0: not shown */
    char cpus[512]; /* that share it, as the kernel writes them */
};

/* The cache of the highest level that the kernel shows for that CPU. */
static struct cache last_cache(const char *sysroot, int cpu)
{
    struct cache cache = {.bytes = 0, .cpus = ""};
    int64_t highest = 0;
    for (int index = 0; index < CACHE_INDICES; index++) {
        char path[256];
        char text[32];
        int64_t level = 0;
        int64_t kibibytes = 0;
        int length = snprintf(path, sizeof(path),
                              "%s/sys/devices/system/cpu/cpu%d/cache/index%d/", sysroot,
                              cpu, index);
        if (length < 0 || (size_t)length + sizeof("shared_cpu_list") > sizeof(path))
            return cache;
        (void)strcpy(path + length, "level");
        if (ipm_read_file(path, text, sizeof(text)) != 0 ||
            ipm_parse_integer(text, &level, NULL) != 0 || level <= highest)
            continue;
        (void)strcpy(path + length, "size"); /* "36608K" */
        if (ipm_read_file(path, text, sizeof(text)) != 0 ||
            text[strspn(text, "0123456789")] != 'K')
            continue;
        text[strspn(text, "0123456789")] = '\0';
        if (ipm_parse_integer(text, &kibibytes, NULL) != 0 || kibibytes <= 0 ||
            kibibytes > INT64_C(1) << 32)
            continue;
        highest = level;
        cache.bytes = kibibytes << 10;
        (void)strcpy(path + length, "shared_cpu_list");
        if (ipm_read_file(path, cache.cpus, sizeof(cache.cpus)) != 0)
            cache.cpus[0] = '\0';
    }
    return cache;
}

int64_t ipm_background_slice(const char *sysroot, const int *cpus, int n_cpus, int cpu)
{
    const struct cache own = last_cache(sysroot, cpu);
    int sharing = own.cpus[0] == '\0' ? n_cpus : 0;
    for (int i = 0; i < n_cpus && own.cpus[0] != '\0'; i++)
        sharing += ipm_cpu_list_has(own.cpus, cpus[i]);
    int64_t cache = own.bytes > 0 ? own.bytes : UNKNOWN_CACHE;
    int64_t slice = CACHE_TIMES * cache / (sharing > 0 ? sharing : 1);
    slice = slice > LEAST_SLICE ? slice : LEAST_SLICE;
    return slice / IPM_CACHE_LINE * IPM_CACHE_LINE;
}

/* MemAvailable; 0: not told. */
static int64_t available_memory(void)
{
    char text[4096];
    long long kibibytes = 0;
    if (ipm_read_file("/proc/meminfo", text, sizeof(text)) != 0)
        return 0;
    const char *line = strstr(text, "MemAvailable:");
    if (line == NULL || sscanf(line, "MemAvailable: %lld", &kibibytes) != 1)
        return 0;
    return (int64_t)kibibytes << 10;
}

static void say_ready(_Atomic uint32_t *ready)
{
    atomic_fetch_add(ready, 1);
}

static _Noreturn void compute(_Atomic uint32_t *ready)
{
    uint64_t word = 88172645463325252;
    say_ready(ready);
    for (;;) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        __asm__ volatile("" : "+r"(word)); /* or the loop would be empty */
    }
}

static _Noreturn void stream_through(size_t bytes, _Atomic uint32_t *ready)
{
    unsigned char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        _exit(1);
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* bandwidth, not TLB misses */
    memset(memory, 1, bytes);
    say_ready(ready);
    for (;;) {
        for (size_t at = 0; at < bytes; at += IPM_CACHE_LINE) {
            volatile uint64_t *word = (volatile uint64_t *)(void *)(memory + at);
            *word = *word + 1;
        }
    }
}

/* One of the two that take turns; the first sends first. */
static _Noreturn void take_turns(const int pipes[2][2], bool first,
                                 _Atomic uint32_t *ready)
{
    int out = pipes[first ? 0 : 1][1];
    int in = pipes[first ? 1 : 0][0];
    char byte = 0;
    (void)close(pipes[first ? 0 : 1][0]);
    (void)close(pipes[first ? 1 : 0][1]);
    say_ready(ready);
    while ((!first || write(out, &byte, 1) == 1) && read(in, &byte, 1) == 1 &&
           (first || write(out, &byte, 1) == 1))
        ;
    _exit(1); /* the other one is gone */
}

static _Noreturn void be(const struct ipm_background *background,
                         enum ipm_background_kind kind, const char *sysroot,
                         int process, const int pipes[2][2])
{
    int cpu = background->cpus[process / background->per_cpu];
    if (ipm_die_with_parent(NULL) != 0 || ipm_pin_self(cpu, NULL) != 0)
        _exit(2);
    (void)signal(SIGPIPE, SIG_IGN);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)close(null);
    }
    if (kind == IPM_BACKGROUND_MEMORY)
        stream_through((size_t)ipm_background_slice(sysroot, background->cpus,
                                                    background->n_cpus, cpu),
                       background->ready);
    if (kind == IPM_BACKGROUND_SWITCHES)
        take_turns(pipes, process % background->per_cpu == 0, background->ready);
    compute(background->ready);
}

static void close_pipes(int pipes[2][2])
{
    for (int i = 0; i < 4; i++) {
        if (pipes[i / 2][i % 2] >= 0)
            (void)close(pipes[i / 2][i % 2]);
        pipes[i / 2][i % 2] = -1;
    }
}

/* The processes of one CPU. */
static int raise_cpu(struct ipm_background *background, const struct ipm_point *point,
                     int guard, struct ipm_why *why)
{
    enum ipm_background_kind kind = (enum ipm_background_kind)point->traffic.background;
    int pipes[2][2] = {{-1, -1}, {-1, -1}};
    int error = 0;
    if (kind == IPM_BACKGROUND_SWITCHES &&
        (pipe2(pipes[0], O_CLOEXEC) != 0 || pipe2(pipes[1], O_CLOEXEC) != 0))
        error = ipm_why_set(why, -errno, "pipe of the background load: ");
    for (int i = 0; i < background->per_cpu && error == 0; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(guard);
            be(background, kind, point->sysroot, background->n, pipes);
        }
        if (pid < 0)
            error = ipm_why_set(why, -errno, "fork of the background load: ");
        else
            background->pids[background->n++] = pid;
    }
    close_pipes(pipes);
    return error;
}

/* One that has ended, reaped; -1: all of it runs. */
static int first_ended(struct ipm_background *background, int *out_status)
{
    for (int i = 0; i < background->n; i++) {
        if (background->pids[i] == 0 ||
            waitpid(background->pids[i], out_status, WNOHANG) != background->pids[i])
            continue;
        background->pids[i] = 0;
        return i;
    }
    return -1;
}

static int ended(const struct ipm_background *background, int process, int status,
                 struct ipm_why *why)
{
    char text[IPM_STATUS_TEXT];
    int cpu = background->cpus[process / background->per_cpu];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return ipm_why_set(why, -EINVAL,
                           "the background load cannot run on CPU %d: no such CPU, or "
                           "not ours to use",
                           cpu);
    return ipm_why_set(why, -ECHILD, "the background load on CPU %d %s", cpu,
                       ipm_status_text(status, text));
}

static int await(struct ipm_background *background, struct ipm_why *why)
{
    const _Atomic uint32_t *ready = background->ready;
    int64_t deadline_ns = ipm_now_ns() + patience_ns;
    const struct timespec look = {.tv_sec = 0, .tv_nsec = LOOK_NS};
    while (atomic_load(ready) < (uint32_t)background->n) {
        int status = 0;
        int process = first_ended(background, &status);
        if (process >= 0)
            return ended(background, process, status, why);
        if (ipm_now_ns() > deadline_ns)
            return ipm_why_set(why, -ETIMEDOUT, "the background load did not begin");
        (void)nanosleep(&look, NULL);
    }
    return 0;
}

static int find_memory(struct ipm_background *background, const struct ipm_point *point,
                       struct ipm_why *why)
{
    char wanted[IPM_UNITS_TEXT];
    char there[IPM_UNITS_TEXT];
    for (int i = 0; i < background->n_cpus; i++)
        background->bytes += ipm_background_slice(
            point->sysroot, background->cpus, background->n_cpus, background->cpus[i]);
    int64_t most = available_memory() / MEMORY_SHARE;
    if (most > 0 && background->bytes > most)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "background load that is larger than the caches takes %s, "
                           "and a quarter of the free memory is %s",
                           ipm_format_size(wanted, background->bytes),
                           ipm_format_size(there, most));
    return 0;
}

int ipm_background_start(struct ipm_background *background,
                         const struct ipm_point *point, int guard, struct ipm_why *why)
{
    enum ipm_background_kind kind = (enum ipm_background_kind)point->traffic.background;
    memset(background, 0, sizeof(*background));
    background->cpus = point->background_cpus;
    background->n_cpus = point->n_background;
    background->per_cpu = kind == IPM_BACKGROUND_SWITCHES ? IPM_BACKGROUND_PER_CPU : 1;
    if (point->n_background == 0)
        return 0;
    int error = kind == IPM_BACKGROUND_MEMORY ? find_memory(background, point, why) : 0;
    if (error != 0)
        return error;
    void *ready = mmap(NULL, sizeof(_Atomic uint32_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ready == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap for the background load: ");
    background->ready = ready;
    for (int i = 0; i < background->n_cpus && error == 0; i++)
        error = raise_cpu(background, point, guard, why);
    return error != 0 ? error : await(background, why);
}

/* CPU time of one process since it began; -errno. */
static int64_t cpu_time_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec cpu;
    int error = clock_getcpuclockid(pid, &clock);
    if (error != 0)
        return -error;
    if (clock_gettime(clock, &cpu) != 0)
        return -errno;
    return (int64_t)cpu.tv_sec * IPM_NS_PER_SECOND + cpu.tv_nsec;
}

void ipm_background_open_bill(struct ipm_background *background)
{
    background->begun_ns = ipm_now_ns();
    for (int i = 0; i < background->n; i++) {
        int64_t cpu_ns = cpu_time_ns(background->pids[i]);
        background->error = cpu_ns < 0 ? (int)cpu_ns : background->error;
        background->cpu_ns[i] = -cpu_ns;
    }
}

void ipm_background_close_bill(struct ipm_background *background)
{
    for (int i = 0; i < background->n; i++) {
        int64_t cpu_ns = cpu_time_ns(background->pids[i]);
        background->error = cpu_ns < 0 ? (int)cpu_ns : background->error;
        background->cpu_ns[i] += cpu_ns;
    }
    background->over_ns = ipm_now_ns() - background->begun_ns;
}

int ipm_background_share(struct ipm_background *background,
                         struct ipm_background_share *out_share, struct ipm_why *why)
{
    int status = 0;
    int process = first_ended(background, &status);
    *out_share = (struct ipm_background_share){.n = background->n_cpus,
                                               .processes = background->n,
                                               .bytes = background->bytes,
                                               .over_ns = background->over_ns};
    if (process >= 0)
        return ended(background, process, status, why);
    if (background->error != 0)
        return ipm_why_set(why, background->error, "CPU time of the background load: ");
    for (int i = 0; i < background->n; i++) {
        int at = i / background->per_cpu;
        out_share->cpus[at] = background->cpus[at];
        out_share->cpu_ns[at] += background->cpu_ns[i];
    }
    return 0;
}

struct ipm_metric ipm_background_metric(const struct ipm_background_share *share)
{
    double cpu_ns = 0;
    for (int i = 0; i < share->n; i++)
        cpu_ns += (double)share->cpu_ns[i];
    return ipm_metric_value("background_cpu_ns", "ns", "process clock", cpu_ns);
}

void ipm_background_stop(struct ipm_background *background)
{
    for (int i = 0; i < background->n; i++) {
        if (background->pids[i] != 0)
            (void)kill(background->pids[i], SIGKILL);
    }
    for (int i = 0; i < background->n; i++) {
        while (background->pids[i] != 0 && waitpid(background->pids[i], NULL, 0) < 0 &&
               errno == EINTR)
            ;
    }
    background->n = 0;
    if (background->ready != NULL)
        (void)munmap(background->ready, sizeof(_Atomic uint32_t));
    background->ready = NULL;
}
