// ALTER TABLE ... SECONDARY_LOAD and SECONDARY_UNLOAD.
//
// A load takes a consistent snapshot without stopping writers: the server holds the table against
// writers (metadata lock SNW); the scan gets its read view; the registry starts to watch for
// writes; only then the lock is downgraded so that writers go on. A write from then on makes the
// loaded table stale, even before the load ends.
#pragma once

#include "common/error.h"
#include "plugin/registry.h"

class THD;
struct TABLE;

namespace sirocco::plugin {

// Loads `table` (open, locked SNW) as thd->lex->alter_info asks. Sets `*skip_metadata_update` when
// the dictionary already says so or must not change (VALIDATE ONLY, reload by the plugin). Nothing
// is left behind after an error; a reload that fails leaves the state before it.
Result<void> LoadTable(THD* thd, TABLE* table, bool* skip_metadata_update);

// Forgets the table, or the partitions the statement names. kNotFound if it is not loaded.
Result<void> UnloadTable(THD* thd, const TableName& name);

}  // namespace sirocco::plugin
