// intention create, check, get, match, delete.
#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/intention.h"
#include "cli/table.h"
#include "codec/json.h"

namespace praetor::cli {
namespace {

// A question or a usage that fails, where 1 is an answer.
constexpr int kCheckFailed = 2;

class IntentionCommand : public FlagCommand {
 protected:
  explicit IntentionCommand(std::string_view usage) : FlagCommand(usage, HttpFlagSet::kClientAndServer) {}
  static int refuse(const std::string& message, Ui& ui) {
    ui.error(message);
    return 1;
  }
  // Of an id, or of a source and a destination, the intention's id.
  static Result<std::string> wanted_id(Api& api, const std::vector<std::string>& args) {
    if (args.size() == 1) return args[0];
    TRY_ASSIGN(auto found, find_intention(api, args[0], args[1]));
    if (found) return found->id;
    return fail(fmt::format("Intention with source {} and destination {} not found.", go_quote(args[0]),
                            go_quote(args[1])));
  }
};

class IntentionCreate final : public IntentionCommand {
 public:
  IntentionCreate()
      : IntentionCommand(R"(
Usage: praetor intention create [options] SRC DST
Usage: praetor intention create [options] -file FILE...

  Makes an intention: whether SRC may connect to DST. "*" stands for every
  service.

      $ praetor intention create -deny "*" db
)") {
    flags_.add_bool("allow", &allow_, "Makes one that allows, the default.");
    flags_.add_bool("deny", &deny_, "Makes one that denies.");
    flags_.add_bool("file", &file_, "The arguments are files with an intention in JSON each.");
    flags_.add_map("meta", &meta_, "Metadata as key=value. May be given several times.");
    flags_.add_bool("replace", &replace_, "Replaces an intention of the same names.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (allow_ && deny_) return refuse("Only one of -allow or -deny may be specified.", ui);
    auto wanted = file_ ? from_files(args) : from_names(args);
    if (!wanted) return refuse("Error: " + wanted.error().message, ui);
    auto api = open_api(ui);
    if (!api) return 1;
    for (Intention& one : *wanted) {
      if (replace_) {
        auto old = find_intention(*api, one.source(), one.destination());
        if (!old)
          return refuse("Error looking up intention for replacement with source " + go_quote(one.source()) +
                            " and destination " + go_quote(one.destination()) + ": " + old.error().message,
                        ui);
        if (*old) {
          one.id = (*old)->id;
          auto changed = api->put("/v1/connect/intentions/" + one.id, {}, codec::to_json(one));
          if (!changed)
            return refuse("Error replacing intention with source " + go_quote(one.source()) +
                              " and destination " + go_quote(one.destination()) + ": " +
                              changed.error().message,
                          ui);
          continue;
        }
      }
      if (Status made = create_intention(*api, one); !made)
        return refuse("Error creating intention " + go_quote(one.text()) + ": " + made.error().message, ui);
      ui.print("Created: " + one.text());
    }
    return 0;
  }

  Result<std::vector<Intention>> from_names(const std::vector<std::string>& args) const {
    if (args.size() != 2) return fail("Must specify two arguments: source and destination");
    auto source = parse_service_target(args[0]);
    if (!source) return fail("Invalid intention source: " + source.error().message);
    auto destination = parse_service_target(args[1]);
    if (!destination) return fail("Invalid intention destination: " + destination.error().message);
    Intention one;
    one.source_ns = source->first;
    one.source_name = source->second;
    one.destination_ns = destination->first;
    one.destination_name = destination->second;
    one.source_type = "consul";
    one.action = deny_ ? "deny" : "allow";
    for (const auto& [key, value] : meta_) one.meta[key] = value;
    return std::vector<Intention>{std::move(one)};
  }

  static Result<std::vector<Intention>> from_files(const std::vector<std::string>& files) {
    std::vector<Intention> list;
    for (const std::string& file : files) {
      TRY_ASSIGN(std::string text, read_file(file));
      TRY_ASSIGN(Intention one, codec::from_json<Intention>(text));
      list.push_back(std::move(one));
    }
    return list;
  }

  bool allow_ = false, deny_ = false, file_ = false, replace_ = false;
  std::map<std::string, std::string> meta_;
};

class IntentionCheck final : public IntentionCommand {
 public:
  IntentionCheck()
      : IntentionCommand(R"(
Usage: praetor intention check [options] SRC DST

  Tells whether SRC may connect to DST. The exit code is 0 if it may, 1 if not,
  2 if that cannot be told.
)") {
    set_flag_failure_code(kCheckFailed);
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() != 2) {
      ui.error("Error: command requires exactly two arguments: src and dst");
      return kCheckFailed;
    }
    auto api = open_api(ui);
    if (!api) return kCheckFailed;
    auto response = api->get("/v1/connect/intentions/check",
                             {{"source", args[0]}, {"destination", args[1]}, {"source-type", "consul"}});
    if (!response) {
      ui.error("Error checking the connection: " + response.error().message);
      return kCheckFailed;
    }
    bool allowed = contains(response->body, "true");
    ui.print(allowed ? "Allowed" : "Denied");
    return allowed ? 0 : 1;
  }
};

