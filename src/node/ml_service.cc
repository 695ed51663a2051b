#include "node/ml_service.h"

#include <chrono>

#include "node/log.h"

namespace sirocco::node {

namespace {

// Two, so that a prediction does not wait for a process to start while one operation runs.
constexpr size_t kWarmWorkers = 2;
constexpr size_t kMaxIdleWorkers = 4;
// A worker whose heap has grown to this is replaced: its libraries do not give memory back.
constexpr uint64_t kMaxIdleBytes = 512u << 20;
constexpr auto kRetryInterval = std::chrono::seconds(5);

}  // namespace

MlService::MlService(std::string worker_program, uint32_t num_threads)
    : program_(std::move(worker_program)),
      num_threads_(num_threads),
      operations_(kMaxOperations),
      calls_(num_threads) {
  thread_ = std::thread([this] { Loop(); });
}

MlService::~MlService() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool MlService::available() const {
  std::lock_guard lock(mutex_);
  return available_;
}

void MlService::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (idle_.size() >= kWarmWorkers) {
      wake_.wait(lock);
      continue;
    }
    lock.unlock();
    auto worker = MlWorkerProcess::Start(program_, num_threads_);
    lock.lock();
    const bool was_available = available_;
    available_ = worker.has_value();
    if (worker) {
      idle_.push_back(std::move(*worker));
      continue;
    }
    if (was_available) LogWarning("machine learning is not available: " + worker.error().message);
    wake_.wait_for(lock, kRetryInterval);
  }
}

Result<std::unique_ptr<MlWorkerProcess>> MlService::TakeWorker(const wire::MlModelKey* model) {
  std::list<std::unique_ptr<MlWorkerProcess>> ended;  // destroyed after the lock
  std::unique_ptr<MlWorkerProcess> taken;
  {
    std::lock_guard lock(mutex_);
    for (auto it = idle_.begin(); it != idle_.end();) {
      const auto next = std::next(it);
      if (!(*it)->Running()) ended.splice(ended.end(), idle_, it);
      it = next;
    }
    auto best = idle_.begin();
    if (model != nullptr)
      for (auto it = idle_.begin(); it != idle_.end(); ++it)
        if ((*it)->models.contains(*model)) {
          best = it;
          break;
        }
    if (best != idle_.end()) {
      taken = std::move(*best);
      idle_.erase(best);
    }
    if (idle_.size() < kWarmWorkers) wake_.notify_all();
  }
  if (taken != nullptr) return taken;
  return MlWorkerProcess::Start(program_, num_threads_);
}

void MlService::ReturnWorker(std::unique_ptr<MlWorkerProcess> worker, bool after_call) {
  std::unique_ptr<MlWorkerProcess> surplus;
  std::lock_guard lock(mutex_);
  if (worker->Running() && (after_call || worker->MemoryBytes() < kMaxIdleBytes)) {
    idle_.push_front(std::move(worker));
    if (idle_.size() > kMaxIdleWorkers) {
      surplus = std::move(idle_.back());
      idle_.pop_back();
    }
  } else {
    surplus = std::move(worker);
    wake_.notify_all();
  }
}

void MlService::LoadModel(const wire::MlModelKey& key, std::string bytes, std::string metadata) {
  auto model = std::make_shared<LoadedModel>();
  model->bytes = std::move(bytes);
  model->metadata = std::move(metadata);
  std::lock_guard lock(mutex_);
  model->version = next_version_++;
  models_[key] = std::move(model);
}

bool MlService::UnloadModel(const wire::MlModelKey& key) {
  std::lock_guard lock(mutex_);
  return models_.erase(key) != 0;
}

Result<std::shared_ptr<const LoadedModel>> MlService::FindModel(const wire::MlModelKey& key) const {
  std::lock_guard lock(mutex_);
  const auto found = models_.find(key);
  if (found == models_.end())
    return MakeError(ErrorCode::kNotFound, "the model is not loaded: " + key.handle);
  return found->second;
}

std::map<wire::MlModelKey, std::shared_ptr<const LoadedModel>> MlService::Models() const {
  std::lock_guard lock(mutex_);
  return models_;
}

Result<void> MlService::GiveModel(MlWorkerProcess* worker, const wire::MlModelKey& key) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const LoadedModel> model, FindModel(key));
  wire::Frame frame;
  // What was unloaded or replaced since the worker's last operation.
  std::vector<wire::MlModelKey> outdated;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [known, version] : worker->models) {
      const auto current = models_.find(known);
      if (current == models_.end() || current->second->version != version)
        outdated.push_back(known);
    }
  }
  for (const wire::MlModelKey& unloaded : outdated) {
    worker->models.erase(unloaded);
    wire::MlCall call{wire::MlOperation::kUnloadModel, unloaded, "", "", ""};
    RETURN_IF_ERROR(
        WorkerStep(worker, wire::MessageType::kMlCall, wire::EncodeMlCall(call), &frame));
  }
  if (worker->models.contains(key)) return {};
  wire::MlCall call{wire::MlOperation::kLoadModel, key, model->metadata, "", model->bytes};
  RETURN_IF_ERROR(WorkerStep(worker, wire::MessageType::kMlCall, wire::EncodeMlCall(call), &frame));
  worker->models[key] = model->version;
  return {};
}

Result<void> WorkerStep(MlWorkerProcess* worker, wire::MessageType request,
                        std::string_view payload, wire::Frame* frame,
                        const std::function<Result<void>(const wire::Frame&)>& on_part,
                        const wire::WaitCheck& check) {
  const auto lost = [worker] {
    worker->Kill();
    return MakeError(ErrorCode::kUnavailable, "the machine-learning process has ended");
  };
  if (!worker->socket()->Send(request, payload)) return lost();
  for (;;) {
    if (Result<void> received = worker->socket()->Receive(frame, wire::kMaxPayloadBytes, -1, check);
        !received)
      return lost();
    if (frame->type == wire::MessageType::kError)
      return std::unexpected(wire::DecodeError(frame->payload.view()));
    const bool is_part =
        frame->type == wire::MessageType::kMlProgress ||
        (frame->type == wire::MessageType::kMlOutput && request == wire::MessageType::kMlRun);
    if (!is_part) return {};
    if (on_part == nullptr) continue;
    if (Result<void> consumed = on_part(*frame); !consumed) {
      worker->Kill();
      return consumed;
    }
  }
}

}  // namespace sirocco::node
