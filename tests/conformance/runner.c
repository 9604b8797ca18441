/* SPDX-License-Identifier: MIT */
#include "tests/conformance/runner.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { OUTPUT = 16384 };

struct output {
    char text[OUTPUT];
    size_t length;
};

/* In the child.  By exit(), so that a leak checker has its say. */
static _Noreturn void child(int (*body)(void *context), void *context, int output)
{
    (void)ipm_die_with_parent(NULL);
    (void)setpgid(0, 0);
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(IPM_BODY_FAILED);
    /* The suite compares descriptors: this one would be one too many. */
    (void)close(output);
    int result = body(context);
    (void)fflush(NULL);
    exit(result);
}

/* Takes what is there; beyond the room it is read and forgotten. */
static void drain(int fd, struct output *output)
{
    for (;;) {
        char more[4096];
        ssize_t got = read(fd, more, sizeof(more));
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return;
        size_t room = OUTPUT - 1 - output->length;
        size_t taken = got < 0 ? 0 : (size_t)got < room ? (size_t)got : room;
        memcpy(output->text + output->length, more, taken);
        output->length += taken;
    }
}

/* Reads until the child has ended; false: the time was up first. */
static bool follow(int pidfd, int fd, int64_t deadline_ns, struct output *output)
{
    for (;;) {
        struct pollfd entries[] = {{.fd = pidfd, .events = POLLIN},
                                   {.fd = fd, .events = POLLIN}};
        int ready = poll(entries, 2, ipm_poll_timeout_ms(deadline_ns));
        if (ready < 0 && errno != EINTR)
            abort();
        if (ready > 0 && entries[1].revents != 0)
            drain(fd, output);
        if (ready > 0 && entries[0].revents != 0)
            return true;
        if (ready == 0 && ipm_now_ns() >= deadline_ns)
            return false;
    }
}

/* @line behind @prefix, when it has it. */
static bool strip(char **line, const char *prefix)
{
    bool has = strncmp(*line, prefix, strlen(prefix)) == 0;
    if (has)
        *line += strlen(prefix);
    return has;
}

/* What a line of cmocka's says to a reader; NULL: nothing. */
static const char *meaning(char *line)
{
    bool error = strip(&line, "[  ERROR   ] --- ");
    if (strip(&line, "[   LINE   ] --- ")) {
        char *end = strstr(line, ": error:");
        if (end != NULL)
            *end = '\0';
        return line;
    }
    if (strip(&line, "ERROR: ") || strip(&line, "skipped: ") || error)
        return line;
    if (line[0] == '[' || line[0] == '\0' || strstr(line, " TEST(S)") != NULL)
        return NULL;
    return line;
}

static void append(struct ipm_outcome *outcome, const char *text)
{
    size_t used = strlen(outcome->text);
    (void)snprintf(outcome->text + used, sizeof(outcome->text) - used, "%s%s",
                   used > 0 ? "; " : "", text);
}

/* One line of printable text, whatever a plug-in wrote. */
static void summarise(struct output *output, struct ipm_outcome *outcome)
{
    char *rest = NULL;
    output->text[output->length] = '\0';
    for (size_t i = 0; i < output->length; i++) {
        unsigned char byte = (unsigned char)output->text[i];
        if (byte != '\n' && (byte < ' ' || byte == 0x7f))
            output->text[i] = '?';
    }
    for (char *line = strtok_r(output->text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *text = meaning(line);
        if (text != NULL)
            append(outcome, text);
    }
}

void ipm_run_body(int (*body)(void *context), void *context, int limit_seconds,
                  struct ipm_outcome *out_outcome)
{
    static struct output output;
    int ends[2];
    int64_t begun_ns = ipm_now_ns();
    output.length = 0;
    *out_outcome = (struct ipm_outcome){.verdict = IPM_PASS};
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    ipm_auto_fd int input = ends[0];
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        (void)close(ipm_steal_fd(&input));
        child(body, context, ends[1]);
    }
    (void)close(ends[1]);
    (void)setpgid(pid, pid);
    (void)fcntl(input, F_SETFL, O_NONBLOCK);
    ipm_auto_fd int pidfd = ipm_pidfd_open(pid, NULL);
    if (pidfd < 0)
        abort();
    int64_t limit_ns = limit_seconds * IPM_NS_PER_SECOND;
    bool ended = follow(pidfd, input, begun_ns + limit_ns, &output);
    /* Not reaped yet, so that the number is still the group's. */
    (void)kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    drain(input, &output);
    out_outcome->elapsed_ns = ipm_now_ns() - begun_ns;

    char how[IPM_STATUS_TEXT];
    char text[IPM_STATUS_TEXT + 64];
    bool exited = ended && WIFEXITED(status);
    int code = exited ? WEXITSTATUS(status) : -1;
    out_outcome->verdict = code == 0                  ? IPM_PASS
                           : code == IPM_BODY_SKIPPED ? IPM_SKIP
                                                      : IPM_FAIL;
    if (!ended) {
        (void)snprintf(text, sizeof(text), "did not end within %d s", limit_seconds);
        append(out_outcome, text);
    } else if (code != 0 && code != IPM_BODY_FAILED && code != IPM_BODY_SKIPPED) {
        (void)snprintf(text, sizeof(text), "the case ended early: %s",
                       ipm_status_text(status, how));
        append(out_outcome, text);
    }
    summarise(&output, out_outcome);
}
