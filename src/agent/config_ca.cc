// The rules of `connect.ca_config`, by provider. Values may come in other types than the wanted ones: texts
// are read as numbers, booleans and durations.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/config_builder.h"
#include "base/text.h"
#include "base/time.h"

namespace praetor::agent {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kYear = 365 * 24 * kHour;
constexpr int64_t kEcBits[] = {224, 256, 384, 521};

// Reads a provider's values; errors gather.
class CaReader {
 public:
  explicit CaReader(const Map<Value>& config) : config_(config) {}

  std::string text(const char* key, std::string otherwise = "") const {
    const Value& value = get(key);
    if (const std::string* given = value.string()) return *given;
    return value.is_null() ? otherwise : fmt::format("{}", number_of(value).value_or(0));
  }

  Duration duration(const char* key, Duration otherwise) {
    const Value& value = get(key);
    if (value.boolean() != nullptr) return Duration::zero();
    if (auto nanoseconds = number_of(value)) return Duration(static_cast<int64_t>(*nanoseconds));
    const std::string* given = value.string();
    if (given == nullptr) return otherwise;
    auto parsed = parse_duration(*given);
    if (parsed) return *parsed;
    errors_.push_back(fmt::format("error decoding '{}': {}", key, parsed.error().message));
    return otherwise;
  }

  double number(const char* key, const char* kind, double otherwise) {
    const Value& value = get(key);
    if (const bool* given = value.boolean()) return *given ? 1 : 0;
    if (auto given = number_of(value)) return *given;
    const std::string* text = value.string();
    if (text == nullptr) return otherwise;
    double parsed = 0;
    auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), parsed);
    if (code == std::errc() && end == text->data() + text->size()) return parsed;
    errors_.push_back(fmt::format("cannot parse '{}' as {}: strconv.Parse{}: parsing {}: invalid syntax", key,
                                  kind, std::string_view(kind) == "int" ? "Int" : "Float", go_quote(*text)));
    return otherwise;
  }

  void boolean(const char* key) {
    const std::string* text = get(key).string();
    if (text == nullptr || text->empty()) return;
    if (auto parsed = parse_bool(*text); !parsed)
      errors_.push_back(fmt::format("cannot parse '{}' as bool: {}", key, parsed.error().message));
  }

  Status finish() {
    if (errors_.empty()) return {};
    std::sort(errors_.begin(), errors_.end());
    std::string list;
    for (const std::string& error : errors_) list += (list.empty() ? "* " : "\n* ") + error;
    return fail(fmt::format("error decoding config: {} error(s) decoding:\n\n{}", errors_.size(), list),
                ErrorKind::kBadRequest);
  }

 private:
  const Value& get(const char* key) const {
    static const Value absent;
    const Value* value = config_.get(key);
    return value == nullptr ? absent : *value;
  }

  static std::optional<double> number_of(const Value& value) {
    if (auto* whole = std::get_if<int64_t>(&value.data)) return static_cast<double>(*whole);
    if (auto* whole = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*whole);
    if (auto* fraction = std::get_if<double>(&value.data)) return *fraction;
    return std::nullopt;
  }

  const Map<Value>& config_;
  std::vector<std::string> errors_;
};

Status check_key(const std::string& type, int64_t bits) {
  if (type == "rsa") {
    if (bits != 2048 && bits != 4096) return fail("RSA key length must be 2048 or 4096 bits");
    return {};
  }
  if (type != "ec") return fail("private key type must be either 'ec' or 'rsa'");
  if (std::find(std::begin(kEcBits), std::end(kEcBits), bits) == std::end(kEcBits))
    return fail("EC key length must be one of (224, 256, 384, 521) bits");
  return {};
}

}  // namespace

Status validate_ca_config(const std::string& provider, const Map<Value>& config) {
  CaReader reader(config);
  Duration leaf = reader.duration("LeafCertTTL", 72 * kHour);
  Duration intermediate = reader.duration("IntermediateCertTTL", kYear);
  std::string type = reader.text("PrivateKeyType", "ec");
  double bits = reader.number("PrivateKeyBits", "int", 256);
  (void)reader.number("CSRMaxPerSecond", "float", 50);
  (void)reader.number("CSRMaxConcurrent", "int", 0);
  if (provider == "consul") (void)reader.duration("RotationPeriod", 90 * 24 * kHour);
  if (provider == "vault") reader.boolean("TLSSkipVerify");
  TRY(reader.finish());
  if (provider == "vault") {
    if (reader.text("Token").empty()) return fail("must provide a Vault token");
    if (reader.text("RootPKIPath").empty()) return fail("must provide a valid path to a root PKI backend");
    if (reader.text("IntermediatePKIPath").empty())
      return fail("must provide a valid path for the intermediate PKI backend");
  }
  if (provider == "consul" && reader.text("PrivateKey").empty() && !reader.text("RootCert").empty())
    return fail("must provide a private key when providing a root cert");
  if (leaf < kHour) return fail("leaf cert TTL must be greater or equal than 1h0m0s");
  if (leaf > kYear) return fail("leaf cert TTL must be less than 8760h0m0s");
  if (intermediate < 3 * kHour) return fail("Intermediate Cert TTL must be greater or equal than 3h");
  if (intermediate < 3 * leaf)
    return fail(fmt::format("Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>={}).",
                            format_duration(3 * leaf)));
  return check_key(type, static_cast<int64_t>(bits));
}

}  // namespace praetor::agent
