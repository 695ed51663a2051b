#include "cli/option_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace sirocco::cli {
namespace {

// Removes blanks at both ends.
std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool SameKey(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char x = a[i] == '-' ? '_' : a[i];
    const char y = b[i] == '-' ? '_' : b[i];
    if (x != y) return false;
  }
  return true;
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Name of the group a line opens, if it does.
std::optional<std::string_view> GroupOf(std::string_view line) {
  line = Trim(line);
  if (line.size() < 2 || line.front() != '[') return std::nullopt;
  const size_t end = line.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  return Trim(line.substr(1, end - 1));
}

// Key of an option line; empty for comments, directives and blank lines.
std::string_view KeyOf(std::string_view line) {
  line = Trim(line);
  if (line.empty() || line[0] == '#' || line[0] == ';' || line[0] == '!' || line[0] == '[') return {};
  return Trim(line.substr(0, line.find('=')));
}

// MySQL's rules: quotes around the value, a comment after an unquoted '#', escapes \b \t \n \r \\ \s \" \'.
std::string Unescape(std::string_view value) {
  std::string plain;
  char quote = 0;
  if (!value.empty() && (value[0] == '"' || value[0] == '\'')) {
    quote = value[0];
    value.remove_prefix(1);
  }
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quote != 0 && c == quote) return plain;
    if (quote == 0 && c == '#') break;
    if (c != '\\' || i + 1 == value.size()) {
      plain += c;
      continue;
    }
    switch (value[++i]) {
      case 'b': plain += '\b'; break;
      case 't': plain += '\t'; break;
      case 'n': plain += '\n'; break;
      case 'r': plain += '\r'; break;
      case 's': plain += ' '; break;
      case '\\': plain += '\\'; break;
      case '"': plain += '"'; break;
      case '\'': plain += '\''; break;
      default: plain += '\\'; plain += value[i];
    }
  }
  return quote != 0 ? plain : std::string(Trim(plain));
}

std::unexpected<Error> FileError(const char* action, const std::filesystem::path& file, int error) {
  return MakeError(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                   std::string(action) + " " + file.string() + ": " + std::strerror(error));
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("cannot read", file, errno);
  std::string content;
  char buffer[16384];
  ssize_t size = 0;
  while ((size = read(fd, buffer, sizeof buffer)) != 0) {
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      const int error = errno;
      close(fd);
      return FileError("cannot read", file, error);
    }
    content.append(buffer, static_cast<size_t>(size));
  }
  close(fd);
  return content;
}

Result<void> WriteFile(const std::filesystem::path& file, std::string_view content, unsigned mode) {
  const std::string temporary = file.string() + ".new";
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return FileError("cannot write", temporary, errno);
  bool ok = fchmod(fd, mode) == 0;
  while (ok && !content.empty()) {
    const ssize_t size = write(fd, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) ok = false;
    else content.remove_prefix(static_cast<size_t>(size));
  }
  ok = ok && fsync(fd) == 0;
  ok = (close(fd) == 0) && ok;
  ok = ok && rename(temporary.c_str(), file.c_str()) == 0;
  if (!ok) {
    const int error = errno;
    unlink(temporary.c_str());
    return FileError("cannot write", file, error);
  }
  return {};
}

std::optional<std::string> FindOption(std::string_view text, std::string_view group, std::string_view key) {
  std::optional<std::string> found;
  bool inside = false;
  for (std::string_view line : SplitLines(text)) {
    if (auto opened = GroupOf(line)) {
      inside = *opened == group;
    } else if (inside && SameKey(KeyOf(line), key)) {
      const size_t equals = line.find('=');
      found = equals == std::string_view::npos ? "" : Unescape(Trim(line.substr(equals + 1)));
    }
  }
  return found;
}

std::string SetOption(std::string_view text, std::string_view group, std::string_view key, std::string_view value) {
  std::vector<std::string> lines;
  size_t replace = std::string::npos;  // the last line that sets the key
  size_t append = std::string::npos;   // behind the last option of the group
  bool inside = false;
  for (std::string_view line : SplitLines(text)) {
    lines.emplace_back(line);
    if (auto opened = GroupOf(line)) {
      inside = *opened == group;
      if (inside) append = lines.size();
    } else if (inside && !KeyOf(line).empty()) {
      append = lines.size();
      if (SameKey(KeyOf(line), key)) replace = lines.size() - 1;
    }
  }
  std::string option = std::string(key) + " = " + EscapeOptionValue(value);
  if (replace != std::string::npos) {
    lines[replace] = std::move(option);
  } else if (append != std::string::npos) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(append), std::move(option));
  } else {
    lines.push_back("[" + std::string(group) + "]");
    lines.push_back(std::move(option));
  }
  std::string result;
  for (const std::string& line : lines) result += line + "\n";
  return result;
}

std::string EscapeOptionValue(std::string_view value) {
  if (value.find_first_of(" \t#;\\\"'") == std::string_view::npos) return std::string(value);
  std::string escaped = "\"";
  for (char c : value) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped + "\"";
}

}  // namespace sirocco::cli
