#include "server/read.h"

#include "store/tables.h"

namespace praetor::server {

void set_index(ReadContext& context, model::QueryMeta& meta, const store::ReadIndex& read) {
  meta.index = read.reported;
  context.changed = read.changed;
}

}  // namespace praetor::server
