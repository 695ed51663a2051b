#include "engine/storage/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/bytes.h"
#include "engine/storage/chunk.h"
#include "engine/storage/dictionary.h"
#include "engine/storage/row_sample.h"
#include "mysqlsem/collation.h"
#include "plan/codec.h"

namespace sirocco::engine {

namespace {

constexpr char kMagic[8] = {'S', 'I', 'R', 'O', 'C', 'C', 'O', 'T'};
constexpr uint32_t kVersion = 1;
constexpr uint64_t kAlignment = 64;
constexpr size_t kWriteBufferBytes = 1 << 20;
constexpr uint64_t kMaxMetadataBytes = uint64_t{1} << 32;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t file_bytes;
  uint64_t metadata_offset, metadata_bytes, metadata_checksum;
  uint64_t reserved2;
  uint64_t checksum;  // of all before
};
static_assert(sizeof(Header) == 64);

std::unexpected<Error> SystemError(const std::string& what, const std::string& path) {
  const int code = errno;
  return MakeError(ErrorCode::kIo, what + " " + path + ": " + std::strerror(code));
}
std::unexpected<Error> Corrupt(const std::string& what) {
  return MakeError(ErrorCode::kCorrupt, "damaged checkpoint: " + what);
}

class File {
 public:
  File() = default;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool Open(const std::string& path, int flags) {
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    return fd_ >= 0;
  }
  int fd() const { return fd_; }

  bool WriteAll(const char* bytes, size_t size) {
    while (size != 0) {
      const ssize_t written = ::write(fd_, bytes, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes += written;
      size -= static_cast<size_t>(written);
    }
    return true;
  }
  bool ReadAll(char* bytes, size_t size, uint64_t offset) {
    while (size != 0) {
      const ssize_t got = ::pread(fd_, bytes, size, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes += got;
      size -= static_cast<size_t>(got);
      offset += static_cast<uint64_t>(got);
    }
    return true;
  }

 private:
  int fd_ = -1;
};

// Makes what was renamed in the folder of `path` last.
bool SyncFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  File folder;
  return folder.Open(slash == std::string::npos ? "." : path.substr(0, slash + 1),
                     O_RDONLY | O_DIRECTORY) &&
         ::fsync(folder.fd()) == 0;
}

uint64_t Checksum(const void* bytes, size_t size) { return XXH3_64bits(bytes, size); }

uint32_t NumVectors(uint32_t num_rows) { return (num_rows + kVectorSize - 1) / kVectorSize; }

// Bytes of the fixed-width values of a segment.
size_t ValueBytes(const Segment& segment) {
  switch (segment.encoding) {
    case Encoding::kInteger:
      return size_t{segment.num_rows} * segment.width;
    case Encoding::kDouble:
      return size_t{segment.num_rows} * 8;
    case Encoding::kInt128:
      return size_t{segment.num_rows} * 16;
    case Encoding::kHeap:
      return 0;
  }
  return 0;
}

void PutZone(const Zone& zone, ByteWriter* out) {
  out->Put(zone.min);
  out->Put(zone.max);
  out->Put(zone.num_nulls);
}
Zone GetZone(ByteReader* in) {
  Zone zone;
  zone.min = in->Get<uint64_t>();
  zone.max = in->Get<uint64_t>();
  zone.num_nulls = in->Get<uint32_t>();
  return zone;
}

}  // namespace

// --- Writing

class SnapshotFile::Writer {
 public:
  Writer(File* file, const std::atomic<bool>* stop) : file_(file), stop_(stop) {
    buffer_.reserve(kWriteBufferBytes);
  }

