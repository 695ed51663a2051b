#include "plugin/result/sender.h"

#include <typeinfo>

#include "my_sys.h"
#include "mysqld_error.h"
#include "plugin/monitor/history.h"
#include "plugin/registry.h"
#include "plugin/result/result_item.h"
#include "plugin/statement.h"
#include "sql/create_field.h"
#include "sql/field.h"
#include "sql/protocol.h"
#include "sql/query_result.h"
#include "sql/sql_error.h"
#include "sql/sql_lex.h"
#include "sql/sql_list.h"
#include "sql/sql_optimizer.h"
#include "sql/sql_tmp_table.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

using Clock = std::chrono::steady_clock;

// How many rows are sent between two looks at KILL.
constexpr uint32_t kRowsPerKillCheck = 64;

// A row of the result in the server's form: a record buffer with one Field per column, and the
// items over it.
class ResultRow {
 public:
  explicit ResultRow(THD* thd) : items_(thd->mem_root) {}
  ~ResultRow() {
    if (record_ != nullptr) free_blobs(record_);
  }

  // `items`: the statement's select list. What the client was told of it is in the unit.
  Result<void> Create(THD* thd, Query_expression* unit, const mem_root_deque<Item*>& items,
                      const plan::Plan& plan, const Query_result* result) {
    // Only the plain sender is known to read rows through Item::send alone.
    cursor_.fill_fields = typeid(*result) != typeid(Query_result_send);
    const Protocol* protocol = thd->get_protocol();
    const bool text = protocol != nullptr && protocol->type() == Protocol::PROTOCOL_TEXT;

    TABLE dummy;
    TABLE_SHARE share;
    dummy.s = &share;
    init_tmp_table_share(thd, &share, "", 0, "", "", nullptr);
    share.db_create_options = 0;
    share.db_low_byte_first = false;
    dummy.set_not_started();

    List<Create_field> columns;
    std::vector<const Item*> sources;
    for (Item* item : VisibleFields(*unit->get_field_list())) sources.push_back(item);
    for (Item* item : VisibleFields(items)) {
      Create_field* column = generate_create_field(thd, item, &dummy);
      if (column == nullptr) return MakeError(ErrorCode::kInternal, "cannot make a result column");
      // NULL is legal in every column of the buffer; what the client is told comes from the select
      // items.
      column->is_nullable = true;
      column->flags &= ~NOT_NULL_FLAG;
      columns.push_back(column);
    }
    if (sources.size() != plan.results.size() || columns.elements != plan.results.size())
      return MakeError(ErrorCode::kInternal, "plan has " + std::to_string(plan.results.size()) +
                                                 " columns, statement " +
                                                 std::to_string(sources.size()));
    record_ = create_tmp_table_from_fields(thd, columns);
    if (record_ == nullptr)
      return MakeError(ErrorCode::kOutOfMemory, "no memory for the result row");
    bitmap_set_all(record_->write_set);
    bitmap_set_all(record_->read_set);
    for (uint32_t i = 0; i < sources.size(); ++i) {
      auto* item = new (thd->mem_root)
          ResultItem(record_->field[i], plan.results[i].type, i, &cursor_, sources[i], text);
      if (item == nullptr)
        return MakeError(ErrorCode::kOutOfMemory, "no memory for the result row");
      items_.push_back(item);
      result_items_.push_back(item);
      lanes_.push_back(plan::LaneOf(plan.results[i].type));
    }
    return {};
  }

  // Checks that the batch has the columns of the plan.
  Result<void> SetBatch(const wire::ColumnBatchView& batch) {
    bool matches = batch.columns().size() == lanes_.size();
    for (size_t i = 0; matches && i < lanes_.size(); ++i)
      matches = batch.columns()[i].lane == lanes_[i];
    if (!matches)
      return MakeError(ErrorCode::kInvalidArgument, "the node sent a result of another shape");
    cursor_.batch = &batch;
    return {};
  }

  // False: an error was raised or is to be raised.
  bool SetRow(uint32_t row) {
    cursor_.row = row;
    if (!cursor_.fill_fields) return true;
    for (const ResultItem* item : result_items_)
      if (!item->FillField()) return false;
    return true;
  }

  const mem_root_deque<Item*>& items() const { return items_; }

 private:
  TABLE* record_ = nullptr;
  mem_root_deque<Item*> items_;
  std::vector<ResultItem*> result_items_;
  std::vector<plan::Lane> lanes_;
  RowCursor cursor_;
};

// An error that the server has already raised in the THD.
std::unexpected<Error> AlreadyRaised() {
  return MakeError(ErrorCode::kInternal, "error raised by the server");
}

