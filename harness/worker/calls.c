/* SPDX-License-Identifier: MIT */
#include "harness/worker/calls.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>

/* The kernel's own reasons to make a call again, which no process ever sees
 * (include/linux/errno.h); a tracer does. */
enum { RESTART_FIRST = 512, RESTART_LAST = 516 };

#define PLAIN(name)      {SYS_##name, #name, IPM_BYTES_NONE, false},
#define COPIES(name)     {SYS_##name, #name, IPM_BYTES_COPIED, false},
#define COPIES_ALL(name) {SYS_##name, #name, IPM_BYTES_COPIED, true},
#define SPLICES(name)    {SYS_##name, #name, IPM_BYTES_SPLICED, false},
#define HIDES(name)      {SYS_##name, #name, IPM_BYTES_HIDDEN, false},

static const struct ipm_call table[] = {
    /* clang-format off */
    COPIES(read) COPIES(write) COPIES(readv) COPIES(writev)
    COPIES(pread64) COPIES(pwrite64) COPIES(preadv) COPIES(pwritev)
    COPIES(preadv2) COPIES(pwritev2)
    COPIES(sendto) COPIES(recvfrom) COPIES(sendmsg) COPIES(recvmsg)
    COPIES(process_vm_readv) COPIES(process_vm_writev)
    COPIES(mq_timedreceive) COPIES_ALL(mq_timedsend)
    COPIES(msgrcv) COPIES_ALL(msgsnd)
    SPLICES(vmsplice) SPLICES(splice) SPLICES(tee) SPLICES(sendfile)
    /* The first two return messages, not bytes; a ring's entries never pass by. */
    HIDES(sendmmsg) HIDES(recvmmsg)
#ifdef SYS_io_uring_enter
    HIDES(io_uring_enter)
#endif
    PLAIN(futex) PLAIN(sched_yield) PLAIN(ppoll) PLAIN(pselect6)
    PLAIN(epoll_pwait) PLAIN(epoll_ctl)
#ifdef SYS_poll
    PLAIN(poll) PLAIN(select) PLAIN(epoll_wait)
#endif
    PLAIN(clock_gettime) PLAIN(clock_nanosleep) PLAIN(nanosleep) PLAIN(gettimeofday)
    PLAIN(semop) PLAIN(semtimedop)
    PLAIN(rt_sigtimedwait) PLAIN(rt_sigqueueinfo) PLAIN(rt_tgsigqueueinfo)
    PLAIN(rt_sigreturn) PLAIN(rt_sigprocmask) PLAIN(rt_sigaction)
    PLAIN(kill) PLAIN(tkill) PLAIN(tgkill)
    PLAIN(mmap) PLAIN(munmap) PLAIN(mremap) PLAIN(mprotect) PLAIN(madvise) PLAIN(brk)
    PLAIN(memfd_create) PLAIN(ftruncate) PLAIN(fallocate)
    PLAIN(openat) PLAIN(close) PLAIN(dup) PLAIN(fcntl) PLAIN(ioctl) PLAIN(lseek)
    PLAIN(fstat) PLAIN(newfstatat) PLAIN(shutdown) PLAIN(socket) PLAIN(connect) PLAIN(accept4)
    PLAIN(setsockopt) PLAIN(getsockopt)
    PLAIN(getpid) PLAIN(getppid) PLAIN(gettid) PLAIN(getrusage) PLAIN(getrandom)
    PLAIN(sched_getaffinity) PLAIN(getcpu) PLAIN(membarrier)
#ifdef SYS_io_uring_register
    PLAIN(io_uring_register)
#endif
    /* clang-format on */
};

const struct ipm_call *ipm_call_find(long number)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].number == number)
            return &table[i];
    }
    return NULL;
}

const char *ipm_call_name(long number, char text[IPM_CALL_NAME])
{
    const struct ipm_call *call = ipm_call_find(number);
    if (call != NULL)
        return call->name;
    (void)snprintf(text, IPM_CALL_NAME, "number_%ld", number);
    return text;
}

uint64_t ipm_call_moved(const struct ipm_call *call, uint64_t length, int64_t result)
{
    if (call == NULL || result < 0 ||
        (call->bytes != IPM_BYTES_COPIED && call->bytes != IPM_BYTES_SPLICED))
        return 0;
    return call->by_argument ? length : (uint64_t)result;
}

bool ipm_call_in_vain(long number, int64_t result)
{
    if (number == SYS_sched_yield)
        return true;
    if (result >= 0)
        return false;
    int64_t error = -result;
    return error == EAGAIN || error == ETIMEDOUT || error == ENOMSG || error == EINTR ||
           (error >= RESTART_FIRST && error <= RESTART_LAST);
}

void ipm_calls_enter(struct ipm_calls *calls, long number)
{
    const struct ipm_call *call = ipm_call_find(number);
    calls->calls++;
    if (number >= 0 && number < IPM_CALL_NUMBERS)
        calls->by_number[number]++;
    if (call != NULL && call->bytes == IPM_BYTES_HIDDEN)
        calls->hidden++;
}

void ipm_calls_leave(struct ipm_calls *calls, long number, uint64_t length,
                     int64_t result)
{
    const struct ipm_call *call = ipm_call_find(number);
    uint64_t bytes = ipm_call_moved(call, length, result);
    if (call != NULL && call->bytes == IPM_BYTES_SPLICED)
        calls->spliced += bytes;
    else
        calls->copied += bytes;
    if (ipm_call_in_vain(number, result))
        calls->in_vain++;
}

long ipm_calls_rank(const struct ipm_calls *calls, int nth)
{
    for (long number = 0; number < IPM_CALL_NUMBERS; number++) {
        int before = 0;
        uint64_t own = calls->by_number[number];
        for (long other = 0; own > 0 && other < IPM_CALL_NUMBERS; other++) {
            uint64_t count = calls->by_number[other];
            before += count > own || (count == own && other < number);
        }
        if (own > 0 && before == nth)
            return number;
    }
    return -1;
}
