#include "lakehouse/read/avro_schema.h"

#include <map>
#include <nlohmann/json.hpp>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

namespace {

using Json = nlohmann::json;
using TypePtr = std::shared_ptr<const AvroType>;
constexpr int kMaxDepth = 32;

constexpr std::pair<std::string_view, AvroType::Kind> kPrimitives[] = {
    {"null", AvroType::Kind::kNull},   {"boolean", AvroType::Kind::kBoolean},
    {"int", AvroType::Kind::kInt},     {"long", AvroType::Kind::kLong},
    {"float", AvroType::Kind::kFloat}, {"double", AvroType::Kind::kDouble},
    {"bytes", AvroType::Kind::kBytes}, {"string", AvroType::Kind::kString}};

class Parser {
 public:
  explicit Parser(std::string_view shown) : shown_(shown) {}

  Result<TypePtr> Parse(const Json& json, int depth) {
    if (depth > kMaxDepth) return LhFail(kLhAvroDepth, {.file = shown_});
    if (json.is_string()) return Named(json.get<std::string>());
    auto type = std::make_shared<AvroType>();
    if (json.is_array()) {
      type->kind = AvroType::Kind::kUnion;
      for (const Json& branch : json) {
        ASSIGN_OR_RETURN(TypePtr part, Parse(branch, depth + 1));
        type->parts.push_back(std::move(part));
      }
      if (type->parts.empty() || type->parts.size() > 64) return Malformed();
      return type;
    }
    if (!json.is_object() || !json.contains("type")) return Malformed();
    const Json& inner = json["type"];
    if (!inner.is_string()) return Parse(inner, depth + 1);
    const std::string name = inner.get<std::string>();
    for (const auto& [primitive, kind] : kPrimitives) {
      if (name != primitive) continue;
      type->kind = kind;
      ReadLogical(json, type.get());
      return type;
    }
    if (name == "array" || name == "map") {
      type->kind = name == "array" ? AvroType::Kind::kArray : AvroType::Kind::kMap;
      const char* key = name == "array" ? "items" : "values";
      if (!json.contains(key)) return Malformed();
      ASSIGN_OR_RETURN(TypePtr part, Parse(json[key], depth + 1));
      type->parts.push_back(std::move(part));
      return type;
    }
    if (name == "fixed" || name == "enum" || name == "record") {
      if (!json.contains("name") || !json["name"].is_string())
        return LhFail(kLhAvroInvalidName, {.file = shown_});
      const std::string own = json["name"].get<std::string>();
      if (name == "fixed") {
        type->kind = AvroType::Kind::kFixed;
        if (!json.contains("size") || !json["size"].is_number_unsigned()) return Malformed();
        type->fixed_size = json["size"].get<uint64_t>();
        if (type->fixed_size > (16 << 20)) return Malformed();
        ReadLogical(json, type.get());
      } else if (name == "enum") {
        type->kind = AvroType::Kind::kEnum;
        if (!json.contains("symbols") || !json["symbols"].is_array()) return Malformed();
        for (const Json& symbol : json["symbols"]) {
          if (!symbol.is_string()) return Malformed();
          type->symbols.push_back(symbol.get<std::string>());
        }
      } else {
        type->kind = AvroType::Kind::kRecord;
        auto recursive = std::make_shared<AvroType>();
        recursive->kind = AvroType::Kind::kRecord;
        recursive->recursive = true;
        names_[own] = recursive;
        if (!json.contains("fields") || !json["fields"].is_array()) return Malformed();
        for (const Json& field : json["fields"]) {
          if (!field.is_object() || !field.contains("type")) return Malformed();
          ASSIGN_OR_RETURN(TypePtr part, Parse(field["type"], depth + 1));
          type->parts.push_back(std::move(part));
        }
      }
      names_[own] = type;
      if (json.contains("namespace") && json["namespace"].is_string())
        names_[json["namespace"].get<std::string>() + "." + own] = type;
      return type;
    }
    return Named(name);
  }

