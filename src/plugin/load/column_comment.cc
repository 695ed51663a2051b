#include "plugin/load/column_comment.h"

#include <charconv>

namespace sirocco::plugin {
namespace {

constexpr std::string_view kDirective = "RAPID_COLUMN=";
constexpr std::string_view kEncoding = "ENCODING=";
constexpr std::string_view kPlacement = "DATA_PLACEMENT_KEY=";
constexpr int kMaxPlacementKey = 16;

std::unexpected<Error> Unknown(std::string_view directive) {
  return MakeError(ErrorCode::kInvalidArgument,
                   "unknown directive in comment: " + std::string(directive));
}

Result<void> ParseEncoding(std::string_view directive, std::string_view value,
                           plan::ColumnSchema* column) {
  plan::EncodingHint encoding;
  if (value == "VARLEN")
    encoding = plan::EncodingHint::kVarlen;
  else if (value == "SORTED")
    encoding = plan::EncodingHint::kSorted;
  else
    return Unknown(directive);
  if (column->encoding != plan::EncodingHint::kAuto && column->encoding != encoding)
    return MakeError(ErrorCode::kInvalidArgument, "two different encodings in one comment");
  column->encoding = encoding;
  return {};
}

Result<void> ParsePlacement(std::string_view directive, std::string_view value,
                            plan::ColumnSchema* column) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return Unknown(directive);
  if (number < 1 || number > kMaxPlacementKey)
    return MakeError(ErrorCode::kInvalidArgument,
                     "DATA_PLACEMENT_KEY must be 1 to 16, not " + std::string(value));
  column->placement_index = static_cast<uint8_t>(number);
  return {};
}

}  // namespace

Result<void> ParseColumnComment(std::string_view comment, plan::ColumnSchema* column) {
  for (size_t at = comment.find(kDirective); at != std::string_view::npos;
       at = comment.find(kDirective, at + 1)) {
    std::string_view directive = comment.substr(at);
    directive = directive.substr(0, directive.find_first_of(" \t\r\n,;"));
    const std::string_view body = directive.substr(kDirective.size());
    if (body.starts_with(kEncoding)) {
      RETURN_IF_ERROR(ParseEncoding(directive, body.substr(kEncoding.size()), column));
    } else if (body.starts_with(kPlacement)) {
      RETURN_IF_ERROR(ParsePlacement(directive, body.substr(kPlacement.size()), column));
    } else {
      return Unknown(directive);
    }
  }
  return {};
}

}  // namespace sirocco::plugin
