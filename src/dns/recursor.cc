#include "dns/recursor.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <unordered_set>

#include "base/cursor.h"
#include "dns/config.h"

namespace praetor::dns {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

namespace {

struct Setup {
  std::vector<asio::ip::address> ips;
  std::vector<uint16_t> ports;
  std::chrono::nanoseconds timeout{0};
};

}  // namespace

struct Recursors::Impl {
  Impl(asio::io_context& context, Random& source) : reactor(context), random(source) {}

  class Exchange;

  asio::io_context& reactor;
  Random& random;
  std::shared_ptr<const Setup> setup = std::make_shared<Setup>();
  std::unordered_set<std::shared_ptr<Exchange>> exchanges;
};

// One query to the recursors. Owned by Impl::exchanges; pending operations hold a reference, too.
class Recursors::Impl::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Done = std::function<void(Result<std::string>)>;
  Exchange(Impl& owner, std::string packet, Transport transport, bool any_code, Done done)
      : owner_(&owner),
        setup_(owner.setup),
        packet_(std::move(packet)),
        transport_(transport),
        any_code_(any_code),
        done_(std::move(done)),
        timer_(owner.reactor),
        udp_(owner.reactor),
        tcp_(owner.reactor) {
    client_id_ =
        static_cast<uint16_t>(static_cast<uint8_t>(packet_[0]) << 8 | static_cast<uint8_t>(packet_[1]));
  }

  void next() {
    close();
    if (at_ == setup_->ips.size()) return finish(fail("all resolvers failed", ErrorKind::kTimeout));
    asio::ip::address ip = setup_->ips[at_];
    uint16_t port = setup_->ports[at_++];
    ++round_;
    id_ = static_cast<uint16_t>(owner_->random.next());
    set_id(packet_, id_);
    timer_.expires_after(setup_->timeout);
    timer_.async_wait([self = shared_from_this(), round = round_](error_code error) {
      if (!error && self->current(round)) self->next();
    });
    transport_ == Transport::kUdp ? ask_udp({ip, port}) : ask_tcp({ip, port});
  }

  // Ends without completing.
  void abandon() {
    owner_ = nullptr;
    done_ = nullptr;
    close();
  }

 private:
  static void set_id(std::string& packet, uint16_t id) {
    packet[0] = static_cast<char>(id >> 8);
    packet[1] = static_cast<char>(id);
  }

  bool current(uint64_t round) const { return owner_ != nullptr && round == round_; }

  void close() {
    error_code ignored;
    timer_.cancel();
    udp_.close(ignored);
    tcp_.close(ignored);
  }

  void ask_udp(const udp::endpoint& to) {
    error_code error;
    udp_.open(to.protocol(), error);
    if (!error) udp_.connect(to, error);  // only that peer's datagrams arrive
    if (!error) udp_.send(asio::buffer(packet_), 0, error);
    if (error) return next();
    receive_udp();
  }

  void receive_udp() {
    in_.resize(kMaxMessageBytes);
    udp_.async_receive(asio::buffer(in_),
                       [self = shared_from_this(), round = round_](error_code error, size_t size) {
                         if (!self->current(round)) return;
                         if (error) return self->next();
                         // A datagram that does not answer our question is not the recursor's word: keep
                         // waiting.
                         if (!self->consider(std::string_view(self->in_).substr(0, size)))
                           self->receive_udp();
                       });
  }

  void ask_tcp(const tcp::endpoint& to) {
    auto step = [this](const auto& then) {
      return [self = shared_from_this(), round = round_, then](error_code error, size_t = 0) {
        if (!self->current(round)) return;
        error ? self->next() : then(*self);
      };
    };
    out_.clear();
    put_u16(out_, static_cast<uint16_t>(packet_.size()));
    out_ += packet_;
    auto on_body = step([](Exchange& self) {
      if (!self.consider(self.in_)) self.next();
    });
    auto on_length = step([on_body](Exchange& self) {
      self.in_.resize(Cursor(self.in_).u16());
      asio::async_read(self.tcp_, asio::buffer(self.in_), on_body);
    });
    auto on_written = step([on_length](Exchange& self) {
      self.in_.resize(2);
      asio::async_read(self.tcp_, asio::buffer(self.in_), on_length);
    });
    tcp_.async_connect(to, step([on_written](Exchange& self) {
                         asio::async_write(self.tcp_, asio::buffer(self.out_), on_written);
                       }));
  }

