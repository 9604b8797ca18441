# SPDX-License-Identifier: GPL-3.0-or-later
# Versions of the optional libraries as this build finds them, for the manifest: "" where
# there is none.

# ipm_version(TARGET NAME PACKAGE): IPM_VERSION_NAME, from pkg-config.
function(ipm_version target name package)
  pkg_check_modules(IPM_FOUND_${name} QUIET ${package})
  target_compile_definitions(${target} PRIVATE
    IPM_VERSION_${name}="${IPM_FOUND_${name}_VERSION}")
endfunction()

# libpfm4 has no file for pkg-config; its header says "(4 << 16 | 0)".
function(ipm_version_libpfm4 target)
  set(version "")
  find_path(IPM_PFM_FOLDER perfmon/pfmlib.h)
  mark_as_advanced(IPM_PFM_FOLDER)
  if(IPM_PFM_FOLDER)
    file(STRINGS ${IPM_PFM_FOLDER}/perfmon/pfmlib.h line REGEX "define[ \t]+LIBPFM_VERSION")
    if(line MATCHES "([0-9]+)[ ]*<<[ ]*16[ ]*[|][ ]*([0-9]+)")
      set(version "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    endif()
  endif()
  target_compile_definitions(${target} PRIVATE IPM_VERSION_LIBPFM4="${version}")
endfunction()

function(ipm_versions target)
  ipm_version(${target} GSL gsl)
  ipm_version(${target} HWLOC hwloc)
  ipm_version(${target} PAPI papi)
  ipm_version(${target} URING liburing)
  ipm_version(${target} ZEROMQ libzmq)
  ipm_version(${target} SDBUS libsystemd)
  ipm_version_libpfm4(${target})
endfunction()
