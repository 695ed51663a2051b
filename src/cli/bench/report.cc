#include "cli/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sirocco::bench {
namespace {

struct Summary {
  int compared = 0;
  double total_ms = 0, geomean_ms = 0;            // ours, all that ran
  double peer_total_ms = 0, peer_geomean_ms = 0;  // peer's, all that ran
  double total_ratio = 0, geomean_ratio = 0;      // over the compared ones
};

Summary Summarize(const BenchReport& report) {
  Summary summary;
  std::vector<double> ours, peer, ratios;
  double compared_ours = 0, compared_peer = 0;
  for (size_t i = 0; i < report.ours.size(); ++i) {
    const double mine = report.ours[i].MedianMs();
    const double theirs = report.peer.empty() ? 0 : report.peer[i].MedianMs();
    if (mine > 0) ours.push_back(mine);
    if (theirs > 0) peer.push_back(theirs);
    if (mine > 0 && theirs > 0) {
      ratios.push_back(mine / theirs);
      compared_ours += mine;
      compared_peer += theirs;
    }
  }
  for (double value : ours) summary.total_ms += value;
  for (double value : peer) summary.peer_total_ms += value;
  summary.compared = static_cast<int>(ratios.size());
  summary.geomean_ms = GeometricMean(ours);
  summary.peer_geomean_ms = GeometricMean(peer);
  summary.geomean_ratio = GeometricMean(ratios);
  summary.total_ratio = compared_peer > 0 ? compared_ours / compared_peer : 0;
  return summary;
}

// Three decimals are a microsecond; more would be noise in the file.
double Rounded(double value) { return std::round(value * 1000) / 1000; }

std::string Note(const Measurement& measurement, bool want_offload) {
  if (measurement.error) return *measurement.error;
  if (measurement.difference) return "WRONG: " + *measurement.difference;
  if (want_offload && !measurement.offloaded) return "not offloaded";
  return "";
}

}  // namespace

bool BenchReport::Passed() const {
  return std::ranges::all_of(
             ours, [this](const Measurement& m) { return Note(m, engine == "rapid").empty(); }) &&
         std::ranges::all_of(peer, [](const Measurement& m) { return Note(m, false).empty(); });
}

nlohmann::json ToJson(const BenchReport& report) {
  nlohmann::json json = report.header;
  nlohmann::json queries = nlohmann::json::array();
  for (size_t i = 0; i < report.ours.size(); ++i) {
    const Measurement& ours = report.ours[i];
    nlohmann::json query = {{"query", ours.query},
                            {"rows", ours.num_rows},
                            {"offloaded", ours.offloaded},
                            {"median_ms", Rounded(ours.MedianMs())},
                            {"min_ms", Rounded(ours.MinMs())},
                            {"warmup_ms", Rounded(ours.warmup_ms)},
                            {"cpu_ms", Rounded(ours.cpu_ms)}};
    for (double run : ours.runs_ms) query["runs_ms"].push_back(Rounded(run));
    if (ours.error) query["error"] = *ours.error;
    if (ours.checked) query["answer_equal"] = !ours.difference;
    if (ours.difference) query["difference"] = *ours.difference;
    if (!report.peer.empty()) {
      const Measurement& peer = report.peer[i];
      query["peer_median_ms"] = Rounded(peer.MedianMs());
      query["peer_min_ms"] = Rounded(peer.MinMs());
      query["peer_cpu_ms"] = Rounded(peer.cpu_ms);
      for (double run : peer.runs_ms) query["peer_runs_ms"].push_back(Rounded(run));
      if (peer.difference) query["peer_difference"] = *peer.difference;
      if (ours.MedianMs() > 0 && peer.MedianMs() > 0)
        query["ratio"] = Rounded(ours.MedianMs() / peer.MedianMs());
    }
    queries.push_back(std::move(query));
  }
  const Summary summary = Summarize(report);
  json["queries"] = std::move(queries);
  json["answers_checked_against"] = report.checked_against;
  json["passed"] = report.Passed();
  json["offloaded"] =
      std::ranges::count_if(report.ours, [](const Measurement& m) { return m.offloaded; });
  json["total_ms"] = Rounded(summary.total_ms);
  json["geomean_ms"] = Rounded(summary.geomean_ms);
  if (!report.peer.empty()) {
    json["peer_total_ms"] = Rounded(summary.peer_total_ms);
    json["peer_geomean_ms"] = Rounded(summary.peer_geomean_ms);
    json["compared_queries"] = summary.compared;
    json["total_ratio"] = Rounded(summary.total_ratio);
    json["geomean_ratio"] = Rounded(summary.geomean_ratio);
  }
  return json;
}

std::string ToTable(const BenchReport& report) {
  const bool with_peer = !report.peer.empty();
  std::string text =
      fmt::format("{:>5} {:>10} {:>10} {:>10}", "query", "median ms", "min ms", "CPU ms");
  if (with_peer) text += fmt::format(" {:>12} {:>10} {:>7}", "DuckDB ms", "min ms", "ratio");
  text += fmt::format(" {:>8}  {}\n", "rows", "note");
  for (size_t i = 0; i < report.ours.size(); ++i) {
    const Measurement& ours = report.ours[i];
    text += fmt::format("{:>5} {:>10.1f} {:>10.1f} {:>10.1f}", ours.query, ours.MedianMs(),
                        ours.MinMs(), ours.cpu_ms);
    if (with_peer) {
      const Measurement& peer = report.peer[i];
      const bool both = ours.MedianMs() > 0 && peer.MedianMs() > 0;
      text += fmt::format(" {:>12.1f} {:>10.1f} {:>7}", peer.MedianMs(), peer.MinMs(),
                          both ? fmt::format("{:.2f}", ours.MedianMs() / peer.MedianMs()) : "-");
    }
    std::string note = Note(ours, report.engine == "rapid");
    if (note.empty() && !ours.checked && !report.checked_against.empty()) note = "not checked";
    if (with_peer && report.peer[i].difference)
      note += " DuckDB WRONG: " + *report.peer[i].difference;
    text += fmt::format(" {:>8}  {}\n", ours.num_rows, note);
  }
  const Summary summary = Summarize(report);
  text += fmt::format("total {:.1f} ms, geometric mean {:.1f} ms\n", summary.total_ms,
                      summary.geomean_ms);
  if (with_peer) {
    text += fmt::format("DuckDB: total {:.1f} ms, geometric mean {:.1f} ms\n",
                        summary.peer_total_ms, summary.peer_geomean_ms);
    text += fmt::format("ours / DuckDB over {} queries: total_ratio {:.3f}, geomean_ratio {:.3f}\n",
                        summary.compared, summary.total_ratio, summary.geomean_ratio);
  }
  return text;
}

}  // namespace sirocco::bench
