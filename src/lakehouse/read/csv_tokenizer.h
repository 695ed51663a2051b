// Cuts CSV text into records and fields without copying: spans into the caller's buffer.
//
// Feed it a buffer that begins with a record; it finds whole records and says how many bytes they
// take. Fields of a record stand in a row of `stride` spans, so that a column is read with that
// stride: missing fields are marked, superfluous ones are counted and left out.
//
// Rules, those of LOAD DATA: a field is quoted if the quote is its first byte; inside, two quotes
// mean one, and a quote that no delimiter follows is text; the escape takes the next byte as it is,
// in or out of quotes. A record delimiter that begins like the field delimiter ("|\n" and "|")
// wins. Records of no bytes are skipped if the table has more than one column. Not thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "lakehouse/read/csv_dialect.h"
#include "lakehouse/read/csv_scan.h"

namespace sirocco::lakehouse {

struct FieldSpan {
  uint32_t start = 0;
  uint32_t size : 29 = 0;
  uint32_t quoted : 1 = 0;   // the span is what is between the quotes
  uint32_t escaped : 1 = 0;  // holds escapes or doubled quotes
  uint32_t missing : 1 = 0;

  bool is_plain() const { return !quoted && !escaped && !missing; }
};

struct TokenizedRows {
  uint32_t num_rows = 0;
  std::vector<FieldSpan> fields;    // num_rows * stride
  std::vector<uint32_t> row_start;  // byte offset in the buffer
  std::vector<uint32_t> row_line;  // record delimiters before the row, from the start of the buffer
  std::vector<uint32_t> num_found;  // fields the record really has
  bool irregular = false;           // some record has another number of fields than `stride`
  bool special = false;             // some field is quoted or escaped
  bool non_ascii = false;
  size_t consumed = 0;      // bytes of the records, skipped ones included
  uint32_t lines = 0;       // record delimiters in `consumed`
  bool in_quotes = false;   // the text that is left begins a record with an open quote
  uint32_t open_quote = 0;  // where that quote is
};

class CsvTokenizer {
 public:
  // `stride` >= 1.
  CsvTokenizer(const CsvDialect& dialect, uint32_t stride);

  // Finds up to `max_rows` records that start before `limit`; replaces *rows. kTextPadding bytes
  // behind the buffer may be read. `final`: nothing follows, so the last record may lack its
  // delimiter. Buffers are below 512 MB.
  void Tokenize(const char* data, size_t size, size_t limit, bool final, uint32_t max_rows,
                TokenizedRows* rows);

  // The first position >= `from` right behind a record delimiter, as if nothing were quoted;
  // SIZE_MAX if none.
  size_t FindRecordStart(const char* data, size_t size, size_t from) const;

  // Appends the content of a field to *out: escapes and doubled quotes resolved. True if the field
  // was the escape followed by 'N' and nothing else, unquoted.
  bool Unescape(const char* data, const FieldSpan& field, std::string* out) const;

 private:
  enum class Event : uint8_t { kNone, kField, kRecord, kUnknown };
  template <bool kQuotes>
  bool Scan(const char* data, size_t size, size_t limit, bool final, uint32_t max_rows,
            const uint32_t* positions, size_t count, TokenizedRows* rows);
  Event Classify(const char* data, size_t size, size_t at, bool final) const;
  Event ClassifyNearEnd(const char* data, size_t size, size_t at, bool final) const;
  void StartField(const char* data, size_t size);
  void EndField(const char* data, size_t end, TokenizedRows* rows);
  void EndRecord(size_t next, TokenizedRows* rows);

  const CsvDialect dialect_;
  const uint32_t stride_;
  StructuralBytes structural_;
  bool simple_;  // both delimiters are single bytes
  // Delimiters of up to eight bytes as numbers: the text's next eight bytes under the mask.
  struct ShortText {
    uint64_t value = 0, mask = 0;
    bool usable = false;
    explicit ShortText(const std::string& text);
    bool Matches(uint64_t word) const { return (word & mask) == value; }
  };
  const ShortText short_record_, short_field_;
  std::unique_ptr<uint32_t[]> positions_;

  // State within one call.
  size_t next_ok_ = 0;  // structural bytes before this are part of something seen already
  uint32_t record_start_ = 0, field_start_ = 0, num_fields_ = 0, lines_ = 0, record_line_ = 0;
  bool in_quotes_ = false, closed_ = false;
  uint32_t quote_at_ = 0;
  FieldSpan current_;
};

}  // namespace sirocco::lakehouse