  std::unexpected<Error> Malformed() const {
    return LhFail(kLhAvroCannotParseHeader, {.file = shown_});
  }

 private:
  Result<TypePtr> Named(const std::string& name) {
    for (const auto& [primitive, kind] : kPrimitives) {
      if (name != primitive) continue;
      auto type = std::make_shared<AvroType>();
      type->kind = kind;
      return type;
    }
    const auto at = names_.find(name);
    if (at == names_.end()) return LhFail(kLhAvroInvalidName, {.file = shown_});
    return at->second;
  }

  static void ReadLogical(const Json& json, AvroType* type) {
    using Logical = AvroType::Logical;
    using Kind = AvroType::Kind;
    if (!json.contains("logicalType") || !json["logicalType"].is_string()) return;
    const std::string name = json["logicalType"].get<std::string>();
    if (name == "decimal" && (type->kind == Kind::kBytes || type->kind == Kind::kFixed)) {
      const auto number = [&](const char* key, int missing) {
        if (!json.contains(key)) return missing;
        const Json& value = json[key];
        return value.is_number_integer() && value >= 0 && value <= 1000 ? value.get<int>() : -1;
      };
      type->precision = number("precision", -1);
      type->scale = number("scale", 0);
      // A malformed logical type is ignored, says the format.
      if (type->precision > 0 && type->scale >= 0 && type->scale <= type->precision)
        type->logical = Logical::kDecimal;
    } else if (type->kind == Kind::kInt) {
      if (name == "date") type->logical = Logical::kDate;
      if (name == "time-millis") type->logical = Logical::kTimeMillis;
    } else if (type->kind == Kind::kLong) {
      if (name == "time-micros") type->logical = Logical::kTimeMicros;
      if (name == "timestamp-millis") type->logical = Logical::kTimestampMillis;
      if (name == "timestamp-micros") type->logical = Logical::kTimestampMicros;
      if (name == "local-timestamp-millis") type->logical = Logical::kLocalMillis;
      if (name == "local-timestamp-micros") type->logical = Logical::kLocalMicros;
    }
  }

  std::string_view shown_;
  std::map<std::string, TypePtr> names_;
};

}  // namespace

std::string AvroTypeName(const AvroType& type) {
  static constexpr const char* kKinds[] = {"null",   "boolean", "int",    "long",  "float",
                                           "double", "bytes",   "string", "fixed", "enum",
                                           "array",  "map",     "record", "union"};
  static constexpr const char* kLogicals[] = {"none",
                                              "decimal",
                                              "date",
                                              "time-millis",
                                              "time-micros",
                                              "timestamp-millis",
                                              "timestamp-micros",
                                              "local-timestamp-millis",
                                              "local-timestamp-micros"};
  return std::string(kKinds[static_cast<int>(type.kind)]) + " logical type " +
         kLogicals[static_cast<int>(type.logical)];
}

Result<std::vector<AvroField>> ParseAvroSchema(std::string_view text, std::string_view shown) {
  Parser parser(shown);
  int depth = 0, most = 0;
  for (const char c : text) {
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    most = std::max(most, depth);
  }
  if (most > 4 * kMaxDepth) return LhFail(kLhAvroDepth, {.file = shown});
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded() || !json.is_object()) return parser.Malformed();
  ASSIGN_OR_RETURN(const TypePtr root, parser.Parse(json, 0));
  if (root->kind != AvroType::Kind::kRecord || root->recursive) return parser.Malformed();
  std::vector<AvroField> fields;
  for (const Json& field : json["fields"]) {
    if (!field.contains("name") || !field["name"].is_string())
      return LhFail(kLhAvroInvalidName, {.file = shown});
    fields.push_back({field["name"].get<std::string>(), root->parts[fields.size()]});
  }
  return fields;
}

}  // namespace sirocco::lakehouse
