// Config entries as commands read, print and send them: field order and omissions are those of Consul's Go
// client. Field names of files may be CamelCase or snake_case.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "codec/type.h"
#include "codec/value.h"

namespace praetor::cli {

struct IngressService {
  std::string name;
  codec::List<std::string> hosts;
  std::string ns;
};
PRAETOR_DESCRIBED(IngressService)

struct IngressListener {
  int64_t port = 0;
  std::string protocol;
  codec::List<IngressService> services;
};
PRAETOR_DESCRIBED(IngressListener)

struct IngressTls {
  bool enabled = false;
};
PRAETOR_DESCRIBED(IngressTls)

struct IngressGateway {
  std::string kind, name, ns;
  IngressTls tls;
  codec::List<IngressListener> listeners;
  uint64_t create_index = 0;
  uint64_t modify_index = 0;
};
PRAETOR_DESCRIBED(IngressGateway)

// An entry of any kind, rendered.
struct ConfigEntryText {
  std::string kind;
  std::string name;
  std::string json;  // compact
};

// A file's content, HCL or JSON. Errors are Consul's: unknown kinds and keys are refused.
Result<ConfigEntryText> parse_config_entry(const std::string& text);
// `invalid config entry kind: x` where it is none.
Status check_config_kind(const std::string& kind);
// What the API answered, in the order and with the omissions of this kind.
Result<std::string> render_config_entry(const std::string& kind, const std::string& json);

}  // namespace praetor::cli
