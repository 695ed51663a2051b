#include "plugin/changes/value_decoder.h"

#include <gtest/gtest.h>

#include <string>

namespace sirocco::plugin {
namespace {

using Bytes = std::vector<uint8_t>;

wire::ColumnBuffer Decode(const LoggedColumn& logged, const plan::Type& type, const Bytes& bytes) {
  plan::ColumnSchema column{.name = "c", .type = type};
  const auto decoder = ValueDecoder::Create(logged, column);
  EXPECT_TRUE(decoder) << decoder.error().message;
  wire::ColumnBuffer out;
  out.lane = plan::LaneOf(type);
  if (out.lane == plan::Lane::kStr) out.offsets.push_back(0);
  EXPECT_TRUE(decoder->Append({LoggedValue::State::kPresent, bytes}, 0, &out));
  EXPECT_TRUE(decoder->Append({LoggedValue::State::kNull, {}}, 1, &out));
  EXPECT_EQ(out.nulls, (std::vector<uint8_t>{0, 1}));
  return out;
}

std::string Str(const wire::ColumnBuffer& column) {
  return std::string(column.bytes.data(), column.offsets[1]);
}

TEST(ValueDecoder, Integers) {
  EXPECT_EQ(Decode({.type = 1, .length = 1}, plan::IntType(), {0xff}).i64[0], -1);
  EXPECT_EQ(Decode({.type = 1, .length = 1}, plan::UIntType(), {0xff}).i64[0], 255);
  EXPECT_EQ(Decode({.type = 9, .length = 3}, plan::IntType(), {0, 0, 0x80}).i64[0], -8388608);
  EXPECT_EQ(Decode({.type = 3, .length = 4}, plan::UIntType(), {1, 0, 0, 0x80}).i64[0], 0x80000001);
  EXPECT_EQ(Decode({.type = 8, .length = 8}, plan::IntType(), Bytes(8, 0xff)).i64[0], -1);
  EXPECT_EQ(Decode({.type = 13, .length = 1}, {.kind = plan::TypeKind::kYear}, {121}).i64[0], 2021);
  EXPECT_EQ(Decode({.type = 16, .length = 2}, {.kind = plan::TypeKind::kBit}, {1, 2}).i64[0], 258);
  EXPECT_EQ(Decode({.type = 247, .length = 2}, {.kind = plan::TypeKind::kEnum}, {1, 2}).i64[0],
            513);
  EXPECT_EQ(Decode({.type = 248, .length = 3}, {.kind = plan::TypeKind::kSet}, {1, 0, 1}).i64[0],
            65537);
}

// 2021-03-04, 2021-03-04 05:06:07.123456 and DECIMAL(12,3) -1234567.891 in the server's format.
TEST(ValueDecoder, TemporalAndDecimal) {
  EXPECT_EQ(Decode({.type = 10, .length = 3}, plan::DateType(), {0x64, 0xca, 0x0f}).i64[0],
            2021 * 512 + 3 * 32 + 4);
  const auto datetime = Decode({.type = 18, .length = 8, .decimals = 6}, plan::DatetimeType(6),
                               {0x99, 0xa9, 0x08, 0x51, 0x87, 0x01, 0xe2, 0x40});
  EXPECT_EQ(datetime.i64[0],
            ((int64_t{2021 * 13 + 3} << 5 | 4) << 17 | 5 << 12 | 6 << 6 | 7) << 24 | 123456);
  const auto timestamp = Decode({.type = 17, .length = 7, .decimals = 6},
                                {.kind = plan::TypeKind::kTimestamp, .scale = 6},
                                {0x60, 0x40, 0x69, 0x9f, 1, 0xe2, 0x40});
  EXPECT_EQ(timestamp.i64[0], 0x6040699fLL * 1000000 + 123456);
  const auto decimal = Decode({.type = 246, .length = 6, .precision = 12, .scale = 3},
                              plan::DecimalType(12, 3), {0x7f, 0xed, 0x29, 0x78, 0xfc, 0x84});
  EXPECT_EQ(decimal.i64[0], -1234567891);
}

TEST(ValueDecoder, Strings) {
  EXPECT_EQ(
      Str(Decode({.type = 15, .length = 10, .length_bytes = 1}, plan::StringType(255, 10), {'a'})),
      "a");
  EXPECT_EQ(Str(Decode({.type = 254, .length = 4, .length_bytes = 1},
                       plan::StringType(plan::kBinaryCollation, 4), {'a', 'b'})),
            std::string("ab\0\0", 4));
  EXPECT_EQ(Str(Decode({.type = 15, .length = 4, .length_bytes = 1},
                       plan::StringType(plan::kBinaryCollation, 4), {'a', 'b'})),
            "ab");
  // 40 digits travel packed.
  const Bytes packed(19, 0x80);
  EXPECT_EQ(Str(Decode({.type = 246, .length = 19, .precision = 40, .scale = 0},
                       plan::DecimalType(40, 0), packed))
                .size(),
            19u);
}

TEST(ValueDecoder, RefusesOtherTypesAndSizes) {
  const auto refused = [](const LoggedColumn& logged, const plan::Type& type) {
    return !ValueDecoder::Create(logged, {.name = "c", .type = type});
  };
  EXPECT_TRUE(refused({.type = 15, .length = 4}, plan::IntType()));
  EXPECT_TRUE(
      refused({.type = 246, .length = 6, .precision = 11, .scale = 3}, plan::DecimalType(12, 3)));
  EXPECT_TRUE(refused({.type = 18, .length = 5, .decimals = 0}, plan::DatetimeType(6)));
  EXPECT_TRUE(refused({.type = 255, .length = 5}, plan::StringType(255, 10)));
  const auto decoder =
      ValueDecoder::Create({.type = 3, .length = 4}, {.name = "c", .type = plan::IntType()});
  wire::ColumnBuffer out;
  const Bytes three(3);
  EXPECT_FALSE(decoder->Append({LoggedValue::State::kPresent, three}, 0, &out));
}

}  // namespace
}  // namespace sirocco::plugin
