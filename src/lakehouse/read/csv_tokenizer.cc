#include "lakehouse/read/csv_tokenizer.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace sirocco::lakehouse {

namespace {

// Bytes scanned for structure at a time: positions stay in the L1 cache, and little is scanned
// twice when a batch is full.
constexpr size_t kScanBytes = 8 << 10;

bool StartsWith(const char* data, size_t left, const std::string& text) {
  return left >= text.size() && std::memcmp(data, text.data(), text.size()) == 0;
}

}  // namespace

CsvTokenizer::CsvTokenizer(const CsvDialect& dialect, uint32_t stride)
    : dialect_(dialect),
      stride_(stride),
      simple_(dialect.field_delimiter.size() == 1 && dialect.record_delimiter.size() == 1),
      short_record_(dialect.record_delimiter),
      short_field_(dialect.field_delimiter),
      positions_(std::make_unique_for_overwrite<uint32_t[]>(kScanBytes + 64)) {
  structural_.plain[0] = static_cast<uint8_t>(dialect.field_delimiter[0]);
  structural_.plain[1] = static_cast<uint8_t>(dialect.record_delimiter[0]);
  structural_.has_special = dialect.quote != '\0' || dialect.escape != '\0';
  const char first = dialect.quote != '\0' ? dialect.quote : dialect.escape;
  const char second = dialect.escape != '\0' ? dialect.escape : dialect.quote;
  structural_.special[0] = static_cast<uint8_t>(first);
  structural_.special[1] = structural_.special[2] = static_cast<uint8_t>(second);
}

CsvTokenizer::ShortText::ShortText(const std::string& text) : usable(text.size() <= 8) {
  if (!usable) return;
  std::memcpy(&value, text.data(), text.size());
  mask = text.size() == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * text.size())) - 1;
}

CsvTokenizer::Event CsvTokenizer::ClassifyNearEnd(const char* data, size_t size, size_t at,
                                                  bool final) const {
  const std::string& record = dialect_.record_delimiter;
  const std::string& field = dialect_.field_delimiter;
  const size_t left = size - at;
  if (StartsWith(data + at, left, record)) return Event::kRecord;
  if (left < record.size() && std::memcmp(data + at, record.data(), left) == 0 && !final)
    return Event::kUnknown;
  if (StartsWith(data + at, left, field)) return Event::kField;
  if (left < field.size() && std::memcmp(data + at, field.data(), left) == 0 && !final)
    return Event::kUnknown;
  return Event::kNone;
}

inline CsvTokenizer::Event CsvTokenizer::Classify(const char* data, size_t size, size_t at,
                                                  bool final) const {
  if (short_record_.usable && short_field_.usable && size - at >= 8) [[likely]] {
    uint64_t word;
    std::memcpy(&word, data + at, 8);
    if (short_record_.Matches(word)) return Event::kRecord;
    return short_field_.Matches(word) ? Event::kField : Event::kNone;
  }
  return ClassifyNearEnd(data, size, at, final);
}

inline void CsvTokenizer::EndField(const char* data, size_t end, TokenizedRows* rows) {
  if (num_fields_ < stride_) {
    FieldSpan& field = rows->fields[size_t{rows->num_rows} * stride_ + num_fields_];
    if (closed_) {
      field = current_;
    } else {
      size_t start = field_start_;
      if (dialect_.trim_spaces) {
        while (start < end && data[start] == ' ') ++start;
        while (end > start && data[end - 1] == ' ') --end;
      }
      field.start = static_cast<uint32_t>(start);
      field.size = static_cast<uint32_t>(end - start);
      field.quoted = 0;
      field.escaped = current_.escaped;
      field.missing = 0;
    }
  }
  ++num_fields_;
  closed_ = false;
  current_.escaped = 0;
}

