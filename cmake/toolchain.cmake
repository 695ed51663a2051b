# Builds with the host's g++ against the private prefix of newer Debian packages.
#
# The compiler is the machine's own; headers, C library and libraries come from the prefix, and so does the dynamic
# loader of every program built. RPATH (not RUNPATH) keeps transitive libraries inside the prefix.
# Input: SIROCCO_PREFIX, as a cache variable or an environment variable; default: the cache folder of the user.
if(NOT SIROCCO_PREFIX)
  if(DEFINED ENV{SIROCCO_PREFIX})
    set(SIROCCO_PREFIX "$ENV{SIROCCO_PREFIX}")
  elseif(DEFINED ENV{SIROCCO_CACHE})
    set(SIROCCO_PREFIX "$ENV{SIROCCO_CACHE}/prefix")
  else()
    set(SIROCCO_PREFIX "$ENV{HOME}/.cache/sirocco/prefix")
  endif()
endif()
set(SIROCCO_PREFIX "${SIROCCO_PREFIX}" CACHE PATH "Private dependency prefix")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIROCCO_PREFIX)

set(CMAKE_C_COMPILER gcc)
set(CMAKE_CXX_COMPILER g++)
set(CMAKE_SYSROOT "${SIROCCO_PREFIX}")
set(CMAKE_FIND_ROOT_PATH "${SIROCCO_PREFIX}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE x86_64-linux-gnu)

set(SIROCCO_LIB_DIR "${SIROCCO_PREFIX}/usr/lib/x86_64-linux-gnu")
set(CMAKE_C_FLAGS_INIT "-B${SIROCCO_LIB_DIR}")
set(CMAKE_CXX_FLAGS_INIT "-B${SIROCCO_LIB_DIR}")
set(_sirocco_link "-B${SIROCCO_LIB_DIR} -L${SIROCCO_LIB_DIR} -Wl,-rpath,${SIROCCO_LIB_DIR} -Wl,--disable-new-dtags")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "${_sirocco_link} -Wl,--dynamic-linker=${SIROCCO_PREFIX}/usr/lib64/ld-linux-x86-64.so.2")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${_sirocco_link}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${_sirocco_link}")
