/* SPDX-License-Identifier: MIT */
#include "harness/worker/describe_machine.h"

#include "base/process.h"
#include "harness/worker/memory_node.h"
#include "harness/worker/role_settle.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/utsname.h>

static json_t *reason(int error, const struct ipm_why *why)
{
    return error >= 0 ? json_null()
                      : json_sprintf("%s: %s", ipm_why_class(error), why->text);
}

json_t *ipm_describe_policies(void)
{
    json_t *list = json_array();
    for (int policy = 0; ipm_policy_names[policy] != NULL; policy++) {
        struct ipm_why why = {.error = 0, .text = ""};
        struct sched_param none = {.sched_priority = 0};
        int error = ipm_role_set_policy((enum ipm_policy)policy, &why);
        (void)sched_setscheduler(0, SCHED_OTHER, &none);
        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:o}", "name", ipm_policy_names[policy],
                            "available", error == 0, "reason", reason(error, &why)));
    }
    return list;
}

json_t *ipm_describe_memory_nodes(void)
{
    struct ipm_why why = {.error = 0, .text = ""};
    unsigned char nodes[IPM_NODE_NUMBERS / 8];
    int n = ipm_memory_nodes(nodes, &why);
    json_t *list = json_array();
    for (int node = 0; node < IPM_NODE_NUMBERS && n > 0; node++) {
        if ((nodes[node / 8] >> node % 8 & 1) != 0)
            (void)json_array_append_new(list, json_integer(node));
    }
    return json_pack("{s:b, s:o, s:o}", "available", n > 0, "reason", reason(n, &why),
                     "nodes", list);
}

json_t *ipm_describe_kernel(void)
{
    struct utsname name;
    char boot[64] = "";
    char hash[IPM_HASH_TEXT];
    if (uname(&name) != 0)
        return json_null();
    bool known =
        ipm_read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) == 0;
    ipm_hash_text(boot, strlen(boot), hash);
    return json_pack("{s:s, s:s, s:o}", "architecture", name.machine, "kernel",
                     name.release, "boot", known ? json_string(hash) : json_null());
}
