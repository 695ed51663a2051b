// Machine learning in a node: the places for operations, the warm worker processes, and the models
// that users have loaded.
//
// At most kMaxOperations operations over tables run at once; more wait in order of arrival. Each
// has a worker process for itself. Calls about one row take a worker only for the call; as many run
// at once as the node has threads. A model's bytes stay here, so a worker that was lost is replaced
// without the user noticing at the next call.
// Threads: every method from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "node/admission.h"
#include "node/ml_worker_process.h"
#include "wire/ml_messages.h"

namespace sirocco::node {

struct LoadedModel {
  std::string bytes;
  std::string metadata;  // JSON object
  uint64_t version = 0;  // differs for every load
};

class MlService {
 public:
  static constexpr uint32_t kMaxOperations = 8;

  MlService(std::string worker_program, uint32_t num_threads);
  ~MlService();
  MlService(const MlService&) = delete;
  MlService& operator=(const MlService&) = delete;

  // Whether a worker could be started.
  bool available() const;
  uint32_t num_threads() const { return num_threads_; }
  // The places for operations over tables.
  Admission* operations() { return &operations_; }
  const Admission* operations() const { return &operations_; }
  // The places for calls about one row.
  Admission* calls() { return &calls_; }

  // A warm worker, one that has read `model` if there is one; a new one if all are busy.
  Result<std::unique_ptr<MlWorkerProcess>> TakeWorker(const wire::MlModelKey* model);
  // Gives a worker back between two operations. One that has ended or has grown is replaced.
  // `after_call`: after a call about one row, which leaves nothing behind.
  void ReturnWorker(std::unique_ptr<MlWorkerProcess> worker, bool after_call = false);

  // Replaces a model of the same key.
  void LoadModel(const wire::MlModelKey& key, std::string bytes, std::string metadata);
  // False: it was not loaded.
  bool UnloadModel(const wire::MlModelKey& key);
  // kNotFound: not loaded.
  Result<std::shared_ptr<const LoadedModel>> FindModel(const wire::MlModelKey& key) const;
  std::map<wire::MlModelKey, std::shared_ptr<const LoadedModel>> Models() const;
  // Makes the worker know exactly the present version of the model. The error is the worker's, or
  // kUnavailable if it has died.
  Result<void> GiveModel(MlWorkerProcess* worker, const wire::MlModelKey& key) const;

 private:
  // Keeps kWarmWorkers idle.
  void Loop();

  const std::string program_;
  const uint32_t num_threads_;
  Admission operations_, calls_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, available_ = true;
  std::list<std::unique_ptr<MlWorkerProcess>> idle_;  // most recently used first
  std::map<wire::MlModelKey, std::shared_ptr<const LoadedModel>> models_;
  uint64_t next_version_ = 1;
  std::thread thread_;
};

// Sends one request to a worker and passes its frames on until the last one, which is then in
// `frame`. kUnavailable if the worker dies; an error that the worker reports is returned as it is.
Result<void> WorkerStep(MlWorkerProcess* worker, wire::MessageType request,
                        std::string_view payload, wire::Frame* frame,
                        const std::function<Result<void>(const wire::Frame&)>& on_part = nullptr,
                        const wire::WaitCheck& check = nullptr);

}  // namespace sirocco::node
