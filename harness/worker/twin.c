/* SPDX-License-Identifier: MIT */
#include "harness/worker/twin.h"

#include "base/clock.h"
#include "base/process.h"
#include "harness/worker/task_status.h"
#include "mechanisms/wait.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h> /* the kernel's, for PTRACE_GET_SYSCALL_INFO; see trace() */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64, PROBE_CALLS = 3 };

static const int64_t patience_ns = 5 * IPM_NS_PER_SECOND;

/* Of @state. */
enum {
    BORN,    /* the tracer waits for leave to trace */
    ALLOWED, /* given */
    READY,   /* it follows all threads: each has stopped once */
    REFUSED, /* @error and @why say why not */
};

struct ipm_twin_page {
    _Atomic uint32_t state; /* futex */
    _Atomic uint32_t counting;
    _Atomic uint32_t crowded; /* more than THREADS threads */
    int error;
    struct ipm_why why;
    struct ipm_calls calls; /* written by the tracer alone */
};

/* A thread that is followed. */
struct thread {
    pid_t tid;
    bool awaited; /* seized, and has not stopped yet: its calls do not stop so far */
    bool counted; /* inside a call whose entry was counted */
    long number;
    uint64_t length; /* its third argument */
};

struct tracer {
    struct ipm_twin_page *page;
    int n;
    int n_awaited;
    struct thread threads[THREADS];
};

/* glibc's sys/ptrace.h and the kernel's header cannot be included together. */
static long trace(long request, pid_t tid, long address, void *data)
{
    return syscall(SYS_ptrace, request, (long)tid, address, data);
}

/* NULL: there is no room for it. */
static struct thread *thread_of(struct tracer *tracer, pid_t tid)
{
    for (int i = 0; i < tracer->n; i++) {
        if (tracer->threads[i].tid == tid)
            return &tracer->threads[i];
    }
    if (tracer->n == THREADS) {
        atomic_store(&tracer->page->crowded, 1);
        return NULL;
    }
    tracer->threads[tracer->n] = (struct thread){.tid = tid};
    return &tracer->threads[tracer->n++];
}

static void forget(struct tracer *tracer, pid_t tid)
{
    for (int i = 0; i < tracer->n; i++) {
        if (tracer->threads[i].tid != tid)
            continue;
        tracer->n_awaited -= tracer->threads[i].awaited;
        tracer->threads[i] = tracer->threads[--tracer->n];
        return;
    }
}

static void at_system_call(struct tracer *tracer, pid_t tid)
{
    struct thread *thread = thread_of(tracer, tid);
    struct ptrace_syscall_info info = {0};
    if (thread == NULL ||
        trace(PTRACE_GET_SYSCALL_INFO, tid, (long)sizeof(info), &info) < 0)
        return; /* killed meanwhile: its end is the next that is heard of it */
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        thread->counted = atomic_load(&tracer->page->counting) != 0;
        thread->number = (long)info.entry.nr;
        thread->length = info.entry.args[2];
        if (thread->counted)
            ipm_calls_enter(&tracer->page->calls, thread->number);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->counted) {
        thread->counted = false;
        ipm_calls_leave(&tracer->page->calls, thread->number, thread->length,
                        info.exit.rval);
    }
}

/* One stop of one thread, and on it goes. */
static void at_stop(struct tracer *tracer, pid_t tid, int status)
{
    int signal_number = WSTOPSIG(status);
    int event = status >> 16;
    long request = PTRACE_SYSCALL;
    long forward = 0;
    struct thread *thread = thread_of(tracer, tid);
    if (thread != NULL && thread->awaited) {
        thread->awaited = false;
        tracer->n_awaited--;
    }
    if (signal_number == (SIGTRAP | 0x80))
        at_system_call(tracer, tid);
    else if (event == PTRACE_EVENT_STOP && signal_number != SIGTRAP)
        request = PTRACE_LISTEN; /* stopped like any process: only SIGCONT ends it */
    else if (event == 0)
        forward = signal_number;
    (void)trace(request, tid, 0, (void *)forward);
}

static int seize(struct tracer *tracer, pid_t tid, struct ipm_why *why)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
    if (trace(PTRACE_SEIZE, tid, 0, (void *)options) != 0)
        return ipm_why_set(why, -errno,
                           "ptrace: a seccomp filter, Yama or another tracer is in the "
                           "way, or a right is missing: ");
    /* Only what has stopped once can be told to stop at system calls. */
    if (trace(PTRACE_INTERRUPT, tid, 0, NULL) != 0)
        return ipm_why_set(why, -errno, "ptrace(PTRACE_INTERRUPT): ");
    struct thread *thread = thread_of(tracer, tid);
    if (thread != NULL) {
        thread->awaited = true;
        tracer->n_awaited++;
    }
    return 0;
}

