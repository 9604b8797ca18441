/* SPDX-License-Identifier: MIT */
/* floor_syscall: one system call per message that does next to nothing. */
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

#include <sys/syscall.h>
#include <unistd.h>

static int floor_syscall_send_n(struct ipm_endpoint *endpoint,
                                const struct ipm_span *messages, size_t n,
                                int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)deadline_ns;
    /* Not getppid(): a C library may answer that from memory. */
    for (size_t i = 0; i < n; i++)
        (void)syscall(SYS_getppid);
    *out_n = n;
    return 0;
}

const struct ipm_mechanism ipm_mechanism_floor_syscall = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_syscall",
    .version = 1,
    .family = "floor",
    .summary = "null system call: getppid",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true, .facts = {.copies = 0, .system_calls = 1}}},
    .default_copies = 0,
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = floor_syscall_send_n,
    .recv_n = ipm_floor_recv_n,
};
