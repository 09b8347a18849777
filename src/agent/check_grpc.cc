#include "agent/check_probe.h"
namespace praetor::agent {
std::unique_ptr<Probe> make_grpc_probe(const CheckSpec&, ProbeEnv&) { return nullptr; }
}  // namespace praetor::agent
