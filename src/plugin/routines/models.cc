// ML_MODEL_LOAD, ML_MODEL_UNLOAD, ML_MODEL_ACTIVE.
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "plugin/node/internal_session.h"
#include "plugin/routines/catalog.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/node_job.h"
#include "plugin/routines/operations.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;
using wire::MlOperation;

}  // namespace

Answered LoadModel(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string handle, HandleOf(arguments[0]));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  Catalog catalog(&caller, &session);
  ASSIGN_OR_RETURN(const CatalogEntry entry, catalog.FindReady(handle));
  wire::MlCall call{MlOperation::kLoadModel, {caller.user(), handle}, entry.metadata, "", ""};
  ASSIGN_OR_RETURN(call.bytes, catalog.ReadObject(handle));
  RETURN_IF_ERROR(CallNode(&caller, call, MlErrorNumber::kModelFormat));
  RETURN_IF_ERROR(catalog.NoteAccess(handle));
  return std::nullopt;
}

Answered UnloadModel(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string handle, HandleOf(arguments[0]));
  const wire::MlCall call{MlOperation::kUnloadModel, {caller.user(), handle}, "", "", ""};
  RETURN_IF_ERROR(CallNode(&caller, call));
  return std::nullopt;
}

Answered ActiveModels(Caller& caller, const Arguments& arguments) {
  std::string scope(arguments[0].value_or("current"));
  for (char& c : scope) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (scope != "current" && scope != "all")
    return MlError(MlErrorNumber::kArgument, "user must be 'current', 'all' or NULL.");
  const wire::MlCall call{MlOperation::kListModels, {}, "", "", ""};
  ASSIGN_OR_RETURN(const std::string text, CallNode(&caller, call));
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return MakeError(ErrorCode::kInternal, "the node sent no list of models");

  uint64_t total_bytes = 0;
  Json of_caller = Json::object();
  std::map<std::string, Json> by_user;
  for (const Json& model : list) {
    const std::string user = model["user"], handle = model["handle"];
    Json metadata = Json::parse(model["metadata"].get<std::string>(), nullptr, false);
    if (scope == "current" && user != caller.user()) continue;
    total_bytes += model["size"].get<uint64_t>();
    if (user == caller.user()) of_caller[handle] = metadata;
    by_user[user].push_back(Json{{handle, std::move(metadata)}});
  }
  Json answer = Json::array();
  answer.push_back({{"total model size(bytes)", total_bytes}});
  if (scope == "current") {
    answer.push_back(std::move(of_caller));
    return DumpMetadata(answer);
  }
  // Another user's models are shown to those who may read his catalog.
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  Json users = Json::object();
  for (auto& [user, models] : by_user) {
    const QualifiedName catalog{"ML_SCHEMA_" + user, "MODEL_CATALOG"};
    const bool is_visible =
        user == caller.user() ||
        session.Execute("SELECT model_metadata FROM " + catalog.Quoted() + " LIMIT 0").has_value();
    if (is_visible) users[user] = std::move(models);
  }
  answer.push_back(std::move(users));
  return DumpMetadata(answer);
}

}  // namespace sirocco::plugin
