// A watch: which endpoint it polls, when a new result counts as a change, and how long it waits after a
// failure. Pure: the owner sends the requests and runs the handlers. The command `watch` and the agent's
// `watches` configuration share it.
//
//   auto plan = WatchPlan::parse(parameters);
//   loop: request = plan->next_request(); send it; then
//     answered:  plan->on_response(status, index, hash, body) -> a firing, nothing, or an error
//     failed:    plan->on_failure() -> how long to wait before the next request
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/value.h"

namespace praetor::agent {

struct WatchHttpHandler {
  std::string path;  // a URL
  std::string method = "POST";
  Duration timeout = std::chrono::seconds(10);
  std::map<std::string, std::vector<std::string>> header;
  bool tls_skip_verify = false;
};

// A changed result, for the handler: index for CONSUL_INDEX, document as compact JSON in the form of Consul's
// API client, without a final newline.
struct WatchFiring {
  uint64_t index = 0;
  std::string hash;  // of agent_service watches, which have no index
  std::string document;
};

struct WatchRequest {
  std::string path;                                    // not escaped, such as /v1/kv/a b
  std::multimap<std::string, std::string> parameters;  // index, wait, stale … but no datacenter
};

// One thread at a time. Copyable before its first request.
class WatchPlan {
 public:
  // `parameters` as in configuration: type, datacenter, token, handler_type, http_handler_config and what the
  // type takes. Errors carry Consul's wording: `Must specify a single key to watch`,
  // `Invalid parameters: [zz]` …; `exempt` names keys that the caller handles itself (args, handler).
  static Result<WatchPlan> parse(codec::ValueMap parameters, const std::vector<std::string>& exempt = {});

  const std::string& type() const { return type_; }
  const std::string& datacenter() const { return datacenter_; }
  const std::string& token() const { return token_; }
  const std::string& handler_type() const { return handler_type_; }
  const std::optional<WatchHttpHandler>& http_handler() const { return http_handler_; }

  WatchRequest next_request() const;

  // After an answer of any status. `index` is X-Consul-Index (0 when absent), `hash` is
  // X-Consul-ContentHash. An error (bad status or body) counts as a failure: ask on_failure() then.
  Result<std::optional<WatchFiring>> on_response(int status, uint64_t index, std::string_view hash,
                                                 std::string_view body);
  // After a failed request: min(5s * failures², 3m).
  Duration on_failure();

 private:
  enum class Document : uint8_t {
    kKey,
    kKeyPrefix,
    kServices,
    kNodes,
    kService,
    kChecks,
    kEvent,
    kConnectRoots,
    kConnectLeaf,
    kAgentService,
  };

  Status parse_type(codec::ValueMap& parameters);
  Status parse_service(codec::ValueMap& parameters);
  Status parse_checks(codec::ValueMap& parameters);
  Status parse_stale(codec::ValueMap& parameters);

  std::string type_;
  std::string datacenter_;
  std::string token_;
  std::string handler_type_ = "script";
  std::optional<WatchHttpHandler> http_handler_;
  Document document_ = Document::kKey;
  std::string path_;
  std::multimap<std::string, std::string> parameters_;

  std::optional<uint64_t> last_index_;
  std::string last_hash_;
  std::optional<std::string> last_document_;
  unsigned failures_ = 0;
};

}  // namespace praetor::agent
