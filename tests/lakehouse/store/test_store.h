// A small S3 store for tests, inside the process or as a program: strict about signatures, and able
// to misbehave.
//
// Speaks path style HTTP/1.1: GET with ranges, HEAD, PUT, DELETE, ListObjectsV2, multipart uploads,
// conditions (If-Match, If-None-Match), header signatures and presigned URLs, both checked from the
// request as it came. Objects are in memory; a bucket may also hold any number of generated ones,
// which exist only as a rule. Limits and faults can change at any time. Threads: all methods from
// any thread; a thread per connection.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sirocco::test {

struct StoreBehaviour {
  double requests_per_second = 0;  // above it: 503 SlowDown; 0: no limit
  uint32_t latency_ms = 0;         // before every answer
  double bytes_per_second = 0;     // of one connection; 0: no limit
  // Every n-th read of an object (0: none) ...
  uint32_t truncate_every = 0;     // ends in the middle of its body
  uint32_t reset_every = 0;        // is cut off with a reset
  uint32_t fail_every = 0;         // is answered with 500
  uint32_t wrong_range_every = 0;  // is answered with another range
  uint64_t deny_after_reads = 0;   // from this read on: 403
};

struct StoreCounts {
  uint64_t requests = 0, granted = 0, refused = 0, reads = 0, bad_signatures = 0, bytes = 0;
};

class TestStore {
 public:
  // Anonymous requests are refused unless `access_key` is empty.
  TestStore(std::string access_key, std::string secret_key, std::string session_token = "");
  ~TestStore();

  // Listens on 127.0.0.1; 0 chooses a port. False: the port cannot be had.
  bool Start(uint16_t port = 0);
  uint16_t port() const { return port_; }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void PutObject(const std::string& bucket, const std::string& key, std::string bytes);
  std::string GetObject(const std::string& bucket, const std::string& key);
  // Objects prefix00000000 ... of `size` bytes each, all made of the same repeated line.
  void Generate(const std::string& bucket, const std::string& prefix, uint64_t count,
                uint64_t size);
  void set_behaviour(const StoreBehaviour& behaviour);
  StoreCounts counts() const;

 private:
  struct Object {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
  };
  struct Generated {
    std::string prefix;
    uint64_t count = 0, size = 0;
  };
  struct Bucket {
    std::map<std::string, Object> objects;
    std::vector<Generated> generated;
  };
  struct Upload {
    std::string bucket, key;
    std::map<int, Object> parts;
  };
  struct Request;
  struct Answer;

  void Accept();
  void Serve(int socket);
  bool ReadRequest(int socket, std::string* buffer, Request* request);
  bool SendAnswer(int socket, const Request& request, Answer answer);
  Answer Handle(const Request& request);
  Answer CheckSignature(const Request& request) const;
  Answer HandleObject(const Request& request, const std::string& bucket, const std::string& key);
  Answer Read(const Request& request, const std::string& bucket, const std::string& key);
  Answer Write(const Request& request, const std::string& bucket, const std::string& key);
  Answer HandleUpload(const Request& request, const std::string& bucket, const std::string& key);
  Answer List(const Request& request, const std::string& bucket);
  bool TakeToken();

  const std::string access_key_, secret_key_, session_token_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> servers_;

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Bucket> buckets_;
  std::map<std::string, Upload> uploads_;
  std::vector<int> sockets_;
  StoreBehaviour behaviour_;
  StoreCounts counts_;
  uint64_t next_etag_ = 1, next_upload_ = 1;
  double tokens_ = 0;
  uint64_t token_time_us_ = 0;
};

}  // namespace sirocco::test
