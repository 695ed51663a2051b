// Marks a loaded table stale before a change to it can be seen by anybody: the guard that makes
// "never a stale answer" true as long as changes are not propagated.
//
// Sources of changes and what catches each:
//  - data change statements of sessions (INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, triggers,
//  stored functions, foreign
//    key cascades): Trans_observer::before_dml, after the tables are open and locked in metadata,
//    before the first row;
//  - row events of replication appliers and of BINLOG statements: Trans_observer::before_commit,
//  while the transaction
//    still holds its metadata locks and nothing of it is visible;
//  - DDL (ALTER, RENAME, TRUNCATE, partition operations): the handlerton's notification hooks,
//  before the statement.
// Attempts count: a statement that changes no row or rolls back marks its tables, too.
// Threads: the hooks run in the sessions' threads.
#pragma once

struct handlerton;

namespace sirocco::plugin {

// Registers the observer and sets the handlerton's notification hooks. False if the server refuses.
bool InstallStalenessGuard(handlerton* engine, void* plugin);
void RemoveStalenessGuard(void* plugin);

// True if this server is a replica that applies changes without writing them to its own binary log:
// the hooks do not see those, so no loaded table can be trusted.
bool AppliesUnseenChanges();

}  // namespace sirocco::plugin
