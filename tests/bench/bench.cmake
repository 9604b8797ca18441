# SPDX-License-Identifier: MIT
# Benches that are programs; CTest runs none of them.
include(CheckLanguage)
check_language(CXX)
find_path(BOOST_LOCKFREE boost/lockfree/spsc_queue.hpp)
mark_as_advanced(BOOST_LOCKFREE)
if(CMAKE_CXX_COMPILER AND BOOST_LOCKFREE)
  enable_language(CXX)
  add_executable(bench_ring ${CMAKE_CURRENT_LIST_DIR}/ring.c
    ${CMAKE_CURRENT_LIST_DIR}/boost_queue.cpp)
  set_target_properties(bench_ring PROPERTIES CXX_STANDARD 17)
  set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/boost_queue.cpp PROPERTIES
    COMPILE_OPTIONS "-O2")
  target_link_libraries(bench_ring PRIVATE ipm_mechanisms ipm_base m)
else()
  message(STATUS "no C++ compiler or no Boost.Lockfree: bench_ring is not built")
endif()
