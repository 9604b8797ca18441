#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How often the intervals of the energy model hold the truth: the windows of real invocations
# (tests/fixtures/energy) under the simulated meter, whose noise is drawn SEEDS times again.
#     SEEDS=500 tests/bench/energy_model.sh
set -euo pipefail
IPM_ENERGY_SEEDS=${SEEDS:-500} "${IPM_BIN:-build/release/bin}/unit_energy_model" |
    grep -E 'inside its interval|rejected'
