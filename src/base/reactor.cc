#include "base/reactor.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.h"

namespace praetor {

namespace asio = boost::asio;

struct Reactor::Impl {
  explicit Impl(std::string thread_name)
      : name(std::move(thread_name)), work(asio::make_work_guard(context)), alarm(context) {}

  using Deadlines = std::multimap<std::pair<Instant, TimerId>, Task>;

  std::string name;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::thread thread;

  std::mutex mutex;
  std::vector<Task> mailbox;  // guarded by mutex
  std::vector<Task> running;

  // One Asio timer serves every deadline of the reactor.
  asio::steady_timer alarm;
  Instant alarm_at = Instant::max();
  TimerId last_timer = 0;
  Deadlines deadlines;
  std::unordered_map<TimerId, Deadlines::iterator> by_id;

  void drain() {
    {
      std::lock_guard lock(mutex);
      running.swap(mailbox);
    }
    for (Task& task : running) task();
    running.clear();
  }

  void arm() {
    if (deadlines.empty() || deadlines.begin()->first.first >= alarm_at) return;
    alarm_at = deadlines.begin()->first.first;
    alarm.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(alarm_at));
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (!error) fire();
    });
  }

  void fire() {
    alarm_at = Instant::max();
    Instant now = system_clock().now();
    while (!deadlines.empty() && deadlines.begin()->first.first <= now) {
      Task task = std::move(deadlines.begin()->second);
      by_id.erase(deadlines.begin()->first.second);
      deadlines.erase(deadlines.begin());
      task();
    }
    arm();
  }
};

Reactor::Reactor(std::string name) : impl_(std::make_unique<Impl>(std::move(name))) {}

Reactor::~Reactor() { stop(); }

void Reactor::start() {
  CHECK(!impl_->thread.joinable());
  impl_->thread = std::thread([impl = impl_.get()] {
    pthread_setname_np(pthread_self(), impl->name.substr(0, 15).c_str());
    impl->context.run();
  });
}

void Reactor::stop() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Reactor::post(Task task) {
  bool first;
  {
    std::lock_guard lock(impl_->mutex);
    first = impl_->mailbox.empty();
    impl_->mailbox.push_back(std::move(task));
  }
  if (first) asio::post(impl_->context, [impl = impl_.get()] { impl->drain(); });
}

// Not by comparing with `thread`: start() may still be writing it while the first tasks run.
bool Reactor::on_reactor() const { return impl_->context.get_executor().running_in_this_thread(); }

void Reactor::run(const Task& task) {
  if (on_reactor()) return task();
  std::promise<void> done;
  post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

Reactor::TimerId Reactor::after(Duration delay, Task task) {
  TimerId id = ++impl_->last_timer;
  auto at = impl_->deadlines.emplace(std::pair(system_clock().now() + delay, id), std::move(task));
  impl_->by_id.emplace(id, at);
  impl_->arm();
  return id;
}

void Reactor::cancel(TimerId timer) {
  auto at = impl_->by_id.find(timer);
  if (at == impl_->by_id.end()) return;
  impl_->deadlines.erase(at->second);
  impl_->by_id.erase(at);
}

boost::asio::io_context& Reactor::context() { return impl_->context; }

}  // namespace praetor
