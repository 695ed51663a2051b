// AWS Signature Version 4 for S3: what proves to a store who asks. Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sirocco::lakehouse {

struct Credentials {
  std::string access_key, secret_key, session_token;  // empty: anonymous
  bool empty() const { return access_key.empty(); }
};

// %XX for everything but A-Z a-z 0-9 - . _ ~ (and '/' if kept).
std::string UriEncode(std::string_view text, bool keep_slash);
std::string Sha256Hex(std::string_view text);
std::string HmacSha256(std::string_view key, std::string_view text);  // 32 raw bytes
std::string HexText(std::string_view bytes);

struct SigningRequest {
  std::string method = "GET";
  std::string host;                          // with the port if it is not the scheme's own
  std::string path;                          // encoded, beginning with '/'
  std::map<std::string, std::string> query;  // not encoded
  std::map<std::string, std::string>
      headers;  // names in lower case, besides host and x-amz-*; signed all
  std::string payload_hash = "UNSIGNED-PAYLOAD";
};

// "20261121T081500Z".
std::string AmazonTime(int64_t seconds_since_1970);

// Encoded query string of a request, sorted: "a=1&b=%2F".
std::string CanonicalQuery(const std::map<std::string, std::string>& query);

// The headers to send, "Name: value", without Host: authorization, x-amz-date,
// x-amz-content-sha256, token, and those given.
std::vector<std::string> SignHeaders(const SigningRequest& request, const Credentials& credentials,
                                     std::string_view region, std::string_view amazon_time);

// Query string, signature included, that makes the request good for `seconds` without headers.
std::string PresignQuery(SigningRequest request, const Credentials& credentials,
                         std::string_view region, std::string_view amazon_time, int seconds);

}  // namespace sirocco::lakehouse
