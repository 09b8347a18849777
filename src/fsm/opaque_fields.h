// What the appliers of opaque records share: fields of decoded requests, and records with their indexes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/value.h"
#include "model/common.h"
#include "store/store.h"

namespace praetor::fsm {

// Fields of what came by MessagePack: null, empty or zero when absent or of another kind.
const codec::Value& field(const codec::ValueMap& map, std::string_view name);
std::string text(const codec::Value& value);
uint64_t number(const codec::Value& value);
bool flag(const codec::Value& value);

// An unsigned field of a record as it stands in the store.
uint64_t number_field(std::string_view map, std::string_view name);
// The ModifyIndex of what stands under an id; 0 when nothing does.
uint64_t modify_index(store::WriteTxn& txn, model::MessageType type, std::string_view id);
// Sets both indexes; `created` 0: with this transaction.
void stamp(store::WriteTxn& txn, codec::ValueMap& record, uint64_t created);
// Stores the record under its own id, as created when the one before it was.
void put(store::WriteTxn& txn, model::MessageType type, codec::ValueMap record);

}  // namespace praetor::fsm
