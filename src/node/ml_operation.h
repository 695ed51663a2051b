// What a machine-learning process does with requests: the models it has read, operations over
// tables, and calls about one row. The only place that knows the library in src/automl. Threads:
// one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "wire/column_batch.h"
#include "wire/ml_messages.h"

namespace sirocco::node {

// A model read from its bytes, ready to predict.
class ReadModel;

// The models by key. Pointers live until the key is put or removed again.
class LoadedModels {
 public:
  LoadedModels();
  ~LoadedModels();
  // kCorrupt, kNotSupported: bytes of something else, or of another version.
  Result<void> Put(const wire::MlModelKey& key, std::string_view bytes,
                   const std::string& metadata);
  void Remove(const wire::MlModelKey& key);
  Result<ReadModel*> Find(const wire::MlModelKey& key) const;

 private:
  std::map<wire::MlModelKey, std::unique_ptr<ReadModel>> models_;
};

// One operation over tables, from kMlStart on.
class MlTableOperation {
 public:
  using OnProgress = std::function<void(const wire::MlProgress&)>;
  using OnOutput = std::function<Result<void>(const std::string& batch)>;

  virtual ~MlTableOperation() = default;
  static Result<std::unique_ptr<MlTableOperation>> Make(wire::MlStart start, LoadedModels* models,
                                                        uint32_t num_threads);

  virtual Result<void> BeginTable(const wire::MlTable& table) = 0;
  // A streaming operation returns the encoded results of these rows.
  virtual Result<std::optional<std::string>> AddRows(const wire::ColumnBatchView& rows) = 0;
  virtual Result<wire::MlDone> Run(const OnProgress& on_progress, const OnOutput& on_output) = 0;
};

// kPredictRow and kExplainRow: the members to add to the row, as JSON text without braces.
Result<std::string> RunRowCall(const wire::MlCall& call, ReadModel* model);
// kCheckModel.
Result<std::string> CheckModel(const wire::MlCall& call);

}  // namespace sirocco::node
