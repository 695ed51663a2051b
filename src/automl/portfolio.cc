#include "automl/portfolio.h"

#include <algorithm>
#include <cmath>

namespace sirocco::automl {

namespace {

// How far a setting moves in a step, and its bounds.
struct Dial {
  const char* name;
  double otherwise, factor, low, high;
  bool is_whole = false;
};

std::vector<Dial> DialsOf(Family family) {
  switch (family) {
    case Family::kBoosted:
    case Family::kLeafBoosted:
      return {{"learning_rate", 0.1, 1.6, 0.02, 0.3},
              {"max_leaves", 16, 1.7, 3, 200, true},
              {"max_depth", 6, 1.4, 1, 14, true},
              {"min_weight", 1, 2.5, 0.05, 100},
              {"lambda", 1, 3, 0.01, 100},
              {"row_share", 0.8, 1.2, 0.4, 1},
              {"feature_share", 0.7, 1.5, 0.1, 1}};
    case Family::kForest:
    case Family::kExtraTrees:
      return {{"feature_share", 0.3, 1.7, 0.02, 1},
              {"min_leaf", 1, 2, 1, 50, true},
              {"max_depth", 30, 1.6, 4, 30, true}};
    case Family::kDecisionTree:
      return {{"min_leaf", 5, 2, 1, 100, true}, {"max_depth", 8, 1.5, 2, 20, true}};
    case Family::kLinear:
      return {{"penalty", 1, 4, 1e-3, 1e4}};
    case Family::kKernel:
      return {{"penalty", 0.3, 3, 1e-3, 1e2}, {"width", 1, 2, 0.02, 60}};
    case Family::kNeighbours:
      return {{"neighbours", 15, 1.7, 1, 200, true}};
    case Family::kBayes:
      return {};
  }
  return {};
}

Configuration Make(Family family, std::map<std::string, double> settings) {
  return {family, std::move(settings)};
}

}  // namespace

std::vector<Configuration> Portfolio(Family family, size_t num_rows, size_t num_features,
                                     bool is_classification) {
  const auto d = static_cast<double>(std::max<size_t>(1, num_features));
  const bool is_small = num_rows<1500, is_large = num_rows> 20000;
  const double rounds = is_large ? 300 : 400;
  switch (family) {
    case Family::kBoosted: {
      std::vector<Configuration> list = {
          Make(family, {{"rounds", rounds},
                        {"learning_rate", is_small ? 0.06 : 0.1},
                        {"max_leaves", is_small ? 8 : 24},
                        {"max_depth", is_small ? 4 : 6},
                        {"min_weight", is_classification ? 0.5 : 2},
                        {"row_share", is_large ? 1 : 0.8},
                        {"feature_share", std::clamp(4 / d, 0.5, 1.0)}}),
          Make(family, {{"rounds", rounds},
                        {"learning_rate", 0.08},
                        {"max_leaves", 4},
                        {"max_depth", 2},
                        {"min_weight", 1},
                        {"lambda", 3},
                        {"row_share", is_large ? 1 : 0.8},
                        {"feature_share", std::clamp(4 / d, 0.3, 1.0)}})};
      if (num_rows > 300)
        list.push_back(Make(family, {{"rounds", rounds},
                                     {"learning_rate", 0.05},
                                     {"max_leaves", 32},
                                     {"max_depth", 8},
                                     {"min_weight", is_classification ? 1 : 5},
                                     {"lambda", 5},
                                     {"row_share", is_large ? 1 : 0.7},
                                     {"feature_share", std::clamp(4 / d, 0.35, 1.0)}}));
      return list;
    }
    case Family::kLeafBoosted:
      return {Make(family, {{"rounds", rounds},
                            {"learning_rate", is_large ? 0.1 : 0.06},
                            {"max_leaves", is_small ? 16 : 63},
                            {"max_depth", 12},
                            {"min_weight", is_small ? 1 : 3},
                            {"lambda", 1},
                            {"row_share", is_large ? 1 : 0.75},
                            {"feature_share", std::clamp(4 / d, 0.5, 1.0)}})};
    case Family::kForest:
      return {Make(family, {{"trees", 120},
                            {"feature_share", is_classification ? std::sqrt(d) / d : 0.33},
                            {"min_leaf", num_rows > 5000     ? 3
                                         : is_classification ? 1
                                                             : 2}})};
    case Family::kExtraTrees:
      return {Make(family, {{"trees", 120},
                            {"feature_share", is_classification ? std::sqrt(d) / d : 0.6},
                            {"min_leaf", num_rows > 5000     ? 3
                                         : is_classification ? 1
                                                             : 2}}),
              Make(family, {{"trees", 120}, {"feature_share", 0.7}, {"min_leaf", 2}})};
    case Family::kDecisionTree:
      return {Make(family, {{"max_depth", 6}, {"min_leaf", 8}})};
    case Family::kLinear:
      return {Make(family, {{"penalty", 1}}), Make(family, {{"penalty", 30}}),
              Make(family, {{"penalty", 0.03}})};
    case Family::kKernel: {
      const double landmarks = num_rows <= 1500 ? 800 : 1000;
      return {Make(family, {{"width", 1}, {"penalty", 0.3}, {"landmarks", landmarks}}),
              Make(family, {{"width", 4}, {"penalty", 0.1}, {"landmarks", landmarks}}),
              Make(family, {{"width", 0.25}, {"penalty", 0.1}, {"landmarks", landmarks}})};
    }
    case Family::kNeighbours:
      return {Make(family, {{"neighbours", is_small ? 7 : 15}})};
    case Family::kBayes:
      return {Make(family, {})};
  }
  return {};
}

Configuration Neighbour(const Configuration& from, Random* random) {
  Configuration next = from;
  const std::vector<Dial> dials = DialsOf(from.family);
  if (dials.empty()) return next;
  const size_t changes = dials.size() > 2 ? 1 + random->Below(3) : 1 + random->Below(2);
  for (size_t i = 0; i < changes; ++i) {
    const Dial& dial = dials[random->Below(dials.size())];
    const double exponent = 0.5 + random->Uniform();
    const double factor = std::pow(dial.factor, random->Below(2) == 0 ? exponent : -exponent);
    double value = from.at(dial.name, dial.otherwise) * factor;
    if (dial.is_whole) {
      const double before = std::round(from.at(dial.name, dial.otherwise));
      value = std::round(value);
      if (value == before) value += factor > 1 ? 1 : -1;
    }
    next.settings[dial.name] = std::clamp(value, dial.low, dial.high);
  }
  return next;
}

bool SameSettings(const Configuration& a, const Configuration& b) {
  return a.family == b.family && a.settings == b.settings;
}

}  // namespace sirocco::automl
