#include "lakehouse/store/s3_store.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <optional>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

namespace {

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '&') {
      out += text[i];
      continue;
    }
    const size_t end = text.find(';', i);
    const std::string_view name =
        end == std::string_view::npos ? std::string_view() : text.substr(i + 1, end - i - 1);
    if (name == "amp")
      out += '&';
    else if (name == "lt")
      out += '<';
    else if (name == "gt")
      out += '>';
    else if (name == "quot")
      out += '"';
    else if (name == "apos")
      out += '\'';
    else if (name.starts_with("#") && name.size() > 1) {
      uint32_t code = 0;
      const bool hex = name[1] == 'x';
      std::from_chars(name.data() + 1 + hex, name.data() + name.size(), code, hex ? 16 : 10);
      if (code < 128) out += static_cast<char>(code);
    } else {
      out += '&';
      continue;
    }
    i = end;
  }
  return out;
}

// Content of the first <tag> in `xml` from *at on; moves *at behind it.
std::optional<std::string_view> Element(std::string_view xml, std::string_view tag, size_t* at) {
  const std::string open = "<" + std::string(tag), close = "</" + std::string(tag) + ">";
  for (size_t begin = xml.find(open, *at); begin != std::string_view::npos;
       begin = xml.find(open, begin + 1)) {
    const size_t behind = begin + open.size();
    if (behind >= xml.size() || (xml[behind] != '>' && xml[behind] != ' ')) continue;
    const size_t start = xml.find('>', behind);
    const size_t end = start == std::string_view::npos ? start : xml.find(close, start);
    if (end == std::string_view::npos) return std::nullopt;
    *at = end + close.size();
    return xml.substr(start + 1, end - start - 1);
  }
  return std::nullopt;
}
std::string ElementText(std::string_view xml, std::string_view tag) {
  size_t at = 0;
  const auto found = Element(xml, tag, &at);
  return found ? Unescape(*found) : std::string();
}

std::string UrlDecode(std::string_view text) {
  std::string out;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// "2026-11-21T08:15:00.000Z" or an HTTP date, to microseconds; 0 if neither.
int64_t ParseTimeUs(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr &&
      strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr)
    return 0;
  return static_cast<int64_t>(timegm(&parts)) * 1000000;
}

// Splits "https://host:port/path?query".
struct UrlParts {
  std::string scheme, host, path, query;
};
std::optional<UrlParts> SplitUrl(std::string_view url) {
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  UrlParts parts;
  parts.scheme = url.substr(0, colon);
  std::string_view rest = url.substr(colon + 3);
  const size_t end = rest.find_first_of("/?");
  parts.host = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  const size_t question = rest.find('?');
  parts.path = rest.substr(0, question);
  if (question != std::string_view::npos) parts.query = rest.substr(question + 1);
  return parts;
}

// What a status other than success means, with the store's own code (never its whole text).
Error StatusError(const HttpResponse& response, const std::string& shown) {
  const std::string code = ElementText(response.body, "Code").substr(0, 64);
  std::string text = "status " + std::to_string(response.status) + (code.empty() ? "" : " " + code);
  switch (response.status) {
    case 404:
      return {ErrorCode::kNotFound, 0, "no such object: " + shown};
    case 412:
      return {ErrorCode::kStale, 0, "object changed since it was listed: " + shown};
    case 401:
    case 403:
    case 400: {
      Error error = LhMakeError(kLhUserDataAccess, {.detail = shown});
      error.message += " (" + text + ")";
      return error;
    }
    default:
      return {ErrorCode::kIo, 0, "cannot access " + shown + ": " + text};
  }
}

class HttpRead final : public PendingRead {
 public:
  HttpRead(std::unique_ptr<HttpCall> call, const ObjectMeta& object, uint64_t offset, size_t size,
           std::string shown)
      : call_(std::move(call)),
        object_(object),
        offset_(offset),
        size_(size),
        shown_(std::move(shown)) {}

  Result<void> Wait() override {
    if (size_ == 0) return {};
    auto response = call_->Wait();
    if (!response) {
      Error error = response.error();
      error.message = shown_ + ": " + error.message;
      return std::unexpected(std::move(error));
    }
    if (response->status == 200 && offset_ == 0 && size_ == object_.size) return Check(*response);
    if (response->status == 416)
      return MakeError(ErrorCode::kStale, "object changed since it was listed: " + shown_);
    if (response->status != 206) return std::unexpected(StatusError(*response, shown_));
    const auto range = response->headers.find("content-range");
    const std::string wanted =
        "bytes " + std::to_string(offset_) + "-" + std::to_string(offset_ + size_ - 1) + "/";
    if (range != response->headers.end()) {
      if (!range->second.starts_with(wanted))
        return MakeError(ErrorCode::kIo, "the store answered with another range: " + shown_);
      if (range->second.substr(wanted.size()) != std::to_string(object_.size) &&
          range->second.substr(wanted.size()) != "*")
        return MakeError(ErrorCode::kStale, "object changed since it was listed: " + shown_);
    }
    return Check(*response);
  }

