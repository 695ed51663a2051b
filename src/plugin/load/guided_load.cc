#include "plugin/load/guided_load.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mysqld_error.h"
#include "plugin/node/internal_session.h"
#include "plugin/node/reload.h"
#include "plugin/routines/caller.h"
#include "sql/dd/cache/dictionary_client.h"
#include "sql/dd/dictionary.h"
#include "sql/dd/properties.h"
#include "sql/dd/types/abstract_table.h"
#include "sql/dd/types/column.h"
#include "sql/derror.h"
#include "sql/sql_alter.h"
#include "sql/sql_base.h"
#include "sql/sql_class.h"
#include "sql/sql_error.h"
#include "sql/sql_lex.h"

namespace sirocco::plugin {
namespace {

// What stands between a table and its load.
struct Obstacles {
  bool no_engine = false;
  std::vector<std::string> columns;

  bool Any() const { return no_engine || !columns.empty(); }
};

bool IsUnloadable(const dd::Column& column) {
  return column.type() == dd::enum_column_types::GEOMETRY && !column.is_se_hidden() &&
         column.hidden() != dd::Column::enum_hidden_type::HT_HIDDEN_SQL &&
         !column.options().exists("not_secondary");
}

// Nothing is in the way of what is no base table: the server says so itself.
Result<Obstacles> FindObstacles(THD* thd, const TableName& name) {
  MDL_ticket* ticket = nullptr;
  if (dd::acquire_shared_table_mdl(thd, name.schema.c_str(), name.table.c_str(), false, &ticket))
    return MakeError(ErrorCode::kCancelled, "the table's metadata could not be locked");
  const auto release = [thd](MDL_ticket* held) { dd::release_mdl(thd, held); };
  const std::unique_ptr<MDL_ticket, decltype(release)> lock(ticket, release);
  const dd::cache::Dictionary_client::Auto_releaser releaser(thd->dd_client());
  const dd::Abstract_table* found = nullptr;
  if (thd->dd_client()->acquire(name.schema.c_str(), name.table.c_str(), &found))
    return MakeError(ErrorCode::kIo, "the data dictionary could not be read");
  Obstacles obstacles;
  if (found == nullptr || found->type() != dd::enum_table_type::BASE_TABLE) return obstacles;
  obstacles.no_engine = !found->options().exists("secondary_engine");
  for (const dd::Column* column : found->columns())
    if (IsUnloadable(*column)) obstacles.columns.emplace_back(column->name().c_str());
  return obstacles;
}

// The definition of a column as SHOW CREATE TABLE prints it, without its name.
std::optional<std::string> ColumnDefinition(std::string_view create, const std::string& column) {
  const std::string start = "\n  " + QuoteName(column) + " ";
  const size_t at = create.find(start);
  if (at == std::string_view::npos) return std::nullopt;
  const size_t begin = at + start.size();
  const size_t end = create.find('\n', begin);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view definition = create.substr(begin, end - begin);
  if (definition.ends_with(',')) definition.remove_suffix(1);
  return std::string(definition);
}

// Runs in a session of the caller's account.
Result<void> Remove(Caller& caller, const TableName& name, const Obstacles& obstacles) {
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  const std::string table = QuoteName(name.schema) + "." + QuoteName(name.table);
  if (!obstacles.columns.empty()) {
    ASSIGN_OR_RETURN(const auto rows, session.Query("SHOW CREATE TABLE " + table));
    if (rows.size() != 1 || rows[0].size() < 2 || !rows[0][1])
      return MakeError(ErrorCode::kIo, "the definition of table " + name.Text() + " is not there");
    std::string changes;
    for (const std::string& column : obstacles.columns) {
      const auto definition = ColumnDefinition(*rows[0][1], column);
      if (!definition)
        return NotSupported("column " + column + " cannot be loaded; declare it NOT SECONDARY");
      changes += (changes.empty() ? " MODIFY " : ", MODIFY ") + QuoteName(column) + " " +
                 *definition + " NOT SECONDARY";
    }
    RETURN_IF_ERROR(session.Execute("ALTER TABLE " + table + changes));
  }
  if (obstacles.no_engine)
    RETURN_IF_ERROR(session.Execute("ALTER TABLE " + table + " SECONDARY_ENGINE = RAPID"));
  return {};
}

}  // namespace

Result<void> GuideLoad(THD* thd, const TableName& name) {
  const Alter_info* alter = thd->lex->alter_info;
  if (alter->guided_load == Alter_info::ALTER_WITHOUT_VALIDATION || IsReloadSession(thd)) return {};
  if (alter->validation_only && alter->validate_num_rows == 0) return {};
  // Another session would wait for the locks that this one keeps.
  if (thd->locked_tables_mode != LTM_NONE ||
      find_temporary_table(thd, name.schema.c_str(), name.table.c_str()) != nullptr)
    return {};
  ASSIGN_OR_RETURN(const Obstacles obstacles, FindObstacles(thd, name));
  if (!obstacles.Any()) return {};
  ASSIGN_OR_RETURN(const auto done,
                   RunForCaller(thd, "", [&](Caller& caller) -> Result<std::optional<std::string>> {
                     RETURN_IF_ERROR(Remove(caller, name, obstacles));
                     return std::nullopt;
                   }));
  static_cast<void>(done);
  for (const std::string& column : obstacles.columns)
    push_warning_printf(thd, Sql_condition::SL_NOTE, ER_SECONDARY_ENGINE_PLUGIN,
                        ER_THD(thd, ER_SECONDARY_ENGINE_PLUGIN),
                        ("Column " + column + " of table " + name.Text() +
                         " has a type that cannot be loaded and is now NOT SECONDARY")
                            .c_str());
  if (obstacles.no_engine)
    push_warning_printf(thd, Sql_condition::SL_NOTE, ER_SECONDARY_ENGINE_PLUGIN,
                        ER_THD(thd, ER_SECONDARY_ENGINE_PLUGIN),
                        ("Table " + name.Text() + " got SECONDARY_ENGINE = RAPID").c_str());
  return {};
}

}  // namespace sirocco::plugin
