// The loop of a machine-learning process: takes one request after the other from the node and
// answers it. Ends when the node closes the socket.
#pragma once

#include <memory>

#include "common/error.h"
#include "node/ml_operation.h"
#include "wire/socket.h"

namespace sirocco::node {

class MlWorker {
 public:
  MlWorker(wire::Socket socket, uint32_t num_threads)
      : socket_(std::move(socket)), num_threads_(num_threads) {}
  void Run();

 private:
  Result<void> Handle(const wire::Frame& frame);
  Result<void> Call(std::string_view payload);

  wire::Socket socket_;
  const uint32_t num_threads_;
  LoadedModels models_;
  std::unique_ptr<MlTableOperation> operation_;
};

}  // namespace sirocco::node
