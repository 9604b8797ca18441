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
ipm_optional(gsl gsl "reports have medians but no intervals")
ipm_optional(cmocka cmocka "no tests can be built")
