# SPDX-License-Identifier: MIT
# Toolchain of the guests: Debian's cross compiler as it lies in the cache, and the guest's
# own libraries beside it.  Included by <architecture>.cmake, which sets `machine` (CMake's
# and GNU's name) and `world` (Debian's).
set(cache $ENV{IPM_LAB_CACHE})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${machine})
set(CMAKE_C_COMPILER ${cache}/host/usr/bin/${machine}-linux-gnu-gcc-12)
set(CMAKE_C_LIBRARY_ARCHITECTURE ${machine}-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE ${machine}-linux-gnu)

set(CMAKE_FIND_ROOT_PATH ${cache}/${world})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${cache}/${world})
set(ENV{PKG_CONFIG_LIBDIR} ${cache}/${world}/usr/lib/${machine}-linux-gnu/pkgconfig)

# The compiler's C library is older than the one the libraries were built for, and which the
# guest gets: what they want of it is there at run time.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--allow-shlib-undefined")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-Wl,--allow-shlib-undefined")
