#include "engine/spill/spill_space.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace sirocco::engine {
namespace {

std::string TestFolder(const char* name) {
  return ::testing::TempDir() + "sirocco-spill-test-" + name + "-" + std::to_string(::getpid());
}

TEST(SpillSpace, PagesComeBackAsWritten) {
  SpillSpace space(TestFolder("pages"), SpillSpace::kUnlimited);
  ASSERT_TRUE(space.Open());
  {
    auto file = space.MakeFile();
    ASSERT_TRUE(file) << file.error().ToString();
    const std::string a(1000, 'a'), b(70000, 'b');
    const auto first = (*file)->Write(a.data(), a.size());
    const auto second = (*file)->Write(b.data(), b.size());
    const auto empty = (*file)->Write(b.data(), 0);
    ASSERT_TRUE(first && second && empty);
    std::string read(b.size(), 0);
    ASSERT_TRUE((*file)->Read(*second, read.data()));
    EXPECT_EQ(read, b);
    read.resize(a.size());
    ASSERT_TRUE((*file)->Read(*first, read.data()));
    EXPECT_EQ(read, a);
    EXPECT_TRUE((*file)->Read(*empty, read.data()));
    EXPECT_EQ(space.used_bytes(), 71000u);
  }
  EXPECT_EQ(space.used_bytes(), 0u);
  EXPECT_EQ(space.peak_bytes(), 71000u);
  // No file has a name.
  EXPECT_TRUE(std::filesystem::is_empty(space.folder()));
  std::filesystem::remove_all(space.folder());
}

TEST(SpillSpace, WrongBytesAreNoticed) {
  SpillSpace space(TestFolder("wrong"), SpillSpace::kUnlimited);
  ASSERT_TRUE(space.Open());
  auto file = space.MakeFile();
  ASSERT_TRUE(file);
  auto page = (*file)->Write("0123456789", 10);
  ASSERT_TRUE(page);
  char out[32];
  SpillPage shifted = *page;
  shifted.bytes = 9;
  EXPECT_EQ((*file)->Read(shifted, out).error().code, ErrorCode::kCorrupt);
  SpillPage longer = *page;
  longer.bytes = 20;
  EXPECT_EQ((*file)->Read(longer, out).error().code, ErrorCode::kCorrupt);
  std::filesystem::remove_all(space.folder());
}

TEST(SpillSpace, LimitIsTheServersTableIsFull) {
  SpillSpace space(TestFolder("limit"), 100);
  ASSERT_TRUE(space.Open());
  auto file = space.MakeFile();
  ASSERT_TRUE(file);
  const std::string bytes(60, 'x');
  EXPECT_TRUE((*file)->Write(bytes.data(), bytes.size()));
  const auto refused = (*file)->Write(bytes.data(), bytes.size());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().mysql_errno, 1114u);
  EXPECT_EQ(space.used_bytes(), 60u);
  file->reset();
  EXPECT_EQ(space.used_bytes(), 0u);
  std::filesystem::remove_all(space.folder());
}

TEST(SpillSpace, OpenRemovesLeftovers) {
  SpillSpace space(TestFolder("leftovers"), 100);
  ASSERT_TRUE(space.Open());
  std::ofstream(space.folder() + "/sirocco-spill-1-2") << "left behind";
  std::ofstream(space.folder() + "/other") << "not ours";
  ASSERT_TRUE(space.Open());
  EXPECT_FALSE(std::filesystem::exists(space.folder() + "/sirocco-spill-1-2"));
  EXPECT_TRUE(std::filesystem::exists(space.folder() + "/other"));
  std::filesystem::remove_all(space.folder());
}

TEST(SpillSpace, MappedMemoryCountsAgainstTheLimit) {
  SpillSpace space(TestFolder("mapped"), 1 << 20);
  ASSERT_TRUE(space.Open());
  {
    auto mapping = space.Map(100000);
    ASSERT_TRUE(mapping) << mapping.error().ToString();
    ASSERT_GE((*mapping)->bytes(), 100000u);
    EXPECT_EQ(space.used_bytes(), (*mapping)->bytes());
    for (size_t i = 0; i < 100000; ++i) ASSERT_EQ((*mapping)->data()[i], 0);
    std::memset((*mapping)->data(), 7, 100000);
    EXPECT_EQ((*mapping)->data()[99999], 7);
    const auto more = space.Map(1 << 20);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().mysql_errno, 1114u);
  }
  EXPECT_EQ(space.used_bytes(), 0u);
}

}  // namespace
}  // namespace sirocco::engine
