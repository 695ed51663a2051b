// Takes loaded tables away from queries before a change that the binary log will not carry can be
// seen by anybody. Changes that it carries are applied by changes/tail.h.
//
// Sources of such changes and what catches each:
//  - data change statements of sessions that do not log rows (sql_log_bin=0, binlog_format, no
//    binary log, filters) and their triggers and cascades: Trans_observer::before_dml, after the
//    tables are open and locked in metadata, before the first row. rapid_unlogged_writes=ERROR
//    refuses the statement instead;
//  - cascades inside InnoDB (innodb_native_foreign_keys): the same, for the referencing tables;
//  - row events of replication appliers that do not log: Trans_observer::before_commit, while the
//    transaction still holds its metadata locks and nothing of it is visible;
//  - BINLOG statements that do not log: after parsing;
//  - DDL (ALTER, RENAME, TRUNCATE, partition operations): the handlerton's notification hooks,
//    before the statement.
// Attempts count: a statement that changes no row or rolls back marks its tables, too. A stale table
// is loaded again in the background (node/reload.h).
// Threads: the hooks run in the sessions' threads.
#pragma once

#include <string>

#include "plugin/registry.h"

class THD;
struct handlerton;

namespace sirocco::plugin {

// Registers the observer and sets the handlerton's notification hooks. False if the server refuses.
bool InstallStalenessGuard(handlerton* engine, void* plugin);
void RemoveStalenessGuard(void* plugin);

// Takes the table away from queries and out of the stream of changes, and asks for its reload.
void GiveUpTable(const TableName& name, const std::string& cause);
// A BINLOG statement was parsed in the session.
void NoteBinlogStatement(THD* thd);

// True if this server is a replica that applies changes without writing them to its own binary log:
// the hooks do not see those, so no loaded table can be trusted.
bool AppliesUnseenChanges();

}  // namespace sirocco::plugin
