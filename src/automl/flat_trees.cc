#include "automl/flat_trees.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

std::unexpected<Error> Damaged() {
  return MakeError(ErrorCode::kCorrupt, "the trees of the model are damaged");
}

}  // namespace

Result<FlatTrees> FlatTrees::FromJson(std::string_view json, size_t num_features,
                                      size_t num_outputs) {
  const Json model = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  const Json::json_pointer trees_path("/learner/gradient_booster/model/trees");
  const Json::json_pointer outputs_path("/learner/gradient_booster/model/tree_info");
  if (!model.is_object() || !model.contains(trees_path) || !model.contains(outputs_path))
    return Damaged();
  const Json& trees = model[trees_path];
  const Json& outputs = model[outputs_path];
  if (!trees.is_array() || !outputs.is_array() || trees.size() != outputs.size()) return Damaged();
  FlatTrees flat;
  for (size_t i = 0; i < trees.size(); ++i) {
    const Json& tree = trees[i];
    for (const char* key :
         {"left_children", "right_children", "split_indices", "split_conditions", "default_left"})
      if (!tree.is_object() || !tree.contains(key) || !tree[key].is_array()) return Damaged();
    const Json &left = tree["left_children"], &right = tree["right_children"],
               &features = tree["split_indices"], &values = tree["split_conditions"],
               &defaults = tree["default_left"];
    const size_t count = left.size();
    if (count == 0 || right.size() != count || features.size() != count || values.size() != count ||
        defaults.size() != count)
      return Damaged();
    if (!outputs[i].is_number_integer() || outputs[i].get<int64_t>() < 0 ||
        outputs[i].get<uint64_t>() >= num_outputs)
      return Damaged();
    flat.outputs_.push_back(outputs[i].get<uint32_t>());
    flat.roots_.push_back(static_cast<uint32_t>(flat.nodes_.size()));
    // Breadth first, so that children are neighbours. Each node may be reached once only.
    std::vector<size_t> order = {0};
    flat.nodes_.emplace_back();
    for (size_t at = 0; at < order.size(); ++at) {
      if (order.size() > count) return Damaged();
      const size_t from = order[at];
      Node& node = flat.nodes_[flat.roots_.back() + at];
      if (!values[from].is_number() || !left[from].is_number_integer() ||
          !right[from].is_number_integer() || !features[from].is_number_integer())
        return Damaged();
      node.value = values[from].get<float>();
      const int64_t left_child = left[from].get<int64_t>(),
                    right_child = right[from].get<int64_t>();
      if (left_child < 0) {
        node.feature = -1;
        node.child = 0;
        continue;
      }
      const int64_t feature = features[from].get<int64_t>();
      if (left_child >= static_cast<int64_t>(count) || right_child < 0 ||
          right_child >= static_cast<int64_t>(count) || feature < 0 ||
          feature >= static_cast<int64_t>(num_features))
        return Damaged();
      const bool missing_left =
          defaults[from].is_boolean() ? defaults[from].get<bool>() : defaults[from] == 1;
      node.feature = static_cast<int32_t>(feature);
      node.child =
          static_cast<uint32_t>(flat.roots_.back() + order.size()) << 1 | (missing_left ? 1u : 0u);
      order.push_back(static_cast<size_t>(left_child));
      order.push_back(static_cast<size_t>(right_child));
      flat.nodes_.resize(flat.roots_.back() + order.size());
    }
  }
  return flat;
}

float FlatTrees::Walk(uint32_t root, const float* row) const {
  const Node* node = &nodes_[root];
  while (node->feature >= 0) {
    const float value = row[node->feature];
    const bool is_left = std::isnan(value) ? (node->child & 1) != 0 : value < node->value;
    node = &nodes_[(node->child >> 1) + (is_left ? 0 : 1)];
  }
  return node->value;
}

void FlatTrees::Add(const float* row, float* sums) const {
  for (size_t tree = 0; tree < roots_.size(); ++tree)
    sums[outputs_[tree]] += Walk(roots_[tree], row);
}

void FlatTrees::AddRows(const float* rows, size_t width, size_t num_rows, float* sums,
                        size_t num_outputs) const {
  // A tree stays in the first-level cache while a block of rows passes it.
  constexpr size_t kBlock = 256;
  for (size_t begin = 0; begin < num_rows; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, num_rows);
    for (size_t tree = 0; tree < roots_.size(); ++tree)
      for (size_t row = begin; row < end; ++row)
        sums[row * num_outputs + outputs_[tree]] += Walk(roots_[tree], rows + row * width);
  }
}

}  // namespace sirocco::automl