  // Puts the bytes at the next aligned place and a reference to them into the metadata.
  bool Put(const void* bytes, size_t size) {
    static constexpr char kZeros[kAlignment] = {};
    const size_t padding = (kAlignment - offset_ % kAlignment) % kAlignment;
    if (!Append(kZeros, padding)) return false;
    metadata.Put(offset_);
    metadata.Put(static_cast<uint64_t>(size));
    metadata.Put(Checksum(bytes, size));
    return Append(static_cast<const char*>(bytes), size);
  }
  bool Append(const char* bytes, size_t size) {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
      errno = ECANCELED;
      return false;
    }
    offset_ += size;
    if (buffer_.size() + size > kWriteBufferBytes && !Flush()) return false;
    if (size >= kWriteBufferBytes) return file_->WriteAll(bytes, size);
    buffer_.append(bytes, size);
    return true;
  }
  bool Flush() {
    const bool written = file_->WriteAll(buffer_.data(), buffer_.size());
    buffer_.clear();
    return written;
  }
  uint64_t offset() const { return offset_; }

  bool PutDictionary(const Dictionary* dictionary) {
    metadata.Put(static_cast<uint8_t>(dictionary != nullptr));
    if (dictionary == nullptr) return true;
    metadata.Put(dictionary->size());
    metadata.Put(dictionary->sorted_size());
    metadata.Put(static_cast<uint8_t>(dictionary->classes() != nullptr));
    std::vector<uint32_t> sizes(dictionary->size());
    std::string bytes;
    for (uint32_t code = 0; code < dictionary->size(); ++code) {
      sizes[code] = dictionary->values()[code].size;
      bytes.append(dictionary->value(code));
    }
    return Put(sizes.data(), sizes.size() * 4) && Put(bytes.data(), bytes.size()) &&
           (dictionary->classes() == nullptr ||
            Put(dictionary->classes(), size_t{dictionary->size()} * 4));
  }

  bool PutSegment(const Segment& segment) {
    metadata.Put(segment.encoding);
    metadata.Put(segment.width);
    metadata.Put(static_cast<uint8_t>(segment.is_unsigned));
    metadata.Put(static_cast<uint8_t>(segment.all_ascii));
    metadata.Put(static_cast<uint8_t>(segment.nulls != nullptr));
    metadata.Put(segment.base);
    metadata.Put(segment.factor);
    PutZone(segment.zone, &metadata);
    for (const Zone& zone : segment.vector_zones) PutZone(zone, &metadata);
    if (segment.nulls != nullptr && !Put(segment.nulls, segment.num_rows)) return false;
    if (segment.encoding == Encoding::kHeap) {
      return Put(segment.offsets, (size_t{segment.num_rows} + 1) * 4) &&
             Put(segment.heap, segment.offsets[segment.num_rows]);
    }
    return Put(segment.stored, ValueBytes(segment));
  }

  ByteWriter metadata;

 private:
  File* file_;
  const std::atomic<bool>* stop_;
  std::string buffer_;
  uint64_t offset_ = 0;
};

