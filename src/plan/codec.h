// Binary form of plans and table schemas, for the wire. Decoding checks everything about untrusted bytes that later code relies on:
// known enumerators, counts, depths, arities of joins and sets, that every column is defined below its use and once only.
#pragma once

#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/error.h"
#include "plan/node.h"
#include "plan/table_schema.h"

namespace sirocco::plan {

void EncodePlan(const Plan& plan, ByteWriter* out);
// kInvalidArgument naming what is wrong.
Result<Plan> DecodePlan(ByteReader* in);

void EncodeTableSchema(const TableSchema& schema, ByteWriter* out);
Result<TableSchema> DecodeTableSchema(ByteReader* in);

void EncodeTableStatistics(const TableStatistics& statistics, ByteWriter* out);
Result<TableStatistics> DecodeTableStatistics(ByteReader* in);

void EncodeType(const Type& type, ByteWriter* out);
Type DecodeType(ByteReader* in);
void EncodeValue(const Value& value, ByteWriter* out);
Value DecodeValue(ByteReader* in);

}  // namespace sirocco::plan
