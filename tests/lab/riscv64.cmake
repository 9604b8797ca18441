# SPDX-License-Identifier: MIT
set(machine riscv64)
set(world riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
