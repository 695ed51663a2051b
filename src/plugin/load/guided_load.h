// Guided load: SECONDARY_LOAD prepares the table itself unless GUIDED OFF is said. A table without
// a secondary engine gets RAPID, and columns of types that cannot be loaded become NOT SECONDARY.
//
// The changes are ALTER statements of the caller's own account, committed before the load starts,
// each told in a note. A table that belongs to another secondary engine is left alone. Threads: the
// session's.
#pragma once

#include "common/error.h"
#include "plugin/registry.h"

class THD;

namespace sirocco::plugin {

// Before the statement opens or locks the table. An error: the load cannot go on; kMysql with the
// server's number and text if one of the statements failed.
Result<void> GuideLoad(THD* thd, const TableName& name);

}  // namespace sirocco::plugin
