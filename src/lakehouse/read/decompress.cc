#include "lakehouse/read/decompress.h"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kBlocksAhead = 4;
// zstd windows above this are refused: the decoder would need as much memory.
constexpr int kMaxZstdWindowLog = 27;
// No honest text shrinks further; bombs do.
constexpr uint64_t kMaxExpansion = 2000;
constexpr uint64_t kExpansionFloor = 256 << 20;

// Packed bytes in, plain bytes out.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Consumes from *in and fills `out` as far as possible. Returns the bytes written, or nullopt for
  // corrupt input.
  virtual std::optional<size_t> Decode(std::string_view* in, std::span<char> out) = 0;
  // Whether the input may end here.
  virtual bool at_boundary() const = 0;
};

class ZlibDecoder final : public Decoder {
 public:
  // `raw`: a deflate stream without header (zip); otherwise gzip members one after another.
  explicit ZlibDecoder(bool raw) : raw_(raw) {
    ready_ = inflateInit2(&stream_, raw ? -15 : 31) == Z_OK;
  }
  ~ZlibDecoder() override { inflateEnd(&stream_); }

  std::optional<size_t> Decode(std::string_view* in, std::span<char> out) override {
    if (!ready_) return std::nullopt;
    size_t written = 0;
    while (written < out.size() && !in->empty()) {
      if (ended_) {
        if (raw_) {
          in->remove_prefix(in->size());
          break;
        }
        // Zero bytes after a member are padding, anything else the next member.
        while (!in->empty() && in->front() == '\0') in->remove_prefix(1);
        if (in->empty()) break;
        if (inflateReset(&stream_) != Z_OK) return std::nullopt;
        ended_ = false;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in->data()));
      stream_.avail_in = static_cast<uInt>(std::min<size_t>(in->size(), 1 << 30));
      const uInt given = stream_.avail_in;
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + written);
      stream_.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - written, 1 << 30));
      const uInt room = stream_.avail_out;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      in->remove_prefix(given - stream_.avail_in);
      written += room - stream_.avail_out;
      begun_ = true;
      if (status == Z_STREAM_END)
        ended_ = true;
      else if (status != Z_OK && status != Z_BUF_ERROR)
        return std::nullopt;
      if (status == Z_BUF_ERROR) break;
    }
    return written;
  }
  bool at_boundary() const override { return ended_ || !begun_; }

 private:
  z_stream stream_{};
  bool raw_, ready_ = false, begun_ = false, ended_ = false;
};

class Bzip2Decoder final : public Decoder {
 public:
  Bzip2Decoder() { Open(); }
  ~Bzip2Decoder() override { BZ2_bzDecompressEnd(&stream_); }

  std::optional<size_t> Decode(std::string_view* in, std::span<char> out) override {
    size_t written = 0;
    while (written < out.size() && !in->empty()) {
      if (!ready_) return std::nullopt;
      if (ended_) {
        BZ2_bzDecompressEnd(&stream_);
        Open();
        ended_ = false;
        continue;
      }
      stream_.next_in = const_cast<char*>(in->data());
      stream_.avail_in = static_cast<unsigned>(std::min<size_t>(in->size(), 1 << 30));
      const unsigned given = stream_.avail_in;
      stream_.next_out = out.data() + written;
      stream_.avail_out = static_cast<unsigned>(std::min<size_t>(out.size() - written, 1 << 30));
      const unsigned room = stream_.avail_out;
      const int status = BZ2_bzDecompress(&stream_);
      in->remove_prefix(given - stream_.avail_in);
      written += room - stream_.avail_out;
      begun_ = true;
      if (status == BZ_STREAM_END)
        ended_ = true;
      else if (status != BZ_OK)
        return std::nullopt;
      if (given == stream_.avail_in && room == stream_.avail_out && !ended_) break;
    }
    return written;
  }
  bool at_boundary() const override { return ended_ || !begun_; }

