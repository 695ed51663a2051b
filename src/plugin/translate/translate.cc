#include "plugin/translate/translate.h"

#include "plan/validate.h"
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

JOIN* JoinOf(Query_expression* unit) {
  if (unit->is_simple()) return unit->first_query_block()->join;
  return unit->set_operation()->is_materialized() ? unit->set_operation()->query_block()->join
                                                  : nullptr;
}

Result<void> Translator::CheckLocks() const {
  for (const Table_ref* table = lex_->query_tables; table != nullptr; table = table->next_global) {
    const thr_lock_type lock = table->lock_descriptor().type;
    if (lock == TL_READ_WITH_SHARED_LOCKS) return NotSupported("locking read (FOR SHARE)");
    if (lock >= TL_WRITE_ALLOW_WRITE && lex_->sql_command == SQLCOM_SELECT)
      return NotSupported("locking read (FOR UPDATE)");
  }
  return {};
}

Result<TranslatedQuery> Translator::Run() {
  if (!lex_->using_hypergraph_optimizer()) return NotSupported("the hypergraph optimizer is off");
  RETURN_IF_ERROR(CheckLocks());
  Query_expression* unit = lex_->unit;
  AccessPath* root = unit->root_access_path();
  if (root == nullptr) return NotSupported("statement without a plan");
  const mem_root_deque<Item*>* fields = unit->get_field_list();
  ASSIGN_OR_RETURN(BlockResult block, QueryBlock(JoinOf(unit), root, *fields, nullptr));

  plan::Plan& plan = result_.plan;
  plan.root = block.node;
  size_t i = 0;
  for (Item* item : VisibleFields(*fields)) {
    const TypedColumn& column = block.columns[i++];
    plan.results.push_back(
        {.id = column.id,
         .type = column.type,
         .name = std::string(item->item_name.ptr() == nullptr ? "" : item->item_name.ptr())});
  }
  if (needs_time_zone_) plan.time_zone = TimeZoneRules(*thd_->time_zone());
  plan.sql_mode = thd_->variables.sql_mode;
  plan.div_precision_increment = static_cast<uint32_t>(thd_->variables.div_precincrement);
  plan.group_concat_max_length = thd_->variables.group_concat_max_len;
  plan.max_allowed_packet = thd_->variables.max_allowed_packet;
  // A column named where it is not in reach would be a fault of ours; MySQL then runs the
  // statement.
  if (const Result<void> valid = plan::ValidatePlan(plan); !valid)
    return NotSupported("plan of an unknown shape (" + valid.error().message + ")");
  return std::move(result_);
}

Result<TranslatedQuery> TranslateQuery(THD* thd, LEX* lex, const TableResolver& resolver) {
  return Translator(thd, lex, resolver).Run();
}

}  // namespace sirocco::plugin
