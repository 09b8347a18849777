#include "server/coordinates.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/log.h"
#include "server/server.h"
#include "store/catalog_read.h"

namespace praetor::server {

Status coordinate_list(ReadContext& context, const model::NodeSpecificRequest& request,
                       model::IndexedCoordinates& reply) {
  std::vector<const model::Coordinate*> found;
  store::ReadIndex read = request.node.empty()
                              ? store::list_coordinates(context.tables, context.watch, found)
                              : store::node_coordinates(context.tables, request.node, context.watch, found);
  for (const model::Coordinate* each : found) reply.coordinates.push_back(*each);
  reply.meta.index = read.reported;
  context.changed = read.changed;
  return {};
}

model::Coord origin_coordinate() {
  model::Coord origin;
  for (size_t i = 0; i < kCoordinateDimensions; ++i) origin.vec.push_back(0);
  origin.error = 1.5;
  origin.height = 1e-5;
  return origin;
}

struct CoordinateUpdates::State {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, model::Coordinate> pending;  // by node and segment; guarded
  bool armed = false;                                                        // guarded
  bool stopped = false;                                                      // guarded
};

CoordinateUpdates::CoordinateUpdates(Server& server, Reactor& reactor, Duration period)
    : server_(server), reactor_(reactor), period_(period), state_(std::make_shared<State>()) {}

Status CoordinateUpdates::add(model::Coordinate update) {
  const model::Coord* coord = update.coord.get();
  bool valid =
      coord != nullptr && coord->vec.size() == kCoordinateDimensions && std::isfinite(coord->error) &&
      std::isfinite(coord->adjustment) && std::isfinite(coord->height) &&
      std::all_of(coord->vec.begin(), coord->vec.end(), [](double each) { return std::isfinite(each); });
  if (!valid) return fail("incompatible coordinate");
  std::lock_guard lock(state_->mutex);
  std::pair key(update.node, update.segment);
  state_->pending[std::move(key)] = std::move(update);
  if (std::exchange(state_->armed, true)) return {};
  reactor_.post([this, state = state_] {
    {
      std::lock_guard guard(state->mutex);
      if (state->stopped) return;
    }
    reactor_.after(period_, [this, state] {
      std::unique_lock guard(state->mutex);
      if (state->stopped) return;
      guard.unlock();
      flush();
    });
  });
  return {};
}

void CoordinateUpdates::flush() {
  std::map<std::pair<std::string, std::string>, model::Coordinate> due;
  {
    std::lock_guard lock(state_->mutex);
    due.swap(state_->pending);
    state_->armed = false;
  }
  static const Logger log("agent.server.coordinate");
  constexpr size_t kMost = kCoordinateBatch * kMaxCoordinateBatches;
  if (due.size() > kMost)
    log.warn("Discarded coordinate updates", {{"number_discarded", due.size() - kMost}});
  auto at = due.begin();
  for (size_t batches = 0; batches < kMaxCoordinateBatches && at != due.end(); ++batches) {
    model::List<model::Coordinate> batch;
    for (; batch.size() < kCoordinateBatch && at != due.end(); ++at) batch.push_back(std::move(at->second));
    server_.apply(reactor_, model::MessageType::kCoordinateBatchUpdate, batch,
                  [](Result<ApplyResult> applied) {
                    if (!applied) log.warn("Batch update failed", {{"error", applied.error()}});
                  });
  }
}

void CoordinateUpdates::stop() {
  std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  state_->pending.clear();
}

void coordinate_update(Server& server, Reactor&, model::CoordinateUpdateRequest request,
                       std::function<void(Result<Nothing>)> done) {
  without_reply(std::move(done))(
      server.coordinates().add({request.node, request.segment, std::move(request.coord)}));
}

}  // namespace praetor::server
