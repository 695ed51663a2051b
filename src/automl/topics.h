// Topic modelling: a non-negative factorisation of the documents' tf-idf weights. A document's
// answer is the words of the topics that make up most of it.
//
// File (model_file.h): everything is in the JSON text. Threads: one per model.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

class TopicModel {
 public:
  // Errors: fewer than two documents with words. `num_topics` 0: by the number of documents.
  static Result<std::unique_ptr<TopicModel>> Train(const std::vector<std::string>& documents,
                                                   const std::string& column, size_t num_topics,
                                                   uint32_t seed);
  static Result<std::unique_ptr<TopicModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const std::string& column() const { return column_; }
  size_t num_topics() const { return words_.empty() ? 0 : weights_.size() / words_.size(); }
  // {"predictions": {"topics": [["word", ...], ...]}}; no topics for a text without known words.
  std::string ResultText(const std::string& document) const;

 private:
  // Weights of the words of a document that the model knows, of length 1.
  std::vector<std::pair<size_t, float>> WeightsOf(const std::string& document) const;
  std::vector<float> TopicsOf(const std::vector<std::pair<size_t, float>>& document) const;
  void IndexWords();
  void PrepareTopics();

  std::string column_;
  std::vector<std::string> words_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<float> rarity_;   // per word: inverse document frequency
  std::vector<float> weights_;  // per topic and word
  std::vector<float> gram_;     // products of the topics' weights, for prediction
};

}  // namespace sirocco::automl