 private:
  Result<void> Check(const HttpResponse& response) const {
    if (response.num_bytes != size_)
      return MakeError(ErrorCode::kIo,
                       "the store answered with another number of bytes: " + shown_);
    // Stores that ignore If-Match still tell what they sent.
    const auto etag = response.headers.find("etag");
    if (!object_.etag.empty() && etag != response.headers.end() && etag->second != object_.etag)
      return MakeError(ErrorCode::kStale, "object changed since it was listed: " + shown_);
    return {};
  }

  std::unique_ptr<HttpCall> call_;
  const ObjectMeta& object_;
  uint64_t offset_;
  size_t size_;
  std::string shown_;
};

ObjectMeta MetaOf(const std::string& name, const HttpResponse& response, uint64_t size) {
  ObjectMeta meta;
  meta.name = name;
  meta.size = size;
  if (const auto etag = response.headers.find("etag"); etag != response.headers.end())
    meta.etag = etag->second;
  if (const auto time = response.headers.find("last-modified"); time != response.headers.end())
    meta.modified_us = ParseTimeUs(time->second);
  return meta;
}

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Options options, std::shared_ptr<HttpClient> client)
      : options_(std::move(options)), client_(std::move(client)) {
    std::string endpoint = options_.profile.endpoint;
    if (endpoint.empty()) endpoint = "https://s3." + options_.profile.region + ".amazonaws.com";
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (auto parts = SplitUrl(endpoint)) endpoint_ = *parts;
  }

  Result<void> List(std::string_view prefix,
                    const std::function<bool(std::span<const ObjectMeta>)>& page) override;
  Result<ObjectMeta> Head(const std::string& name) override;
  std::unique_ptr<PendingRead> StartRead(const ObjectMeta& object, uint64_t offset,
                                         std::span<char> out) override;
  Result<void> Put(const std::string& name, std::string_view bytes, bool only_new) override;
  ReadShape read_shape() const override { return {client_->request_bytes(), 4}; }
  std::string DisplayName(const std::string& name) const override {
    return options_.shown_scheme + "://" + options_.bucket + "/" + name;
  }

 private:
  HttpClient::MakeRequest Request(std::string method, const std::string& name,
                                  std::map<std::string, std::string> query,
                                  std::map<std::string, std::string> headers,
                                  std::string_view body = {}) const;
  Result<void> PutParts(const std::string& name, std::string_view bytes, bool only_new);

  const S3Options options_;
  std::shared_ptr<HttpClient> client_;
  UrlParts endpoint_;
};

HttpClient::MakeRequest S3Store::Request(std::string method, const std::string& name,
                                         std::map<std::string, std::string> query,
                                         std::map<std::string, std::string> headers,
                                         std::string_view body) const {
  SigningRequest signing;
  signing.method = method;
  signing.host = endpoint_.host;
  signing.path = endpoint_.path + "/" + UriEncode(options_.bucket, false) +
                 (name.empty() ? "" : "/" + UriEncode(name, true));
  signing.query = std::move(query);
  signing.headers = std::move(headers);
  if (method == "PUT" || method == "POST") signing.payload_hash = Sha256Hex(body);
  return [this, signing = std::move(signing), body] {
    const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count() +
                        options_.clock_offset_seconds;
    HttpRequest request;
    request.method = signing.method;
    const std::string query_text = CanonicalQuery(signing.query);
    request.url = endpoint_.scheme + "://" + endpoint_.host + signing.path +
                  (query_text.empty() ? "" : "?" + query_text);
    request.headers = SignHeaders(signing, options_.profile.credentials, options_.profile.region,
                                  AmazonTime(now));
    request.body = body;
    return request;
  };
}

