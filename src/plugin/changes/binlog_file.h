// The server's own binary log, read in process: where it ends, its files, its events.
//
// Position: see wire/changes.h. Only what lies below the end is read: it is written in whole
// groups, and everything that any session can see in InnoDB lies below it.
// Threads: CurrentLogEnd from any thread; a BinlogFiles, a FileHold from one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/error.h"
#include "plugin/changes/event_reader.h"
#include "wire/changes.h"

namespace sirocco::plugin {

struct LogFile {
  std::string name;  // as in the index, with its folder
  uint64_t number = 0;
};

struct LogEnd {
  LogFile file;
  wire::Position position = 0;
};

inline uint64_t OffsetOf(wire::Position position) {
  return position & ((uint64_t{1} << wire::kPositionFileShift) - 1);
}
inline uint64_t FileNumberOf(wire::Position position) {
  return position >> wire::kPositionFileShift;
}

// Whether the server writes a binary log now.
bool BinaryLogIsOpen();
// Waits for a rotation that is under way.
LogEnd CurrentLogEnd();
// The end if `file` is the file being written, without locks; else 0.
wire::Position EndOfActiveLog(const LogFile& file);
// The file of the index with that number. kNotFound: purged.
Result<LogFile> FindLogFile(uint64_t number);
// Wakes readers that wait for the log to grow.
void WakeLogReaders();

// While it lives, PURGE BINARY LOGS leaves the file and all later ones alone.
class FileHold {
 public:
  FileHold();
  explicit FileHold(const LogFile& file);
  FileHold(FileHold&&) noexcept;
  FileHold& operator=(FileHold&&) noexcept;
  ~FileHold();

 private:
  struct Registration;
  std::unique_ptr<Registration> registration_;
};

class BinlogFiles {
 public:
  enum class Step : uint8_t {
    kEvent,  // one was read
    kEnd,    // nothing more below the end
  };

  BinlogFiles();
  ~BinlogFiles();

  // Reads on at `position`. kNotFound if its file is gone.
  Result<void> Open(wire::Position position);
  // Reads one event below the end; goes to the next file by itself. The event's body lives until
  // the next call. kCorrupt, kIo, kNotFound: the log cannot be read on.
  Result<Step> Next(LoggedEvent* event);
  // Of the byte after the last event.
  wire::Position position() const;
  const LogFile& file() const { return file_; }
  // Sleeps until the log has grown beyond position(), or `timeout_ms`, or WakeLogReaders.
  void WaitForMore(int timeout_ms) const;
  // Whether the file being read was begun by a start of the server, not by a rotation.
  bool file_begins_server_run() const { return begins_server_run_; }

 private:
  struct Reader;
  Result<void> OpenFile(LogFile file, uint64_t offset);
  Result<void> OpenNextFile();

  std::unique_ptr<Reader> reader_;
  LogFile file_;
  FileHold hold_;
  bool begins_server_run_ = false;
};

// Calls `sink` with each event inside a TRANSACTION_PAYLOAD event (positions are 0).
Result<void> DecompressTransaction(std::span<const uint8_t> body,
                                   const std::function<Result<void>(const LoggedEvent&)>& sink);

}  // namespace sirocco::plugin
