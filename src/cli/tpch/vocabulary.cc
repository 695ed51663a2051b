#include "cli/tpch/vocabulary.h"

#include <utility>

namespace sirocco::tpch {
namespace {

// Every combination "a b c", the last part changing fastest.
std::vector<std::string> Combine(std::vector<std::string> heads,
                                 std::initializer_list<std::string_view> tails) {
  std::vector<std::string> result;
  for (const std::string& head : heads) {
    for (std::string_view tail : tails) result.push_back(head + " " + std::string(tail));
  }
  return result;
}

}  // namespace

WordList::WordList(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) by_weight_.insert(by_weight_.end(), entry.weight, entry.word);
}

WordList::WordList(std::vector<std::string> words) : owned_(std::move(words)) {
  by_weight_.assign(owned_.begin(), owned_.end());
}

const std::string_view kRegions[kNumRegions] = {"AFRICA", "AMERICA", "ASIA", "EUROPE",
                                                "MIDDLE EAST"};

const Nation kNations[kNumNations] = {
    {"ALGERIA", 0},      {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1},
    {"EGYPT", 4},        {"ETHIOPIA", 0},  {"FRANCE", 3}, {"GERMANY", 3},
    {"INDIA", 2},        {"INDONESIA", 2}, {"IRAN", 4},   {"IRAQ", 4},
    {"JAPAN", 2},        {"JORDAN", 4},    {"KENYA", 0},  {"MOROCCO", 0},
    {"MOZAMBIQUE", 0},   {"PERU", 1},      {"CHINA", 2},  {"ROMANIA", 3},
    {"SAUDI ARABIA", 4}, {"VIETNAM", 2},   {"RUSSIA", 3}, {"UNITED KINGDOM", 3},
    {"UNITED STATES", 1}};

const std::string_view kColors[kNumColors] = {
    "almond",   "antique",   "aquamarine", "azure",      "beige",     "bisque",    "black",
    "blanched", "blue",      "blush",      "brown",      "burlywood", "burnished", "chartreuse",
    "chiffon",  "chocolate", "coral",      "cornflower", "cornsilk",  "cream",     "cyan",
    "dark",     "deep",      "dim",        "dodger",     "drab",      "firebrick", "floral",
    "forest",   "frosted",   "gainsboro",  "ghost",      "goldenrod", "green",     "grey",
    "honeydew", "hot",       "indian",     "ivory",      "khaki",     "lace",      "lavender",
    "lawn",     "lemon",     "light",      "lime",       "linen",     "magenta",   "maroon",
    "medium",   "metallic",  "midnight",   "mint",       "misty",     "moccasin",  "navajo",
    "navy",     "olive",     "orange",     "orchid",     "pale",      "papaya",    "peach",
    "peru",     "pink",      "plum",       "powder",     "puff",      "purple",    "red",
    "rose",     "rosy",      "royal",      "saddle",     "salmon",    "sandy",     "seashell",
    "sienna",   "sky",       "slate",      "smoke",      "snow",      "spring",    "steel",
    "tan",      "thistle",   "tomato",     "turquoise",  "violet",    "wheat",     "white",
    "yellow"};

