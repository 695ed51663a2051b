#include "plugin/changes/binlog_file.h"

#include <cstdlib>
#include <cstring>
#include <list>
#include <utility>

#include "mysql/binlog/event/compression/payload_event_buffer_istream.h"
#include "sql/binlog.h"
#include "sql/binlog_reader.h"
#include "sql/log_event.h"

namespace sirocco::plugin {
namespace {

constexpr size_t kCommonHeader = LOG_EVENT_MINIMAL_HEADER_LEN;
constexpr size_t kChecksumBytes = 4;
constexpr size_t kTypeAt = 4, kFlagsAt = 17;

uint64_t NumberOf(const char* file_name) {
  const char* point = std::strrchr(file_name, '.');
  return point == nullptr ? 0 : std::strtoull(point + 1, nullptr, 10);
}

uint16_t FlagsOf(const unsigned char* header) {
  return static_cast<uint16_t>(header[kFlagsAt] | header[kFlagsAt + 1] << 8);
}

}  // namespace

bool BinaryLogIsOpen() { return mysql_bin_log.is_open(); }

LogEnd CurrentLogEnd() {
  // Name and end change together only under the index lock.
  mysql_bin_log.lock_index();
  LogEnd end;
  end.file.name = mysql_bin_log.get_log_fname();
  const my_off_t offset = mysql_bin_log.get_binlog_end_pos();
  mysql_bin_log.unlock_index();
  end.file.number = NumberOf(end.file.name.c_str());
  end.position = wire::MakePosition(end.file.number, offset);
  return end;
}

wire::Position EndOfActiveLog(const LogFile& file) {
  // A rotation changes the name first, then the end: if the name is still the old one after the
  // end was read, the end belongs to it.
  const my_off_t offset = mysql_bin_log.get_binlog_end_pos();
  if (!mysql_bin_log.is_active(file.name.c_str())) return 0;
  return wire::MakePosition(file.number, offset);
}

Result<LogFile> FindLogFile(uint64_t number) {
  const auto [error, names] = mysql_bin_log.get_log_index();
  if (error != LOG_INFO_EOF)
    return MakeError(ErrorCode::kIo, "cannot read the index of the binary log");
  for (const std::string& name : names)
    if (NumberOf(name.c_str()) == number) return LogFile{name, number};
  return MakeError(ErrorCode::kNotFound, "the binary log file that is needed was purged: number " +
                                             std::to_string(number));
}

void WakeLogReaders() {
  mysql_bin_log.lock_binlog_end_pos();
  mysql_cond_broadcast(mysql_bin_log.get_log_cond());
  mysql_bin_log.unlock_binlog_end_pos();
}

struct FileHold::Registration {
  Log_info info;

  explicit Registration(const LogFile& file) {
    std::strncpy(info.log_file_name, file.name.c_str(), sizeof(info.log_file_name) - 1);
    info.thread_id = 0;
    mysql_bin_log.register_log_info(&info);
  }
  ~Registration() { mysql_bin_log.unregister_log_info(&info); }
};

FileHold::FileHold() = default;
FileHold::FileHold(const LogFile& file) : registration_(std::make_unique<Registration>(file)) {}
FileHold::FileHold(FileHold&&) noexcept = default;
FileHold& FileHold::operator=(FileHold&&) noexcept = default;
FileHold::~FileHold() = default;

struct BinlogFiles::Reader {
  Binlog_file_reader file{/*verify_checksum=*/true, UINT_MAX};
  unsigned char* event = nullptr;

