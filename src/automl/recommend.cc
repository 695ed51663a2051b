#include "automl/recommend.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "automl/model_file.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kFactors = 12;
constexpr int kRounds = 12;
constexpr double kWishWeight = 20;
constexpr double kRegularisation = 0.15;  // times the number of ratings

using Square = std::array<double, kFactors * kFactors>;
using Vector = std::array<double, kFactors>;

// Solves a x = b for symmetric positive definite a, by Cholesky's method.
void Solve(Square* a, Vector* b) {
  auto& m = *a;
  for (size_t i = 0; i < kFactors; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = m[i * kFactors + j];
      for (size_t k = 0; k < j; ++k) sum -= m[i * kFactors + k] * m[j * kFactors + k];
      m[i * kFactors + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / m[j * kFactors + j];
    }
  }
  auto& x = *b;
  for (size_t i = 0; i < kFactors; ++i) {
    for (size_t k = 0; k < i; ++k) x[i] -= m[i * kFactors + k] * x[k];
    x[i] /= m[i * kFactors + i];
  }
  for (size_t i = kFactors; i-- > 0;) {
    for (size_t k = i + 1; k < kFactors; ++k) x[i] -= m[k * kFactors + i] * x[k];
    x[i] /= m[i * kFactors + i];
  }
}

// The first `topk` of the candidates by falling number.
RecommendationModel::Ranking Best(RecommendationModel::Ranking all, size_t topk) {
  const auto better = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const size_t count = std::min(topk, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end(), better);
  all.resize(count);
  return all;
}

}  // namespace

size_t RecommendationModel::Side::Find(const std::string& id) const {
  const auto found = index.find(id);
  return found == index.end() ? ids.size() : found->second;
}

void RecommendationModel::Side::IndexIds() {
  index.clear();
  for (size_t i = 0; i < ids.size(); ++i) index.emplace(ids[i], i);
}

double RecommendationModel::Affinity(size_t user, size_t item) const {
  double sum = mean_;
  if (user < users_.ids.size()) sum += users_.bias[user];
  if (item < items_.ids.size()) sum += items_.bias[item];
  if (user < users_.ids.size() && item < items_.ids.size())
    for (size_t i = 0; i < kFactors; ++i)
      sum += users_.vectors[user * kFactors + i] * items_.vectors[item * kFactors + i];
  return sum;
}

void RecommendationModel::SolveSide(Side* side, const Side& other, bool is_users) {
  std::vector<std::vector<std::pair<size_t, float>>> rated(side->ids.size());
  for (size_t user = 0; user < ratings_.size(); ++user)
    for (const auto& [item, rating] : ratings_[user])
      rated[is_users ? user : item].emplace_back(is_users ? item : user, rating);
  // Of implicit feedback the pairs nobody wished count too, all alike.
  Square gram{};
  if (options_.is_implicit)
    for (size_t o = 0; o < other.ids.size(); ++o)
      for (size_t i = 0; i < kFactors; ++i)
        for (size_t j = 0; j < kFactors; ++j)
          gram[i * kFactors + j] +=
              other.vectors[o * kFactors + i] * other.vectors[o * kFactors + j];
  for (size_t id = 0; id < side->ids.size(); ++id) {
    if (!options_.is_implicit) {
      double sum = 0;
      for (const auto& [o, rating] : rated[id]) {
        double rest = rating - mean_ - other.bias[o];
        for (size_t i = 0; i < kFactors; ++i)
          rest -= side->vectors[id * kFactors + i] * other.vectors[o * kFactors + i];
        sum += rest;
      }
      side->bias[id] = static_cast<float>(sum / (static_cast<double>(rated[id].size()) + 4));
    }
    Square a = gram;
    Vector b{};
    for (const auto& [o, rating] : rated[id]) {
      const float* v = &other.vectors[o * kFactors];
      const double weight = options_.is_implicit ? kWishWeight : 1;
      const double value =
          options_.is_implicit ? kWishWeight + 1 : rating - mean_ - side->bias[id] - other.bias[o];
      for (size_t i = 0; i < kFactors; ++i) {
        for (size_t j = 0; j <= i; ++j) {
          a[i * kFactors + j] += weight * v[i] * v[j];
          if (j != i) a[j * kFactors + i] += weight * v[i] * v[j];
        }
        b[i] += value * v[i];
      }
    }
    const double ridge =
        kRegularisation * (static_cast<double>(rated[id].size()) + (options_.is_implicit ? 5 : 1));
    for (size_t i = 0; i < kFactors; ++i) a[i * kFactors + i] += ridge;
    Solve(&a, &b);
    for (size_t i = 0; i < kFactors; ++i)
      side->vectors[id * kFactors + i] = static_cast<float>(b[i]);
  }
}

