#include "wire/column_batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "wire/socket.h"

namespace sirocco::wire {
namespace {

using plan::Lane;

ColumnBatchBuilder SampleBatch(uint32_t num_rows) {
  const Lane lanes[] = {Lane::kI64, Lane::kI128, Lane::kF64, Lane::kStr};
  ColumnBatchBuilder builder(lanes);
  for (uint32_t row = 0; row < num_rows; ++row) {
    auto& columns = builder.columns();
    columns[0].i64.push_back(-int64_t{row});
    if (row % 3 == 2) {
      columns[1].PushNull(row);
    } else {
      columns[1].i128.push_back(__int128{row} << 70);
      columns[1].MarkNotNull();
    }
    columns[2].f64.push_back(row * 0.5);
    columns[3].PushString(std::string(row % 7, 'x'));
  }
  builder.num_rows = num_rows;
  return builder;
}

PayloadBuffer Aligned(const std::string& payload) {
  PayloadBuffer buffer;
  std::memcpy(buffer.Resize(payload.size()), payload.data(), payload.size());
  return buffer;
}

TEST(ColumnBatchTest, RoundTrip) {
  for (uint32_t num_rows : {0u, 1u, 5u, 1000u}) {
    const PayloadBuffer payload = Aligned(SampleBatch(num_rows).Encode());
    Result<ColumnBatchView> view = ColumnBatchView::Parse(payload.view());
    ASSERT_TRUE(view) << view.error().ToString();
    ASSERT_EQ(view->num_rows(), num_rows);
    for (uint32_t row = 0; row < num_rows; ++row) {
      EXPECT_EQ(view->columns()[0].i64(row), -int64_t{row});
      EXPECT_EQ(view->columns()[1].is_null(row), row % 3 == 2);
      if (row % 3 != 2) EXPECT_TRUE(view->columns()[1].i128(row) == __int128{row} << 70);
      EXPECT_EQ(view->columns()[2].f64(row), row * 0.5);
      EXPECT_EQ(view->columns()[3].str(row), std::string(row % 7, 'x'));
    }
  }
}

TEST(ColumnBatchTest, TruncatedOrChangedBytesAreRefusedOrHarmless) {
  const std::string good = SampleBatch(40).Encode();
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(ColumnBatchView::Parse(Aligned(good.substr(0, size)).view())) << size;
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = good;
    changed[random() % changed.size()] = static_cast<char>(random());
    const PayloadBuffer payload = Aligned(changed);
    Result<ColumnBatchView> view = ColumnBatchView::Parse(payload.view());
    if (!view) continue;
    // Whatever was accepted can be read to the last byte.
    size_t sum = 0;
    for (const auto& column : view->columns())
      for (uint32_t row = 0; row < view->num_rows(); ++row)
        if (column.lane == Lane::kStr)
          for (char c : column.str(row)) sum += static_cast<unsigned char>(c);
    EXPECT_LT(sum, size_t{1} << 40);
  }
}

}  // namespace
}  // namespace sirocco::wire
