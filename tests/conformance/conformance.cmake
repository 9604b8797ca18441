# SPDX-License-Identifier: MIT
# One suite, run for each mechanism of list.def and for the plug-in that is the manual.
set(here ${CMAKE_CURRENT_LIST_DIR})
add_executable(test_mechanism
  ${here}/test_mechanism.c ${here}/cases_transfer.c ${here}/cases_queue.c
  ${here}/cases_deadline.c ${here}/cases_death.c ${here}/cases_life.c ${here}/cases_promise.c ${here}/harness.c ${here}/traffic.c ${here}/leftovers.c
  ${here}/syscalls.c ${here}/allocations.c)
target_link_libraries(test_mechanism PRIVATE ipm_mechanisms ipm_base ipm_cmocka)
# A plug-in finds what it uses in the executable that loads it, as in the worker.
set_target_properties(test_mechanism PROPERTIES ENABLE_EXPORTS ON)
target_link_options(test_mechanism PRIVATE
  -Wl,--whole-archive $<TARGET_FILE:ipm_base> $<TARGET_FILE:ipm_mechanisms>
  -Wl,--no-whole-archive)

foreach(name IN LISTS IPM_MECHANISM_NAMES)
  ipm_test(conformance.${name} 300 conformance $<TARGET_FILE:test_mechanism> ${name})
endforeach()
ipm_test(conformance.skeleton 300 conformance
  $<TARGET_FILE:test_mechanism> skeleton --plugin $<TARGET_FILE:skeleton>)

# Both ends as threads of one process: what the thread sanitizer can follow.
add_executable(test_threads ${here}/test_threads.c ${here}/harness.c ${here}/traffic.c
  ${here}/allocations.c)
target_link_libraries(test_threads PRIVATE ipm_mechanisms ipm_base ipm_cmocka)
target_link_options(test_threads PRIVATE -Wl,--wrap=ipm_region_map,--wrap=ipm_region_fini)
foreach(name shm_ring shm_pipe_token futex)
  ipm_test(threads.${name} 300 threads $<TARGET_FILE:test_threads> ${name})
endforeach()

# Counts system calls, which is the suite's to know.
target_sources(unit_fdio PRIVATE ${here}/syscalls.c)
