#include "plugin/changes/row_events.h"

#include <gtest/gtest.h>

#include <string>

namespace sirocco::plugin {
namespace {

using Bytes = std::vector<uint8_t>;
using State = LoggedValue::State;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes Text(std::string_view text) { return Bytes(text.begin(), text.end()); }

const Bytes kTableId = {9, 1, 0, 0, 0, 0};

// d.t with the given types and metadata.
Bytes TableMapBody(const Bytes& types, const Bytes& metadata) {
  const auto count = static_cast<uint8_t>(types.size());
  return kTableId + Bytes{1, 0, 1, 'd', 0, 1, 't', 0, count} + types +
         Bytes{static_cast<uint8_t>(metadata.size())} + metadata + Bytes((types.size() + 7) / 8);
}

TableMap Map(const Bytes& types, const Bytes& metadata) {
  auto map = TableMap::Parse(TableMapBody(types, metadata));
  EXPECT_TRUE(map) << map.error().ToString();
  return map ? *map : TableMap{};
}

// INT, VARCHAR(300 bytes), DECIMAL(10,2), ENUM.
TableMap FourColumns() { return Map({3, 15, 246, 254}, {0x2c, 1, 10, 2, 247, 1}); }

Bytes RowHeader(uint8_t width) { return kTableId + Bytes{1, 0, 2, 0, width}; }

TEST(TableMap, ReadsNamesAndColumns) {
  const TableMap map = FourColumns();
  EXPECT_EQ(map.table_id, 0x109u);
  EXPECT_EQ(map.schema, "d");
  EXPECT_EQ(map.table, "t");
  ASSERT_EQ(map.columns.size(), 4u);
  EXPECT_EQ(map.columns[0].length, 4u);
  EXPECT_EQ(map.columns[1].length, 300u);
  EXPECT_EQ(map.columns[1].length_bytes, 2);
  EXPECT_EQ(map.columns[2].length, 5u);  // 8 digits before the point: 4 bytes, 2 behind: 1
  EXPECT_EQ(map.columns[3].type, 247);
  EXPECT_EQ(map.columns[3].length, 1u);
}

TEST(TableMap, SizesOfTypes) {
  // TINY, SHORT, INT24, LONGLONG, DATE, YEAR, DOUBLE, FLOAT, TIMESTAMP(6), DATETIME(3), TIME(1),
  // BIT(11)
  const TableMap map = Map({1, 2, 9, 8, 10, 13, 5, 4, 17, 18, 19, 16}, {8, 4, 6, 3, 1, 3, 1});
  const std::vector<uint32_t> expected = {1, 2, 3, 8, 3, 1, 8, 4, 7, 7, 4, 2};
  ASSERT_EQ(map.columns.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(map.columns[i].length, expected[i]) << i;
}

TEST(TableMap, LongCharKeepsItsUpperLengthBits) {
  // CHAR(255) of four-byte characters: 1020 = 0x3fc bytes; bits 8 and 9 are inverted in the type.
  const TableMap map = Map({254, 254}, {0xce, 0xfc, 0xfe, 40});
  EXPECT_EQ(map.columns[0].type, 254);
  EXPECT_EQ(map.columns[0].length, 1020u);
  EXPECT_EQ(map.columns[0].length_bytes, 2);
  EXPECT_EQ(map.columns[1].length, 40u);
  EXPECT_EQ(map.columns[1].length_bytes, 1);
}

TEST(TableMap, RefusesArraysAndNonsense) {
  EXPECT_EQ(TableMap::Parse(TableMapBody({20}, {8})).error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(TableMap::Parse(TableMapBody({246}, {70, 2})).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(TableMap::Parse(TableMapBody({246}, {2, 5})).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(TableMap::Parse(TableMapBody({3}, {1})).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(TableMap::Parse(TableMapBody({252}, {5})).error().code, ErrorCode::kCorrupt);
  const Bytes whole = TableMapBody({3, 15, 246, 254}, {0x2c, 1, 10, 2, 247, 1});
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(TableMap::Parse(std::span(whole).first(length))) << length;
  }
}

TEST(RowEventReader, InsertOfTwoRows) {
  const TableMap map = FourColumns();
  const Bytes body = RowHeader(4) + Bytes{0x0f} + Bytes{0xf0, 7, 0, 0, 0, 2, 0} + Text("ab") +
                     Bytes{1, 2, 3, 4, 5, 3} + Bytes{0xfe, 0xff, 0xff, 0xff, 0xff};
  // Second row: bits 1 to 3 NULL, the key -1.
  auto reader = RowEventReader::Create(30, body, map);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->change(), RowChange::kInsert);
  EXPECT_TRUE(reader->ends_statement());
  std::vector<LoggedValue> before, after;
  ASSERT_TRUE(reader->Next(&before, &after).value());
  EXPECT_TRUE(before.empty());
  ASSERT_EQ(after.size(), 4u);
  EXPECT_EQ(Bytes(after[0].bytes.begin(), after[0].bytes.end()), (Bytes{7, 0, 0, 0}));
  EXPECT_EQ(Bytes(after[1].bytes.begin(), after[1].bytes.end()), Text("ab"));
  EXPECT_EQ(after[2].bytes.size(), 5u);
  EXPECT_EQ(after[3].bytes[0], 3);
  ASSERT_TRUE(reader->Next(&before, &after).value());
  EXPECT_EQ(after[0].bytes[3], 0xff);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(after[i].state, State::kNull);
  EXPECT_FALSE(reader->Next(&before, &after).value());
}

TEST(RowEventReader, MinimalUpdateHasKeyBeforeAndChangesAfter) {
  const TableMap map = FourColumns();
  // NULL bits count the columns present: the one bit of the after image is the VARCHAR's.
  const Bytes body = RowHeader(4) + Bytes{0x01, 0x02} + Bytes{0, 7, 0, 0, 0} + Bytes{1};
  auto reader = RowEventReader::Create(31, body, map);
  ASSERT_TRUE(reader);
  std::vector<LoggedValue> before, after;
  ASSERT_TRUE(reader->Next(&before, &after).value());
  EXPECT_EQ(before[0].state, State::kPresent);
  EXPECT_EQ(before[1].state, State::kAbsent);
  EXPECT_EQ(after[0].state, State::kAbsent);
  EXPECT_EQ(after[1].state, State::kNull);
  EXPECT_FALSE(reader->Next(&before, &after).value());
}

TEST(RowEventReader, DeleteAndExtraData) {
  const TableMap map = FourColumns();
  const Bytes body = kTableId + Bytes{0, 0, 5, 0, 1, 2, 3, 4, 0x01} + Bytes{0, 7, 0, 0, 0};
  auto reader = RowEventReader::Create(32, body, map);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->ends_statement());
  std::vector<LoggedValue> before, after;
  ASSERT_TRUE(reader->Next(&before, &after).value());
  EXPECT_EQ(before[0].bytes[0], 7);
  EXPECT_TRUE(after.empty());
}

TEST(RowEventReader, RefusesWhatDoesNotAddUp) {
  const TableMap map = FourColumns();
  const Bytes body =
      RowHeader(4) + Bytes{0x0f} + Bytes{0xf0, 7, 0, 0, 0, 2, 0} + Text("ab") + Bytes(6);
  EXPECT_EQ(RowEventReader::Create(39, body, map).error().code, ErrorCode::kNotSupported);
  EXPECT_EQ(RowEventReader::Create(30, RowHeader(5) + Bytes{0x0f}, map).error().code,
            ErrorCode::kCorrupt);
  TableMap other = map;
  other.table_id = 1;
  EXPECT_EQ(RowEventReader::Create(30, body, other).error().code, ErrorCode::kCorrupt);

  std::vector<LoggedValue> before, after;
  const size_t header = RowHeader(4).size() + 1;
  for (size_t length = 0; length < body.size(); ++length) {
    auto reader = RowEventReader::Create(30, std::span(body).first(length), map);
    if (length < header) {
      EXPECT_FALSE(reader) << length;
    } else if (length == header) {
      ASSERT_TRUE(reader);
      EXPECT_FALSE(reader->Next(&before, &after).value());
    } else {
      ASSERT_TRUE(reader);
      EXPECT_EQ(reader->Next(&before, &after).error().code, ErrorCode::kCorrupt) << length;
    }
  }

  // A VARCHAR longer than declared, and images without columns, which would never end.
  const Bytes longer = RowHeader(4) + Bytes{0x02} + Bytes{0, 0x2d, 1} + Bytes(301);
  EXPECT_EQ(RowEventReader::Create(30, longer, map)->Next(&before, &after).error().code,
            ErrorCode::kCorrupt);
  const Bytes empty = RowHeader(4) + Bytes{0x00} + Bytes{1};
  EXPECT_EQ(RowEventReader::Create(30, empty, map)->Next(&before, &after).error().code,
            ErrorCode::kCorrupt);
}

// Written by MySQL 9.7.4: a table of 27 columns, nearly every type, and with binlog_row_image =
// MINIMAL "UPDATE t SET q = 'changed', x = 3 WHERE d = 4" (q VARCHAR(300), x BIT(11), d the key).
const Bytes kServerTableMap = {
    0x6a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x64, 0x00, 0x01, 0x74, 0x00, 0x1b, 0x01,
    0x02, 0x09, 0x03, 0x08, 0x04, 0x05, 0xf6, 0x0a, 0x0d, 0x13, 0x12, 0x11, 0xfe, 0xfe, 0x0f, 0x0f,
    0xfc, 0xfc, 0xf5, 0xfe, 0xfe, 0x10, 0x10, 0xff, 0xf2, 0xfc, 0x1d, 0x04, 0x08, 0x14, 0x07, 0x02,
    0x03, 0x06, 0xce, 0xfc, 0xfe, 0x28, 0x28, 0x00, 0xb0, 0x04, 0x01, 0x02, 0x04, 0xf7, 0x01, 0xf8,
    0x02, 0x03, 0x01, 0x00, 0x01, 0x04, 0x04, 0x04, 0xf7, 0xff, 0xff, 0x07, 0x01, 0x02, 0x00, 0x80,
    0x02, 0x07, 0xfc, 0xff, 0x00, 0x06, 0x3f, 0x07, 0x3f, 0x07, 0x01, 0x00, 0x0d, 0x01, 0x03};
const Bytes kServerUpdate = {0x6a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x00, 0x02,
                             0x00, 0x1b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x41,
                             0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x07, 0x00,
                             0x63, 0x68, 0x61, 0x6e, 0x67, 0x65, 0x64, 0x00, 0x03};

TEST(RowEventReader, EventsOfTheServer) {
  const auto map = TableMap::Parse(kServerTableMap);
  ASSERT_TRUE(map) << map.error().ToString();
  EXPECT_EQ(map->schema + "." + map->table, "d.t");
  ASSERT_EQ(map->columns.size(), 27u);
  EXPECT_EQ(map->columns[7].precision, 20);  // DECIMAL(20,7)
  EXPECT_EQ(map->columns[7].length, 10u);
  EXPECT_EQ(map->columns[13].length, 255u * 4);  // CHAR(255), utf8mb4
  auto reader = RowEventReader::Create(31, kServerUpdate, *map);
  ASSERT_TRUE(reader) << reader.error().ToString();
  std::vector<LoggedValue> before, after;
  ASSERT_TRUE(reader->Next(&before, &after).value());
  for (size_t i = 0; i < 27; ++i) {
    EXPECT_EQ(before[i].state, i == 3 ? State::kPresent : State::kAbsent) << i;
    EXPECT_EQ(after[i].state, i == 16 || i == 22 ? State::kPresent : State::kAbsent) << i;
  }
  EXPECT_EQ(Bytes(before[3].bytes.begin(), before[3].bytes.end()), (Bytes{4, 0, 0, 0}));
  EXPECT_EQ(Bytes(after[16].bytes.begin(), after[16].bytes.end()), Text("changed"));
  EXPECT_EQ(Bytes(after[22].bytes.begin(), after[22].bytes.end()), (Bytes{0, 3}));
  EXPECT_FALSE(reader->Next(&before, &after).value());
}

}  // namespace
}  // namespace sirocco::plugin
