// Reads a text that scan_json has accepted, so that only types and names can be wrong here.
#include <charconv>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "codec/decoder_name.h"
#include "codec/json.h"
#include "codec/utf8.h"

namespace praetor::codec {
namespace {

// Where an error happened: the struct and the field that are being read, innermost first.
struct Frame {
  const Frame* outer;
  const Type* type;
  const Field* field;
  bool snake;  // the field was given by its snake_case name
};

std::string go_type_name(const Type& type) {
  auto sized = [&](std::string name) { return type.size == 8 ? name : name + std::to_string(type.size * 8); };
  switch (type.kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return sized("int");
    case Kind::kUint:
      return "uint" + std::to_string(type.size * 8);
    case Kind::kFloat:
      return "float" + std::to_string(type.size * 8);
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "[]uint8";
    case Kind::kDuration:
      return "time.Duration";
    case Kind::kTime:
      return "time.Time";
    case Kind::kList:
      return "[]" + go_type_name(type.element());
    case Kind::kMap:
      return "map[string]" + go_type_name(type.element());
    case Kind::kPointer:
      return go_type_name(type.element());
    case Kind::kStruct:
      if (std::string_view decoder = decoder_name(type); !decoder.empty()) return std::string(decoder);
      return type.name.find('.') == type.name.npos ? "structs." + std::string(type.name)
                                                   : std::string(type.name);
    case Kind::kAny:
      return "interface {}";
  }
  return "";
}

std::string_view struct_name(const Type& type) {
  if (type.own_json_decoder) return "";  // Go decodes it through an anonymous struct
  size_t dot = type.name.rfind('.');
  return dot == type.name.npos ? type.name : type.name.substr(dot + 1);
}

int hex_digit(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

class Reader {
 public:
  Reader(std::string_view text, const JsonReadOptions& options) : text_(text), options_(options) {}

  Status run(const Type& type, void* target) {
    value(type, target, nullptr);
    if (failed_) return fail(std::move(error_), ErrorKind::kBadRequest);
    return {};
  }

 private:
  void save_error(std::string text) {
    if (failed_) return;
    failed_ = true;
    error_ = std::move(text);
  }

  // An own decoder (Type::own_json_decoder) below the root loses the inner path: its caller puts its own
  // there.
  void type_error(std::string_view what, const Type& type, const Field* field) {
    if (failed_) return;
    std::vector<const Frame*> frames;
    for (const Frame* frame = frame_; frame != nullptr; frame = frame->outer) frames.push_back(frame);
    std::string path;
    std::string_view name;
    for (size_t i = frames.size(); i-- > 0;) {
      const Frame& frame = *frames[i];
      if (frame.type->own_json_decoder && i + 1 < frames.size()) break;
      if (!path.empty()) path += '.';
      path += frame.snake ? frame.field->snake_name : frame.field->json_name;
      name = struct_name(*frame.type);
    }
    std::string type_name;
    if (field != nullptr)
      type_name = field->go_type;
    else if (frame_ != nullptr && frame_->field->go_type.starts_with("[]"))
      type_name = frame_->field->go_type.substr(2);  // an element of that list
    if (type_name.empty()) type_name = go_type_name(type);
    save_error("json: cannot unmarshal " + std::string(what) + " into Go " +
               (path.empty() ? "value" : "struct field " + std::string(name) + "." + path) + " of type " +
               type_name);
  }

  void skip_space() {
    while (at_ < text_.size() && static_cast<uint8_t>(text_[at_]) <= ' ') ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  // After a value in a container: true to go on with the next element.
  bool next_element() {
    bool more = peek() == ',';
    ++at_;
    return more;
  }
  // Enters a container; false when it is empty (and left again).
  bool enter() {
    ++at_;
    char c = peek();
    if (c != ']' && c != '}') return true;
    ++at_;
    return false;
  }

  void skip() {
    size_t depth = 0;
    do {
      char c = peek();
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        token();
      }
    } while (depth > 0);
  }
  void skip_string() {
    for (++at_; text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    ++at_;
  }
  // A number or literal.
  std::string_view token() {
    size_t begin = at_;
    at_ = text_.find_first_of(",]} \t\r\n", at_);
    if (at_ == text_.npos) at_ = text_.size();
    return text_.substr(begin, at_ - begin);
  }

  // A string literal; the view lies in the text, or in `scratch` when something had to be replaced.
  std::string_view string(std::string& scratch) {
    size_t begin = ++at_;
    while (text_[at_] != '"' && text_[at_] != '\\' && static_cast<uint8_t>(text_[at_]) < 0x80) ++at_;
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    scratch.assign(text_, begin, at_ - begin);
    while (text_[at_] != '"') {
      char c = text_[at_];
      if (c == '\\') {
        unescape(scratch);
      } else if (static_cast<uint8_t>(c) < 0x80) {
        scratch.push_back(c);
        ++at_;
      } else {
        size_t length = utf8_length(text_.substr(at_));
        scratch += length == 0 ? "\xef\xbf\xbd" : text_.substr(at_, length);
        at_ += length == 0 ? 1 : length;
      }
    }
    ++at_;
    return scratch;
  }
  unsigned hex4(size_t at) const {
    unsigned code = 0;
    for (size_t i = 0; i < 4; ++i) code = code << 4 | static_cast<unsigned>(hex_digit(text_[at + i]));
    return code;
  }
  void unescape(std::string& out) {
    char c = text_[at_ + 1];
    at_ += 2;
    if (c != 'u') {
      constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      size_t i = kFrom.find(c);
      out.push_back(i == kFrom.npos ? c : kTo[i]);
      return;
    }
    unsigned code = hex4(at_);
    at_ += 4;
    if (code >= 0xd800 && code < 0xe000) {
      bool pair = code < 0xdc00 && text_.substr(at_).starts_with("\\u");
      unsigned low = pair ? hex4(at_ + 2) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at_ += 6;
      } else {
        code = 0xfffd;
      }
    }
    put_utf8(out, code);
  }

  void value(const Type& type, void* target, const Field* field) {
    if (type.kind == Kind::kAny) {
      *static_cast<Value*>(target) = any();
      return;
    }
    char c = peek();
    if (c == 'n') return null(type, target);
    if (type.kind == Kind::kPointer) {
      void* inner = const_cast<void*>(type.ops->base(target));
      if (inner == nullptr) inner = type.ops->add(target, {});
      return value(type.element(), inner, field);
    }
    if (type.kind == Kind::kDuration) return duration(c, type, target, field);
    switch (c) {
      case '{':
        return object(type, target, field);
      case '[':
        return array(type, target, field);
      case '"':
        return text(type, target, field);
      case 't':
      case 'f':
        token();
        if (type.kind != Kind::kBool) return type_error("bool", type, field);
        *static_cast<bool*>(target) = c == 't';
        return;
      default:
        return number(type, target, field);
    }
  }

  void null(const Type& type, void* target) {
    token();
    if (type.ops != nullptr) type.ops->clear(target);
    if (type.kind == Kind::kBytes) static_cast<Bytes*>(target)->clear();
  }

  void text(const Type& type, void* target, const Field* field) {
    std::string_view content = string(scratch_);
    if (type.kind == Kind::kString) {
      static_cast<std::string*>(target)->assign(content);
    } else if (type.kind == Kind::kBytes) {
      auto bytes = base64_decode(content);
      if (!bytes) return save_error(bytes.error().message);
      *static_cast<Bytes*>(target) = Bytes(std::move(*bytes));
    } else if (type.kind == Kind::kTime) {
      auto time = parse_rfc3339(content);
      if (!time) return save_error(time.error().message);
      *static_cast<Time*>(target) = *time;
    } else {
      type_error("string", type, field);
    }
  }

  // Go's clients send text or nanoseconds; Consul ignores values of any other type here.
  void duration(char c, const Type& type, void* target, const Field* field) {
    if (c == '"') {
      auto parsed = parse_duration(string(scratch_));
      if (!parsed) return save_error(parsed.error().message);
      *static_cast<Duration*>(target) = *parsed;
      return;
    }
    if (c == '{' || c == '[' || c == 't' || c == 'f') return skip();
    std::string_view digits = token();
    if (field != nullptr && field->has(kStringOnlyDuration))
      return type_error("number", type_of<std::string>(), nullptr);
    if (auto whole = parse_int(digits)) {
      *static_cast<Duration*>(target) = Duration(*whole);
      return;
    }
    double ns = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), ns);
    if (!(std::fabs(ns) < 9.2e18)) return type_error("number " + std::string(digits), type, field);
    *static_cast<Duration*>(target) = Duration(static_cast<int64_t>(ns));
  }

