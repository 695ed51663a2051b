#include "lakehouse/read/avro_file.h"

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <optional>

#include "lakehouse/read/row_batch.h"
#include "lakehouse/read/text_value.h"
#include "lakehouse/store/byte_source.h"
#include "mysqlsem/number_format.h"

namespace sirocco::lakehouse {

using plan::int128;
using plan::TypeKind;

namespace {

constexpr size_t kMaxHeader = 1 << 20;
constexpr size_t kMaxBlock = 64 << 20;
constexpr int kMaxSkipDepth = 64;

// Reads Avro's primitives from bytes that nobody has checked.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  bool Long(int64_t* value) {
    uint64_t sum = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ >= bytes_.size()) return false;
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      if (shift == 63 && byte > 1) return false;
      sum |= static_cast<uint64_t>(byte & 127) << shift;
      if ((byte & 128) == 0) {
        *value = static_cast<int64_t>(sum >> 1) ^ -static_cast<int64_t>(sum & 1);
        return true;
      }
    }
    return false;
  }
  bool Bytes(uint64_t size, std::string_view* out) {
    if (size > bytes_.size() - at_) return false;
    *out = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool Text(std::string_view* out) {
    int64_t size;
    return Long(&size) && size >= 0 && Bytes(static_cast<uint64_t>(size), out);
  }
  template <typename T>
  bool Raw(T* value) {
    std::string_view raw;
    if (!Bytes(sizeof(T), &raw)) return false;
    std::memcpy(value, raw.data(), sizeof(T));
    return true;
  }
  size_t position() const { return at_; }
  bool AtEnd() const { return at_ == bytes_.size(); }

  bool Skip(const AvroType& type, int depth = 0) {
    if (depth > kMaxSkipDepth || type.recursive) return false;
    int64_t number;
    std::string_view bytes;
    using Kind = AvroType::Kind;
    switch (type.kind) {
      case Kind::kNull:
        return true;
      case Kind::kBoolean:
        return Bytes(1, &bytes);
      case Kind::kInt:
      case Kind::kLong:
      case Kind::kEnum:
        return Long(&number);
      case Kind::kFloat:
        return Bytes(4, &bytes);
      case Kind::kDouble:
        return Bytes(8, &bytes);
      case Kind::kBytes:
      case Kind::kString:
        return Text(&bytes);
      case Kind::kFixed:
        return Bytes(type.fixed_size, &bytes);
      case Kind::kRecord:
        for (const auto& part : type.parts)
          if (!Skip(*part, depth + 1)) return false;
        return true;
      case Kind::kUnion:
        return Long(&number) && number >= 0 && static_cast<size_t>(number) < type.parts.size() &&
               Skip(*type.parts[number], depth + 1);
      case Kind::kArray:
      case Kind::kMap:
        for (;;) {
          if (!Long(&number)) return false;
          if (number == 0) return true;
          if (number < 0) {
            // The size in bytes follows.
            int64_t size;
            if (!Long(&size) || size < 0 || !Bytes(static_cast<uint64_t>(size), &bytes))
              return false;
            continue;
          }
          // Elements of no bytes could be claimed without end.
          if (static_cast<uint64_t>(number) > bytes_.size()) return false;
          for (; number > 0; --number) {
            if (type.kind == Kind::kMap && !Text(&bytes)) return false;
            if (!Skip(*type.parts[0], depth + 1)) return false;
          }
        }
    }
    return false;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

class Issues final : public IssueSink {
 public:
  using IssueSink::IssueSink;
  void set_first_row(uint64_t row) { first_row_ = row; }

 protected:
  void Locate(uint32_t row, Diagnostic* diagnostic) const override {
    diagnostic->row = first_row_ + row + 1;
  }

 private:
  uint64_t first_row_ = 0;
};

// The plain type of a column: itself, or the other half of a union with null.
const AvroType* PlainType(const AvroType& type, int64_t* null_branch) {
  *null_branch = -1;
  if (type.kind != AvroType::Kind::kUnion) return &type;
  if (type.parts.size() == 1) return type.parts[0].get();
  if (type.parts.size() != 2) return nullptr;
  for (int i = 0; i < 2; ++i) {
    if (type.parts[i]->kind != AvroType::Kind::kNull) continue;
    *null_branch = i;
    return type.parts[1 - i].get();
  }
  return nullptr;
}

bool Fits(const AvroType& type, const ColumnTarget& target) {
  const plan::Type& to = target.schema.type;
  const bool text = to.kind == TypeKind::kString;
  const bool number = to.IsInteger() || to.IsReal() || to.kind == TypeKind::kDecimal;
  using Kind = AvroType::Kind;
  using Logical = AvroType::Logical;
  switch (type.logical) {
    case Logical::kDecimal:
      return number || text;
    case Logical::kTimeMillis:
    case Logical::kTimeMicros:
      return to.kind == TypeKind::kTime || text;
    case Logical::kNone:
      break;
    default:
      return to.IsTemporal() || text;
  }
  switch (type.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
    case Kind::kInt:
    case Kind::kLong:
      return number || text || to.kind == TypeKind::kYear || to.kind == TypeKind::kBit;
    case Kind::kFloat:
    case Kind::kDouble:
      return number || text;
    case Kind::kString:
      return true;
    case Kind::kEnum:
      return text || to.kind == TypeKind::kEnum;
    case Kind::kBytes:
    case Kind::kFixed:
      return text && to.collation == plan::kBinaryCollation;
    default:
      return false;
  }
}

class AvroTask final : public ReadTask {
 public:
  explicit AvroTask(std::shared_ptr<const AvroReadPlan> plan) : plan_(std::move(plan)) {}
  const std::string& file_name() const override { return plan_->file_name; }

  Result<Outcome> Run(engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                      const StopToken* stop) override;

 private:
  std::unexpected<Error> Corrupt(uint32_t number = kLhAvroCorrupt) const {
    return LhFail(number, {.file = plan_->file_name});
  }
  Result<std::string_view> Unpack(std::string_view packed, std::string* buffer) const;
  // False: the load ends; nullopt: corrupt.
  std::optional<bool> ReadValue(const AvroType& type, Decoder* in, TextConverter* converter,
                                uint32_t row, ColumnBuffer* out, IssueSink* sink) const;

  std::shared_ptr<const AvroReadPlan> plan_;
};

Result<std::string_view> AvroTask::Unpack(std::string_view packed, std::string* buffer) const {
  const std::string& codec = plan_->header.codec;
  const auto bad = [&](const char* reason) {
    return LhFail(kLhAvroDecoding, {.file = plan_->file_name, .detail = "block", .extra = reason});
  };
  if (codec == "null") return packed;
  if (codec == "deflate") {
    z_stream stream{};
    if (inflateInit2(&stream, -15) != Z_OK) return bad("out of memory");
    buffer->resize(std::min(kMaxBlock, packed.size() * 4 + 4096));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int status = Z_OK;
    for (;;) {
      stream.next_out = reinterpret_cast<Bytef*>(buffer->data() + stream.total_out);
      stream.avail_out = static_cast<uInt>(buffer->size() - stream.total_out);
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK || stream.avail_out != 0 || buffer->size() >= kMaxBlock) break;
      buffer->resize(std::min(kMaxBlock, buffer->size() * 2));
    }
    const size_t size = stream.total_out;
    inflateEnd(&stream);
    if (status != Z_STREAM_END) return bad("deflate failed");
    return std::string_view(buffer->data(), size);
  }
  if (codec == "snappy") {
    if (packed.size() < 4) return bad("snappy failed");
    const std::string_view body = packed.substr(0, packed.size() - 4);
    size_t size = 0;
    if (!snappy::GetUncompressedLength(body.data(), body.size(), &size) || size > kMaxBlock)
      return bad("snappy failed");
    buffer->resize(size);
    if (!snappy::RawUncompress(body.data(), body.size(), buffer->data()))
      return bad("snappy failed");
    uint32_t wanted = 0;
    for (const char c : packed.substr(packed.size() - 4))
      wanted = wanted << 8 | static_cast<uint8_t>(c);
    const auto crc = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(buffer->data()), static_cast<uInt>(size)));
    if (crc != wanted) return bad("the checksum is wrong");
    return std::string_view(*buffer);
  }
  // zstandard; the header's check allows nothing else.
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  buffer->resize(std::min(kMaxBlock, packed.size() * 4 + 4096));
  ZSTD_outBuffer output{buffer->data(), buffer->size(), 0};
  size_t left = 1;
  for (;;) {
    left = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(left) || left == 0) break;
    if (output.pos == output.size) {
      if (buffer->size() >= kMaxBlock) break;
      buffer->resize(std::min(kMaxBlock, buffer->size() * 2));
      output.dst = buffer->data();
      output.size = buffer->size();
    } else if (input.pos == input.size) {
      break;
    }
  }
  ZSTD_freeDCtx(context);
  if (left != 0) return bad("zstandard failed");
  return std::string_view(buffer->data(), output.pos);
}

