#include "wire/ml_messages.h"

#include "common/bytes.h"

namespace sirocco::wire {

namespace {

std::unexpected<Error> Malformed(const char* what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string("malformed message: ") + what);
}

void PutKey(const MlModelKey& key, ByteWriter* out) {
  out->PutString(key.user);
  out->PutString(key.handle);
}

MlModelKey GetKey(ByteReader* in) {
  MlModelKey key;
  key.user = in->GetString();
  key.handle = in->GetString();
  return key;
}

}  // namespace

plan::Lane LaneOf(MlColumnKind kind) {
  switch (kind) {
    case MlColumnKind::kFloat:
      return plan::Lane::kF64;
    case MlColumnKind::kString:
    case MlColumnKind::kText:
      return plan::Lane::kStr;
    default:
      return plan::Lane::kI64;
  }
}

std::string EncodeMlTable(const MlTable& table) {
  ByteWriter out;
  out.Put(table.role);
  out.PutString(table.name);
  out.Put(table.num_rows);
  out.Put(static_cast<uint32_t>(table.columns.size()));
  for (const MlColumn& column : table.columns) {
    out.PutString(column.name);
    out.Put(column.kind);
    out.PutString(column.type);
  }
  return out.Take();
}

Result<MlTable> DecodeMlTable(std::string_view payload) {
  ByteReader in(payload);
  MlTable table;
  table.role = in.GetEnum(MlTableRole::kMain, MlTableRole::kUsers);
  table.name = in.GetString();
  table.num_rows = in.Get<uint64_t>();
  const uint32_t count = in.GetCount(9);
  for (uint32_t i = 0; i < count; ++i) {
    MlColumn column;
    column.name = in.GetString();
    column.kind = in.GetEnum(MlColumnKind::kFloat, MlColumnKind::kYear);
    column.type = in.GetString();
    table.columns.push_back(std::move(column));
  }
  if (!in.ok() || !in.AtEnd()) return Malformed("table of an ML operation");
  return table;
}

std::string EncodeMlStart(const MlStart& start) {
  ByteWriter out;
  out.Put(start.operation);
  PutKey(start.model, &out);
  out.PutString(start.target);
  out.PutString(start.metric);
  out.PutString(start.options);
  out.Put(start.memory_limit_bytes);
  out.Put(start.num_threads);
  out.Put(static_cast<uint8_t>(start.exclusive));
  return out.Take();
}

Result<MlStart> DecodeMlStart(std::string_view payload) {
  ByteReader in(payload);
  MlStart start;
  start.operation = in.GetEnum(kFirstMlOperation, kLastMlTableOperation);
  start.model = GetKey(&in);
  start.target = in.GetString();
  start.metric = in.GetString();
  start.options = in.GetString();
  start.memory_limit_bytes = in.Get<uint64_t>();
  start.num_threads = in.Get<uint32_t>();
  start.exclusive = in.GetBool();
  if (!in.ok() || !in.AtEnd()) return Malformed("start of an ML operation");
  return start;
}

std::string EncodeMlCall(const MlCall& call) {
  ByteWriter out;
  out.Put(call.operation);
  PutKey(call.model, &out);
  out.PutString(call.text);
  out.PutString(call.options);
  out.PutString(call.bytes);
  return out.Take();
}

Result<MlCall> DecodeMlCall(std::string_view payload) {
  ByteReader in(payload);
  MlCall call;
  call.operation = in.GetEnum(MlOperation::kPredictRow, kLastMlOperation);
  call.model = GetKey(&in);
  call.text = in.GetString();
  call.options = in.GetString();
  call.bytes = in.GetString();
  if (!in.ok() || !in.AtEnd()) return Malformed("ML call");
  return call;
}

std::string EncodeMlProgress(const MlProgress& progress) {
  ByteWriter out;
  out.PutString(progress.stage);
  out.Put(progress.fraction);
  return out.Take();
}

Result<MlProgress> DecodeMlProgress(std::string_view payload) {
  ByteReader in(payload);
  MlProgress progress;
  progress.stage = in.GetString();
  progress.fraction = in.Get<double>();
  if (!in.ok() || !in.AtEnd()) return Malformed("ML progress");
  return progress;
}

std::string EncodeMlDone(const MlDone& done) {
  ByteWriter out;
  out.PutString(done.text);
  out.PutString(done.bytes);
  out.Put(done.run_ns);
  out.Put(done.memory_peak_bytes);
  return out.Take();
}

Result<MlDone> DecodeMlDone(std::string_view payload) {
  ByteReader in(payload);
  MlDone done;
  done.text = in.GetString();
  done.bytes = in.GetString();
  done.run_ns = in.Get<uint64_t>();
  done.memory_peak_bytes = in.Get<uint64_t>();
  if (!in.ok() || !in.AtEnd()) return Malformed("result of an ML operation");
  return done;
}

}  // namespace sirocco::wire
