// For tests: an HTTP agent of scripted answers on a loopback port, and captured streams.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/ui.h"

namespace praetor::cli {

class CaptureUi : public Ui {
 public:
  CaptureUi() { std::signal(SIGPIPE, SIG_IGN); }  // as main does
  void write_out(std::string_view text) override { out += text; }
  void write_err(std::string_view text) override { err += text; }
  Result<std::string> read_in() override { return in; }
  std::optional<std::string> env(const std::string& name) const override {
    auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  }
  std::string program() const override { return "praetor"; }

  std::string out, err, in;
  std::map<std::string, std::string> environment;
};

// Answers every request by `answer(head, body)`, which returns the raw bytes to send; an empty text closes
// the connection. One connection at a time.
class TestServer {
 public:
  using Answer = std::function<std::string(const std::string& head, const std::string& body)>;
  explicit TestServer(Answer answer);
  ~TestServer();
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // The first lines of the requests so far.
  std::vector<std::string> requests();
  size_t connections() const { return connections_; }

 private:
  void serve();
  bool serve_one(int fd, std::string& input);

  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<size_t> connections_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with a length.
std::string ok_answer(const std::string& body, const std::string& headers = "");
std::string answer_with(int status, const std::string& body);

}  // namespace praetor::cli
