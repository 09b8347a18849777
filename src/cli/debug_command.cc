#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "cli/api_types.h"
#include "cli/cancel.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "codec/json.h"

namespace praetor::cli {

struct DebugSelfConfig {
  std::string version;
};
PRAETOR_DESCRIBED(DebugSelfConfig)
PRAETOR_DESCRIBE(DebugSelfConfig, "", field("Version", &DebugSelfConfig::version))
struct DebugSelfDebug {
  bool enable_debug = false;
};
PRAETOR_DESCRIBED(DebugSelfDebug)
PRAETOR_DESCRIBE(DebugSelfDebug, "", field("EnableDebug", &DebugSelfDebug::enable_debug))
struct DebugSelf {
  DebugSelfConfig config;
  DebugSelfDebug debug_config;
};
PRAETOR_DESCRIBED(DebugSelf)
PRAETOR_DESCRIBE(DebugSelf, "", field("Config", &DebugSelf::config),
                 field("DebugConfig", &DebugSelf::debug_config))

// index.json: what the archive holds.
struct DebugIndex {
  int64_t version = 1;
  std::string agent_version, interval, duration;
  List<std::string> targets;
};
PRAETOR_DESCRIBED(DebugIndex)
PRAETOR_DESCRIBE(DebugIndex, "debugIndex", field("Version", &DebugIndex::version),
                 field("AgentVersion", &DebugIndex::agent_version), field("Interval", &DebugIndex::interval),
                 field("Duration", &DebugIndex::duration), field("Targets", &DebugIndex::targets))

namespace {

namespace fs = std::filesystem;

constexpr Duration kMinDuration = std::chrono::seconds(10);
constexpr Duration kMinInterval = std::chrono::seconds(5);
constexpr size_t kArchiveBlock = 65536;

// time.Time.String() in UTC.
std::string time_text(Time time, bool fraction) {
  std::string text = format_rfc3339(fraction ? time : Time{time.seconds, 0});
  text.pop_back();  // Z
  text[text.find('T')] = ' ';
  return text + " +0000 UTC";
}

Status write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.flush()) return fail("open " + path.string() + ": cannot write");
  return {};
}

// `folder` and all in it as a gzipped tar, names relative to the folder's parent.
Status write_archive(const fs::path& folder, const std::string& target) {
  std::unique_ptr<archive, decltype(&archive_write_free)> writer(archive_write_new(), archive_write_free);
  archive_write_add_filter_gzip(writer.get());
  archive_write_set_format_pax_restricted(writer.get());
  if (archive_write_open_filename(writer.get(), target.c_str()) != ARCHIVE_OK) {
    return fail("failed to create compressed archive: " + std::string(archive_error_string(writer.get())));
  }
  std::vector<fs::path> paths = {folder};
  for (const auto& entry : fs::recursive_directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::string block(kArchiveBlock, '\0');
  for (const fs::path& path : paths) {
    bool is_folder = fs::is_directory(path);
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                        archive_entry_free);
    archive_entry_set_pathname(entry.get(), fs::relative(path, folder.parent_path()).c_str());
    archive_entry_set_filetype(entry.get(), is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry.get(), is_folder ? 0755 : 0644);
    archive_entry_set_size(entry.get(), is_folder ? 0 : static_cast<la_int64_t>(fs::file_size(path)));
    archive_entry_set_mtime(entry.get(), system_clock().wall().seconds, 0);
    if (archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK) {
      return fail("failed to write archive: " + std::string(archive_error_string(writer.get())));
    }
    if (is_folder) continue;
    std::ifstream file(path, std::ios::binary);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
      archive_write_data(writer.get(), block.data(), static_cast<size_t>(file.gcount()));
    }
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return fail("failed to write archive");
  return {};
}

