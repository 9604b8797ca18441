# SPDX-License-Identifier: MIT
# What the chaos scripts load and run: a plug-in that misbehaves, a seccomp jail.
add_library(faulty MODULE ${CMAKE_CURRENT_LIST_DIR}/../support/faulty.c)
target_link_libraries(faulty PRIVATE ipm_settings)
set_target_properties(faulty PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_executable(jail ${CMAKE_CURRENT_LIST_DIR}/../support/jail.c)
target_link_libraries(jail PRIVATE ipm_settings)
set_target_properties(jail PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# For tests/cli/planted.sh.
add_library(scripted MODULE ${CMAKE_CURRENT_LIST_DIR}/../support/scripted.c)
target_link_libraries(scripted PRIVATE ipm_settings)
set_target_properties(scripted PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
