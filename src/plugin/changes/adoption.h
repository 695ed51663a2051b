// Loaded data that can be used again without a load: of tables that were taken away from queries
// for a structural change that left their rows alone, and of tables that a node has from before a
// restart of the server or of itself.
//
// Data is known again by its origin (table_layout.h): as long as the origin is the same, the binary
// log from the data's position on tells all differences, except for changes that were not logged;
// the table's data is forgotten, on the node too, before one of those is made.
// Threads: every function from any thread; Adopt in a session that locks the table against writers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "plugin/changes/followed_table.h"
#include "plugin/registry.h"
#include "wire/messages.h"

class THD;

namespace sirocco::plugin {

// What a load has put on the node.
struct LoadedData {
  plan::TableId node_table = 0;
  uint64_t node_epoch = 0;
  std::string origin;
};

// The registry has published this data.
void RememberData(const TableName& name, LoadedData data);
// The data is of no use any more.
void ForgetData(const TableName& name);
void RenameData(const TableName& from, const TableName& to);

// A table as it is defined now, under a lock against writers.
struct TableDefinition {
  std::shared_ptr<const plan::TableSchema> schema;
  std::shared_ptr<const LoggedLayout> layout;
  std::string origin;
  std::vector<LoadedPartition> partitions;
};

// The tables that a node had when it was connected to, before anything was loaded in this life of
// the server or of the node.
void NoteNodeTables(uint64_t epoch, const std::vector<wire::LoadedTable>& tables);

// Publishes data that is there already, for a load that was begun in the registry; calls
// `release_lock` as soon as writers may go on. False: there is none that fits, load the table.
Result<bool> Adopt(THD* thd, const TableName& name, const TableDefinition& definition,
                   const std::function<void()>& release_lock);

// Drops what the node has from before its or the server's restart and no table needs. Call once all
// tables have been loaded or adopted.
void DropUnusedData();

}  // namespace sirocco::plugin
