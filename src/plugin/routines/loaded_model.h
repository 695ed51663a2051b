// A model that is loaded, as the routines over tables need it. Threads: one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/error.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/ml_options.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

struct ModelInUse {
  wire::MlModelKey key;
  nlohmann::json metadata;
  MlTask task = MlTask::kClassification;
};

// ML006011 if the caller has not loaded it.
Result<ModelInUse> FindLoadedModel(Caller* caller, const Argument& handle);
// The start of an operation with it.
wire::MlStart StartWith(const ModelInUse& model, wire::MlOperation operation,
                        const nlohmann::json& options);

}  // namespace sirocco::plugin
