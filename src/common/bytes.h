// Little-endian binary encoding of small values, and its inverse on untrusted bytes.
//
// ByteReader never reads past its end and never trusts a length: every Read returns false on short input and the reader stays
// failed, so a decoder may read on and check ok() once.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace sirocco {

class ByteWriter {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, __int128>
  void Put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }
  void PutString(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }

  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_same_v<T, __int128>
  T Get() {
    T value{};
    if (!ok_ || bytes_.size() - at_ < sizeof(T)) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  bool GetBool() {
    const auto value = Get<uint8_t>();
    if (value > 1) ok_ = false;
    return value == 1;
  }
  // An enumerator within [first, last].
  template <typename E>
  E GetEnum(E first, E last) {
    using Raw = std::underlying_type_t<E>;
    const Raw raw = Get<Raw>();
    if (raw < static_cast<Raw>(first) || raw > static_cast<Raw>(last)) {
      ok_ = false;
      return first;
    }
    return static_cast<E>(raw);
  }
  std::string GetString() {
    const auto size = Get<uint32_t>();
    if (!ok_ || bytes_.size() - at_ < size) {
      ok_ = false;
      return {};
    }
    std::string text(bytes_.substr(at_, size));
    at_ += size;
    return text;
  }
  // A count of elements that take at least `min_bytes` each; fails if they cannot be there.
  uint32_t GetCount(size_t min_bytes = 1) {
    const auto count = Get<uint32_t>();
    if (ok_ && count > (bytes_.size() - at_) / min_bytes) ok_ = false;
    return ok_ ? count : 0;
  }

  bool ok() const { return ok_; }
  void Fail() { ok_ = false; }
  bool AtEnd() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace sirocco
