// Fitting a response into its transport: Consul's rules about how many answers and how many bytes go out.
#pragma once

#include <cstddef>

#include "dns/message.h"

namespace praetor::dns {

struct TrimLimits {
  bool udp = true;
  size_t udp_bytes = kMinUdpBytes;  // what the client takes
  int udp_answer_limit = 3;
  bool compress = true;
};

// How many answers can matter at most: beyond that none survives trimming, whatever their size. Lets the
// caller stop early for a service with thousands of instances.
size_t answer_cap(const TrimLimits& limits, bool is_srv);

// Removes answers from the end, and the additional records that belonged to them. True when answers were
// lost.
bool trim(const TrimLimits& limits, const Query& query, MessageWriter& writer, Response& response);

}  // namespace praetor::dns
