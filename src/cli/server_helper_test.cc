#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "base/check.h"
#include "cli/test_server.h"

namespace praetor::cli {

TestServer::TestServer(Answer answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(listener_, 16) == 0);
  socklen_t length = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TestServer::~TestServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::vector<std::string> TestServer::requests() {
  std::lock_guard lock(mutex_);
  return requests_;
}

void TestServer::serve() {
  for (;;) {
    int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    ++connections_;
    std::string input;
    while (serve_one(fd, input)) {
    }
    ::close(fd);
  }
}

bool TestServer::serve_one(int fd, std::string& input) {
  char buffer[4096];
  auto more = [&] {
    ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count > 0) input.append(buffer, static_cast<size_t>(count));
    return count > 0;
  };
  size_t end;
  while ((end = input.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  std::string head = input.substr(0, end);
  input.erase(0, end + 4);
  std::string body;
  if (head.contains("Transfer-Encoding: chunked")) {
    while (!input.contains("0\r\n\r\n")) {
      if (!more()) return false;
    }
    body = std::exchange(input, "");
  } else if (size_t at = head.find("Content-Length: "); at != std::string::npos) {
    size_t length = std::stoul(head.substr(at + 16));
    while (input.size() < length) {
      if (!more()) return false;
    }
    body = input.substr(0, length);
    input.erase(0, length);
  }
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(head.substr(0, head.find(" HTTP/")));
  }
  std::string answer = answer_(head, body);
  if (answer.empty()) return false;
  ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  return !answer.contains("Connection: close");
}

std::string ok_answer(const std::string& body, const std::string& headers) {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string answer_with(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace praetor::cli
