#include "node/ml_session.h"

#include <nlohmann/json.hpp>

#include "node/clock.h"
#include "node/log.h"

namespace sirocco::node {

namespace {

using wire::MessageType;
using wire::MlOperation;

// Calls `on_sign` once if the client cancels or vanishes while this object lives.
class ClientWatch {
 public:
  ClientWatch(DisconnectWatch* watch, int fd, std::function<void()> on_sign)
      : watch_(watch), fd_(fd) {
    watch_->Add(fd_, std::move(on_sign));
  }
  ~ClientWatch() { watch_->Remove(fd_); }

 private:
  DisconnectWatch* watch_;
  int fd_;
};

bool NeedsModel(MlOperation operation) { return operation != MlOperation::kTrain; }

}  // namespace

MlSession::Reply MlSession::Handle(MessageType type, std::string_view payload) {
  switch (type) {
    case MessageType::kMlStart:
      return Start(payload);
    case MessageType::kMlTable:
    case MessageType::kMlBatch:
    case MessageType::kMlRun:
      return Step(type, payload);
    case MessageType::kMlCall:
      return Call(payload);
    default:
      return MakeError(ErrorCode::kInvalidArgument, "unexpected machine-learning message");
  }
}

void MlSession::EndJob() {
  if (!job_) return;
  if (job_->worker != nullptr) node_->ml()->ReturnWorker(std::move(job_->worker));
  job_.reset();
}

MlSession::Reply MlSession::Start(std::string_view payload) {
  EndJob();
  ASSIGN_OR_RETURN(wire::MlStart start, wire::DecodeMlStart(payload));
  MlService* ml = node_->ml();
  if (NeedsModel(start.operation)) RETURN_IF_ERROR(ml->FindModel(start.model));
  std::atomic<bool> cancelled{false};
  ClientWatch watch(node_->watch(), client_->fd(), [&] { cancelled = true; });
  ASSIGN_OR_RETURN(Admission::Ticket place,
                   ml->operations()->Enter([&] { return cancelled.load(); }));
  if (start.num_threads == 0 || start.num_threads > ml->num_threads())
    start.num_threads = ml->num_threads();
  ASSIGN_OR_RETURN(std::unique_ptr<MlWorkerProcess> worker,
                   ml->TakeWorker(NeedsModel(start.operation) ? &start.model : nullptr));
  job_.emplace(Job{std::move(start), std::move(place), std::move(worker)});
  if (NeedsModel(job_->start.operation)) {
    if (Result<void> given = ml->GiveModel(job_->worker.get(), job_->start.model); !given) {
      EndJob();
      return std::unexpected(given.error());
    }
  }
  return Step(MessageType::kMlStart, wire::EncodeMlStart(job_->start));
}

MlSession::Reply MlSession::Step(MessageType type, std::string_view payload) {
  if (!job_)
    return MakeError(ErrorCode::kInvalidArgument, "no machine-learning operation is under way");
  MlWorkerProcess* worker = job_->worker.get();
  const bool is_run = type == MessageType::kMlRun;
  std::atomic<bool> cancelled{false};
  std::optional<ClientWatch> watch;
  Admission::Hold hold;
  uint64_t started = 0;
  if (is_run) {
    // While it runs the client may only cancel, or vanish. Ending the process is the fastest way to
    // stop whatever library is computing.
    watch.emplace(node_->watch(), client_->fd(), [&] {
      cancelled = true;
      worker->Kill();
    });
    if (job_->start.exclusive) {
      auto held = node_->admission()->HoldQueries([&] { return cancelled.load(); });
      if (!held) {
        EndJob();
        return std::unexpected(held.error());
      }
      hold = std::move(*held);
    }
    started = MonotonicNanos();
  }

  const uint64_t limit = job_->start.memory_limit_bytes;
  uint64_t peak_bytes = 0;
  bool too_large = false;
  const wire::WaitCheck check = [&] {
    const uint64_t bytes = worker->MemoryBytes();
    peak_bytes = std::max(peak_bytes, bytes);
    if (limit != 0 && bytes > limit) too_large = true;
    return too_large;
  };
  const Result<void> done = WorkerStep(
      worker, type, payload, &frame_,
      [&](const wire::Frame& part) { return client_->Send(part.type, part.payload.view()); },
      check);
  peak_bytes = std::max(peak_bytes, worker->MemoryBytes());
  if (!done) {
    const pid_t pid = worker->pid();
    EndJob();
    if (cancelled) return MakeError(ErrorCode::kCancelled, "cancelled");
    if (too_large)
      return MakeError(ErrorCode::kOutOfMemory,
                       "the machine-learning operation needs more memory than its limit of " +
                           std::to_string(limit >> 20) + " MB");
    if (done.error().code == ErrorCode::kUnavailable)
      LogWarning("machine-learning process " + std::to_string(pid) + " has ended unexpectedly");
    return std::unexpected(done.error());
  }
  std::string reply(frame_.payload.view());
  if (is_run) {
    EndJob();
    if (Result<wire::MlDone> result = wire::DecodeMlDone(reply); result) {
      result->run_ns = MonotonicNanos() - started;
      result->memory_peak_bytes = std::max(result->memory_peak_bytes, peak_bytes);
      reply = wire::EncodeMlDone(*result);
    }
  }
  return std::pair(frame_.type, std::move(reply));
}

MlSession::Reply MlSession::Call(std::string_view payload) {
  ASSIGN_OR_RETURN(const wire::MlCall call, wire::DecodeMlCall(payload));
  wire::MlDone done;
  ASSIGN_OR_RETURN(done.text, RunCall(call));
  return std::pair(MessageType::kMlDone, wire::EncodeMlDone(done));
}

Result<std::string> MlSession::RunCall(const wire::MlCall& call) {
  MlService* ml = node_->ml();
  switch (call.operation) {
    case MlOperation::kPredictRow:
    case MlOperation::kExplainRow:
      return CallWorker(call, /*needs_model=*/true);
    case MlOperation::kCheckModel:
      return CallWorker(call, /*needs_model=*/false);
    case MlOperation::kLoadModel: {
      ml->LoadModel(call.model, call.bytes, call.text);
      // A worker reads it now, so that the first prediction finds it ready and a damaged model is
      // refused at once.
      wire::MlCall touch{MlOperation::kHasModel, call.model, "", "", ""};
      if (Result<std::string> read = CallWorker(touch, /*needs_model=*/true); !read) {
        ml->UnloadModel(call.model);
        return read;
      }
      return std::string();
    }
    case MlOperation::kUnloadModel:
      ml->UnloadModel(call.model);
      return std::string();
    case MlOperation::kHasModel: {
      ASSIGN_OR_RETURN(const std::shared_ptr<const LoadedModel> model, ml->FindModel(call.model));
      return model->metadata;
    }
    case MlOperation::kListModels:
      return ListModels();
    default:
      return MakeError(ErrorCode::kInvalidArgument, "unexpected machine-learning call");
  }
}

Result<std::string> MlSession::CallWorker(const wire::MlCall& call, bool needs_model) {
  MlService* ml = node_->ml();
  if (needs_model) RETURN_IF_ERROR(ml->FindModel(call.model));
  ASSIGN_OR_RETURN(const Admission::Ticket place, ml->calls()->Enter([] { return false; }));
  ASSIGN_OR_RETURN(std::unique_ptr<MlWorkerProcess> worker,
                   ml->TakeWorker(needs_model ? &call.model : nullptr));
  const auto run = [&]() -> Result<std::string> {
    if (needs_model) RETURN_IF_ERROR(ml->GiveModel(worker.get(), call.model));
    if (call.operation == MlOperation::kHasModel) return std::string("true");
    RETURN_IF_ERROR(
        WorkerStep(worker.get(), MessageType::kMlCall, wire::EncodeMlCall(call), &frame_));
    ASSIGN_OR_RETURN(wire::MlDone done, wire::DecodeMlDone(frame_.payload.view()));
    return std::move(done.text);
  };
  Result<std::string> answer = run();
  ml->ReturnWorker(std::move(worker), /*after_call=*/true);
  return answer;
}

std::string MlSession::ListModels() const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [key, model] : node_->ml()->Models())
    list.push_back({{"user", key.user},
                    {"handle", key.handle},
                    {"size", model->bytes.size()},
                    {"metadata", model->metadata}});
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sirocco::node
