// Messages of machine-learning operations, between plugin and node and, unchanged, between node and
// worker process.
//
// An operation over tables: kMlStart, then per table kMlTable and its batches, then kMlRun. A
// streaming operation (prediction or explanation row by row) answers each batch with the results of
// exactly its rows; others answer kMlRun. An operation without table is one kMlCall.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plan/type.h"

namespace sirocco::wire {

enum class MlOperation : uint8_t {
  kTrain = 1,     // table: training rows. Done: metadata JSON, model bytes
  kExplain,       // table: training rows. Done: model_explanation JSON, new model bytes if changed
  kPredictTable,  // output: Prediction, ml_results per row (or of the task's own shape)
  kExplainTable,  // output: Prediction, ml_results, one attribution per explained column
  kScore,         // Done: the score as JSON number or null
  // Without table:
  kPredictRow,  // text: JSON object. Done: JSON members to add to the row, without braces
  kExplainRow,  // same
  kLoadModel,   // bytes: model, text: metadata. Done: empty
  kUnloadModel,
  kHasModel,    // Done: its metadata; kNotFound: it is not loaded
  kListModels,  // Done: JSON array of {user, handle, size, metadata}
  kCheckModel,  // bytes: a model to import, text: metadata. Done: its completed metadata
};
inline constexpr MlOperation kFirstMlOperation = MlOperation::kTrain;
inline constexpr MlOperation kLastMlTableOperation = MlOperation::kScore;
inline constexpr MlOperation kLastMlOperation = MlOperation::kCheckModel;

// What a column's values mean to a model; the lane they travel in follows from it.
enum class MlColumnKind : uint8_t {
  kFloat = 1,  // kF64
  kInteger,    // kI64
  kUnsigned,   // kI64, the bits of a uint64_t
  kString,     // kStr: CHAR, VARCHAR, ENUM, SET
  kText,       // kStr: the TEXT family
  kDate,       // kI64: microseconds since 1970-01-01, no time zone
  kDateTime,   // kI64: same
  kTime,       // kI64: microseconds
  kYear,       // kI64
};
plan::Lane LaneOf(MlColumnKind kind);

// Which of an operation's tables follows.
enum class MlTableRole : uint8_t { kMain = 1, kItems, kUsers };

struct MlColumn {
  std::string name;
  MlColumnKind kind = MlColumnKind::kFloat;
  std::string type;  // the SQL type as text, for messages and metadata
};

struct MlTable {
  MlTableRole role = MlTableRole::kMain;
  std::string name;  // schema.table
  std::vector<MlColumn> columns;
  uint64_t num_rows = 0;  // an estimate, for reservations; 0: unknown
};

// The owner's account name and the handle: two users may have models of the same handle.
struct MlModelKey {
  std::string user;
  std::string handle;
  auto operator<=>(const MlModelKey&) const = default;
};

struct MlStart {
  MlOperation operation = MlOperation::kTrain;
  MlModelKey model;
  std::string target;               // target column; empty: none
  std::string metric;               // kScore
  std::string options;              // JSON object, checked by the plugin
  uint64_t memory_limit_bytes = 0;  // of the worker process; 0: none
  uint32_t num_threads = 0;         // 0: all cores
  bool exclusive = false;           // queries wait from kMlRun to the end
};

struct MlCall {
  MlOperation operation = MlOperation::kPredictRow;
  MlModelKey model;
  std::string text;     // JSON row, or metadata
  std::string options;  // JSON object or empty
  std::string bytes;    // model
};

struct MlProgress {
  std::string stage;    // "Preprocessing", ...
  double fraction = 0;  // of the whole operation, 0 to 1
};

struct MlDone {
  std::string text;   // JSON
  std::string bytes;  // model
  uint64_t run_ns = 0, memory_peak_bytes = 0;
};

std::string EncodeMlTable(const MlTable& table);
Result<MlTable> DecodeMlTable(std::string_view payload);
std::string EncodeMlStart(const MlStart& start);
Result<MlStart> DecodeMlStart(std::string_view payload);
std::string EncodeMlCall(const MlCall& call);
Result<MlCall> DecodeMlCall(std::string_view payload);
std::string EncodeMlProgress(const MlProgress& progress);
Result<MlProgress> DecodeMlProgress(std::string_view payload);
std::string EncodeMlDone(const MlDone& done);
Result<MlDone> DecodeMlDone(std::string_view payload);

}  // namespace sirocco::wire
