// The container of a model file: "SRCML" 0 0 2, uint64 FNV-1a of the rest, uint32 size of a JSON
// text, the text, then bytes whose meaning depends on the task that the text names.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

struct ModelFile {
  nlohmann::json header;  // an object with a string member "task"
  std::string_view body;  // within the bytes that were read
};

std::string WriteModelFile(const nlohmann::json& header, std::string_view body);
// kCorrupt: damaged or something else. kNotSupported: of another version.
Result<ModelFile> ReadModelFile(std::string_view bytes);
std::unexpected<Error> DamagedModel();

// Bytes of a body made small; the inverse is kCorrupt for bytes that were not made so.
std::string Compress(std::string_view bytes);
Result<std::string> Decompress(std::string_view bytes);

// NaN as null.
nlohmann::json NumbersToJson(const std::vector<float>& numbers);
Result<std::vector<float>> NumbersFromJson(const nlohmann::json& json);

}  // namespace sirocco::automl
