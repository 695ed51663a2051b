#include "lakehouse/table/locate.h"

#include <regex>
#include <set>

#include "lakehouse/store/local_store.h"
#include "lakehouse/store/s3_store.h"
#include "lakehouse/table/glob.h"

namespace sirocco::lakehouse {

namespace {

std::unexpected<Error> BadUri(const std::string& uri, std::string_view reason) {
  return LhFail(kLhInvalidOption,
                {.detail = "FILES", .extra = "'" + RedactUrl(uri) + "' " + std::string(reason)});
}

// Fills name or prefix and matcher from a name that may be a glob.
Result<void> SetGlob(const std::string& pattern, Location* location) {
  if (Glob::IsPlain(pattern)) {
    location->name = pattern;
    return {};
  }
  auto glob = Glob::Parse(pattern);
  if (!glob) return LhFail(kLhInvalidOption, {.detail = "FILES", .extra = glob.error().message});
  location->prefix = glob->literal_prefix();
  location->matches = [glob = std::make_shared<Glob>(std::move(*glob))](std::string_view name) {
    return glob->Matches(name);
  };
  return {};
}

// Characters before the first one that means something in a regular expression.
std::string LiteralStart(const std::string& pattern) {
  const size_t end = pattern.find_first_of("^$\\.*+?()[]{}|");
  if (end == std::string::npos) return pattern;
  if (pattern.find('|') != std::string::npos) return {};
  // The last character may be repeated or left out.
  const bool repeated =
      end > 0 && std::string_view("*?{+").find(pattern[end]) != std::string_view::npos;
  return pattern.substr(0, repeated ? end - 1 : end);
}

}  // namespace

StoreSet::StoreSet(StoreSetOptions options)
    : options_(std::move(options)), local_(MakeLocalStore(options_.local_folders)) {}

StoreSet::~StoreSet() { stores_.clear(); }

std::shared_ptr<HttpClient> StoreSet::ClientFor(const std::string& endpoint,
                                                const std::string& ca_file) {
  auto& client = clients_[endpoint + "\n" + ca_file];
  if (client == nullptr) {
    HttpOptions http = options_.http;
    if (!ca_file.empty()) http.certificates = ca_file;
    client = HttpClient::Create(http);
  }
  return client;
}

Result<ObjectStore*> StoreSet::S3(const std::string& bucket, const std::string& bucket_namespace,
                                  const std::string& region, const std::string& profile,
                                  const std::string& scheme) {
  std::lock_guard lock(mutex_);
  auto& store =
      stores_[scheme + "\n" + bucket + "\n" + bucket_namespace + "\n" + region + "\n" + profile];
  if (store == nullptr) {
    S3Options options;
    options.bucket = bucket;
    options.shown_scheme = scheme;
    auto loaded = LoadProfile(options_.profiles_file, profile);
    if (!loaded)
      return LhFail(kLhInvalidOption, {.detail = "FILES", .extra = loaded.error().message});
    options.profile = std::move(*loaded);
    if (!region.empty()) options.profile.region = region;
    if (options.profile.endpoint.empty() && !bucket_namespace.empty()) {
      options.profile.endpoint = "https://" + bucket_namespace + ".compat.objectstorage." +
                                 options.profile.region + ".oraclecloud.com";
    }
    auto client = ClientFor(options.profile.endpoint, options.profile.ca_file);
    store = MakeS3Store(std::move(options), std::move(client));
  }
  return store.get();
}

ObjectStore* StoreSet::https() {
  std::lock_guard lock(mutex_);
  auto& store = stores_["https"];
  if (store == nullptr) store = MakeHttpsStore(ClientFor("", ""));
  return store.get();
}

FlowFigures StoreSet::figures() const {
  std::lock_guard lock(mutex_);
  FlowFigures sum;
  for (const auto& [endpoint, client] : clients_) {
    const FlowFigures one = client->figures();
    sum.num_requests += one.num_requests;
    sum.num_refused += one.num_refused;
    sum.num_failed += one.num_failed;
    sum.num_bytes += one.num_bytes;
    sum.in_flight += one.in_flight;
    sum.limit_in_flight += one.limit_in_flight;
    sum.limit_per_second += one.limit_per_second;
    sum.request_bytes = std::max(sum.request_bytes, one.request_bytes);
  }
  return sum;
}

Result<Location> ResolveSpec(const FileSpec& spec, StoreSet* stores) {
  Location location;
  if (!spec.uri.empty()) {
    const size_t colon = spec.uri.find("://");
    const std::string scheme = colon == std::string::npos ? "" : spec.uri.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : spec.uri.substr(colon + 3);
    location.shown = RedactUrl(spec.uri);
    if (scheme == "file") {
      if (!rest.starts_with('/'))
        return BadUri(spec.uri, "must name an absolute path (file:///...)");
      location.store = stores->local();
      RETURN_IF_ERROR(SetGlob(rest, &location));
    } else if (scheme == "s3" || scheme == "oci") {
      const size_t slash = rest.find('/');
      if (slash == std::string::npos || slash + 1 == rest.size())
        return BadUri(spec.uri, "names no object");
      const std::string authority = rest.substr(0, slash);
      const size_t at = authority.find('@');
      const std::string first = authority.substr(0, at);
      const std::string second = at == std::string::npos ? "" : authority.substr(at + 1);
      // s3://profile@bucket and oci://bucket@namespace.
      const bool oci = scheme == "oci";
      const std::string bucket = oci || at == std::string::npos ? first : second;
      const std::string profile = oci || at == std::string::npos ? spec.profile : first;
      if (bucket.empty() || (oci && second.empty())) return BadUri(spec.uri, "names no bucket");
      ASSIGN_OR_RETURN(location.store, stores->S3(bucket, oci ? second : "", "", profile, scheme));
      RETURN_IF_ERROR(SetGlob(rest.substr(slash + 1), &location));
    } else if (scheme == "https" || scheme == "http") {
      location.store = stores->https();
      location.name = spec.uri;
    } else {
      return BadUri(spec.uri, "has an unknown scheme (file, s3, oci, https)");
    }
    return location;
  }
  if (!spec.par.empty()) {
    location.store = stores->https();
    location.name = spec.par;
    if (!spec.name.empty()) {
      if (!location.name.ends_with('/')) location.name += '/';
      location.name += UriEncode(spec.name, true);
    } else if (!spec.prefix.empty() || !spec.pattern.empty()) {
      return NotSupported("prefix and pattern of a pre-authenticated request");
    }
    location.shown = RedactUrl(location.name);
    return location;
  }
  ASSIGN_OR_RETURN(location.store,
                   stores->S3(spec.bucket, spec.bucket_namespace, spec.region, spec.profile,
                              spec.bucket_namespace.empty() ? "s3" : "oci"));
  if (!spec.name.empty()) {
    location.name = spec.name;
  } else if (!spec.pattern.empty()) {
    location.prefix = LiteralStart(spec.pattern);
    location.matches =
        [regex = std::regex(spec.pattern, std::regex::ECMAScript)](std::string_view name) {
          // The library's matcher recurses by character.
          return name.size() <= 4096 && std::regex_match(name.begin(), name.end(), regex);
        };
  } else {
    location.prefix = spec.prefix;
    location.matches = [](std::string_view) { return true; };
  }
  location.shown = location.store->DisplayName(!spec.name.empty()      ? spec.name
                                               : !spec.pattern.empty() ? spec.pattern
                                                                       : spec.prefix);
  return location;
}

Result<std::vector<LocatedFile>> LocateFiles(const ExternalTable& table, bool session_strict,
                                             StoreSet* stores, LoadReport* report) {
  std::vector<LocatedFile> files;
  std::set<std::string> seen;
  std::string missing;
  for (const FileSpec& spec : table.files) {
    ASSIGN_OR_RETURN(Location location, ResolveSpec(spec, stores));
    const bool strict =
        spec.is_strict_mode.value_or(table.dialect.is_strict_mode.value_or(session_strict));
    std::vector<ObjectMeta> found;
    if (!location.name.empty()) {
      auto meta = location.store->Head(location.name);
      if (meta)
        found.push_back(std::move(*meta));
      else if (meta.error().code != ErrorCode::kNotFound)
        return std::unexpected(meta.error());
    } else {
      RETURN_IF_ERROR(location.store->List(location.prefix, [&](std::span<const ObjectMeta> page) {
        for (const ObjectMeta& meta : page)
          if (location.matches(meta.name)) found.push_back(meta);
        return true;
      }));
    }
    if (found.empty()) {
      if (spec.allow_missing_files.value_or(table.dialect.allow_missing_files)) {
        report->Add(kLhNoFilesFound, LhText(kLhNoFilesFound, {.detail = location.shown}));
      } else {
        missing += (missing.empty() ? "" : ", ") + location.shown;
      }
      continue;
    }
    for (ObjectMeta& meta : found) {
      LocatedFile file;
      file.store = location.store;
      file.shown = location.store->DisplayName(meta.name);
      file.strict = strict;
      if (!seen.insert(file.shown + "\n" + meta.name).second) {
        report->Add(kLhDuplicateFile, LhText(kLhDuplicateFile, {.file = file.shown}));
        continue;
      }
      if (meta.size == 0) {
        report->Add(kLhEmptyFile, LhText(kLhEmptyFile, {.file = file.shown}));
        continue;
      }
      file.object = std::move(meta);
      files.push_back(std::move(file));
    }
  }
  if (!missing.empty()) return LhFail(kLhNoFilesFound, {.detail = missing});
  return files;
}

}  // namespace sirocco::lakehouse
