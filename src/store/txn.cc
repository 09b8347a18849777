#include "store/txn.h"

#include <string>

#include "base/text.h"
#include "store/catalog.h"
#include "store/kv.h"
#include "store/session.h"

namespace praetor::store {
namespace {

using model::List;
using model::TxnOp;
using model::TxnResult;
namespace op = model::kv_op;

// The verbs that write are refused where there is nothing to write to.
constexpr const char* kReadOnly = "transaction is read-only";

bool is_kv_write(std::string_view verb) {
  return verb == op::kSet || verb == op::kCAS || verb == op::kLock || verb == op::kUnlock ||
         verb == op::kDelete || verb == op::kDeleteCAS || verb == op::kDeleteTree;
}

// One operation: what it answers goes to `results`, an error comes back.
class Evaluator {
 public:
  Evaluator(const Tables& tables, WriteTxn* txn, List<TxnResult>& results)
      : tables_(tables), txn_(txn), results_(results) {}

  Status run(const TxnOp& operation) {
    if (operation.kv)
      return is_kv_write(operation.kv->verb) ? kv_write(*operation.kv) : kv_check(*operation.kv);
    if (operation.node) return node(*operation.node);
    if (operation.service) return service(*operation.service);
    if (operation.check) return check(*operation.check);
    if (operation.session) return session(*operation.session);
    return fail("no operation specified");
  }

 private:
  void add_entry(const KvLeaf& leaf, bool with_value) {
    model::DirEntry entry = to_dir_entry(leaf);
    if (!with_value) entry.value.clear();
    results_.emplace_back().kv = std::move(entry);
  }

  Status kv_write(const model::TxnKVOp& request) {
    if (txn_ == nullptr) return fail(kReadOnly);
    const model::DirEntry& in = request.dir_ent;
    KvFields fields{.key = in.key,
                    .value = in.value,
                    .flags = in.flags,
                    .lock_index = in.lock_index,
                    .session = in.session};
    std::string key = go_quote(in.key);
    if (request.verb == op::kDelete) return kv_delete(*txn_, in.key), Status();
    if (request.verb == op::kDeleteTree) return kv_delete_tree(*txn_, in.key), Status();
    if (request.verb == op::kDeleteCAS) {
      if (kv_delete_cas(*txn_, in.key, in.indexes.modify_index)) return {};
      return fail("failed to delete key " + key + ", index is stale");
    }
    const KvLeaf* leaf = nullptr;
    if (request.verb == op::kSet) {
      leaf = kv_set(*txn_, fields);
    } else if (request.verb == op::kCAS) {
      leaf = kv_cas(*txn_, fields, in.indexes.modify_index);
      if (leaf == nullptr) return fail("failed to set key " + key + ", index is stale");
    } else if (request.verb == op::kLock) {
      TRY_ASSIGN(leaf, kv_lock(*txn_, fields));
      if (leaf == nullptr) return fail("failed to lock key " + key + ", lock is already held");
    } else {
      TRY_ASSIGN(leaf, kv_unlock(*txn_, fields));
      if (leaf == nullptr) {
        return fail("failed to unlock key " + key + ", lock isn't held, or is held by another session");
      }
    }
    add_entry(*leaf, false);
    return {};
  }

  Status kv_check(const model::TxnKVOp& request) {
    const model::DirEntry& in = request.dir_ent;
    std::string key = go_quote(in.key);
    if (request.verb == op::kGetTree) {
      kv_list(tables_, in.key, nullptr, [&](const KvLeaf& leaf) { add_entry(leaf, true); });
      return {};
    }
    const KvLeaf* leaf = kv_get(tables_, in.key);
    if (request.verb == op::kGet) {
      if (leaf == nullptr) return fail("key " + key + " doesn't exist");
      add_entry(*leaf, true);
      return {};
    }
    if (request.verb == op::kCheckNotExists) {
      return leaf == nullptr ? Status() : fail("key " + key + " exists");
    }
    if (request.verb == op::kCheckSession) {
      if (leaf == nullptr) return fail("failed to check session, key " + key + " doesn't exist");
      if (leaf->session() != in.session) {
        return fail("failed session check for key " + key + ", current session " + go_quote(leaf->session()) +
                    " != " + go_quote(in.session));
      }
      add_entry(*leaf, false);
      return {};
    }
    if (request.verb == op::kCheckIndex) {
      if (leaf == nullptr) return fail("failed to check index, key " + key + " doesn't exist");
      if (leaf->modify_index() != in.indexes.modify_index) {
        return fail("failed index check for key " + key + ", current modify index " +
                    std::to_string(leaf->modify_index()) + " != " + std::to_string(in.indexes.modify_index));
      }
      add_entry(*leaf, false);
      return {};
    }
    return fail("unknown KV verb " + go_quote(request.verb));
  }