static bool is_followed(const struct tracer *tracer, pid_t tid)
{
    for (int i = 0; i < tracer->n; i++) {
        if (tracer->threads[i].tid == tid)
            return true;
    }
    return false;
}

/* A thread as /proc lists it.  1: it is new and followed now; 0: nothing to do; -errno. */
static int seize_listed(struct tracer *tracer, int tasks, const char *name,
                        struct ipm_why *why)
{
    char path[sizeof(((struct dirent *)NULL)->d_name) + sizeof("/status")];
    char text[IPM_TASK_STATUS_ROOM];
    (void)snprintf(path, sizeof(path), "%s/status", name);
    int error = ipm_read_file_at(tasks, path, text, sizeof(text));
    if (error == -ENOENT || error == -ESRCH)
        return 0; /* it has ended */
    pid_t tid = error != 0 ? 0 : ipm_task_status_number(text);
    if (tid == 0)
        return ipm_why_set(why, error != 0 ? error : -EPROTO, "a thread's number: ");
    if (is_followed(tracer, tid))
        return 0;
    error = seize(tracer, tid, why);
    /* Ended, or started by one that is followed, and so followed from its birth. */
    return error == -ESRCH || error == -EPERM ? 0 : error != 0 ? error : 1;
}

/* Return: how many threads are followed that were not; -errno. */
static int seize_threads(struct tracer *tracer, int proc, struct ipm_why *why)
{
    int fd = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
    if (tasks == NULL)
        return ipm_why_set(why, -errno, "list the threads: ");
    int added = 0;
    int result = 0;
    const struct dirent *entry;
    while (result >= 0 && (entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        result = seize_listed(tracer, fd, entry->d_name, why);
        added += result > 0;
    }
    (void)closedir(tasks);
    return result < 0 ? result : added;
}

static int seize_all(struct tracer *tracer, pid_t pid, int proc, struct ipm_why *why)
{
    int result = seize(tracer, pid, why);
    if (result != 0 || proc < 0)
        return result;
    /* One that is not followed yet may start another behind the reader's back. */
    do {
        result = seize_threads(tracer, proc, why);
    } while (result > 0 && atomic_load(&tracer->page->crowded) == 0);
    return result < 0 ? result : 0;
}

/* A tracer that holds a channel's end would hide the death of the role whose end it is. */
static void close_all(int except)
{
    long most = sysconf(_SC_OPEN_MAX);
#ifdef SYS_close_range
    unsigned last = except < 3 ? ~0U : (unsigned)except - 1;
    bool below = except == 3 || syscall(SYS_close_range, 3U, last, 0U) == 0;
    if (below &&
        (except < 3 || syscall(SYS_close_range, (unsigned)except + 1, ~0U, 0U) == 0))
        return;
#endif
    for (int fd = 3; fd < most; fd++) {
        if (fd != except)
            (void)close(fd);
    }
}

static void tell(struct ipm_twin_page *page, uint32_t state)
{
    atomic_store(&page->state, state);
    ipm_futex_wake(&page->state, 1);
}

static _Noreturn void be_tracer(struct ipm_twin_page *page, pid_t pid, int proc)
{
    struct tracer tracer = {.page = page, .n = 0};
    (void)ipm_die_with_parent(NULL);
    close_all(proc);
    while (atomic_load(&page->state) == BORN)
        (void)ipm_futex_wait(&page->state, BORN, IPM_FOREVER);
    page->error = seize_all(&tracer, pid, proc, &page->why);
    if (proc >= 0)
        (void)close(proc);
    if (page->error != 0) {
        tell(page, REFUSED);
        _exit(1);
    }
    bool ready = false;
    for (;;) {
        int status = 0;
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            break; /* nobody is left */
        if (WIFSTOPPED(status))
            at_stop(&tracer, tid, status);
        else
            forget(&tracer, tid);
        if (!ready && tracer.n_awaited == 0 && tracer.n > 0) {
            ready = true;
            tell(page, READY);
        }
    }
    if (!ready) {
        page->error = ipm_why_set(&page->why, -ESRCH, "it ended before it was traced");
        tell(page, REFUSED);
    }
    _exit(0);
}

int ipm_twin_open(struct ipm_twin *out_twin, pid_t pid, int proc, struct ipm_why *why)
{
    struct ipm_twin twin = {.page = NULL, .tracer = 0};
    out_twin->page = NULL;
    void *page = mmap(NULL, sizeof(*twin.page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return ipm_why_set(why, -errno, "memory for a tracer: ");
    twin.page = page;
    twin.tracer = fork();
    if (twin.tracer == 0)
        be_tracer(twin.page, pid, proc);
    if (twin.tracer < 0) {
        int error = ipm_why_set(why, -errno, "fork: ");
        (void)munmap(page, sizeof(*twin.page));
        return error;
    }
    /* Where Yama lets only ancestors trace.  Fails where there is no Yama. */
    if (pid == getpid())
        (void)prctl(PR_SET_PTRACER, (unsigned long)twin.tracer, 0, 0, 0);
    tell(twin.page, ALLOWED);
    int64_t deadline_ns = ipm_now_ns() + patience_ns;
    int waited = 0;
    while (waited == 0 && atomic_load(&twin.page->state) == ALLOWED)
        waited = ipm_futex_wait(&twin.page->state, ALLOWED, deadline_ns);
    int error = 0;
    uint32_t state = atomic_load(&twin.page->state);
    if (state == REFUSED) {
        error = twin.page->error;
        if (why != NULL)
            *why = twin.page->why;
    } else if (state != READY) {
        error = ipm_why_set(why, -ETIMEDOUT, "the tracer did not get ready");
    }
    if (error != 0)
        ipm_twin_close(&twin);
    else
        *out_twin = twin;
    return error;
}

void ipm_twin_count(struct ipm_twin *twin, bool on)
{
    atomic_store(&twin->page->counting, on);
}

int ipm_twin_read(const struct ipm_twin *twin, struct ipm_calls *out_calls,
                  struct ipm_why *why)
{
    siginfo_t ended = {.si_pid = 0};
    /* It ends by itself only when nobody is left to trace. */
    if (waitid(P_PID, (id_t)twin->tracer, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        ended.si_pid != 0)
        return ipm_why_set(why, -ECHILD, "the tracer ended early");
    if (atomic_load(&twin->page->crowded) != 0)
        return ipm_why_set(why, -EOVERFLOW, "more than %d threads at once", THREADS);
    *out_calls = twin->page->calls;
    return 0;
}

void ipm_twin_close(struct ipm_twin *twin)
{
    if (twin->page == NULL)
        return;
    (void)kill(twin->tracer, SIGKILL);
    while (waitpid(twin->tracer, NULL, 0) < 0 && errno == EINTR)
        ;
    (void)munmap(twin->page, sizeof(*twin->page));
    twin->page = NULL;
}

/* In a child of its own, so that the caller is never traced. */
static int try(struct ipm_why *why)
{
    struct ipm_twin twin;
    struct ipm_calls calls = {.calls = 0};
    int error = ipm_twin_open(&twin, getpid(), -1, why);
    if (error != 0)
        return error;
    ipm_twin_count(&twin, true);
    for (int i = 0; i < PROBE_CALLS; i++)
        (void)syscall(SYS_getppid);
    ipm_twin_count(&twin, false);
    error = ipm_twin_read(&twin, &calls, why);
    ipm_twin_close(&twin);
    if (error == 0 && calls.calls != PROBE_CALLS)
        error = ipm_why_set(why, -EPROTO, "ptrace sees %llu of %d system calls",
                            (unsigned long long)calls.calls, (int)PROBE_CALLS);
    return error;
}

int ipm_twin_probe(struct ipm_why *why)
{
    struct {
        int error;
        struct ipm_why why;
    } *verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED)
        return ipm_why_set(why, -errno, "memory for a probe: ");
    verdict->error = ipm_why_set(&verdict->why, -ECHILD, "a traced child died");
    pid_t pid = fork();
    if (pid == 0) {
        (void)ipm_die_with_parent(NULL);
        struct ipm_why own = {.error = 0, .text = ""};
        int error = try(&own);
        verdict->why = own;
        verdict->error = error;
        _exit(0);
    }
    int error = pid < 0 ? ipm_why_set(why, -errno, "fork: ") : 0;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0) {
        error = verdict->error;
        if (error != 0 && why != NULL)
            *why = verdict->why;
    }
    (void)munmap(verdict, sizeof(*verdict));
    return error;
}
