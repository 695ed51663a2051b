// The S3 and HTTPS stores against the test store: signatures, lists, ranges, uploads, faults,
// limits.
#include "lakehouse/store/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "lakehouse/load/load_fixture.h"
#include "lakehouse/store/byte_source.h"
#include "store/test_store.h"

namespace sirocco::lakehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class S3 : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.Start());
    store_ = Open("AKTEST", "wJalr/secret+key");
  }
  std::unique_ptr<ObjectStore> Open(const std::string& key, const std::string& secret,
                                    const std::string& token = "a-token", int64_t clock = 0) {
    S3Options options;
    options.bucket = "bucket";
    options.profile.credentials = {key, secret, token};
    options.profile.endpoint = server_.endpoint();
    options.profile.region = "eu-test-1";
    options.part_bytes = 1000;
    options.clock_offset_seconds = clock;
    return MakeS3Store(options, client_);
  }
  std::vector<std::string> Names(std::string_view prefix) {
    std::vector<std::string> names;
    auto listed = store_->List(prefix, [&](std::span<const ObjectMeta> page) {
      for (const ObjectMeta& meta : page) names.push_back(meta.name);
      return true;
    });
    if (!listed) names.push_back("error: " + listed.error().ToString());
    return names;
  }
  // The object through a RangeSource with small requests; every byte is compared.
  Result<void> ReadAll(const std::string& name, std::string_view expected) {
    ASSIGN_OR_RETURN(const ObjectMeta meta, store_->Head(name));
    std::string got(meta.size, '\0');
    for (uint64_t at = 0; at < meta.size; at += 5000) {
      const size_t size = std::min<uint64_t>(5000, meta.size - at);
      RETURN_IF_ERROR(store_->Read(meta, at, {got.data() + at, size}));
    }
    if (got != expected) return MakeError(ErrorCode::kCorrupt, "other bytes");
    return {};
  }

  test::TestStore server_{"AKTEST", "wJalr/secret+key", "a-token"};
  std::shared_ptr<HttpClient> client_ = HttpClient::Create({.first_pause_us = 2000});
  std::unique_ptr<ObjectStore> store_;
};

