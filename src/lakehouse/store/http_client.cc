#include "lakehouse/store/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

namespace sirocco::lakehouse {

namespace {

constexpr uint64_t kMaxPauseUs = 5000000;

uint64_t NowUs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

// One call; owned by the waiter and, while it is under way, by the client's thread.
struct Call {
  HttpClient::MakeRequest make;
  HttpCallOptions options;
  uint64_t give_up_us = 0;
  uint32_t attempts = 0;
  uint64_t not_before_us = 0;

  // The running attempt; the client's thread only.
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  HttpRequest request;
  HttpResponse response;
  size_t body_sent = 0;
  bool overflow = false;
  std::string last_problem;

  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::atomic<bool> cancelled{false};
  Result<HttpResponse> result;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* call = static_cast<Call*>(user);
  const size_t bytes = size * count;
  if (call->cancelled) return 0;
  long status = 0;
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
  HttpResponse& response = call->response;
  if (!call->options.out.empty() && (status == 206 || status == 200)) {
    if (call->options.out.size() - response.num_bytes < bytes) {
      call->overflow = true;
      return 0;
    }
    std::memcpy(call->options.out.data() + response.num_bytes, data, bytes);
  } else {
    if (call->options.max_body_bytes - response.body.size() < bytes) {
      call->overflow = true;
      return 0;
    }
    response.body.append(data, bytes);
  }
  response.num_bytes += bytes;
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* call = static_cast<Call*>(user);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    // Another answer begins (100 Continue, redirects).
    call->response = HttpResponse();
  } else if (const size_t colon = line.find(':');
             colon != std::string_view::npos && call->response.headers.size() < 100) {
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
      value.remove_suffix(1);
    call->response.headers[name] = value;
  }
  return size * count;
}

size_t OnSend(char* out, size_t size, size_t count, void* user) {
  auto* call = static_cast<Call*>(user);
  const size_t bytes = std::min(size * count, call->request.body.size() - call->body_sent);
  std::memcpy(out, call->request.body.data() + call->body_sent, bytes);
  call->body_sent += bytes;
  return bytes;
}

int OnSeek(void* user, curl_off_t offset, int origin) {
  auto* call = static_cast<Call*>(user);
  if (origin != SEEK_SET || offset < 0 || static_cast<size_t>(offset) > call->request.body.size())
    return CURL_SEEKFUNC_FAIL;
  call->body_sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

class Client final : public HttpClient {
 public:
  explicit Client(HttpOptions options)
      : options_(std::move(options)), random_(std::random_device()()) {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)initialized;
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, long{FlowControl::kMaxInFlight});
    thread_ = std::thread([this] { Loop(); });
  }
  ~Client() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    for (CURL* easy : idle_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
  }

  std::unique_ptr<HttpCall> Start(MakeRequest make, HttpCallOptions options) override;
  FlowFigures figures() const override {
    std::lock_guard lock(mutex_);
    return figures_;
  }
  size_t request_bytes() const override { return request_bytes_.load(std::memory_order_relaxed); }

  // Ends a call; returns when its buffers are not used any more.
  void Cancel(const std::shared_ptr<Call>& call) {
    call->cancelled = true;
    curl_multi_wakeup(multi_);
    std::unique_lock lock(call->mutex);
    call->changed.wait(lock, [&] { return call->done; });
  }

 private:
  void Loop();
  uint64_t StartReady(uint64_t now);
  void StartAttempt(const std::shared_ptr<Call>& call, uint64_t now);
  void EndAttempt(const std::shared_ptr<Call>& call, CURLcode code);
  void Detach(Call* call);
  static void Complete(const std::shared_ptr<Call>& call, Result<HttpResponse> result) {
    std::lock_guard lock(call->mutex);
    call->result = std::move(result);
    call->done = true;
    call->changed.notify_all();
  }

