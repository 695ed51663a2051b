// From what a definition says to the objects it means: opens stores, lists, matches, notices
// missing and doubled files.
//
// URIs: file:///path, s3://[profile@]bucket/key, oci://bucket@namespace/key (through the store's S3
// interface), https://... Everything but plain URLs may hold a glob. Threads: a StoreSet may be
// used by any number of threads; stores live as long.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lakehouse/store/http_client.h"
#include "lakehouse/store/object_store.h"
#include "lakehouse/table/attribute.h"

namespace sirocco::lakehouse {

struct StoreSetOptions {
  std::vector<std::string> local_folders;  // where file:// may read; none: nowhere
  std::string profiles_file;               // credentials by profile
  HttpOptions http;
};

class StoreSet {
 public:
  explicit StoreSet(StoreSetOptions options);
  ~StoreSet();

  ObjectStore* local() { return local_.get(); }
  Result<ObjectStore*> S3(const std::string& bucket, const std::string& bucket_namespace,
                          const std::string& region, const std::string& profile,
                          const std::string& scheme);
  ObjectStore* https();
  FlowFigures figures() const;

 private:
  std::shared_ptr<HttpClient> ClientFor(const std::string& endpoint, const std::string& ca_file);

  const StoreSetOptions options_;
  std::unique_ptr<ObjectStore> local_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<HttpClient>> clients_;  // by endpoint: one flow each
  std::map<std::string, std::unique_ptr<ObjectStore>> stores_;
};

struct LocatedFile {
  ObjectStore* store = nullptr;
  ObjectMeta object;
  std::string shown;
  bool strict = true;
};

// One place of a definition, ready to be listed.
struct Location {
  ObjectStore* store = nullptr;
  std::string name;    // exactly this object, if not empty
  std::string prefix;  // else all that begin so and match
  std::function<bool(std::string_view)> matches;
  std::string shown;
};
Result<Location> ResolveSpec(const FileSpec& spec, StoreSet* stores);

// The files of all entries in order, each once. Warnings: 6068 (missing but allowed), 6069 (empty),
// 6070 (named twice). Errors: 6068, 6128, 6514, 6511.
Result<std::vector<LocatedFile>> LocateFiles(const ExternalTable& table, bool session_strict,
                                             StoreSet* stores, LoadReport* report);

}  // namespace sirocco::lakehouse