Result<std::unique_ptr<RecommendationModel>> RecommendationModel::Train(const Table& rows,
                                                                        const Options& options) {
  const Column* users = rows.Find(options.users);
  const Column* items = rows.Find(options.items);
  const Column* target = rows.Find(options.target);
  if (users == nullptr || items == nullptr || target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "the columns of users, items and ratings must be three columns of the table");
  if (StorageOf(target->spec.kind) == Storage::kText)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003015: The target column of a recommendation task must be numeric: " +
                         options.target + ".");
  auto model = std::make_unique<RecommendationModel>();
  model->options_ = options;
  const auto place = [](Side* side, const std::string& id) {
    const auto [found, is_new] = side->index.emplace(id, side->ids.size());
    if (is_new) {
      side->ids.push_back(id);
      side->count.push_back(0);
    }
    ++side->count[found->second];
    return found->second;
  };
  // Duplicate pairs count once, with the mean of their ratings.
  std::map<std::pair<size_t, size_t>, std::pair<double, double>> pairs;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    if (users->is_null[row] || items->is_null[row])
      return MakeError(ErrorCode::kInvalidArgument,
                       "The columns of users and items must not be NULL: " + options.users + ", " +
                           options.items + ".");
    if (target->is_null[row])
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML001053: The training data has unlabeled samples: the target column " +
                           options.target + " is NULL.");
    const size_t user = place(&model->users_, users->TextAt(row));
    const size_t item = place(&model->items_, items->TextAt(row));
    auto& [sum, count] = pairs[{user, item}];
    sum += target->NumberAt(row);
    ++count;
  }
  model->ratings_.resize(model->users_.ids.size());
  double total = 0, num_ratings = 0;
  for (const auto& [pair, entry] : pairs) {
    const double rating = entry.first / entry.second;
    if (options.is_implicit && rating < options.threshold) continue;
    model->ratings_[pair.first][pair.second] = static_cast<float>(rating);
    total += rating;
    ++num_ratings;
  }
  if (num_ratings == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "No rating reaches feedback_threshold; there is nothing to learn from.");
  model->mean_ = options.is_implicit ? 0 : total / num_ratings;
  std::mt19937 random(options.seed);
  for (Side* side : {&model->users_, &model->items_}) {
    side->bias.assign(side->ids.size(), 0);
    side->vectors.resize(side->ids.size() * kFactors);
    for (float& value : side->vectors)
      value = (static_cast<float>(random() % 20001) / 10000 - 1) * 0.1f;
  }
  for (int round = 0; round < kRounds; ++round) {
    model->SolveSide(&model->users_, model->items_, true);
    model->SolveSide(&model->items_, model->users_, false);
  }
  return model;
}

bool RecommendationModel::HasSeen(const std::string& user, const std::string& item) const {
  const size_t u = users_.Find(user), i = items_.Find(item);
  return u < users_.ids.size() && i < items_.ids.size() && ratings_[u].contains(i);
}

double RecommendationModel::Rate(const std::string& user, const std::string& item) const {
  const size_t u = users_.Find(user), i = items_.Find(item);
  if (!options_.is_implicit) return Affinity(u, i);
  // The item's rank among all; a new user's items are ranked by how often they were chosen.
  const auto score = [&](size_t other) {
    if (other == items_.ids.size()) return -1e9;
    return u < users_.ids.size() ? Affinity(u, other) : static_cast<double>(items_.count[other]);
  };
  const double own = score(i);
  size_t rank = 1;
  for (size_t other = 0; other < items_.ids.size(); ++other)
    if (score(other) > own) ++rank;
  return static_cast<double>(rank);
}

RecommendationModel::Ranking RecommendationModel::TopItems(const std::string& user, size_t topk,
                                                           bool removes_seen) const {
  const size_t u = users_.Find(user);
  Ranking all;
  for (size_t item = 0; item < items_.ids.size(); ++item) {
    if (u < users_.ids.size() && removes_seen && ratings_[u].contains(item)) continue;
    const bool by_count = options_.is_implicit && u == users_.ids.size();
    all.emplace_back(items_.ids[item], by_count ? items_.count[item] : Affinity(u, item));
  }
  Ranking best = Best(std::move(all), topk);
  if (options_.is_implicit)
    for (size_t i = 0; i < best.size(); ++i) best[i].second = static_cast<double>(i + 1);
  return best;
}