  template <typename Integer>
  static bool store(std::string_view digits, void* target) {
    Integer number = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return false;
    *static_cast<Integer*>(target) = number;
    return true;
  }
  void number(const Type& type, void* target, const Field* field) {
    std::string_view digits = token();
    bool is_signed = type.kind == Kind::kInt;
    bool ok = false;
    switch (type.kind) {
      case Kind::kFloat:
        ok = type.size == 4 ? store<float>(digits, target) : store<double>(digits, target);
        break;
      case Kind::kInt:
      case Kind::kUint:
        if (type.size == 1)
          ok = is_signed ? store<int8_t>(digits, target) : store<uint8_t>(digits, target);
        else if (type.size == 2)
          ok = is_signed ? store<int16_t>(digits, target) : store<uint16_t>(digits, target);
        else if (type.size == 4)
          ok = is_signed ? store<int32_t>(digits, target) : store<uint32_t>(digits, target);
        else
          ok = is_signed ? store<int64_t>(digits, target) : store<uint64_t>(digits, target);
        break;
      default:
        return type_error("number", type, field);
    }
    if (!ok) type_error("number " + std::string(digits), type, field);
  }

  void array(const Type& type, void* target, const Field* field) {
    if (type.kind != Kind::kList) {
      type_error("array", type, field);
      return skip();
    }
    const Type& element = type.element();
    type.ops->make_empty(target);
    if (!enter()) return;
    do {
      value(element, type.ops->add(target, {}), nullptr);
    } while (next_element());
  }

