#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/flags.h"
#include "cli/help.h"
#include "cli/table.h"

namespace praetor::cli {
namespace {

using testing::ElementsAre;

TEST(TableTest, AlignsColumns) {
  EXPECT_EQ(format_table({{"Node", "ID", "DC"}, {"n1", "abc", "dc1"}, {"node10", "", "dc2"}}),
            "Node    ID   DC\n"
            "n1      abc  dc1\n"
            "node10       dc2");
}

TEST(TableTest, CountsCharacters) {
  EXPECT_EQ(format_table({{"\xC3\xA9", "x"}, {"ab", "y"}}), "\xC3\xA9   x\nab  y");
}

TEST(TableTest, AnEmptyLastCellLeavesTheOneBeforePadded) {
  EXPECT_EQ(format_table({{"A", "B"}, {"x", ""}}), "A  B\nx  ");
}

TEST(TableTest, PairsLoseOnlyTheFinalSpace) {
  EXPECT_EQ(format_pairs({{"Key", "a"}, {"Session", ""}, {"Value", ""}}, 6),
            "Key          a\n"
            "Session      \n"
            "Value");
}

TEST(HelpTest, WrapsWithEvenLines) {
  EXPECT_THAT(wrap_text("aaa bb cc ddddd", 6), ElementsAre("aaa", "bb cc", "ddddd"));
  EXPECT_THAT(wrap_text("one two", 10), ElementsAre("one two"));
  EXPECT_THAT(wrap_text("averylongword b", 5), ElementsAre("averylongword", "b"));
  EXPECT_THAT(wrap_text("", 5), ElementsAre());
}

TEST(HelpTest, ListsSectionsAndNamesTheProgram) {
  FlagSet flags;
  bool on = false;
  std::string name;
  std::optional<std::string> address;
  flags.set_group(FlagGroup::kHttp);
  flags.add_value("http-addr", &address, "The `address` of the agent.");
  flags.set_group(FlagGroup::kCommand);
  flags.add_string("name", &name, "A name.");
  flags.add_bool("all", &on, "All.");
  EXPECT_EQ(render_help("\nUsage: praetor x [options]\n\n  Text of praetor x.\n", &flags, "consul"),
            "Usage: consul x [options]\n"
            "\n"
            "  Text of consul x.\n"
            "\n"
            "HTTP API Options\n"
            "\n"
            "  -http-addr=<address>\n"
            "     The `address` of the agent.\n"
            "\n"
            "Command Options\n"
            "\n"
            "  -all\n"
            "     All.\n"
            "\n"
            "  -name=<string>\n"
            "     A name.");
}

}  // namespace
}  // namespace praetor::cli
