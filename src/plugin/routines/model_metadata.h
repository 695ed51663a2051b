// model_metadata of the catalog: a JSON object with HeatWave's keys.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "common/error.h"
#include "plugin/routines/ml_options.h"

namespace sirocco::plugin {

// Our own model files. HeatWave's (HWMLv1.0, HWMLv2.0) are not published and are refused.
inline constexpr char kModelFormat[] = "Siroccov1.0";

// Every documented key, all null.
nlohmann::json EmptyMetadata();
std::string DumpMetadata(const nlohmann::json& metadata);
// An object, or an error that the catalog is damaged.
Result<nlohmann::json> ParseMetadata(const std::string& text);
Result<MlTask> TaskOf(const nlohmann::json& metadata);
// A string member; empty if missing or null.
std::string TextMember(const nlohmann::json& metadata, const char* key);
// Rows of model_object_catalog that an object of this many bytes takes.
uint64_t NumChunks(uint64_t object_bytes);

}  // namespace sirocco::plugin
