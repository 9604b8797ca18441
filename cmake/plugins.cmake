# SPDX-License-Identifier: MIT
# ipm_plugins(FILE MACRO OUT): the names in a list.def, which C reads too.

function(ipm_plugins file macro out)
  file(STRINGS ${file} lines REGEX "^${macro}\\([a-z0-9_]+\\)")
  set(names)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^${macro}\\(([a-z0-9_]+)\\).*" "\\1" name "${line}")
    list(APPEND names ${name})
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${out} ${names} PARENT_SCOPE)
endfunction()

# ipm_modules(FILE OUT): the names of the mechanisms in a modules.def.
function(ipm_modules file out)
  file(READ ${file} text)
  string(REGEX MATCHALL "IPM_MODULE\\([a-z0-9_]+, [a-z0-9_]+, \"" rows "${text}")
  list(TRANSFORM rows REPLACE ".*, ([a-z0-9_]+), \"" "\\1")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(${out} ${rows} PARENT_SCOPE)
endfunction()

# ipm_module(OBJECT TARGET SOURCES...): TARGET is the library to link with.
function(ipm_module object target)
  if(NOT TARGET ${target})
    message(STATUS "module ${object} is not built: its library was not found")
    return()
  endif()
  add_library(module_${object} MODULE ${ARGN})
  target_link_libraries(module_${object} PRIVATE ipm_settings ${target})
  set_target_properties(module_${object} PROPERTIES PREFIX "" OUTPUT_NAME ${object}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}/ipcmeter)
  install(TARGETS module_${object} DESTINATION ${CMAKE_INSTALL_LIBDIR}/ipcmeter)
endfunction()

# ipm_library(TARGET HEADER LIBRARY [FOLDER]): for libraries that pkg-config does not know.
function(ipm_library target header library)
  string(TOUPPER ${target} prefix)
  find_path(${prefix}_HEADER ${header} PATH_SUFFIXES ${ARGN})
  find_library(${prefix}_LIBRARY ${library})
  mark_as_advanced(${prefix}_HEADER ${prefix}_LIBRARY)
  if(${prefix}_HEADER AND ${prefix}_LIBRARY)
    add_library(${target} INTERFACE IMPORTED)
    target_include_directories(${target} SYSTEM INTERFACE ${${prefix}_HEADER})
    target_link_libraries(${target} INTERFACE ${${prefix}_LIBRARY})
  endif()
endfunction()
