// The format is described in the server's sql-common/json_binary.h; docs/storage.md points there. A
// value is a type byte (kept by its container) and a body; containers address their values relative
// to themselves, so bodies are built bottom up and copied once per level.
#include "lakehouse/read/json_binary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mysqlsem/collation.h"

namespace sirocco::lakehouse {

namespace {

constexpr int kMaxDepth = 100;

enum JsonType : uint8_t {
  kSmallObject = 0,
  kLargeObject = 1,
  kSmallArray = 2,
  kLargeArray = 3,
  kLiteral = 4,
  kInt16 = 5,
  kUint16 = 6,
  kInt32 = 7,
  kUint32 = 8,
  kInt64 = 9,
  kUint64 = 10,
  kDouble = 11,
  kString = 12,
};

struct Node {
  JsonType type = kLiteral;
  std::string body;  // as it stands outside a container
};

void Append(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

Node IntegerNode(int64_t value) {
  Node node;
  if (value >= INT16_MIN && value <= INT16_MAX) {
    node.type = kInt16;
    Append(&node.body, static_cast<uint64_t>(value), 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    node.type = kInt32;
    Append(&node.body, static_cast<uint64_t>(value), 4);
  } else {
    node.type = kInt64;
    Append(&node.body, static_cast<uint64_t>(value), 8);
  }
  return node;
}

Node UnsignedNode(uint64_t value) {
  Node node;
  if (value <= UINT16_MAX) {
    node.type = kUint16;
    Append(&node.body, value, 2);
  } else if (value <= UINT32_MAX) {
    node.type = kUint32;
    Append(&node.body, value, 4);
  } else {
    node.type = kUint64;
    Append(&node.body, value, 8);
  }
  return node;
}

Node StringNode(std::string_view text) {
  Node node{kString, {}};
  size_t rest = text.size();
  do {
    const auto low = static_cast<uint8_t>(rest & 0x7F);
    rest >>= 7;
    node.body.push_back(static_cast<char>(rest != 0 ? low | 0x80 : low));
  } while (rest != 0);
  node.body.append(text);
  return node;
}

Node LiteralNode(char value) { return {kLiteral, std::string(1, value)}; }

bool IsInlined(JsonType type, bool large) {
  return type == kLiteral || type == kInt16 || type == kUint16 ||
         (large && (type == kInt32 || type == kUint32));
}

// Builds an object (keys not empty) or an array. False: too big for the form.
bool BuildContainer(const std::vector<std::string>& keys, const std::vector<Node>& values,
                    bool is_object, bool large, std::string* out) {
  const int width = large ? 4 : 2;
  const uint64_t limit = large ? UINT32_MAX : UINT16_MAX;
  uint64_t size = 2 * width + values.size() * (1 + width);
  if (is_object) size += keys.size() * (width + 2);
  const uint64_t keys_start = size;
  for (const std::string& key : keys) size += key.size();
  const uint64_t values_start = size;
  for (const Node& value : values)
    if (!IsInlined(value.type, large)) size += value.body.size();
  if (size > limit || values.size() > limit) return false;
  out->clear();
  out->reserve(size);
  Append(out, values.size(), width);
  Append(out, size, width);
  uint64_t at = keys_start;
  if (is_object) {
    for (const std::string& key : keys) {
      Append(out, at, width);
      Append(out, key.size(), 2);
      at += key.size();
    }
  }
  at = values_start;
  for (const Node& value : values) {
    out->push_back(static_cast<char>(value.type));
    if (IsInlined(value.type, large)) {
      // Signed values are extended to the width of the entry.
      uint64_t raw = 0;
      if (value.type == kInt16) {
        int16_t narrow;
        std::memcpy(&narrow, value.body.data(), 2);
        raw = static_cast<uint64_t>(static_cast<int64_t>(narrow));
      } else {
        std::memcpy(&raw, value.body.data(), value.body.size());
      }
      Append(out, raw, width);
    } else {
      Append(out, at, width);
      at += value.body.size();
    }
  }
  for (const std::string& key : keys) out->append(key);
  for (const Node& value : values)
    if (!IsInlined(value.type, large)) out->append(value.body);
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::string> Parse() {
    Node node;
    SkipSpace();
    if (!ParseValue(1, &node)) return std::unexpected(Failure());
    SkipSpace();
    if (at_ != text_.size()) {
      Fail("The document root must not be followed by other values.");
      return std::unexpected(Failure());
    }
    std::string binary;
    binary.reserve(node.body.size() + 1);
    binary.push_back(static_cast<char>(node.type));
    binary += node.body;
    return binary;
  }

 private:
  Error Failure() const {
    return {ErrorCode::kInvalidArgument, 0,
            std::string("Invalid JSON text: \"") + reason_ + "\" at position " +
                std::to_string(at_) + "."};
  }
  bool Fail(const char* reason) {
    if (reason_ == nullptr) reason_ = reason;
    return false;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool ParseValue(int depth, Node* node) {
    if (at_ >= text_.size()) return Fail("The document is empty.");
    switch (text_[at_]) {
      case '{':
      case '[':
        if (depth > kMaxDepth) return Fail("The JSON document exceeds the maximum depth.");
        return text_[at_] == '{' ? ParseObject(depth, node) : ParseArray(depth, node);
      case '"': {
        std::string text;
        if (!ParseString(&text)) return false;
        *node = StringNode(text);
        return true;
      }
      case 't':
        return ParseLiteral("true", 1, node);
      case 'f':
        return ParseLiteral("false", 2, node);
      case 'n':
        return ParseLiteral("null", 0, node);
      default:
        return ParseNumber(node);
    }
  }

  bool ParseLiteral(std::string_view word, char value, Node* node) {
    if (text_.substr(at_, word.size()) != word) return Fail("Invalid value.");
    at_ += word.size();
    *node = LiteralNode(value);
    return true;
  }

  bool ParseObject(int depth, Node* node) {
    ++at_;
    struct Member {
      std::string key;
      Node value;
      size_t position;
    };
    std::vector<Member> members;
    SkipSpace();
    if (Peek() == '}') {
      ++at_;
    } else {
      for (;;) {
        SkipSpace();
        if (Peek() != '"') return Fail("Missing a name for object member.");
        Member member;
        if (!ParseString(&member.key)) return false;
        if (member.key.size() > UINT16_MAX)
          return Fail("The JSON object contains a key name that is too long.");
        SkipSpace();
        if (Peek() != ':') return Fail("Missing a colon after a name of object member.");
        ++at_;
        SkipSpace();
        if (!ParseValue(depth + 1, &member.value)) return false;
        member.position = members.size();
        members.push_back(std::move(member));
        SkipSpace();
        if (Peek() == ',') {
          ++at_;
          continue;
        }
        if (Peek() != '}') return Fail("Missing a comma or } after an object member.");
        ++at_;
        break;
      }
    }
    // By length, then bytes; of equal keys the last one stays.
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
      if (a.key.size() != b.key.size()) return a.key.size() < b.key.size();
      const int order = a.key.compare(b.key);
      return order != 0 ? order < 0 : a.position > b.position;
    });
    members.erase(std::unique(members.begin(), members.end(),
                              [](const Member& a, const Member& b) { return a.key == b.key; }),
                  members.end());
    std::vector<std::string> keys;
    std::vector<Node> values;
    for (Member& member : members) {
      keys.push_back(std::move(member.key));
      values.push_back(std::move(member.value));
    }
    return Build(keys, values, true, node);
  }

  bool ParseArray(int depth, Node* node) {
    ++at_;
    std::vector<Node> values;
    SkipSpace();
    if (Peek() == ']') {
      ++at_;
    } else {
      for (;;) {
        SkipSpace();
        if (!ParseValue(depth + 1, &values.emplace_back())) return false;
        SkipSpace();
        if (Peek() == ',') {
          ++at_;
          continue;
        }
        if (Peek() != ']') return Fail("Missing a comma or ] after an array element.");
        ++at_;
        break;
      }
    }
    return Build({}, values, false, node);
  }

  bool Build(const std::vector<std::string>& keys, const std::vector<Node>& values, bool is_object,
             Node* node) {
    if (BuildContainer(keys, values, is_object, false, &node->body)) {
      node->type = is_object ? kSmallObject : kSmallArray;
      return true;
    }
    if (!BuildContainer(keys, values, is_object, true, &node->body))
      return Fail("The document is too large.");
    node->type = is_object ? kLargeObject : kLargeArray;
    return true;
  }

  bool ParseHex4(uint32_t* code) {
    if (text_.size() - at_ < 4) return Fail("Incorrect hex digit after \\u escape in string.");
    *code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      *code <<= 4;
      if (c >= '0' && c <= '9')
        *code |= c - '0';
      else if (c >= 'a' && c <= 'f')
        *code |= c - 'a' + 10;
      else if (c >= 'A' && c <= 'F')
        *code |= c - 'A' + 10;
      else
        return Fail("Incorrect hex digit after \\u escape in string.");
    }
    return true;
  }

  static void AppendUtf8(uint32_t code, std::string* out) {
    if (code < 0x80) {
      out->push_back(static_cast<char>(code));
    } else if (code < 0x800) {
      out->push_back(static_cast<char>(0xC0 | code >> 6));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    } else if (code < 0x10000) {
      out->push_back(static_cast<char>(0xE0 | code >> 12));
      out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    } else {
      out->push_back(static_cast<char>(0xF0 | code >> 18));
      out->push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
      out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
      out->push_back(static_cast<char>(0x80 | (code & 63)));
    }
  }

  bool ParseString(std::string* out) {
    ++at_;
    for (;;) {
      if (at_ >= text_.size()) return Fail("Missing a closing quotation mark in string.");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<uint8_t>(c) < 0x20) return Fail("Invalid encoding in string.");
      if (c != '\\') {
        out->push_back(c);
        ++at_;
        continue;
      }
      ++at_;
      const char escaped = Peek();
      ++at_;
      switch (escaped) {
        case '"':
        case '\\':
        case '/':
          out->push_back(escaped);
          break;
        case 'b':
          out->push_back('\b');
          break;
        case 'f':
          out->push_back('\f');
          break;
        case 'n':
          out->push_back('\n');
          break;
        case 'r':
          out->push_back('\r');
          break;
        case 't':
          out->push_back('\t');
          break;
        case 'u': {
          uint32_t code, low;
          if (!ParseHex4(&code)) return false;
          if (code >= 0xD800 && code <= 0xDFFF) {
            if (code > 0xDBFF || text_.substr(at_, 2) != "\\u")
              return Fail("The surrogate pair in string is invalid.");
            at_ += 2;
            if (!ParseHex4(&low)) return false;
            if (low < 0xDC00 || low > 0xDFFF)
              return Fail("The surrogate pair in string is invalid.");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          }
          AppendUtf8(code, out);
          break;
        }
        default:
          return Fail("Invalid escape character in string.");
      }
    }
  }