std::optional<bool> AvroTask::ReadValue(const AvroType& type, Decoder* in, TextConverter* converter,
                                        uint32_t row, ColumnBuffer* out, IssueSink* sink) const {
  using Kind = AvroType::Kind;
  using Logical = AvroType::Logical;
  int64_t number = 0;
  std::string_view bytes;
  const auto micros = [&](int64_t value, bool utc) -> bool {
    if (utc &&
        __builtin_add_overflow(value, int64_t{plan_->rules.zone_offset_seconds} * 1000000, &value))
      return converter->StoreOutOfRange(std::to_string(number), row, out, sink);
    int64_t day = value / 86400000000;
    day -= value % 86400000000 < 0;
    const int64_t rest = value - day * 86400000000;
    const auto date =
        day < -719528 || day > 2932897 ? std::nullopt : mysqlsem::FromDays(day + 719528);
    if (!date) return converter->StoreOutOfRange(std::to_string(number), row, out, sink);
    const int64_t seconds = rest / 1000000;
    return converter->StoreDatetime(
        mysqlsem::DateToDatetime(*date) |
            ((seconds / 3600) << 12 | (seconds / 60 % 60) << 6 | seconds % 60) << 24 |
            rest % 1000000,
        row, out, sink);
  };
  switch (type.kind) {
    case Kind::kNull:
      return converter->ConvertNull(row, out, sink);
    case Kind::kBoolean: {
      if (!in->Bytes(1, &bytes) || static_cast<uint8_t>(bytes[0]) > 1) return std::nullopt;
      return converter->StoreInteger(bytes[0], row, out, sink);
    }
    case Kind::kInt:
    case Kind::kLong: {
      if (!in->Long(&number)) return std::nullopt;
      if (type.kind == Kind::kInt && (number < INT32_MIN || number > INT32_MAX))
        return std::nullopt;
      switch (type.logical) {
        case Logical::kDate: {
          const auto date = number < -719528 || number > 2932897
                                ? std::nullopt
                                : mysqlsem::FromDays(number + 719528);
          if (!date) return converter->StoreOutOfRange(std::to_string(number), row, out, sink);
          return converter->StoreDate(*date, row, out, sink);
        }
        case Logical::kTimeMillis:
        case Logical::kTimeMicros: {
          const int64_t scale = type.logical == Logical::kTimeMillis ? 1000 : 1;
          if (number < 0 || number >= 86400000000 / scale)
            return converter->StoreOutOfRange(std::to_string(number), row, out, sink);
          const int64_t value = number * scale, seconds = value / 1000000;
          return converter->StoreTime(
              mysqlsem::PackTime(false, static_cast<uint32_t>(seconds / 3600),
                                 static_cast<uint32_t>(seconds / 60 % 60),
                                 static_cast<uint32_t>(seconds % 60),
                                 static_cast<uint32_t>(value % 1000000)),
              row, out, sink);
        }
        case Logical::kTimestampMillis:
        case Logical::kLocalMillis: {
          int64_t value;
          if (__builtin_mul_overflow(number, int64_t{1000}, &value))
            return converter->StoreOutOfRange(std::to_string(number), row, out, sink);
          return micros(value, type.logical == Logical::kTimestampMillis);
        }
        case Logical::kTimestampMicros:
          return micros(number, true);
        case Logical::kLocalMicros:
          return micros(number, false);
        default:
          return converter->StoreInteger(number, row, out, sink);
      }
    }
    case Kind::kFloat: {
      float value;
      if (!in->Raw(&value)) return std::nullopt;
      const TypeKind to = converter->target().schema.type.kind;
      if (to == TypeKind::kFloat || to == TypeKind::kDouble || value != value || value - value != 0)
        return converter->StoreDouble(value, row, out, sink);
      return converter->Convert(mysqlsem::FormatFloat(value), row, out, sink);
    }
    case Kind::kDouble: {
      double value;
      if (!in->Raw(&value)) return std::nullopt;
      return converter->StoreDouble(value, row, out, sink);
    }
    case Kind::kBytes:
    case Kind::kFixed: {
      const bool read =
          type.kind == Kind::kBytes ? in->Text(&bytes) : in->Bytes(type.fixed_size, &bytes);
      if (!read) return std::nullopt;
      if (type.logical != Logical::kDecimal) return converter->Convert(bytes, row, out, sink);
      std::string_view digits = bytes;
      const char fill = !digits.empty() && (digits[0] & 0x80) != 0 ? '\xFF' : '\0';
      while (digits.size() > 16 && digits[0] == fill) digits.remove_prefix(1);
      if (digits.size() > 16 || type.scale > 30)
        return converter->StoreOutOfRange("decimal", row, out, sink);
      unsigned __int128 sum = fill != 0 ? ~static_cast<unsigned __int128>(0) : 0;
      for (const char c : digits) sum = sum << 8 | static_cast<uint8_t>(c);
      return converter->StoreDecimal(
          mysqlsem::BigDecimal::FromScaled(static_cast<int128>(sum), type.scale), row, out, sink,
          {});
    }
    case Kind::kString:
      if (!in->Text(&bytes)) return std::nullopt;
      return converter->Convert(bytes, row, out, sink);
    case Kind::kEnum:
      if (!in->Long(&number) || number < 0 || static_cast<size_t>(number) >= type.symbols.size())
        return std::nullopt;
      return converter->Convert(type.symbols[number], row, out, sink);
    default:
      return std::nullopt;
  }
}

