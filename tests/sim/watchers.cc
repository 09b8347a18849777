#include "sim/watchers.h"

#include <vector>

#include "store/kv.h"
#include "store/session.h"

namespace praetor::sim {

KeyState state_of(const store::KvLeaf* leaf) {
  if (leaf == nullptr) return {};
  return {.exists = true,
          .value = std::string(leaf->value()),
          .session = std::string(leaf->session()),
          .create_index = leaf->create_index(),
          .modify_index = leaf->modify_index(),
          .lock_index = leaf->lock_index()};
}

Watchers::Watchers(World& world, const Truth& truth, std::string server, store::Store& store)
    : world_(world), truth_(truth), server_(std::move(server)), store_(store) {
  store_.set_notice_sink(
      [this](const std::shared_ptr<const store::CommitNotice>& notice) { deliver(*notice); });
}

std::string Watchers::name_of(const Watch& watch) const {
  static constexpr const char* kKinds[] = {"key", "prefix", "sessions"};
  return fmt::format("{} watching {} '{}' since {}", server_, kKinds[static_cast<size_t>(watch.kind)],
                     watch.what, watch.evaluated_at);
}

void Watchers::watch(Kind kind, const std::string& what) {
  Watch& watch = watches_[++next_];
  watch.kind = kind;
  watch.what = what;
  wait(watch);
}

void Watchers::check_result(const Watch& watch, const store::View& view, store::WatchSet& set) const {
  const Model& model = truth_.model();
  auto check_key = [&](const std::string& key, const KeyState& state) {
    if (state != model.at(key, view.index()))
      world_.violate(fmt::format("{} reads {} = {} at {}, where it is {}", server_, key, text_of(state),
                                 view.index(), text_of(model.at(key, view.index()))));
  };
  if (watch.kind == Kind::kKey) return check_key(watch.what, state_of(store::kv_get(view, watch.what, &set)));
  if (watch.kind == Kind::kPrefix) {
    store::kv_list(view, watch.what, &set,
                   [&](const store::KvLeaf& leaf) { check_key(std::string(leaf.key()), state_of(&leaf)); });
    return;
  }
  std::vector<const model::Session*> sessions;
  store::session_list(view, &set, sessions);
  std::vector<std::string> ids;
  for (const model::Session* session : sessions) ids.push_back(session->id);
  if (ids != model.sessions_at(view.index()))
    world_.violate(fmt::format("{} lists other sessions at {} than there are", server_, view.index()));
}

void Watchers::wait(Watch& watch) {
  for (;;) {
    store::View view = store_.view();
    store::WatchSet set;
    check_result(watch, view, set);
    watch.evaluated_at = view.index();
    watch.woken = false;
    watch.id = registry_.add(set, view.index(), [&watch] { watch.woken = true; });
    if (watch.id != 0) return;
    if (!world_.well()) return;
  }
}

bool Watchers::changed(const Watch& watch, uint64_t up_to) const {
  const Model& model = truth_.model();
  if (watch.kind == Kind::kSessions) return model.sessions_changed(watch.evaluated_at, up_to);
  return model.changed(watch.what, watch.kind == Kind::kPrefix, watch.evaluated_at, up_to);
}

void Watchers::deliver(const store::CommitNotice& notice) {
  registry_.deliver(notice);
  if (!world_.well()) return;
  for (auto& [number, watch] : watches_) {
    if (!watch.woken) continue;
    if (!notice.replaced && !changed(watch, notice.index))
      return world_.violate(
          fmt::format("spurious wake-up: {} is told of no change up to {}", name_of(watch), notice.index));
    ++world_.counters.wakeups;
    if (world_.tracing()) world_.trace("{} is woken at {}", name_of(watch), notice.index);
    wait(watch);
  }
}

void Watchers::verify(uint64_t published_index) const {
  for (const auto& [number, watch] : watches_)
    if (changed(watch, published_index))
      return world_.violate(
          fmt::format("lost wake-up: {} is not told of a change up to {}", name_of(watch), published_index));
}

}  // namespace praetor::sim