class Sender {
 public:
  Sender(THD* thd, JOIN* join, Query_result* result, ExecutionContext* context)
      : thd_(thd), join_(join), result_(result), context_(context), row_(thd) {}

  Result<void> Run() {
    const TranslatedQuery& query = *context_->query;
    Query_expression* unit = join_->query_expression();
    const mem_root_deque<Item*>* items =
        context_->select_items != nullptr ? context_->select_items : unit->get_field_list();
    RETURN_IF_ERROR(row_.Create(thd_, unit, *items, query.plan, result_));
    skip_ = query.count_found_rows ? query.found_rows_offset : 0;
    limit_ = query.count_found_rows ? query.found_rows_limit : plan::kNoLimit;
    ASSIGN_OR_RETURN(
        context_->record.result,
        (*context_->client)
            ->Run([this](const wire::ColumnBatchView& batch) { return SendBatch(batch); },
                  [this] { return Killed(); }));
    if (query.count_found_rows) join_->send_records = num_rows_;
    RaiseWarnings(context_->record.result.warnings);
    if (thd_->is_error()) return AlreadyRaised();
    return {};
  }

 private:
  bool Killed() const { return thd_->killed.load() != THD::NOT_KILLED || !thd_->is_connected(); }

  Result<void> SendBatch(const wire::ColumnBatchView& batch) {
    RETURN_IF_ERROR(row_.SetBatch(batch));
    for (uint32_t row = 0; row < batch.num_rows(); ++row) {
      if (row % kRowsPerKillCheck == 0 && thd_->killed.load() != THD::NOT_KILLED)
        return MakeError(ErrorCode::kCancelled, "killed");
      const uint64_t number = num_rows_++;
      if (number < skip_ || number - skip_ >= limit_) continue;
      if (!row_.SetRow(row)) {
        if (thd_->is_error()) return AlreadyRaised();
        return MakeError(ErrorCode::kInternal,
                         "a result value does not fit the type of its column");
      }
      if (result_->send_data(thd_, row_.items())) return AlreadyRaised();
      thd_->get_stmt_da()->inc_current_row_for_condition();
      ++join_->send_records;
    }
    return {};
  }

  // The server counts every condition but keeps only the first max_error_count.
  void RaiseWarnings(const std::vector<wire::QueryWarning>& warnings) {
    for (const wire::QueryWarning& warning : warnings) {
      const std::string text =
          NameColumns(warning.message, context_->query->plan, context_->schemas);
      for (uint64_t i = 0; i < warning.count && !thd_->is_error(); ++i)
        push_warning(thd_, Sql_condition::SL_WARNING, warning.mysql_errno, text.c_str());
    }
  }

  THD* thd_;
  JOIN* join_;
  Query_result* result_;
  ExecutionContext* context_;
  ResultRow row_;
  uint64_t num_rows_ = 0, skip_ = 0, limit_ = plan::kNoLimit;
};

void Record(ExecutionContext* context, Clock::time_point begin, const Result<void>& outcome) {
  QueryRecord& record = context->record;
  record.end = std::chrono::system_clock::now();
  record.send_ns = static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - begin).count());
  if (!outcome) record.error = outcome.error().message;
  for (const TableName& table : context->tables) Registry().CountQuery(table);
  History().Add(std::move(record));
  context->record = {};
}

}  // namespace

bool SendResult(JOIN* join, Query_result* result) {
  join->send_records = 0;
  // The first block runs the whole query expression.
  if (join != join->query_expression()->first_query_block()->join) return false;
  THD* thd = join->thd;
  ExecutionContext* context = ExecutionContext::Of(thd->lex);
  if (context == nullptr || !context->query || !context->client) {
    my_error(ER_SECONDARY_ENGINE_PLUGIN, MYF(0), "the statement has no query in RAPID");
    return true;
  }
  const auto begin = Clock::now();
  Result<void> outcome = Sender(thd, join, result, context).Run();
  if (!outcome) {
    Nodes().NoteFailure(*context->client);
    if (outcome.error().code == ErrorCode::kUnavailable)
      outcome =
          MakeError(ErrorCode::kUnavailable,
                    "the RAPID node was lost while it ran the query: " + outcome.error().message);
  }
  if (!outcome && outcome.error().code == ErrorCode::kMysql)
    outcome.error().message =
        NameColumns(outcome.error().message, context->query->plan, context->schemas);
  context->client.reset();  // back to the pool
  Record(context, begin, outcome);
  if (outcome) return false;
  if (thd->killed)
    thd->send_kill_message();
  else if (!thd->is_error())
    RaiseError(outcome.error(), ER_SECONDARY_ENGINE_PLUGIN);
  return true;
}

}  // namespace sirocco::plugin
