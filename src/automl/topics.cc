#include "automl/topics.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "automl/json_text.h"
#include "automl/model_file.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxWords = 4000;
constexpr size_t kMinWordBytes = 3;
constexpr int kRounds = 60, kPredictionRounds = 30;
constexpr size_t kWordsPerTopic = 5;
constexpr float kTiny = 1e-9f;
// A topic belongs to a document if its weight is at least this part of the largest one's.
constexpr float kShare = 0.4f;

bool IsWordByte(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::map<std::string, float> CountWords(const std::string& text) {
  std::map<std::string, float> counts;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
    if (IsWordByte(c)) {
      word.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
      continue;
    }
    if (word.size() >= kMinWordBytes) ++counts[word];
    word.clear();
  }
  return counts;
}

}  // namespace

void TopicModel::PrepareTopics() {
  const size_t topics = num_topics(), words = words_.size();
  gram_.assign(topics * topics, 0);
  for (size_t a = 0; a < topics; ++a)
    for (size_t b = 0; b < topics; ++b)
      for (size_t word = 0; word < words; ++word)
        gram_[a * topics + b] += weights_[a * words + word] * weights_[b * words + word];
}

void TopicModel::IndexWords() {
  index_.clear();
  for (size_t i = 0; i < words_.size(); ++i) index_.emplace(words_[i], i);
}

std::vector<std::pair<size_t, float>> TopicModel::WeightsOf(const std::string& document) const {
  std::vector<std::pair<size_t, float>> weights;
  float squares = 0;
  for (const auto& [word, count] : CountWords(document)) {
    const auto found = index_.find(word);
    if (found == index_.end()) continue;
    const float weight = (1 + std::log(count)) * rarity_[found->second];
    weights.emplace_back(found->second, weight);
    squares += weight * weight;
  }
  for (auto& [word, weight] : weights) weight /= std::sqrt(squares);
  return weights;
}

std::vector<float> TopicModel::TopicsOf(
    const std::vector<std::pair<size_t, float>>& document) const {
  const size_t topics = num_topics(), words = words_.size();
  std::vector<float> share(topics, 1);
  for (int round = 0; round < kPredictionRounds; ++round)
    for (size_t topic = 0; topic < topics; ++topic) {
      float up = 0, down = kTiny;
      for (const auto& [word, weight] : document) up += weight * weights_[topic * words + word];
      for (size_t other = 0; other < topics; ++other)
        down += gram_[topic * topics + other] * share[other];
      share[topic] *= up / down;
    }
  return share;
}

