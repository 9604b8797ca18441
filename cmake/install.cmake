# SPDX-License-Identifier: MIT
# What is installed beside the programs: the headers that a plug-in includes, a pkg-config
# file that finds them, the configs and the documents.
set(include_root ${CMAKE_INSTALL_INCLUDEDIR}/ipcmeter)
foreach(header base/clock.h base/option.h base/region.h base/relax.h base/why.h
    mechanisms/mechanism.h mechanisms/wait.h)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${include_root}/${folder})
endforeach()

file(STRINGS mechanisms/mechanism.h line REGEX "IPM_PLUGIN_ABI = [0-9]+")
string(REGEX REPLACE ".*IPM_PLUGIN_ABI = ([0-9]+).*" "\\1" IPM_PLUGIN_ABI "${line}")
# By the place of the file itself, so that an installation may be moved.
file(RELATIVE_PATH IPM_PREFIX_FROM_PC
  /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(IPM_DOC_FROM_PREFIX ${CMAKE_INSTALL_DOCDIR})
configure_file(cmake/ipcmeter.pc.in ${CMAKE_BINARY_DIR}/ipcmeter.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ipcmeter.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/ipcmeter)
install(FILES README.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  PATTERN "*.1" EXCLUDE PATTERN "*.5" EXCLUDE PATTERN "*.bash" EXCLUDE)
install(FILES docs/ipcmeter.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/ipcmeter-config.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES docs/ipcmeter.bash RENAME ipcmeter
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES mechanisms/skeleton.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY LICENSES DESTINATION ${CMAKE_INSTALL_DOCDIR})
