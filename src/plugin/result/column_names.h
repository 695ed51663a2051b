// Column numbers of a plan in messages of the node ("BIGINT value is out of range in '(#1 * 2)'")
// replaced by the names the server would print. No server headers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "plan/node.h"
#include "plan/table_schema.h"

namespace sirocco::plugin {

using LoadedSchemas = std::map<plan::TableId, std::shared_ptr<const plan::TableSchema>>;

// "#n" of a column read by a scan becomes `schema`.`table`.`column`; other numbers stay.
std::string NameColumns(const std::string& message, const plan::Plan& plan,
                        const LoadedSchemas& schemas);

}  // namespace sirocco::plugin
