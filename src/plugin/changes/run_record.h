// What must be remembered over a restart of the server to know whether data that a node still has
// can be brought up to date from the binary log: a small file in the data directory.
//
//  - the runs of the server that this plugin took part in, by the number of the binary log file
//  each
//    began: changes made in other runs may not be in the log, and no hook saw them;
//  - whether the last run ended cleanly: otherwise InnoDB and the log may have lost their last
//    transactions independently of each other, unless both were synchronized at each commit or the
//    machine has stayed up;
//  - tables that were changed without logging, until they have been loaded again.
// Threads: every function from any thread.
#pragma once

#include <string>

#include "plugin/registry.h"
#include "wire/changes.h"

namespace sirocco::plugin {

// At plugin init. `server_is_starting`: the plugin is there from the start of this run.
void OpenRunRecord(bool server_is_starting);
// The binary log of this run has been opened.
void NoteRunStart();
// The plugin is uninstalled: what happens from now on is not known.
void ForgetRuns();
// At a clean shutdown, when nothing can be written to InnoDB any more.
void NoteCleanEnd();

// On disk when it returns: the data loaded for the table must not be used again.
void NoteUnlogged(const TableName& name);
bool IsUnlogged(const TableName& name);
void RenameUnlogged(const TableName& from, const TableName& to);
// For NoteLoaded: what is noted of the table when its load takes its snapshot.
uint64_t UnloggedMark(const TableName& name);
// The table has been loaded from InnoDB; what was noted since `mark` stays.
void NoteLoaded(const TableName& name, uint64_t mark);

// Why data of the table as of that position cannot be used after the restart; empty: it can.
std::string WhyNotResume(const TableName& name, wire::Position position);

}  // namespace sirocco::plugin
