/* SPDX-License-Identifier: MIT */
#include "harness/worker/sandbox.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void lose(struct ipm_sandbox *sandbox,
                                                       const char *format, ...)
{
    if (sandbox->n_losses == IPM_SANDBOX_LOSSES)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sandbox->losses[sandbox->n_losses++], sizeof(sandbox->losses[0]),
                    format, arguments);
    va_end(arguments);
}

static int write_text(const char *path, const char *text)
{
    ipm_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* In one piece and on a fresh descriptor: the kernel ignores, without an error, a
     * sysctl that is written anywhere but at offset 0. */
    ssize_t written = write(fd, text, strlen(text));
    return written < 0 ? -errno : 0;
}

/* Without a mapping the kernel refuses to create queues and files in a user namespace. */
static void map_user(struct ipm_sandbox *sandbox, uid_t uid, gid_t gid)
{
    char text[64];
    int error = write_text("/proc/self/setgroups", "deny");
    (void)snprintf(text, sizeof(text), "0 %u 1", uid);
    if (error == 0)
        error = write_text("/proc/self/uid_map", text);
    (void)snprintf(text, sizeof(text), "0 %u 1", gid);
    if (error == 0)
        error = write_text("/proc/self/gid_map", text);
    if (error != 0)
        lose(sandbox, "user namespace without a mapping: %s", strerror(-error));
}

void ipm_sandbox_unshare(struct ipm_sandbox *sandbox, bool wanted)
{
    struct {
        int flag;
        const char *name;
        bool *got;
    } spaces[] = {
        {CLONE_NEWIPC, "IPC", &sandbox->ipc},
        {CLONE_NEWNET, "network", &sandbox->net},
        {CLONE_NEWNS, "mount", &sandbox->mount},
        {CLONE_NEWPID, "PID", &sandbox->pid},
    };
    memset(sandbox, 0, sizeof(*sandbox));
    if (!wanted) {
        lose(sandbox, "no sandbox: switched off");
        return;
    }
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (uid != 0) {
        sandbox->user = unshare(CLONE_NEWUSER) == 0;
        if (!sandbox->user)
            lose(sandbox, "no private user namespace: %s", strerror(errno));
        else
            map_user(sandbox, uid, gid);
    }
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        *spaces[i].got = unshare(spaces[i].flag) == 0;
        if (!*spaces[i].got)
            lose(sandbox, "no private %s namespace: %s", spaces[i].name,
                 strerror(errno));
    }
}

static void mount_tmpfs(struct ipm_sandbox *sandbox)
{
    static const char directory[] = "/dev/shm";
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        lose(sandbox, "no private tmpfs: make mounts private: %s", strerror(errno));
        return;
    }
    if (mount("ipcmeter", directory, "tmpfs", flags, "mode=0700,huge=always") == 0) {
        sandbox->tmpfs = "huge";
    } else if (mount("ipcmeter", directory, "tmpfs", flags, "mode=0700") == 0) {
        sandbox->tmpfs = "plain";
        lose(sandbox, "private tmpfs without huge pages");
    } else {
        lose(sandbox, "no private tmpfs: %s", strerror(errno));
        return;
    }
    (void)snprintf(sandbox->directory, sizeof(sandbox->directory), "%s", directory);
}

static void raise_loopback(struct ipm_sandbox *sandbox)
{
    ipm_auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        lose(sandbox, "loopback is down: %s", strerror(errno));
        return;
    }
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        lose(sandbox, "loopback is down: %s", strerror(errno));
}

static void raise_limit(struct ipm_sandbox *sandbox, const char *name, const char *path,
                        const char *wanted)
{
    char text[32];
    int64_t value = 0;
    int error = write_text(path, wanted);
    int unread = ipm_read_file(path, text, sizeof(text));
    if (unread == -ENOENT)
        return; /* a kernel without this family has no limit to raise */
    if (error != 0)
        lose(sandbox, "%s not raised: %s", name, strerror(-error));
    if (unread != 0 || ipm_parse_integer(text, &value, NULL) != 0 ||
        sandbox->n_limits == IPM_SANDBOX_LIMITS)
        return;
    sandbox->limits[sandbox->n_limits].name = name;
    sandbox->limits[sandbox->n_limits].value = value;
    sandbox->n_limits++;
}

void ipm_sandbox_settle(struct ipm_sandbox *sandbox)
{
    if (sandbox->mount)
        mount_tmpfs(sandbox);
    if (sandbox->net) {
        raise_loopback(sandbox);
        raise_limit(sandbox, "net.unix.max_dgram_qlen",
                    "/proc/sys/net/unix/max_dgram_qlen", "1024");
    }
    if (sandbox->ipc) {
        raise_limit(sandbox, "fs.mqueue.msg_max", "/proc/sys/fs/mqueue/msg_max",
                    "65536");
        raise_limit(sandbox, "fs.mqueue.msgsize_max", "/proc/sys/fs/mqueue/msgsize_max",
                    "16777216");
        raise_limit(sandbox, "kernel.msgmax", "/proc/sys/kernel/msgmax", "16777216");
        raise_limit(sandbox, "kernel.msgmnb", "/proc/sys/kernel/msgmnb", "67108864");
    }
}

json_t *ipm_sandbox_json(const struct ipm_sandbox *sandbox)
{
    json_t *limits = json_object();
    json_t *losses = json_array();
    for (int i = 0; i < sandbox->n_limits; i++)
        (void)json_object_set_new(limits, sandbox->limits[i].name,
                                  json_integer(sandbox->limits[i].value));
    for (int i = 0; i < sandbox->n_losses; i++)
        (void)json_array_append_new(losses, json_string(sandbox->losses[i]));
    json_t *json = json_pack("{s:{s:b,s:b,s:b,s:b,s:b}}", "namespaces", "pid",
                             sandbox->pid, "ipc", sandbox->ipc, "net", sandbox->net,
                             "mount", sandbox->mount, "user", sandbox->user);
    (void)json_object_set_new(json, "tmpfs",
                              sandbox->tmpfs == NULL ? json_null()
                                                     : json_string(sandbox->tmpfs));
    (void)json_object_set_new(json, "limits", limits);
    (void)json_object_set_new(json, "losses", losses);
    return json;
}
