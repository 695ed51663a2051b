#include "engine/optimize/join_order.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <unordered_set>

namespace sirocco::engine {

namespace {

using plan::ColumnId;
using plan::ExprOp;
using plan::ExprPtr;
using plan::JoinKey;
using plan::JoinKind;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

using Mask = uint64_t;

// 3^9 splits take about 1 ms; more relations go to the greedy algorithm.
constexpr size_t kMaxExhaustive = 9;
// A mask has 64 bits; larger regions keep the given order.
constexpr size_t kMaxRelations = 60;

// Relative costs per row, from profiles of TPC-H: a row costs this much to test with a filter passed sideways into its scan, to put into a join
// table, to look up, and to hand on.
constexpr double kScanCost = 0.15, kBuildCost = 2.0, kProbeCost = 1.0, kOutputCost = 0.5;

struct Conjunct {
  ExprPtr expr;             // as a condition
  Mask relations = 0;       // that it reads
  bool equality = false;    // usable as a join key: sides read disjoint relations
  JoinKey key;
  Mask left = 0, right = 0; // relations of the key's sides
  int eq_class = -1;        // equivalence class, if both sides are columns of one type
};

// A column in an equivalence class.
struct Member {
  ColumnId column;
  plan::Type type;
  size_t relation;
};

struct Best {
  double cost = std::numeric_limits<double>::infinity();
  double rows = 0;
  Mask left = 0, right = 0;   // probe and build; 0 for a single relation
};

class Region {
 public:
  Region(const plan::Plan& plan, Estimator* estimator) : plan_(plan), estimator_(estimator) {}

  // Collects the region rooted at `node`; leaves are ordered by `leaf` first.
  template <typename OrderLeaf>
  void Collect(const NodePtr& node, OrderLeaf leaf) {
    if (node->kind == NodeKind::kJoin && node->join_kind == JoinKind::kInner && !node->keep_order) {
      Collect(node->inputs[0], leaf);
      Collect(node->inputs[1], leaf);
      for (const JoinKey& key : node->join_keys) keys_.push_back(key);
      plan::SplitConjunction(node->predicate, &conditions_);
      return;
    }
    if (node->kind == NodeKind::kFilter && node->inputs[0]->kind == NodeKind::kJoin &&
        node->inputs[0]->join_kind == JoinKind::kInner && !node->inputs[0]->keep_order) {
      Collect(node->inputs[0], leaf);
      plan::SplitConjunction(node->predicate, &conditions_);
      return;
    }
    relations_.push_back(leaf(node));
  }

  size_t num_relations() const { return relations_.size(); }

  NodePtr Build() {
    Analyse();
    std::map<Mask, Best> table;
    const Mask all = (Mask{1} << relations_.size()) - 1;
    for (size_t r = 0; r < relations_.size(); ++r) {
      const double rows = estimator_->Rows(relations_[r]);
      table[Mask{1} << r] = {ScanCost(r, rows), rows, 0, 0};
    }
    if (relations_.size() <= kMaxExhaustive) {
      Enumerate(all, &table);
    } else {
      Greedy(all, &table);
    }
    return Emit(all, table);
  }

 private:
  double ScanCost(size_t relation, double rows) const {
    const Node& node = *relations_[relation];
    double base = rows;
    if (node.kind == NodeKind::kScan && !node.scan_columns.empty())
      if (const ColumnFacts* facts = estimator_->Facts(node.scan_columns[0].id)) base = facts->base_rows;
    return base * kScanCost;
  }

  Mask RelationsOf(const plan::Expr& expr) const {
    Mask mask = 0;
    plan::ForEachColumn(expr, [&](ColumnId id) {
      const auto found = owner_.find(id);
      if (found != owner_.end()) mask |= Mask{1} << found->second;
    });
    return mask;
  }

  void Analyse() {
    for (size_t r = 0; r < relations_.size(); ++r) {
      estimator_->Rows(relations_[r]);
      for (const auto& [id, type] : OutputColumns(plan_, *relations_[r])) owner_[id] = r;
    }
    for (const JoinKey& key : keys_) AddKey(key);
    for (const ExprPtr& term : conditions_) AddCondition(term);
  }

