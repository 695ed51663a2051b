#include "lakehouse/store/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>

namespace sirocco::lakehouse {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string Scope(std::string_view date, std::string_view region) {
  return std::string(date) + "/" + std::string(region) + "/s3/aws4_request";
}

std::string Signature(const SigningRequest& request,
                      const std::map<std::string, std::string>& headers, const std::string& names,
                      const Credentials& credentials, std::string_view region,
                      std::string_view time) {
  std::string canonical =
      request.method + "\n" + request.path + "\n" + CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : headers) canonical += name + ":" + value + "\n";
  canonical += "\n" + names + "\n" + request.payload_hash;
  const std::string_view date = time.substr(0, 8);
  const std::string to_sign = std::string(kAlgorithm) + "\n" + std::string(time) + "\n" +
                              Scope(date, region) + "\n" + Sha256Hex(canonical);
  std::string key = HmacSha256("AWS4" + credentials.secret_key, date);
  key = HmacSha256(key, region);
  key = HmacSha256(key, "s3");
  key = HmacSha256(key, "aws4_request");
  return HexText(HmacSha256(key, to_sign));
}

std::string NamesOf(const std::map<std::string, std::string>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string HexText(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kHex[static_cast<uint8_t>(c) >> 4];
    text += kHex[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::string UriEncode(std::string_view text, bool keep_slash) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    const bool plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~' || (keep_slash && byte == '/');
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string Sha256Hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return HexText({reinterpret_cast<char*>(digest), size});
}

std::string HmacSha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return {reinterpret_cast<char*>(digest), size};
}

std::string AmazonTime(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts;
  gmtime_r(&time, &parts);
  char text[20];
  return {text, std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &parts)};
}

std::string CanonicalQuery(const std::map<std::string, std::string>& query) {
  // Sorted by the encoded names.
  std::map<std::string, std::string> encoded;
  for (const auto& [name, value] : query) encoded[UriEncode(name, false)] = UriEncode(value, false);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

std::vector<std::string> SignHeaders(const SigningRequest& request, const Credentials& credentials,
                                     std::string_view region, std::string_view time) {
  std::vector<std::string> lines;
  std::map<std::string, std::string> headers = request.headers;
  if (!credentials.empty()) {
    headers["x-amz-date"] = time;
    headers["x-amz-content-sha256"] = request.payload_hash;
    if (!credentials.session_token.empty())
      headers["x-amz-security-token"] = credentials.session_token;
  }
  for (const auto& [name, value] : headers) lines.push_back(name + ": " + value);
  if (credentials.empty()) return lines;
  headers["host"] = request.host;
  const std::string names = NamesOf(headers);
  lines.push_back("Authorization: " + std::string(kAlgorithm) +
                  " Credential=" + credentials.access_key + "/" + Scope(time.substr(0, 8), region) +
                  ", SignedHeaders=" + names +
                  ", Signature=" + Signature(request, headers, names, credentials, region, time));
  return lines;
}

std::string PresignQuery(SigningRequest request, const Credentials& credentials,
                         std::string_view region, std::string_view time, int seconds) {
  request.query["X-Amz-Algorithm"] = kAlgorithm;
  request.query["X-Amz-Credential"] =
      credentials.access_key + "/" + Scope(time.substr(0, 8), region);
  request.query["X-Amz-Date"] = time;
  request.query["X-Amz-Expires"] = std::to_string(seconds);
  request.query["X-Amz-SignedHeaders"] = "host";
  if (!credentials.session_token.empty())
    request.query["X-Amz-Security-Token"] = credentials.session_token;
  request.payload_hash = "UNSIGNED-PAYLOAD";
  const std::string signature =
      Signature(request, {{"host", request.host}}, "host", credentials, region, time);
  return CanonicalQuery(request.query) + "&X-Amz-Signature=" + signature;
}

}  // namespace sirocco::lakehouse