inline void CsvTokenizer::EndRecord(size_t next, TokenizedRows* rows) {
  FieldSpan* fields = rows->fields.data() + size_t{rows->num_rows} * stride_;
  const bool blank = num_fields_ == 1 && (stride_ > 1 || dialect_.skip_blank_records) &&
                     fields[0].size == 0 && fields[0].is_plain();
  if (!blank) {
    if (num_fields_ != stride_) [[unlikely]] {
      rows->irregular = true;
      for (uint32_t i = num_fields_; i < stride_; ++i) {
        fields[i] = FieldSpan();
        fields[i].start = static_cast<uint32_t>(record_start_);
        fields[i].missing = 1;
      }
    }
    rows->row_start[rows->num_rows] = record_start_;
    rows->row_line[rows->num_rows] = record_line_;
    rows->num_found[rows->num_rows] = num_fields_;
    ++rows->num_rows;
  }
  num_fields_ = 0;
  record_start_ = field_start_ = static_cast<uint32_t>(next);
  record_line_ = lines_;
  rows->consumed = next;
  rows->lines = lines_;
}

// Goes through structural positions. True: stop, the call is done.
template <bool kQuotes>
bool CsvTokenizer::Scan(const char* data, size_t size, size_t limit, bool final, uint32_t max_rows,
                        const uint32_t* positions, size_t count, TokenizedRows* rows) {
  const char quote = dialect_.quote, escape = dialect_.escape;
  const char field0 = dialect_.field_delimiter[0], record0 = dialect_.record_delimiter[0];
  const size_t record_size = dialect_.record_delimiter.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t at = positions[i];
    if (at < next_ok_) continue;
    const char c = data[at];
    if constexpr (kQuotes) {
      if (escape != '\0' && c == escape && (escape != quote)) {
        rows->special = true;
        if (closed_) continue;  // text behind a closing quote; cannot happen but for trimmed spaces
        if (at + 1 >= size && !final) return true;
        current_.escaped = 1;
        next_ok_ = at + 2;
        if (at + 1 < size && StartsWith(data + at + 1, size - at - 1, dialect_.record_delimiter))
          ++lines_;
        continue;
      }
      if (in_quotes_) {
        if (c != quote) {
          if (StartsWith(data + at, size - at, dialect_.record_delimiter)) {
            ++lines_;
            next_ok_ = at + record_size;
          }
          continue;
        }
        if (at + 1 >= size) {
          if (!final) return true;
        } else if (data[at + 1] == quote) {
          current_.escaped = 1;
          next_ok_ = at + 2;
          continue;
        } else {
          size_t behind = at + 1;
          if (dialect_.trim_spaces)
            while (behind < size && data[behind] == ' ') ++behind;
          if (behind >= size) {
            if (!final) return true;
          } else {
            const Event event = Classify(data, size, behind, final);
            if (event == Event::kUnknown) return true;
            if (event == Event::kNone) continue;  // text
          }
        }
        in_quotes_ = false;
        closed_ = true;
        current_.size = static_cast<uint32_t>(at - current_.start);
        continue;
      }
      if (quote != '\0' && c == quote && !closed_) {
        size_t start = field_start_;
        if (dialect_.trim_spaces)
          while (start < at && data[start] == ' ') ++start;
        if (start == at) {
          rows->special = true;
          in_quotes_ = true;
          quote_at_ = static_cast<uint32_t>(at);
          current_ = FieldSpan();
          current_.start = static_cast<uint32_t>(at + 1);
          current_.quoted = 1;
          continue;
        }
        // A quote inside an unquoted field is text, unless it is a delimiter's first byte too.
      }
    }
    Event event;
    if (simple_) {
      event = c == record0 ? Event::kRecord : c == field0 ? Event::kField : Event::kNone;
    } else {
      event = Classify(data, size, at, final);
    }
    switch (event) {
      case Event::kField:
        EndField(data, at, rows);
        field_start_ = static_cast<uint32_t>(at + dialect_.field_delimiter.size());
        next_ok_ = field_start_;
        break;
      case Event::kRecord:
        EndField(data, at, rows);
        ++lines_;
        next_ok_ = at + record_size;
        EndRecord(next_ok_, rows);
        if (rows->num_rows == max_rows || record_start_ >= limit) return true;
        break;
      case Event::kUnknown:
        return true;
      case Event::kNone:
        break;
    }
  }
  return false;
}