  void AddKey(const JoinKey& key) {
    Conjunct conjunct;
    conjunct.expr = plan::Call(key.null_safe ? ExprOp::kNullSafeEq : ExprOp::kEq, plan::IntType(),
                               {key.left, key.right}, key.collation);
    conjunct.key = key;
    conjunct.left = RelationsOf(*key.left);
    conjunct.right = RelationsOf(*key.right);
    conjunct.relations = conjunct.left | conjunct.right;
    conjunct.equality = conjunct.left != 0 && conjunct.right != 0 && (conjunct.left & conjunct.right) == 0;
    const plan::Type &a = key.left->type, &b = key.right->type;
    if (conjunct.equality && !key.null_safe && key.left->op == ExprOp::kColumn && key.right->op == ExprOp::kColumn &&
        a.kind == b.kind && a.scale == b.scale && a.precision == b.precision && a.collation == b.collation &&
        (!a.IsString() || key.collation == a.collation))
      conjunct.eq_class = Unite({key.left->column, a, owner_.at(key.left->column)},
                                {key.right->column, b, owner_.at(key.right->column)});
    conjuncts_.push_back(std::move(conjunct));
  }

  void AddCondition(const ExprPtr& term) {
    if (term->op == ExprOp::kEq && term->args.size() == 2) {
      const Mask left = RelationsOf(*term->args[0]), right = RelationsOf(*term->args[1]);
      if (left != 0 && right != 0 && (left & right) == 0) {
        AddKey({term->args[0], term->args[1], term->collation, false});
        return;
      }
    }
    Conjunct conjunct;
    conjunct.expr = term;
    conjunct.relations = RelationsOf(*term);
    conjuncts_.push_back(std::move(conjunct));
  }

  // Puts both members into one class and returns it; renumbers conjuncts of a class that is swallowed.
  int Unite(const Member& a, const Member& b) {
    int class_a = ClassOf(a.column), class_b = ClassOf(b.column);
    if (class_a < 0 && class_b < 0) {
      classes_.push_back({a, b});
      return static_cast<int>(classes_.size() - 1);
    }
    if (class_a < 0) std::swap(class_a, class_b);
    auto& members = classes_[static_cast<size_t>(class_a)];
    if (class_b < 0) {
      const bool a_known = ClassOf(a.column) >= 0;
      members.push_back(a_known ? b : a);
    } else if (class_a != class_b) {
      auto& other = classes_[static_cast<size_t>(class_b)];
      members.insert(members.end(), other.begin(), other.end());
      other.clear();
      for (Conjunct& conjunct : conjuncts_)
        if (conjunct.eq_class == class_b) conjunct.eq_class = class_a;
    }
    return class_a;
  }

  int ClassOf(ColumnId column) const {
    for (size_t c = 0; c < classes_.size(); ++c)
      for (const Member& member : classes_[c])
        if (member.column == column) return static_cast<int>(c);
    return -1;
  }

  static bool Contains(Mask set, Mask subset) { return (set & subset) == subset; }
  static bool Has(Mask set, size_t relation) { return (set >> relation & 1) != 0; }

  // Whether no two columns of a class are in one relation, where nothing has made them equal.
  static bool OnePerRelation(const std::vector<Member>& members) {
    Mask seen = 0;
    for (const Member& member : members) {
      if (Has(seen, member.relation)) return false;
      seen |= Mask{1} << member.relation;
    }
    return true;
  }

