#include "sql/random/random_query.h"

namespace sirocco::sqltest {
namespace {

std::string Join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

}  // namespace

std::string RandomQuery::Text() const {
  std::string sql =
      std::string("SELECT ") + (distinct ? "DISTINCT " : "") + Join(items, ", ") + " FROM " + from;
  for (const std::string& join : joins) sql += " " + join;
  if (!where.empty()) sql += " WHERE " + Join(where, " AND ");
  if (!groups.empty()) sql += " GROUP BY " + Join(groups, ", ") + (rollup ? " WITH ROLLUP" : "");
  if (!having.empty()) sql += " HAVING " + Join(having, " AND ");
  return sql + other + tail;
}

ValueKind QueryGenerator::AnyKind() {
  static const std::vector<ValueKind> kKinds = {
      ValueKind::kInteger, ValueKind::kInteger,  ValueKind::kDecimal,
      ValueKind::kReal,    ValueKind::kText,     ValueKind::kText,
      ValueKind::kDate,    ValueKind::kDatetime, ValueKind::kTime};
  return random_.Pick(kKinds);
}

QueryGenerator::ColumnRef QueryGenerator::AnyColumn() {
  const Source& source = random_.Pick(sources_);
  const RandomColumn& column = random_.Pick(source.table->columns);
  return {source.alias + "." + column.name, &column};
}

bool QueryGenerator::ColumnOf(ValueKind kind, ColumnRef* out) {
  for (int attempt = 0; attempt < 12; ++attempt) {
    *out = AnyColumn();
    if (out->column->kind == kind) return true;
  }
  return false;
}

std::string QueryGenerator::Value(ValueKind kind, int depth) {
  switch (kind) {
    case ValueKind::kInteger:
      return Integer(depth);
    case ValueKind::kDecimal:
      return Number(depth);
    case ValueKind::kText:
      return Text(depth);
    case ValueKind::kDate:
      return Date(depth);
    default:
      break;
  }
  ColumnRef column;
  if (random_.Chance(80) && ColumnOf(kind, &column)) return column.text;
  if (random_.Chance(20) && depth > 0)
    return "COALESCE(" + Value(kind, depth - 1) + ", " + Value(kind, depth - 1) + ")";
  return MakeLiteral(kind, &random_);
}

std::string QueryGenerator::Integer(int depth) {
  ColumnRef column;
  if (depth <= 0 || random_.Chance(40)) {
    // Unsigned differences below zero are errors.
    if (random_.Chance(75) && ColumnOf(ValueKind::kInteger, &column))
      return column.column->is_unsigned ? "CAST(" + column.text + " AS SIGNED)" : column.text;
    return MakeLiteral(ValueKind::kInteger, &random_);
  }
  if (random_.Chance(25)) return IntegerFunction(depth);
  switch (random_.Below(12)) {
    case 0:
      return "(" + Integer(depth - 1) + " + " + Integer(depth - 1) + ")";
    case 1:
      return "(" + Integer(depth - 1) + " - " + Integer(depth - 1) + ")";
    case 2:
      return "(" + Integer(depth - 1) + " * " + MakeLiteral(ValueKind::kInteger, &random_) + ")";
    case 3:
      return "(" + Integer(depth - 1) + " % 7)";
    case 4:
      return "(" + Integer(depth - 1) + " DIV 3)";
    case 5:
      return "CHAR_LENGTH(" + Text(depth - 1) + ")";
    case 6:
      // YEAR is unsigned: differences below zero are errors, in rows that only one side looks at.
      return "CAST(" +
             random_.Pick({"YEAR", "MONTH", "DAYOFMONTH", "DAYOFWEEK", "QUARTER", "TO_DAYS"}) +
             "(" + Date(depth - 1) + ") AS SIGNED)";
    case 7:
      return "IF(" + Condition(depth - 1) + ", " + Integer(depth - 1) + ", " + Integer(depth - 1) +
             ")";
    case 8:
      return "COALESCE(" + Integer(depth - 1) + ", " + Integer(depth - 1) + ")";
    case 9:
      return "CASE WHEN " + Condition(depth - 1) + " THEN " + Integer(depth - 1) + " WHEN " +
             Condition(depth - 1) + " THEN " + Integer(depth - 1) + " END";
    case 10:
      return "ABS(" + Integer(depth - 1) + ")";
    default:
      return "DATEDIFF(" + Date(depth - 1) + ", " + Date(depth - 1) + ")";
  }
}

std::string QueryGenerator::IntegerFunction(int depth) {
  const std::string k = std::to_string(random_.Between(0, 6));
  ColumnRef column;
  switch (random_.Below(17)) {
    case 0:
      return "CAST(BIT_COUNT(" + Integer(depth - 1) + ") AS SIGNED)";
    case 1:
      return random_.Pick({"ROUND", "TRUNCATE"}) + "(" + Integer(depth - 1) + ", " +
             Integer(depth - 1) + " % 4)";
    case 2:
      return "LOCATE('" + random_.Pick({"a", "b", "p", ""}) + "', " + Text(depth - 1) + ")";
    case 3:
      return random_.Pick({"ASCII", "ORD", "BIT_LENGTH", "LENGTH"}) + "(" + Text(depth - 1) + ")";
    case 4:
      return "CAST(EXTRACT(" +
             random_.Pick({"WEEK", "YEAR", "QUARTER", "MONTH", "DAY", "YEAR_MONTH"}) + " FROM " +
             Date(depth - 1) + ") AS SIGNED)";
    case 5:
      return "CAST(" + random_.Pick({"WEEK", "YEARWEEK"}) + "(" + Date(depth - 1) + ", " + k +
             ") AS SIGNED)";
    case 6:
      return "TIMESTAMPDIFF(" + random_.Pick({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "HOUR"}) +
             ", " + Date(depth - 1) + ", " + Date(depth - 1) + ")";
    case 7:
      return "FIELD(" + Integer(depth - 1) + ", 1, " + k + ", " + Integer(depth - 1) + ")";
    case 8:
      return "INTERVAL(" + Integer(depth - 1) + ", 0, 5, 10, 100)";
    case 9:
      return "SIGN(" + Number(depth - 1) + ")";
    case 10:
      return random_.Pick({"GREATEST", "LEAST"}) + "(" + Integer(depth - 1) + ", " +
             Integer(depth - 1) + ")";
    case 11:
      return "(" + Condition(depth - 1) + ")";
    case 12:
      return "NULLIF(" + Integer(depth - 1) + ", " + k + ")";
    case 13:
      if (!ColumnOf(ValueKind::kTime, &column)) return "DAYOFYEAR(" + Date(depth - 1) + ")";
      return random_.Pick({"HOUR", "MINUTE", "SECOND", "TIME_TO_SEC"}) + "(" + column.text + ")";
    case 14:
      if (!ColumnOf(ValueKind::kDatetime, &column)) return "WEEKDAY(" + Date(depth - 1) + ")";
      return "EXTRACT(" +
             random_.Pick({"HOUR", "DAY_HOUR", "MINUTE_SECOND", "DAY_MICROSECOND", "WEEK"}) +
             " FROM " + column.text + ")";
    case 15:
      return "(" + Subquery(depth - 1) + ")";
    default:
      return "FIND_IN_SET('a', CONCAT(" + MakeLiteral(ValueKind::kText, &random_) + ", ',a,b'))";
  }
}

std::string QueryGenerator::Number(int depth) {
  ColumnRef column;
  if (depth <= 0 || random_.Chance(40)) {
    if (random_.Chance(75) && ColumnOf(ValueKind::kDecimal, &column)) return column.text;
    return MakeLiteral(ValueKind::kDecimal, &random_);
  }
  switch (random_.Below(11)) {
    case 8:
      return "TRUNCATE(" + Number(depth - 1) + ", " + random_.Pick({"0", "1", "3", "-1"}) + ")";
    case 9:
      return "COALESCE(" + Number(depth - 1) + ", " + Integer(depth - 1) + ")";
    case 10:
      return "IF(" + Condition(depth - 1) + ", " + Number(depth - 1) + ", " + Number(depth - 1) +
             ")";
    case 0:
      return "(" + Number(depth - 1) + " + " + Number(depth - 1) + ")";
    case 1:
      return "(" + Number(depth - 1) + " - " + Integer(depth - 1) + ")";
    case 2:
      return "(" + Number(depth - 1) + " * " + MakeLiteral(ValueKind::kDecimal, &random_) + ")";
    case 3:
      return "(" + Number(depth - 1) + " / " + random_.Pick({"3", "7", "0.5", "11.3", "0"}) + ")";
    case 4:
      return "ROUND(" + Number(depth - 1) + ", " + random_.Pick({"0", "1", "2", "-1"}) + ")";
    case 5:
      return random_.Pick({"FLOOR", "CEILING", "ABS"}) + "(" + Number(depth - 1) + ")";
    case 6:
      return "IFNULL(" + Number(depth - 1) + ", " + Number(depth - 1) + ")";
    default:
      return "GREATEST(" + Number(depth - 1) + ", " + Number(depth - 1) + ")";
  }
}

std::string QueryGenerator::Text(int depth) {
  ColumnRef column;
  if (depth <= 0 || random_.Chance(50)) {
    if (random_.Chance(80) && ColumnOf(ValueKind::kText, &column)) return column.text;
    return MakeLiteral(ValueKind::kText, &random_);
  }
  const std::string k = std::to_string(random_.Between(-1, 6));
  // One argument only: mixed collations are an error of their own.
  switch (random_.Below(19)) {
    case 7:
      return "LPAD(" + Text(depth - 1) + ", " + k + ", '*')";
    case 8:
      return "RPAD(" + Text(depth - 1) + ", " + k + ", 'xy')";
    case 9:
      return "REVERSE(" + Text(depth - 1) + ")";
    case 10:
      return "REPEAT(" + Text(depth - 1) + ", " + k + ")";
    case 11:
      return "INSERT(" + Text(depth - 1) + ", " + k + ", 2, 'Q')";
    case 12:
      return "SUBSTRING_INDEX(" + Text(depth - 1) + ", '" + random_.Pick({"a", "p", " "}) + "', " +
             k + ")";
    case 13:
      return "HEX(" + (random_.Chance(50) ? Text(depth - 1) : Integer(depth - 1)) + ")";
    case 14:
      return "MAKE_SET(" + Integer(depth - 1) + ", 'a', 'b', NULL, 'd')";
    case 15:
      return "EXPORT_SET(" + Integer(depth - 1) + ", '1', '0', '', 8)";
    case 16:
      return random_.Pick({"BIN", "OCT"}) + "(" + Integer(depth - 1) + ")";
    case 17:
      return "FORMAT(" + Number(depth - 1) + ", " + k + ")";
    case 18:
      return "DATE_FORMAT(" + Date(depth - 1) + ", '%Y-%m %j %a %V')";
    case 0:
      return "UPPER(" + Text(depth - 1) + ")";
    case 1:
      return "LEFT(" + Text(depth - 1) + ", " + std::to_string(random_.Between(0, 5)) + ")";
    case 2:
      return "SUBSTRING(" + Text(depth - 1) + ", " + std::to_string(random_.Between(-3, 4)) +
             ", 3)";
    case 3:
      return "CONCAT(" + Text(depth - 1) + ", 'x')";
    case 4:
      return "TRIM(" + Text(depth - 1) + ")";
    case 5:
      return "REPLACE(" + Text(depth - 1) + ", 'a', 'b')";
    default:
      return "IFNULL(" + Text(depth - 1) + ", 'none')";
  }
}

std::string QueryGenerator::Date(int depth) {
  ColumnRef column;
  if (depth > 0 && random_.Chance(25))
    return "(" + Date(depth - 1) + random_.Pick({" + ", " - "}) + "INTERVAL " +
           std::to_string(random_.Between(0, 40)) + " " +
           random_.Pick({"DAY", "MONTH", "YEAR", "WEEK"}) + ")";
  if (random_.Chance(80) && ColumnOf(ValueKind::kDate, &column)) return column.text;
  return MakeLiteral(ValueKind::kDate, &random_);
}

std::string QueryGenerator::Comparison(int depth) {
  const ValueKind kind = AnyKind();
  const std::string left = Value(kind, depth - 1);
  const std::string op = random_.Pick({" = ", " <> ", " < ", " <= ", " > ", " >= ", " <=> "});
  switch (random_.Below(8)) {
    case 0:
      return left + random_.Pick({" IS NULL", " IS NOT NULL"});
    case 1:
      return left + random_.Pick({" BETWEEN ", " NOT BETWEEN "}) + MakeLiteral(kind, &random_) +
             " AND " + MakeLiteral(kind, &random_);
    case 2: {
      std::string list;
      for (uint64_t i = 0, n = 1 + random_.Below(5); i < n; ++i)
        list += (i == 0 ? "" : ", ") + MakeLiteral(kind, &random_);
      return left + random_.Pick({" IN (", " NOT IN ("}) + list + ")";
    }
    case 3:
      if (kind == ValueKind::kText)
        return left + random_.Pick({" LIKE ", " NOT LIKE "}) +
               random_.Pick({"'%a%'", "'a%'", "'_b%'", "'%'", "''", "'a\\\\_b'", "'%e'"});
      [[fallthrough]];
    case 4:
    case 5:
      // Two columns of text may have different collations.
      if (kind != ValueKind::kText) return left + op + Value(kind, depth - 1);
      [[fallthrough]];
    default:
      return left + op + MakeLiteral(kind, &random_);
  }
}

std::string QueryGenerator::Subquery(int depth) {
  const RandomTable& table = random_.Pick(tables_);
  const RandomColumn& inner = random_.Pick(table.columns);
  ColumnRef outer;
  if (inner.kind == ValueKind::kText || inner.kind == ValueKind::kReal ||
      !ColumnOf(inner.kind, &outer))
    return Comparison(depth);
  const std::string s = "s" + std::to_string(random_.Below(1000));
  // The server runs these once per row: lists of the smaller tables only.
  const RandomTable& small = tables_[random_.Below(tables_.size() - 1)];
  std::vector<const RandomColumn*> like;
  for (const RandomColumn& column : small.columns)
    if (column.kind == inner.kind) like.push_back(&column);
  switch (random_.Below(8)) {
    case 4:
    case 5: {
      if (like.empty()) break;
      const std::string name = s + "." + random_.Pick(like)->name;
      return outer.text + random_.Pick({" NOT IN ", " NOT IN ", " IN "}) + "(SELECT " + name +
             " FROM " + small.name + " " + s +
             random_.Pick(std::vector<std::string>{"", " WHERE " + name + " IS NOT NULL",
                                                   " WHERE " + s + ".id < 20",
                                                   " GROUP BY " + name + " HAVING COUNT(*) > 1"}) +
             ")";
    }
    case 6: {
      if (like.empty()) break;
      return outer.text + random_.Pick({" > ", " <= ", " <> "}) + "(SELECT " + s + "." +
             random_.Pick(like)->name + " FROM " + small.name + " " + s + " ORDER BY " + s +
             ".id " + random_.Pick({"", "DESC "}) + "LIMIT 1)";
    }
    case 7:
      return random_.Pick({"", "NOT "}) + "EXISTS (SELECT 1 FROM " + small.name + " " + s +
             " WHERE " + s + ".id > " + std::to_string(random_.Between(0, 60)) + ")";
    case 0:
      return outer.text + " IN (SELECT " + s + "." + inner.name + " FROM " + table.name + " " + s +
             ")";
    case 1:
      return "EXISTS (SELECT 1 FROM " + table.name + " " + s + " WHERE " + s + "." + inner.name +
             " = " + outer.text + ")";
    case 2:
      return "NOT EXISTS (SELECT 1 FROM " + table.name + " " + s + " WHERE " + s + "." +
             inner.name + " = " + outer.text + ")";
    default:
      return outer.text + random_.Pick({" > ", " <= ", " = "}) + "(SELECT " +
             random_.Pick({"MIN", "MAX"}) + "(" + s + "." + inner.name + ") FROM " + table.name +
             " " + s + ")";
  }
  return Comparison(depth);
}

std::string QueryGenerator::Condition(int depth) {
  if (depth <= 0 || random_.Chance(60)) return Comparison(depth);
  switch (random_.Below(3)) {
    case 0:
      return "(" + Condition(depth - 1) + " OR " + Condition(depth - 1) + ")";
    case 1:
      return "(" + Condition(depth - 1) + " AND " + Condition(depth - 1) + ")";
    default:
      return "NOT (" + Condition(depth - 1) + ")";
  }
}

std::string QueryGenerator::Aggregate() {
  const std::string distinct = random_.Chance(20) ? "DISTINCT " : "";
  switch (random_.Below(13)) {
    case 9:
      return random_.Pick({"BIT_AND", "BIT_OR", "BIT_XOR"}) + "(" + Integer(1) + ")";
    case 10:
      return "GROUP_CONCAT(" + distinct + Integer(1) + " ORDER BY 1)";
    case 11:
      return "COUNT(DISTINCT " + Integer(1) + ", " + Date(1) + ")";
    case 12:
      return "SUM(" + Subquery(1) + ")";
    case 0:
      return "COUNT(*)";
    case 1:
      return "COUNT(" + distinct + Value(AnyKind(), 1) + ")";
    case 2:
      return "SUM(" + distinct + Integer(2) + ")";
    case 3:
      return "SUM(" + distinct + Number(2) + ")";
    case 4:
      return "AVG(" + Number(1) + ")";
    case 5:
      return "AVG(" + distinct + Integer(1) + ")";
    case 6:
      return random_.Pick({"MIN", "MAX"}) + "(" + Integer(2) + ")";
    case 7:
      return random_.Pick({"MIN", "MAX"}) + "(" +
             Value(random_.Pick(std::vector<ValueKind>{ValueKind::kDecimal, ValueKind::kDate,
                                                       ValueKind::kDatetime, ValueKind::kTime,
                                                       ValueKind::kReal}),
                   1) +
             ")";
    default:
      return "SUM(CASE WHEN " + Condition(1) + " THEN 1 ELSE 0 END)";
  }
}

std::string QueryGenerator::WindowCall() {
  std::string ids;
  for (const Source& source : sources_) ids += (ids.empty() ? "" : ", ") + source.alias + ".id";
  ColumnRef column = AnyColumn();
  const std::string partition = random_.Chance(60) ? "PARTITION BY " + column.text + " " : "";
  const std::string frame =
      random_.Pick({"", "", " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                    " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN 90 PRECEDING AND CURRENT ROW"});
  const std::string unique = "ORDER BY " + ids;
  switch (random_.Below(10)) {
    case 6:
      return random_.Pick({"FIRST_VALUE", "LAST_VALUE"}) + "(" + AnyColumn().text + ") OVER (" +
             partition + unique + frame + ")";
    case 7:
      return "NTILE(" + std::to_string(random_.Between(1, 5)) + ") OVER (" + partition + unique +
             ")";
    case 8: {
      if (!ColumnOf(ValueKind::kDate, &column)) return "PERCENT_RANK() OVER (" + unique + ")";
      const std::string days = std::to_string(random_.Between(0, 400));
      return random_.Pick({"SUM", "MIN", "MAX", "COUNT"}) + "(" + Integer(1) + ") OVER (" +
             partition + "ORDER BY " + column.text + random_.Pick({"", " DESC"}) +
             " RANGE BETWEEN INTERVAL " + days + random_.Pick({" DAY", " DAY", " WEEK"}) +
             " PRECEDING AND " +
             random_.Pick({"CURRENT ROW", "UNBOUNDED FOLLOWING", "INTERVAL 1 MONTH FOLLOWING"}) +
             ")";
    }
    case 9:
      if (!ColumnOf(ValueKind::kInteger, &column) || column.column->is_unsigned)
        return "COUNT(*) OVER (" + partition + ")";
      return random_.Pick({"SUM", "COUNT"}) + "(" + Integer(1) + ") OVER (" + partition +
             "ORDER BY " + column.text + random_.Pick({"", " DESC"}) +
             " RANGE BETWEEN 3 PRECEDING AND " +
             random_.Pick({"CURRENT ROW", "2 FOLLOWING", "UNBOUNDED FOLLOWING"}) + ")";
    case 0:
      return "ROW_NUMBER() OVER (" + partition + unique + ")";
    case 1:
      return random_.Pick({"RANK", "DENSE_RANK", "CUME_DIST"}) + "() OVER (" + partition +
             "ORDER BY " + AnyColumn().text + (random_.Chance(50) ? " DESC" : "") + ")";
    case 2:
      return "SUM(" + Integer(1) + ") OVER (" + partition + unique + frame + ")";
    case 3:
      return "COUNT(" + AnyColumn().text + ") OVER (" + partition + "ORDER BY " + AnyColumn().text +
             ")";
    case 4:
      return random_.Pick({"MIN", "MAX"}) + "(" + Number(1) + ") OVER (" + partition + unique +
             frame + ")";
    default:
      return random_.Pick({"LAG", "LEAD"}) + "(" + AnyColumn().text + ", " +
             std::to_string(random_.Between(0, 3)) + ") OVER (" + partition + unique + ")";
  }
}

void QueryGenerator::AddTables(RandomQuery* query) {
  sources_.clear();
  const uint64_t num_tables = random_.Chance(45) ? 1 : random_.Chance(75) ? 2 : 3;
  for (uint64_t i = 0; i < num_tables; ++i) {
    // The big table once at most, so that cross joins stay small.
    const RandomTable* table =
        i == 0 ? &random_.Pick(tables_) : &tables_[random_.Below(tables_.size() - 1)];
    const Source source{"a" + std::to_string(i), table};
    const std::string name = table->name + " " + source.alias;
    if (i == 0) {
      query->from = name;
      sources_.push_back(source);
      continue;
    }
    ColumnRef left;
    const RandomColumn* right = nullptr;
    for (int attempt = 0; attempt < 20 && right == nullptr; ++attempt) {
      left = AnyColumn();
      const RandomColumn& candidate = random_.Pick(table->columns);
      if (candidate.kind == left.column->kind && candidate.kind != ValueKind::kText)
        right = &candidate;
    }
    sources_.push_back(source);
    if (right == nullptr) {
      query->joins.push_back("JOIN " + name + " ON " + source.alias + ".id = a0.id");
      continue;
    }
    std::string join = random_.Pick({"JOIN ", "JOIN ", "LEFT JOIN "}) + name + " ON " + left.text +
                       " = " + source.alias + "." + right->name;
    if (random_.Chance(35)) join += " AND " + Condition(1);
    query->joins.push_back(std::move(join));
  }
  for (uint64_t i = 0, n = random_.Below(4); i < n; ++i)
    query->where.push_back(random_.Chance(20) ? Subquery(2) : Condition(2));
}

void QueryGenerator::MakePlain(RandomQuery* query) {
  for (const Source& source : sources_)
    query->items.push_back(source.alias + ".id AS id" + std::to_string(query->items.size()));
  const size_t num_ids = query->items.size();
  for (uint64_t i = 0, n = 1 + random_.Below(4); i < n; ++i)
    query->items.push_back((random_.Chance(20) ? WindowCall() : Value(AnyKind(), 3)) + " AS v" +
                           std::to_string(i));
  if (random_.Chance(40)) {
    std::string order;
    for (size_t i = 0; i < num_ids; ++i)
      order += (i == 0 ? "" : ", ") + std::string("id") + std::to_string(i) +
               (random_.Chance(30) ? " DESC" : "");
    query->tail = " ORDER BY " + order + " LIMIT " + std::to_string(random_.Between(0, 60));
    if (random_.Chance(30)) query->tail += " OFFSET " + std::to_string(random_.Between(0, 30));
  }
}

void QueryGenerator::MakeGrouped(RandomQuery* query) {
  for (uint64_t i = 0, n = random_.Below(3); i < n; ++i) {
    ColumnRef column;
    std::string key;
    switch (random_.Below(3)) {
      case 0:
        key = Integer(2);
        break;
      case 1:
        key = Date(1);
        break;
      default:
        column = AnyColumn();
        if (column.column->kind == ValueKind::kText && !column.column->exact_text) continue;
        if (column.column->kind == ValueKind::kReal) continue;
        key = column.text;
    }
    const std::string name = "g" + std::to_string(query->groups.size());
    query->items.push_back(key + " AS " + name);
    query->groups.push_back(name);
  }
  for (uint64_t i = 0, n = 1 + random_.Below(4); i < n; ++i)
    query->items.push_back(Aggregate() + " AS v" + std::to_string(i));
  // The server turns a subquery into a derived table and then misses its column in the groups.
  bool any_subquery = false;
  for (const std::string& item : query->items)
    any_subquery |= item.find("SELECT") != std::string::npos;
  if (!query->groups.empty() && !any_subquery && random_.Chance(15)) query->rollup = true;
  if (!query->groups.empty() && random_.Chance(25))
    query->having.push_back("COUNT(*) " + random_.Pick({"> 1", "= 1", "< 10", "<> 3"}));
}

// Integers and dates only: their equal values print alike.
void QueryGenerator::MakeSet(RandomQuery* query) {
  const std::vector<ValueKind> kinds = {
      ValueKind::kInteger, random_.Chance(50) ? ValueKind::kDate : ValueKind::kInteger};
  for (const ValueKind kind : kinds) query->items.push_back(Value(kind, 2));
  const auto operation = [this] {
    return random_.Pick(
        {" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ", " INTERSECT ALL "});
  };
  const auto block = [&] {
    RandomQuery other;
    AddTables(&other);
    for (const ValueKind kind : kinds) other.items.push_back(Value(kind, 2));
    return other.Text();
  };
  for (uint64_t i = 0, n = 1 + random_.Below(3); i < n; ++i)
    query->other +=
        operation() + (random_.Chance(30) ? "(" + block() + operation() + block() + ")" : block());
}

RandomQuery QueryGenerator::Make() {
  RandomQuery query;
  AddTables(&query);
  const uint64_t shape = random_.Below(10);
  if (shape < 5)
    MakePlain(&query);
  else if (shape < 9)
    MakeGrouped(&query);
  else
    MakeSet(&query);
  return query;
}

}  // namespace sirocco::sqltest
