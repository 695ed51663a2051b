#include "node/ml_worker.h"

#include <new>

#include "wire/column_batch.h"
#include "wire/messages.h"

namespace sirocco::node {

using wire::MessageType;
using wire::MlOperation;

void MlWorker::Run() {
  wire::Frame frame;
  while (socket_.Receive(&frame)) {
    Result<void> handled;
    try {
      handled = Handle(frame);
    } catch (const std::bad_alloc&) {
      handled = MakeError(ErrorCode::kOutOfMemory, "the machine's memory is exhausted");
    }
    if (handled) continue;
    operation_.reset();
    if (!socket_.Send(MessageType::kError, wire::EncodeError(handled.error()))) return;
  }
}

Result<void> MlWorker::Handle(const wire::Frame& frame) {
  const std::string_view payload = frame.payload.view();
  if (frame.type == MessageType::kMlStart) {
    ASSIGN_OR_RETURN(wire::MlStart start, wire::DecodeMlStart(payload));
    ASSIGN_OR_RETURN(operation_, MlTableOperation::Make(std::move(start), &models_, num_threads_));
    return socket_.Send(MessageType::kOk);
  }
  if (frame.type == MessageType::kMlCall) return Call(payload);
  if (operation_ == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "no operation is under way");
  switch (frame.type) {
    case MessageType::kMlTable: {
      ASSIGN_OR_RETURN(const wire::MlTable table, wire::DecodeMlTable(payload));
      RETURN_IF_ERROR(operation_->BeginTable(table));
      return socket_.Send(MessageType::kOk);
    }
    case MessageType::kMlBatch: {
      ASSIGN_OR_RETURN(const wire::ColumnBatchView rows, wire::ColumnBatchView::Parse(payload));
      ASSIGN_OR_RETURN(const std::optional<std::string> output, operation_->AddRows(rows));
      return output ? socket_.Send(MessageType::kMlOutput, *output)
                    : socket_.Send(MessageType::kOk);
    }
    case MessageType::kMlRun: {
      ASSIGN_OR_RETURN(const wire::MlDone done,
                       operation_->Run(
                           [this](const wire::MlProgress& progress) {
                             (void)socket_.Send(MessageType::kMlProgress,
                                                wire::EncodeMlProgress(progress));
                           },
                           [this](const std::string& batch) {
                             return socket_.Send(MessageType::kMlOutput, batch);
                           }));
      operation_.reset();
      return socket_.Send(MessageType::kMlDone, wire::EncodeMlDone(done));
    }
    default:
      return MakeError(ErrorCode::kInvalidArgument, "unexpected message");
  }
}

Result<void> MlWorker::Call(std::string_view payload) {
  ASSIGN_OR_RETURN(const wire::MlCall call, wire::DecodeMlCall(payload));
  wire::MlDone done;
  switch (call.operation) {
    case MlOperation::kLoadModel:
      RETURN_IF_ERROR(models_.Put(call.model, call.bytes, call.text));
      break;
    case MlOperation::kUnloadModel:
      models_.Remove(call.model);
      break;
    case MlOperation::kPredictRow:
    case MlOperation::kExplainRow: {
      ASSIGN_OR_RETURN(ReadModel * model, models_.Find(call.model));
      ASSIGN_OR_RETURN(done.text, RunRowCall(call, model));
      break;
    }
    case MlOperation::kCheckModel: {
      ASSIGN_OR_RETURN(done.text, CheckModel(call));
      break;
    }
    default:
      return MakeError(ErrorCode::kInvalidArgument, "unexpected call");
  }
  return socket_.Send(MessageType::kMlDone, wire::EncodeMlDone(done));
}

}  // namespace sirocco::node
