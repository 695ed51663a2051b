// Recommendation by matrix factorisation: each user and item has a bias and a vector, found by
// alternating least squares. With explicit feedback the sum is a rating; with implicit feedback
// ratings at or above a threshold are wishes of weight kWishWeight among zeros, and the answer is a
// rank, lower being better.
//
// Ids are texts, whatever the columns' types. File (model_file.h): all in the JSON text.
// Threads: one per model.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

class RecommendationModel {
 public:
  struct Options {
    std::string users, items, target;
    bool is_implicit = false;
    double threshold = 1;
    uint32_t seed = 7;
  };
  // Ids and their numbers, best first.
  using Ranking = std::vector<std::pair<std::string, double>>;

  static Result<std::unique_ptr<RecommendationModel>> Train(const Table& rows,
                                                            const Options& options);
  static Result<std::unique_ptr<RecommendationModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const Options& options() const { return options_; }
  // Rating, or the rank of the item for the user. Unknown ids get what is usual.
  double Rate(const std::string& user, const std::string& item) const;
  Ranking TopItems(const std::string& user, size_t topk, bool removes_seen) const;
  Ranking TopUsers(const std::string& item, size_t topk, bool removes_seen) const;
  // By cosine. kInvalidArgument: an id that training has not seen.
  Result<Ranking> Similar(const std::string& id, bool is_item, size_t topk) const;
  // Whether the pair was in the training rows.
  bool HasSeen(const std::string& user, const std::string& item) const;

 private:
  // One side of the matrix.
  struct Side {
    std::vector<std::string> ids;
    std::map<std::string, size_t, std::less<>> index;
    std::vector<float> bias, vectors, count;   // vectors: kFactors per id; count: training rows
    size_t Find(const std::string& id) const;  // ids.size(): unknown
    void IndexIds();
  };
  void SolveSide(Side* side, const Side& other, bool is_users);
  double Affinity(size_t user, size_t item) const;

  Options options_;
  double mean_ = 0;
  Side users_, items_;
  std::vector<std::map<size_t, float>> ratings_;  // by user: item -> rating
};

}  // namespace sirocco::automl