class Debug : public FlagCommand {
 public:
  Debug()
      : FlagCommand(R"(
Usage: praetor debug [options]

  Watches an agent for a while and saves what it learns for later study: its
  configuration, host and cluster, and in intervals its metrics, log and
  profiles. With ACLs on, it needs a token that may read as an operator.

      $ praetor debug -interval=20s -duration=1m
      $ praetor debug -capture metrics -capture agent

  The result is a .tar.gz file in the current directory unless told otherwise.
  An interrupt ends the capture early and still saves it. Tokens and keys are
  left out, yet read the archive before you pass it on.
)",
                    HttpFlagSet::kClient) {
    tell_flag_failure("==> Error parsing flags: ");
    flags_.add_bool("archive", &archive_,
                    "Whether the files are packed into one archive; else the directory is left as it is.");
    flags_.add_list(
        "capture", &capture_,
        "What to capture: metrics, logs, pprof, host, agent, cluster. May be given several times; "
        "the default is everything.");
    flags_.add_duration("duration", &duration_, "How long to capture. The default is 2m0s.");
    flags_.add_duration("interval", &interval_,
                        "How often to capture what changes, such as metrics. The default is 30s.");
    output_ = "consul-debug-" + std::to_string(system_clock().wall().seconds);
    flags_.add_string("output", &output_, "Path of the result, without .tar.gz.");
  }

 private:
  int execute(const std::vector<std::string>& args, Ui& ui) override {
    if (!args.empty()) {
      ui.error("==> debug: Too many arguments provided, expected 0");
      return 1;
    }
    auto api = open_api(ui);
    if (!api) return 1;
    if (Status status = prepare(*api, ui); !status) {
      ui.error("==> Capture validation failed: " + status.error().message);
      return 1;
    }
    announce(ui);
    if (Status status = capture_static(*api); !status) {
      ui.error("==> Static capture failed: " + status.error().message);
    }
    Cancel cancel;
    InterruptScope interrupts(cancel);
    if (wants("metrics") || wants("logs") || wants("pprof")) capture_intervals(*api, cancel, ui);
    if (Status status = finish(); !status) {
      ui.error("==> Archive creation failed: " + status.error().message);
      return 1;
    }
    ui.print("    Saved debug archive: " + result_name());
    return 0;
  }

  Status prepare(Api& api, Ui& ui) {
    if (duration_ < kMinDuration) return fail("duration must be longer than 10s");
    if (interval_ < kMinInterval) return fail("interval must be longer than 10s");  // Consul's own words
    if (duration_ < interval_) {
      return fail(fmt::format("duration ({}) must be longer than interval ({})", format_duration(duration_),
                              format_duration(interval_)));
    }
    auto response = api.get("/v1/agent/self");
    auto self = response ? codec::from_json<DebugSelf>(response->body)
                         : Result<DebugSelf>(std::unexpected(response.error()));
    if (!self) {
      return fail("error querying target agent: " + self.error().message +
                  ". verify connectivity and agent address");
    }
    version_ = self->config.version;
    if (capture_.empty()) capture_ = {"metrics", "logs", "pprof", "host", "agent", "cluster"};
    if (wants("pprof") && !self->debug_config.enable_debug) {
      ui.error(
          "[WARN] Unable to capture pprof. Set enable_debug to true on target agent to enable profiling.");
      std::erase(capture_, "pprof");
    } else if (wants("pprof") && !api.get("/debug/pprof/")) {
      // Praetor's own agents: profiles of Go's runtime are Consul's alone.
      ui.error("[WARN] Unable to capture pprof. The agent does not profile itself.");
      std::erase(capture_, "pprof");
    }
    for (const std::string& path : {output_, result_name()}) {
      if (fs::exists(path)) return fail("output directory already exists: " + path);
    }
    std::error_code code;
    fs::create_directories(output_, code);
    if (code) return fail("could not create output directory: " + code.message());
    return {};
  }

  std::string result_name() const { return archive_ ? output_ + ".tar.gz" : output_; }
  bool wants(std::string_view target) const { return std::ranges::find(capture_, target) != capture_.end(); }

  void announce(Ui& ui) const {
    ui.print("==> Starting debugger and capturing static information...");
    ui.print(fmt::format("     Agent Version: '{}'", version_));
    ui.print(fmt::format("          Interval: '{}'", format_duration(interval_)));
    ui.print(fmt::format("          Duration: '{}'", format_duration(duration_)));
    ui.print(fmt::format("            Output: '{}'", result_name()));
    ui.print(fmt::format("           Capture: '{}'", join(capture_, ", ")));
  }

  static Status save_json(Api& api, const std::string& path, Params params, const fs::path& file) {
    TRY_ASSIGN(HttpResponse response, api.get(path, std::move(params)));
    return write_file(file, codec::indent_json(trim(response.body), "", "\t"));
  }

  Status capture_static(Api& api) const {
    fs::path folder = output_;
    if (wants("host")) TRY(save_json(api, "/v1/agent/host", {}, folder / "host.json"));
    if (wants("agent")) TRY(save_json(api, "/v1/agent/self", {}, folder / "agent.json"));
    if (wants("cluster")) TRY(save_json(api, "/v1/agent/members", {{"wan", "1"}}, folder / "cluster.json"));
    return {};
  }

  void capture_intervals(Api& api, const Cancel& cancel, Ui& ui) {
    Instant end = system_clock().now() + duration_;
    ui.print("==> Beginning capture interval " + time_text(system_clock().wall(), true) + " (0)");
    for (int count = 1; !cancel.triggered(); ++count) {
      Time begun = system_clock().wall();
      Duration left = end - system_clock().now();
      if (left <= Duration::zero()) return;
      capture_one(api, begun, std::min(left, interval_), cancel, ui);
      if (!cancel.triggered()) {
        ui.print(fmt::format("==> Capture successful {} ({})", time_text(begun, false), count));
      }
    }
  }

  void capture_one(Api& api, Time begun, Duration length, const Cancel& cancel, Ui& ui) {
    fs::path folder = fs::path(output_) / std::to_string(begun.seconds);
    std::error_code code;
    fs::create_directories(folder, code);
    Cancel over;
    std::vector<std::thread> workers;
    auto whole = std::chrono::floor<std::chrono::seconds>(length).count();
    std::string seconds = std::to_string(std::max<int64_t>(whole, 1));
    if (wants("logs")) workers.emplace_back([&] { stream_log(api, folder / "consul.log", over); });
    if (wants("pprof")) {
      for (const char* kind : {"profile", "trace"}) {
        std::string name = std::string(kind) == "trace" ? "trace.out" : "profile.prof";
        workers.emplace_back([&, kind, name] { save_profile(api, kind, seconds, folder / name, over, ui); });
      }
      for (const char* kind : {"heap", "goroutine"}) {
        save_profile(api, kind, "", folder / (std::string(kind) + ".prof"), cancel, ui);
      }
    }
    if (wants("metrics")) {
      if (Status status = save_json(api, "/v1/agent/metrics", {}, folder / "metrics.json"); !status) {
        tell(ui, "Error gathering metrics: " + status.error().message);
      }
    }
    cancel.wait(length);
    if (!cancel.triggered() && wants("pprof")) over.wait(kProfileGrace);
    over.trigger();
    for (std::thread& worker : workers) worker.join();
  }

  static void stream_log(const Api& api, const fs::path& path, const Cancel& over) {
    std::ofstream file(path, std::ios::binary);
    auto ended =
        api.clone(&over)->stream("/v1/agent/monitor", {{"loglevel", "DEBUG"}}, [&](std::string_view piece) {
          file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
          return Status();
        });
  }

  void save_profile(const Api& api, const std::string& kind, const std::string& seconds, const fs::path& path,
                    const Cancel& cancel, Ui& ui) {
    Params params;
    if (!seconds.empty()) params.emplace("seconds", seconds);
    auto response = api.clone(&cancel)->get("/debug/pprof/" + kind, std::move(params));
    Status status = response ? write_file(path, response->body) : Status(std::unexpected(response.error()));
    if (!status && !cancel.triggered()) tell(ui, "Error gathering " + kind + ": " + status.error().message);
  }

  // From several threads.
  void tell(Ui& ui, const std::string& line) {
    std::lock_guard lock(ui_mutex_);
    ui.error(line);
  }

  Status finish() const {
    DebugIndex index;
    index.agent_version = version_;
    index.interval = format_duration(interval_);
    index.duration = format_duration(duration_);
    index.targets = List<std::string>(capture_);
    TRY(write_file(fs::path(output_) / "index.json", codec::indent_json(codec::to_json(index), "", "\t")));
    if (!archive_) return {};
    TRY(write_archive(fs::absolute(output_).lexically_normal(), result_name()));
    std::error_code code;
    fs::remove_all(output_, code);
    return {};
  }

  static constexpr Duration kProfileGrace = std::chrono::milliseconds(500);

  bool archive_ = true;
  std::vector<std::string> capture_;
  Duration duration_ = std::chrono::minutes(2);
  Duration interval_ = std::chrono::seconds(30);
  std::string output_;
  std::string version_;
  std::mutex ui_mutex_;
};

}  // namespace

CommandPtr make_debug() { return std::make_unique<Debug>(); }

}  // namespace praetor::cli
