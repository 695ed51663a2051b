#include "node/node.h"

#include <cstring>

#include "node/clock.h"
#include "wire/auth.h"

#ifndef SIROCCO_VERSION
#error "SIROCCO_VERSION is set by CMake"
#endif

namespace sirocco::node {

namespace {

uint64_t RandomInstance() {
  uint64_t instance;
  std::memcpy(&instance, wire::RandomBytes(sizeof(instance)).data(), sizeof(instance));
  return instance;
}

}  // namespace

Node::Node(Options options)
    : options_(std::move(options)),
      instance_(RandomInstance()),
      start_time_us_(NowMicros()),
      pool_("the node", options_.memory_limit_bytes),
      spill_(options_.temporary_folder, options_.temporary_limit_bytes),
      catalogue_(&pool_),
      maintenance_(&catalogue_, options_.checkpoint_folder, options_.num_threads),
      admission_(options_.max_running_queries, (options_.max_running_queries + 1) / 2),
      ml_(options_.ml_worker.empty() ? MlWorkerProgram() : options_.ml_worker,
          options_.num_threads) {
  catalogue_.set_on_gone([this](uint64_t identity) { maintenance_.Forget(identity); });
}

wire::NodeInfo Node::Info() const {
  wire::NodeInfo info;
  info.version = SIROCCO_VERSION;
  info.instance = instance_;
  info.num_cores = options_.num_threads;
  info.memory_limit_bytes = options_.memory_limit_bytes;
  info.memory_used_bytes = pool_.used_bytes();
  info.table_bytes = catalogue_.table_bytes();
  info.start_time_us = start_time_us_;
  info.queries_run = queries_run_;
  info.bytes_scanned = bytes_scanned_;
  info.queries_running = admission_.running();
  info.queries_queued = admission_.queued();
  info.ml_available = ml_.available();
  info.ml_running = ml_.operations()->running();
  info.ml_queued = ml_.operations()->queued();
  return info;
}

}  // namespace sirocco::node
