#include "node/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "node/duration_model.h"

namespace sirocco::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool Never() { return false; }

void WaitUntil(const std::function<bool()>& true_soon) {
  while (!true_soon()) std::this_thread::sleep_for(milliseconds(1));
}

// Lets the given pieces of work queue up behind a held admission, in this order; returns the order
// in which they got their places.
std::string OrderOf(Admission* admission,
                    const std::vector<std::pair<char, Admission::Duration>>& work) {
  auto hold = std::make_unique<Admission::Hold>(std::move(*admission->HoldQueries(Never)));
  std::mutex mutex;
  std::string order;
  std::vector<std::thread> threads;
  for (const auto& [name, expected] : work) {
    const uint32_t before = admission->queued();
    threads.emplace_back([&, name, expected] {
      const auto ticket = admission->Enter(expected, Never);
      std::lock_guard lock(mutex);
      order.push_back(name);
    });
    WaitUntil([&] { return admission->queued() == before + 1; });
  }
  hold.reset();
  for (std::thread& thread : threads) thread.join();
  return order;
}

TEST(Admission, EqualWorkInOrderOfArrival) {
  Admission admission(1);
  EXPECT_EQ(OrderOf(&admission, {{'a', {}}, {'b', {}}, {'c', {}}}), "abc");
}

TEST(Admission, ShortWorkFirst) {
  Admission admission(1);
  EXPECT_EQ(OrderOf(&admission, {{'a', seconds(3600)}, {'b', seconds(1800)}, {'c', {}}}), "cba");
}

TEST(Admission, WaitingCountsLikeBeingShort) {
  Admission admission(1);
  // What has waited longer than it takes is not overtaken any more.
  auto hold = std::make_unique<Admission::Hold>(std::move(*admission.HoldQueries(Never)));
  std::string order;
  std::mutex mutex;
  const auto enter = [&](char name, Admission::Duration expected) {
    const auto ticket = admission.Enter(expected, Never);
    std::lock_guard lock(mutex);
    order.push_back(name);
  };
  std::thread old([&] { enter('o', milliseconds(5)); });
  WaitUntil([&] { return admission.queued() == 1; });
  std::this_thread::sleep_for(milliseconds(10));
  std::thread young([&] { enter('y', milliseconds(0)); });
  WaitUntil([&] { return admission.queued() == 2; });
  hold.reset();
  old.join();
  young.join();
  EXPECT_EQ(order, "oy");
}

TEST(Admission, LongWorkLeavesPlacesToShortWork) {
  Admission admission(2, 1);
  const auto running = admission.Enter(seconds(10), Never);
  std::atomic<bool> second_ran{false}, give_up{false};
  std::thread second([&] {
    const auto ticket = admission.Enter(seconds(10), [&] { return give_up.load(); });
    second_ran = ticket.has_value();
  });
  WaitUntil([&] { return admission.queued() == 1; });
  EXPECT_TRUE(admission.Enter(milliseconds(1), Never).has_value());  // passes the waiting one
  EXPECT_EQ(admission.queued(), 1u);
  give_up = true;
  second.join();
  EXPECT_FALSE(second_ran);
  EXPECT_EQ(admission.queued(), 0u);
}

TEST(Admission, CancelledWorkLeavesTheQueue) {
  Admission admission(1);
  const auto running = admission.Enter({}, Never);
  const auto refused = admission.Enter({}, [] { return true; });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(admission.queued(), 0u);
  EXPECT_EQ(admission.running(), 1u);
}

TEST(DurationModel, FollowsWhatItSees) {
  DurationModel model;
  const auto first = model.Expect(1000000);
  for (int i = 0; i < 100; ++i) model.Learn(1000000, seconds(1));
  EXPECT_GT(model.Expect(1000000), milliseconds(990));
  EXPECT_LT(first, milliseconds(990));
  for (int i = 0; i < 100; ++i) model.Learn(10, seconds(1));  // too small to count
  EXPECT_LT(model.Expect(1000000), milliseconds(1010));
}

}  // namespace
}  // namespace sirocco::node
