# The machine-learning processes: what they link stays out of rapidd.
add_executable(rapidd-ml ml_worker_main.cc ml_worker.cc ml_operation.cc ml_input.cc ml_task.cc
  ml_task_anomaly.cc ml_task_forecast.cc ml_task_recommend.cc ml_task_supervised.cc
  ml_task_topics.cc)
target_link_libraries(rapidd-ml PRIVATE sirocco_automl sirocco_wire sirocco_common pthread)
target_compile_options(rapidd-ml PRIVATE ${SIROCCO_WARNINGS})
