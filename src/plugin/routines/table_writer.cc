#include "plugin/routines/table_writer.h"

#include <cmath>
#include <cstdio>

#include "my_time.h"

namespace sirocco::plugin {
namespace {

constexpr size_t kStatementBytes = 1u << 20;
constexpr size_t kMaxQueued = 4;

}  // namespace

std::string DoubleLiteral(double value) {
  if (!std::isfinite(value)) return "NULL";
  char text[40];
  std::snprintf(text, sizeof(text), "%.17gE0", value);
  // "1e+20E0" is none; the exponent is only there to make whole numbers DOUBLE literals.
  if (std::string_view(text).find_first_of("en") != std::string_view::npos)
    std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

void RowText::Add(std::string_view literal) {
  if (!text_.empty()) text_ += ',';
  text_ += literal;
  ends_.push_back(text_.size());
}

void RowText::Integer(int64_t value, bool is_unsigned) {
  Add(is_unsigned ? std::to_string(static_cast<uint64_t>(value)) : std::to_string(value));
}

void RowText::Double(double value) { Add(DoubleLiteral(value)); }

void RowText::Time(const MYSQL_TIME& value) {
  char text[MAX_DATE_STRING_REP_LENGTH];
  my_TIME_to_str(value, text, 6);
  Add(QuoteText(text));
}

void RowText::String(std::string_view value) {
  if (ends_.size() >= is_binary_.size() || !is_binary_[ends_.size()]) {
    Add(QuoteText(value));
    return;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "X'";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  Add(text + "'");
}

std::string RowText::Take() {
  ends_.clear();
  return std::exchange(text_, {});
}

std::string_view RowText::Value(size_t i) const {
  const size_t begin = i == 0 ? 0 : ends_[i - 1] + 1;
  return std::string_view(text_).substr(begin, ends_[i] - begin);
}

TableWriter::TableWriter(Caller* caller, const QualifiedName& table, const std::string& columns)
    : caller_(caller), insert_("INSERT INTO " + table.Quoted() + " (" + columns + ") VALUES ") {
  thread_ = std::make_unique<SessionThread>([this] { Run(); });
}

TableWriter::~TableWriter() {
  {
    std::lock_guard lock(mutex_);
    is_abandoned_ = true;
  }
  changed_.notify_all();
  thread_.reset();
}

Result<void> TableWriter::Add(std::string_view values) {
  statement_ += statement_.empty() ? insert_ : std::string(",");
  statement_ += '(';
  statement_ += values;
  statement_ += ')';
  return statement_.size() < kStatementBytes ? Result<void>() : Push();
}

Result<void> TableWriter::Push() {
  if (statement_.empty()) return {};
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return has_ended_ || queue_.size() < kMaxQueued; });
  if (has_ended_) return result_;
  queue_.push_back(std::exchange(statement_, {}));
  changed_.notify_all();
  return {};
}

Result<void> TableWriter::Finish() {
  RETURN_IF_ERROR(Push());
  {
    std::lock_guard lock(mutex_);
    is_complete_ = true;
  }
  changed_.notify_all();
  thread_->Join();
  return result_;
}

void TableWriter::Run() {
  Result<void> result = RunStatements();
  std::lock_guard lock(mutex_);
  result_ = std::move(result);
  has_ended_ = true;
  changed_.notify_all();
}

Result<void> TableWriter::RunStatements() {
  ASSIGN_OR_RETURN(InvokerSession session, caller_->OpenSession());
  RETURN_IF_ERROR(session.Execute("START TRANSACTION"));
  for (;;) {
    std::string statement;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_abandoned_ || is_complete_ || !queue_.empty(); });
      // Closing the session rolls back.
      if (is_abandoned_ && !is_complete_) return MakeError(ErrorCode::kCancelled, "abandoned");
      if (queue_.empty()) break;
      statement = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
    RETURN_IF_ERROR(session.Execute(statement));
  }
  return session.Execute("COMMIT");
}

}  // namespace sirocco::plugin
