// UDP: datagrams are taken and sent in batches; every answer of a batch is built in one arena.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "dns/listeners.h"

namespace praetor::dns {

namespace asio = boost::asio;

namespace {

constexpr size_t kArenaBytes = 256 << 10;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(in6_pktinfo));
constexpr int kRoundsPerWakeup = 8;  // then other connections of the reactor get their turn

class UdpListener final : public Listening {
 public:
  UdpListener(const Shard& shard, int fd, bool wildcard)
      : socket_(std::make_shared<Socket>(*shard.reactor, fd)),
        shard_(shard),
        port_(bound_port(fd)),
        wildcard_(wildcard),
        // Not filled: what no query has needed yet takes no memory.
        queries_(std::make_unique_for_overwrite<char[]>(kUdpBatch * kMaxUdpQueryBytes)),
        arena_(std::make_unique_for_overwrite<char[]>(kArenaBytes)) {
    wait();
  }

  uint16_t port() const override { return port_; }

 private:
  // Late answers hold it weakly.
  struct Socket {
    Socket(asio::io_context& reactor, int fd) : descriptor(reactor, fd) {}
    asio::posix::stream_descriptor descriptor;
  };

  struct Peer {
    sockaddr_storage address;
    alignas(cmsghdr) char control[kControlBytes];
    size_t address_size, control_size;
  };

  // An answer that comes later goes to the peer that asked.
  class Later final : public Deferral<std::string> {
   public:
    Later(UdpListener& listener, const Peer& peer) : listener_(listener), peer_(peer) {}
    std::function<void(Result<std::string>)> defer() override {
      return [socket = std::weak_ptr<Socket>(listener_.socket_),
              peer = peer_](Result<std::string> reply) mutable {
        std::shared_ptr<Socket> alive = socket.lock();
        if (!alive || !reply || reply->empty()) return;
        iovec piece{reply->data(), reply->size()};
        msghdr message = header(peer, piece);
        sendmsg(alive->descriptor.native_handle(), &message, MSG_DONTWAIT);
      };
    }

   private:
    UdpListener& listener_;
    const Peer& peer_;
  };

  static msghdr header(Peer& peer, iovec& piece) {
    msghdr message{};
    message.msg_name = &peer.address;
    message.msg_namelen = static_cast<socklen_t>(peer.address_size);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = peer.control_size != 0 ? peer.control : nullptr;
    message.msg_controllen = peer.control_size;
    return message;
  }

  void wait() {
    socket_->descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr<Socket>(socket_)](boost::system::error_code error) {
          if (error || alive.expired()) return;
          serve();
          wait();
        });
  }

  void serve() {
    for (int round = 0; round < kRoundsPerWakeup; ++round) {
      size_t count = receive();
      if (count == 0) return;
      Instant start = system_clock().now();
      answer(count);
      if (shard_.on_batch) shard_.on_batch(count, system_clock().now() - start);
      if (count < kUdpBatch) return;
    }
  }

  size_t receive() {
    for (size_t i = 0; i < kUdpBatch; ++i) {
      pieces_[i] = {&queries_[i * kMaxUdpQueryBytes], kMaxUdpQueryBytes};
      peers_[i].address_size = sizeof peers_[i].address;
      peers_[i].control_size = wildcard_ ? sizeof peers_[i].control : 0;
      incoming_[i].msg_hdr = header(peers_[i], pieces_[i]);
    }
    int got =
        recvmmsg(socket_->descriptor.native_handle(), incoming_.data(), kUdpBatch, MSG_DONTWAIT, nullptr);
    return got > 0 ? static_cast<size_t>(got) : 0;
  }

  void answer(size_t count) {
    size_t used = 0, ready = 0;
    for (size_t i = 0; i < count; ++i) {
      const msghdr& received = incoming_[i].msg_hdr;
      if ((received.msg_flags & MSG_TRUNC) != 0) continue;
      Peer& peer = peers_[i];
      peer.address_size = received.msg_namelen;
      peer.control_size = wildcard_ ? reply_control(peer, received) : 0;
      if (kArenaBytes - used < kMaxMessageBytes) {
        send(ready);
        used = ready = 0;
      }
      std::string_view packet(&queries_[i * kMaxUdpQueryBytes], incoming_[i].msg_len);
      std::span<char> out(arena_.get() + used, kMaxMessageBytes);
      size_t size = 0;
      std::array<char, 64> ip;
      Later later(*this, peer);
      auto outcome =
          shard_.answerer->answer(packet, {Transport::kUdp, ip_text(peer.address, ip)}, out, size, later);
      if (outcome != Answerer::Outcome::kReplied) continue;
      replies_[ready] = {out.data(), size};
      outgoing_[ready].msg_hdr = header(peer, replies_[ready]);
      used += size;
      ++ready;
    }
    send(ready);
  }

  // A datagram that cannot be sent is lost, as datagrams are; the rest goes on.
  void send(size_t count) {
    for (size_t done = 0; done < count;) {
      int sent = sendmmsg(socket_->descriptor.native_handle(), &outgoing_[done],
                          static_cast<unsigned>(count - done), MSG_DONTWAIT);
      done += sent > 0 ? static_cast<size_t>(sent) : 1;
    }
  }

  // On a wildcard address the answer must leave from the address that was asked.
  static size_t reply_control(Peer& peer, const msghdr& received) {
    auto* control = CMSG_FIRSTHDR(&received);
    if (control == nullptr) return 0;
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      info.ipi_ifindex = 0;
      info.ipi_spec_dst = info.ipi_addr;
      std::memcpy(CMSG_DATA(control), &info, sizeof info);
    } else if (control->cmsg_level != IPPROTO_IPV6 || control->cmsg_type != IPV6_PKTINFO) {
      return 0;
    }
    return std::min(received.msg_controllen, sizeof peer.control);
  }

  std::shared_ptr<Socket> socket_;
  Shard shard_;
  uint16_t port_;
  bool wildcard_;
  std::unique_ptr<char[]> queries_, arena_;
  std::array<Peer, kUdpBatch> peers_;
  std::array<iovec, kUdpBatch> pieces_, replies_;
  std::array<mmsghdr, kUdpBatch> incoming_{}, outgoing_{};
};

}  // namespace

Result<std::unique_ptr<Listening>> listen_udp(const Shard& shard, const ListenAddress& address) {
  TRY_ASSIGN(int fd, bound_socket(address, SOCK_DGRAM));
  bool wildcard = address.ip == "0.0.0.0" || address.ip == "::";
  if (wildcard) {
    int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (address.ip == "::") setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  return std::make_unique<UdpListener>(shard, fd, wildcard);
}

}  // namespace praetor::dns
