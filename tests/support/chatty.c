/* SPDX-License-Identifier: MIT */
/*
 * chatty: a library put before libc whose write() makes one system call more, getppid(), when
 * IPM_CHATTY is "more": what a gate of counts must find, and nothing to find without the word.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *bytes, size_t length)
{
    const char *word = getenv("IPM_CHATTY");
    if (word != NULL && strcmp(word, "more") == 0)
        (void)syscall(SYS_getppid);
    return syscall(SYS_write, fd, bytes, length);
}
