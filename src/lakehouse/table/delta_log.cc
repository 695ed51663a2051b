#include "lakehouse/table/delta_log.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

namespace {

using Json = nlohmann::json;

// A log file above this is not read into memory.
constexpr uint64_t kMaxLogFile = 1 << 30;
// Features that do not change what a reader must do.
constexpr std::string_view kHarmlessFeatures[] = {"timestampNtz",    "vacuumProtocolCheck",
                                                  "appendOnly",      "invariants",
                                                  "deletionVectors", "columnMapping"};

class Replay {
 public:
  explicit Replay(std::string_view shown) : shown_(shown) {}

  std::unexpected<Error> Bad(const std::string& reason) const {
    return LhFail(kLhDeltaMetadata, {.detail = std::string(shown_) + ": " + reason});
  }
  std::unexpected<Error> Unsupported(std::string_view feature) const {
    return LhFail(kLhDeltaUnsupported, {.detail = feature});
  }

  Result<void> Protocol(int64_t reader_version, const std::vector<std::string>& features) {
    if (reader_version < 1 || reader_version > 3)
      return Unsupported("minReaderVersion " + std::to_string(reader_version));
    for (const std::string& feature : features)
      if (std::find(std::begin(kHarmlessFeatures), std::end(kHarmlessFeatures), feature) ==
          std::end(kHarmlessFeatures))
        return Unsupported(feature.substr(0, 64));
    has_protocol_ = true;
    return {};
  }

  Result<void> Metadata(const std::string& schema, std::vector<std::string> partition_columns,
                        const std::string& mapping_mode) {
    if (!mapping_mode.empty() && mapping_mode != "none") return Unsupported("columnMapping");
    const Json json = Json::parse(schema, nullptr, false);
    if (json.is_discarded() || !json.is_object() || !json.contains("fields") ||
        !json["fields"].is_array())
      return Bad("the schema cannot be understood");
    columns_.clear();
    for (const Json& field : json["fields"]) {
      if (!field.is_object() || !field.contains("name") || !field["name"].is_string())
        return Bad("the schema cannot be understood");
      columns_.push_back(field["name"].get<std::string>());
    }
    partition_columns_ = std::move(partition_columns);
    has_metadata_ = true;
    return {};
  }

  Result<void> Add(const std::string& path, bool has_deletion_vector) {
    if (has_deletion_vector) return Unsupported("deletionVectors");
    if (path.empty() || path.find("://") != std::string::npos || path[0] == '/')
      return Unsupported("absolute paths");
    files_.insert(Decode(path));
    return {};
  }
  void Remove(const std::string& path) { files_.erase(Decode(path)); }

  // One line of a commit.
  Result<void> Action(const Json& action) {
    const auto text = [](const Json& object, const char* key) {
      return object.contains(key) && object[key].is_string() ? object[key].get<std::string>()
                                                             : std::string();
    };
    const auto is_object = [&](const char* key) {
      return action.contains(key) && action[key].is_object();
    };
    if (is_object("protocol")) {
      const Json& protocol = action["protocol"];
      std::vector<std::string> features;
      if (protocol.contains("readerFeatures") && protocol["readerFeatures"].is_array())
        for (const Json& feature : protocol["readerFeatures"])
          if (feature.is_string()) features.push_back(feature.get<std::string>());
      const bool known =
          protocol.contains("minReaderVersion") && protocol["minReaderVersion"].is_number_integer();
      return Protocol(known ? protocol["minReaderVersion"].get<int64_t>() : 0, features);
    }
    if (is_object("metaData")) {
      const Json& metadata = action["metaData"];
      std::vector<std::string> partitions;
      if (metadata.contains("partitionColumns") && metadata["partitionColumns"].is_array())
        for (const Json& column : metadata["partitionColumns"])
          if (column.is_string()) partitions.push_back(column.get<std::string>());
      std::string mode;
      if (metadata.contains("configuration") && metadata["configuration"].is_object())
        mode = text(metadata["configuration"], "delta.columnMapping.mode");
      return Metadata(text(metadata, "schemaString"), std::move(partitions), mode);
    }
    if (is_object("add")) {
      const Json& add = action["add"];
      return Add(text(add, "path"),
                 add.contains("deletionVector") && !add["deletionVector"].is_null());
    }
    if (is_object("remove")) Remove(text(action["remove"], "path"));
    return {};
  }