  bool ParseNumber(Node* node) {
    const size_t start = at_;
    const bool minus = Peek() == '-';
    if (minus) ++at_;
    const auto digit = [this] { return Peek() >= '0' && Peek() <= '9'; };
    if (!digit()) return Fail("Invalid value.");
    if (Peek() == '0') {
      ++at_;
    } else {
      while (digit()) ++at_;
    }
    bool is_integer = true;
    if (Peek() == '.') {
      is_integer = false;
      ++at_;
      if (!digit()) return Fail("Miss fraction part in number.");
      while (digit()) ++at_;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      is_integer = false;
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!digit()) return Fail("Miss exponent in number.");
      while (digit()) ++at_;
    }
    const std::string_view number = text_.substr(start, at_ - start);
    const char* first = number.data();
    const char* last = first + number.size();
    if (is_integer) {
      uint64_t magnitude = 0;
      const auto [end, error] = std::from_chars(first + minus, last, magnitude);
      if (error == std::errc()) {
        if (!minus) {
          // As the server: positive numbers above 32 bits are unsigned.
          *node = magnitude <= UINT32_MAX ? IntegerNode(static_cast<int64_t>(magnitude))
                                          : UnsignedNode(magnitude);
          return true;
        }
        if (magnitude <= uint64_t{1} << 63) {
          *node = IntegerNode(static_cast<int64_t>(~magnitude + 1));
          return true;
        }
      }
    }
    double value = 0;
    const auto [end, error] = std::from_chars(first, last, value);
    if (error == std::errc::result_out_of_range) {
      // Too small becomes zero, too large is refused. The exponent's sign tells which.
      const size_t e = number.find_first_of("eE");
      const bool tiny = e != std::string_view::npos && number[e + 1] == '-';
      if (!tiny) return Fail("Number too big to be stored in double.");
      value = minus ? -0.0 : 0.0;
    } else if (error != std::errc()) {
      return Fail("Invalid value.");
    }
    node->type = kDouble;
    node->body.resize(8);
    std::memcpy(node->body.data(), &value, 8);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  const char* reason_ = nullptr;
};

}  // namespace

Result<std::string> JsonTextToBinary(std::string_view text) {
  static const mysqlsem::Collation* const utf8 = mysqlsem::FindDefaultCollation("utf8mb4");
  if (!utf8->IsWellFormed(text))
    return MakeError(ErrorCode::kInvalidArgument, "Invalid JSON text: not well-formed UTF-8.");
  return Parser(text).Parse();
}

}  // namespace sirocco::lakehouse
