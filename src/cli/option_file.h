// MySQL option files (my.cnf): the little that the CLI needs to read and change. Lines are `[group]`, `key = value`,
// `key`, comments (# ;) and !include directives, which are kept but not followed. In keys '-' and '_' are the same.
// Values written by the CLI never need MySQL's escapes other than those of EscapeOptionValue.
// Threads: values only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::cli {

// Reads a whole file. Errors: kNotFound, kIo, naming the file.
Result<std::string> ReadFile(const std::filesystem::path& file);

// Writes a file with the given permission bits through a temporary name and a rename: readers see the old or the new
// content, never a part. Errors: kIo.
Result<void> WriteFile(const std::filesystem::path& file, std::string_view content, unsigned mode);

// Returns the last value of `key` in `group` of option file text, unquoted and unescaped; "" for a key without value.
std::optional<std::string> FindOption(std::string_view text, std::string_view group, std::string_view key);

// Returns the text with `key` of `group` set to `value`: the last such line is replaced, or one is added at the end of the
// group, or the group is added.
std::string SetOption(std::string_view text, std::string_view group, std::string_view key, std::string_view value);

// Returns the value quoted such that a MySQL program reads it back unchanged (paths with spaces, '#', backslashes).
std::string EscapeOptionValue(std::string_view value);

}  // namespace sirocco::cli
