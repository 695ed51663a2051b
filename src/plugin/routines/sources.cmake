# The routines of sys: their functions, and their SQL text compiled in.
set(_sql ${PROJECT_SOURCE_DIR}/sql/ml/routines.sql)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_sql})
file(READ ${_sql} SIROCCO_ROUTINES_SQL)
configure_file(${CMAKE_CURRENT_LIST_DIR}/routines_sql.h.in
  ${CMAKE_CURRENT_BINARY_DIR}/generated/plugin/routines/routines_sql.h @ONLY)
set(SIROCCO_ROUTINES_INCLUDE ${CMAKE_CURRENT_BINARY_DIR}/generated)
set(SIROCCO_ROUTINES_SOURCES
  routines/udf.cc routines/installer.cc routines/caller.cc routines/invoker_session.cc
  routines/ml_error.cc routines/operations.cc routines/row_calls.cc routines/catalog.cc
  routines/base64.cc routines/input_tables.cc routines/loaded_model.cc routines/model_metadata.cc
  routines/source_table.cc routines/table_reader.cc routines/table_writer.cc routines/ml_options.cc routines/node_job.cc
  routines/train.cc routines/models.cc routines/transfer.cc routines/table_results.cc
  routines/argument_completion.cc routines/rewriter.cc routines/explain.cc routines/split.cc routines/ml_history.cc)
