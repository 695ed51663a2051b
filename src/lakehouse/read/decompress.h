// Packed files as streams of plain bytes: gzip, bzip2, zip with one file inside, zstd.
//
// Memory is bounded by the formats' windows and one block, whatever the file unpacks to; a file
// that unpacks to more than two thousand times its size is refused. A thread of its own unpacks
// ahead of the consumer. Errors: kMysql 6445, and those of the store.
#pragma once

#include <memory>
#include <string_view>

#include "lakehouse/store/byte_source.h"

namespace sirocco::lakehouse {

enum class Compression : uint8_t { kNone = 0, kAuto, kGzip, kBzip2, kZip, kZstd };

// By the first bytes of a file; kNone if it looks packed in no known way.
Compression DetectCompression(std::string_view first_bytes);

// The plain bytes of `object`, which must outlive the source. `shown` names the file in messages.
Result<std::unique_ptr<ByteSource>> Unpack(ObjectStore* store, const ObjectMeta& object,
                                           Compression compression, std::string_view shown);

// The same over any packed bytes of `packed_size` bytes (kZip: not here, it needs the end first).
Result<std::unique_ptr<ByteSource>> UnpackStream(std::unique_ptr<ByteSource> packed,
                                                 Compression compression, std::string_view shown);

}  // namespace sirocco::lakehouse
