/* SPDX-License-Identifier: MIT */
/*
 * init: the first and only program of a guest.  It mounts what a worker needs, does the jobs
 * of /jobs one by one, and switches the guest off.
 *
 * A job is a line, `VERB ARGUMENT REST`:
 *
 *     write PATH TEXT        into a file of the kernel, in one piece
 *     show PATH              prints `show PATH TEXT`
 *     module PATH PARAMETERS loads a kernel module
 *     as UID                 who runs the workers from here on
 *     point JSON             a worker gets it and says its record
 *     describe JSON          a worker describes itself, given what is asked of its sensors
 *     run PROGRAM ARGUMENT   any other program, with at most one argument
 *
 * A worker's output stands between `>>> N` and `<<< N STATUS`, N being the number of the job;
 * a job that fails says `!!! N why`.  The last line is `lab: done`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LINE = 1 << 16 };

static const char worker[] = "/bin/ipcmeter-worker";

static uid_t user;

static void mount_all(void)
{
    static const struct {
        const char *type;
        const char *path;
    } mounts[] = {
        {"proc", "/proc"},
        {"sysfs", "/sys"},
        {"devtmpfs", "/dev"},
        {"tmpfs", "/tmp"},
        {"tmpfs", "/dev/shm"},
        {"mqueue", "/dev/mqueue"},
        {"tracefs", "/sys/kernel/tracing"},
    };
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        (void)mkdir(mounts[i].path, 0755);
        if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL) != 0)
            (void)printf("!!! 0 mount %s: %s\n", mounts[i].path, strerror(errno));
    }
    (void)chmod("/tmp", 01777);
    (void)chmod("/dev/shm", 01777);
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    (void)close(fd);
    return error;
}

static int show_file(const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    int error = got < 0 ? -errno : 0;
    (void)close(fd);
    if (error != 0)
        return error;
    text[got] = '\0';
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
    (void)printf("show %s %s\n", path, text);
    return 0;
}

static int load_module(const char *path, const char *parameters)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = syscall(SYS_finit_module, fd, parameters, 0) != 0 ? -errno : 0;
    (void)close(fd);
    return error;
}

/* @input goes to the program's stdin, in a file: a pipe would fill up before it reads. */
static int run(int number, const char *const argv[], const char *input)
{
    char path[] = "/tmp/input.XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)unlink(path);
    if (write(fd, input, strlen(input)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    (void)printf(">>> %d\n", number);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        if (dup2(fd, STDIN_FILENO) < 0 || setgid(user) != 0 || setuid(user) != 0)
            _exit(126);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(fd);
    (void)printf("\n<<< %d %d\n", number,
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

/* Cuts the first word off @line and returns what follows it. */
static char *rest(char *line)
{
    char *space = strchr(line, ' ');
    if (space == NULL)
        return line + strlen(line);
    *space = '\0';
    return space + 1;
}

static int do_job(int number, char *line)
{
    char *text = rest(line);
    if (strcmp(line, "point") == 0)
        return run(number, (const char *const[]){worker, NULL}, text);
    if (strcmp(line, "describe") == 0)
        return run(number,
                   (const char *const[]){worker, "--sensors",
                                         *text == '\0' ? "{}" : text, "describe", NULL},
                   "");
    if (strcmp(line, "show") == 0)
        return show_file(text);
    char *second = rest(text);
    if (strcmp(line, "write") == 0)
        return write_file(text, second);
    if (strcmp(line, "module") == 0)
        return load_module(text, second);
    if (strcmp(line, "run") == 0)
        return run(number,
                   (const char *const[]){text, *second == '\0' ? NULL : second, NULL},
                   "");
    if (strcmp(line, "as") == 0) {
        user = (uid_t)strtoul(text, NULL, 10);
        return 0;
    }
    return -ENOSYS;
}

int main(void)
{
    static char line[LINE];
    mount_all();
    FILE *jobs = fopen("/jobs", "re");
    if (jobs == NULL)
        (void)printf("!!! 0 /jobs: %s\n", strerror(errno));
    for (int number = 1; jobs != NULL && fgets(line, LINE, jobs) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        int error = do_job(number, line);
        if (error != 0)
            (void)printf("!!! %d %s: %s\n", number, line, strerror(-error));
        (void)fflush(stdout);
    }
    (void)puts("lab: done");
    (void)fflush(stdout);
    (void)tcdrain(STDOUT_FILENO);
    (void)reboot(RB_POWER_OFF);
    return 1;
}
