# Helpers for the folders' CMake files.

# sirocco_add_library(<name> SOURCES a.cc ... [DEPS lib ...])
# A static library `sirocco_<name>`, position independent so that the plugin may link it.
function(sirocco_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(sirocco_${name} STATIC ${ARG_SOURCES})
  target_include_directories(sirocco_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sirocco_${name} PUBLIC ${ARG_DEPS})
  target_compile_options(sirocco_${name} PRIVATE ${SIROCCO_WARNINGS})
endfunction()

# sirocco_add_test(<name> SOURCES a_test.cc ... [DEPS lib ...] [LABELS fast|slow])
# A GoogleTest program registered with ctest; label `fast` unless said otherwise.
function(sirocco_add_test name)
  if(NOT SIROCCO_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} gtest gtest_main gmock pthread)
  target_compile_options(${name} PRIVATE ${SIROCCO_WARNINGS})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600)
endfunction()
