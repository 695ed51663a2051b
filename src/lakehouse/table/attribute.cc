#include "lakehouse/table/attribute.h"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "mysqlsem/collation.h"

namespace sirocco::lakehouse {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxAttribute = 1 << 20;
constexpr size_t kMaxDelimiter = 64;
constexpr int64_t kMaxSkipRows = 20;

std::unexpected<Error> Invalid(std::string_view what, std::string_view reason) {
  return LhFail(kLhInvalidOption, {.detail = what, .extra = reason});
}

// Duplicate keys and depth are checked while parsing; no exceptions.
Result<Json> Parse(std::string_view text, uint32_t number) {
  const auto bad = [&](std::string_view reason) -> std::unexpected<Error> {
    if (number == kLhColumnEngineAttribute) return LhFail(number, {.detail = reason});
    return Invalid("ENGINE_ATTRIBUTE", reason);
  };
  if (text.size() > kMaxAttribute) return bad("the JSON document is too long");
  bool too_deep = false, duplicate = false;
  std::vector<std::set<std::string>> keys;
  const Json::parser_callback_t check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > 8) too_deep = true;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second)
      duplicate = true;
    return !too_deep;
  };
  // The parser recurses by levels of nesting, so these are counted before.
  int depth = 0, most = 0;
  for (const char c : text) {
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    most = std::max(most, depth);
  }
  if (most > 64) return bad("the JSON document is nested too deeply");
  Json json = Json::parse(text.begin(), text.end(), check, false);
  if (json.is_discarded() || too_deep) return bad("not a JSON document");
  if (duplicate) return bad("a key stands twice in the same object");
  if (!json.is_object()) return bad("not a JSON object");
  return json;
}

// Reads the members of an object by a table of keys; unknown keys are errors.
class Members {
 public:
  using Setter = std::function<Result<void>(const Json&)>;
  explicit Members(std::string where) : where_(std::move(where)) {}

  void Text(const char* key, std::string* out, bool may_be_empty = true) {
    setters_[key] = [=, this](const Json& value) -> Result<void> {
      if (!value.is_string()) return Wrong(key, "must be a string");
      *out = value.get<std::string>();
      if (out->empty() && !may_be_empty) return Wrong(key, "must not be empty");
      if (out->find('\0') != std::string::npos) return Wrong(key, "must not hold a zero byte");
      return {};
    };
  }
  template <typename T>
  void Flag(const char* key, T* out) {
    setters_[key] = [=, this](const Json& value) -> Result<void> {
      // The server writes booleans; users also 0 and 1, and text.
      if (value.is_boolean())
        *out = value.get<bool>();
      else if (value.is_number_integer() && (value == 0 || value == 1))
        *out = value == 1;
      else
        return Wrong(key, "must be true or false");
      return {};
    };
  }
  void Any(const char* key, Setter setter) { setters_[key] = std::move(setter); }

  Result<void> Read(const Json& object) const {
    if (!object.is_object()) return Invalid(where_, "must be a JSON object");
    for (const auto& [key, value] : object.items()) {
      const auto at = setters_.find(key);
      if (at == setters_.end()) return Invalid(where_, "unknown key '" + key.substr(0, 64) + "'");
      RETURN_IF_ERROR(at->second(value));
    }
    return {};
  }
  std::unexpected<Error> Wrong(std::string_view key, std::string_view reason) const {
    return Invalid(where_, "'" + std::string(key) + "' " + std::string(reason));
  }

 private:
  std::string where_;
  std::map<std::string, Setter> setters_;
};

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

bool HasPassword(const std::string& uri) {
  const size_t scheme = uri.find("://");
  if (scheme == std::string::npos) return false;
  const size_t end = uri.find('/', scheme + 3);
  const std::string authority =
      uri.substr(scheme + 3, end == std::string::npos ? end : end - scheme - 3);
  const size_t at = authority.rfind('@');
  return at != std::string::npos && authority.substr(0, at).find(':') != std::string::npos;
}

