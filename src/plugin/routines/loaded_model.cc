#include "plugin/routines/loaded_model.h"

#include "plugin/routines/model_metadata.h"
#include "plugin/routines/node_job.h"
#include "plugin/variables.h"

namespace sirocco::plugin {

Result<ModelInUse> FindLoadedModel(Caller* caller, const Argument& handle) {
  ModelInUse model;
  model.key.user = caller->user();
  ASSIGN_OR_RETURN(model.key.handle, HandleOf(handle));
  const wire::MlCall call{wire::MlOperation::kHasModel, model.key, "", "", ""};
  ASSIGN_OR_RETURN(const std::string text, CallNode(caller, call));
  ASSIGN_OR_RETURN(model.metadata, ParseMetadata(text));
  ASSIGN_OR_RETURN(model.task, TaskOf(model.metadata));
  return model;
}

wire::MlStart StartWith(const ModelInUse& model, wire::MlOperation operation,
                        const nlohmann::json& options) {
  wire::MlStart start;
  start.operation = operation;
  start.model = model.key;
  start.target = TextMember(model.metadata, "target_column_name");
  start.options = options.dump();
  start.memory_limit_bytes = MlMemoryLimit();
  return start;
}

}  // namespace sirocco::plugin
