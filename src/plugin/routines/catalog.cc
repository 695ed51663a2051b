#include "plugin/routines/catalog.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "mysqld_error.h"
#include "plugin/node/internal_session.h"
#include "plugin/routines/base64.h"
#include "plugin/routines/ml_error.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;

constexpr char kModelColumns[] =
    "model_id INT NOT NULL AUTO_INCREMENT, "
    "model_handle VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
    "model_object LONGTEXT, "
    "model_owner VARCHAR(255), "
    "build_timestamp BIGINT, "
    "target_column_name VARCHAR(64), "
    "train_table_name VARCHAR(255), "
    "model_object_size BIGINT, "
    "model_type VARCHAR(64), "
    "task VARCHAR(64), "
    "column_names JSON, "
    "model_explanation JSON, "
    "last_accessed TIMESTAMP NULL, "
    "model_metadata JSON, "
    "notes TEXT, "
    "PRIMARY KEY (model_id), UNIQUE KEY (model_handle)";

constexpr char kObjectColumns[] =
    "chunk_id INT NOT NULL, "
    "model_handle VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
    "model_object LONGTEXT, "
    "PRIMARY KEY (model_handle, chunk_id)";

std::string Condition(const std::string& handle) {
  return " WHERE model_handle = " + QuoteText(handle);
}

struct InUse {
  std::mutex mutex;
  std::multiset<std::string> keys;
};

InUse& HandlesInUse() {
  static InUse in_use;
  return in_use;
}

std::string KeyOf(const std::string& user, const std::string& handle) {
  return user + '\0' + handle;
}

bool IsInUse(const std::string& user, const std::string& handle) {
  InUse& in_use = HandlesInUse();
  std::lock_guard lock(in_use.mutex);
  return in_use.keys.contains(KeyOf(user, handle));
}

// The column of the same name in the metadata, as an SQL literal.
std::string Literal(const Json& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end() || found->is_null()) return "NULL";
  if (found->is_string()) return QuoteText(found->get<std::string>());
  if (found->is_number()) return found->dump();
  return QuoteText(found->dump());
}

}  // namespace

HandleInUse::HandleInUse(const std::string& user, const std::string& handle)
    : key_(KeyOf(user, handle)) {
  InUse& in_use = HandlesInUse();
  std::lock_guard lock(in_use.mutex);
  in_use.keys.insert(key_);
}

HandleInUse::~HandleInUse() {
  InUse& in_use = HandlesInUse();
  std::lock_guard lock(in_use.mutex);
  in_use.keys.erase(in_use.keys.find(key_));
}

Catalog::Catalog(Caller* caller, InvokerSession* session)
    : caller_(caller), session_(session), schema_("ML_SCHEMA_" + caller->user()) {}

Result<bool> Catalog::Exists() {
  ASSIGN_OR_RETURN(const std::vector<TextRow> rows,
                   session_->Query("SELECT COUNT(*) FROM information_schema.TABLES WHERE "
                                   "TABLE_SCHEMA = " +
                                   QuoteText(schema_) +
                                   " AND TABLE_NAME IN ('MODEL_CATALOG', 'model_object_catalog')"));
  return rows.size() == 1 && rows[0][0] == "2";
}

Result<void> Catalog::Create() {
  if (caller_->user().empty() || caller_->user().find('.') != std::string::npos)
    return MlError(
        MlErrorNumber::kArgument,
        "A user whose name is empty or contains a period cannot have models: " + caller_->user());
  ASSIGN_OR_RETURN(const bool exists, Exists());
  if (exists) return {};
  RETURN_IF_ERROR(session_->Execute("CREATE SCHEMA IF NOT EXISTS " + QuoteName(schema_)));
  const std::string options = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
  RETURN_IF_ERROR(session_->Execute("CREATE TABLE IF NOT EXISTS " + models().Quoted() + " (" +
                                    kModelColumns + options));
  const std::string create =
      "CREATE TABLE IF NOT EXISTS " + objects().Quoted() + " (" + kObjectColumns;
  Result<void> made =
      session_->Execute(create + ", FOREIGN KEY (model_handle) REFERENCES " + models().Quoted() +
                        " (model_handle) ON DELETE CASCADE" + options);
  // The privileges HeatWave asks for do not include REFERENCES.
  if (!made && made.error().mysql_errno == ER_TABLEACCESS_DENIED_ERROR)
    made = session_->Execute(create + options);
  return made;
}

Result<std::optional<CatalogEntry>> Catalog::Find(const std::string& handle) {
  Result<std::vector<TextRow>> rows =
      session_->Query("SELECT model_metadata FROM " + models().Quoted() + Condition(handle));
  if (!rows) {
    const uint32_t number = rows.error().mysql_errno;
    if (number == ER_NO_SUCH_TABLE || number == ER_BAD_DB_ERROR ||
        number == ER_TABLEACCESS_DENIED_ERROR || number == ER_DBACCESS_DENIED_ERROR)
      return std::nullopt;
    return std::unexpected(rows.error());
  }
  if (rows->empty()) return std::nullopt;
  CatalogEntry entry;
  entry.metadata = (*rows)[0][0].value_or("{}");
  const Json metadata = Json::parse(entry.metadata, nullptr, /*allow_exceptions=*/false);
  if (metadata.is_object())
    if (const auto status = metadata.find("status");
        status != metadata.end() && status->is_string())
      entry.status = status->get<std::string>();
  return entry;
}

