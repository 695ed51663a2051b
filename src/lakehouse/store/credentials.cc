#include "lakehouse/store/credentials.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace sirocco::lakehouse {

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string Trim(std::string text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

Result<StoreProfile> LoadProfile(const std::string& file, const std::string& profile) {
  StoreProfile result;
  if (profile.empty()) {
    result.credentials = {Variable("AWS_ACCESS_KEY_ID"), Variable("AWS_SECRET_ACCESS_KEY"),
                          Variable("AWS_SESSION_TOKEN")};
    if (const std::string region = Variable("AWS_REGION"); !region.empty()) result.region = region;
    result.endpoint = Variable("AWS_ENDPOINT_URL");
    result.ca_file = Variable("AWS_CA_BUNDLE");
    return result;
  }
  struct stat status;
  if (::stat(file.c_str(), &status) != 0)
    return MakeError(ErrorCode::kNotFound, "the file of store profiles cannot be found: " + file);
  if ((status.st_mode & 077) != 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "the file of store profiles may be read by others (chmod 600): " + file);
  std::ifstream in(file);
  if (!in) return MakeError(ErrorCode::kIo, "the file of store profiles cannot be read: " + file);
  bool inside = false, found = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line = Trim(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      const size_t end = line.find(']');
      std::string name = end == std::string::npos ? "" : Trim(line.substr(1, end - 1));
      if (name.starts_with("profile ")) name = Trim(name.substr(8));
      inside = name == profile;
      found |= inside;
      continue;
    }
    if (!inside) continue;
    const size_t equals = line.find('=');
    if (equals == std::string::npos)
      return MakeError(
          ErrorCode::kInvalidArgument,
          "line " + std::to_string(number) + " of the store profiles is not key = value");
    const std::string key = Trim(line.substr(0, equals)), value = Trim(line.substr(equals + 1));
    if (key == "aws_access_key_id")
      result.credentials.access_key = value;
    else if (key == "aws_secret_access_key")
      result.credentials.secret_key = value;
    else if (key == "aws_session_token")
      result.credentials.session_token = value;
    else if (key == "region")
      result.region = value;
    else if (key == "endpoint_url")
      result.endpoint = value;
    else if (key == "ca_file")
      result.ca_file = value;
    else if (key != "anonymous" && key != "output")
      return MakeError(
          ErrorCode::kInvalidArgument,
          "line " + std::to_string(number) + " of the store profiles has an unknown key: " + key);
  }
  if (!found) return MakeError(ErrorCode::kNotFound, "no such store profile: " + profile);
  return result;
}

}  // namespace sirocco::lakehouse
