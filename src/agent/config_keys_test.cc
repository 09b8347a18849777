#include "agent/config_keys.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/text.h"

namespace praetor::agent {
namespace {

namespace fs = std::filesystem;

TEST(ConfigKeys, HaveATreatmentEach) {
  std::vector<std::string> keys = all_config_keys();
  EXPECT_GT(keys.size(), 250u);
  // A row that stands for no key is a key that has gone, or a typing error.
  for (const KeyRow& row : key_rows()) {
    std::string_view start = row.pattern.substr(0, row.pattern.size() - (row.pattern.ends_with('*') ? 1 : 0));
    bool found = false;
    for (const std::string& key : keys)
      found |= row.pattern.ends_with('*') ? key.starts_with(start) : key == start;
    EXPECT_TRUE(found) << row.pattern;
  }
  EXPECT_EQ(treatment_of("acl.enabled"), KeyTreatment::kRefused);
  EXPECT_EQ(treatment_of("acl.tokens.agent"), KeyTreatment::kLater);
  EXPECT_EQ(treatment_of("encrypt_verify_incoming"), KeyTreatment::kWorks);
  EXPECT_EQ(treatment_of("dns_config.soa.min_ttl"), KeyTreatment::kWorks);
}

// The rows that docs/configuration.md should have, one a treatment.
std::string documented() {
  std::map<KeyTreatment, std::vector<std::string>> by_treatment;
  for (const std::string& key : all_config_keys()) by_treatment[treatment_of(key)].push_back("`" + key + "`");
  std::string rows;
  for (const auto& [treatment, keys] : by_treatment)
    rows += "| " + std::string(treatment_name(treatment)) + " | " + join(keys, " ") + " |\n";
  return rows;
}

TEST(ConfigKeys, StandInTheDocumentation) {
  fs::path source = fs::path(__FILE__).parent_path().parent_path().parent_path();
  std::ifstream file(source / "docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(documented()), std::string::npos) << "docs/configuration.md should say:\n"
                                                              << documented();
}

TEST(ConfigKeys, NamesWhatHasNoEffect) {
  ConfigFile file;
  EXPECT_TRUE(keys_without_effect(file).empty());
  file.server = true;
  file.connect.enabled = false;
  file.ui_dir = "";
  EXPECT_TRUE(keys_without_effect(file).empty());
  file.connect.enabled = true;
  file.acl.tokens.agent = "x";
  file.limits.rpc_rate = 5;
  EXPECT_EQ(keys_without_effect(file),
            (std::vector<std::string>{"acl.tokens.agent", "connect.enabled", "limits.rpc_rate"}));
}

}  // namespace
}  // namespace praetor::agent
