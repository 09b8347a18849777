// The ACL tokens an agent uses on its own account. Set by configuration and, over it, by the API
// (PUT /v1/agent/token/…); persistence is agent/persistence.h's. One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::agent {

enum class TokenKind { kDefault, kAgent, kAgentMaster, kReplication };

class AgentTokens {
 public:
  // True when the value changed.
  bool set(TokenKind kind, std::string token, bool from_api);
  const std::string& get(TokenKind kind) const { return slot(kind).value; }
  bool from_api(TokenKind kind) const { return slot(kind).from_api; }

  // For requests of users without a token, and for items without one.
  const std::string& user() const { return default_.value; }
  // For the agent's own requests: node info, coordinates, remote checks.
  const std::string& agent() const { return agent_.value.empty() ? default_.value : agent_.value; }

  // The kind named in the API's path: `default` or `acl_token` … `Token "x" is unknown` (kNotFound).
  static Result<TokenKind> parse_kind(std::string_view name);

 private:
  struct Slot {
    std::string value;
    bool from_api = false;
  };
  Slot& slot(TokenKind kind);
  const Slot& slot(TokenKind kind) const { return const_cast<AgentTokens*>(this)->slot(kind); }

  Slot default_, agent_, agent_master_, replication_;
};

}  // namespace praetor::agent
