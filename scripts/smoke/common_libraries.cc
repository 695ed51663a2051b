// Smoke test of the prefix: the small libraries everything uses.
#include <curl/curl.h>
#include <fmt/format.h>
#include <lz4.h>
#include <mysql/mysql.h>
#include <openssl/evp.h>
#include <xxhash.h>
#include <zstd.h>

#include <CLI/Version.hpp>
#include <expected>
#include <nlohmann/json.hpp>

int main() {
  const std::expected<int, int> value = 7;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const bool hashed = EVP_Digest("a", 1, digest, &size, EVP_sha256(), nullptr) == 1 && size == 32;
  const nlohmann::json json = {{"zstd", ZSTD_versionNumber()}, {"lz4", LZ4_versionNumber()}, {"curl", curl_version()}};
  fmt::print("{} {} {:x}\n", json.dump(), mysql_get_client_info(), XXH3_64bits("a", 1));
  return value.has_value() && hashed && mysql_get_client_version() >= 90700 ? 0 : 1;
}