  std::string_view key(std::string& scratch) {
    peek();
    std::string_view name = string(scratch);
    peek();
    ++at_;  // the colon
    return name;
  }

  void object(const Type& type, void* target, const Field* field) {
    if (type.kind == Kind::kStruct) return struct_(type, target);
    if (type.kind != Kind::kMap) {
      type_error("object", type, field);
      return skip();
    }
    const Type& element = type.element();
    if (type.ops->is_nil(target)) type.ops->make_empty(target);
    if (!enter()) return;
    std::string scratch;
    do {
      std::string_view name = key(scratch);
      value(element, type.ops->add(target, name), nullptr);
    } while (next_element());
  }

  struct Match {
    const Field* field = nullptr;
    bool snake = false;
  };
  static Match find(const Type& type, std::string_view name) {
    for (const Field& field : type.fields)
      if (field.json_name == name && !field.has(kNoJson)) return {&field};
    for (const Field& field : type.fields)
      if (!field.has(kNoJson) && equals_ignore_case(field.json_name, name)) return {&field};
    for (const Field& field : type.fields)
      if (field.has(kSnakeInput) && !field.has(kNoJson) && equals_ignore_case(field.snake_name, name))
        return {&field, true};
    return {};
  }

  void struct_(const Type& type, void* target) {
    if (!enter()) return;
    const bool outer_tolerant = tolerant_;
    if (type.own_json_decoder) tolerant_ = type.tolerates_unknown;
    std::string scratch;
    do {
      std::string_view name = key(scratch);
      Match match = find(type, name);
      if (match.field == nullptr) {
        if (options_.reject_unknown && !tolerant_) save_error("json: unknown field " + go_quote(name));
        skip();
        continue;
      }
      void* member = match.field->in(target);
      if (match.snake && !is_empty(*match.field->type, member)) {
        skip();  // the Go name wins over its alias
        continue;
      }
      Frame frame{frame_, &type, match.field, match.snake};
      frame_ = &frame;
      value(*match.field->type, member, match.field);
      frame_ = frame.outer;
    } while (next_element());
    tolerant_ = outer_tolerant;
  }

  Value any() {
    switch (peek()) {
      case '{': {
        ValueMap map;
        map.make_empty();
        if (!enter()) return map;
        std::string scratch;
        do {
          Value& slot = map[key(scratch)];
          slot = any();
        } while (next_element());
        return map;
      }
      case '[': {
        ValueList list;
        list.make_empty();
        if (!enter()) return list;
        do {
          list.push_back(any());
        } while (next_element());
        return list;
      }
      case '"':
        return std::string(string(scratch_));
      case 't':
        token();
        return true;
      case 'f':
        token();
        return false;
      case 'n':
        token();
        return Value();
      default: {
        double number = 0;
        std::string_view digits = token();
        if (!store<double>(digits, &number))
          type_error("number " + std::string(digits), type_of<double>(), nullptr);
        return number;
      }
    }
  }

  std::string_view text_;
  const JsonReadOptions& options_;
  size_t at_ = 0;
  const Frame* frame_ = nullptr;
  bool tolerant_ = false;
  bool failed_ = false;
  std::string error_;
  std::string scratch_;
};

}  // namespace

Status read_json(std::string_view text, const Type& type, void* object, const JsonReadOptions& options) {
  TRY_ASSIGN(std::string_view document, scan_json(text, options));
  return Reader(document, options).run(type, object);
}

Result<Value> parse_json_value(std::string_view text, JsonReadOptions options) {
  Value value;
  TRY(read_json(text, type_of<Value>(), &value, options));
  return value;
}

}  // namespace praetor::codec