  // Join keys between two disjoint sets: one equality per class of equal columns, given or implied (each set has made its own members equal
  // already; a second one would only spoil estimates), and all other given equalities.
  std::vector<JoinKey> KeysBetween(Mask left, Mask right) const {
    std::vector<JoinKey> keys;
    std::unordered_set<int> crossed;
    for (const Conjunct& conjunct : conjuncts_) {
      if (!conjunct.equality) continue;
      if (conjunct.eq_class >= 0 && crossed.contains(conjunct.eq_class) && OnePerRelation(classes_[static_cast<size_t>(conjunct.eq_class)]))
        continue;
      if (Contains(left, conjunct.left) && Contains(right, conjunct.right)) {
        keys.push_back(conjunct.key);
      } else if (Contains(left, conjunct.right) && Contains(right, conjunct.left)) {
        keys.push_back({conjunct.key.right, conjunct.key.left, conjunct.key.collation, conjunct.key.null_safe});
      } else {
        continue;
      }
      if (conjunct.eq_class >= 0) crossed.insert(conjunct.eq_class);
    }
    for (size_t c = 0; c < classes_.size(); ++c) {
      if (crossed.contains(static_cast<int>(c))) continue;
      const Member *in_left = nullptr, *in_right = nullptr;
      for (const Member& member : classes_[c]) {
        if (Has(left, member.relation) && in_left == nullptr) in_left = &member;
        if (Has(right, member.relation) && in_right == nullptr) in_right = &member;
      }
      if (in_left != nullptr && in_right != nullptr)
        keys.push_back({plan::ColumnRef(in_left->column, in_left->type), plan::ColumnRef(in_right->column, in_right->type),
                        in_left->type.collation, false});
    }
    return keys;
  }

  // Conditions that become decidable when the sides meet.
  std::vector<ExprPtr> ConditionsAt(Mask left, Mask right) const {
    std::vector<ExprPtr> terms;
    for (const Conjunct& conjunct : conjuncts_) {
      if (!Contains(left | right, conjunct.relations)) continue;
      if (Contains(left, conjunct.relations) || Contains(right, conjunct.relations)) continue;
      const bool is_key = conjunct.equality && ((Contains(left, conjunct.left) && Contains(right, conjunct.right)) ||
                                                (Contains(left, conjunct.right) && Contains(right, conjunct.left)));
      if (!is_key) terms.push_back(conjunct.expr);
    }
    return terms;
  }

  double OutputRows(const Best& left, const Best& right, Mask left_set, Mask right_set,
                    const std::vector<JoinKey>& keys) const {
    double rows = estimator_->JoinRows(left.rows, right.rows, keys);
    for (const ExprPtr& term : ConditionsAt(left_set, right_set)) rows *= estimator_->TermSelectivity(*term);
    return rows;
  }

  // Considers joining two sets that are in the table; keeps the result if it is the cheapest for their union.
  void Consider(Mask left, Mask right, bool allow_cross, std::map<Mask, Best>* table) const {
    const Best &a = table->at(left), &b = table->at(right);
    const std::vector<JoinKey> keys = KeysBetween(left, right);
    if (keys.empty() && !allow_cross && a.rows > 1.5 && b.rows > 1.5) return;
    Best& best = (*table)[left | right];
    // The cardinality of a set must not depend on how it was made, else costs cannot be compared: the first way found decides.
    const double rows = best.left != 0 ? best.rows : OutputRows(a, b, left, right, keys);
    const bool build_right = b.rows <= a.rows;
    const double build = build_right ? b.rows : a.rows, probe = build_right ? a.rows : b.rows;
    // Keys found in the build are passed into the probe side's scans, so what cannot match costs little.
    const double probed = keys.empty() ? probe : std::min(probe, std::max(rows, 1.0) + probe * 0.1);
    const double cost = a.cost + b.cost + build * kBuildCost + probed * kProbeCost + rows * kOutputCost +
                        (keys.empty() ? probe * build * kProbeCost : 0);
    if (cost < best.cost) best = {cost, rows, build_right ? left : right, build_right ? right : left};
    if (best.left == 0) best.rows = rows;
  }

  void Enumerate(Mask all, std::map<Mask, Best>* table) const {
    for (Mask set = 1; set <= all; ++set) {
      if (std::popcount(set) < 2) continue;
      for (const bool allow_cross : {false, true}) {
        // Each split once: the part with the lowest relation is the left one.
        const Mask lowest = set & -set;
        for (Mask sub = (set - 1) & set; sub != 0; sub = (sub - 1) & set) {
          if ((sub & lowest) == 0) continue;
          const Mask rest = set & ~sub;
          if (table->contains(sub) && table->contains(rest)) Consider(sub, rest, allow_cross, table);
        }
        if (table->contains(set) && table->at(set).left != 0) break;
        table->erase(set);
        // Cross joins only to complete the whole, or where a subset can be made in no other way at the end.
        if (set != all) break;
      }
    }
    if (!table->contains(all)) Greedy(all, table);
  }