 private:
  void Open() {
    stream_ = {};
    ready_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
  }
  bz_stream stream_{};
  bool ready_ = false, begun_ = false, ended_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  std::optional<size_t> Decode(std::string_view* in, std::span<char> out) override {
    if (context_ == nullptr) return std::nullopt;
    ZSTD_inBuffer input{in->data(), in->size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos < output.size && input.pos < input.size) {
      const size_t before_in = input.pos, before_out = output.pos;
      left_ = ZSTD_decompressStream(context_, &output, &input);
      if (ZSTD_isError(left_)) return std::nullopt;
      if (input.pos == before_in && output.pos == before_out) break;
    }
    in->remove_prefix(input.pos);
    return output.pos;
  }
  bool at_boundary() const override { return left_ == 0; }

 private:
  ZSTD_DCtx* context_;
  size_t left_ = 0;
};

class StoredDecoder final : public Decoder {
 public:
  std::optional<size_t> Decode(std::string_view* in, std::span<char> out) override {
    const size_t size = std::min(in->size(), out.size());
    std::memcpy(out.data(), in->data(), size);
    in->remove_prefix(size);
    return size;
  }
  bool at_boundary() const override { return true; }
};

// Cuts a source to its first `size` bytes.
class LimitedSource final : public ByteSource {
 public:
  LimitedSource(std::unique_ptr<ByteSource> source, uint64_t size)
      : source_(std::move(source)), left_(size) {}
  Result<std::string_view> Next() override {
    if (left_ == 0) return std::string_view();
    ASSIGN_OR_RETURN(std::string_view block, source_->Next());
    if (block.size() > left_) block = block.substr(0, left_);
    left_ -= block.size();
    return block;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  uint64_t left_;
};

// Runs a decoder over a source in a thread of its own, a few blocks ahead of the consumer.
class UnpackingSource final : public ByteSource {
 public:
  UnpackingSource(std::unique_ptr<ByteSource> packed, std::unique_ptr<Decoder> decoder,
                  std::string_view shown)
      : packed_(std::move(packed)), decoder_(std::move(decoder)), shown_(shown) {
    thread_ = std::thread([this] { Produce(); });
  }
  ~UnpackingSource() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Result<std::string_view> Next() override {
    std::unique_lock lock(mutex_);
    if (handed_out_) {
      free_.push_back(std::move(ready_.front().bytes));
      ready_.pop_front();
      handed_out_ = false;
      changed_.notify_all();
    }
    changed_.wait(lock, [this] { return !ready_.empty() || ended_; });
    if (ready_.empty()) {
      if (error_) return std::unexpected(*error_);
      return std::string_view();
    }
    handed_out_ = true;
    return std::string_view(ready_.front().bytes.get(), ready_.front().size);
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };

  void Produce() {
    std::optional<Error> error = ProduceBlocks();
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
    ended_ = true;
    changed_.notify_all();
  }

  std::optional<Error> ProduceBlocks() {
    std::string_view in;
    uint64_t num_in = 0, num_out = 0;
    bool source_ended = false;
    for (;;) {
      Block block;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || ready_.size() < kBlocksAhead; });
        if (stopped_) return std::nullopt;
        if (!free_.empty()) {
          block.bytes = std::move(free_.back());
          free_.pop_back();
        }
      }
      if (block.bytes == nullptr) block.bytes = std::make_unique_for_overwrite<char[]>(kBlockBytes);
      while (block.size < kBlockBytes) {
        if (in.empty() && !source_ended) {
          auto next = packed_->Next();
          if (!next) return next.error();
          in = *next;
          num_in += in.size();
          source_ended = in.empty();
        }
        if (in.empty()) break;
        const auto written =
            decoder_->Decode(&in, {block.bytes.get() + block.size, kBlockBytes - block.size});
        if (!written) return LhMakeError(kLhDecompression, {.file = shown_});
        block.size += *written;
        num_out += *written;
        if (num_out > kExpansionFloor && num_out / kMaxExpansion > num_in) {
          Error error = LhMakeError(kLhDecompression, {.file = shown_});
          error.message +=
              " It unpacks to more than " + std::to_string(kMaxExpansion) + " times its size.";
          return error;
        }
      }
      if (block.size == 0) {
        if (!decoder_->at_boundary()) {
          Error error = LhMakeError(kLhDecompression, {.file = shown_});
          error.message += " It ends unexpectedly.";
          return error;
        }
        return std::nullopt;
      }
      std::lock_guard lock(mutex_);
      ready_.push_back(std::move(block));
      changed_.notify_all();
    }
  }

  std::unique_ptr<ByteSource> packed_;
  std::unique_ptr<Decoder> decoder_;
  const std::string shown_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> ready_;
  std::vector<std::unique_ptr<char[]>> free_;
  std::optional<Error> error_;
  bool handed_out_ = false, ended_ = false, stopped_ = false;
  std::thread thread_;
};

