// Random queries over random tables, kept in parts so that a failing one can be made smaller.
#pragma once

#include <string>
#include <vector>

#include "sql/random/random_schema.h"
#include "sql/random/random_source.h"

namespace sirocco::sqltest {

struct RandomQuery {
  bool distinct = false;
  std::vector<std::string> items;
  std::string from;
  std::vector<std::string> joins;
  std::vector<std::string> where, groups, having;
  bool rollup = false;
  std::string tail;   // ORDER BY, LIMIT
  std::string other;  // " UNION SELECT ..."

  std::string Text() const;
};

class QueryGenerator {
 public:
  QueryGenerator(const std::vector<RandomTable>& tables, RandomSource* random)
      : tables_(tables), random_(*random) {}

  RandomQuery Make();

 private:
  struct Source {
    std::string alias;
    const RandomTable* table;
  };
  struct ColumnRef {
    std::string text;
    const RandomColumn* column;
  };

  ColumnRef AnyColumn();
  bool ColumnOf(ValueKind kind, ColumnRef* out);
  std::string Value(ValueKind kind, int depth);
  std::string Integer(int depth);
  std::string IntegerFunction(int depth);
  std::string Number(int depth);
  std::string Text(int depth);
  std::string Date(int depth);
  std::string Condition(int depth);
  std::string Comparison(int depth);
  std::string Subquery(int depth);
  std::string Aggregate();
  std::string WindowCall();
  ValueKind AnyKind();
  void AddTables(RandomQuery* query);
  void MakeGrouped(RandomQuery* query);
  void MakePlain(RandomQuery* query);
  void MakeSet(RandomQuery* query);

  const std::vector<RandomTable>& tables_;
  RandomSource& random_;
  std::vector<Source> sources_;
};

}  // namespace sirocco::sqltest