Result<uint64_t> SnapshotFile::Write(const Snapshot& snapshot, std::string_view label,
                                     const std::string& path, const std::atomic<bool>* stop) {
  const std::string temporary = path + ".tmp";
  File file;
  if (!file.Open(temporary, O_WRONLY | O_CREAT | O_TRUNC))
    return SystemError("cannot create", temporary);
  auto fail = [&]() -> Result<uint64_t> {
    Error error{errno == ECANCELED ? ErrorCode::kCancelled : ErrorCode::kIo, 0,
                "cannot write " + temporary + ": " + std::strerror(errno)};
    ::unlink(temporary.c_str());
    return std::unexpected(std::move(error));
  };
  Writer writer(&file, stop);
  Header header{};
  if (!writer.Append(reinterpret_cast<const char*>(&header), sizeof(header))) return fail();
  ByteWriter& metadata = writer.metadata;
  metadata.PutString(label);
  plan::EncodeTableSchema(snapshot.schema(), &metadata);
  plan::EncodeTableStatistics(snapshot.statistics(), &metadata);
  const auto num_columns = static_cast<uint32_t>(snapshot.schema().columns.size());
  for (uint32_t column = 0; column < num_columns; ++column) {
    metadata.Put(snapshot.lane(column));
    if (!writer.PutDictionary(snapshot.dictionary(column))) return fail();
  }
  metadata.Put(snapshot.num_chunks());
  for (uint32_t i = 0; i < snapshot.num_chunks(); ++i) {
    const Chunk& chunk = snapshot.chunk(i);
    metadata.Put(chunk.num_rows());
    const VisibilityMap* visibility = snapshot.visibility(i);
    metadata.Put(static_cast<uint8_t>(visibility != nullptr));
    if (visibility != nullptr &&
        !writer.Put(visibility->words.data(), (chunk.num_rows() + 63) / 64 * 8))
      return fail();
    for (uint32_t column = 0; column < num_columns; ++column)
      if (!writer.PutSegment(chunk.segment(column))) return fail();
  }
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kVersion;
  header.metadata_offset = writer.offset();
  header.metadata_bytes = metadata.bytes().size();
  header.metadata_checksum = Checksum(metadata.bytes().data(), metadata.bytes().size());
  header.file_bytes = header.metadata_offset + header.metadata_bytes;
  header.checksum = Checksum(&header, offsetof(Header, checksum));
  if (!writer.Append(metadata.bytes().data(), metadata.bytes().size()) || !writer.Flush() ||
      ::lseek(file.fd(), 0, SEEK_SET) != 0 ||
      !file.WriteAll(reinterpret_cast<const char*>(&header), sizeof(header)) ||
      ::fsync(file.fd()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0 ||
      !SyncFolder(path))
    return fail();
  return header.metadata_checksum;
}

// --- Reading

class SnapshotFile::Reader {
 public:
  Reader(File* file, uint64_t file_bytes, std::string_view metadata,
         std::shared_ptr<MemoryPool> pool)
      : in(metadata), file_(file), file_bytes_(file_bytes), pool_(std::move(pool)) {}

  // The bytes of the next reference, which must be `size` many.
  Result<AlignedBuffer> Get(uint64_t size) {
    ASSIGN_OR_RETURN(AlignedBuffer buffer, Get());
    if (buffer.size() != size) return Corrupt("an array has a wrong size");
    return buffer;
  }
  Result<AlignedBuffer> Get() {
    const auto offset = in.Get<uint64_t>(), size = in.Get<uint64_t>(),
               checksum = in.Get<uint64_t>();
    if (!in.ok() || offset > file_bytes_ || size > file_bytes_ - offset)
      return Corrupt("an array lies outside the file");
    ASSIGN_OR_RETURN(AlignedBuffer buffer, AlignedBuffer::Allocate(pool_.get(), size));
    if (!file_->ReadAll(buffer.data(), size, offset))
      return MakeError(ErrorCode::kIo, "cannot read a checkpoint");
    if (Checksum(buffer.data(), size) != checksum) return Corrupt("wrong checksum of an array");
    return buffer;
  }

  Result<std::shared_ptr<const Dictionary>> GetDictionary(const plan::Type& type) {
    if (!in.GetBool()) return nullptr;
    const auto size = in.Get<uint32_t>(), sorted_size = in.Get<uint32_t>();
    const bool has_classes = in.GetBool();
    if (!in.ok() || sorted_size > size || size == UINT32_MAX) return Corrupt("dictionary");
    const mysqlsem::Collation* collation = mysqlsem::FindCollation(type.collation);
    if (!type.IsString() || collation == nullptr) return Corrupt("dictionary of no string");
    ASSIGN_OR_RETURN(const AlignedBuffer sizes, Get(uint64_t{size} * 4));
    ASSIGN_OR_RETURN(const AlignedBuffer bytes, Get());
    auto dictionary = std::make_shared<Dictionary>();
    const size_t size_bytes = bytes.size() + AlignedBuffer::kPadding +
                              (size_t{size} + 1) * (sizeof(StringRef) + sizeof(uint32_t));
    RETURN_IF_ERROR(pool_->Reserve(size_bytes));
    dictionary->pool_ = pool_;
    dictionary->size_bytes_ = size_bytes;
    dictionary->collation_ = collation;
    dictionary->size_ = size;
    dictionary->sorted_size_ = sorted_size;
    dictionary->own_bytes_.assign(bytes.data(), bytes.data() + bytes.size());
    dictionary->own_bytes_.resize(bytes.size() + AlignedBuffer::kPadding);
    dictionary->own_values_.reserve(size_t{size} + 1);
    uint64_t at = 0;
    for (uint32_t code = 0; code < size; ++code) {
      const uint32_t value_bytes = sizes.as<uint32_t>()[code];
      if (value_bytes > bytes.size() - at) return Corrupt("value of a dictionary");
      dictionary->own_values_.push_back({dictionary->own_bytes_.data() + at, value_bytes, 0});
      at += value_bytes;
    }
    dictionary->own_values_.push_back({dictionary->own_bytes_.data() + at, 0, 0});
    dictionary->values_ = dictionary->own_values_.data();
    if (has_classes) {
      ASSIGN_OR_RETURN(const AlignedBuffer classes, Get(uint64_t{size} * 4));
      const auto* codes = classes.as<uint32_t>();
      for (uint32_t code = 0; code < size; ++code)
        if (codes[code] > code) return Corrupt("class of a dictionary");
      dictionary->own_classes_.assign(codes, codes + size);
      dictionary->classes_ = dictionary->own_classes_.data();
    }
    return dictionary;
  }

  Result<Segment> GetSegment(uint32_t num_rows, Lane lane, const plan::ColumnSchema& schema,
                             const Dictionary* dictionary) {
    Segment segment;
    segment.num_rows = num_rows;
    segment.encoding = in.GetEnum(Encoding::kInteger, Encoding::kHeap);
    segment.width = in.Get<uint8_t>();
    segment.is_unsigned = in.GetBool();
    segment.all_ascii = in.GetBool();
    const bool has_nulls = in.GetBool();
    segment.base = in.Get<uint64_t>();
    segment.factor = in.Get<uint64_t>();
    segment.zone = GetZone(&in);
    if (!in.ok()) return Corrupt("segment");
    for (uint32_t i = 0; i < NumVectors(num_rows); ++i)
      segment.vector_zones.push_back(GetZone(&in));
    if (!FitsLane(segment, lane, schema)) return Corrupt("encoding of " + schema.name);
    if (has_nulls) {
      ASSIGN_OR_RETURN(segment.nulls_buffer, Get(num_rows));
      segment.nulls = segment.nulls_buffer.as<const uint8_t>();
    }
    if (segment.encoding == Encoding::kHeap) {
      ASSIGN_OR_RETURN(segment.offsets_buffer, Get((uint64_t{num_rows} + 1) * 4));
      segment.offsets = segment.offsets_buffer.as<const uint32_t>();
      if (segment.offsets[0] != 0 ||
          !std::is_sorted(segment.offsets, segment.offsets + num_rows + 1))
        return Corrupt("strings of " + schema.name);
      ASSIGN_OR_RETURN(segment.values_buffer, Get(segment.offsets[num_rows]));
      segment.heap = segment.values_buffer.data();
      return segment;
    }
    ASSIGN_OR_RETURN(segment.values_buffer, Get(ValueBytes(segment)));
    if (ValueBytes(segment) != 0) segment.stored = segment.values_buffer.as<const uint8_t>();
    if (dictionary != nullptr) {
      const uint64_t limit = std::max(1u, dictionary->size());
      for (uint32_t row = 0; row < num_rows; ++row)
        if (segment.base >= limit || segment.StoredAt(row) >= limit - segment.base)
          return Corrupt("code of " + schema.name);
    }
    return segment;
  }

  ByteReader in;

 private:
  static bool FitsLane(const Segment& segment, Lane lane, const plan::ColumnSchema& schema) {
    const uint8_t width = segment.width;
    if (segment.encoding == Encoding::kInteger && !(width <= 2 || width == 4 || width == 8))
      return false;
    switch (lane) {
      case Lane::kI64:
        return segment.encoding == Encoding::kInteger;
      case Lane::kI128:
        return segment.encoding == Encoding::kInteger || segment.encoding == Encoding::kInt128;
      case Lane::kF64:
        return segment.encoding == Encoding::kDouble;
      case Lane::kStr:
        return segment.encoding == Encoding::kHeap;
      case Lane::kCode:
        return segment.encoding == Encoding::kInteger && segment.factor == 1 &&
               schema.type.IsString();
    }
    return false;
  }

  File* file_;
  uint64_t file_bytes_;
  std::shared_ptr<MemoryPool> pool_;
};

Result<SnapshotFile::Content> SnapshotFile::Read(const std::string& path,
                                                 std::shared_ptr<MemoryPool> pool) {
  File file;
  struct stat status;
  if (!file.Open(path, O_RDONLY) || ::fstat(file.fd(), &status) != 0)
    return SystemError("cannot open", path);
  Header header;
  if (static_cast<uint64_t>(status.st_size) < sizeof(header) ||
      !file.ReadAll(reinterpret_cast<char*>(&header), sizeof(header), 0))
    return Corrupt("too short");
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) return Corrupt("no checkpoint");
  if (header.version != kVersion)
    return MakeError(ErrorCode::kNotSupported,
                     "checkpoint of version " + std::to_string(header.version));
  if (header.checksum != Checksum(&header, offsetof(Header, checksum)))
    return Corrupt("wrong checksum of the header");
  if (header.file_bytes != static_cast<uint64_t>(status.st_size) ||
      header.metadata_offset > header.file_bytes ||
      header.metadata_bytes != header.file_bytes - header.metadata_offset ||
      header.metadata_bytes > kMaxMetadataBytes)
    return Corrupt("wrong size");
  MemoryReservation scratch(pool.get());
  RETURN_IF_ERROR(scratch.ResizeTo(header.metadata_bytes));
  std::string metadata(header.metadata_bytes, '\0');
  if (!file.ReadAll(metadata.data(), metadata.size(), header.metadata_offset))
    return SystemError("cannot read", path);
  if (Checksum(metadata.data(), metadata.size()) != header.metadata_checksum)
    return Corrupt("wrong checksum of the description");

  Reader reader(&file, header.file_bytes, metadata, pool);
  ByteReader& in = reader.in;
  Content content;
  content.checksum = header.metadata_checksum;
  content.label = in.GetString();
  auto snapshot = std::make_shared<Snapshot>();
  ASSIGN_OR_RETURN(plan::TableSchema schema, plan::DecodeTableSchema(&in));
  ASSIGN_OR_RETURN(plan::TableStatistics statistics, plan::DecodeTableStatistics(&in));
  const size_t num_columns = schema.columns.size();
  if (statistics.columns.size() != num_columns) return Corrupt("statistics");
  for (const uint32_t column : schema.primary_key)
    if (column >= num_columns) return Corrupt("key");
  for (const plan::ColumnSchema& column : schema.columns) {
    const Lane lane = in.GetEnum(Lane::kI64, Lane::kCode), of_type = plan::LaneOf(column.type);
    ASSIGN_OR_RETURN(std::shared_ptr<const Dictionary> dictionary,
                     reader.GetDictionary(column.type));
    if (!in.ok() || (dictionary != nullptr) != (lane == Lane::kCode) ||
        !(lane == of_type || lane == Lane::kCode || (lane == Lane::kI64 && of_type == Lane::kI128)))
      return Corrupt("lane of " + column.name);
    snapshot->lanes_.push_back(lane);
    snapshot->dictionaries_.push_back(std::move(dictionary));
  }
  const uint32_t num_chunks = in.GetCount();
  uint64_t num_visible = 0;
  bool any_hidden = false;
  for (uint32_t i = 0; i < num_chunks && in.ok(); ++i) {
    const auto num_rows = in.Get<uint32_t>();
    if (!in.ok() || num_rows > kChunkRows) return Corrupt("chunk");
    std::shared_ptr<VisibilityMap> visibility;
    uint32_t chunk_visible = num_rows;
    if (in.GetBool()) {
      ASSIGN_OR_RETURN(const AlignedBuffer words, reader.Get((num_rows + 63) / 64 * 8));
      visibility = std::make_shared<VisibilityMap>();
      std::memcpy(visibility->words.data(), words.data(), words.size());
      if (num_rows % 64 != 0)
        visibility->words[num_rows / 64] &= (uint64_t{1} << (num_rows % 64)) - 1;
      for (uint32_t word = 0; word < (num_rows + 63) / 64; ++word)
        visibility->num_visible += static_cast<uint32_t>(std::popcount(visibility->words[word]));
      chunk_visible = visibility->num_visible;
      any_hidden = true;
    }
    std::vector<Segment> segments;
    for (size_t column = 0; column < num_columns; ++column) {
      ASSIGN_OR_RETURN(Segment segment,
                       reader.GetSegment(num_rows, snapshot->lanes_[column], schema.columns[column],
                                         snapshot->dictionaries_[column].get()));
      segments.push_back(std::move(segment));
    }
    num_visible += chunk_visible;
    snapshot->chunks_.push_back(std::make_shared<const Chunk>(pool, num_rows, std::move(segments)));
    snapshot->visibility_.push_back(std::move(visibility));
  }
  if (!in.ok() || !in.AtEnd()) return Corrupt("description");
  if (num_visible != statistics.num_rows) return Corrupt("number of rows");
  if (!any_hidden) snapshot->visibility_.clear();
  snapshot->sample_ = DrawSample(snapshot->chunks_);
  snapshot->schema_ = std::make_shared<plan::TableSchema>(std::move(schema));
  snapshot->statistics_ = std::make_shared<plan::TableStatistics>(std::move(statistics));
  content.snapshot = std::move(snapshot);
  return content;
}

