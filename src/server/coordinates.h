// The Coordinate endpoint. Updates are gathered for a while and become one log entry a batch: every node of a
// cluster sends its coordinate again and again, and only the newest counts.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/reactor.h"
#include "base/result.h"
#include "model/agent.h"
#include "model/catalog.h"
#include "server/method.h"
#include "server/read.h"

namespace praetor::server {

class Server;

inline constexpr size_t kCoordinateBatch = 128;     // updates of one log entry
inline constexpr size_t kMaxCoordinateBatches = 5;  // a period; what is beyond waits for its next update
inline constexpr size_t kCoordinateDimensions = 8;

// Without a node: all, by name. With one: its own.
Status coordinate_list(ReadContext& context, const model::NodeSpecificRequest& request,
                       model::IndexedCoordinates& reply);

// Where a node stands that has not measured anything yet.
model::Coord origin_coordinate();

class CoordinateUpdates {
 public:
  // `reactor` runs the timer. Both outlive the object.
  CoordinateUpdates(Server& server, Reactor& reactor, Duration period);

  // Any thread. `incompatible coordinate` when it has another number of dimensions, or no numbers.
  Status add(model::Coordinate update);
  // Any thread but the reactor's, or on it: nothing is written after it returns.
  void stop();

 private:
  struct State;
  void flush();

  Server& server_;
  Reactor& reactor_;
  const Duration period_;
  std::shared_ptr<State> state_;
};

// Coordinate.ListNodes and Coordinate.Node differ in the request's node only.
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedCoordinates> kCoordinateListNodes{
    "Coordinate.ListNodes", coordinate_list};
inline constexpr ReadMethod<model::NodeSpecificRequest, model::IndexedCoordinates> kCoordinateNode{
    "Coordinate.Node", coordinate_list};
void coordinate_update(Server& server, Reactor& reactor, model::CoordinateUpdateRequest request,
                       std::function<void(Result<Nothing>)> done);
inline constexpr CallMethod<model::CoordinateUpdateRequest, Nothing> kCoordinateUpdate{"Coordinate.Update",
                                                                                       coordinate_update};

}  // namespace praetor::server
