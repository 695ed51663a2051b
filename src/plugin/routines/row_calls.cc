#include "plugin/routines/row_calls.h"

#include <nlohmann/json.hpp>

#include "plugin/routines/ml_error.h"
#include "plugin/routines/ml_options.h"
#include "plugin/routines/model_metadata.h"
#include "sql/auth/sql_security_ctx.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

using wire::MessageType;
using wire::MlOperation;

constexpr int kNodeTimeoutMs = 20000;

}  // namespace

Answered RowCalls::Run(THD* thd, std::string_view kind, const Argument& row, const Argument& handle,
                       const Argument& options) {
  if (!row) return MlError(MlErrorNumber::kRowMissing, "input_data must not be NULL.");
  if (row->empty() || row->front() != '{' || row->back() != '}')
    return MlError(MlErrorNumber::kRowNotJson, "input_data must be a JSON object.");
  if (Result<void> ready = Prepare(thd, kind, handle, options); !ready)
    return std::unexpected(ready.error());
  call_.text = *row;
  ASSIGN_OR_RETURN(const std::string members, Call(thd, call_));
  // The row's own members come first: of two with the same name the later one counts.
  std::string answer;
  answer.reserve(row->size() + members.size() + 2);
  answer.append(row->substr(0, row->size() - 1));
  const bool is_empty = row->find_first_not_of(" \t\r\n", 1) == row->size() - 1;
  if (!is_empty) answer += ", ";
  answer += members;
  answer += '}';
  return answer;
}

Result<void> RowCalls::Prepare(THD* thd, std::string_view kind, const Argument& handle,
                               const Argument& options) {
  if (is_prepared_ && handle && *handle == call_.model.handle && options == prepared_options_)
    return {};
  is_prepared_ = false;
  ASSIGN_OR_RETURN(call_.model.handle, HandleOf(handle));
  const LEX_CSTRING account = thd->security_context()->priv_user();
  call_.model.user.assign(account.str, account.length);
  const bool is_explain = kind == "explain";
  const MlRoutine routine = is_explain ? MlRoutine::kExplainRow : MlRoutine::kPredictRow;
  ASSIGN_OR_RETURN(nlohmann::json parsed, ParseOptions(routine, options));
  wire::MlCall question{MlOperation::kHasModel, call_.model, "", "", ""};
  ASSIGN_OR_RETURN(const std::string text, Call(thd, question));
  ASSIGN_OR_RETURN(const nlohmann::json metadata, ParseMetadata(text));
  ASSIGN_OR_RETURN(const MlTask task, TaskOf(metadata));
  ASSIGN_OR_RETURN(const nlohmann::json checked, CheckOptions(routine, task, std::move(parsed)));
  call_.operation = is_explain ? MlOperation::kExplainRow : MlOperation::kPredictRow;
  call_.options = checked.empty() ? std::string() : checked.dump();
  prepared_options_.reset();
  if (options) prepared_options_ = std::string(*options);
  is_prepared_ = true;
  return {};
}

Result<std::string> RowCalls::Call(THD* thd, const wire::MlCall& call) {
  const auto killed = [thd] { return thd->killed != THD::NOT_KILLED; };
  if (!client_) {
    Result<PooledClient> client = Nodes().AcquireWaiting(kNodeTimeoutMs, killed);
    if (!client) return std::unexpected(AsMlError(client.error(), MlErrorNumber::kNotLoaded));
    client_ = std::move(*client);
  }
  Result<MessageType> reply =
      (*client_)->MlStep(MessageType::kMlCall, wire::EncodeMlCall(call), killed);
  if (!reply) {
    is_prepared_ = false;
    if (!(*client_)->ok()) client_.reset();
    if (reply.error().code == ErrorCode::kNotFound)
      return MlError(MlErrorNumber::kNotLoaded, "The model " + call.model.handle +
                                                    " has not been loaded; call "
                                                    "sys.ML_MODEL_LOAD first.");
    return std::unexpected(AsMlError(reply.error(), MlErrorNumber::kColumnMismatch));
  }
  ASSIGN_OR_RETURN(wire::MlDone done, wire::DecodeMlDone((*client_)->reply()));
  return std::move(done.text);
}

}  // namespace sirocco::plugin
