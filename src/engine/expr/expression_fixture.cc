#include "engine/expr/expression_fixture.h"

#include <cstdio>

#include "engine/storage/dictionary.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

plan::ColumnId TestBatch::Add(TestColumn column) {
  const plan::ColumnId id = static_cast<plan::ColumnId>(layout.columns.size()) + 1;
  const size_t n = std::max({column.integers.size(), column.reals.size(), column.strings.size()});
  ColumnInfo info{.id = id, .type = column.type, .lane = column.lane};
  info.range = column.range;
  info.dictionary = column.dictionary.get();
  auto buffer = std::make_unique<VectorBuffer>(column.lane, kVectorSize);
  Vector vector = buffer->Flat();
  vector.dictionary = column.dictionary.get();
  vector.constant = column.constant;
  auto texts = std::make_unique<std::vector<std::string>>();
  texts->reserve(n);
  for (size_t i = 0; i < n; ++i) {
    bool is_null = false;
    if (column.lane == Lane::kF64) {
      is_null = !column.reals[i];
      // A NULL row's value is unspecified; garbage shows who looks at it.
      vector.f64()[i] = column.reals[i].value_or(1e308);
    } else if (column.lane == Lane::kStr) {
      is_null = !column.strings[i];
      texts->push_back(column.strings[i].value_or("garbage"));
      vector.str()[i] = {texts->back().data(), static_cast<uint32_t>(texts->back().size()), 0};
    } else {
      is_null = !column.integers[i];
      const int128 v = column.integers[i].value_or(column.lane == Lane::kCode ? 0 : INT64_MAX);
      if (column.lane == Lane::kI64) vector.i64()[i] = static_cast<int64_t>(v);
      if (column.lane == Lane::kI128) vector.i128()[i] = v;
      if (column.lane == Lane::kCode) vector.code()[i] = static_cast<uint32_t>(v);
    }
    if (is_null && vector.nulls == nullptr) {
      vector.nulls = buffer->Nulls();
      std::memset(vector.nulls, 0, kVectorSize);
    }
    if (is_null) vector.nulls[i] = 1;
  }
  info.nullable = column.type.nullable;
  batch.vectors.push_back(vector);
  if (!column.constant) batch.count = static_cast<uint32_t>(n);
  layout.columns.push_back(info);
  columns.push_back(std::move(column));
  buffers_.push_back(std::move(buffer));
  strings_.push_back(std::move(texts));
  return id;
}

ExprPtr TestBatch::Ref(plan::ColumnId id) const {
  return plan::ColumnRef(id, layout.columns[id - 1].type);
}

plan::ColumnId TestBatch::AddDictionary(const Type& type,
                                        const std::vector<std::optional<std::string>>& values) {
  mysqlsem::InitializeCollations();
  std::vector<StringRef> refs;
  std::vector<std::string> distinct;
  for (const auto& v : values)
    if (v && std::find(distinct.begin(), distinct.end(), *v) == distinct.end())
      distinct.push_back(*v);
  for (const std::string& s : distinct)
    refs.push_back({s.data(), static_cast<uint32_t>(s.size()), 0});
  auto pool = std::make_shared<MemoryPool>("test");
  auto built =
      DictionaryBuilder::Build({&refs}, mysqlsem::FindCollation(type.collation), 1 << 30, pool);
  TestColumn column{.type = type, .lane = Lane::kCode};
  column.dictionary = built->dictionary;
  for (const auto& v : values) {
    if (!v) {
      column.integers.push_back(std::nullopt);
      continue;
    }
    const size_t index =
        static_cast<size_t>(std::find(distinct.begin(), distinct.end(), *v) - distinct.begin());
    column.integers.push_back(built->remaps[0][index]);
  }
  return Add(std::move(column));
}

std::string ResultText(const Vector& v, uint32_t row, const ColumnInfo& info) {
  const uint32_t i = v.constant ? 0 : row;
  switch (v.lane) {
    case Lane::kF64: {
      char text[40];
      return std::string(
          text, static_cast<size_t>(std::snprintf(text, sizeof text, "%.17g", v.f64()[i])));
    }
    case Lane::kStr:
      if (info.type.kind == plan::TypeKind::kDecimal) {
        mysqlsem::BigDecimal big;
        mysqlsem::BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(v.str()[i].data),
                                         info.type.precision, info.type.scale, &big);
        return big.ToString();
      }
      return std::string(v.str()[i].view());
    case Lane::kCode:
      return std::string(v.dictionary->value(v.code()[i]));
    default: {
      const int128 value = v.lane == Lane::kI128    ? v.i128()[i]
                           : info.type.IsUnsigned() ? static_cast<int128>(v.u64()[i])
                                                    : static_cast<int128>(v.i64()[i]);
      return mysqlsem::ScaledToString(
          value, info.type.kind == plan::TypeKind::kDecimal ? info.type.scale : 0);
    }
  }
}

Evaluation Evaluate(const TestBatch& input, const ExprPtr& expr, bool select,
                    const plan::Plan* plan) {
  static const plan::Plan kDefaults = [] {
    plan::Plan p;
    p.sql_mode = uint64_t{1} << 26;  // ERROR_FOR_DIVISION_BY_ZERO
    return p;
  }();
  mysqlsem::InitializeCollations();
  MemoryPool pool("test");
  QueryContext context(plan != nullptr ? plan : &kDefaults, &pool, 1);
  Evaluation out;
  auto compiled = Expression::Compile(expr, input.layout, &context);
  if (!compiled) {
    out.error = compiled.error();
    return out;
  }
  out.info = (*compiled)->outputs()[0];
  auto state = (*compiled)->MakeState();
  Vector result;
  auto warm = (*compiled)->Evaluate(input.batch, state.get(), {&result, 1});
  const auto first = context.warnings();
  if (warm) warm = (*compiled)->Evaluate(input.batch, state.get(), {&result, 1});
  out.warnings = first;
  if (!warm) {
    out.error = warm.error();
    return out;
  }
  for (uint32_t i = 0; i < input.batch.count; ++i) {
    const bool is_null = result.nulls != nullptr && result.nulls[result.constant ? 0 : i];
    out.rows.push_back(is_null ? std::nullopt
                               : std::optional<std::string>(ResultText(result, i, out.info)));
  }
  if (select) {
    out.selected.resize(input.batch.count);
    auto n = (*compiled)->Select(input.batch, state.get(), out.selected.data());
    if (!n) {
      out.error = n.error();
    } else {
      out.selected.resize(*n);
    }
  }
  return out;
}

std::string EvaluateConstant(const ExprPtr& expr, const plan::Plan* plan) {
  TestBatch one;
  one.batch.count = 1;
  const Evaluation e = Evaluate(one, expr, false, plan);
  if (e.error) return "error " + std::to_string(e.error->mysql_errno) + ": " + e.error->message;
  return e.rows[0].value_or("NULL");
}

ExprPtr Dec(const std::string& text, int precision, int scale) {
  mysqlsem::BigDecimal big;
  mysqlsem::BigDecimal::FromString(text, &big);
  const Type type =
      plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale), false);
  if (precision > 38) {
    uint8_t packed[40];
    big.ToPacked(precision, scale, packed);
    return Constant(Value::Bytes(std::string(
                        reinterpret_cast<char*>(packed),
                        static_cast<size_t>(mysqlsem::PackedDecimalSize(precision, scale)))),
                    type);
  }
  int128 v = 0;
  big.ToScaled(scale, &v);
  return Constant(Value::Int(v), type);
}

}  // namespace sirocco::engine
