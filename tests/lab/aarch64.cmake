# SPDX-License-Identifier: MIT
set(machine aarch64)
set(world arm64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
