// Avro object container files into a table, file by file. Codecs: null, deflate, snappy, zstandard.
//
// Columns: plain values, enums, decimals, dates and times, and unions of one of these with null.
// Arrays, maps, records and other unions cannot be loaded (6078, 6530) but may stand in columns the
// table does not have. Threads: as ReadTask. Errors: kMysql 6069 to 6086 and 6103.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lakehouse/load/read_tasks.h"
#include "lakehouse/read/avro_schema.h"
#include "lakehouse/read/column_target.h"
#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

struct AvroHeader {
  std::vector<AvroField> fields;
  std::string codec;
  std::string sync;          // 16 bytes
  uint64_t data_offset = 0;  // of the first block
};

struct AvroReadPlan {
  ObjectStore* store = nullptr;
  ObjectMeta object;
  AvroHeader header;
  const std::vector<ColumnTarget>* targets = nullptr;
  ConversionRules rules;
  std::vector<int32_t> field_of_column;  // -1: none
  std::string file_name;
};

Result<AvroHeader> ReadAvroHeader(ObjectStore* store, const ObjectMeta& object,
                                  const std::string& shown);
// Errors: 6075, 6078, 6530.
Result<void> CheckAvroTypes(const AvroReadPlan& plan);
std::unique_ptr<ReadTask> MakeAvroTask(std::shared_ptr<const AvroReadPlan> plan);

}  // namespace sirocco::lakehouse