uint64_t LittleEndian(const char* p, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(p[i]);
  return value;
}

// The one file inside a zip archive, by its central directory.
struct ZipEntry {
  uint64_t header_offset = 0, packed_size = 0;
  uint32_t method = 0;
};

Result<ZipEntry> FindZipEntry(ObjectStore* store, const ObjectMeta& object,
                              std::string_view shown) {
  const auto corrupt = [&] { return LhFail(kLhDecompression, {.file = shown}); };
  constexpr size_t kEndBytes = 22, kMaxComment = 65535, kMaxDirectory = 16 << 20;
  if (object.size < kEndBytes) return corrupt();
  std::string tail(std::min<uint64_t>(object.size, kEndBytes + kMaxComment), '\0');
  const uint64_t tail_offset = object.size - tail.size();
  RETURN_IF_ERROR(store->Read(object, tail_offset, tail));
  const size_t end = tail.rfind("PK\x05\x06", tail.size() - kEndBytes);
  if (end == std::string::npos) return corrupt();
  uint64_t count = LittleEndian(&tail[end + 10], 2), size = LittleEndian(&tail[end + 12], 4),
           offset = LittleEndian(&tail[end + 16], 4);
  if (count == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF) {
    if (end < 20 || std::memcmp(&tail[end - 20], "PK\x06\x07", 4) != 0) return corrupt();
    const uint64_t at = LittleEndian(&tail[end - 12], 8);
    std::string wide(56, '\0');
    if (at > object.size || object.size - at < wide.size()) return corrupt();
    RETURN_IF_ERROR(store->Read(object, at, wide));
    if (std::memcmp(wide.data(), "PK\x06\x06", 4) != 0) return corrupt();
    count = LittleEndian(&wide[32], 8);
    size = LittleEndian(&wide[40], 8);
    offset = LittleEndian(&wide[48], 8);
  }
  if (size > kMaxDirectory || offset > object.size || object.size - offset < size) return corrupt();
  std::string directory(size, '\0');
  RETURN_IF_ERROR(store->Read(object, offset, directory));
  std::optional<ZipEntry> found;
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (directory.size() - at < 46 || std::memcmp(&directory[at], "PK\x01\x02", 4) != 0)
      return corrupt();
    const char* p = &directory[at];
    const size_t name_size = LittleEndian(p + 28, 2), extra_size = LittleEndian(p + 30, 2),
                 comment_size = LittleEndian(p + 32, 2);
    if (directory.size() - at - 46 < name_size + extra_size + comment_size) return corrupt();
    ZipEntry entry;
    entry.method = static_cast<uint32_t>(LittleEndian(p + 10, 2));
    entry.packed_size = LittleEndian(p + 20, 4);
    entry.header_offset = LittleEndian(p + 42, 4);
    const bool encrypted = (LittleEndian(p + 8, 2) & 1) != 0;
    uint64_t plain_size = LittleEndian(p + 24, 4);
    const std::string_view name(p + 46, name_size);
    // ZIP64 values stand in the extra field in this order, those that do not fit only.
    const char* extra = p + 46 + name_size;
    for (size_t e = 0; e + 4 <= extra_size;) {
      const size_t id = LittleEndian(extra + e, 2), bytes = LittleEndian(extra + e + 2, 2);
      if (extra_size - e - 4 < bytes) return corrupt();
      if (id == 1) {
        size_t v = 0;
        for (uint64_t* value : {&plain_size, &entry.packed_size, &entry.header_offset}) {
          if (*value != 0xFFFFFFFF) continue;
          if (bytes - v < 8) return corrupt();
          *value = LittleEndian(extra + e + 4 + v, 8);
          v += 8;
        }
      }
      e += 4 + bytes;
    }
    at += 46 + name_size + extra_size + comment_size;
    if (name.ends_with('/')) continue;
    if (found || encrypted) return corrupt();  // several files in the archive
    found = entry;
  }
  if (!found) return corrupt();
  return *found;
}

