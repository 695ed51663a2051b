// One section of a change batch, from its wire form to the table.
#pragma once

#include "common/error.h"
#include "engine/storage/table_store.h"
#include "wire/changes.h"

namespace sirocco::node {

// Checks the section's column batches and applies them; nothing is visible yet. A section of no
// rows changes nothing: it only lets the table stand at the batch's position. After an error the
// table cannot follow any more.
Result<void> ApplySection(const wire::ChangeSection& section, engine::TableStore* table);
Result<void> CommitChanges(engine::TableStore* table);

}  // namespace sirocco::node
