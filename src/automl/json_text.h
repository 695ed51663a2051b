// Pieces of JSON text in results.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace sirocco::automl {

inline std::string QuoteJson(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// null for what JSON has no number for.
inline std::string NumberJson(double number) {
  return std::isfinite(number) ? nlohmann::json(number).dump() : "null";
}

inline double RoundTo(double number, double unit) {
  // By division with whole numbers, so that 0.07 comes out as the nearest double of 0.07.
  const double parts = std::round(1 / unit);
  return std::round(number * parts) / parts;
}

}  // namespace sirocco::automl
