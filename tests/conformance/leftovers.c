/* SPDX-License-Identifier: MIT */
#include "tests/conformance/leftovers.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "tests/conformance/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES = 512, LINE = 600 /* a file name, twice, and a kind */ };

static const char *queue_directory = "/dev/mqueue";
static const char shm[] = "/dev/shm";
static bool isolated;

const char *ipm_isolated_directory(void)
{
    return isolated ? shm : "/tmp";
}

static bool write_text(const char *path, const char *text)
{
    ipm_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && ipm_write_all(fd, text, strlen(text)) == 0;
}

/* Root in a user namespace of our own; false when that is not allowed. */
static bool become_root(void)
{
    char map[64];
    unsigned user = getuid();
    unsigned group = getgid();
    if (unshare(CLONE_NEWUSER) != 0)
        return false;
    (void)snprintf(map, sizeof(map), "0 %u 1", user);
    bool mapped = write_text("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof(map), "0 %u 1", group);
    return mapped && write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/gid_map", map);
}

/* A new network namespace has its loopback down. */
static bool raise_loopback(void)
{
    ipm_auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return false;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

const char *ipm_isolate(void)
{
    if (geteuid() != 0 && !become_root())
        return "no user namespace";
    if (unshare(CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS) != 0)
        return "no private IPC, network and mount namespaces";
    const unsigned long flags = MS_NOSUID | MS_NODEV;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        (mount("tmpfs", shm, "tmpfs", flags, "mode=1777,huge=always") != 0 &&
         mount("tmpfs", shm, "tmpfs", flags, "mode=1777") != 0))
        return "no private /dev/shm";
    isolated = true;
    if (!raise_loopback())
        return "the loopback interface cannot be raised";
    /* The mount point lies in a private tmpfs: nothing of it is left outside. */
    queue_directory = "/dev/shm/mqueue";
    if (mkdir(queue_directory, 0700) != 0 ||
        mount("mqueue", queue_directory, "mqueue", 0, NULL) != 0)
        return "the message queue file system cannot be mounted";
    if (!write_text("/proc/sys/fs/mqueue/msg_max", "65536") ||
        !write_text("/proc/sys/fs/mqueue/msgsize_max", "16777216"))
        return "message queue limits cannot be raised";
    if (!write_text("/proc/sys/kernel/msgmax", "16777216") ||
        !write_text("/proc/sys/kernel/msgmnb", "67108864"))
        return "System V message limits cannot be raised";
    return NULL;
}

struct lines {
    char (*text)[LINE];
    size_t n;
};

static void add(struct lines *lines, const char *kind, const char *name)
{
    if (lines->n < LINES)
        (void)snprintf(lines->text[lines->n++], LINE, "%s %s", kind, name);
}

static void add_folder(struct lines *lines, const char *path, const char *only)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return; /* not mounted: nothing can be in it */
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && (only == NULL || strstr(entry->d_name, only)))
            add(lines, path, entry->d_name);
    }
    (void)closedir(folder);
}

static void add_descriptors(struct lines *lines)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        abort();
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char target[256] = "";
        char text[sizeof(entry->d_name) + sizeof(target) + 8];
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder))
            continue;
        (void)!readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        (void)snprintf(text, sizeof(text), "%s -> %s", entry->d_name, target);
        add(lines, "descriptor", text);
    }
    (void)closedir(folder);
}

/* Lines of a table in /proc whose column @column (from 0) holds something. */
static void add_table(struct lines *lines, const char *path, int column)
{
    ipm_auto_file FILE *file = fopen(path, "re");
    ipm_auto_free char *text = NULL;
    size_t room = 0;
    if (file == NULL)
        return; /* the kernel has no such thing, so none can be left */
    (void)!getline(&text, &room, file); /* headings */
    while (getline(&text, &room, file) > 0) {
        char *rest = NULL;
        char *field = strtok_r(text, " \t\n", &rest);
        for (int i = 0; i < column && field != NULL; i++)
            field = strtok_r(NULL, " \t\n", &rest);
        if (field != NULL)
            add(lines, path, field);
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

char *ipm_leftovers(void)
{
    struct lines lines = {.text = calloc(LINES, LINE)};
    if (lines.text == NULL)
        abort();
    /* Outside namespaces of our own only what carries our token can be told apart. */
    const char *only = isolated ? NULL : ipm_rig_prefix();
    add_descriptors(&lines);
    add_folder(&lines, shm, only);
    add_folder(&lines, "/tmp", ipm_rig_prefix());
    add_folder(&lines, queue_directory, only);
    if (isolated) {
        add_table(&lines, "/proc/sysvipc/msg", 1);
        add_table(&lines, "/proc/sysvipc/sem", 1);
        add_table(&lines, "/proc/sysvipc/shm", 1);
        add_table(&lines, "/proc/net/unix", 7);
    }
    qsort(lines.text, lines.n, LINE, compare);

    char *text = calloc(LINES, LINE + 1);
    if (text == NULL)
        abort();
    char *at = text;
    for (size_t i = 0; i < lines.n; i++) {
        at = stpcpy(at, lines.text[i]);
        *at++ = '\n';
    }
    free(lines.text);
    return text;
}
