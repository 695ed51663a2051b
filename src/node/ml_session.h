// The machine-learning requests of one connection: an operation over tables step by step, and calls
// about single rows and models. Threads: the connection's own.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "node/ml_service.h"
#include "node/node.h"
#include "wire/socket.h"

namespace sirocco::node {

class MlSession {
 public:
  using Reply = Result<std::pair<wire::MessageType, std::string>>;

  MlSession(Node* node, wire::Socket* client) : node_(node), client_(client) {}

  static bool Handles(wire::MessageType type) {
    return type >= wire::MessageType::kMlStart && type <= wire::MessageType::kMlCall;
  }
  Reply Handle(wire::MessageType type, std::string_view payload);

 private:
  // An operation from kMlStart to its end.
  struct Job {
    wire::MlStart start;
    Admission::Ticket place;
    std::unique_ptr<MlWorkerProcess> worker;
  };

  Reply Start(std::string_view payload);
  // Passes a step on to the worker; ends the job with the first error.
  Reply Step(wire::MessageType type, std::string_view payload);
  Reply Call(std::string_view payload);
  Result<std::string> RunCall(const wire::MlCall& call);
  Result<std::string> CallWorker(const wire::MlCall& call, bool needs_model);
  std::string ListModels() const;
  void EndJob();

  Node* node_;
  wire::Socket* client_;
  std::optional<Job> job_;
  wire::Frame frame_;  // the worker's last one
};

}  // namespace sirocco::node
