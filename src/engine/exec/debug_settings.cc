#include "engine/exec/debug_settings.h"

#include <cstdlib>
#include <cstring>

#include "engine/exec/driver.h"
#include "engine/exec/group_keys.h"
#include "engine/exec/join_table.h"
#include "engine/exec/query_context.h"
#include "engine/simd/choose_target.h"
#include "engine/storage/table_builder.h"

namespace sirocco::engine {

namespace {

Result<uint32_t> ReadNumber(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == 0) return 0;
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*end != 0 || value == 0 || value > 1'000'000)
    return MakeError(ErrorCode::kInvalidArgument, std::string(name) + " is not a number: " + text);
  return static_cast<uint32_t>(value);
}

bool ReadFlag(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != 0 && std::strcmp(text, "0") != 0;
}

}  // namespace

Result<DebugSettings> ReadDebugSettings() {
  DebugSettings settings;
  ASSIGN_OR_RETURN(settings.vector_size, ReadNumber("SIROCCO_DEBUG_VECTOR_SIZE"));
  ASSIGN_OR_RETURN(settings.chunk_rows, ReadNumber("SIROCCO_DEBUG_CHUNK_ROWS"));
  ASSIGN_OR_RETURN(settings.threads, ReadNumber("SIROCCO_DEBUG_THREADS"));
  settings.force_hash = ReadFlag("SIROCCO_DEBUG_FORCE_HASH");
  settings.force_spill = ReadFlag("SIROCCO_DEBUG_FORCE_SPILL");
  if (const char* target = std::getenv("SIROCCO_DEBUG_SIMD_TARGET")) settings.simd_target = target;
  return settings;
}

Result<void> ApplyDebugSettings(const DebugSettings& settings) {
  if (!settings.simd_target.empty() && !simd::ChooseTarget(settings.simd_target))
    return NotSupported("no SIMD target " + settings.simd_target + " on this machine");
  if (settings.vector_size != 0) SetDebugVectorSize(settings.vector_size);
  if (settings.chunk_rows != 0) SetDebugChunkRows(settings.chunk_rows);
  SetJoinDebug(settings.force_hash ? JoinDebug::kHash : JoinDebug::kNone);
  GroupKeyPlan::ForbidArrays(settings.force_hash);
  QueryContext::ForceSpill(settings.force_spill);
  return {};
}

std::string DebugSettingsText(const DebugSettings& settings) {
  std::string text;
  if (settings.vector_size != 0) text += " vector_size=" + std::to_string(settings.vector_size);
  if (settings.chunk_rows != 0) text += " chunk_rows=" + std::to_string(settings.chunk_rows);
  if (settings.force_hash) text += " force_hash";
  if (settings.force_spill) text += " force_spill";
  if (!settings.simd_target.empty()) text += " simd_target=" + settings.simd_target;
  if (settings.threads != 0) text += " threads=" + std::to_string(settings.threads);
  return text;
}

}  // namespace sirocco::engine
