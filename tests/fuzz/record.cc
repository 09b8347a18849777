#include "tests/fuzz/record.h"

namespace praetor::fuzz {

PRAETOR_DESCRIBE(Part, "Part", own_json_decoder(), field("Small", &Part::small).flag(codec::kSnakeInput),
                 field("Port", &Part::port).omit_empty(),
                 field("Name", &Part::name).flag(codec::kWireOmitEmpty))

PRAETOR_DESCRIBE(Record, "Record", field("ID", &Record::id), field("Flag", &Record::flag).omit_empty(),
                 field("Number", &Record::number), field("Index", &Record::index).no_filter(),
                 field("Middle", &Record::middle), field("Real", &Record::real),
                 field("Single", &Record::single), field("Bytes", &Record::bytes),
                 field("Wait", &Record::wait), field("At", &Record::at),
                 field("Tags", &Record::tags).flag(codec::kEmptyAsList), field("Meta", &Record::meta),
                 field("Header", &Record::header), field("Parts", &Record::parts),
                 field("Named", &Record::named), field("Next", &Record::next).omit_empty(),
                 field("Any", &Record::any), field("Config", &Record::config))

}  // namespace praetor::fuzz
