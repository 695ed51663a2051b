// HTTP requests over libcurl, many at once in one thread of the client, under a FlowControl;
// retries are made here.
//
// A request is described by a function, called anew for every attempt because signatures carry the
// time. Answers 408, 429 and 5xx, broken connections and short bodies are retried with random,
// doubling pauses until the deadline or the number of attempts is over. Bodies are kept up to a
// limit; ranged reads go straight to the caller's buffer. Threads: all methods from any thread; the
// client must outlive its calls. Errors: kTimeout, kIo, kCancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "lakehouse/store/flow_control.h"

namespace sirocco::lakehouse {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string_view body;             // of PUT and POST; lives as long as the call
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // empty if it went to the buffer
  size_t num_bytes = 0;                        // of the body
};

struct HttpCallOptions {
  std::span<char> out;               // the body of a 206 (or 200 of this very size) goes here
  size_t max_body_bytes = 32 << 20;  // of other bodies
  uint32_t max_attempts = 12;
  uint64_t deadline_us = 120000000;  // for all attempts together
};

struct HttpOptions {
  uint32_t connect_timeout_ms = 10000;
  // A transfer slower than one KB a second for this long is broken.
  uint32_t stall_seconds = 15;
  bool verify_certificates = true;
  std::string certificates;         // file of authorities; empty: the system's
  uint64_t first_pause_us = 50000;  // before the second attempt, at most
};

class HttpCall {
 public:
  virtual ~HttpCall() = default;  // cancels
  virtual Result<HttpResponse> Wait() = 0;
};

class HttpClient {
 public:
  using MakeRequest = std::function<HttpRequest()>;
  static std::unique_ptr<HttpClient> Create(HttpOptions options = {});
  virtual ~HttpClient() = default;

  virtual std::unique_ptr<HttpCall> Start(MakeRequest make, HttpCallOptions options = {}) = 0;
  Result<HttpResponse> Run(MakeRequest make, HttpCallOptions options = {}) {
    return Start(std::move(make), options)->Wait();
  }
  virtual FlowFigures figures() const = 0;
  virtual size_t request_bytes() const = 0;
};

}  // namespace sirocco::lakehouse
