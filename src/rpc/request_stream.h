// Requests of one stream (of yamux, or a whole connection), one after the other: what stands between the
// bytes and the Handler. On the connection's reactor; calls may be answered from anywhere.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "rpc/listener.h"
#include "rpc/message.h"

namespace praetor::rpc {

class PendingRequest;

class RequestStream final : public std::enable_shared_from_this<RequestStream> {
 public:
  struct Outlet {
    std::function<void(std::string bytes)> send;
    // So many of the received bytes are done with: the other side may send as many more.
    std::function<void(size_t bytes)> consumed;
    // Nothing more leaves: nonsense came (the error), or the other side sends nothing more and has its
    // answers (null).
    std::function<void(const Error* error)> ended;
  };

  RequestStream(Reactor& reactor, Handler& handler, std::string from, size_t& total, Outlet outlet)
      : reactor_(reactor),
        handler_(handler),
        from_(std::move(from)),
        total_(total),
        outlet_(std::move(outlet)),
        reader_(kMaxRequestBytes) {}

  void on_data(std::string_view bytes);
  // The other side sends nothing more; a call under way is still answered.
  void on_end();
  // The caller has gone: no answer leaves any more, and the call under way learns it.
  void end();
  size_t withheld() const { return withheld_; }

 private:
  friend class PendingRequest;
  void serve();
  void count();
  void answer(uint64_t seq, const std::string& method, Result<std::string> result);

  Reactor& reactor_;
  Handler& handler_;
  std::string from_;
  size_t& total_;       // bytes of the connection's requests that are not whole
  size_t counted_ = 0;  // ours of these
  Outlet outlet_;
  MessageReader<RequestHeader> reader_;
  std::weak_ptr<PendingRequest> current_;
  size_t withheld_ = 0;  // received while a call was under way
  bool busy_ = false, serving_ = false, peer_finished_ = false, ended_ = false;
};

}  // namespace praetor::rpc
