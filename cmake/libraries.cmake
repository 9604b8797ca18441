# SPDX-License-Identifier: MIT
# Libraries.  Only jansson is a must; whatever else is missing is named, and the part that
# wants it says at run time why it is absent.

find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)

# ipm_optional(NAME PACKAGE WHAT): target ipm_NAME, defining IPM_HAVE_NAME as 0 or 1.
function(ipm_optional name package what)
  string(TOUPPER ${name} upper)
  pkg_check_modules(${upper} QUIET IMPORTED_TARGET ${package})
  add_library(ipm_${name} INTERFACE)
  if(${upper}_FOUND)
    target_compile_definitions(ipm_${name} INTERFACE IPM_HAVE_${upper}=1)
    target_link_libraries(ipm_${name} INTERFACE PkgConfig::${upper})
  else()
    target_compile_definitions(ipm_${name} INTERFACE IPM_HAVE_${upper}=0)
    message(STATUS "${package} not found: ${what}")
  endif()
endfunction()

ipm_optional(hwloc hwloc "placements are taken from the CPU numbers alone")
ipm_optional(gsl gsl>=2.5 "reports have medians but no intervals")
ipm_optional(cmocka cmocka "no tests can be built")

# libpfm4 has no pkg-config file, and is loaded by the worker when an event's name is looked
# up: linked, its tables' relocation would cost every exec 0.75 ms.  IPM_PFM=link is for
# workers that cannot load anything.
set(IPM_PFM "load" CACHE STRING "libpfm4 in the worker: load, link or off")
set_property(CACHE IPM_PFM PROPERTY STRINGS load link off)
find_path(PFM_INCLUDE perfmon/pfmlib_perf_event.h)
find_library(PFM_LIBRARY pfm)
add_library(ipm_pfm INTERFACE)
if(IPM_PFM STREQUAL "off" OR NOT PFM_INCLUDE OR (IPM_PFM STREQUAL "link" AND NOT PFM_LIBRARY))
  target_compile_definitions(ipm_pfm INTERFACE IPM_HAVE_PFM=0)
  message(STATUS "libpfm4 not used: --events takes no libpfm4 names")
else()
  target_compile_definitions(ipm_pfm INTERFACE IPM_HAVE_PFM=1)
  target_include_directories(ipm_pfm SYSTEM INTERFACE ${PFM_INCLUDE})
  if(IPM_PFM STREQUAL "link")
    target_compile_definitions(ipm_pfm INTERFACE IPM_PFM_LINKED=1)
    target_link_libraries(ipm_pfm INTERFACE ${PFM_LIBRARY})
  else()
    target_compile_definitions(ipm_pfm INTERFACE IPM_PFM_LINKED=0)
    target_link_libraries(ipm_pfm INTERFACE ${CMAKE_DL_LIBS})
  endif()
endif()