const Vocabulary& GetVocabulary() {
  static const Vocabulary vocabulary{
      .nouns = {{"packages", 40},
                {"requests", 40},
                {"accounts", 40},
                {"deposits", 40},
                {"foxes", 20},
                {"ideas", 20},
                {"theodolites", 20},
                {"pinto beans", 20},
                {"instructions", 20},
                {"dependencies", 10},
                {"excuses", 10},
                {"platelets", 10},
                {"asymptotes", 10},
                {"courts", 5},
                {"dolphins", 5},
                {"multipliers"},
                {"sauternes"},
                {"warthogs"},
                {"frets"},
                {"dinos"},
                {"attainments"},
                {"somas"},
                {"Tiresias"},
                {"patterns"},
                {"forges"},
                {"braids"},
                {"frays"},
                {"warhorses"},
                {"dugouts"},
                {"notornis"},
                {"epitaphs"},
                {"pearls"},
                {"tithes"},
                {"waters"},
                {"orbits"},
                {"gifts"},
                {"sheaves"},
                {"depths"},
                {"sentiments"},
                {"decoys"},
                {"realms"},
                {"pains"},
                {"grouches"},
                {"escapades"},
                {"hockey players"}},
      .verbs = {{"sleep", 20},    {"wake", 20}, {"are", 20},   {"cajole", 20}, {"haggle", 20},
                {"nag", 10},      {"use", 10},  {"boost", 10}, {"affix", 5},   {"detect", 5},
                {"integrate", 5}, {"maintain"}, {"nod"},       {"was"},        {"lose"},
                {"sublate"},      {"solve"},    {"thrash"},    {"promise"},    {"engage"},
                {"hinder"},       {"print"},    {"x-ray"},     {"breach"},     {"eat"},
                {"grow"},         {"impress"},  {"mold"},      {"poach"},      {"serve"},
                {"run"},          {"dazzle"},   {"snooze"},    {"doze"},       {"unwind"},
                {"kindle"},       {"play"},     {"hang"},      {"believe"},    {"doubt"}},
      .adjectives = {{"special", 20}, {"pending", 20}, {"unusual", 20}, {"express", 20},
                     {"furious"},     {"sly"},         {"careful"},     {"blithe"},
                     {"quick"},       {"fluffy"},      {"slow"},        {"quiet"},
                     {"ruthless"},    {"thin"},        {"close"},       {"dogged"},
                     {"daring"},      {"brave"},       {"stealthy"},    {"permanent"},
                     {"enticing"},    {"idle"},        {"busy"},        {"regular", 50},
                     {"final", 40},   {"ironic", 40},  {"even", 30},    {"bold", 20},
                     {"silent", 10}},
      .adverbs = {{"sometimes"},    {"always"},        {"never"},        {"furiously", 50},
                  {"slyly", 50},    {"carefully", 50}, {"blithely", 40}, {"quickly", 30},
                  {"fluffily", 20}, {"slowly"},        {"quietly"},      {"ruthlessly"},
                  {"thinly"},       {"closely"},       {"doggedly"},     {"daringly"},
                  {"bravely"},      {"stealthily"},    {"permanently"},  {"enticingly"},
                  {"idly"},         {"busily"},        {"regularly"},    {"finally"},
                  {"ironically"},   {"evenly"},        {"boldly"},       {"silently"}},
      .prepositions = {{"about", 50},
                       {"above", 50},
                       {"according to", 50},
                       {"across", 50},
                       {"after", 50},
                       {"against", 40},
                       {"along", 40},
                       {"alongside of", 30},
                       {"among", 30},
                       {"around", 20},
                       {"at", 10},
                       {"atop"},
                       {"before"},
                       {"behind"},
                       {"beneath"},
                       {"beside"},
                       {"besides"},
                       {"between"},
                       {"beyond"},
                       {"by"},
                       {"despite"},
                       {"during"},
                       {"except"},
                       {"for"},
                       {"from"},
                       {"in place of"},
                       {"inside"},
                       {"instead of"},
                       {"into"},
                       {"near"},
                       {"of"},
                       {"on"},
                       {"outside"},
                       {"over"},
                       {"past"},
                       {"since"},
                       {"through"},
                       {"throughout"},
                       {"to"},
                       {"toward"},
                       {"under"},
                       {"until"},
                       {"up"},
                       {"upon"},
                       {"whithout"},
                       {"with"},
                       {"within"}},
      .auxiliaries = {{"do"},
                      {"may"},
                      {"might"},
                      {"shall"},
                      {"will"},
                      {"would"},
                      {"can"},
                      {"could"},
                      {"should"},
                      {"ought to"},
                      {"must"},
                      {"will have to"},
                      {"shall have to"},
                      {"could have to"},
                      {"should have to"},
                      {"must have to"},
                      {"need to"},
                      {"try to"}},
      .terminators = {{".", 50}, {";"}, {":"}, {"?"}, {"!"}, {"--"}},
      .part_types =
          WordList(Combine(Combine({"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"},
                                   {"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"}),
                           {"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"})),
      .containers = WordList(Combine({"SM", "LG", "MED", "JUMBO", "WRAP"},
                                     {"CASE", "BOX", "BAG", "JAR", "PACK", "PKG", "CAN", "DRUM"})),
      .segments = {{"AUTOMOBILE"}, {"BUILDING"}, {"FURNITURE"}, {"HOUSEHOLD"}, {"MACHINERY"}},
      .priorities = {{"1-URGENT"}, {"2-HIGH"}, {"3-MEDIUM"}, {"4-NOT SPECIFIED"}, {"5-LOW"}},
      .instructions = {{"DELIVER IN PERSON"}, {"COLLECT COD"}, {"TAKE BACK RETURN"}, {"NONE"}},
      .modes = {{"REG AIR"}, {"AIR"}, {"RAIL"}, {"TRUCK"}, {"MAIL"}, {"FOB"}, {"SHIP"}},
      .return_flags = {{"R"}, {"A"}},
  };
  return vocabulary;
}

}  // namespace sirocco::tpch