Result<ReadTask::Outcome> AvroTask::Run(engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                                        const StopToken* stop) {
  const AvroReadPlan& plan = *plan_;
  const std::vector<ColumnTarget>& targets = *plan.targets;
  Outcome outcome;
  RangeSource source(plan.store, plan.object, plan.header.data_offset, plan.object.size);
  std::string buffer, unpacked;
  size_t at = 0;
  bool ended = false;
  // Makes `size` bytes available behind `at`; false: the file is too short.
  const auto need = [&](size_t size) -> Result<bool> {
    while (buffer.size() - at < size && !ended) {
      ASSIGN_OR_RETURN(const std::string_view block, source.Next());
      ended = block.empty();
      buffer.erase(0, at);
      at = 0;
      buffer.append(block);
    }
    return buffer.size() - at >= size;
  };
  RowBatch batch(targets);
  Issues issues(plan.rules.strict, log);
  std::vector<TextConverter> converters;
  converters.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i)
    converters.emplace_back(targets[i], plan.rules, static_cast<int32_t>(i));
  std::vector<int32_t> column_of_field(plan.header.fields.size(), -1);
  for (size_t i = 0; i < targets.size(); ++i)
    if (plan.field_of_column[i] >= 0)
      column_of_field[plan.field_of_column[i]] = static_cast<int32_t>(i);
  uint32_t row = 0;
  for (;;) {
    if (stop != nullptr && stop->stopped())
      return MakeError(ErrorCode::kCancelled, "the load was cancelled");
    // Count and size of a block take at most ten bytes each; the sync mark alone is longer than the
    // second.
    ASSIGN_OR_RETURN(const bool some, need(1));
    if (!some) break;
    RETURN_IF_ERROR(need(20));
    Decoder head(std::string_view(buffer).substr(at, 20));
    int64_t count, size;
    if (!head.Long(&count) || !head.Long(&size)) return Corrupt(kLhAvroEndsUnexpectedly);
    if (size < 0 || static_cast<uint64_t>(size) > kMaxBlock) return Corrupt(kLhAvroBlockSize);
    at += head.position();
    ASSIGN_OR_RETURN(const bool whole, need(static_cast<size_t>(size) + 16));
    if (!whole) return Corrupt(kLhAvroEndsUnexpectedly);
    const std::string_view packed = std::string_view(buffer).substr(at, static_cast<size_t>(size));
    if (std::string_view(buffer).substr(at + packed.size(), 16) != plan.header.sync)
      return Corrupt();
    ASSIGN_OR_RETURN(const std::string_view block, Unpack(packed, &unpacked));
    // Records of no bytes could be claimed without end.
    if (count < 0 || static_cast<uint64_t>(count) > block.size()) return Corrupt(kLhAvroBlockCount);
    Decoder in(block);
    for (int64_t i = 0; i < count; ++i) {
      for (size_t field = 0; field < plan.header.fields.size(); ++field) {
        const AvroType& type = *plan.header.fields[field].type;
        const int32_t column = column_of_field[field];
        if (column < 0) {
          if (!in.Skip(type)) return Corrupt();
          continue;
        }
        int64_t null_branch, branch = -1;
        const AvroType* plain = PlainType(type, &null_branch);
        if (type.kind == AvroType::Kind::kUnion &&
            (!in.Long(&branch) || branch < 0 || static_cast<size_t>(branch) >= type.parts.size()))
          return Corrupt();
        std::optional<bool> stored;
        if (branch >= 0 && branch == null_branch) {
          stored = converters[column].ConvertNull(row, &batch.column(column), &issues);
        } else {
          stored = ReadValue(*plain, &in, &converters[column], row, &batch.column(column), &issues);
        }
        if (!stored) return Corrupt();
        if (!*stored) {
          outcome.error = issues.error();
          return outcome;
        }
      }
      for (size_t column = 0; column < targets.size(); ++column) {
        if (plan.field_of_column[column] >= 0) continue;
        const bool stored =
            targets[column].is_filename
                ? converters[column].Convert(plan.file_name, row, &batch.column(column), &issues)
                : converters[column].ConvertMissing(row, &batch.column(column), &issues);
        if (!stored) {
          outcome.error = issues.error();
          return outcome;
        }
      }
      if (++row == batch.max_rows()) {
        RETURN_IF_ERROR(batch.Flush(row, writer));
        outcome.num_rows += row;
        row = 0;
        issues.set_first_row(outcome.num_rows);
        if (stop != nullptr && stop->stopped())
          return MakeError(ErrorCode::kCancelled, "the load was cancelled");
      }
    }
    if (!in.AtEnd()) return Corrupt();
    at += packed.size() + 16;
    // A batch holds a block of at most 64 MB: hand it over before the next.
    RETURN_IF_ERROR(batch.Flush(row, writer));
    outcome.num_rows += row;
    row = 0;
    issues.set_first_row(outcome.num_rows);
  }
  outcome.num_bytes = plan.object.size;
  return outcome;
}

}  // namespace

