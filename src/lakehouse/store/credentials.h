// Who we are to a store: profiles of a file on the server, or the environment. SQL only ever names
// a profile.
//
// The file has sections "[name]" of "key = value" lines, in the form of the AWS tools' files:
// aws_access_key_id, aws_secret_access_key, aws_session_token, region, endpoint_url; also ca_file
// and anonymous = true. It must not be readable by others. The environment (profile ""):
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL.
// Secrets never appear in messages. Threads: pure functions.
#pragma once

#include <string>

#include "common/error.h"
#include "lakehouse/store/signature.h"

namespace sirocco::lakehouse {

struct StoreProfile {
  Credentials credentials;
  std::string region = "us-east-1";
  std::string endpoint;  // "https://host[:port]"; empty: the service's own for the region
  std::string ca_file;
};

// Errors: kNotFound (no such profile), kInvalidArgument (malformed or readable by others), kIo.
Result<StoreProfile> LoadProfile(const std::string& file, const std::string& profile);

}  // namespace sirocco::lakehouse