// As Go's RFC 850: `Monday, 02-Jan-06 15:04:05 UTC`.
std::string long_time(Time time) {
  static constexpr std::array kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t seconds = time.seconds;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02}-{}-{:02} {:02}:{:02}:{:02} UTC", kDays[static_cast<size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year % 100,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

class IntentionGet final : public IntentionCommand {
 public:
  IntentionGet()
      : IntentionCommand(R"(
Usage: praetor intention get [options] SRC DST
Usage: praetor intention get [options] ID

  Shows an intention.
)") {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty() || args.size() > 2)
      return refuse("Error: command requires exactly 1 or 2 arguments", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = wanted_id(*api, args);
    if (!id) return refuse("Error: " + id.error().message, ui);
    auto response = api->request("GET", "/v1/connect/intentions/" + *id);
    if (!response) return refuse("Error reading the intention: " + response.error().message, ui);
    if (response->status == 404)
      return refuse("Error: Intention with ID " + go_quote(*id) + " not found.", ui);
    if (response->status != 200) {
      return refuse(fmt::format("Error reading the intention: Unexpected response {}: {}", response->status,
                                response->body),
                    ui);
    }
    auto one = codec::from_json<Intention>(response->body);
    if (!one) return refuse("Error reading the intention: " + one.error().message, ui);
    std::vector<std::vector<std::string>> rows = {{"Source:", one->source()},
                                                  {"Destination:", one->destination()},
                                                  {"Action:", one->action},
                                                  {"ID:", one->id}};
    if (!one->description.empty()) rows.push_back({"Description:", one->description});
    for (const auto& [key, value] : one->meta) rows.push_back({"Meta[" + key + "]:", value});
    rows.push_back({"Created At:", long_time(one->created_at)});
    ui.print(format_table(rows));
    return 0;
  }
};

class IntentionMatch final : public IntentionCommand {
 public:
  IntentionMatch()
      : IntentionCommand(R"(
Usage: praetor intention match [options] SRC|DST

  Lists the intentions that count for a destination or, with -source, for a
  source, in the order in which they are looked at.
)") {
    set_flag_failure_code(kCheckFailed);
    flags_.add_bool("destination", &by_destination_, "The argument is a destination, the default.");
    flags_.add_bool("source", &by_source_, "The argument is a source.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.size() != 1) return refuse("Error: command requires exactly one argument: src or dst", ui);
    if (by_source_ && by_destination_)
      return refuse("Error: only one of -source or -destination may be specified", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto response = api->get("/v1/connect/intentions/match",
                             {{"by", by_source_ ? "source" : "destination"}, {"name", args[0]}});
    using Matches = codec::Map<codec::List<Intention>>;
    auto matches = response ? codec::from_json<Matches>(response->body)
                            : Result<Matches>(std::unexpected(response.error()));
    if (!matches) return refuse("Error matching the connection: " + matches.error().message, ui);
    if (const auto* list = matches->get(args[0])) {
      for (const Intention& one : *list) ui.print(one.text());
    }
    return 0;
  }

  bool by_source_ = false, by_destination_ = false;
};

class IntentionDelete final : public IntentionCommand {
 public:
  IntentionDelete()
      : IntentionCommand(R"(
Usage: praetor intention delete [options] SRC DST
Usage: praetor intention delete [options] ID

  Removes an intention.
)") {}

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (args.empty() || args.size() > 2)
      return refuse("Error: command requires exactly 1 or 2 arguments", ui);
    auto api = open_api(ui);
    if (!api) return 1;
    auto id = wanted_id(*api, args);
    if (!id) return refuse("Error: " + id.error().message, ui);
    if (auto done = api->del("/v1/connect/intentions/" + *id); !done)
      return refuse("Error reading the intention: " + done.error().message, ui);
    ui.print("Intention deleted.");
    return 0;
  }
};

}  // namespace

CommandPtr make_intention_create() { return std::make_unique<IntentionCreate>(); }
CommandPtr make_intention_check() { return std::make_unique<IntentionCheck>(); }
CommandPtr make_intention_get() { return std::make_unique<IntentionGet>(); }
CommandPtr make_intention_match() { return std::make_unique<IntentionMatch>(); }
CommandPtr make_intention_delete() { return std::make_unique<IntentionDelete>(); }

}  // namespace praetor::cli
