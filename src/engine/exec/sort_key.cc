#include "engine/exec/sort_key.h"

#include <algorithm>
#include <bit>

#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

uint64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
  return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}

void AppendBigEndian(uint64_t value, std::string* out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  out->append(bytes, 8);
}

}  // namespace

Result<std::unique_ptr<SortKeyEncoder>> SortKeyEncoder::Create(
    const std::vector<plan::SortKey>& keys, const BatchLayout& input, QueryContext* context) {
  auto encoder = std::make_unique<SortKeyEncoder>();
  std::vector<plan::ExprPtr> exprs;
  for (const plan::SortKey& key : keys) exprs.push_back(key.expr);
  if (!exprs.empty()) {
    ASSIGN_OR_RETURN(encoder->expressions_, Expression::Compile(exprs, input, context));
  }
  uint32_t bits = 0;
  for (size_t k = 0; k < keys.size(); ++k) {
    const ColumnInfo& info = encoder->expressions_->outputs()[k];
    const plan::Type& type = keys[k].expr->type;
    Part part{.descending = keys[k].descending,
              .nullable = info.nullable,
              .is_unsigned = type.IsUnsigned()};
    switch (info.lane) {
      case Lane::kI64:
        if (info.range.known && info.range.min >= INT64_MIN && info.range.max <= INT64_MAX &&
            info.range.min <= info.range.max && info.range.max - info.range.min < INT64_MAX) {
          part.min = static_cast<int64_t>(info.range.min);
          part.max_offset = static_cast<uint64_t>(info.range.max - info.range.min) + part.nullable;
          part.bits = static_cast<uint32_t>(std::bit_width(part.max_offset));
        } else {
          part.min = part.is_unsigned ? 0 : INT64_MIN;
          part.max_offset = ~uint64_t{0};
          part.bits = 64 + part.nullable;
        }
        break;
      case Lane::kCode:
        if (info.dictionary->sorted()) {
          part.form = Form::kCode;
          part.classes = info.dictionary->classes();
          part.max_offset = std::max<uint64_t>(info.dictionary->size(), 1) - 1 + part.nullable;
          part.bits = static_cast<uint32_t>(std::bit_width(part.max_offset));
          break;
        }
        [[fallthrough]];
      case Lane::kStr:
        if (type.kind == plan::TypeKind::kDecimal) {
          part.form =
              Form::kBytes;  // MySQL's packed decimals of one precision and scale compare as bytes
        } else if (type.IsString()) {
          part.form = Form::kString;
          part.collation = mysqlsem::FindCollation(type.collation);
          if (part.collation == nullptr || !part.collation->has_sort_key())
            return NotSupported("ORDER BY with collation " + std::to_string(type.collation));
        } else {
          return NotSupported("ORDER BY " + plan::TypeName(type));
        }
        part.bits = 65;
        break;
      case Lane::kF64:
        part.form = Form::kDouble;
        part.max_offset = ~uint64_t{0};
        part.bits = 64 + part.nullable;
        break;
      case Lane::kI128:
        part.form = Form::kInt128;
        part.bits = 128;
        break;
    }
    bits += part.bits;
    encoder->parts_.push_back(part);
  }
  encoder->packed_ = bits <= 64;
  encoder->packed_bits_ = bits;
  return encoder;
}

SortKeyEncoder::State::State(const SortKeyEncoder& encoder) : vectors_(encoder.parts_.size()) {
  if (encoder.expressions_ != nullptr) expression_ = encoder.expressions_->MakeState();
}

Result<void> SortKeyEncoder::Evaluate(const Batch& batch, State* state) const {
  if (expressions_ == nullptr) return {};
  return expressions_->Evaluate(batch, state->expression_.get(), state->vectors_);
}

// The value's place in the part's ascending order, counted from 0; NULL is 0 of a nullable part that
// can be packed. Wider parts need all 64 bits for values: Bytes() writes their NULL apart.
uint64_t SortKeyEncoder::Offset(const Part& part, const Vector& in, uint32_t row) {
  if (in.nulls != nullptr && in.nulls[row]) return 0;
  const uint64_t null_places = part.nullable && part.bits <= 64 ? 1 : 0;
  switch (part.form) {
    case Form::kInteger:
      return static_cast<uint64_t>(in.i64()[row]) - static_cast<uint64_t>(part.min) + null_places;
    case Form::kCode: {
      const uint32_t code = in.code()[row];
      return uint64_t{part.classes != nullptr ? part.classes[code] : code} + null_places;
    }
    default:
      return OrderedBits(in.f64()[row]);
  }
}

void SortKeyEncoder::Pack(uint32_t count, State* state, uint64_t* keys) const {
  std::fill_n(keys, count, 0);
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Part& part = parts_[p];
    const Vector& in = state->vectors_[p];
    if (part.bits == 0) continue;
    const uint32_t shift = part.bits & 63;  // a part of 64 bits stands alone, over zeros
    const uint64_t flip_from = part.max_offset;
    for (uint32_t i = 0; i < count; ++i) {
      uint64_t offset = Offset(part, in, in.constant ? 0 : i);
      if (part.descending) offset = flip_from - offset;
      keys[i] = (keys[i] << shift) | offset;
    }
  }
}

std::string_view SortKeyEncoder::Bytes(uint32_t row, State* state) const {
  std::string& out = state->scratch_;
  out.clear();
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Part& part = parts_[p];
    const Vector& in = state->vectors_[p];
    const uint32_t at = in.constant ? 0 : row;
    const size_t begin = out.size();
    const bool null = in.nulls != nullptr && in.nulls[at];
    if (part.nullable) out.push_back(null ? 0 : 1);
    if (!null) {
      switch (part.form) {
        case Form::kInteger:
        case Form::kCode:
        case Form::kDouble:
          AppendBigEndian(Offset(part, in, at), &out);
          break;
        case Form::kInt128: {
          const int128 value = in.i128()[at];
          AppendBigEndian(static_cast<uint64_t>(value >> 64) ^ (uint64_t{1} << 63), &out);
          AppendBigEndian(static_cast<uint64_t>(value), &out);
          break;
        }
        case Form::kBytes:
          out.append(in.str()[at].view());
          break;
        case Form::kString: {
          const std::string_view text =
              in.lane == Lane::kCode ? in.dictionary->value(in.code()[at]) : in.str()[at].view();
          const size_t start = out.size();
          part.collation->AppendSortKey(text, &out);
          // Ends with 00 00, and 00 inside becomes 00 01, so that a later part never decides over a
          // prefix.
          for (size_t i = out.find('\0', start); i != std::string::npos; i = out.find('\0', i + 2))
            out.insert(i + 1, 1, '\1');
          out.append(2, '\0');
          break;
        }
      }
    }
    if (part.descending) {
      for (size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
    }
  }
  return out;
}

}  // namespace sirocco::engine
