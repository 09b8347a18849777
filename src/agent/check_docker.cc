#include "agent/check_probe.h"
namespace praetor::agent {
std::unique_ptr<Probe> make_docker_probe(const CheckSpec&, ProbeEnv&) { return nullptr; }
}  // namespace praetor::agent
