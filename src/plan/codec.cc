#include "plan/codec.h"

#include "plan/validate.h"

namespace sirocco::plan {

namespace {

// Deeper trees than any statement the server accepts; keeps the recursion of hostile input bounded.
constexpr int kMaxDepth = 2000;
constexpr uint16_t kFormatVersion = 2;

void EncodeExpr(const ExprPtr& expr, ByteWriter* out) {
  out->Put<uint8_t>(expr != nullptr);
  if (expr == nullptr) return;
  out->Put(static_cast<uint16_t>(expr->op));
  EncodeType(expr->type, out);
  out->Put(expr->column);
  if (expr->op == ExprOp::kConstant) EncodeValue(expr->constant, out);
  out->Put(expr->collation);
  out->Put(expr->unit);
  out->PutString(expr->label);
  out->Put(static_cast<uint32_t>(expr->args.size()));
  for (const ExprPtr& arg : expr->args) EncodeExpr(arg, out);
}

ExprPtr DecodeExpr(ByteReader* in, int depth = 0) {
  if (depth > kMaxDepth) in->Fail();
  if (!in->GetBool() || !in->ok()) return nullptr;
  auto expr = std::make_shared<Expr>();
  const auto op = in->Get<uint16_t>();
  if (!IsKnownExprOp(op)) in->Fail();
  expr->op = static_cast<ExprOp>(op);
  expr->type = DecodeType(in);
  expr->column = in->Get<uint32_t>();
  if (expr->op == ExprOp::kConstant) expr->constant = DecodeValue(in);
  expr->collation = in->Get<uint32_t>();
  expr->unit = in->Get<uint32_t>();
  expr->label = in->GetString();
  const uint32_t num_args = in->GetCount();
  for (uint32_t i = 0; i < num_args && in->ok(); ++i) {
    expr->args.push_back(DecodeExpr(in, depth + 1));
    if (expr->args.back() == nullptr) in->Fail();
  }
  return expr;
}

template <typename T, typename Function>
void EncodeList(const std::vector<T>& list, ByteWriter* out, Function encode) {
  out->Put(static_cast<uint32_t>(list.size()));
  for (const T& element : list) encode(element);
}

template <typename T, typename Function>
void DecodeList(std::vector<T>* list, ByteReader* in, Function decode) {
  const uint32_t count = in->GetCount();
  for (uint32_t i = 0; i < count && in->ok(); ++i) list->push_back(decode());
}

void EncodeSortKeys(const std::vector<SortKey>& keys, ByteWriter* out) {
  EncodeList(keys, out, [&](const SortKey& key) {
    EncodeExpr(key.expr, out);
    out->Put<uint8_t>(key.descending);
  });
}

ExprPtr DecodeRequiredExpr(ByteReader* in) {
  ExprPtr expr = DecodeExpr(in);
  if (expr == nullptr) in->Fail();
  return expr;
}

void DecodeSortKeys(std::vector<SortKey>* keys, ByteReader* in) {
  DecodeList(keys, in, [&] {
    SortKey key;
    key.expr = DecodeRequiredExpr(in);
    key.descending = in->GetBool();
    return key;
  });
}

void EncodeNamed(const std::vector<NamedExpr>& list, ByteWriter* out) {
  EncodeList(list, out, [&](const NamedExpr& named) {
    out->Put(named.id);
    EncodeExpr(named.expr, out);
  });
}

void DecodeNamed(std::vector<NamedExpr>* list, ByteReader* in) {
  DecodeList(list, in, [&] {
    NamedExpr named;
    named.id = in->Get<uint32_t>();
    named.expr = DecodeRequiredExpr(in);
    return named;
  });
}

void EncodeColumns(const std::vector<std::pair<ColumnId, Type>>& columns, ByteWriter* out) {
  EncodeList(columns, out, [&](const auto& column) {
    out->Put(column.first);
    EncodeType(column.second, out);
  });
}

void DecodeColumns(std::vector<std::pair<ColumnId, Type>>* columns, ByteReader* in) {
  DecodeList(columns, in, [&] {
    const auto id = in->Get<uint32_t>();
    return std::pair(id, DecodeType(in));
  });
}

void EncodeAggregate(const Aggregate& aggregate, ByteWriter* out) {
  out->Put(aggregate.id);
  out->Put(static_cast<uint8_t>(aggregate.function));
  out->Put<uint8_t>(aggregate.distinct);
  EncodeList(aggregate.args, out, [&](const ExprPtr& arg) { EncodeExpr(arg, out); });
  EncodeType(aggregate.type, out);
  EncodeSortKeys(aggregate.order_by, out);
  out->PutString(aggregate.separator);
}

Aggregate DecodeAggregate(ByteReader* in) {
  Aggregate aggregate;
  aggregate.id = in->Get<uint32_t>();
  aggregate.function =
      in->GetEnum(AggregateFunction::kCountStar, AggregateFunction::kJsonObjectAgg);
  aggregate.distinct = in->GetBool();
  DecodeList(&aggregate.args, in, [&] { return DecodeRequiredExpr(in); });
  aggregate.type = DecodeType(in);
  DecodeSortKeys(&aggregate.order_by, in);
  aggregate.separator = in->GetString();
  return aggregate;
}

void EncodeWindowCall(const WindowCall& call, ByteWriter* out) {
  out->Put(call.id);
  out->Put(static_cast<uint8_t>(call.function));
  EncodeAggregate(call.aggregate, out);
  EncodeList(call.args, out, [&](const ExprPtr& arg) { EncodeExpr(arg, out); });
  EncodeType(call.type, out);
  out->Put(static_cast<uint8_t>(call.unit));
  out->Put(static_cast<uint8_t>(call.start));
  out->Put(static_cast<uint8_t>(call.end));
  EncodeExpr(call.start_offset, out);
  EncodeExpr(call.end_offset, out);
  out->Put<uint8_t>(call.from_last);
  out->Put<uint8_t>(call.ignore_nulls);
}

WindowCall DecodeWindowCall(ByteReader* in) {
  WindowCall call;
  call.id = in->Get<uint32_t>();
  call.function = in->GetEnum(WindowFunction::kAggregate, WindowFunction::kNthValue);
  call.aggregate = DecodeAggregate(in);
  DecodeList(&call.args, in, [&] { return DecodeRequiredExpr(in); });
  call.type = DecodeType(in);
  call.unit = in->GetEnum(FrameUnit::kRows, FrameUnit::kRange);
  call.start = in->GetEnum(FrameBound::kUnboundedPreceding, FrameBound::kUnboundedFollowing);
  call.end = in->GetEnum(FrameBound::kUnboundedPreceding, FrameBound::kUnboundedFollowing);
  call.start_offset = DecodeExpr(in);
  call.end_offset = DecodeExpr(in);
  call.from_last = in->GetBool();
  call.ignore_nulls = in->GetBool();
  return call;
}

void EncodeNode(const Node& node, ByteWriter* out) {
  out->Put(static_cast<uint8_t>(node.kind));
  out->Put(static_cast<uint32_t>(node.inputs.size()));
  for (const NodePtr& input : node.inputs) EncodeNode(*input, out);
  out->Put(node.estimated_rows);
  out->Put(node.id);
  switch (node.kind) {
    case NodeKind::kScan:
      out->Put(node.table);
      out->PutString(node.table_name);
      EncodeList(node.scan_columns, out, [&](const ScanColumn& column) {
        out->Put(column.id);
        out->Put(column.column);
        EncodeType(column.type, out);
      });
      EncodeExpr(node.predicate, out);
      break;
    case NodeKind::kFilter:
      EncodeExpr(node.predicate, out);
      break;
    case NodeKind::kProject:
      EncodeNamed(node.expressions, out);
      break;
    case NodeKind::kJoin:
      out->Put(static_cast<uint8_t>(node.join_kind));
      EncodeList(node.join_keys, out, [&](const JoinKey& key) {
        EncodeExpr(key.left, out);
        EncodeExpr(key.right, out);
        out->Put(key.collation);
        out->Put<uint8_t>(key.null_safe);
      });
      EncodeExpr(node.predicate, out);
      out->Put<uint8_t>(node.keep_order);
      break;
    case NodeKind::kAggregate:
      EncodeNamed(node.groups, out);
      EncodeList(node.aggregates, out, [&](const Aggregate& a) { EncodeAggregate(a, out); });
      out->Put<uint8_t>(node.rollup);
      EncodeList(node.grouping_ids, out, [&](ColumnId id) { out->Put(id); });
      break;
    case NodeKind::kSort:
    case NodeKind::kLimit:
      EncodeSortKeys(node.sort_keys, out);
      out->Put(node.limit);
      out->Put(node.offset);
      break;
    case NodeKind::kSetOperation:
      out->Put(static_cast<uint8_t>(node.set_operation));
      EncodeColumns(node.set_outputs, out);
      EncodeList(node.set_inputs, out, [&](const std::vector<ColumnId>& ids) {
        EncodeList(ids, out, [&](ColumnId id) { out->Put(id); });
      });
      break;
    case NodeKind::kValues:
      EncodeColumns(node.value_columns, out);
      out->Put(static_cast<uint32_t>(node.rows.size()));
      for (const auto& row : node.rows)
        EncodeList(row, out, [&](const Value& value) { EncodeValue(value, out); });
      break;
    case NodeKind::kSharedScan:
      out->Put(node.shared);
      EncodeList(node.shared_columns, out, [&](const auto& column) {
        out->Put(column.first);
        out->Put(column.second);
      });
      break;
    case NodeKind::kWindow:
      EncodeList(node.partition_by, out, [&](const ExprPtr& expr) { EncodeExpr(expr, out); });
      EncodeSortKeys(node.window_order, out);
      EncodeList(node.windows, out, [&](const WindowCall& call) { EncodeWindowCall(call, out); });
      break;
  }
}

NodePtr DecodeNode(ByteReader* in, int depth = 0) {
  if (depth > kMaxDepth) in->Fail();
  auto node = std::make_shared<Node>();
  node->kind = in->GetEnum(NodeKind::kScan, NodeKind::kWindow);
  const uint32_t num_inputs = in->GetCount();
  for (uint32_t i = 0; i < num_inputs && in->ok(); ++i)
    node->inputs.push_back(DecodeNode(in, depth + 1));
  if (!in->ok()) return node;
  node->estimated_rows = in->Get<double>();
  node->id = in->Get<uint32_t>();
  switch (node->kind) {
    case NodeKind::kScan:
      node->table = in->Get<uint64_t>();
      node->table_name = in->GetString();
      DecodeList(&node->scan_columns, in, [&] {
        ScanColumn column;
        column.id = in->Get<uint32_t>();
        column.column = in->Get<uint32_t>();
        column.type = DecodeType(in);
        return column;
      });
      node->predicate = DecodeExpr(in);
      break;
    case NodeKind::kFilter:
      node->predicate = DecodeRequiredExpr(in);
      break;
    case NodeKind::kProject:
      DecodeNamed(&node->expressions, in);
      break;
    case NodeKind::kJoin:
      node->join_kind = in->GetEnum(JoinKind::kInner, JoinKind::kNullAwareAnti);
      DecodeList(&node->join_keys, in, [&] {
        JoinKey key;
        key.left = DecodeRequiredExpr(in);
        key.right = DecodeRequiredExpr(in);
        key.collation = in->Get<uint32_t>();
        key.null_safe = in->GetBool();
        return key;
      });
      node->predicate = DecodeExpr(in);
      node->keep_order = in->GetBool();
      break;
    case NodeKind::kAggregate:
      DecodeNamed(&node->groups, in);
      DecodeList(&node->aggregates, in, [&] { return DecodeAggregate(in); });
      node->rollup = in->GetBool();
      DecodeList(&node->grouping_ids, in, [&] { return in->Get<uint32_t>(); });
      break;
    case NodeKind::kSort:
    case NodeKind::kLimit:
      DecodeSortKeys(&node->sort_keys, in);
      node->limit = in->Get<uint64_t>();
      node->offset = in->Get<uint64_t>();
      break;
    case NodeKind::kSetOperation:
      node->set_operation = in->GetEnum(SetOperation::kUnionAll, SetOperation::kExceptAll);
      DecodeColumns(&node->set_outputs, in);
      DecodeList(&node->set_inputs, in, [&] {
        std::vector<ColumnId> ids;
        DecodeList(&ids, in, [&] { return in->Get<uint32_t>(); });
        return ids;
      });
      break;
    case NodeKind::kValues: {
      DecodeColumns(&node->value_columns, in);
      // A row without columns takes four bytes (its count).
      const uint32_t num_rows = in->GetCount(4);
      for (uint32_t i = 0; i < num_rows && in->ok(); ++i) {
        std::vector<Value> row;
        DecodeList(&row, in, [&] { return DecodeValue(in); });
        node->rows.push_back(std::move(row));
      }
      break;
    }
    case NodeKind::kSharedScan:
      node->shared = in->Get<uint32_t>();
      DecodeList(&node->shared_columns, in, [&] {
        const auto here = in->Get<uint32_t>();
        return std::pair(here, in->Get<uint32_t>());
      });
      break;
    case NodeKind::kWindow:
      DecodeList(&node->partition_by, in, [&] { return DecodeRequiredExpr(in); });
      DecodeSortKeys(&node->window_order, in);
      DecodeList(&node->windows, in, [&] { return DecodeWindowCall(in); });
      break;
  }
  return node;
}

}  // namespace

void EncodeType(const Type& type, ByteWriter* out) {
  out->Put(static_cast<uint8_t>(type.kind));
  out->Put<uint8_t>(type.nullable);
  out->Put(type.precision);
  out->Put(type.scale);
  out->Put(type.collation);
  out->Put(type.max_length);
}

Type DecodeType(ByteReader* in) {
  Type type;
  type.kind = in->GetEnum(TypeKind::kNull, TypeKind::kVector);
  type.nullable = in->GetBool();
  type.precision = in->Get<uint8_t>();
  type.scale = in->Get<uint8_t>();
  type.collation = in->Get<uint32_t>();
  type.max_length = in->Get<uint32_t>();
  if (type.kind == TypeKind::kDecimal &&
      (type.precision < 1 || type.precision > 65 || type.scale > 30 || type.scale > type.precision))
    in->Fail();
  if (type.kind != TypeKind::kDecimal && type.IsTemporal() && type.scale > 6) in->Fail();
  return type;
}

void EncodeValue(const Value& value, ByteWriter* out) {
  out->Put<uint8_t>(value.is_null);
  if (value.is_null) return;
  out->Put(value.integer);
  out->Put(value.real);
  out->PutString(value.bytes);
}

Value DecodeValue(ByteReader* in) {
  Value value;
  value.is_null = in->GetBool();
  if (value.is_null) return value;
  value.integer = in->Get<int128>();
  value.real = in->Get<double>();
  value.bytes = in->GetString();
  return value;
}

void EncodePlan(const Plan& plan, ByteWriter* out) {
  out->Put(kFormatVersion);
  out->Put(static_cast<uint32_t>(plan.shared.size()));
  for (const NodePtr& shared : plan.shared) EncodeNode(*shared, out);
  EncodeNode(*plan.root, out);
  EncodeList(plan.results, out, [&](const ResultColumn& result) {
    out->Put(result.id);
    EncodeType(result.type, out);
    out->PutString(result.name);
  });
  EncodeList(plan.time_zone, out, [&](const TimeZoneRule& rule) {
    out->Put(rule.utc_seconds);
    out->Put(rule.offset_seconds);
  });
  out->Put(plan.sql_mode);
  out->Put(plan.div_precision_increment);
  out->Put(plan.group_concat_max_length);
  out->Put(plan.max_allowed_packet);
}

Result<Plan> DecodePlan(ByteReader* in) {
  Plan plan;
  if (in->Get<uint16_t>() != kFormatVersion)
    return MakeError(ErrorCode::kInvalidArgument, "plan of an unknown format version");
  DecodeList(&plan.shared, in, [&] { return DecodeNode(in); });
  if (in->ok()) plan.root = DecodeNode(in);
  DecodeList(&plan.results, in, [&] {
    ResultColumn result;
    result.id = in->Get<uint32_t>();
    result.type = DecodeType(in);
    result.name = in->GetString();
    return result;
  });
  DecodeList(&plan.time_zone, in, [&] {
    TimeZoneRule rule;
    rule.utc_seconds = in->Get<int64_t>();
    rule.offset_seconds = in->Get<int32_t>();
    return rule;
  });
  plan.sql_mode = in->Get<uint64_t>();
  plan.div_precision_increment = in->Get<uint32_t>();
  plan.group_concat_max_length = in->Get<uint64_t>();
  plan.max_allowed_packet = in->Get<uint64_t>();
  if (!in->ok()) return MakeError(ErrorCode::kInvalidArgument, "malformed plan");
  RETURN_IF_ERROR(ValidatePlan(plan));
  return plan;
}

void EncodeTableSchema(const TableSchema& schema, ByteWriter* out) {
  out->PutString(schema.schema_name);
  out->PutString(schema.table_name);
  EncodeList(schema.columns, out, [&](const ColumnSchema& column) {
    out->PutString(column.name);
    EncodeType(column.type, out);
    out->Put(column.field_index);
    out->Put(static_cast<uint8_t>(column.encoding));
    out->Put(column.placement_index);
    EncodeList(column.members, out, [&](const std::string& member) { out->PutString(member); });
  });
  EncodeList(schema.primary_key, out, [&](uint32_t column) { out->Put(column); });
}

Result<TableSchema> DecodeTableSchema(ByteReader* in) {
  TableSchema schema;
  schema.schema_name = in->GetString();
  schema.table_name = in->GetString();
  DecodeList(&schema.columns, in, [&] {
    ColumnSchema column;
    column.name = in->GetString();
    column.type = DecodeType(in);
    column.field_index = in->Get<uint32_t>();
    column.encoding = in->GetEnum(EncodingHint::kAuto, EncodingHint::kSorted);
    column.placement_index = in->Get<uint8_t>();
    DecodeList(&column.members, in, [&] { return in->GetString(); });
    return column;
  });
  DecodeList(&schema.primary_key, in, [&] { return in->Get<uint32_t>(); });
  for (uint32_t column : schema.primary_key)
    if (column >= schema.columns.size()) in->Fail();
  if (!in->ok() || schema.columns.empty())
    return MakeError(ErrorCode::kInvalidArgument, "malformed table schema");
  return schema;
}

void EncodeTableStatistics(const TableStatistics& statistics, ByteWriter* out) {
  out->Put(statistics.num_rows);
  out->Put(statistics.size_bytes);
  EncodeList(statistics.columns, out, [&](const ColumnStatistics& column) {
    out->Put(column.num_nulls);
    out->Put(column.num_distinct);
    EncodeValue(column.min, out);
    EncodeValue(column.max, out);
    out->PutString(column.encoding);
    out->Put(column.dictionary_bytes);
    out->Put(column.size_bytes);
  });
}

Result<TableStatistics> DecodeTableStatistics(ByteReader* in) {
  TableStatistics statistics;
  statistics.num_rows = in->Get<uint64_t>();
  statistics.size_bytes = in->Get<uint64_t>();
  DecodeList(&statistics.columns, in, [&] {
    ColumnStatistics column;
    column.num_nulls = in->Get<uint64_t>();
    column.num_distinct = in->Get<double>();
    column.min = DecodeValue(in);
    column.max = DecodeValue(in);
    column.encoding = in->GetString();
    column.dictionary_bytes = in->Get<uint64_t>();
    column.size_bytes = in->Get<uint64_t>();
    return column;
  });
  if (!in->ok()) return MakeError(ErrorCode::kInvalidArgument, "malformed table statistics");
  return statistics;
}

}  // namespace sirocco::plan