  // What node, service and check operations share. `what` names the record in errors; find() returns it or
  // null; put() and erase() change it; add(record) answers with it.
  template <typename Find, typename Put, typename Erase, typename Add>
  Status record_op(std::string_view type, std::string_view verb, const std::string& what, uint64_t expected,
                   Find find, Put put, Erase erase, Add add) {
    auto stale = [&](const char* action) {
      return fail(std::string("failed to ") + action + " " + what + ", index is stale");
    };
    if (verb == "get") {
      const auto* found = find();
      if (found == nullptr) return fail(what + " doesn't exist");
      add(*found);
      return {};
    }
    if (verb != "set" && verb != "cas" && verb != "delete" && verb != "delete-cas") {
      return fail("unknown " + std::string(type) + " verb " + go_quote(verb));
    }
    if (txn_ == nullptr) return fail(kReadOnly);
    const auto* existing = find();
    bool matches = existing == nullptr ? expected == 0 : existing_index(*existing) == expected;
    if (verb == "delete") return erase(), Status();
    if (verb == "delete-cas") {
      if (existing == nullptr || !matches) return stale("delete");
      return erase(), Status();
    }
    if (verb == "cas" && !matches) return stale("set");
    TRY(put());
    const auto* now = find();
    if (now != nullptr) add(*now);
    return {};
  }
  static uint64_t existing_index(const model::Node& node) { return node.indexes.modify_index; }
  static uint64_t existing_index(const ServiceRecord& record) { return record.service.indexes.modify_index; }
  static uint64_t existing_index(const model::HealthCheck& check) { return check.indexes.modify_index; }

  Status node(const model::TxnNodeOp& request) {
    const model::Node& in = request.node;
    // Reads take the id first; conditions and deletions go by name.
    std::string_view id = request.verb == "get" || request.verb == "set" ? std::string_view(in.id) : "";
    return record_op(
        "Node", request.verb, "node " + go_quote(in.node), in.indexes.modify_index,
        [&] { return node_find(tables_, id, in.node); }, [&] { return node_put(*txn_, in); },
        [&] { node_delete(*txn_, in.node); },
        [&](const model::Node& found) { results_.emplace_back().node = found; });
  }

  Status service(const model::TxnServiceOp& request) {
    const model::NodeService& in = request.service;
    return record_op(
        "Service", request.verb, "service " + go_quote(in.id) + " on node " + go_quote(request.node),
        in.indexes.modify_index, [&] { return service_find(tables_, request.node, in.id); },
        [&] { return service_put(*txn_, request.node, in); },
        [&] { service_delete(*txn_, request.node, in.id); },
        [&](const ServiceRecord& found) { results_.emplace_back().service = found.service; });
  }

  Status check(const model::TxnCheckOp& request) {
    const model::HealthCheck& in = request.check;
    return record_op(
        "Check", request.verb, "check " + go_quote(in.check_id) + " on node " + go_quote(in.node),
        in.indexes.modify_index, [&] { return check_find(tables_, in.node, in.check_id); },
        [&] { return check_put(*txn_, in); }, [&] { check_delete(*txn_, in.node, in.check_id); },
        [&](const model::HealthCheck& found) { results_.emplace_back().check = found; });
  }

  Status session(const model::TxnSessionOp& request) {
    if (request.verb != "delete") return fail("unknown Session verb " + go_quote(request.verb));
    if (txn_ == nullptr) return fail(kReadOnly);
    return session_destroy(*txn_, request.session.id);
  }

  const Tables& tables_;
  WriteTxn* txn_;
  List<TxnResult>& results_;
};

model::TxnResponse evaluate(const Tables& tables, WriteTxn* txn, const List<TxnOp>& ops) {
  model::TxnResponse response;
  response.results.make_empty();  // without results it is a list, not nil
  Evaluator evaluator(tables, txn, response.results);
  for (size_t i = 0; i < ops.size(); i++) {
    if (auto done = evaluator.run(ops[i]); !done) {
      response.errors.push_back({static_cast<int64_t>(i), done.error().message});
    }
  }
  if (!response.errors.empty()) response.results = {};
  return response;
}

}  // namespace

model::TxnResponse txn_apply(WriteTxn& txn, const List<TxnOp>& ops) { return evaluate(txn, &txn, ops); }

model::TxnResponse txn_read(const Tables& tables, const List<TxnOp>& ops) {
  return evaluate(tables, nullptr, ops);
}

bool txn_is_read_only(const List<TxnOp>& ops) {
  for (const TxnOp& operation : ops) {
    if (operation.kv && is_kv_write(operation.kv->verb)) return false;
    if (operation.node && operation.node->verb != "get") return false;
    if (operation.service && operation.service->verb != "get") return false;
    if (operation.check && operation.check->verb != "get") return false;
    if (operation.session) return false;
  }
  return true;
}

}  // namespace praetor::store
