/* SPDX-License-Identifier: MIT */
/* floor_null: two calls through function pointers, which every mechanism pays. */
#include "mechanisms/floor.h"
#include "mechanisms/mechanism.h"

const struct ipm_mechanism ipm_mechanism_floor_null = {
    .abi = IPM_PLUGIN_ABI,
    .name = "floor_null",
    .version = 1,
    .family = "floor",
    .summary = "null call: nothing but the two calls of a message",
    .capabilities = IPM_CAP_FLOOR | IPM_CAP_LOCAL,
    .modes = {[0] = {.supported = true, .facts = {.copies = 0}}},
    .default_copies = 0,
    .create = ipm_floor_create,
    .destroy = ipm_floor_destroy,
    .attach = ipm_floor_attach,
    .detach = ipm_floor_detach,
    .send_n = ipm_floor_send_n,
    .recv_n = ipm_floor_recv_n,
};
