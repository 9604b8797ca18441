/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gnuplot.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_NS (60 * IPM_NS_PER_SECOND)

enum { MESSAGES = 1 << 16 /* of gnuplot's; no run of ours comes near */ };

void ipm_gnuplot_string(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        /* Doubled it would stand for itself, but not as the first: there gnuplot takes two
         * for an empty string.  As what it is in print it is nothing special. */
        if (byte == '\'')
            (void)fputs("\xe2\x80\x99", out);
        else
            (void)fputc(byte < ' ' || byte == 0x7f ? ' ' : byte, out);
    }
    (void)fputc('\'', out);
}

void ipm_gnuplot_column(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        /* In data a quote ends the column and a backslash starts an escape; neither can
         * be escaped itself. */
        if (byte == '"')
            byte = '\'';
        else if (byte == '\\')
            byte = '/';
        (void)fputc(byte < ' ' || byte == 0x7f ? ' ' : byte, out);
    }
    (void)fputc('"', out);
}

/* Forks gnuplot with its messages in an unnamed file: it can never block on us. */
static int start(const char *directory, const char *script, int messages,
                 pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return -error;
    char *const arguments[] = {"gnuplot", "-d", (char *)script, NULL};
    error = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                                 O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, messages, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    if (error == 0)
        error = posix_spawnp(out_pid, "gnuplot", &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* First line of what gnuplot said that is more than blanks and carets. */
static int complain(int messages, int status, struct ipm_why *why)
{
    char line[160] = "";
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    if (lseek(messages, 0, SEEK_SET) == 0 &&
        ipm_read_all(messages, MESSAGES, &text, &length) == 0) {
        const char *first = text + strspn(text, " ^\n\t");
        (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(first, "\n"), first);
    }
    char ended[IPM_STATUS_TEXT];
    return ipm_why_set(why, -EIO, "gnuplot %s%s%s", ipm_status_text(status, ended),
                       line[0] == '\0' ? "" : ", saying: ", line);
}

int ipm_gnuplot_run(const char *directory, const char *script, struct ipm_why *why)
{
    ipm_auto_fd int messages = memfd_create("gnuplot messages", MFD_CLOEXEC);
    if (messages < 0)
        return ipm_why_set(why, -errno, "memfd_create: ");
    pid_t pid;
    int error = start(directory, script, messages, &pid);
    /* EACCES: a folder of the search path that we may not look into, and none has it. */
    if ((error == -ENOENT || error == -EACCES) && access(directory, X_OK) == 0)
        return IPM_GNUPLOT_ABSENT;
    if (error != 0)
        return ipm_why_set(why, error, "start gnuplot: ");

    int status = 0;
    ipm_auto_fd int pidfd = ipm_pidfd_open(pid, why);
    int waited = pidfd < 0
                     ? pidfd
                     : ipm_wait_until(pid, pidfd, ipm_now_ns() + PATIENCE_NS, &status);
    if (waited != 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        if (waited > 0)
            return ipm_why_set(why, -ETIMEDOUT, "gnuplot took too long and was killed");
        return pidfd < 0 ? waited : ipm_why_set(why, waited, "wait for gnuplot: ");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return complain(messages, status, why);
    return 0;
}