  ~Reader() { FreeEvent(); }
  void FreeEvent() {
    if (event != nullptr) file.allocator()->deallocate(event);
    event = nullptr;
  }
  bool HasChecksum() const {
    return file.format_description_event().footer()->checksum_alg ==
           mysql::binlog::event::BINLOG_CHECKSUM_ALG_CRC32;
  }
};

BinlogFiles::BinlogFiles() = default;
BinlogFiles::~BinlogFiles() = default;

Result<void> BinlogFiles::Open(wire::Position position) {
  ASSIGN_OR_RETURN(LogFile file, FindLogFile(FileNumberOf(position)));
  return OpenFile(std::move(file), OffsetOf(position));
}

Result<void> BinlogFiles::OpenFile(LogFile file, uint64_t offset) {
  // The file is held before it is opened, and the one before until then.
  FileHold hold(file);
  auto reader = std::make_unique<Reader>();
  const auto failed = [&](const char* what) -> std::unexpected<Error> {
    return MakeError(ErrorCode::kIo,
                     std::string("cannot read the binary log file ") + file.name + ": " + what);
  };
  if (reader->file.open(file.name.c_str())) return failed(reader->file.get_error_str());
  std::unique_ptr<Log_event> first(reader->file.read_event_object());
  if (first == nullptr || first->get_type_code() != mysql::binlog::event::FORMAT_DESCRIPTION_EVENT)
    return failed("it does not begin with its format");
  begins_server_run_ = static_cast<Format_description_log_event*>(first.get())->created != 0;
  if (offset > reader->file.position() && reader->file.seek(offset))
    return failed("cannot go to the position");
  reader_ = std::move(reader);
  file_ = std::move(file);
  hold_ = std::move(hold);
  return {};
}

Result<void> BinlogFiles::OpenNextFile() {
  Log_info info;
  if (mysql_bin_log.find_log_pos(&info, file_.name.c_str(), /*need_lock_index=*/true) != 0 ||
      mysql_bin_log.find_next_log(&info, /*need_lock_index=*/true) != 0)
    return MakeError(ErrorCode::kNotFound, "the binary log has no file after " + file_.name +
                                               " (it was reset or purged)");
  LogFile next{info.log_file_name, NumberOf(info.log_file_name)};
  if (next.number <= file_.number)
    return MakeError(ErrorCode::kNotFound, "the numbers of the binary log files do not grow");
  return OpenFile(std::move(next), 0);
}

wire::Position BinlogFiles::position() const {
  return wire::MakePosition(file_.number, reader_->file.position());
}

Result<BinlogFiles::Step> BinlogFiles::Next(LoggedEvent* event) {
  for (;;) {
    // The end first: see EndOfActiveLog.
    const my_off_t end = mysql_bin_log.get_binlog_end_pos();
    const bool is_active = mysql_bin_log.is_active(file_.name.c_str());
    const my_off_t at = reader_->file.position();
    if (is_active && at > end) return MakeError(ErrorCode::kNotFound, "the binary log was reset");
    if (is_active && at == end) return Step::kEnd;
    if (!mysql_bin_log.is_open() && !is_active)
      return MakeError(ErrorCode::kNotFound, "the binary log was closed");
    reader_->FreeEvent();
    unsigned int length = 0;
    if (reader_->file.read_event_data(&reader_->event, &length)) {
      reader_->event = nullptr;
      if (reader_->file.get_error_type() == Binlog_read_error::READ_EOF && !is_active) {
        RETURN_IF_ERROR(OpenNextFile());
        continue;
      }
      return MakeError(ErrorCode::kCorrupt, std::string("cannot read the binary log file ") +
                                                file_.name + " at " + std::to_string(at) + ": " +
                                                reader_->file.get_error_str());
    }
    const size_t tail = reader_->HasChecksum() ? kChecksumBytes : 0;
    if (length < kCommonHeader + tail)
      return MakeError(ErrorCode::kCorrupt, "event of the binary log: too short");
    event->type = reader_->event[kTypeAt];
    event->flags = FlagsOf(reader_->event);
    event->body = {reader_->event + kCommonHeader, length - kCommonHeader - tail};
    event->start = wire::MakePosition(file_.number, at);
    event->end = position();
    return Step::kEvent;
  }
}

void BinlogFiles::WaitForMore(int timeout_ms) const {
  mysql_bin_log.lock_binlog_end_pos();
  if (mysql_bin_log.is_active(file_.name.c_str()) &&
      mysql_bin_log.get_binlog_end_pos() == reader_->file.position())
    mysql_bin_log.wait_for_update(std::chrono::milliseconds(timeout_ms));
  mysql_bin_log.unlock_binlog_end_pos();
}

namespace {

// Fields of the event's header: type, length, value, each an integer of the protocol.
enum PayloadField : uint64_t { kHeaderEnd = 0, kPayloadSize = 1, kCompression = 2 };

bool ReadPackedInteger(std::span<const uint8_t>* bytes, uint64_t* value) {
  if (bytes->empty()) return false;
  const uint8_t first = bytes->front();
  *bytes = bytes->subspan(1);
  size_t size = 0;
  if (first < 251) {
    *value = first;
    return true;
  }
  if (first == 252) size = 2;
  if (first == 253) size = 3;
  if (first == 254) size = 8;
  if (size == 0 || size > bytes->size()) return false;
  *value = 0;
  for (size_t i = 0; i < size; ++i) *value |= uint64_t{(*bytes)[i]} << (8 * i);
  *bytes = bytes->subspan(size);
  return true;
}

}  // namespace

Result<void> DecompressTransaction(std::span<const uint8_t> body,
                                   const std::function<Result<void>(const LoggedEvent&)>& sink) {
  namespace compression = mysql::binlog::event::compression;
  const auto corrupt = [](const std::string& what) {
    return MakeError(ErrorCode::kCorrupt, "compressed transaction of the binary log: " + what);
  };
  uint64_t payload_size = body.size(), method = compression::NONE;
  for (;;) {
    uint64_t field = 0, length = 0;
    if (!ReadPackedInteger(&body, &field)) return corrupt("header");
    if (field == kHeaderEnd) break;
    if (!ReadPackedInteger(&body, &length) || length > body.size()) return corrupt("header");
    std::span<const uint8_t> value = body.first(length);
    body = body.subspan(length);
    if (field == kPayloadSize && !ReadPackedInteger(&value, &payload_size)) return corrupt("size");
    if (field == kCompression && !ReadPackedInteger(&value, &method)) return corrupt("method");
  }
  if (payload_size > body.size()) return corrupt("size");
  if (!compression::type_is_valid(static_cast<compression::type>(method)))
    return corrupt("unknown method");
  compression::Payload_event_buffer_istream stream(body.data(), payload_size,
                                                   static_cast<compression::type>(method));
  compression::Payload_event_buffer_istream::Buffer_ptr_t buffer;
  while (stream >> buffer) {
    const unsigned char* data = buffer->begin();
    if (buffer->size() < kCommonHeader) return corrupt("event too short");
    LoggedEvent event;
    event.type = data[kTypeAt];
    event.flags = FlagsOf(data);
    event.body = {data + kCommonHeader, buffer->size() - kCommonHeader};
    RETURN_IF_ERROR(sink(event));
  }
  if (stream.get_status() != compression::Decompress_status::end)
    return corrupt(stream.get_error_str());
  return {};
}

}  // namespace sirocco::plugin
