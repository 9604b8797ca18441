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