Result<CatalogEntry> Catalog::FindReady(const std::string& handle) {
  ASSIGN_OR_RETURN(std::optional<CatalogEntry> entry, Find(handle));
  if (!entry)
    return MlError(MlErrorNumber::kNotInCatalog,
                   "The model handle " + handle + " does not exist in the model catalog.");
  if (entry->status != "Ready")
    return MlError(MlErrorNumber::kNotReady,
                   "The model " + handle + " is not ready: its status is " +
                       (entry->status.empty() ? "unknown" : entry->status) + ".");
  return std::move(*entry);
}

Result<void> Catalog::CheckFree(const std::string& handle) {
  ASSIGN_OR_RETURN(const std::optional<CatalogEntry> entry, Find(handle));
  if (!entry || entry->status == "Error") return {};
  if (entry->status == "Creating" && !IsInUse(caller_->user(), handle)) return {};
  return MlError(MlErrorNumber::kHandleExists,
                 "The model handle " + handle + " already exists in the model catalog.");
}

Result<void> Catalog::Begin(const std::string& handle, const std::string& metadata) {
  RETURN_IF_ERROR(session_->Execute("DELETE FROM " + objects().Quoted() + Condition(handle)));
  RETURN_IF_ERROR(session_->Execute("DELETE FROM " + models().Quoted() + Condition(handle)));
  Result<void> added = session_->Execute(
      "INSERT INTO " + models().Quoted() + " (model_handle, model_owner, model_metadata) VALUES (" +
      QuoteText(handle) + ", " + QuoteText(caller_->user()) + ", " + QuoteText(metadata) + ")");
  // Two sessions at once.
  if (!added && added.error().mysql_errno == ER_DUP_ENTRY)
    return MlError(MlErrorNumber::kHandleExists,
                   "The model handle " + handle + " already exists in the model catalog.");
  RETURN_IF_ERROR(added);
  return UpdateRow(handle, metadata);
}

Result<void> Catalog::UpdateRow(const std::string& handle, const std::string& metadata) {
  const Json json = Json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  std::string set = "model_metadata = " + QuoteText(metadata);
  for (const char* column : {"build_timestamp", "target_column_name", "train_table_name", "task",
                             "column_names", "model_explanation", "notes"})
    set += std::string(", ") + column + " = " + (json.is_object() ? Literal(json, column) : "NULL");
  set += ", model_type = " + (json.is_object() ? Literal(json, "algorithm_name") : "NULL");
  return session_->Execute("UPDATE " + models().Quoted() + " SET " + set + Condition(handle));
}

Result<void> Catalog::SetMetadata(const std::string& handle, const std::string& metadata) {
  return UpdateRow(handle, metadata);
}

Result<void> Catalog::Finish(const std::string& handle, const std::string& metadata,
                             const std::string& bytes) {
  RETURN_IF_ERROR(session_->Execute("START TRANSACTION"));
  const auto run = [&]() -> Result<void> {
    RETURN_IF_ERROR(session_->Execute("DELETE FROM " + objects().Quoted() + Condition(handle)));
    const std::string text = EncodeBase64(bytes);
    int chunk = 0;
    for (size_t at = 0; at < text.size(); at += kChunkBytes)
      RETURN_IF_ERROR(session_->Execute("INSERT INTO " + objects().Quoted() +
                                        " (chunk_id, model_handle, model_object) VALUES (" +
                                        std::to_string(++chunk) + ", " + QuoteText(handle) + ", '" +
                                        text.substr(at, kChunkBytes) + "')"));
    RETURN_IF_ERROR(UpdateRow(handle, metadata));
    return session_->Execute("UPDATE " + models().Quoted() + " SET model_object_size = " +
                             std::to_string(bytes.size()) + Condition(handle));
  };
  Result<void> done = run();
  Result<void> ended = session_->Execute(done ? "COMMIT" : "ROLLBACK");
  return done ? ended : done;
}

Result<void> Catalog::Fail(const std::string& handle, const std::string& reason) {
  ASSIGN_OR_RETURN(const std::optional<CatalogEntry> entry, Find(handle));
  if (!entry) return {};
  Json metadata = Json::parse(entry->metadata, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object()) metadata = Json::object();
  metadata["status"] = "Error";
  metadata["notes"] = reason;
  return UpdateRow(handle, metadata.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<void> Catalog::NoteAccess(const std::string& handle) {
  return session_->Execute("UPDATE " + models().Quoted() +
                           " SET last_accessed = CURRENT_TIMESTAMP" + Condition(handle));
}

Result<std::string> Catalog::ReadObject(const std::string& handle) {
  uint64_t num_chunks = 0;
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadChunks(session_, objects(), "model_handle = " + QuoteText(handle), &num_chunks));
  if (num_chunks == 0)
    return MlError(MlErrorNumber::kModelFormat,
                   "The model " + handle + " has no object in the model catalog.");
  Result<std::string> bytes = DecodeBase64(text);
  if (!bytes)
    return MlError(MlErrorNumber::kModelFormat,
                   "The object of model " + handle + " is damaged: " + bytes.error().message + ".");
  return bytes;
}

Result<std::string> ReadChunks(InvokerSession* session, const QualifiedName& table,
                               const std::string& condition, uint64_t* num_chunks) {
  ASSIGN_OR_RETURN(std::vector<TextRow> rows,
                   session->Query("SELECT model_object FROM " + table.Quoted() + " WHERE " +
                                  condition + " ORDER BY chunk_id"));
  std::string text;
  *num_chunks = rows.size();
  for (TextRow& row : rows) {
    if (!row[0]) continue;
    text += *row[0];
    row[0].reset();
  }
  return text;
}

}  // namespace sirocco::plugin
