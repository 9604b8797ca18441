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
