#include "test_store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <optional>

#include "lakehouse/store/signature.h"

namespace sirocco::test {

using lakehouse::HexText;
using lakehouse::HmacSha256;
using lakehouse::Sha256Hex;

namespace {

constexpr size_t kMaxHead = 64 << 10, kMaxBody = 512 << 20;
constexpr std::string_view kGeneratedLine = "1,generated,2026-11-21,0.50\n";

uint64_t NowUs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

int HexDigit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

std::string Decode(std::string_view text, bool plus) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// The store's own encoder, written apart from the client's.
std::string Encode(std::string_view text) {
  std::string out;
  char hex[4];
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~", c) != nullptr) {
      out += c;
    } else {
      std::snprintf(hex, sizeof(hex), "%%%02X", static_cast<unsigned char>(c));
      out += hex;
    }
  }
  return out;
}

std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string Between(std::string_view text, std::string_view open, std::string_view close) {
  const size_t begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const size_t end = text.find(close, begin + open.size());
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin + open.size(), end - begin - open.size()));
}

}  // namespace

struct TestStore::Request {
  std::string method, target, path, body;  // path: decoded
  std::string raw_path, raw_query;
  std::map<std::string, std::string> query, headers;

  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  }
};

struct TestStore::Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::shared_ptr<const std::string> shared;  // the body, if set, from `offset`
  uint64_t offset = 0, size = 0;
  bool generated = false;  // the body is made of generated lines
  enum class Fault : uint8_t { kNone, kTruncate, kReset } fault = Fault::kNone;

  static Answer Error(int status, const std::string& code) {
    Answer answer;
    answer.status = status;
    answer.headers = {{"Content-Type", "application/xml"}};
    answer.body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + code +
                  "</Message></Error>";
    return answer;
  }
};

TestStore::TestStore(std::string access_key, std::string secret_key, std::string session_token)
    : access_key_(std::move(access_key)),
      secret_key_(std::move(secret_key)),
      session_token_(std::move(session_token)) {}

TestStore::~TestStore() {
  stopping_ = true;
  if (listener_ >= 0) ::shutdown(listener_, SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& server : servers_) server.join();
  if (listener_ >= 0) ::close(listener_);
}

bool TestStore::Start(uint16_t port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, 256) != 0)
    return false;
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
  return true;
}

void TestStore::PutObject(const std::string& bucket, const std::string& key, std::string bytes) {
  std::lock_guard lock(mutex_);
  buckets_[bucket].objects[key] = {std::make_shared<const std::string>(std::move(bytes)),
                                   "\"" + std::to_string(next_etag_++) + "\""};
}

std::string TestStore::GetObject(const std::string& bucket, const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto at = buckets_[bucket].objects.find(key);
  return at == buckets_[bucket].objects.end() ? std::string() : *at->second.bytes;
}

void TestStore::Generate(const std::string& bucket, const std::string& prefix, uint64_t count,
                         uint64_t size) {
  std::lock_guard lock(mutex_);
  buckets_[bucket].generated.push_back({prefix, count, size});
}

void TestStore::set_behaviour(const StoreBehaviour& behaviour) {
  std::lock_guard lock(mutex_);
  behaviour_ = behaviour;
}

StoreCounts TestStore::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void TestStore::Accept() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    servers_.emplace_back([this, socket] { Serve(socket); });
  }
}

