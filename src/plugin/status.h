// Status variables of the plugin, with HeatWave's names where they mean the same.
#pragma once

struct SHOW_VAR;

namespace sirocco::plugin {

extern SHOW_VAR kStatusVariables[];

}  // namespace sirocco::plugin
