# SPDX-License-Identifier: MIT
# Compiler settings, as one interface target that everything links.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_compile_definitions(IPM_VERSION="${PROJECT_VERSION}")
# Assertions are for our own bugs, and on in every build.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()
option(IPM_WERROR "Treat compiler warnings as errors" OFF)
set(IPM_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")

add_library(ipm_settings INTERFACE)
target_include_directories(ipm_settings INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(ipm_settings INTERFACE _GNU_SOURCE)
target_compile_options(ipm_settings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wvla
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -fno-omit-frame-pointer $<$<BOOL:${IPM_WERROR}>:-Werror>)
# The build id names a build in every record: the linker hashes what it links.
target_link_options(ipm_settings INTERFACE -Wl,--build-id=sha1)
if(IPM_SANITIZE)
  target_compile_options(ipm_settings INTERFACE
    -fsanitize=${IPM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ipm_settings INTERFACE -fsanitize=${IPM_SANITIZE})
endif()
