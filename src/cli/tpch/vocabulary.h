// Word lists of TPC-H's data with their weights, as clause 4.2.2 and appendix lists of the TPC-H
// specification give them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cli/tpch/random_stream.h"

namespace sirocco::tpch {

// A list of words that are drawn in proportion to integer weights. Immutable.
class WordList {
 public:
  struct Entry {
    std::string_view word;
    int weight = 1;
  };
  WordList(std::initializer_list<Entry> entries);
  // All words of equal weight; owns them.
  explicit WordList(std::vector<std::string> words);
  WordList(const WordList&) = delete;
  WordList& operator=(const WordList&) = delete;

  // Takes one draw.
  std::string_view Pick(RandomStream& stream) const {
    return by_weight_[static_cast<size_t>(stream.NextFraction() *
                                          static_cast<double>(by_weight_.size()))];
  }

 private:
  std::vector<std::string> owned_;
  std::vector<std::string_view> by_weight_;  // each word as often as its weight says
};

struct Nation {
  std::string_view name;
  int region;
};

// Everything below lives as long as the program.
struct Vocabulary {
  const WordList nouns, verbs, adjectives, adverbs, prepositions, auxiliaries, terminators;
  const WordList part_types, containers, segments, priorities, instructions, modes, return_flags;
};
const Vocabulary& GetVocabulary();

inline constexpr int kNumColors = 92;
inline constexpr int kNumNations = 25;
inline constexpr int kNumRegions = 5;
extern const std::string_view kColors[kNumColors];
extern const Nation kNations[kNumNations];
extern const std::string_view kRegions[kNumRegions];

}  // namespace sirocco::tpch
