#include "lakehouse/read/csv_detect.h"

#include <algorithm>
#include <map>

#include "lakehouse/read/csv_tokenizer.h"
#include "lakehouse/read/row_batch.h"

namespace sirocco::lakehouse {

namespace {

constexpr uint32_t kRecordsToLookAt = 100;
constexpr uint32_t kManyFields = 1100;  // above the most columns of a table

// The text behind byte order mark and skipped lines, padded as the tokenizer wants it.
std::string Body(std::string_view text, const CsvDialect& dialect) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (uint32_t i = 0; i < dialect.skip_rows; ++i) {
    const size_t end = text.find(dialect.record_delimiter);
    if (end == std::string_view::npos) return std::string(kTextPadding, '\0');
    text.remove_prefix(end + dialect.record_delimiter.size());
  }
  return std::string(text) + std::string(kTextPadding, '\0');
}

// How well the dialect fits: records of `wanted` fields count most, then records of the commonest
// number above one.
double Score(std::string_view text, bool complete, uint32_t wanted, const CsvDialect& dialect) {
  const std::string body = Body(text, dialect);
  CsvTokenizer tokenizer(dialect, kManyFields);
  TokenizedRows rows;
  tokenizer.Tokenize(body.data(), body.size() - kTextPadding, SIZE_MAX, complete, kRecordsToLookAt,
                     &rows);
  if (rows.num_rows == 0) return 0;
  // A composite record delimiter that never comes makes one long record of anything.
  if (dialect.record_delimiter.starts_with(dialect.field_delimiter) && rows.lines == 0) return 0;
  std::map<uint32_t, uint32_t> counts;
  for (uint32_t i = 0; i < rows.num_rows; ++i) ++counts[rows.num_found[i]];
  if (wanted != 0 && counts.contains(wanted))
    return 1000 + 1000.0 * counts[wanted] / rows.num_rows + (wanted == 1 ? 0 : 1);
  double best = 0;
  for (const auto& [fields, count] : counts)
    if (fields > 1)
      best = std::max(best, 500.0 * count / rows.num_rows + std::min(fields, 100u) / 100.0);
  return best;
}

std::string DetectRecordDelimiter(std::string_view text, char quote) {
  // The first line end that is not quoted decides.
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote != '\0' && text[i] == quote) quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '\n') return "\n";
    if (text[i] == '\r') return i + 1 < text.size() && text[i + 1] == '\n' ? "\r\n" : "\r";
  }
  return "\n";
}

}  // namespace

void DetectDelimiters(std::string_view text, bool complete, uint32_t wanted, CsvDialect* dialect) {
  const bool auto_record = dialect->record_delimiter.empty(),
             auto_field = dialect->field_delimiter.empty();
  const std::string line_end =
      auto_record ? DetectRecordDelimiter(text, dialect->quote) : dialect->record_delimiter;
  std::vector<std::string> fields = {dialect->field_delimiter};
  if (auto_field) fields = {",", "|", "\t", ";"};
  double best = 0;
  CsvDialect chosen = *dialect;
  chosen.record_delimiter = line_end;
  if (auto_field) chosen.field_delimiter = ",";
  for (const std::string& field : fields) {
    for (const bool composite : {false, true}) {
      if (composite && !auto_record) continue;
      CsvDialect candidate = *dialect;
      candidate.field_delimiter = field;
      candidate.record_delimiter = composite ? field + line_end : line_end;
      if (candidate.field_delimiter == candidate.record_delimiter) continue;
      const double score = Score(text, complete, wanted, candidate);
      if (score > best) {
        best = score;
        chosen = candidate;
      }
    }
  }
  *dialect = chosen;
}

std::vector<std::string> ReadHeader(std::string_view text, bool complete,
                                    const CsvDialect& dialect) {
  const std::string body = Body(text, dialect);
  CsvTokenizer tokenizer(dialect, kManyFields);
  TokenizedRows rows;
  tokenizer.Tokenize(body.data(), body.size() - kTextPadding, SIZE_MAX, complete, 1, &rows);
  std::vector<std::string> names;
  if (rows.num_rows == 0) return names;
  for (uint32_t i = 0; i < std::min(rows.num_found[0], kManyFields); ++i) {
    std::string name;
    (void)tokenizer.Unescape(body.data(), rows.fields[i], &name);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace sirocco::lakehouse