  // False: not an answer to what was asked.
  bool consider(std::string_view packet) {
    std::optional<Reply> reply = parse_reply(packet);
    if (!reply || reply->id != id_) return false;
    Query asked;
    parse_query(packet_, asked);
    if (reply->has_question &&
        (reply->qtype != asked.qtype || !equal_names(reply->question.wire(), asked.name.wire())))
      return false;
    if (!any_code_ && reply->rcode() != rcode::kNoError && reply->rcode() != rcode::kNameError) {
      next();
      return true;
    }
    std::string answer(packet);
    set_id(answer, client_id_);
    finish(std::move(answer));
    return true;
  }

  void finish(Result<std::string> result) {
    close();
    auto self = shared_from_this();
    Done done = std::move(done_);
    owner_->exchanges.erase(self);
    owner_ = nullptr;
    done(std::move(result));
  }

  Impl* owner_;  // null once it is over
  std::shared_ptr<const Setup> setup_;
  std::string packet_, out_, in_;
  Transport transport_;
  bool any_code_;
  Done done_;
  asio::steady_timer timer_;
  udp::socket udp_;
  tcp::socket tcp_;
  size_t at_ = 0;
  uint64_t round_ = 0;
  uint16_t client_id_ = 0, id_ = 0;
};

Recursors::Recursors(asio::io_context& reactor, Random& random)
    : impl_(std::make_shared<Impl>(reactor, random)) {}

Recursors::~Recursors() {
  for (const auto& exchange : impl_->exchanges) exchange->abandon();
}

void Recursors::configure(const std::vector<std::string>& recursors, Duration timeout) {
  auto setup = std::make_shared<Setup>();
  setup->timeout = timeout;
  for (const std::string& each : recursors) {
    Result<RecursorAddress> address = parse_recursor(each);
    if (!address) continue;  // CompiledConfig::make has refused it
    error_code error;
    setup->ips.push_back(asio::ip::make_address(address->ip, error));
    setup->ports.push_back(address->port);
  }
  impl_->setup = std::move(setup);
}

void Recursors::forward(std::string_view packet, Transport transport,
                        std::function<void(Result<std::string>)> done) {
  // Started from the loop: completions never come from inside the call.
  asio::post(impl_->reactor, [weak = std::weak_ptr<Impl>(impl_), packet = std::string(packet), transport,
                              done = std::move(done)]() mutable {
    std::shared_ptr<Impl> impl = weak.lock();
    if (!impl) return;
    if (impl->exchanges.size() >= kMaxRecursions)
      return done(fail("too many recursions", ErrorKind::kRateLimited));
    auto exchange =
        std::make_shared<Impl::Exchange>(*impl, std::move(packet), transport, false, std::move(done));
    impl->exchanges.insert(exchange);
    exchange->next();
  });
}

void Recursors::resolve(std::string_view name, std::function<void(Result<std::vector<Record>>)> done) {
  std::string query = write_query(0, name, type::kA);
  asio::post(impl_->reactor, [weak = std::weak_ptr<Impl>(impl_), query = std::move(query),
                              done = std::move(done)]() mutable {
    std::shared_ptr<Impl> impl = weak.lock();
    if (!impl) return;
    if (impl->exchanges.size() >= kMaxRecursions)
      return done(fail("too many recursions", ErrorKind::kRateLimited));
    auto finish = [done = std::move(done)](const Result<std::string>& packet) {
      if (!packet) return done(std::unexpected(packet.error()));
      std::optional<Reply> reply = parse_reply(*packet);
      done(reply ? std::move(reply->answer) : std::vector<Record>());
    };
    auto exchange = std::make_shared<Impl::Exchange>(*impl, std::move(query), Transport::kUdp, true, finish);
    impl->exchanges.insert(exchange);
    exchange->next();
  });
}

}  // namespace praetor::dns
