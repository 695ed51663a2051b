#include "plugin/changes/query_event.h"

#include <array>
#include <string_view>
#include <utility>

namespace sirocco::plugin {
namespace {

constexpr size_t kPostHeader = 13;
constexpr size_t kSchemaLengthAt = 8, kStatusLengthAt = 11;

// The words the server writes, in upper case, separated by one space each.
constexpr std::array<std::pair<std::string_view, QueryMeaning>, 9> kPrefixes = {{
    {"SAVEPOINT ", QueryMeaning::kSavepoint},
    {"ROLLBACK TO SAVEPOINT ", QueryMeaning::kRollbackTo},
    {"ROLLBACK TO ", QueryMeaning::kRollbackTo},
    {"XA START ", QueryMeaning::kXaStart},
    {"XA BEGIN ", QueryMeaning::kXaStart},
    {"XA END ", QueryMeaning::kXaEnd},
    {"XA COMMIT ", QueryMeaning::kXaCommit},
    {"XA ROLLBACK ", QueryMeaning::kXaRollback},
    {"XA PREPARE ", QueryMeaning::kOther},
}};

std::unexpected<Error> Corrupt(const char* what) {
  return MakeError(ErrorCode::kCorrupt, std::string("binary log event: ") + what);
}

}  // namespace

Result<QueryEvent> ReadQueryEvent(std::span<const uint8_t> body) {
  if (body.size() < kPostHeader) return Corrupt("too short");
  const size_t schema_length = body[kSchemaLengthAt];
  const size_t status_length = body[kStatusLengthAt] | body[kStatusLengthAt + 1] << 8;
  const size_t text_at = kPostHeader + status_length + schema_length + 1;
  if (text_at > body.size()) return Corrupt("too short");
  const std::string_view text(reinterpret_cast<const char*>(body.data()) + text_at,
                              body.size() - text_at);
  if (text == "BEGIN") return QueryEvent{QueryMeaning::kBegin, {}};
  if (text == "COMMIT") return QueryEvent{QueryMeaning::kCommit, {}};
  if (text == "ROLLBACK") return QueryEvent{QueryMeaning::kRollback, {}};
  for (const auto& [prefix, meaning] : kPrefixes)
    if (text.starts_with(prefix))
      return QueryEvent{meaning, std::string(text.substr(prefix.size()))};
  return QueryEvent{QueryMeaning::kOther, std::string(text)};
}

Result<bool> PreparedInOnePhase(std::span<const uint8_t> body) {
  if (body.empty()) return Corrupt("too short");
  return body[0] != 0;
}

}  // namespace sirocco::plugin