Result<std::unique_ptr<TopicModel>> TopicModel::Train(const std::vector<std::string>& documents,
                                                      const std::string& column, size_t num_topics,
                                                      uint32_t seed) {
  auto model = std::make_unique<TopicModel>();
  model->column_ = column;
  std::map<std::string, size_t> frequency;
  for (const std::string& document : documents)
    for (const auto& [word, count] : CountWords(document)) ++frequency[word];
  // Words of nearly all documents, or of one of many, tell no topics apart.
  const size_t least = documents.size() >= 20 ? 2 : 1;
  const size_t most = std::max<size_t>(1, documents.size() * 7 / 10);
  std::vector<std::pair<size_t, std::string>> order;
  for (const auto& [word, count] : frequency)
    if (count >= least && count <= most) order.emplace_back(count, word);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  order.resize(std::min(order.size(), kMaxWords));
  for (const auto& [count, word] : order) {
    model->words_.push_back(word);
    model->rarity_.push_back(static_cast<float>(
        std::log(static_cast<double>(documents.size() + 1) / static_cast<double>(count)) + 0.1));
  }
  model->IndexWords();
  std::vector<std::vector<std::pair<size_t, float>>> matrix;
  for (const std::string& document : documents)
    if (auto weights = model->WeightsOf(document); !weights.empty())
      matrix.push_back(std::move(weights));
  if (matrix.size() < 2)
    return MakeError(
        ErrorCode::kInvalidArgument,
        "Topic modeling needs at least two documents with words that tell them apart.");
  const size_t words = model->words_.size();
  const size_t topics = std::clamp<size_t>(
      num_topics != 0 ? num_topics
                      : static_cast<size_t>(std::sqrt(static_cast<double>(matrix.size()) / 2)),
      2, std::max<size_t>(2, std::min<size_t>(num_topics != 0 ? 1000 : 20, matrix.size())));
  std::mt19937 random(seed);
  const auto draw = [&] { return 0.1f + static_cast<float>(random() % 1000) / 1000; };
  std::vector<float> share(matrix.size() * topics);
  model->weights_.resize(topics * words);
  for (float& value : share) value = draw();
  for (float& value : model->weights_) value = draw() / static_cast<float>(words);
  // Multiplicative updates of one factor, then of the other.
  for (int round = 0; round < kRounds; ++round) {
    std::vector<float> gram(topics * topics, 0);
    for (size_t a = 0; a < topics; ++a)
      for (size_t b = 0; b < topics; ++b)
        for (size_t word = 0; word < words; ++word)
          gram[a * topics + b] +=
              model->weights_[a * words + word] * model->weights_[b * words + word];
    for (size_t row = 0; row < matrix.size(); ++row)
      for (size_t topic = 0; topic < topics; ++topic) {
        float up = 0, down = kTiny;
        for (const auto& [word, weight] : matrix[row])
          up += weight * model->weights_[topic * words + word];
        for (size_t other = 0; other < topics; ++other)
          down += gram[topic * topics + other] * share[row * topics + other];
        share[row * topics + topic] *= up / down;
      }
    std::vector<float> up(topics * words, 0), shares(topics * topics, 0);
    for (size_t row = 0; row < matrix.size(); ++row)
      for (size_t topic = 0; topic < topics; ++topic) {
        for (const auto& [word, weight] : matrix[row])
          up[topic * words + word] += share[row * topics + topic] * weight;
        for (size_t other = 0; other < topics; ++other)
          shares[topic * topics + other] +=
              share[row * topics + topic] * share[row * topics + other];
      }
    for (size_t word = 0; word < words; ++word) {
      std::vector<float> old(topics);
      for (size_t topic = 0; topic < topics; ++topic)
        old[topic] = model->weights_[topic * words + word];
      for (size_t topic = 0; topic < topics; ++topic) {
        float down = kTiny;
        for (size_t other = 0; other < topics; ++other)
          down += shares[topic * topics + other] * old[other];
        model->weights_[topic * words + word] = old[topic] * up[topic * words + word] / down;
      }
    }
  }
  model->PrepareTopics();
  return model;
}

std::string TopicModel::ResultText(const std::string& document) const {
  const auto weights = WeightsOf(document);
  std::string topics_text;
  if (!weights.empty()) {
    const std::vector<float> share = TopicsOf(weights);
    const float largest = *std::max_element(share.begin(), share.end());
    std::vector<size_t> order(share.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return share[a] > share[b]; });
    for (const size_t topic : order) {
      if (!(share[topic] >= kShare * largest) || !(share[topic] > 0)) break;
      std::vector<size_t> words(words_.size());
      for (size_t i = 0; i < words.size(); ++i) words[i] = i;
      const size_t count = std::min(kWordsPerTopic, words.size());
      const float* own = &weights_[topic * words_.size()];
      std::partial_sort(
          words.begin(), words.begin() + static_cast<ptrdiff_t>(count), words.end(),
          [&](size_t a, size_t b) { return own[a] != own[b] ? own[a] > own[b] : a < b; });
      std::string list;
      for (size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ", ") + QuoteJson(words_[words[i]]);
      topics_text += (topics_text.empty() ? "[" : ", [") + list + "]";
    }
  }
  return "{\"predictions\": {\"topics\": [" + topics_text + "]}}";
}

std::string TopicModel::ToBytes() const {
  return WriteModelFile({{"task", "topic_modeling"},
                         {"column", column_},
                         {"words", words_},
                         {"rarity", NumbersToJson(rarity_)},
                         {"weights", NumbersToJson(weights_)}},
                        {});
}

Result<std::unique_ptr<TopicModel>> TopicModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  auto model = std::make_unique<TopicModel>();
  try {
    model->column_ = file.header.at("column");
    model->words_ = file.header.at("words").get<std::vector<std::string>>();
    ASSIGN_OR_RETURN(model->rarity_, NumbersFromJson(file.header.at("rarity")));
    ASSIGN_OR_RETURN(model->weights_, NumbersFromJson(file.header.at("weights")));
  } catch (const Json::exception&) {
    return DamagedModel();
  }
  if (model->words_.empty() || model->rarity_.size() != model->words_.size() ||
      model->weights_.empty() || model->weights_.size() % model->words_.size() != 0)
    return DamagedModel();
  model->IndexWords();
  model->PrepareTopics();
  return model;
}

}  // namespace sirocco::automl
