#include "plugin/routines/node_job.h"

#include "plugin/routines/ml_history.h"

namespace sirocco::plugin {
namespace {

using wire::MessageType;

constexpr int kNodeTimeoutMs = 20000;

std::unexpected<Error> Failure(Error error, MlErrorNumber number = MlErrorNumber::kCannotTrain) {
  return std::unexpected(AsMlError(std::move(error), number));
}

}  // namespace

Result<NodeJob> NodeJob::Start(Caller* caller, const wire::MlStart& start) {
  Result<PooledClient> client = Nodes().AcquireWaiting(kNodeTimeoutMs, caller->kill_check());
  if (!client) return Failure(client.error());
  NodeJob job(caller, std::move(*client));
  caller->SetProgress("Waiting for other ML operations", 0);
  RETURN_IF_ERROR(job.Step(MessageType::kMlStart, wire::EncodeMlStart(start), nullptr));
  caller->SetProgress("Initialization", 0);
  return job;
}

Result<MessageType> NodeJob::Step(MessageType request, std::string_view payload,
                                  const OnOutput& on_output) {
  Result<MessageType> reply = client_->MlStep(
      request, payload, caller_->kill_check(),
      [&](MessageType type, std::string_view part) -> Result<void> {
        if (type == MessageType::kMlProgress) {
          ASSIGN_OR_RETURN(const wire::MlProgress progress, wire::DecodeMlProgress(part));
          caller_->SetProgress(progress.stage, progress.fraction);
          return {};
        }
        if (on_output == nullptr) return {};
        ASSIGN_OR_RETURN(const wire::ColumnBatchView batch, wire::ColumnBatchView::Parse(part));
        return on_output(batch);
      });
  if (!reply) return Failure(reply.error());
  return reply;
}

Result<void> NodeJob::BeginTable(const wire::MlTable& table) {
  RETURN_IF_ERROR(Step(MessageType::kMlTable, wire::EncodeMlTable(table), nullptr));
  return {};
}

Result<void> NodeJob::SendRows(const wire::ColumnBatchBuilder& rows, const OnOutput& on_output) {
  ASSIGN_OR_RETURN(const MessageType reply, Step(MessageType::kMlBatch, rows.Encode(), nullptr));
  if (reply != MessageType::kMlOutput || on_output == nullptr) return {};
  ASSIGN_OR_RETURN(const wire::ColumnBatchView batch,
                   wire::ColumnBatchView::Parse(client_->reply()));
  return on_output(batch);
}

Result<wire::MlDone> NodeJob::Run(const OnOutput& on_output) {
  RETURN_IF_ERROR(Step(MessageType::kMlRun, {}, on_output));
  ASSIGN_OR_RETURN(wire::MlDone done, wire::DecodeMlDone(client_->reply()));
  caller_->SetMemoryPeak(done.memory_peak_bytes);
  return done;
}

Result<std::string> CallNode(Caller* caller, const wire::MlCall& call, MlErrorNumber number) {
  Result<PooledClient> client = Nodes().AcquireWaiting(kNodeTimeoutMs, caller->kill_check());
  if (!client) return Failure(client.error());
  Result<MessageType> reply =
      (*client)->MlStep(MessageType::kMlCall, wire::EncodeMlCall(call), caller->kill_check());
  if (!reply) {
    if (reply.error().code == ErrorCode::kNotFound)
      return MlError(MlErrorNumber::kNotLoaded,
                     "The model " + call.model.handle + " has not been loaded.");
    return Failure(reply.error(), number);
  }
  ASSIGN_OR_RETURN(wire::MlDone done, wire::DecodeMlDone((*client)->reply()));
  return std::move(done.text);
}

}  // namespace sirocco::plugin