Result<std::unique_ptr<ByteSource>> UnpackZip(ObjectStore* store, const ObjectMeta& object,
                                              std::string_view shown) {
  ASSIGN_OR_RETURN(const ZipEntry entry, FindZipEntry(store, object, shown));
  const auto corrupt = [&] { return LhFail(kLhDecompression, {.file = shown}); };
  std::string header(30, '\0');
  if (entry.header_offset > object.size || object.size - entry.header_offset < header.size())
    return corrupt();
  RETURN_IF_ERROR(store->Read(object, entry.header_offset, header));
  if (std::memcmp(header.data(), "PK\x03\x04", 4) != 0) return corrupt();
  const uint64_t begin = entry.header_offset + header.size() + LittleEndian(&header[26], 2) +
                         LittleEndian(&header[28], 2);
  if (begin > object.size || object.size - begin < entry.packed_size) return corrupt();
  auto packed = std::make_unique<LimitedSource>(
      std::make_unique<RangeSource>(store, object, begin, begin + entry.packed_size),
      entry.packed_size);
  std::unique_ptr<Decoder> decoder;
  switch (entry.method) {
    case 0:
      decoder = std::make_unique<StoredDecoder>();
      break;
    case 8:
      decoder = std::make_unique<ZlibDecoder>(true);
      break;
    case 12:
      decoder = std::make_unique<Bzip2Decoder>();
      break;
    case 93:
      decoder = std::make_unique<ZstdDecoder>();
      break;
    default:
      return corrupt();
  }
  return std::make_unique<UnpackingSource>(std::move(packed), std::move(decoder), shown);
}

}  // namespace

Compression DetectCompression(std::string_view first) {
  if (first.starts_with("\x1F\x8B")) return Compression::kGzip;
  if (first.size() >= 4 && first.starts_with("BZh") && first[3] >= '1' && first[3] <= '9')
    return Compression::kBzip2;
  if (first.starts_with(std::string_view("PK\x03\x04", 4))) return Compression::kZip;
  if (first.starts_with("\x28\xB5\x2F\xFD")) return Compression::kZstd;
  return Compression::kNone;
}

Result<std::unique_ptr<ByteSource>> UnpackStream(std::unique_ptr<ByteSource> packed,
                                                 Compression compression, std::string_view shown) {
  std::unique_ptr<Decoder> decoder;
  switch (compression) {
    case Compression::kGzip:
      decoder = std::make_unique<ZlibDecoder>(false);
      break;
    case Compression::kBzip2:
      decoder = std::make_unique<Bzip2Decoder>();
      break;
    case Compression::kZstd:
      decoder = std::make_unique<ZstdDecoder>();
      break;
    case Compression::kNone:
      return packed;
    default:
      return LhFail(kLhDecompression, {.file = shown});
  }
  return std::make_unique<UnpackingSource>(std::move(packed), std::move(decoder), shown);
}

Result<std::unique_ptr<ByteSource>> Unpack(ObjectStore* store, const ObjectMeta& object,
                                           Compression compression, std::string_view shown) {
  if (compression == Compression::kAuto) {
    char first[8];
    const size_t size = std::min<uint64_t>(object.size, sizeof(first));
    if (size != 0) RETURN_IF_ERROR(store->Read(object, 0, {first, size}));
    compression = DetectCompression({first, size});
  }
  if (compression == Compression::kZip) return UnpackZip(store, object, shown);
  return UnpackStream(std::make_unique<RangeSource>(store, object, 0, object.size), compression,
                      shown);
}

}  // namespace sirocco::lakehouse