  Result<void> Commit(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      const std::string_view line = bytes.substr(0, end);
      bytes = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
      if (line.find_first_not_of(" \r\t") == std::string_view::npos) continue;
      const Json action = Json::parse(line.begin(), line.end(), nullptr, false);
      if (action.is_discarded() || !action.is_object()) return Bad("a commit cannot be understood");
      RETURN_IF_ERROR(Action(action));
    }
    return {};
  }

  Result<void> Checkpoint(const std::string& bytes);

  Result<DeltaTable> Finish(const std::string& root, uint64_t version) const {
    if (!has_protocol_ || !has_metadata_) return Bad("protocol or schema is missing");
    if (files_.empty()) return Bad("the table is empty");
    DeltaTable table;
    table.version = version;
    for (const std::string& file : files_) table.files.push_back(root + "/" + file);
    table.columns = columns_;
    table.partition_columns = partition_columns_;
    return table;
  }

 private:
  static std::string Decode(std::string_view text) {
    const auto digit = [](char c) {
      return c >= '0' && c <= '9'   ? c - '0'
             : c >= 'a' && c <= 'f' ? c - 'a' + 10
             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                    : -1;
    };
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
          digit(text[i + 2]) >= 0) {
        out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  std::string_view shown_;
  std::set<std::string> files_;
  std::vector<std::string> columns_, partition_columns_;
  bool has_protocol_ = false, has_metadata_ = false;
};

// The texts of a leaf by row; rows without one have none. Lists give all their elements.
std::vector<std::vector<std::string>> ReadTexts(parquet::RowGroupReader* group, int leaf) {
  auto column = group->Column(leaf);
  const auto* descriptor = column->descr();
  std::vector<std::vector<std::string>> rows;
  if (descriptor->physical_type() != parquet::Type::BYTE_ARRAY) return rows;
  auto* reader = static_cast<parquet::ByteArrayReader*>(column.get());
  constexpr int64_t kBatch = 1024;
  std::vector<parquet::ByteArray> values(kBatch);
  std::vector<int16_t> definition(kBatch), repetition(kBatch);
  for (;;) {
    int64_t num_values = 0;
    const int64_t levels =
        reader->ReadBatch(kBatch, definition.data(), repetition.data(), values.data(), &num_values);
    if (levels <= 0) break;
    int64_t next = 0;
    for (int64_t i = 0; i < levels; ++i) {
      const bool new_row = descriptor->max_repetition_level() == 0 || repetition[i] == 0;
      if (new_row) rows.emplace_back();
      const bool present = descriptor->max_definition_level() == 0 ||
                           definition[i] == descriptor->max_definition_level();
      if (!present || rows.empty() || next >= num_values) continue;
      rows.back().emplace_back(reinterpret_cast<const char*>(values[next].ptr), values[next].len);
      ++next;
    }
  }
  return rows;
}

Result<void> Replay::Checkpoint(const std::string& bytes) {
  try {
    auto reader = parquet::ParquetFileReader::Open(
        std::make_shared<::arrow::io::BufferReader>(::arrow::Buffer::FromString(bytes)));
    const auto* schema = reader->metadata()->schema();
    std::map<std::string, int> leaves;
    for (int i = 0; i < schema->num_columns(); ++i)
      leaves[schema->Column(i)->path()->ToDotString()] = i;
    for (int g = 0; g < reader->metadata()->num_row_groups(); ++g) {
      auto group = reader->RowGroup(g);
      const auto texts = [&](const char* prefix, const char* suffix = "") {
        // Lists and maps differ in the names of their inner levels.
        for (const auto& [path, leaf] : leaves)
          if (path == prefix || (*suffix != '\0' && path.starts_with(std::string(prefix) + ".") &&
                                 path.ends_with(suffix)))
            return ReadTexts(group.get(), leaf);
        return std::vector<std::vector<std::string>>();
      };
      const auto paths = texts("add.path"), vectors = texts("add.deletionVector.storageType");
      for (size_t row = 0; row < paths.size(); ++row)
        if (!paths[row].empty())
          RETURN_IF_ERROR(Add(paths[row][0], row < vectors.size() && !vectors[row].empty()));
      if (const auto at = leaves.find("protocol.minReaderVersion"); at != leaves.end()) {
        const auto features = texts("protocol.readerFeatures", "element");
        auto column = group->Column(at->second);
        if (column->descr()->physical_type() != parquet::Type::INT32)
          return Bad("a checkpoint cannot be understood");
        auto* typed = static_cast<parquet::Int32Reader*>(column.get());
        std::vector<std::string> all;
        for (const auto& row : features) all.insert(all.end(), row.begin(), row.end());
        while (typed->HasNext()) {
          int16_t definition[256];
          int32_t values[256];
          int64_t num_values = 0;
          if (typed->ReadBatch(256, definition, nullptr, values, &num_values) <= 0) break;
          for (int64_t i = 0; i < num_values; ++i) RETURN_IF_ERROR(Protocol(values[i], all));
        }
      }
      const auto schemas = texts("metaData.schemaString"),
                 partitions = texts("metaData.partitionColumns", "element");
      const auto keys = texts("metaData.configuration", "key"),
                 settings = texts("metaData.configuration", "value");
      for (size_t row = 0; row < schemas.size(); ++row) {
        if (schemas[row].empty()) continue;
        std::string mode;
        if (row < keys.size() && row < settings.size())
          for (size_t i = 0; i < std::min(keys[row].size(), settings[row].size()); ++i)
            if (keys[row][i] == "delta.columnMapping.mode") mode = settings[row][i];
        RETURN_IF_ERROR(
            Metadata(schemas[row][0],
                     row < partitions.size() ? partitions[row] : std::vector<std::string>(), mode));
      }
    }
  } catch (const std::exception& exception) {
    return Bad(std::string("a checkpoint cannot be read: ") + exception.what());
  }
  return {};
}

}  // namespace