RecommendationModel::Ranking RecommendationModel::TopUsers(const std::string& item, size_t topk,
                                                           bool removes_seen) const {
  const size_t i = items_.Find(item);
  Ranking all;
  for (size_t user = 0; user < users_.ids.size(); ++user) {
    if (removes_seen && ratings_[user].contains(i)) continue;
    const bool by_count = options_.is_implicit && i == items_.ids.size();
    all.emplace_back(users_.ids[user], by_count ? users_.count[user] : Affinity(user, i));
  }
  Ranking best = Best(std::move(all), topk);
  if (options_.is_implicit)
    for (size_t rank = 0; rank < best.size(); ++rank)
      best[rank].second = static_cast<double>(rank + 1);
  return best;
}

Result<RecommendationModel::Ranking> RecommendationModel::Similar(const std::string& id,
                                                                  bool is_item, size_t topk) const {
  const Side& side = is_item ? items_ : users_;
  const size_t own = side.Find(id);
  if (own == side.ids.size())
    return MakeError(ErrorCode::kInvalidArgument,
                     std::string("ML006003: Training has not seen the ") +
                         (is_item ? "item " : "user ") + id + ".");
  const auto length = [&](size_t at) {
    double sum = 0;
    for (size_t i = 0; i < kFactors; ++i)
      sum += side.vectors[at * kFactors + i] * side.vectors[at * kFactors + i];
    return std::sqrt(std::max(sum, 1e-30));
  };
  Ranking all;
  for (size_t other = 0; other < side.ids.size(); ++other) {
    if (other == own) continue;
    double sum = 0;
    for (size_t i = 0; i < kFactors; ++i)
      sum += side.vectors[own * kFactors + i] * side.vectors[other * kFactors + i];
    all.emplace_back(side.ids[other], std::max(0.0, sum / (length(own) * length(other))));
  }
  return Best(std::move(all), topk);
}

std::string RecommendationModel::ToBytes() const {
  const auto side = [](const Side& s) {
    return Json{{"ids", s.ids},
                {"bias", NumbersToJson(s.bias)},
                {"vectors", NumbersToJson(s.vectors)},
                {"count", NumbersToJson(s.count)}};
  };
  Json ratings = Json::array();
  for (const auto& of_user : ratings_) {
    Json list = Json::array();
    for (const auto& [item, rating] : of_user) {
      list.push_back(item);
      list.push_back(rating);
    }
    ratings.push_back(std::move(list));
  }
  return WriteModelFile({{"task", "recommendation"},
                         {"columns", {options_.users, options_.items, options_.target}},
                         {"implicit", options_.is_implicit},
                         {"threshold", options_.threshold},
                         {"mean", mean_},
                         {"users", side(users_)},
                         {"items", side(items_)},
                         {"ratings", std::move(ratings)}},
                        {});
}

Result<std::unique_ptr<RecommendationModel>> RecommendationModel::FromBytes(
    std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  auto model = std::make_unique<RecommendationModel>();
  try {
    const Json& header = file.header;
    model->options_ = {header.at("columns").at(0), header.at("columns").at(1),
                       header.at("columns").at(2), header.at("implicit"),
                       header.at("threshold"),     7};
    model->mean_ = header.at("mean");
    for (const auto& [key, side] :
         {std::pair("users", &model->users_), std::pair("items", &model->items_)}) {
      const Json& from = header.at(key);
      side->ids = from.at("ids").get<std::vector<std::string>>();
      ASSIGN_OR_RETURN(side->bias, NumbersFromJson(from.at("bias")));
      ASSIGN_OR_RETURN(side->vectors, NumbersFromJson(from.at("vectors")));
      ASSIGN_OR_RETURN(side->count, NumbersFromJson(from.at("count")));
      if (side->bias.size() != side->ids.size() || side->count.size() != side->ids.size() ||
          side->vectors.size() != side->ids.size() * kFactors)
        return DamagedModel();
      side->IndexIds();
    }
    for (const Json& list : header.at("ratings")) {
      auto& of_user = model->ratings_.emplace_back();
      for (size_t i = 0; i + 1 < list.size(); i += 2) {
        const size_t item = list.at(i);
        if (item >= model->items_.ids.size()) return DamagedModel();
        of_user[item] = list.at(i + 1);
      }
    }
  } catch (const Json::exception&) {
    return DamagedModel();
  }
  if (model->ratings_.size() != model->users_.ids.size()) return DamagedModel();
  return model;
}

}  // namespace sirocco::automl
