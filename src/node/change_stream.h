// Changes of loaded tables as one connection sends them: collects the batches of a transaction that
// was cut and applies them with the last one. What is collected is forgotten with the connection.
// Not thread safe.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "node/catalogue.h"
#include "wire/changes.h"

namespace sirocco::node {

class ChangeStream {
 public:
  // Batches are charged to `pool` while they wait.
  ChangeStream(Catalogue* catalogue, engine::MemoryPool* pool)
      : catalogue_(catalogue), reservation_(pool) {}

  // A payload of kApplyChanges; returns that of kApplied. After an error nothing of the transaction
  // is visible and what was collected of it is forgotten.
  Result<std::string> Receive(std::string_view payload);

 private:
  void Forget();

  Catalogue* catalogue_;
  std::vector<wire::ChangeBatch> waiting_;
  // Tables whose changes did not fit memory; they cannot follow.
  std::set<plan::TableId> lost_;
  engine::MemoryReservation reservation_;
};

}  // namespace sirocco::node
