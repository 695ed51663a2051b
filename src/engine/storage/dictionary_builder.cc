#include "engine/storage/dictionary_builder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "engine/memory/aligned_buffer.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

// One value of one input while sorting. `prefix` is the first eight key bytes as a big-endian
// number, so that most comparisons end there.
struct Entry {
  uint64_t prefix;
  uint32_t input, code;
  uint64_t key_offset;  // into the key buffer
  uint32_t key_size;
};

uint64_t PrefixOf(std::string_view key) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, key.data(), std::min<size_t>(key.size(), 8));
  return std::byteswap(prefix);
}

// Order of values: the collation's, then by bytes.
class EntryOrder {
 public:
  EntryOrder(const std::vector<const std::vector<StringRef>*>& inputs,
             const mysqlsem::Collation* collation, const std::string& keys, bool keys_are_values)
      : inputs_(inputs), collation_(collation), keys_(keys), keys_are_values_(keys_are_values) {}

  std::string_view ValueOf(const Entry& e) const { return (*inputs_[e.input])[e.code].view(); }

  // Order under the collation alone.
  int CompareWeights(const Entry& a, const Entry& b) const {
    if (keys_are_values_) return ValueOf(a).compare(ValueOf(b));
    if (keys_.empty()) return collation_->Compare(ValueOf(a), ValueOf(b));
    if (a.prefix != b.prefix) return a.prefix < b.prefix ? -1 : 1;
    return std::string_view(keys_.data() + a.key_offset, a.key_size)
        .compare(std::string_view(keys_.data() + b.key_offset, b.key_size));
  }
  bool operator()(const Entry& a, const Entry& b) const {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int weights = CompareWeights(a, b);
    if (weights != 0) return weights < 0;
    return ValueOf(a) < ValueOf(b);
  }

 private:
  const std::vector<const std::vector<StringRef>*>& inputs_;
  const mysqlsem::Collation* collation_;
  const std::string& keys_;
  bool keys_are_values_;
};

}  // namespace

Result<DictionaryBuilder::Output> DictionaryBuilder::Build(
    std::vector<const std::vector<StringRef>*> inputs, const mysqlsem::Collation* collation,
    uint64_t max_distinct, std::shared_ptr<MemoryPool> pool) {
  const bool byte_order = collation == nullptr || collation->is_binary();
  size_t num_entries = 0, num_bytes = 0;
  for (const auto* input : inputs) {
    num_entries += input->size();
    for (const StringRef& value : *input) num_bytes += value.size;
  }
  MemoryReservation scratch(pool.get());
  RETURN_IF_ERROR(scratch.ResizeTo(num_entries * (sizeof(Entry) + sizeof(uint32_t))));

  std::vector<Entry> entries;
  entries.reserve(num_entries);
  std::string keys;
  const bool with_keys = !byte_order && collation->has_sort_key();
  if (with_keys) keys.push_back('\0');  // "no keys" is an empty buffer
  for (uint32_t input = 0; input < inputs.size(); ++input) {
    for (uint32_t code = 0; code < inputs[input]->size(); ++code) {
      const std::string_view value = (*inputs[input])[code].view();
      Entry entry{
          .prefix = 0, .input = input, .code = code, .key_offset = keys.size(), .key_size = 0};
      if (byte_order) {
        entry.prefix = PrefixOf(value);
      } else if (with_keys) {
        const size_t needed = keys.size() + collation->MaxSortKeySize(value.size());
        if (needed > keys.capacity()) {
          const size_t capacity = std::max(needed, keys.capacity() * 2);
          RETURN_IF_ERROR(
              scratch.ResizeTo(num_entries * (sizeof(Entry) + sizeof(uint32_t)) + capacity));
          keys.reserve(capacity);
        }
        entry.key_size = static_cast<uint32_t>(collation->AppendSortKey(value, &keys));
        entry.prefix = PrefixOf({keys.data() + entry.key_offset, entry.key_size});
      }
      entries.push_back(entry);
    }
  }
  const EntryOrder order(inputs, collation, keys, byte_order);
  std::sort(entries.begin(), entries.end(), order);

  Output output;
  for (size_t i = 0; i < entries.size(); ++i)
    output.num_distinct += i == 0 || order.ValueOf(entries[i - 1]) != order.ValueOf(entries[i]);
  if (output.num_distinct > max_distinct) return output;

  // Equal values of several inputs share a code; their bytes are kept once, in code order.
  auto dictionary = std::make_shared<Dictionary>();
  const size_t size_bytes = num_bytes + AlignedBuffer::kPadding +
                            (output.num_distinct + 1) * (sizeof(StringRef) + sizeof(uint32_t));
  RETURN_IF_ERROR(pool->Reserve(size_bytes));
  dictionary->pool_ = pool;
  dictionary->size_bytes_ = size_bytes;
  dictionary->collation_ = collation;
  dictionary->own_bytes_.reserve(num_bytes + AlignedBuffer::kPadding);
  dictionary->own_values_.reserve(output.num_distinct + 1);
  output.remaps.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) output.remaps[i].resize(inputs[i]->size());
  std::vector<uint32_t> classes;
  classes.reserve(output.num_distinct);
  bool has_classes = false;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string_view value = order.ValueOf(entries[i]);
    if (i == 0 || order.ValueOf(entries[i - 1]) != value) {
      const auto code = static_cast<uint32_t>(classes.size());
      const bool same_class =
          i != 0 && !byte_order && order.CompareWeights(entries[i - 1], entries[i]) == 0;
      has_classes |= same_class;
      classes.push_back(same_class ? classes.back() : code);
      dictionary->own_bytes_.insert(dictionary->own_bytes_.end(), value.begin(), value.end());
      // The address follows below: the byte array is complete then.
      dictionary->own_values_.push_back({nullptr, static_cast<uint32_t>(value.size()), 0});
    }
    output.remaps[entries[i].input][entries[i].code] = static_cast<uint32_t>(classes.size() - 1);
  }
  dictionary->own_bytes_.resize(dictionary->own_bytes_.size() + AlignedBuffer::kPadding);
  const char* at = dictionary->own_bytes_.data();
  for (StringRef& value : dictionary->own_values_) {
    value.data = at;
    at += value.size;
  }
  // Code 0 is readable even if there are no values.
  dictionary->size_ = static_cast<uint32_t>(dictionary->own_values_.size());
  dictionary->own_values_.push_back({at, 0, 0});
  dictionary->sorted_size_ = dictionary->size_;
  dictionary->values_ = dictionary->own_values_.data();
  if (has_classes) {
    dictionary->own_classes_ = std::move(classes);
    dictionary->classes_ = dictionary->own_classes_.data();
  }
  output.dictionary = std::move(dictionary);
  return output;
}

}  // namespace sirocco::engine