Result<void> S3Store::List(std::string_view prefix,
                           const std::function<bool(std::span<const ObjectMeta>)>& page) {
  std::string token;
  const std::string shown = DisplayName(std::string(prefix));
  for (;;) {
    std::map<std::string, std::string> query = {
        {"list-type", "2"}, {"encoding-type", "url"}, {"prefix", std::string(prefix)}};
    if (!token.empty()) query["continuation-token"] = token;
    auto response = client_->Run(Request("GET", "", std::move(query), {}));
    if (!response) return std::unexpected(response.error());
    if (response->status != 200) return std::unexpected(StatusError(*response, shown));
    const std::string& xml = response->body;
    if (xml.find("<ListBucketResult") == std::string::npos)
      return MakeError(ErrorCode::kIo,
                       "the store's list of objects cannot be understood: " + shown);
    const bool encoded = ElementText(xml, "EncodingType") == "url";
    std::vector<ObjectMeta> objects;
    size_t at = 0;
    while (const auto content = Element(xml, "Contents", &at)) {
      ObjectMeta meta;
      meta.name = ElementText(*content, "Key");
      if (encoded) meta.name = UrlDecode(meta.name);
      const auto size = Number(ElementText(*content, "Size"));
      if (!size)
        return MakeError(ErrorCode::kIo,
                         "the store's list of objects cannot be understood: " + shown);
      meta.size = *size;
      meta.etag = ElementText(*content, "ETag");
      meta.modified_us = ParseTimeUs(ElementText(*content, "LastModified"));
      if (meta.size == 0 && meta.name.ends_with('/')) continue;
      objects.push_back(std::move(meta));
    }
    const bool truncated = ElementText(xml, "IsTruncated") == "true";
    std::string next = ElementText(xml, "NextContinuationToken");
    if (!objects.empty() && !page(objects)) return {};
    if (!truncated) return {};
    if (next.empty() || next == token)
      return MakeError(ErrorCode::kIo, "the store's list of objects does not go on: " + shown);
    token = std::move(next);
  }
}

Result<ObjectMeta> S3Store::Head(const std::string& name) {
  auto response = client_->Run(Request("HEAD", name, {}, {}));
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(StatusError(*response, DisplayName(name)));
  const auto size = Number(response->headers["content-length"]);
  if (!size)
    return MakeError(ErrorCode::kIo, "the store does not tell the size of " + DisplayName(name));
  return MetaOf(name, *response, *size);
}

