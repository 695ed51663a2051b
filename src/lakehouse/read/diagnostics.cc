#include "lakehouse/read/diagnostics.h"

namespace sirocco::lakehouse {

std::string QuoteValue(std::string_view value) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : value.substr(0, kMaxQuotedValue)) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 32 && byte < 127) {
      text += c;
    } else {
      text += "\\x";
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  if (value.size() > kMaxQuotedValue) text += "...";
  return text;
}

std::string DiagnosticText(const Diagnostic& diagnostic, std::string_view file,
                           std::string_view column_name) {
  std::string text = LhText(diagnostic.number, {.column = diagnostic.column,
                                                .file = file,
                                                .detail = diagnostic.detail,
                                                .extra = diagnostic.extra,
                                                .offset = diagnostic.offset});
  std::string where;
  const auto add = [&where](const std::string& part) {
    if (!where.empty()) where += ", ";
    where += part;
  };
  if (diagnostic.line != 0) add("line " + std::to_string(diagnostic.line));
  if (diagnostic.row != 0) add("row " + std::to_string(diagnostic.row));
  if (diagnostic.has_offset) add("byte offset " + std::to_string(diagnostic.offset));
  if (diagnostic.column >= 0) {
    add("column `" + std::string(column_name) + "`");
    add("value '" + QuoteValue(diagnostic.value) + "'");
  }
  if (!where.empty()) text += " (" + where + ")";
  return text;
}

void LoadReport::Add(const DiagnosticLog& log, uint64_t lines_before, std::string_view file,
                     const std::vector<std::string>& column_names) {
  for (const auto& [number, count] : log.counts()) counts_[number] += count;
  for (const Diagnostic& kept : log.kept()) {
    if (warnings_.size() >= max_warnings_) break;
    if (filtered_.contains(kept.number)) continue;
    Diagnostic diagnostic = kept;
    if (diagnostic.line != 0) diagnostic.line += lines_before;
    const std::string_view name =
        diagnostic.column >= 0 && static_cast<size_t>(diagnostic.column) < column_names.size()
            ? std::string_view(column_names[diagnostic.column])
            : std::string_view();
    warnings_.push_back({kept.number, DiagnosticText(diagnostic, file, name)});
  }
}

void LoadReport::Add(uint32_t number, std::string text) {
  ++counts_[number];
  if (warnings_.size() < max_warnings_ && !filtered_.contains(number))
    warnings_.push_back({number, std::move(text)});
}

uint64_t LoadReport::num_warnings() const {
  uint64_t total = 0;
  for (const auto& [number, count] : counts_) total += count;
  return total;
}

std::vector<Warning> LoadReport::Finish() const {
  std::vector<Warning> result;
  const uint64_t total = num_warnings();
  if (total > warnings_.size()) {
    result.push_back({kLhWarnSummary,
                      "[WARNINGS SUMMARY] Lakehouse Load had " + std::to_string(total) +
                          " warning(s) out of which " + std::to_string(total - warnings_.size()) +
                          " were not recorded (due to max_error_count limit or filtering rules)"});
    for (const auto& [number, count] : counts_) {
      result.push_back({kLhWarnSummary, "[WARNINGS SUMMARY] " + std::to_string(count) +
                                            " warnings with code: " + std::to_string(number) + "(" +
                                            std::string(LhSymbol(number)) + ")"});
    }
  }
  result.insert(result.end(), warnings_.begin(), warnings_.end());
  return result;
}

}  // namespace sirocco::lakehouse
