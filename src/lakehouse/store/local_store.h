// Files of this machine, confined to given folders (the server's secure_file_priv): symbolic links
// are resolved first, so that none leads outside. See object_store.h.
#pragma once

#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

// `folders`: absolute paths; none: nothing may be read. "/" allows everything.
// Errors of its methods: also kMysql 6514 for names outside the folders.
std::unique_ptr<ObjectStore> MakeLocalStore(std::vector<std::string> folders);

}  // namespace sirocco::lakehouse