// --- Small files

Result<void> WriteSmallFile(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  File file;
  const uint64_t checksum = Checksum(bytes.data(), bytes.size());
  if (!file.Open(temporary, O_WRONLY | O_CREAT | O_TRUNC) ||
      !file.WriteAll(reinterpret_cast<const char*>(&checksum), sizeof(checksum)) ||
      !file.WriteAll(bytes.data(), bytes.size()) || ::fsync(file.fd()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0 || !SyncFolder(path)) {
    auto error = SystemError("cannot write", path);
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

Result<std::string> ReadSmallFile(const std::string& path) {
  constexpr off_t kMaxBytes = 1 << 20;
  File file;
  struct stat status;
  if (!file.Open(path, O_RDONLY) || ::fstat(file.fd(), &status) != 0)
    return SystemError("cannot open", path);
  uint64_t checksum = 0;
  if (status.st_size < static_cast<off_t>(sizeof(checksum)) || status.st_size > kMaxBytes)
    return Corrupt("wrong size");
  std::string bytes(static_cast<size_t>(status.st_size) - sizeof(checksum), '\0');
  if (!file.ReadAll(reinterpret_cast<char*>(&checksum), sizeof(checksum), 0) ||
      !file.ReadAll(bytes.data(), bytes.size(), sizeof(checksum)))
    return SystemError("cannot read", path);
  if (Checksum(bytes.data(), bytes.size()) != checksum) return Corrupt("wrong checksum");
  return bytes;
}

}  // namespace sirocco::engine
