#include "automl/model_file.h"

#include <zstd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "common/bytes.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr unsigned long long kMaxBodyBytes = 4ull << 30;
constexpr char kMagic[8] = {'S', 'R', 'C', 'M', 'L', 0, 0, 2};

uint64_t Fingerprint(std::string_view bytes) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace

std::unexpected<Error> DamagedModel() {
  return MakeError(ErrorCode::kCorrupt, "The model is damaged or not one of Sirocco's.");
}

std::string WriteModelFile(const Json& header, std::string_view body) {
  ByteWriter out;
  out.PutString(header.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string rest = out.Take();
  rest.append(body);
  ByteWriter front;
  front.Put(Fingerprint(rest));
  return std::string(kMagic, sizeof(kMagic)) + front.Take() + rest;
}

Result<ModelFile> ReadModelFile(std::string_view bytes) {
  if (bytes.size() < sizeof(kMagic) + 12 || std::memcmp(bytes.data(), kMagic, 7) != 0)
    return DamagedModel();
  if (bytes[7] != kMagic[7])
    return MakeError(ErrorCode::kNotSupported,
                     "The model was made by another version of Sirocco; its format " +
                         std::to_string(static_cast<int>(bytes[7])) + " is not known here.");
  ByteReader front(bytes.substr(sizeof(kMagic), 8));
  const std::string_view rest = bytes.substr(sizeof(kMagic) + 8);
  if (front.Get<uint64_t>() != Fingerprint(rest)) return DamagedModel();
  ByteReader in(rest);
  const std::string text = in.GetString();
  ModelFile file;
  file.header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!in.ok() || !file.header.is_object() || !file.header.contains("task") ||
      !file.header["task"].is_string())
    return DamagedModel();
  file.body = rest.substr(4 + text.size());
  return file;
}

std::string Compress(std::string_view bytes) {
  std::string result(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), 6);
  result.resize(size);
  return result;
}

Result<std::string> Decompress(std::string_view bytes) {
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  // The size is the frame's own claim.
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > kMaxBodyBytes)
    return DamagedModel();
  std::string result(size, '\0');
  const size_t got = ZSTD_decompress(result.data(), result.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0 || got != size) return DamagedModel();
  return result;
}

Json NumbersToJson(const std::vector<float>& numbers) {
  Json list = Json::array();
  for (const float number : numbers) list.push_back(std::isnan(number) ? Json() : Json(number));
  return list;
}

Result<std::vector<float>> NumbersFromJson(const Json& json) {
  if (!json.is_array()) return DamagedModel();
  std::vector<float> numbers;
  for (const Json& value : json) {
    if (!value.is_null() && !value.is_number()) return DamagedModel();
    numbers.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN()
                                      : value.get<float>());
  }
  return numbers;
}

}  // namespace sirocco::automl