Result<FileSpec> ReadFile(const Json& json) {
  FileSpec spec;
  Members members("FILES");
  members.Text("uri", &spec.uri, false);
  members.Text("par", &spec.par, false);
  members.Text("bucket", &spec.bucket, false);
  members.Text("namespace", &spec.bucket_namespace, false);
  members.Text("region", &spec.region, false);
  members.Text("name", &spec.name, false);
  members.Text("prefix", &spec.prefix);
  members.Text("pattern", &spec.pattern, false);
  members.Text("profile", &spec.profile, false);
  members.Flag("is_strict_mode", &spec.is_strict_mode);
  members.Flag("allow_missing_files", &spec.allow_missing_files);
  RETURN_IF_ERROR(members.Read(json));
  const int sources = !spec.uri.empty() + !spec.par.empty() + !spec.bucket.empty();
  if (sources != 1) return Invalid("FILES", "one of 'uri', 'par' or 'bucket' must be given");
  const int selectors = json.contains("name") + json.contains("prefix") + json.contains("pattern");
  if (!spec.uri.empty() && selectors != 0)
    return Invalid("FILES", "'uri' stands without 'name', 'prefix' and 'pattern'");
  if (selectors > 1)
    return Invalid("FILES", "only one of 'name', 'prefix' and 'pattern' may be given");
  if (!spec.bucket.empty() && selectors == 0)
    return Invalid("FILES", "'bucket' needs one of 'name', 'prefix' or 'pattern'");
  if (spec.bucket.empty() && (!spec.bucket_namespace.empty() || !spec.region.empty()))
    return Invalid("FILES", "'namespace' and 'region' need 'bucket'");
  if (HasPassword(spec.uri) || HasPassword(spec.par))
    return Invalid("FILES",
                   "credentials in a URI are not accepted; name a profile of the server instead");
  if (!spec.pattern.empty()) {
    if (spec.pattern.size() > 1024) return Invalid("FILES", "'pattern' is too long");
    try {
      std::regex checked(spec.pattern, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      return Invalid("FILES", "'pattern' is not a valid regular expression");
    }
  }
  return spec;
}

// '\t' and the like may be written with a backslash, as the documentation does.
Result<std::string> Delimiter(const Members& members, const char* key, const Json& value) {
  if (!value.is_string()) return members.Wrong(key, "must be a string");
  const std::string text = value.get<std::string>();
  if (Lower(text) == "auto") return std::string();
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case '0':
        out += '\0';
        break;
      default:
        out += text[i];
        break;
    }
  }
  if (out.empty()) return members.Wrong(key, "must not be empty");
  if (out.size() > kMaxDelimiter) return members.Wrong(key, "is longer than 64 characters");
  return out;
}

// Merges the two names of the same thing; true if both were given.
bool PickDatetime(const std::string& datetime, const std::string& timestamp, std::string* out) {
  *out = datetime.empty() ? timestamp : datetime;
  return !datetime.empty() && !timestamp.empty();
}
void DropDefault(std::string* format) {
  if (const std::string lower = Lower(*format); lower == "default" || lower == "auto")
    format->clear();
}

Result<void> ReadDialect(const Json& json, ExternalTable* table) {
  TableDialect& dialect = table->dialect;
  dialect.csv.field_delimiter.clear();
  dialect.csv.record_delimiter.clear();
  std::string format = "csv", compression, timestamp_format;
  std::set<std::string> given;
  Members members("FILE_FORMAT");
  members.Text("format", &format, false);
  members.Text("compression", &compression, false);
  members.Text("encoding", &dialect.encoding, false);
  members.Flag("check_constraints", &dialect.check_constraints);
  members.Flag("is_strict_mode", &dialect.is_strict_mode);
  members.Flag("allow_missing_files", &dialect.allow_missing_files);
  members.Flag("has_header", &dialect.csv.has_header);
  members.Flag("trim_spaces", &dialect.csv.trim_spaces);
  members.Text("date_format", &dialect.date_format, false);
  members.Text("time_format", &dialect.time_format, false);
  members.Text("datetime_format", &dialect.datetime_format, false);
  members.Text("timestamp_format", &timestamp_format, false);
  members.Text("null_value", &dialect.csv.null_value);
  members.Any("empty_value", [&](const Json& value) -> Result<void> {
    if (!value.is_string()) return members.Wrong("empty_value", "must be a string");
    dialect.csv.empty_value = value.get<std::string>();
    return {};
  });
  members.Any("field_delimiter", [&](const Json& value) -> Result<void> {
    ASSIGN_OR_RETURN(dialect.csv.field_delimiter, Delimiter(members, "field_delimiter", value));
    return {};
  });
  members.Any("record_delimiter", [&](const Json& value) -> Result<void> {
    ASSIGN_OR_RETURN(dialect.csv.record_delimiter, Delimiter(members, "record_delimiter", value));
    return {};
  });
  for (const auto& [key, out] : {std::pair("quotation_marks", &dialect.csv.quote),
                                 std::pair("escape_character", &dialect.csv.escape)}) {
    members.Any(key, [key, out, &members](const Json& value) -> Result<void> {
      if (!value.is_string()) return members.Wrong(key, "must be a string");
      const std::string text = value.get<std::string>();
      if (text.size() > 1 && text != "\\\\" && text != "\\\"" && text != "\\'")
        return members.Wrong(key, "must be one character");
      *out = text.empty() ? '\0' : text.back();
      return {};
    });
  }
  members.Any("skip_rows", [&](const Json& value) -> Result<void> {
    if (!value.is_number_integer() || value < 0 || value > kMaxSkipRows)
      return members.Wrong("skip_rows", "must be a number from 0 to 20");
    dialect.csv.skip_rows = value.get<uint32_t>();
    return {};
  });
  RETURN_IF_ERROR(members.Read(json));

  static const std::map<std::string, FileFormat> kFormats = {{"csv", FileFormat::kCsv},
                                                             {"parquet", FileFormat::kParquet},
                                                             {"json", FileFormat::kJson},
                                                             {"avro", FileFormat::kAvro},
                                                             {"delta", FileFormat::kDelta}};
  const auto found = kFormats.find(Lower(format));
  if (found == kFormats.end())
    return members.Wrong("format", "must be avro, csv, delta, json or parquet");
  dialect.format = found->second;
  if (dialect.format != FileFormat::kCsv) {
    for (const char* key : {"field_delimiter", "quotation_marks", "escape_character", "has_header",
                            "trim_spaces", "null_value", "empty_value", "date_format",
                            "time_format", "datetime_format", "timestamp_format"})
      if (json.contains(key)) return members.Wrong(key, "is for the format csv only");
    for (const char* key : {"record_delimiter", "skip_rows", "encoding"})
      if (json.contains(key) && dialect.format != FileFormat::kJson)
        return members.Wrong(key, "is for the formats csv and json only");
  }
  if (!compression.empty()) {
    static const std::map<std::string, Compression> kCompressions = {
        {"auto", Compression::kAuto},   {"none", Compression::kNone}, {"gzip", Compression::kGzip},
        {"bzip2", Compression::kBzip2}, {"zip", Compression::kZip},   {"zstd", Compression::kZstd}};
    const auto known = kCompressions.find(Lower(compression));
    if (known == kCompressions.end())
      return members.Wrong("compression", "must be auto, bzip2, gzip, none, zip or zstd");
    if (dialect.format != FileFormat::kCsv && dialect.format != FileFormat::kJson &&
        known->second != Compression::kAuto)
      return members.Wrong("compression", "must be auto for this format");
    dialect.compression = known->second;
  }
  mysqlsem::InitializeCollations();
  if (mysqlsem::FindDefaultCollation(Lower(dialect.encoding)) == nullptr)
    return members.Wrong("encoding", "is not a character set of the server");
  dialect.encoding = Lower(dialect.encoding);
  const std::string datetime = dialect.datetime_format;
  if (PickDatetime(datetime, timestamp_format, &dialect.datetime_format))
    table->warnings.push_back({kLhDatetimeMultipleParam, LhText(kLhDatetimeMultipleParam, {})});
  DropDefault(&dialect.date_format);
  DropDefault(&dialect.time_format);
  DropDefault(&dialect.datetime_format);
  const CsvDialect& csv = dialect.csv;
  if (csv.quote != '\0' && !csv.field_delimiter.empty() && csv.field_delimiter[0] == csv.quote)
    return members.Wrong("quotation_marks", "must differ from the field delimiter");
  if (!csv.field_delimiter.empty() && csv.field_delimiter == csv.record_delimiter)
    return members.Wrong("record_delimiter", "must differ from the field delimiter");
  return {};
}

}  // namespace

