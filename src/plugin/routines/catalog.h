// The caller's model catalog: tables MODEL_CATALOG and model_object_catalog of schema
// ML_SCHEMA_<user>. Every statement runs with the caller's privileges, so the catalog is its
// owner's, and whoever the owner grants it to.
#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/invoker_session.h"
#include "plugin/routines/source_table.h"

namespace sirocco::plugin {

// What a catalog row says besides its metadata.
struct CatalogEntry {
  std::string metadata;  // JSON object
  std::string status;    // Creating, Ready, Error
};

// Says, while it lives, that a handle's row of status Creating is being worked on in this server.
class HandleInUse {
 public:
  HandleInUse(const std::string& user, const std::string& handle);
  ~HandleInUse();
  HandleInUse(const HandleInUse&) = delete;
  HandleInUse& operator=(const HandleInUse&) = delete;

 private:
  const std::string key_;
};

class Catalog {
 public:
  Catalog(Caller* caller, InvokerSession* session);

  // Makes the schema and its tables if they are missing.
  Result<void> Create();
  // nullopt: there is no such handle, or no catalog yet.
  Result<std::optional<CatalogEntry>> Find(const std::string& handle);
  // The same; an error if there is none, or if it cannot be used (status).
  Result<CatalogEntry> FindReady(const std::string& handle);
  // Errors if the handle is taken. A handle whose training failed, or was cut off by the server's
  // end, may be used again.
  Result<void> CheckFree(const std::string& handle);
  // A new row of status Creating.
  Result<void> Begin(const std::string& handle, const std::string& metadata);
  // The row and its object become what they are to be, in one transaction.
  Result<void> Finish(const std::string& handle, const std::string& metadata,
                      const std::string& bytes);
  // Status Error with the reason.
  Result<void> Fail(const std::string& handle, const std::string& reason);
  Result<std::string> ReadObject(const std::string& handle);
  Result<void> SetMetadata(const std::string& handle, const std::string& metadata);
  Result<void> NoteAccess(const std::string& handle);

  QualifiedName models() const { return {schema_, "MODEL_CATALOG"}; }
  QualifiedName objects() const { return {schema_, "model_object_catalog"}; }

 private:
  Result<bool> Exists();
  Result<void> UpdateRow(const std::string& handle, const std::string& metadata);

  Caller* caller_;
  InvokerSession* session_;
  std::string schema_;
};

// Reads objects in order of chunk_id from any table of that layout. `condition` is SQL.
Result<std::string> ReadChunks(InvokerSession* session, const QualifiedName& table,
                               const std::string& condition, uint64_t* num_chunks);

// Largest text of one chunk.
inline constexpr size_t kChunkBytes = 12u << 20;

}  // namespace sirocco::plugin
