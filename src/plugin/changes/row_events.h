// Reads the bodies of the binary log's TABLE_MAP and row events (WRITE, UPDATE, DELETE, version 2)
// without server code: names, column types, and for every row the places of its values.
//
// Shape: a body is the event without its 19-byte common header and without the checksum. A row
// image holds the columns of the event's bitmap only (binlog_row_image MINIMAL and NOBLOB leave
// some out), so a value is absent, NULL, or a span of bytes in the binary log's field format.
// Ownership: spans point into the body given; TableMap owns its content.
// Threads: no shared state.
// Errors: kCorrupt for bytes that do not add up, kNotSupported for column types and events that
// cannot be read (arrays of multi-valued indexes, partial JSON updates); nothing is asserted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace sirocco::plugin {

// A column as the TABLE_MAP event describes it. `type` is the server's field type code; CHAR, ENUM
// and SET, which share one code in the event, are told apart already.
struct LoggedColumn {
  uint8_t type = 0;
  uint32_t length = 0;  // VARCHAR, CHAR: largest length in bytes; ENUM, SET, BIT: bytes of a value
  uint8_t length_bytes = 0;          // of the length before the value; 0: fixed size
  uint8_t precision = 0, scale = 0;  // DECIMAL
  uint8_t decimals = 0;              // temporal: fraction digits
};

struct TableMap {
  uint64_t table_id = 0;
  std::string schema;
  std::string table;
  std::vector<LoggedColumn> columns;

  static Result<TableMap> Parse(std::span<const uint8_t> body);
  // Schema and table alone, also of tables whose columns cannot be read.
  static Result<std::pair<std::string, std::string>> Name(std::span<const uint8_t> body);
};

struct LoggedValue {
  enum class State : uint8_t { kAbsent, kNull, kPresent };
  State state = State::kAbsent;
  std::span<const uint8_t> bytes;  // of the value, without its length bytes
};

enum class RowChange : uint8_t { kInsert, kUpdate, kDelete };

// Iterates over the rows of one event.
class RowEventReader {
 public:
  // `event_type` is the code in the common header. Returns the id a row event refers to, so that
  // the caller can find its TableMap, or skip the event.
  static Result<uint64_t> TableId(std::span<const uint8_t> body);

  // `map` must be that table's and outlive the reader.
  static Result<RowEventReader> Create(uint8_t event_type, std::span<const uint8_t> body,
                                       const TableMap& map);

  RowChange change() const { return change_; }
  // True at the end of the statement's row events: table ids are no longer valid after it.
  bool ends_statement() const { return ends_statement_; }

  // Reads the next row; false at the end. `before` is filled for updates and deletes, `after` for
  // inserts and updates, each with one value per column of the table; the other one is emptied.
  Result<bool> Next(std::vector<LoggedValue>* before, std::vector<LoggedValue>* after);

 private:
  explicit RowEventReader(const TableMap& map) : map_(&map) {}
  Result<void> ReadImage(std::span<const uint8_t> present, std::vector<LoggedValue>* image);

  const TableMap* map_;
  RowChange change_ = RowChange::kInsert;
  bool ends_statement_ = false;
  std::span<const uint8_t> columns_before_, columns_after_;  // bitmaps
  std::span<const uint8_t> rows_;                            // what is still to be read
};

}  // namespace sirocco::plugin
