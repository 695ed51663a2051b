// The tables of SQL functions: those that are translated (functions.inc) and those that are refused
// for a known reason (refusals.inc). Adding a function is one line in functions.inc where its
// arguments follow a pattern.
#include <unordered_map>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

namespace {

using T = Translator;

const FunctionEntry kFunctions[] = {
#define SIROCCO_SECTION(title)
#define SIROCCO_FUNCTION(name, handler, op, pattern) {name, handler, op, pattern},
#include "plugin/translate/functions.inc"
#undef SIROCCO_FUNCTION
#undef SIROCCO_SECTION
};

}  // namespace

const FunctionEntry* FindFunction(std::string_view name) {
  static const auto* index = [] {
    auto* map = new std::unordered_map<std::string_view, const FunctionEntry*>();
    for (const FunctionEntry& entry : kFunctions) map->emplace(entry.name, &entry);
    return map;
  }();
  const auto it = index->find(name);
  return it == index->end() ? nullptr : it->second;
}

const char* RefusalOf(std::string_view name) {
#define SIROCCO_REFUSED(text, reason) \
  if (name == text) return reason;
#include "plugin/translate/refusals.inc"
#undef SIROCCO_REFUSED
  return nullptr;
}

}  // namespace sirocco::plugin