  const HttpOptions options_;
  CURLM* multi_;
  mutable std::mutex mutex_;  // guards what comes next, up to the thread
  std::vector<std::shared_ptr<Call>> submitted_;
  bool stopping_ = false;
  FlowFigures figures_;
  std::atomic<size_t> request_bytes_{4 << 20};
  std::thread thread_;

  // The thread's own.
  FlowControl flow_;
  std::deque<std::shared_ptr<Call>> waiting_;
  std::map<CURL*, std::shared_ptr<Call>> running_;
  std::vector<CURL*> idle_;
  std::mt19937_64 random_;
};

class CallHandle final : public HttpCall {
 public:
  CallHandle(Client* client, std::shared_ptr<Call> call)
      : client_(client), call_(std::move(call)) {}
  ~CallHandle() override {
    if (!waited_) client_->Cancel(call_);
  }
  Result<HttpResponse> Wait() override {
    std::unique_lock lock(call_->mutex);
    call_->changed.wait(lock, [this] { return call_->done; });
    waited_ = true;
    return std::move(call_->result);
  }

 private:
  Client* client_;
  std::shared_ptr<Call> call_;
  bool waited_ = false;
};

std::unique_ptr<HttpCall> Client::Start(MakeRequest make, HttpCallOptions options) {
  auto call = std::make_shared<Call>();
  call->make = std::move(make);
  call->options = options;
  call->give_up_us = NowUs() + options.deadline_us;
  {
    std::lock_guard lock(mutex_);
    submitted_.push_back(call);
  }
  curl_multi_wakeup(multi_);
  return std::make_unique<CallHandle>(this, std::move(call));
}

void Client::StartAttempt(const std::shared_ptr<Call>& call, uint64_t now) {
  call->request = call->make();
  call->response = HttpResponse();
  call->body_sent = 0;
  call->overflow = false;
  ++call->attempts;
  CURL* easy;
  if (idle_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = idle_.back();
    idle_.pop_back();
    curl_easy_reset(easy);
  }
  call->easy = easy;
  const HttpRequest& request = call->request;
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers)
    headers = curl_slist_append(headers, header.c_str());
  headers = curl_slist_append(headers, "Expect:");
  call->headers = headers;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, long{options_.connect_timeout_ms});
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, long{options_.stall_seconds});
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>((call->give_up_us - now) / 1000 + 1));
  if (!options_.verify_certificates) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options_.certificates.empty())
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.certificates.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, call.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, call.get());
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, OnSend);
    curl_easy_setopt(easy, CURLOPT_READDATA, call.get());
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, OnSeek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call.get());
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_multi_add_handle(multi_, easy);
  running_[easy] = call;
  flow_.Started(now);
}

void Client::Detach(Call* call) {
  curl_multi_remove_handle(multi_, call->easy);
  curl_slist_free_all(call->headers);
  idle_.push_back(call->easy);
  call->easy = nullptr;
  call->headers = nullptr;
}

