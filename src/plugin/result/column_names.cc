#include "plugin/result/column_names.h"

#include <cctype>

namespace sirocco::plugin {
namespace {

using Names = std::map<plan::ColumnId, std::string>;

void CollectNames(const plan::Node& node, const LoadedSchemas& schemas, Names* names) {
  if (node.kind == plan::NodeKind::kScan) {
    if (const auto found = schemas.find(node.table); found != schemas.end()) {
      const plan::TableSchema& schema = *found->second;
      for (const plan::ScanColumn& column : node.scan_columns)
        if (column.column < schema.columns.size())
          names->emplace(column.id, "`" + schema.schema_name + "`.`" + schema.table_name + "`.`" +
                                        schema.columns[column.column].name + "`");
    }
  }
  for (const plan::NodePtr& input : node.inputs) CollectNames(*input, schemas, names);
}

}  // namespace

std::string NameColumns(const std::string& message, const plan::Plan& plan,
                        const LoadedSchemas& schemas) {
  if (message.find('#') == std::string::npos) return message;
  Names names;
  for (const plan::NodePtr& shared : plan.shared) CollectNames(*shared, schemas, &names);
  if (plan.root) CollectNames(*plan.root, schemas, &names);
  std::string named;
  for (size_t at = 0; at < message.size();) {
    size_t end = at + 1;
    while (end < message.size() && std::isdigit(static_cast<unsigned char>(message[end]))) ++end;
    const bool is_number = message[at] == '#' && end > at + 1 && end - at <= 10;
    const auto found = is_number ? names.find(static_cast<plan::ColumnId>(
                                       std::stoul(message.substr(at + 1, end - at - 1))))
                                 : names.end();
    if (found != names.end()) {
      named += found->second;
      at = end;
    } else {
      named.push_back(message[at++]);
    }
  }
  return named;
}

}  // namespace sirocco::plugin
