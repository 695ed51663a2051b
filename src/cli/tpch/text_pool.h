// The pool of generated English that all comment columns of TPC-H are cut from: 300 MiB of
// sentences of a small grammar, the same bytes at every scale factor. A comment is a substring at a
// random offset, so the pool is needed whole.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "cli/tpch/random_stream.h"

namespace sirocco::tpch {

class TextPool {
 public:
  static constexpr size_t kSize = 300u << 20;

  // Returns the pool of the process, made at the first call (about a second of one core, 300 MiB).
  // Any thread.
  static const TextPool& Get();

  // Makes the first `size` bytes of the pool.
  explicit TextPool(size_t size);

  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

// A comment column: draws offset and length, 40 % to 160 % of an average length.
class CommentColumn {
 public:
  CommentColumn(const TextPool& pool, int average, RandomStream stream)
      : text_(pool.text()),
        min_(static_cast<int>(average * 0.4)),
        max_(static_cast<int>(average * 1.6)),
        stream_(stream) {}

  // The result lives as long as the pool.
  std::string_view Next() {
    const int64_t offset = stream_.NextInt(0, static_cast<int64_t>(text_.size()) - max_);
    return text_.substr(offset, stream_.NextInt(min_, max_));
  }
  void FinishRow() { stream_.FinishRow(); }

 private:
  std::string_view text_;
  int min_, max_;
  RandomStream stream_;
};

}  // namespace sirocco::tpch