void Client::EndAttempt(const std::shared_ptr<Call>& call, CURLcode code) {
  long status = 0;
  curl_off_t first_byte = 0, total = 0;
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(call->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total);
  Detach(call.get());
  call->response.status = static_cast<int>(status);
  const bool refused = code == CURLE_OK && (status == 503 || status == 429);
  const bool short_body = code == CURLE_OK && (status == 206 || status == 200) &&
                          !call->options.out.empty() &&
                          call->response.num_bytes != call->options.out.size();
  const bool failed = (code != CURLE_OK && !call->overflow) || short_body || status == 408 ||
                      status == 500 || status == 502 || status == 504;
  const uint64_t now = NowUs();
  flow_.Finished(refused  ? FlowControl::Outcome::kRefused
                 : failed ? FlowControl::Outcome::kFailed
                          : FlowControl::Outcome::kDone,
                 call->response.num_bytes, static_cast<uint64_t>(first_byte),
                 static_cast<uint64_t>(total), now);
  request_bytes_ = flow_.request_bytes();
  {
    std::lock_guard lock(mutex_);
    figures_ = flow_.figures();
  }
  if (call->cancelled)
    return Complete(call, MakeError(ErrorCode::kCancelled, "the request was cancelled"));
  if (call->overflow)
    return Complete(call,
                    MakeError(ErrorCode::kIo, "the answer is longer than what was asked for"));
  if (!refused && !failed) return Complete(call, std::move(call->response));
  call->last_problem = code != CURLE_OK ? curl_easy_strerror(code)
                       : short_body     ? "the answer is too short"
                                        : "status " + std::to_string(status);
  // Refusals are the store's way to say "slower", not failures: only the deadline ends them.
  const uint64_t exponent = std::min<uint32_t>(call->attempts - 1, 10);
  const uint64_t most = std::min(kMaxPauseUs, options_.first_pause_us << exponent);
  const uint64_t pause = most / 2 + random_() % (most / 2 + 1);
  if ((!refused && call->attempts >= call->options.max_attempts) ||
      now + pause >= call->give_up_us) {
    return Complete(
        call, MakeError(now + pause >= call->give_up_us ? ErrorCode::kTimeout : ErrorCode::kIo,
                        "the store does not answer after " + std::to_string(call->attempts) +
                            " attempts: " + call->last_problem));
  }
  call->not_before_us = now + pause;
  waiting_.push_front(call);
}

// Starts what may start; returns how long to sleep at most.
uint64_t Client::StartReady(uint64_t now) {
  uint64_t sleep = 1000000;
  bool blocked = false;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const std::shared_ptr<Call> call = *at;
    if (call->cancelled) {
      Complete(call, MakeError(ErrorCode::kCancelled, "the request was cancelled"));
      at = waiting_.erase(at);
      continue;
    }
    if (now >= call->give_up_us) {
      Complete(call, MakeError(ErrorCode::kTimeout,
                               "the store is too slow: the request did not start in time"));
      at = waiting_.erase(at);
      continue;
    }
    if (call->not_before_us > now) {
      sleep = std::min(sleep, call->not_before_us - now);
      ++at;
      continue;
    }
    // Those behind one that must wait are still looked at: they may be cancelled.
    const uint64_t wait = blocked ? UINT64_MAX : flow_.TimeToStart(now);
    if (wait != 0) {
      sleep = std::min(sleep, wait);
      blocked = true;
      ++at;
      continue;
    }
    at = waiting_.erase(at);
    StartAttempt(call, now);
  }
  return sleep;
}

void Client::Loop() {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      for (auto& call : submitted_) waiting_.push_back(std::move(call));
      submitted_.clear();
      if (stopping_) break;
    }
    const uint64_t sleep = StartReady(NowUs());
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    bool ended = false;
    int left;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto at = running_.find(message->easy_handle);
      const CURLcode code = message->data.result;
      const std::shared_ptr<Call> call = at->second;
      running_.erase(at);
      EndAttempt(call, code);
      ended = true;
    }
    // Cancelled transfers end now, not with their next byte.
    for (auto at = running_.begin(); at != running_.end();) {
      if (!at->second->cancelled) {
        ++at;
        continue;
      }
      const std::shared_ptr<Call> call = at->second;
      at = running_.erase(at);
      EndAttempt(call, CURLE_ABORTED_BY_CALLBACK);
      ended = true;
    }
    if (!ended)
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::max<uint64_t>(1, sleep / 1000)),
                      nullptr);
  }
  for (auto& [easy, call] : running_) {
    Detach(call.get());
    Complete(call, MakeError(ErrorCode::kCancelled, "the store is being closed"));
  }
  for (auto& call : waiting_)
    Complete(call, MakeError(ErrorCode::kCancelled, "the store is being closed"));
}

}  // namespace

std::unique_ptr<HttpClient> HttpClient::Create(HttpOptions options) {
  return std::make_unique<Client>(std::move(options));
}

}  // namespace sirocco::lakehouse
