// Any expression compiles or is refused; what compiles evaluates on records of every filling.
#include "codec/filter.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

using praetor::codec::Value;
using praetor::fuzz::Part;
using praetor::fuzz::Record;

namespace {

const Record& full() {
  static const Record record = [] {
    Record made;
    made.id = "abc";
    made.flag = true;
    made.tags = {"a", "b"};
    made.meta["k"] = "v";
    made.header["h"].push_back("x");
    made.parts = praetor::codec::List<Part>{Part{1, 2, "p"}, Part{}};
    made.named["n"] = Part{3, 4, "q"};
    made.next.emplace().id = "inner";
    made.config["c"] = Value(1.0);
    return made;
  }();
  return record;
}

}  // namespace

PRAETOR_FUZZ_TARGET(filter) {
  std::string expression(input);
  auto filter = praetor::codec::compile_filter<Record>(expression);
  if (!filter) {
    CHECK(filter.error().message.starts_with("Failed to create boolean expression evaluator: "));
    return;
  }
  static const Record empty;
  for (const Record* record : {&full(), &empty}) {
    bool matches = filter->matches(record);
    auto negated = praetor::codec::compile_filter<Record>("not (" + expression + ")");
    if (negated && !expression.empty()) CHECK(negated->matches(record) != matches);
  }
}
