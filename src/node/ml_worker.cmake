# The machine-learning processes: what they link stays out of rapidd.
set(_ml_models ml_anomaly.cc ml_boosting.cc ml_encoding.cc ml_forecast.cc ml_metrics.cc ml_model_file.cc
  ml_recommend.cc ml_recommend_results.cc ml_rows.cc ml_topics.cc ml_trees.cc)
add_executable(rapidd-ml ml_worker_main.cc ml_worker.cc ml_operation.cc ${_ml_models})
target_link_libraries(rapidd-ml PRIVATE sirocco_wire sirocco_common xgboost pthread)
target_compile_options(rapidd-ml PRIVATE ${SIROCCO_WARNINGS})
sirocco_add_test(ml_model_test SOURCES ml_model_test.cc ${_ml_models}
  DEPS sirocco_wire sirocco_common xgboost)