std::unique_ptr<PendingRead> S3Store::StartRead(const ObjectMeta& object, uint64_t offset,
                                                std::span<char> out) {
  std::unique_ptr<HttpCall> call;
  if (!out.empty()) {
    std::map<std::string, std::string> headers = {
        {"range",
         "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + out.size() - 1)}};
    if (!object.etag.empty()) headers["if-match"] = object.etag;
    call = client_->Start(Request("GET", object.name, {}, std::move(headers)), {.out = out});
  }
  return std::make_unique<HttpRead>(std::move(call), object, offset, out.size(),
                                    DisplayName(object.name));
}

Result<void> S3Store::Put(const std::string& name, std::string_view bytes, bool only_new) {
  if (bytes.size() > options_.part_bytes) return PutParts(name, bytes, only_new);
  std::map<std::string, std::string> headers;
  if (only_new) headers["if-none-match"] = "*";
  auto response = client_->Run(Request("PUT", name, {}, std::move(headers), bytes));
  if (!response) return std::unexpected(response.error());
  if (response->status == 412 && only_new)
    return MakeError(ErrorCode::kAlreadyExists, "object exists: " + DisplayName(name));
  if (response->status != 200) return std::unexpected(StatusError(*response, DisplayName(name)));
  return {};
}

// Parts go in parallel; whatever fails, what was uploaded is given up.
Result<void> S3Store::PutParts(const std::string& name, std::string_view bytes, bool only_new) {
  const std::string shown = DisplayName(name);
  auto begun = client_->Run(Request("POST", name, {{"uploads", ""}}, {}));
  if (!begun) return std::unexpected(begun.error());
  if (begun->status != 200) return std::unexpected(StatusError(*begun, shown));
  const std::string upload = ElementText(begun->body, "UploadId");
  if (upload.empty()) return MakeError(ErrorCode::kIo, "the store began no upload: " + shown);
  const auto finish = [&]() -> Result<void> {
    std::vector<std::unique_ptr<HttpCall>> calls;
    for (size_t at = 0, part = 1; at < bytes.size(); at += options_.part_bytes, ++part) {
      calls.push_back(client_->Start(
          Request("PUT", name, {{"partNumber", std::to_string(part)}, {"uploadId", upload}}, {},
                  bytes.substr(at, options_.part_bytes))));
    }
    std::string list = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < calls.size(); ++i) {
      auto response = calls[i]->Wait();
      if (!response) return std::unexpected(response.error());
      if (response->status != 200) return std::unexpected(StatusError(*response, shown));
      list += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" +
              response->headers["etag"] + "</ETag></Part>";
    }
    list += "</CompleteMultipartUpload>";
    std::map<std::string, std::string> headers;
    if (only_new) headers["if-none-match"] = "*";
    auto response =
        client_->Run(Request("POST", name, {{"uploadId", upload}}, std::move(headers), list));
    if (!response) return std::unexpected(response.error());
    if (response->status == 412 && only_new)
      return MakeError(ErrorCode::kAlreadyExists, "object exists: " + shown);
    // A 200 may still carry an error.
    if (response->status != 200 || response->body.find("<Error>") != std::string::npos)
      return std::unexpected(StatusError(*response, shown));
    return {};
  };
  auto finished = finish();
  if (!finished) (void)client_->Run(Request("DELETE", name, {{"uploadId", upload}}, {}));
  return finished;
}

class HttpsStore final : public ObjectStore {
 public:
  explicit HttpsStore(std::shared_ptr<HttpClient> client) : client_(std::move(client)) {}

  Result<void> List(std::string_view prefix,
                    const std::function<bool(std::span<const ObjectMeta>)>& page) override {
    auto meta = Head(std::string(prefix));
    if (!meta) {
      if (meta.error().code == ErrorCode::kNotFound) return {};
      return std::unexpected(meta.error());
    }
    page(std::span(&*meta, 1));
    return {};
  }

  Result<ObjectMeta> Head(const std::string& name) override {
    // URLs signed for GET refuse HEAD, so the first byte is asked for.
    auto response =
        client_->Run([name] { return HttpRequest{.url = name, .headers = {"Range: bytes=0-0"}}; },
                     {.max_body_bytes = 1 << 20});
    if (!response) return std::unexpected(response.error());
    if (response->status == 206) {
      const std::string& range = response->headers["content-range"];
      const auto size = Number(std::string_view(range).substr(range.find('/') + 1));
      if (size) return MetaOf(name, *response, *size);
    }
    if (response->status == 416) return MetaOf(name, *response, 0);  // empty
    if (response->status == 200) return MetaOf(name, *response, response->num_bytes);
    return std::unexpected(StatusError(*response, DisplayName(name)));
  }

  std::unique_ptr<PendingRead> StartRead(const ObjectMeta& object, uint64_t offset,
                                         std::span<char> out) override {
    std::unique_ptr<HttpCall> call;
    if (!out.empty()) {
      std::vector<std::string> headers = {"Range: bytes=" + std::to_string(offset) + "-" +
                                          std::to_string(offset + out.size() - 1)};
      if (!object.etag.empty() && !object.etag.starts_with("W/"))
        headers.push_back("If-Match: " + object.etag);
      call = client_->Start(
          [url = object.name, headers] { return HttpRequest{.url = url, .headers = headers}; },
          {.out = out});
    }
    return std::make_unique<HttpRead>(std::move(call), object, offset, out.size(),
                                      DisplayName(object.name));
  }
  Result<void> Put(const std::string& name, std::string_view bytes, bool only_new) override {
    auto response = client_->Run([&] {
      HttpRequest request{.method = "PUT", .url = name, .body = bytes};
      if (only_new) request.headers.push_back("If-None-Match: *");
      return request;
    });
    if (!response) return std::unexpected(response.error());
    if (response->status == 412)
      return MakeError(ErrorCode::kAlreadyExists, "object exists: " + DisplayName(name));
    if (response->status / 100 != 2)
      return std::unexpected(StatusError(*response, DisplayName(name)));
    return {};
  }
  ReadShape read_shape() const override { return {client_->request_bytes(), 4}; }
  std::string DisplayName(const std::string& name) const override { return RedactUrl(name); }

 private:
  std::shared_ptr<HttpClient> client_;
};

}  // namespace

std::string RedactUrl(std::string_view url) {
  std::string text(url.substr(0, url.find_first_of("?#")));
  if (const size_t scheme = text.find("://"); scheme != std::string::npos) {
    const size_t slash = text.find('/', scheme + 3);
    const size_t at = text.rfind('@', slash);
    if (at != std::string::npos && at > scheme) text.erase(scheme + 3, at - scheme - 2);
  }
  const size_t begin = text.find("/p/");
  const size_t end = begin == std::string::npos ? begin : text.find("/n/", begin + 3);
  if (end != std::string::npos) text.replace(begin + 3, end - begin - 3, "<redacted>");
  return text;
}

std::unique_ptr<ObjectStore> MakeS3Store(S3Options options, std::shared_ptr<HttpClient> client) {
  return std::make_unique<S3Store>(std::move(options), std::move(client));
}

std::unique_ptr<ObjectStore> MakeHttpsStore(std::shared_ptr<HttpClient> client) {
  return std::make_unique<HttpsStore>(std::move(client));
}

}  // namespace sirocco::lakehouse
