#include "plugin/changes/event_reader.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "plugin/changes/query_event.h"

namespace sirocco::plugin {
namespace {

// Codes of the common header.
enum EventType : uint8_t {
  kQuery = 2,
  kStop = 3,
  kRotate = 4,
  kIntvar = 5,
  kRand = 13,
  kUserVar = 14,
  kFormatDescription = 15,
  kXid = 16,
  kTableMap = 19,
  kWriteRowsV1 = 23,
  kUpdateRowsV1 = 24,
  kDeleteRowsV1 = 25,
  kIncident = 26,
  kHeartbeat = 27,
  kIgnorable = 28,
  kRowsQuery = 29,
  kWriteRows = 30,
  kUpdateRows = 31,
  kDeleteRows = 32,
  kGtid = 33,
  kAnonymousGtid = 34,
  kPreviousGtids = 35,
  kTransactionContext = 36,
  kViewChange = 37,
  kXaPrepare = 38,
  kPartialUpdateRows = 39,
  kTransactionPayload = 40,
  kHeartbeatV2 = 41,
  kGtidTagged = 42,
};
constexpr uint16_t kIgnorableFlag = 0x80;

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool IsPresent(const LoggedValue& value) { return value.state != LoggedValue::State::kAbsent; }

size_t ImageBytes(const std::vector<LoggedValue>& image) {
  size_t size = 0;
  for (const LoggedValue& value : image) size += 8 + value.bytes.size();
  return size;
}

// When the group was committed, in microseconds; 0 if the event does not say.
uint64_t CommitTime(const LoggedEvent& event) {
  constexpr size_t kAt = 42, kSize = 7;  // after flags, GTID and logical clock
  if (event.type == kGtidTagged || event.body.size() < kAt + kSize) return 0;
  uint64_t time = 0;
  for (size_t i = 0; i < kSize; ++i) time |= uint64_t{event.body[kAt + i]} << (8 * i);
  return time & ((uint64_t{1} << 55) - 1);  // the top bit says that another time follows
}

}  // namespace

Result<void> EventReader::Read(const LoggedEvent& event) {
  switch (event.type) {
    case kGtid:
    case kAnonymousGtid:
    case kGtidTagged:
      // A group that was never finished: the server died while it wrote it, so it does not count.
      if (in_group_) RollBackGroup();
      BeginGroup();
      if (callbacks_.begun) callbacks_.begun(CommitTime(event));
      return {};
    case kQuery:
      return ReadQuery(event);
    case kXid:
      EndGroup();
      return {};
    case kXaPrepare: {
      const auto one_phase = PreparedInOnePhase(event.body);
      if (!one_phase) return std::unexpected(one_phase.error());
      if (xa_) {
        if (*one_phase)
          changes_.Take(&xa_->changes);
        else
          prepared_[xa_->xid] = std::move(xa_->changes);
        xa_.reset();
      }
      EndGroup();
      return {};
    }
    case kTableMap:
      return ReadTableMap(event);
    case kWriteRows:
    case kUpdateRows:
    case kDeleteRows:
    case kPartialUpdateRows:
    case kWriteRowsV1:
    case kUpdateRowsV1:
    case kDeleteRowsV1:
      if (auto read = ReadRows(event); !read) return read;
      if (in_group_ && !xa_ && savepoints_.empty() && callbacks_.may_cut)
        return callbacks_.may_cut();
      return {};
    case kTransactionPayload:
      return callbacks_.decompress(event.body, [&](const LoggedEvent& inner) {
        LoggedEvent placed = inner;
        placed.start = event.start;
        placed.end = event.end;
        if (placed.type == kTransactionPayload)
          return Result<void>(MakeError(ErrorCode::kCorrupt, "nested compressed transaction"));
        return Read(placed);
      });
    case kStop:
    case kRotate:
    case kFormatDescription:
      // A group does not cross files.
      if (in_group_) RollBackGroup();
      return {};
    case kIntvar:
    case kRand:
    case kUserVar:
    case kHeartbeat:
    case kHeartbeatV2:
    case kIgnorable:
    case kRowsQuery:
    case kPreviousGtids:
    case kTransactionContext:
    case kViewChange:
      return {};
    case kIncident:
      return MakeError(ErrorCode::kStale, "the binary log has an incident: changes may be missing");
    default:
      if ((event.flags & kIgnorableFlag) != 0) return {};
      return MakeError(ErrorCode::kStale,
                       "unknown event in the binary log: type " + std::to_string(event.type));
  }
}

void EventReader::BeginGroup() {
  in_group_ = true;
  has_begin_ = is_cut_ = false;
  group_start_ = changes_.TakeMark();
  savepoints_.clear();
  xa_.reset();
}

void EventReader::EndGroup() {
  in_group_ = has_begin_ = is_cut_ = false;
  group_start_.clear();
  savepoints_.clear();
  xa_.reset();
}

void EventReader::RollBackGroup() {
  if (is_cut_) {
    // What is buffered belongs to this group alone.
    changes_.Clear();
    rolled_back_cut_ = true;
  } else if (!xa_) {
    changes_.RollBack(group_start_);
  }
  EndGroup();
}

Result<void> EventReader::ReadQuery(const LoggedEvent& event) {
  ASSIGN_OR_RETURN(const QueryEvent query, ReadQueryEvent(event.body));
  switch (query.meaning) {
    case QueryMeaning::kBegin:
      if (!in_group_) BeginGroup();
      has_begin_ = true;
      return {};
    case QueryMeaning::kCommit:
      EndGroup();
      return {};
    case QueryMeaning::kRollback:
      RollBackGroup();
      return {};
    case QueryMeaning::kSavepoint:
      savepoints_.emplace_back(query.argument, target_buffer().TakeMark());
      return {};
    case QueryMeaning::kRollbackTo: {
      const auto found = std::find_if(savepoints_.rbegin(), savepoints_.rend(), [&](const auto& s) {
        return SameName(s.first, query.argument);
      });
      if (found == savepoints_.rend())
        return MakeError(ErrorCode::kStale, "rollback to a savepoint that the binary log lacks");
      target_buffer().RollBack(found->second);
      savepoints_.erase(found.base(), savepoints_.end());
      return {};
    }
    case QueryMeaning::kXaStart:
      if (!in_group_) BeginGroup();
      xa_.emplace();
      xa_->xid = query.argument;
      return {};
    case QueryMeaning::kXaEnd:
      return {};
    case QueryMeaning::kXaCommit: {
      const auto found = prepared_.find(query.argument);
      if (found == prepared_.end()) {
        callbacks_.unknown_xa(query.argument);
      } else {
        changes_.Take(&found->second);
        prepared_.erase(found);
      }
      EndGroup();
      return {};
    }
    case QueryMeaning::kXaRollback:
      prepared_.erase(query.argument);
      EndGroup();
      return {};
    case QueryMeaning::kOther:
      // Structural changes are watched by hooks, before anybody can see them. The rows of CREATE
      // TABLE ... SELECT, which follow in the same group, belong to a table nobody follows yet.
      // After BEGIN it is a change logged as text, which the guard knows of.
      if (!has_begin_) EndGroup();
      return {};
  }
  return {};
}

Result<void> EventReader::ReadTableMap(const LoggedEvent& event) {
  ASSIGN_OR_RETURN(const uint64_t table_id, RowEventReader::TableId(event.body));
  const std::string_view body(reinterpret_cast<const char*>(event.body.data()), event.body.size());
  if (const auto known = maps_.find(table_id); known != maps_.end() && known->second.body == body)
    return {};
  MappedTable mapped;
  mapped.body = body;
  ASSIGN_OR_RETURN(const auto name, TableMap::Name(event.body));
  const std::vector<const FollowedTable*> followed =
      callbacks_.find(name.first, name.second, event.start);
  if (!followed.empty()) {
    auto map = TableMap::Parse(event.body);
    for (const FollowedTable* table : followed) {
      if (!map) {
        Fail(table, map.error().message);
        continue;
      }
      if (map->columns.size() != table->layout->num_logged) {
        Fail(table, "the binary log has another number of columns than were loaded");
        continue;
      }
      Target target{.table = table, .decoders = {}};
      for (size_t i = 0; i < table->schema->columns.size(); ++i) {
        auto decoder = ValueDecoder::Create(map->columns[table->layout->columns[i].logged],
                                            table->schema->columns[i]);
        if (!decoder) {
          Fail(table, decoder.error().message);
          break;
        }
        target.decoders.push_back(std::move(*decoder));
      }
      if (target.decoders.size() == table->schema->columns.size())
        mapped.targets.push_back(std::move(target));
    }
    if (map) mapped.map = std::move(*map);
  }
  maps_.insert_or_assign(table_id, std::move(mapped));
  return {};
}

Result<void> EventReader::ReadRows(const LoggedEvent& event) {
  ASSIGN_OR_RETURN(const uint64_t table_id, RowEventReader::TableId(event.body));
  const auto mapped = maps_.find(table_id);
  // The last row event of a statement may name no table, to end it.
  if (mapped == maps_.end()) return {};
  if (mapped->second.targets.empty()) return {};
  if (!in_group_) BeginGroup();
  failed_.clear();
  // Failing a table may change maps_: work on a copy of the pointers.
  std::vector<const Target*> targets;
  for (const Target& target : mapped->second.targets)
    if (event.start >= target.table->start) targets.push_back(&target);
  auto rows = RowEventReader::Create(event.type, event.body, mapped->second.map);
  std::vector<std::pair<const FollowedTable*, std::string>> failures;
  if (!rows) {
    for (const Target* target : targets) failures.emplace_back(target->table, rows.error().message);
  } else {
    for (;;) {
      const Result<bool> more = rows->Next(&before_, &after_);
      if (!more) {
        for (const Target* target : targets)
          failures.emplace_back(target->table, more.error().message);
        break;
      }
      if (!*more) break;
      target_buffer().CountBytes(ImageBytes(before_) + ImageBytes(after_));
      std::erase_if(targets, [&](const Target* target) {
        const Result<void> appended = AppendRow(*target, rows->change(), before_, after_);
        if (!appended) failures.emplace_back(target->table, appended.error().message);
        return !appended.has_value();
      });
      if (targets.empty()) break;
    }
  }
  for (const auto& [table, reason] : failures) Fail(table, reason);
  return {};
}

Result<void> EventReader::AppendRow(const Target& target, RowChange change,
                                    const std::vector<LoggedValue>& before,
                                    const std::vector<LoggedValue>& after) {
  const FollowedTable& table = *target.table;
  const plan::TableSchema& schema = *table.schema;
  const auto logged = [&](size_t column) { return table.layout->columns[column].logged; };
  before_columns_.clear();
  before_lanes_.clear();
  after_columns_.clear();
  after_lanes_.clear();
  if (change != RowChange::kInsert) {
    // The key names the row; without one all of it does.
    const bool by_key =
        !schema.primary_key.empty() && std::ranges::all_of(schema.primary_key, [&](uint32_t key) {
          return IsPresent(before[logged(key)]);
        });
    for (uint32_t i = 0; i < schema.columns.size(); ++i) {
      const bool wanted =
          by_key ? std::ranges::find(schema.primary_key, i) != schema.primary_key.end() : true;
      if (!wanted) continue;
      if (!IsPresent(before[logged(i)]))
        return MakeError(ErrorCode::kStale,
                         "the logged image of a row names it by other columns than its primary key "
                         "(binlog_row_image)");
      before_columns_.push_back(i);
      before_lanes_.push_back(plan::LaneOf(schema.columns[i].type));
    }
  }
  if (change != RowChange::kDelete) {
    for (uint32_t i = 0; i < schema.columns.size(); ++i) {
      const bool present = IsPresent(after[logged(i)]);
      const FollowedColumn& layout = table.layout->columns[i];
      const bool can_be_told =
          present || (change == RowChange::kUpdate ? !layout.is_generated : layout.has_default);
      if (!can_be_told)
        return MakeError(ErrorCode::kStale,
                         "the logged image of a row leaves out a column whose value cannot be told "
                         "(binlog_row_image)");
      if (!present && change == RowChange::kUpdate) continue;
      after_columns_.push_back(i);
      after_lanes_.push_back(plan::LaneOf(schema.columns[i].type));
    }
    // Only columns changed that are not loaded.
    if (after_columns_.empty()) return {};
  }
  const wire::ChangeKind kind = change == RowChange::kInsert   ? wire::ChangeKind::kInsert
                                : change == RowChange::kUpdate ? wire::ChangeKind::kUpdate
                                                               : wire::ChangeKind::kDelete;
  OpenSection& section = target_buffer().SectionFor(table.node_table, kind, before_columns_,
                                                    before_lanes_, after_columns_, after_lanes_);
  for (size_t i = 0; i < before_columns_.size(); ++i) {
    const uint32_t column = before_columns_[i];
    RETURN_IF_ERROR(target.decoders[column].Append(before[logged(column)], section.num_rows,
                                                   &section.before.columns()[i]));
  }
  for (size_t i = 0; i < after_columns_.size(); ++i) {
    const uint32_t column = after_columns_[i];
    wire::ColumnBuffer* out = &section.after.columns()[i];
    const LoggedValue& value = after[logged(column)];
    if (!IsPresent(value))
      AppendDefault(table.layout->columns[column].default_value, section.num_rows, out);
    else
      RETURN_IF_ERROR(target.decoders[column].Append(value, section.num_rows, out));
  }
  ++section.num_rows;
  return {};
}

void EventReader::Fail(const FollowedTable* table, const std::string& reason) {
  const plan::TableId id = table->node_table;
  Forget(id);
  callbacks_.fail(id, reason);
}

void EventReader::Forget(plan::TableId table) {
  changes_.Forget(table);
  if (xa_) xa_->changes.Forget(table);
  for (auto& [xid, changes] : prepared_) changes.Forget(table);
  for (auto& [id, mapped] : maps_)
    std::erase_if(mapped.targets,
                  [&](const Target& target) { return target.table->node_table == table; });
}

}  // namespace sirocco::plugin
