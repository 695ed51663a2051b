#include "cli/tpch/text_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cli/tpch/vocabulary.h"

namespace sirocco::tpch {
namespace {

constexpr uint32_t kPoolSeed = 933588178;
constexpr size_t kMaxSentence = 512;  // the longest the grammar can make is below 256

// Writes sentences. Grammar: N noun phrase, V verb phrase, P preposition "the" noun phrase, T end;
// every word is followed by one blank, which punctuation replaces.
class SentenceWriter {
 public:
  explicit SentenceWriter(char* out) : out_(out) {}
  char* out() const { return out_; }

  void Sentence() {
    const int64_t form = stream_.NextInt(0, 10);  // weights 3, 3, 3, 1, 1
    NounPhrase();
    if (form >= 9) PrepositionalPhrase();
    VerbPhrase();
    if (form >= 3 && form < 6) PrepositionalPhrase();
    if ((form >= 6 && form < 9) || form == 9) NounPhrase();
    if (form == 10) PrepositionalPhrase();
    --out_;
    Word(words_.terminators);
  }

 private:
  void Word(const WordList& list) {
    const std::string_view word = list.Pick(stream_);
    std::memcpy(out_, word.data(), word.size());
    out_ += word.size();
    *out_++ = ' ';
  }

  void NounPhrase() {
    const int64_t form = stream_.NextInt(0, 89);  // N 10, J N 20, J, J N 10, D J N 50
    if (form >= 40) Word(words_.adverbs);
    if (form >= 10) Word(words_.adjectives);
    if (form >= 30 && form < 40) {
      out_[-1] = ',';
      *out_++ = ' ';
      Word(words_.adjectives);
    }
    Word(words_.nouns);
  }

  void VerbPhrase() {
    const int64_t form = stream_.NextInt(0, 71);  // V 30, X V 1, V D 40, X V D 1
    if (form == 30 || form == 71) Word(words_.auxiliaries);
    Word(words_.verbs);
    if (form >= 31) Word(words_.adverbs);
  }

  void PrepositionalPhrase() {
    Word(words_.prepositions);
    std::memcpy(out_, "the ", 4);
    out_ += 4;
    NounPhrase();
  }

  char* out_;
  const Vocabulary& words_ = GetVocabulary();
  RandomStream stream_{kPoolSeed, 1, 0};
};

}  // namespace

const TextPool& TextPool::Get() {
  static const TextPool pool(kSize);
  return pool;
}

TextPool::TextPool(size_t size)
    : bytes_(std::make_unique_for_overwrite<char[]>(size + kMaxSentence)), size_(size) {
  SentenceWriter writer(bytes_.get());
  while (static_cast<size_t>(writer.out() - bytes_.get()) < size) writer.Sentence();
}

}  // namespace sirocco::tpch
