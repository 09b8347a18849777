#include "agent/tokens.h"

#include <fmt/format.h>

#include "base/text.h"

namespace praetor::agent {

AgentTokens::Slot& AgentTokens::slot(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAgent:
      return agent_;
    case TokenKind::kAgentMaster:
      return agent_master_;
    case TokenKind::kReplication:
      return replication_;
    case TokenKind::kDefault:
      break;
  }
  return default_;
}

bool AgentTokens::set(TokenKind kind, std::string token, bool from_api) {
  Slot& one = slot(kind);
  bool changed = one.value != token;
  one.value = std::move(token);
  one.from_api = from_api;
  return changed;
}

Result<TokenKind> AgentTokens::parse_kind(std::string_view name) {
  if (name == "default" || name == "acl_token") return TokenKind::kDefault;
  if (name == "agent" || name == "acl_agent_token") return TokenKind::kAgent;
  if (name == "agent_master" || name == "acl_agent_master_token") return TokenKind::kAgentMaster;
  if (name == "replication" || name == "acl_replication_token") return TokenKind::kReplication;
  return fail(fmt::format("Token {} is unknown", go_quote(name)), ErrorKind::kNotFound);
}

}  // namespace praetor::agent
