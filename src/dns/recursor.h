// Forwarding to the configured recursors over UDP and TCP: each in order, the first usable reply wins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "dns/answer.h"

namespace boost::asio {
class io_context;
}

namespace praetor::dns {

inline constexpr size_t kMaxRecursions = 4'096;  // at a time, per reactor; more fail at once

// Everything happens on the reactor's thread. Destroying it cancels what is under way without completing it.
class Recursors final : public Forwarder {
 public:
  // Both must outlive it.
  Recursors(boost::asio::io_context& reactor, Random& random);
  ~Recursors() override;

  // Takes effect for queries that come after.
  void configure(const std::vector<std::string>& recursors, Duration timeout);

  // Replies other than NOERROR and NXDOMAIN lead to the next recursor.
  void forward(std::string_view packet, Transport transport,
               std::function<void(Result<std::string>)> done) override;
  // Any reply counts, whatever its code.
  void resolve(std::string_view name, std::function<void(Result<std::vector<Record>>)> done) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace praetor::dns