std::string Pattern(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

TEST_F(S3, SignaturesAndErrors) {
  server_.PutObject("bucket", "a b/\xC3\xA4+&%=~.csv", "hello");
  auto meta = store_->Head("a b/\xC3\xA4+&%=~.csv");
  ASSERT_TRUE(meta) << meta.error().ToString();
  EXPECT_EQ(meta->size, 5u);
  char bytes[3];
  ASSERT_TRUE(store_->Read(*meta, 1, bytes));
  EXPECT_EQ(std::string(bytes, 3), "ell");
  EXPECT_EQ(store_->Head("none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Open("AKTEST", "wrong")->Head("x").error().mysql_errno, 6128u);
  EXPECT_EQ(Open("other", "wJalr/secret+key")->Head("x").error().mysql_errno, 6128u);
  EXPECT_EQ(Open("", "")->Head("x").error().mysql_errno, 6128u);
  EXPECT_EQ(Open("AKTEST", "wJalr/secret+key", "old")->Head("x").error().mysql_errno, 6128u);
  EXPECT_EQ(Open("AKTEST", "wJalr/secret+key", "a-token", 3600)->Head("x").error().mysql_errno,
            6128u);
  EXPECT_EQ(server_.counts().bad_signatures, 5u);
  EXPECT_EQ(store_->DisplayName("x/y.csv"), "s3://bucket/x/y.csv");
}

TEST_F(S3, Lists) {
  for (const char* name : {"a/1", "a/2", "a/sub/", "a/sub/3 x", "b&<>/4", "ab"})
    server_.PutObject("bucket", name, std::string(name).ends_with('/') ? "" : "x");
  EXPECT_THAT(Names("a/"), ElementsAre("a/1", "a/2", "a/sub/3 x"));
  EXPECT_THAT(Names("b"), ElementsAre("b&<>/4"));
  EXPECT_THAT(Names("zz"), ElementsAre());
  EXPECT_EQ(Names("").size(), 5u);
  server_.Generate("bucket", "gen/", 2503, 1000);
  const auto names = Names("gen/");
  ASSERT_EQ(names.size(), 2503u);
  EXPECT_EQ(names[2502], "gen/00002502");
}

TEST_F(S3, Uploads) {
  const std::string small = Pattern(900), large = Pattern(10500);
  ASSERT_TRUE(store_->Put("small", small));
  EXPECT_EQ(server_.GetObject("bucket", "small"), small);
  auto put = store_->Put("large", large);
  ASSERT_TRUE(put) << put.error().ToString();
  EXPECT_EQ(server_.GetObject("bucket", "large"), large);
  EXPECT_EQ(store_->Put("small", "x", true).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(store_->Put("large", large, true).error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(store_->Put("new", "x", true));
}

TEST_F(S3, ChangedObjectIsNoticed) {
  server_.PutObject("bucket", "x", "12345");
  const ObjectMeta meta = *store_->Head("x");
  server_.PutObject("bucket", "x", "67890");
  char bytes[5];
  EXPECT_EQ(store_->Read(meta, 0, bytes).error().code, ErrorCode::kStale);
}

TEST_F(S3, FaultsAreRetried) {
  const std::string text = Pattern(200000);
  server_.PutObject("bucket", "x", text);
  for (int fault = 0; fault < 3; ++fault) {
    test::StoreBehaviour behaviour;
    (fault == 0   ? behaviour.truncate_every
     : fault == 1 ? behaviour.reset_every
                  : behaviour.fail_every) = 3;
    server_.set_behaviour(behaviour);
    auto read = ReadAll("x", text);
    EXPECT_TRUE(read) << fault << ": " << read.error().ToString();
  }
  test::StoreBehaviour wrong;
  wrong.wrong_range_every = 5;
  server_.set_behaviour(wrong);
  EXPECT_EQ(ReadAll("x", text).error().code, ErrorCode::kIo);
  test::StoreBehaviour denied;
  denied.deny_after_reads = server_.counts().reads + 10;
  server_.set_behaviour(denied);
  EXPECT_EQ(ReadAll("x", text).error().mysql_errno, 6128u);
}

TEST_F(S3, BrokenForGood) {
  server_.PutObject("bucket", "x", Pattern(20000));
  const ObjectMeta meta = *store_->Head("x");
  test::StoreBehaviour behaviour;
  behaviour.truncate_every = 1;
  server_.set_behaviour(behaviour);
  std::string bytes(20000, '\0');
  auto read = store_->Read(meta, 0, bytes);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("attempts"));
}

TEST_F(S3, RangeSourceReadsAhead) {
  const std::string text = Pattern(9 << 20);
  server_.PutObject("bucket", "x", text);
  const ObjectMeta meta = *store_->Head("x");
  RangeSource source(store_.get(), meta, 1000, 5 << 20);
  std::string got;
  for (;;) {
    auto block = source.Next();
    ASSERT_TRUE(block) << block.error().ToString();
    if (block->empty()) break;
    got += *block;
  }
  EXPECT_EQ(got, text.substr(1000));
}

TEST_F(S3, PresignedUrls) {
  server_.PutObject("bucket", "dir/x y", "hello");
  const auto store = MakeHttpsStore(client_);
  SigningRequest request;
  request.host = "127.0.0.1:" + std::to_string(server_.port());
  request.path = "/bucket/dir/x%20y";
  const Credentials credentials{"AKTEST", "wJalr/secret+key", "a-token"};
  const std::string base = server_.endpoint() + request.path + "?";
  const int64_t now = std::time(nullptr);
  const std::string good =
      base + PresignQuery(request, credentials, "eu-test-1", AmazonTime(now), 60);
  auto meta = store->Head(good);
  ASSERT_TRUE(meta) << meta.error().ToString();
  EXPECT_EQ(meta->size, 5u);
  char bytes[5];
  EXPECT_TRUE(store->Read(*meta, 0, bytes));
  EXPECT_EQ(store->DisplayName(good), server_.endpoint() + "/bucket/dir/x%20y");
  const std::string expired =
      base + PresignQuery(request, credentials, "eu-test-1", AmazonTime(now - 120), 60);
  EXPECT_EQ(store->Head(expired).error().mysql_errno, 6128u);
  std::string tampered = good;
  tampered.replace(tampered.find("x%20y"), 5, "x%20z");
  EXPECT_EQ(store->Head(tampered).error().mysql_errno, 6128u);
  EXPECT_EQ(RedactUrl("https://user:pw@h/p/secret/n/ns/b/x.csv?sig=1"),
            "https://h/p/<redacted>/n/ns/b/x.csv");
}

TEST_F(S3, LoadsCsvInRanges) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    text += std::to_string(i) + ",name " + std::to_string(i * 7) + "\n";
    expected.push_back(std::to_string(i) + "|name " + std::to_string(i * 7));
  }
  server_.PutObject("bucket", "x.csv", text);
  test::StoreBehaviour behaviour;
  behaviour.truncate_every = 4;
  server_.set_behaviour(behaviour);
  const std::vector<ColumnTarget> targets = {TestColumn("id", plan::IntType()),
                                             TestText("name", 20)};
  auto file = std::make_shared<CsvFile>();
  file->store = store_.get();
  file->object = *store_->Head("x.csv");
  file->plan.targets = &targets;
  file->plan.field_of_column = {0, 1};
  file->plan.num_fields = 2;
  file->plan.file_name = store_->DisplayName("x.csv");
  std::vector<std::unique_ptr<ReadTask>> tasks;
  AddCsvTasks(file, 1000, &tasks, 10000);
  LoadReport report;
  auto load = LoadTasks(targets, std::move(tasks), 3, &report);
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_EQ(load->rows, expected);
}

// A limit that nobody tells, first of one height, then of another: most of it is used, little is
// refused.
TEST_F(S3, FindsTheLimitOfTheStore) {
  server_.PutObject("bucket", "x", Pattern(100));
  const ObjectMeta meta = *store_->Head("x");
  for (const double limit : {100.0, 250.0}) {
    test::StoreBehaviour behaviour;
    behaviour.requests_per_second = limit;
    server_.set_behaviour(behaviour);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        char bytes[100];
        while (!stop) EXPECT_TRUE(store_->Read(meta, 0, bytes));
      });
    }
    std::this_thread::sleep_for(std::chrono::seconds(3));  // finds it
    const auto before = server_.counts();
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(4));
    const auto after = server_.counts();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    stop = true;
    for (std::thread& thread : threads) thread.join();
    const double granted = static_cast<double>(after.granted - before.granted);
    const double refused = static_cast<double>(after.refused - before.refused);
    RecordProperty("granted_of_limit", std::to_string(granted / (limit * seconds)));
    std::printf("limit %.0f/s: %.1f %% used, %.2f %% refused\n", limit,
                100 * granted / (limit * seconds), 100 * refused / (granted + refused));
    // On a busy machine a thread may be late, which costs use of the limit, but never makes
    // refusals.
    EXPECT_GT(granted, 0.5 * limit * seconds);
    EXPECT_LT(refused, 0.1 * (granted + refused));
  }
}

}  // namespace
}  // namespace sirocco::lakehouse
