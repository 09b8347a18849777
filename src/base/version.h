// Praetor's own version; what peers and tools see beside it is Consul's (RuntimeConfig::version).
#pragma once

namespace praetor {

inline constexpr const char* kPraetorVersion = "0.1.0";

}  // namespace praetor
