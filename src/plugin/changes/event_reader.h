// Turns the events of the binary log into committed row changes of the followed tables.
//
// Groups of events (GTID ... XID, COMMIT or a structural change) are taken in order. Rows go to
// `changes()` at once, since only events of finished groups are read; a group that ends in ROLLBACK
// is taken back. The rows of a prepared XA transaction wait until its XA COMMIT. No server headers.
//
// A table that cannot be followed any further (unexpected columns, partial JSON updates, an image
// that leaves out what is needed) is reported by `fail` and its changes are dropped; an error of
// Read means that nothing after this event can be trusted for any table.
// Threads: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plugin/changes/change_buffer.h"
#include "plugin/changes/followed_table.h"
#include "plugin/changes/row_events.h"
#include "plugin/changes/value_decoder.h"

namespace sirocco::plugin {

struct LoggedEvent {
  uint8_t type = 0;
  uint16_t flags = 0;
  std::span<const uint8_t> body;  // without common header and checksum
  wire::Position start = 0, end = 0;
};

class EventReader {
 public:
  struct Callbacks {
    // The tables that rows logged under this name at this position belong to; pointers live until
    // the next Refresh.
    std::function<std::vector<const FollowedTable*>(std::string_view schema, std::string_view table,
                                                    wire::Position)>
        find;
    // The table cannot follow any more.
    std::function<void(plan::TableId, const std::string& reason)> fail;
    // An XA transaction was committed whose preparation was not read.
    std::function<void(const std::string& xid)> unknown_xa;
    // Calls `sink` with each event inside a compressed transaction.
    std::function<Result<void>(std::span<const uint8_t> body,
                               const std::function<Result<void>(const LoggedEvent&)>& sink)>
        decompress;
    // A group begins that was committed at this time (microseconds since the epoch; 0: unknown).
    std::function<void(uint64_t commit_us)> begun;
    // After each event in the middle of a transaction that can be cut here: may send and clear
    // changes().
    std::function<Result<void>()> may_cut;
  };

  explicit EventReader(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  Result<void> Read(const LoggedEvent& event);

  // Between two groups: what changes() holds may be sent as complete.
  bool at_boundary() const { return !in_group_; }
  ChangeBuffer& changes() { return changes_; }
  // The group under way was cut: its beginning was sent. Set by whoever sends.
  void MarkCut() { is_cut_ = true; }
  // True once after a group that was cut has been rolled back: what was sent must be taken back.
  bool TakeRolledBackCut() { return std::exchange(rolled_back_cut_, false); }
  // Rows of prepared XA transactions, by xid.
  std::map<std::string, ChangeBuffer>& prepared() { return prepared_; }

  // The set of followed tables or their names changed.
  void Refresh() { maps_.clear(); }
  // Drops what is buffered for a table.
  void Forget(plan::TableId table);

 private:
  // A followed table with the decoders for the columns as they are logged.
  struct Target {
    const FollowedTable* table = nullptr;
    std::vector<ValueDecoder> decoders;  // per column of the schema
  };
  struct MappedTable {
    std::string body;  // of the TABLE_MAP event; tells whether decoders made before still fit
    TableMap map;
    std::vector<Target> targets;
  };
  struct XaGroup {
    std::string xid;
    ChangeBuffer changes;
  };

  Result<void> ReadQuery(const LoggedEvent& event);
  Result<void> ReadTableMap(const LoggedEvent& event);
  Result<void> ReadRows(const LoggedEvent& event);
  Result<void> AppendRow(const Target& target, RowChange change,
                         const std::vector<LoggedValue>& before,
                         const std::vector<LoggedValue>& after);
  void BeginGroup();
  void EndGroup();
  void RollBackGroup();
  void Fail(const FollowedTable* table, const std::string& reason);
  ChangeBuffer& target_buffer() { return xa_ ? xa_->changes : changes_; }

  Callbacks callbacks_;
  ChangeBuffer changes_;
  std::map<uint64_t, MappedTable> maps_;
  std::set<plan::TableId> failed_;  // in this event
  bool in_group_ = false, has_begin_ = false, is_cut_ = false, rolled_back_cut_ = false;
  ChangeBuffer::Mark group_start_;
  std::vector<std::pair<std::string, ChangeBuffer::Mark>> savepoints_;
  std::optional<XaGroup> xa_;
  std::map<std::string, ChangeBuffer> prepared_;
  // Scratch of ReadRows.
  std::vector<LoggedValue> before_, after_;
  std::vector<uint32_t> before_columns_, after_columns_;
  std::vector<plan::Lane> before_lanes_, after_lanes_;
};

}  // namespace sirocco::plugin