Result<ExternalTable> ParseTableAttribute(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, Parse(text, kLhInvalidOption));
  ExternalTable table;
  Members members("ENGINE_ATTRIBUTE");
  members.Any("file", [&](const Json& value) -> Result<void> {
    if (!value.is_array() || value.empty())
      return Invalid("FILES", "must be a list of at least one file");
    for (const Json& entry : value) {
      ASSIGN_OR_RETURN(FileSpec spec, ReadFile(entry));
      table.files.push_back(std::move(spec));
    }
    return {};
  });
  members.Any("dialect", [&](const Json& value) { return ReadDialect(value, &table); });
  members.Text("auto_refresh_event_source", &table.auto_refresh_source);
  members.Flag("allow_missing_columns", &table.allow_missing_columns);
  members.Flag("sampling", &table.sampling);
  members.Any("match_columns_by", [&](const Json& value) -> Result<void> {
    const std::string by = value.is_string() ? Lower(value.get<std::string>()) : "";
    if (by != "name" && by != "position")
      return members.Wrong("match_columns_by", "must be name or position");
    table.match_columns_by = by == "name" ? MatchColumns::kName : MatchColumns::kPosition;
    return {};
  });
  if (!json.contains("dialect")) RETURN_IF_ERROR(ReadDialect(Json::object(), &table));
  RETURN_IF_ERROR(members.Read(json));
  if (table.files.empty()) return Invalid("FILES", "no file is given");
  if (table.match_columns_by == MatchColumns::kName && table.dialect.format == FileFormat::kCsv &&
      !table.dialect.csv.has_header)
    return members.Wrong("match_columns_by", "name needs has_header");
  return table;
}

Result<ColumnFormats> ParseColumnAttribute(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, Parse(text, kLhColumnEngineAttribute));
  ColumnFormats formats;
  std::string datetime, timestamp;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return LhFail(kLhColumnEngineAttribute, {.detail = key.substr(0, 64)});
    if (key == "date_format")
      formats.date_format = value.get<std::string>();
    else if (key == "time_format")
      formats.time_format = value.get<std::string>();
    else if (key == "datetime_format")
      datetime = value.get<std::string>();
    else if (key == "timestamp_format")
      timestamp = value.get<std::string>();
    else
      return LhFail(kLhColumnEngineAttribute, {.detail = key.substr(0, 64)});
  }
  if (PickDatetime(datetime, timestamp, &formats.datetime_format))
    formats.warnings.push_back({kLhDatetimeMultipleParam, LhText(kLhDatetimeMultipleParam, {})});
  DropDefault(&formats.date_format);
  DropDefault(&formats.time_format);
  DropDefault(&formats.datetime_format);
  return formats;
}

}  // namespace sirocco::lakehouse