bool TestStore::ReadRequest(int socket, std::string* buffer, Request* request) {
  const auto receive = [&] {
    char block[64 << 10];
    const ssize_t got = ::recv(socket, block, sizeof(block), 0);
    if (got <= 0) return false;
    buffer->append(block, static_cast<size_t>(got));
    return true;
  };
  size_t end;
  while ((end = buffer->find("\r\n\r\n")) == std::string::npos)
    if (buffer->size() > kMaxHead || !receive()) return false;
  const std::string head = buffer->substr(0, end);
  buffer->erase(0, end + 4);
  *request = Request();
  const size_t first = head.find("\r\n");
  const std::string line = head.substr(0, first);
  const size_t space = line.find(' '), last = line.rfind(' ');
  if (space == std::string::npos || last <= space) return false;
  request->method = line.substr(0, space);
  request->target = line.substr(space + 1, last - space - 1);
  for (size_t at = first; at != std::string::npos && at + 2 < head.size();) {
    const size_t next = head.find("\r\n", at + 2);
    const std::string header =
        head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const size_t colon = header.find(':');
    if (colon == std::string::npos) return false;
    std::string value = header.substr(colon + 1);
    value.erase(0, value.find_first_not_of(" \t"));
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
    request->headers[Lower(header.substr(0, colon))] = value;
    at = next;
  }
  const size_t question = request->target.find('?');
  request->raw_path = request->target.substr(0, question);
  if (question != std::string::npos) request->raw_query = request->target.substr(question + 1);
  request->path = Decode(request->raw_path, false);
  std::string_view rest = request->raw_query;
  while (!rest.empty()) {
    const size_t amp = rest.find('&');
    const std::string_view pair = rest.substr(0, amp);
    const size_t equals = pair.find('=');
    request->query[Decode(pair.substr(0, equals), true)] =
        equals == std::string_view::npos ? "" : Decode(pair.substr(equals + 1), true);
    rest = amp == std::string_view::npos ? std::string_view() : rest.substr(amp + 1);
  }
  if (Lower(request->header("expect")) == "100-continue")
    (void)::send(socket, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
  const size_t length =
      static_cast<size_t>(std::strtoull(request->header("content-length").c_str(), nullptr, 10));
  if (length > kMaxBody) return false;
  while (buffer->size() < length)
    if (!receive()) return false;
  request->body = buffer->substr(0, length);
  buffer->erase(0, length);
  return true;
}

void TestStore::Serve(int socket) {
  std::string buffer;
  Request request;
  while (!stopping_ && ReadRequest(socket, &buffer, &request)) {
    uint32_t latency;
    bool granted;
    {
      std::lock_guard lock(mutex_);
      ++counts_.requests;
      latency = behaviour_.latency_ms;
      granted = TakeToken();
      ++(granted ? counts_.granted : counts_.refused);
    }
    if (latency != 0) std::this_thread::sleep_for(std::chrono::milliseconds(latency));
    if (!SendAnswer(socket, request, granted ? Handle(request) : Answer::Error(503, "SlowDown")))
      break;
  }
  std::lock_guard lock(mutex_);
  std::erase(sockets_, socket);
  ::close(socket);
}

// A bucket of a tenth of a second's tokens, so that the limit holds over short times too.
bool TestStore::TakeToken() {
  const double rate = behaviour_.requests_per_second;
  if (rate <= 0) return true;
  const uint64_t now = NowUs();
  tokens_ = std::min(std::max(1.0, rate / 10), tokens_ + (now - token_time_us_) / 1e6 * rate);
  token_time_us_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool TestStore::SendAnswer(int socket, const Request& request, Answer answer) {
  const uint64_t size =
      answer.shared != nullptr || answer.generated ? answer.size : answer.body.size();
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  if (answer.status != 204) head += "Content-Length: " + std::to_string(size) + "\r\n";
  head += "\r\n";
  const auto send_all = [&](const char* data, size_t left) {
    while (left > 0) {
      const ssize_t sent = ::send(socket, data, left, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data += sent;
      left -= static_cast<size_t>(sent);
    }
    return true;
  };
  if (!send_all(head.data(), head.size())) return false;
  if (request.method == "HEAD") return true;
  uint64_t left = size, offset = answer.offset;
  if (answer.fault != Answer::Fault::kNone) left /= 2;
  double rate;
  {
    std::lock_guard lock(mutex_);
    rate = behaviour_.bytes_per_second;
    counts_.bytes += left;
  }
  std::string block;
  const uint64_t start = NowUs();
  uint64_t sent = 0;
  while (left > 0) {
    const size_t part = static_cast<size_t>(std::min<uint64_t>(left, 64 << 10));
    const char* data = answer.body.data() + sent;
    if (answer.shared != nullptr) {
      data = answer.shared->data() + offset;
    } else if (answer.generated) {
      block.clear();
      while (block.size() < part)
        block += kGeneratedLine[(offset + block.size()) % kGeneratedLine.size()];
      data = block.data();
    }
    if (!send_all(data, part)) return false;
    left -= part;
    offset += part;
    sent += part;
    if (rate > 0) {
      const auto due = static_cast<uint64_t>(sent / rate * 1e6), taken = NowUs() - start;
      if (due > taken) std::this_thread::sleep_for(std::chrono::microseconds(due - taken));
    }
  }
  if (answer.fault == Answer::Fault::kReset) {
    const linger hard{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  return answer.fault == Answer::Fault::kNone;
}

// Status 200 if the request is signed as it should be.
TestStore::Answer TestStore::CheckSignature(const Request& request) const {
  if (access_key_.empty()) return {};
  const bool presigned = request.query.contains("X-Amz-Signature");
  std::string credential, names, signature, time, payload;
  if (presigned) {
    credential = request.query.at("X-Amz-Credential");
    names = request.query.at("X-Amz-SignedHeaders");
    signature = request.query.at("X-Amz-Signature");
    time = request.query.at("X-Amz-Date");
    payload = "UNSIGNED-PAYLOAD";
    if (request.query.at("X-Amz-Algorithm") != "AWS4-HMAC-SHA256")
      return Answer::Error(400, "AuthorizationQueryParametersError");
  } else {
    const std::string header = request.header("authorization");
    if (!header.starts_with("AWS4-HMAC-SHA256 ")) return Answer::Error(403, "AccessDenied");
    credential = Between(header, "Credential=", ",");
    names = Between(header, "SignedHeaders=", ",");
    signature = header.substr(header.find("Signature=") == std::string::npos
                                  ? header.size()
                                  : header.find("Signature=") + 10);
    time = request.header("x-amz-date");
    payload = request.header("x-amz-content-sha256");
    if (payload.empty()) return Answer::Error(400, "MissingSecurityHeader");
    if (payload != "UNSIGNED-PAYLOAD" && payload != Sha256Hex(request.body))
      return Answer::Error(400, "XAmzContentSHA256Mismatch");
    // Everything that begins with x-amz- must be signed, and host.
    const std::string list = ";" + names + ";";
    for (const auto& [name, value] : request.headers)
      if ((name.starts_with("x-amz-") || name == "host") &&
          list.find(";" + name + ";") == std::string::npos)
        return Answer::Error(403, "AccessDenied");
  }
  // "key/date/region/s3/aws4_request"
  std::vector<std::string> scope;
  for (size_t at = 0; at <= credential.size();) {
    const size_t slash = std::min(credential.find('/', at), credential.size());
    scope.push_back(credential.substr(at, slash - at));
    at = slash + 1;
  }
  if (scope.size() != 5 || scope[3] != "s3" || scope[4] != "aws4_request")
    return Answer::Error(400, "AuthorizationHeaderMalformed");
  if (scope[0] != access_key_) return Answer::Error(403, "InvalidAccessKeyId");
  std::tm parts{};
  if (strptime(time.c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr || time.substr(0, 8) != scope[1])
    return Answer::Error(403, "AccessDenied");
  const auto signed_at = static_cast<int64_t>(timegm(&parts)),
             now = static_cast<int64_t>(std::time(nullptr));
  if (presigned) {
    const int64_t expires = std::strtoll(request.query.at("X-Amz-Expires").c_str(), nullptr, 10);
    if (now > signed_at + expires || signed_at > now + 900)
      return Answer::Error(403, "AccessDenied");
  } else if (std::abs(signed_at - now) > 900) {
    return Answer::Error(403, "RequestTimeTooSkewed");
  }
  const std::string token = presigned ? (request.query.contains("X-Amz-Security-Token")
                                             ? request.query.at("X-Amz-Security-Token")
                                             : "")
                                      : request.header("x-amz-security-token");
  if (token != session_token_) return Answer::Error(403, "InvalidToken");
  std::map<std::string, std::string> query;
  for (const auto& [name, value] : request.query)
    if (name != "X-Amz-Signature") query[Encode(name)] = Encode(value);
  std::string canonical = request.method + "\n" + request.raw_path + "\n";
  for (auto at = query.begin(); at != query.end(); ++at)
    canonical += (at == query.begin() ? "" : "&") + at->first + "=" + at->second;
  canonical += "\n";
  for (size_t at = 0; at < names.size();) {
    const size_t end = std::min(names.find(';', at), names.size());
    const std::string name = names.substr(at, end - at);
    if (!request.headers.contains(name)) return Answer::Error(403, "SignatureDoesNotMatch");
    canonical += name + ":" + request.header(name) + "\n";
    at = end + 1;
  }
  canonical += "\n" + names + "\n" + payload;
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + time + "\n" + scope[1] + "/" + scope[2] +
                              "/s3/aws4_request\n" + Sha256Hex(canonical);
  const std::string key =
      HmacSha256(HmacSha256(HmacSha256(HmacSha256("AWS4" + secret_key_, scope[1]), scope[2]), "s3"),
                 "aws4_request");
  if (HexText(HmacSha256(key, to_sign)) != signature)
    return Answer::Error(403, "SignatureDoesNotMatch");
  return {};
}

TestStore::Answer TestStore::Handle(const Request& request) {
  Answer refused = CheckSignature(request);
  if (refused.status != 200) {
    std::lock_guard lock(mutex_);
    ++counts_.bad_signatures;
    return refused;
  }
  const size_t slash = request.path.find('/', 1);
  const std::string bucket = request.path.substr(1, slash == std::string::npos ? slash : slash - 1);
  const std::string key = slash == std::string::npos ? "" : request.path.substr(slash + 1);
  if (bucket.empty()) return Answer::Error(400, "InvalidRequest");
  std::lock_guard lock(mutex_);
  if (key.empty()) {
    if (request.method == "GET") return List(request, bucket);
    if (request.method == "PUT") {
      buckets_[bucket];
      return {};
    }
    return Answer::Error(405, "MethodNotAllowed");
  }
  return HandleObject(request, bucket, key);
}

TestStore::Answer TestStore::HandleObject(const Request& request, const std::string& bucket,
                                          const std::string& key) {
  if (request.query.contains("uploads") || request.query.contains("uploadId"))
    return HandleUpload(request, bucket, key);
  if (request.method == "GET" || request.method == "HEAD") return Read(request, bucket, key);
  if (request.method == "PUT") return Write(request, bucket, key);
  if (request.method == "DELETE") {
    buckets_[bucket].objects.erase(key);
    Answer answer;
    answer.status = 204;
    return answer;
  }
  return Answer::Error(405, "MethodNotAllowed");
}

TestStore::Answer TestStore::Read(const Request& request, const std::string& bucket,
                                  const std::string& key) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Answer::Error(404, "NoSuchBucket");
  Answer answer;
  std::string etag;
  uint64_t size = 0;
  const auto object = found->second.objects.find(key);
  if (object != found->second.objects.end()) {
    answer.shared = object->second.bytes;
    size = answer.shared->size();
    etag = object->second.etag;
  } else {
    for (const Generated& generated : found->second.generated) {
      const std::string digits =
          key.starts_with(generated.prefix) ? key.substr(generated.prefix.size()) : "";
      if (digits.size() != 8 || digits.find_first_not_of("0123456789") != std::string::npos ||
          std::stoull(digits) >= generated.count)
        continue;
      answer.generated = true;
      size = generated.size;
      etag = "\"generated\"";
    }
    if (!answer.generated) return Answer::Error(404, "NoSuchKey");
  }
  if (const std::string match = request.header("if-match"); !match.empty() && match != etag)
    return Answer::Error(412, "PreconditionFailed");
  answer.headers = {{"ETag", etag},
                    {"Last-Modified", "Sat, 21 Nov 2026 08:00:00 GMT"},
                    {"Accept-Ranges", "bytes"}};
  answer.size = size;
  const std::string range = request.header("range");
  if (range.starts_with("bytes=")) {
    const size_t dash = range.find('-');
    uint64_t first = 0, last = size == 0 ? 0 : size - 1;
    if (dash == 6) {
      const uint64_t suffix = std::stoull(range.substr(7));
      first = suffix >= size ? 0 : size - suffix;
    } else {
      first = std::stoull(range.substr(6, dash - 6));
      if (dash + 1 < range.size())
        last = std::min<uint64_t>(last, std::stoull(range.substr(dash + 1)));
    }
    if (first >= size || first > last) return Answer::Error(416, "InvalidRange");
    answer.status = 206;
    answer.offset = first;
    answer.size = last - first + 1;
  }
  if (request.method == "GET") {
    ++counts_.reads;
    const auto due = [this](uint32_t every) { return every != 0 && counts_.reads % every == 0; };
    if (behaviour_.deny_after_reads != 0 && counts_.reads >= behaviour_.deny_after_reads)
      return Answer::Error(403, "AccessDenied");
    if (due(behaviour_.fail_every)) return Answer::Error(500, "InternalError");
    if (due(behaviour_.truncate_every)) answer.fault = Answer::Fault::kTruncate;
    if (due(behaviour_.reset_every)) answer.fault = Answer::Fault::kReset;
    if (due(behaviour_.wrong_range_every) && answer.status == 206 && answer.offset > 0)
      --answer.offset;
  }
  if (answer.status == 206) {
    answer.headers.emplace_back("Content-Range",
                                "bytes " + std::to_string(answer.offset) + "-" +
                                    std::to_string(answer.offset + answer.size - 1) + "/" +
                                    std::to_string(size));
  }
  return answer;
}

TestStore::Answer TestStore::Write(const Request& request, const std::string& bucket,
                                   const std::string& key) {
  auto& objects = buckets_[bucket].objects;
  const auto at = objects.find(key);
  if (request.header("if-none-match") == "*" && at != objects.end())
    return Answer::Error(412, "PreconditionFailed");
  const std::string match = request.header("if-match");
  if (!match.empty() && (at == objects.end() || at->second.etag != match))
    return Answer::Error(412, "PreconditionFailed");
  Object object{std::make_shared<const std::string>(request.body),
                "\"" + std::to_string(next_etag_++) + "\""};
  Answer answer;
  answer.headers = {{"ETag", object.etag}};
  objects[key] = std::move(object);
  return answer;
}

TestStore::Answer TestStore::HandleUpload(const Request& request, const std::string& bucket,
                                          const std::string& key) {
  Answer answer;
  if (request.method == "POST" && request.query.contains("uploads")) {
    const std::string id = "upload-" + std::to_string(next_upload_++);
    uploads_[id] = {bucket, key, {}};
    answer.body = "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Bucket>" +
                  XmlText(bucket) + "</Bucket><Key>" + XmlText(key) + "</Key><UploadId>" + id +
                  "</UploadId></InitiateMultipartUploadResult>";
    return answer;
  }
  const auto at = uploads_.find(request.query.at("uploadId"));
  if (at == uploads_.end() || at->second.bucket != bucket || at->second.key != key)
    return Answer::Error(404, "NoSuchUpload");
  if (request.method == "PUT") {
    const int number = std::atoi(
        request.query.contains("partNumber") ? request.query.at("partNumber").c_str() : "0");
    if (number < 1 || number > 10000) return Answer::Error(400, "InvalidArgument");
    Object part{std::make_shared<const std::string>(request.body),
                "\"p" + std::to_string(next_etag_++) + "\""};
    answer.headers = {{"ETag", part.etag}};
    at->second.parts[number] = std::move(part);
    return answer;
  }
  if (request.method == "DELETE") {
    uploads_.erase(at);
    answer.status = 204;
    return answer;
  }
  std::string bytes;
  int previous = 0, count = 0;
  std::string_view rest = request.body;
  for (size_t part; (part = rest.find("<Part>")) != std::string_view::npos;) {
    const size_t end = rest.find("</Part>", part);
    if (end == std::string_view::npos) return Answer::Error(400, "MalformedXML");
    const std::string_view item = rest.substr(part, end - part);
    rest = rest.substr(end + 7);
    const int number = std::atoi(Between(item, "<PartNumber>", "</PartNumber>").c_str());
    std::string etag = Between(item, "<ETag>", "</ETag>");
    if (etag.starts_with("&quot;")) etag = "\"" + Between(etag, "&quot;", "&quot;") + "\"";
    if (number <= previous) return Answer::Error(400, "InvalidPartOrder");
    previous = number;
    const auto found = at->second.parts.find(number);
    if (found == at->second.parts.end() || found->second.etag != etag)
      return Answer::Error(400, "InvalidPart");
    bytes += *found->second.bytes;
    ++count;
  }
  if (count == 0) return Answer::Error(400, "MalformedXML");
  auto& objects = buckets_[bucket].objects;
  if (request.header("if-none-match") == "*" && objects.contains(key))
    return Answer::Error(412, "PreconditionFailed");
  const std::string etag = "\"" + std::to_string(next_etag_++) + "-" + std::to_string(count) + "\"";
  objects[key] = {std::make_shared<const std::string>(std::move(bytes)), etag};
  uploads_.erase(at);
  answer.body = "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>" + XmlText(etag) +
                "</ETag></CompleteMultipartUploadResult>";
  return answer;
}

TestStore::Answer TestStore::List(const Request& request, const std::string& bucket) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return Answer::Error(404, "NoSuchBucket");
  const auto value = [&](const char* name) {
    const auto at = request.query.find(name);
    return at == request.query.end() ? std::string() : at->second;
  };
  const std::string prefix = value("prefix"), delimiter = value("delimiter");
  const bool encoded = value("encoding-type") == "url";
  std::string after = std::max(value("start-after"), value("continuation-token"));
  size_t max_keys =
      value("max-keys").empty() ? 1000 : static_cast<size_t>(std::stoull(value("max-keys")));
  max_keys = std::min<size_t>(max_keys, 1000);
  // The next name above `after` among objects and generated ones.
  const auto next_name = [&](const std::string& from, uint64_t* size,
                             std::string* etag) -> std::string {
    std::string best;
    if (const auto at = found->second.objects.upper_bound(from);
        at != found->second.objects.end()) {
      best = at->first;
      *size = at->second.bytes->size();
      *etag = at->second.etag;
    }
    for (const Generated& generated : found->second.generated) {
      const auto name_of = [&](uint64_t index) {
        char digits[24];
        std::snprintf(digits, sizeof(digits), "%08llu", static_cast<unsigned long long>(index));
        return generated.prefix + digits;
      };
      uint64_t low = 0, high = generated.count;
      while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (name_of(middle) > from)
          high = middle;
        else
          low = middle + 1;
      }
      if (low == generated.count) continue;
      const std::string name = name_of(low);
      if (best.empty() || name < best) {
        best = name;
        *size = generated.size;
        *etag = "\"generated\"";
      }
    }
    return best;
  };
  const auto shown = [&](const std::string& name) {
    return XmlText(encoded ? Encode(name) : name);
  };
  std::string contents, prefixes, last;
  size_t count = 0;
  bool truncated = false;
  if (after < prefix && !prefix.empty()) {
    // The last name below the prefix.
    after = prefix;
    after.back() = static_cast<char>(after.back() - 1);
    after += "\x7F\x7F\x7F\x7F";
  }
  std::string last_common;
  for (std::string name = after;;) {
    uint64_t size = 0;
    std::string etag;
    name = next_name(name, &size, &etag);
    if (name.empty()) break;
    if (!name.starts_with(prefix)) {
      if (name < prefix) continue;
      break;
    }
    std::string common;
    if (!delimiter.empty()) {
      const size_t at = name.find(delimiter, prefix.size());
      if (at != std::string::npos) common = name.substr(0, at + delimiter.size());
      if (!common.empty() && common == last_common) continue;
    }
    if (count == max_keys) {
      truncated = true;
      break;
    }
    ++count;
    last = name;
    if (!common.empty()) {
      last_common = common;
      prefixes += "<CommonPrefixes><Prefix>" + shown(common) + "</Prefix></CommonPrefixes>";
    } else {
      contents += "<Contents><Key>" + shown(name) +
                  "</Key><LastModified>2026-11-21T08:00:00.000Z</LastModified><ETag>" +
                  XmlText(etag) + "</ETag><Size>" + std::to_string(size) + "</Size></Contents>";
    }
  }
  Answer answer;
  answer.headers = {{"Content-Type", "application/xml"}};
  answer.body =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>" + XmlText(bucket) +
      "</Name><Prefix>" + shown(prefix) + "</Prefix>" +
      (encoded ? "<EncodingType>url</EncodingType>" : "") + "<KeyCount>" + std::to_string(count) +
      "</KeyCount><MaxKeys>" + std::to_string(max_keys) + "</MaxKeys><IsTruncated>" +
      (truncated ? "true" : "false") + "</IsTruncated>" +
      (truncated ? "<NextContinuationToken>" + XmlText(last) + "</NextContinuationToken>" : "") +
      contents + prefixes + "</ListBucketResult>";
  return answer;
}

}  // namespace sirocco::test