Result<DeltaTable> ReadDeltaLog(ObjectStore* store, const std::string& root,
                                const std::string& shown) {
  Replay replay(shown);
  const std::string folder = root + "/_delta_log/";
  std::map<uint64_t, ObjectMeta> commits;
  std::map<uint64_t, std::map<uint64_t, ObjectMeta>> checkpoints;  // version -> part -> file
  std::map<uint64_t, uint64_t> parts_wanted;
  bool second_version = false;
  RETURN_IF_ERROR(store->List(folder, [&](std::span<const ObjectMeta> page) {
    for (const ObjectMeta& meta : page) {
      const std::string name = meta.name.substr(folder.size());
      if (name.size() < 25 || name.find_first_not_of("0123456789") != 20) continue;
      const uint64_t version = std::strtoull(name.substr(0, 20).c_str(), nullptr, 10);
      const std::string rest = name.substr(20);
      if (rest == ".json") {
        commits[version] = meta;
      } else if (rest == ".checkpoint.parquet") {
        checkpoints[version][1] = meta;
        parts_wanted[version] = 1;
      } else if (rest.size() == 41 && rest.starts_with(".checkpoint.") &&
                 rest.ends_with(".parquet") && rest.find_first_not_of("0123456789.", 12) == 34) {
        checkpoints[version][std::strtoull(rest.substr(12, 10).c_str(), nullptr, 10)] = meta;
        parts_wanted[version] = std::strtoull(rest.substr(23, 10).c_str(), nullptr, 10);
      } else if (rest.starts_with(".checkpoint.")) {
        second_version = true;
      }
    }
    return true;
  }));
  if (commits.empty() && checkpoints.empty()) return replay.Bad("there is no transaction log");
  const auto read = [&](const ObjectMeta& meta) -> Result<std::string> {
    if (meta.size > kMaxLogFile) return replay.Bad("a file of the log is too large");
    std::string bytes(meta.size, '\0');
    RETURN_IF_ERROR(store->Read(meta, 0, bytes));
    return bytes;
  };
  // The newest checkpoint of which all parts are there.
  std::optional<uint64_t> start;
  for (auto at = checkpoints.rbegin(); at != checkpoints.rend() && !start; ++at)
    if (at->second.size() == parts_wanted[at->first]) start = at->first;
  if (start) {
    for (const auto& [part, meta] : checkpoints[*start]) {
      ASSIGN_OR_RETURN(const std::string bytes, read(meta));
      RETURN_IF_ERROR(replay.Checkpoint(bytes));
    }
  } else if (second_version && !commits.contains(0)) {
    return replay.Unsupported("v2Checkpoint");
  }
  uint64_t next = start ? *start + 1 : 0;
  for (const auto& [version, meta] : commits) {
    if (version < next) continue;
    if (version != next) return replay.Bad("commit " + std::to_string(next) + " is missing");
    ASSIGN_OR_RETURN(const std::string bytes, read(meta));
    RETURN_IF_ERROR(replay.Commit(bytes));
    ++next;
  }
  return replay.Finish(root, next - 1);
}

}  // namespace sirocco::lakehouse