  // Joins the pair with the smallest result again and again.
  void Greedy(Mask all, std::map<Mask, Best>* table) const {
    std::vector<Mask> parts;
    for (size_t r = 0; r < relations_.size(); ++r) parts.push_back(Mask{1} << r);
    while (parts.size() > 1) {
      size_t best_i = 0, best_j = 1;
      double best_rows = std::numeric_limits<double>::infinity();
      bool best_connected = false;
      for (size_t i = 0; i < parts.size(); ++i) {
        for (size_t j = i + 1; j < parts.size(); ++j) {
          const std::vector<JoinKey> keys = KeysBetween(parts[i], parts[j]);
          const double rows = OutputRows(table->at(parts[i]), table->at(parts[j]), parts[i], parts[j], keys);
          const bool connected = !keys.empty();
          if (connected == best_connected ? rows < best_rows : connected) {
            best_i = i;
            best_j = j;
            best_rows = rows;
            best_connected = connected;
          }
        }
      }
      const Mask joined = parts[best_i] | parts[best_j];
      table->erase(joined);
      Consider(parts[best_i], parts[best_j], true, table);
      parts[best_i] = joined;
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_j));
    }
    (void)all;
  }

  NodePtr Emit(Mask set, const std::map<Mask, Best>& table) const {
    const Best& best = table.at(set);
    std::vector<ExprPtr> own;   // conditions of a single relation
    if (best.left == 0) {
      const size_t relation = static_cast<size_t>(std::countr_zero(set));
      for (const Conjunct& conjunct : conjuncts_)
        if (Contains(set, conjunct.relations)) own.push_back(conjunct.expr);
      // Conditions without any column belong to the first relation only.
      if (relation != 0) std::erase_if(own, [&](const ExprPtr& term) { return RelationsOf(*term) == 0; });
      if (own.empty()) return relations_[relation];
      auto filter = std::make_shared<Node>();
      filter->kind = NodeKind::kFilter;
      filter->inputs = {relations_[relation]};
      filter->predicate = plan::Conjunction(std::move(own));
      filter->estimated_rows = best.rows;
      return filter;
    }
    auto join = std::make_shared<Node>();
    join->kind = NodeKind::kJoin;
    join->join_kind = JoinKind::kInner;
    join->inputs = {Emit(best.left, table), Emit(best.right, table)};
    join->join_keys = KeysBetween(best.left, best.right);
    join->predicate = plan::Conjunction(ConditionsAt(best.left, best.right));
    join->estimated_rows = best.rows;
    return join;
  }

  const plan::Plan& plan_;
  Estimator* estimator_;
  std::vector<NodePtr> relations_;
  std::vector<JoinKey> keys_;
  std::vector<ExprPtr> conditions_;
  std::unordered_map<ColumnId, size_t> owner_;
  std::vector<Conjunct> conjuncts_;
  std::vector<std::vector<Member>> classes_;
};

bool IsRegionRoot(const Node& node) {
  const auto is_inner = [](const Node& n) {
    return n.kind == NodeKind::kJoin && n.join_kind == JoinKind::kInner && !n.keep_order;
  };
  return is_inner(node) || (node.kind == NodeKind::kFilter && is_inner(*node.inputs[0]));
}

NodePtr Order(const plan::Plan& plan, const NodePtr& node, Estimator* estimator) {
  if (IsRegionRoot(*node)) {
    Region region(plan, estimator);
    region.Collect(node, [&](const NodePtr& leaf) { return Order(plan, leaf, estimator); });
    if (region.num_relations() <= kMaxRelations) return region.Build();
  }
  auto copy = std::make_shared<Node>(*node);
  for (NodePtr& input : copy->inputs) input = Order(plan, input, estimator);
  copy->estimated_rows = -1;
  NodePtr result = copy;
  copy->estimated_rows = estimator->Rows(result);
  return result;
}

}  // namespace

NodePtr OrderJoins(const plan::Plan& plan, const NodePtr& root, Estimator* estimator) {
  return Order(plan, root, estimator);
}

}  // namespace sirocco::engine
