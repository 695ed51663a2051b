// Buckets of S3-compatible stores (path style, any endpoint), and plain HTTPS URLs, presigned ones
// among them. See object_store.h; names are keys in the bucket, or whole URLs.
#pragma once

#include <memory>
#include <string>

#include "lakehouse/store/credentials.h"
#include "lakehouse/store/http_client.h"
#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

struct S3Options {
  std::string bucket;
  StoreProfile profile;
  std::string shown_scheme = "s3";   // of DisplayName: s3, oci
  size_t part_bytes = 8 << 20;       // of multipart uploads; larger objects are uploaded in parts
  int64_t clock_offset_seconds = 0;  // added to the time in signatures; for tests
};

// The client may be shared by stores of one endpoint, which then share its flow control.
std::unique_ptr<ObjectStore> MakeS3Store(S3Options options, std::shared_ptr<HttpClient> client);

// Reads whole URLs: names are "https://host/path?query". List finds exactly the object of that
// name.
std::unique_ptr<ObjectStore> MakeHttpsStore(std::shared_ptr<HttpClient> client);

// A URL as it may be shown: without query, user and the secret part of a pre-authenticated request.
std::string RedactUrl(std::string_view url);

}  // namespace sirocco::lakehouse
