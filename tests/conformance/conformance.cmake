# SPDX-License-Identifier: MIT
# One suite (ipcmeter-conform), run for each mechanism of list.def and for the plug-in that
# is the manual.
set(here ${CMAKE_CURRENT_LIST_DIR})
# ipm_conformance(TEST TIMEOUT LABEL ARGUMENTS...): 12 says that it is not available here.
function(ipm_conformance test timeout label)
  ipm_test(${test} ${timeout} ${label} $<TARGET_FILE:ipcmeter-conform> ${ARGN})
  set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 12)
endfunction()

# Each runs for every pair of values of its options, hence the time limit.
option(IPM_FULL_CONFORMANCE "Also test every combination of every mechanism's options" OFF)
foreach(name IN LISTS IPM_MECHANISM_NAMES)
  ipm_conformance(conformance.${name} 900 conformance ${name})
  if(IPM_FULL_CONFORMANCE)
    ipm_conformance(full.${name} 7200 full ${name} --full)
  endif()
endforeach()
# Both fill the one queue of pending signals that a user has.
set_tests_properties(conformance.rt_signal conformance.signalfd
  PROPERTIES RESOURCE_LOCK pending_signals)
ipm_conformance(conformance.skeleton 900 conformance
  skeleton --plugin $<TARGET_FILE:skeleton>)

# The choice of combinations is arithmetic: a unit test.
target_sources(unit_cover PRIVATE ${here}/cover.c)

# Both ends as threads of one process: what the thread sanitizer can follow.
add_executable(test_threads ${here}/test_threads.c ${here}/cover.c
  ${here}/harness.c ${here}/traffic.c ${here}/allocations.c ${here}/leftovers.c)
target_link_libraries(test_threads PRIVATE ipm_mechanisms ipm_base ipm_cmocka)
target_link_options(test_threads PRIVATE
  -Wl,--wrap=ipm_region_map,--wrap=ipm_region_fini
  -Wl,--wrap=ipm_backing_map,--wrap=ipm_backing_unmap)
foreach(name shm_pipe_token shm_broadcast futex posix_sem mutex_cond wait)
  ipm_test(threads.${name} 300 threads $<TARGET_FILE:test_threads> ${name})
endforeach()
# Which memory is shared and how it is copied is nothing to the sanitizer.
ipm_test(threads.shm_ring 600 threads
  $<TARGET_FILE:test_threads> shm_ring backing=memfd copy=memcpy)

# Counts system calls, which is the suite's to know.
target_sources(unit_fdio PRIVATE ${here}/syscalls.c)
