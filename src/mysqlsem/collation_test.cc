#include "mysqlsem/collation.h"

#include <gtest/gtest.h>

#include <random>

#include "mysqlsem/recorded.h"

namespace sirocco::mysqlsem {
namespace {

class CollationTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { InitializeCollations(); }
};

int Sign(int value) { return value < 0 ? -1 : value > 0; }

std::string Recorded(const std::string& operation, const RecordedArgs& args) {
  const Collation* collation = FindCollationByName(args[0]);
  if (collation == nullptr) return "no collation";
  if (operation == "convert") {
    const Collation* to = FindCollationByName(args[1]);
    std::string out;
    ConvertCharset(*collation, *to, FromHex(args[2]), &out);
    return ToHex(out);
  }
  const std::string a = FromHex(args[1]);
  std::string out;
  if (operation == "compare") return std::to_string(Sign(collation->Compare(a, FromHex(args[2]))));
  if (operation == "locate") return std::to_string(collation->Locate(a, FromHex(args[2])));
  if (operation == "like") return collation->Like(a, FromHex(args[2])) ? "1" : "0";
  if (operation == "charlen") return std::to_string(collation->NumChars(a));
  if (operation == "upper") return collation->Upper(a, &out), ToHex(out);
  if (operation == "lower") return collation->Lower(a, &out), ToHex(out);
  if (operation == "reverse") return collation->Reverse(a, &out), ToHex(out);
  if (operation == "substring")
    return ToHex(collation->Substring(a, std::stoi(args[2]), std::stoi(args[3])));
  if (operation == "left") return ToHex(collation->Left(a, std::stoi(args[2])));
  if (operation == "right") return ToHex(collation->Right(a, std::stoi(args[2])));
  const std::string pad = FromHex(args[2]);
  if (operation == "trim_leading") return ToHex(collation->TrimLeading(a + pad, pad));
  if (operation == "trim_trailing") return ToHex(collation->TrimTrailing(a + pad + pad, pad));
  return "unknown operation";
}

TEST_F(CollationTest, AnswersAsTheServer) { EXPECT_GT(RunRecorded("collation", Recorded), 8000u); }

TEST_F(CollationTest, KnowsItsProperties) {
  const Collation* utf8 = FindCollation(255);
  ASSERT_NE(utf8, nullptr);
  EXPECT_EQ(utf8->name(), "utf8mb4_0900_ai_ci");
  EXPECT_EQ(utf8->charset_name(), "utf8mb4");
  EXPECT_EQ(utf8->mbmaxlen(), 4u);
  EXPECT_FALSE(utf8->pad_space());
  EXPECT_FALSE(utf8->is_binary());
  EXPECT_TRUE(FindCollation(63)->is_binary());
  EXPECT_TRUE(FindCollationByName("utf8mb4_0900_bin")->is_binary());
  EXPECT_FALSE(FindCollationByName("utf8mb4_bin")->is_binary());
  EXPECT_TRUE(FindCollationByName("utf8mb4_bin")->is_binary_padded());
  EXPECT_TRUE(FindCollationByName("latin1_bin")->is_binary_padded());
  EXPECT_FALSE(FindCollationByName("utf16_bin")->is_binary_padded());
  EXPECT_FALSE(FindCollationByName("ucs2_general_ci")->ascii_based());
  EXPECT_EQ(FindDefaultCollation("utf8mb4"), utf8);
  EXPECT_EQ(FindCollation(2047), nullptr);
  EXPECT_EQ(FindCollation(999999), nullptr);
  EXPECT_EQ(FindCollationByName("no_such_collation"), nullptr);
}

// Strings that look like text of the collation: its own encodings of characters from many scripts.
std::string RandomText(const Collation& collation, std::mt19937& random) {
  static constexpr uint32_t kChars[] = {
      'a',   'A',   'b',   'B',    'c',    'h',    'C',    'H',     ' ',      ' ',
      ' ',   '\t',  0,     1,      '!',    '0',    '_',    'z',     'Z',      'l',
      0xDF,  0xE4,  0xC4,  0xE9,   0xFF,   0x131,  0x301,  0x30A,   0x3B1,    0x3A3,
      0x416, 0x436, 0xE40, 0xE01,  0x3042, 0x30A2, 0x4E00, 0x9FA5,  0xAC00,   0x1F600,
      0x104, 0x105, 0xB7,  0x200B, 0x0E33, 0xFB01, 0x1E9E, 0x20000, 0x10FFFF, 0x7F};
  std::string text;
  const auto length = random() % 7;
  while (text.empty() ? length > 0 && random() % 20 != 0 : collation.NumChars(text) < length) {
    collation.AppendChar(kChars[random() % std::size(kChars)], &text);
  }
  return text;
}

// Keys and hashes must agree with comparisons for every collation the server has.
TEST_F(CollationTest, KeysAndHashesFollowComparison) {
  std::mt19937 random(7);
  int collations = 0, without_key = 0;
  for (uint32_t id = 1; id < 2048; ++id) {
    const Collation* collation = FindCollation(id);
    if (collation == nullptr) continue;
    ++collations;
    if (!collation->has_sort_key()) ++without_key;
    int wrong = 0;
    for (int i = 0; i < 1500 && wrong < 3; ++i) {
      const std::string a = RandomText(*collation, random);
      std::string b = random() % 4 == 0 ? a : RandomText(*collation, random);
      if (random() % 3 == 0) collation->Upper(std::string(a), &b);
      if (random() % 4 == 0) collation->AppendChar(' ', &b);
      const int order = Sign(collation->Compare(a, b));
      const auto context = [&] {
        return std::string(collation->name()) + " " + ToHex(a) + " " + ToHex(b) + " order " +
               std::to_string(order);
      };
      if (order == 0 && collation->Hash(a, 5) != collation->Hash(b, 5)) {
        ADD_FAILURE() << "hash: " << context();
        ++wrong;
      }
      EXPECT_EQ(collation->Equal(a, b), order == 0);
      if (collation->is_binary()) {
        EXPECT_EQ(order, Sign(a.compare(b))) << context();
      }
      if (!collation->has_sort_key()) continue;
      std::string key_a, key_b;
      collation->SortKey(a, &key_a);
      collation->SortKey(b, &key_b);
      EXPECT_LE(key_a.size(), collation->MaxSortKeySize(a.size()));
      if (Sign(key_a.compare(key_b)) != order) {
        ADD_FAILURE() << "key: " << context() << " keys " << ToHex(key_a) << " " << ToHex(key_b);
        ++wrong;
      }
    }
  }
  EXPECT_GT(collations, 280);
  EXPECT_LE(without_key, 5);
}

TEST_F(CollationTest, LikeEscapes) {
  const Collation* utf8 = FindCollation(255);
  EXPECT_TRUE(utf8->Like("100%", "100\\%"));
  EXPECT_FALSE(utf8->Like("1000", "100\\%"));
  EXPECT_TRUE(utf8->Like("100%", "100|%", '|'));
  EXPECT_TRUE(utf8->Like("\\x", "\\%", -1));
  EXPECT_TRUE(utf8->Like("STRASSE", "stra%"));
  EXPECT_FALSE(FindCollation(46)->Like("STRASSE", "stra%"));
}

TEST_F(CollationTest, IllFormedTextIsFound) {
  const Collation* utf8 = FindCollation(255);
  EXPECT_TRUE(utf8->IsWellFormed("na\xC3\xAFve"));
  EXPECT_EQ(utf8->WellFormedLength("ab\xC3("), 2u);
  EXPECT_EQ(utf8->WellFormedLength("ab\xF0\x9F\x98"), 2u);
  EXPECT_TRUE(FindCollation(63)->IsWellFormed("\xFF\xFE"));
}

TEST_F(CollationTest, CharacterOffsets) {
  const Collation* utf8 = FindCollation(255);
  const std::string text = "a\xC3\xA4\xE6\x97\xA5\xF0\x9F\x98\x80";
  EXPECT_EQ(utf8->CharOffset(text, 0), 0u);
  EXPECT_EQ(utf8->CharOffset(text, 1), 1u);
  EXPECT_EQ(utf8->CharOffset(text, 2), 3u);
  EXPECT_EQ(utf8->CharOffset(text, 3), 6u);
  EXPECT_EQ(utf8->CharOffset(text, 4), text.size());
  EXPECT_EQ(utf8->CharOffset(text, 99), text.size());
  uint32_t code_point = 0;
  EXPECT_EQ(utf8->DecodeChar(text.substr(6), &code_point), 4u);
  EXPECT_EQ(code_point, 0x1F600u);
}

TEST_F(CollationTest, ConversionCountsLostCharacters) {
  std::string out;
  EXPECT_EQ(ConvertCharset(*FindCollation(255), *FindCollation(8), "a\xC3\xA4\xE6\x97\xA5", &out),
            1u);
  EXPECT_EQ(out, "a\xE4?");
  EXPECT_EQ(ConvertCharset(*FindCollation(8), *FindCollation(255), "\xE4", &out), 0u);
  EXPECT_EQ(out, "\xC3\xA4");
}

}  // namespace
}  // namespace sirocco::mysqlsem