Result<AvroHeader> ReadAvroHeader(ObjectStore* store, const ObjectMeta& object,
                                  const std::string& shown) {
  if (object.size == 0) return LhFail(kLhEmptyFile, {.file = shown});
  std::string bytes(std::min<uint64_t>(object.size, kMaxHeader), '\0');
  RETURN_IF_ERROR(store->Read(object, 0, bytes));
  if (!bytes.starts_with(std::string_view("Obj\x01", 4)))
    return LhFail(kLhNoMagicBytes, {.file = shown, .detail = "Avro"});
  Decoder in(std::string_view(bytes).substr(4));
  const auto bad = [&] { return LhFail(kLhAvroHeaderMetadata, {.file = shown}); };
  AvroHeader header;
  header.codec = "null";
  std::optional<std::string> schema;
  for (;;) {
    int64_t count, size;
    if (!in.Long(&count)) return bad();
    if (count == 0) break;
    if (count < 0) {
      if (count == INT64_MIN || !in.Long(&size)) return bad();
      count = -count;
    }
    if (static_cast<uint64_t>(count) > bytes.size()) return bad();
    for (; count > 0; --count) {
      std::string_view key, value;
      if (!in.Text(&key) || !in.Text(&value)) return bad();
      if (key == "avro.schema") schema = std::string(value);
      if (key == "avro.codec") header.codec = value;
    }
  }
  std::string_view sync;
  if (!in.Bytes(16, &sync)) return bad();
  header.sync = sync;
  header.data_offset = 4 + in.position();
  if (!schema) return LhFail(kLhAvroNoSchema, {.file = shown});
  if (header.codec.empty()) header.codec = "null";
  if (header.codec != "null" && header.codec != "deflate" && header.codec != "snappy" &&
      header.codec != "zstandard") {
    return LhFail(kLhAvroDecoding, {.file = shown,
                                    .detail = "codec",
                                    .extra = "It is not null, deflate, snappy or zstandard."});
  }
  ASSIGN_OR_RETURN(header.fields, ParseAvroSchema(*schema, shown));
  return header;
}

Result<void> CheckAvroTypes(const AvroReadPlan& plan) {
  for (size_t i = 0; i < plan.targets->size(); ++i) {
    const int32_t index = plan.field_of_column[i];
    if (index < 0) continue;
    const ColumnTarget& target = (*plan.targets)[i];
    const auto column = static_cast<int32_t>(i);
    int64_t null_branch;
    const AvroType* type = PlainType(*plan.header.fields[index].type, &null_branch);
    if (type == nullptr || type->kind == AvroType::Kind::kUnion)
      return LhFail(kLhAvroInvalidUnion, {.column = column, .file = plan.file_name});
    if (!Fits(*type, target)) {
      const std::string name = AvroTypeName(*type), wanted = TargetTypeName(target);
      return LhFail(kLhAvroCannotConvert,
                    {.column = column, .file = plan.file_name, .detail = name, .extra = wanted});
    }
  }
  return {};
}

std::unique_ptr<ReadTask> MakeAvroTask(std::shared_ptr<const AvroReadPlan> plan) {
  return std::make_unique<AvroTask>(std::move(plan));
}

}  // namespace sirocco::lakehouse