void CsvTokenizer::Tokenize(const char* data, size_t size, size_t limit, bool final,
                            uint32_t max_rows, TokenizedRows* rows) {
  rows->fields.resize(size_t{max_rows} * stride_);
  rows->row_start.resize(max_rows);
  rows->row_line.resize(max_rows);
  rows->num_found.resize(max_rows);
  rows->num_rows = 0;
  rows->irregular = rows->special = rows->non_ascii = rows->in_quotes = false;
  rows->consumed = 0;
  rows->lines = 0;
  next_ok_ = 0;
  record_start_ = field_start_ = num_fields_ = lines_ = record_line_ = 0;
  in_quotes_ = closed_ = false;
  current_ = FieldSpan();
  if (limit == 0 || max_rows == 0) return;
  bool done = false;
  for (size_t at = 0; at < size && !done; at += kScanBytes) {
    const size_t part = std::min(kScanBytes, size - at);
    const ScanOutcome scan =
        FindStructural(data + at, part, structural_, static_cast<uint32_t>(at), positions_.get());
    rows->non_ascii |= scan.non_ascii;
    if (scan.special || in_quotes_ || closed_ || current_.escaped) {
      done = Scan<true>(data, size, limit, final, max_rows, positions_.get(), scan.count, rows);
    } else {
      done = Scan<false>(data, size, limit, final, max_rows, positions_.get(), scan.count, rows);
    }
  }
  rows->in_quotes = in_quotes_;
  rows->open_quote = quote_at_;
  if (done || !final || in_quotes_) return;
  // The last record without its delimiter, or with the beginning of it ("...|" where records end in
  // "|\n").
  if (record_start_ < size || num_fields_ != 0) {
    const std::string& record = dialect_.record_delimiter;
    const bool partly = num_fields_ != 0 && field_start_ == size && record.size() > 1 &&
                        record.starts_with(dialect_.field_delimiter);
    if (!partly) EndField(data, size, rows);
    EndRecord(size, rows);
  }
}

size_t CsvTokenizer::FindRecordStart(const char* data, size_t size, size_t from) const {
  const std::string& record = dialect_.record_delimiter;
  if (from > size) return SIZE_MAX;
  size_t at = from >= record.size() ? from - record.size() : 0;
  while (at < size) {
    const auto* hit = static_cast<const char*>(std::memchr(data + at, record[0], size - at));
    if (hit == nullptr) return SIZE_MAX;
    at = static_cast<size_t>(hit - data);
    if (StartsWith(hit, size - at, record)) return at + record.size();
    ++at;
  }
  return SIZE_MAX;
}

bool CsvTokenizer::Unescape(const char* data, const FieldSpan& field, std::string* out) const {
  const char* p = data + field.start;
  const char* end = p + field.size;
  const char quote = dialect_.quote, escape = dialect_.escape;
  const bool is_null =
      !field.quoted && field.size == 2 && escape != '\0' && p[0] == escape && p[1] == 'N';
  while (p < end) {
    if (escape != '\0' && *p == escape && escape != quote && p + 1 < end) {
      const char c = p[1];
      switch (c) {
        case '0':
          out->push_back('\0');
          break;
        case 'b':
          out->push_back('\b');
          break;
        case 'n':
          out->push_back('\n');
          break;
        case 'r':
          out->push_back('\r');
          break;
        case 't':
          out->push_back('\t');
          break;
        case 'Z':
          out->push_back('\x1A');
          break;
        default:
          out->push_back(c);
          break;
      }
      p += 2;
    } else if (field.quoted && *p == quote && p + 1 < end && p[1] == quote) {
      out->push_back(quote);
      p += 2;
    } else {
      out->push_back(*p++);
    }
  }
  return is_null;
}

}  // namespace sirocco::lakehouse
