# Where the server's source tree is: headers for the plugin, the `strings` library for MySQL's semantics.
# Input: SIROCCO_MYSQL_SOURCE, a source tree of exactly the server's version with its generated headers in builddir/.
if(NOT SIROCCO_MYSQL_SOURCE)
  if(DEFINED ENV{SIROCCO_MYSQL_SOURCE})
    set(SIROCCO_MYSQL_SOURCE "$ENV{SIROCCO_MYSQL_SOURCE}")
  else()
    get_filename_component(_cache "${SIROCCO_PREFIX}" DIRECTORY)
    file(GLOB _trees "${_cache}/mysql-source/mysql-*")
    list(GET _trees 0 SIROCCO_MYSQL_SOURCE)
  endif()
endif()
set(SIROCCO_MYSQL_SOURCE "${SIROCCO_MYSQL_SOURCE}" CACHE PATH "MySQL server source tree with builddir/")
if(NOT EXISTS "${SIROCCO_MYSQL_SOURCE}/builddir")
  message(FATAL_ERROR "No MySQL source tree with generated headers at '${SIROCCO_MYSQL_SOURCE}' "
                      "(set SIROCCO_MYSQL_SOURCE, or run ./sirocco setup)")
endif()
