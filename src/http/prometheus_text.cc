#include "http/prometheus_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

namespace praetor::http {
namespace {

std::string plain_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c == ' ' || c == '.' || c == '=' || c == '-' || c == '/') c = '_';
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

// `node="n1"`, or nothing.
std::string label_list(const std::vector<MetricLabel>& labels) {
  std::string out;
  for (const MetricLabel& label : labels) {
    if (!out.empty()) out += ',';
    out.append(plain_name(label.name)).append("=\"").append(escape(label.value)).append("\"");
  }
  return out;
}

std::string with_labels(const std::string& name, const std::string& labels) {
  return labels.empty() ? name : name + "{" + labels + "}";
}

struct Family {
  std::string type, help;
  std::map<std::string, std::string> lines;  // by labels
};

void add_summary(Family& family, const std::string& name, const std::string& labels,
                 const MetricTotal& total) {
  std::string& out = family.lines[labels];
  std::string before = labels.empty() ? "" : labels + ",";
  const std::pair<const char*, double> quantiles[] = {
      {"0.5", total.quantile_50}, {"0.9", total.quantile_90}, {"0.99", total.quantile_99}};
  for (const auto& [quantile, value] : quantiles)
    out += name + "{" + before + "quantile=\"" + quantile + "\"} " + go_number(value) + "\n";
  out += with_labels(name + "_sum", labels) + " " + go_number(total.value) + "\n";
  out += with_labels(name + "_count", labels) + " " + std::to_string(total.count) + "\n";
}

}  // namespace

std::string go_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 400> buffer;
  auto print = [&](std::chars_format format) {
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
    return std::string(buffer.data(), end);
  };
  std::string scientific = print(std::chars_format::scientific);
  int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (value == 0 || (exponent >= -4 && exponent < 6)) return print(std::chars_format::fixed);
  return scientific;
}

std::string prometheus_text(const std::vector<MetricTotal>& totals,
                            const std::vector<PrometheusGauge>& more) {
  std::map<std::string, Family> families;
  for (const MetricTotal& total : totals) {
    std::string name = plain_name(total.name), labels = label_list(total.labels);
    Family& family = families[name];
    const char* type = total.kind == MetricKind::kSample    ? "summary"
                       : total.kind == MetricKind::kCounter ? "counter"
                                                            : "gauge";
    if (!family.type.empty() && family.type != type) continue;  // two names that look alike here
    family.type = type;
    family.help = name;
    if (total.kind == MetricKind::kSample)
      add_summary(family, name, labels, total);
    else
      family.lines[labels] = with_labels(name, labels) + " " + go_number(total.value) + "\n";
  }
  for (const PrometheusGauge& one : more)
    families[one.name] = {
        one.counter ? "counter" : "gauge", one.help, {{"", one.name + " " + go_number(one.value) + "\n"}}};
  std::string out;
  for (const auto& [name, family] : families) {
    out += "# HELP " + name + " " + family.help + "\n# TYPE " + name + " " + family.type + "\n";
    for (const auto& [labels, lines] : family.lines) out += lines;
  }
  return out;
}

}  // namespace praetor::http
