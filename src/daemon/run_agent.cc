#include "daemon/run_agent.h"

#include <cstdio>
#include <memory>
#include <mutex>

#include "agent/host_id.h"
#include "agent/log_sinks.h"
#include "agent/persistence.h"
#include "agent/retry_join.h"
#include "base/log.h"
#include "base/random.h"
#include "daemon/current_watches.h"
#include "daemon/daemon.h"
#include "daemon/data_lock.h"
#include "daemon/signals.h"

namespace praetor::daemon {
namespace {

// Log lines on standard output, indented by four spaces (JSON too). Lines that come before
// the banner is out are kept back.
class ConsoleSink final : public LogSink {
 public:
  ConsoleSink(const Output& out, bool json) : out_(out), json_(json) {}

  void write(const LogRecord& record) override {
    std::string line = "    " + (json_ ? record.json() : record.text()) + "\n";
    std::lock_guard lock(mutex_);
    if (open_)
      out_(line);
    else
      early_ += line;
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    if (!early_.empty()) out_(early_);
    early_.clear();
  }

 private:
  const Output& out_;
  const bool json_;
  std::mutex mutex_;
  bool open_ = false;
  std::string early_;
};

const char* yes_no(bool value) { return value ? "true" : "false"; }

std::string banner(const agent::RuntimeConfig& config) {
  std::string segment = config.server_mode ? "<all>" : config.segment_name;
  std::string clients;
  for (const std::string& address : config.client_addrs) clients += (clients.empty() ? "" : " ") + address;
  auto number = [](int64_t value) { return std::to_string(value); };
  std::string text;
  auto line = [&text](std::string_view name, const std::string& value) {
    text += std::string(18 - name.size(), ' ') + std::string(name) + ": " + value + "\n";
  };
  line("Version", "'" + config.version + "'");
  line("Node ID", "'" + config.node_id + "'");
  line("Node name", "'" + config.node_name + "'");
  line("Datacenter", "'" + config.datacenter + "' (Segment: '" + segment + "')");
  line("Server", std::string(yes_no(config.server_mode)) + " (Bootstrap: " + yes_no(config.bootstrap) + ")");
  line("Client Addr", "[" + clients + "] (HTTP: " + number(config.http_port) +
                          ", HTTPS: " + number(config.https_port) + ", gRPC: " + number(config.grpc_port) +
                          ", DNS: " + number(config.dns_port) + ")");
  line("Cluster Addr", config.advertise_addr_lan + " (LAN: " + number(config.serf_port_lan) +
                           ", WAN: " + number(config.serf_port_wan) + ")");
  line("Encrypt", std::string("Gossip: ") + yes_no(!config.encrypt_key.empty()) + ", TLS-Outgoing: " +
                      yes_no(config.verify_outgoing) + ", TLS-Incoming: " + yes_no(config.verify_incoming) +
                      ", Auto-Encrypt-TLS: " + yes_no(config.auto_encrypt_tls));
  return text;
}

// Prepares the data directory and takes it for this process; the node's ID, from the configuration, the
// directory or the host, goes into `config`.
Result<std::unique_ptr<DataLock>> settle_identity(agent::RuntimeConfig& config) {
  const Logger logger("agent");
  agent::DataDirectory data(config.dev_mode ? "" : config.data_dir, logger);
  TRY(data.prepare());
  TRY_ASSIGN(auto lock, DataLock::take(data.path()));
  std::string of_host;
  if (!config.disable_host_node_id && config.node_id.empty()) {
    of_host = agent::host_node_id(agent::HostFolders::from_environment());
    logger.debug("Using unique ID from host as node ID", {{"id", of_host}});
  }
  auto id = data.node_id(config.node_id, of_host, thread_random());
  if (!id) return fail("failed to setup node ID: " + id.error().message);
  config.node_id = *id;
  return lock;
}

}  // namespace

// What this version cannot do must not look as if it were done. Nothing: the agent may start.
std::string refusal(const agent::RuntimeConfig& config) {
  std::string_view later = ", which this version does not have yet: it would run without. Remove it to start";
  if (config.acls_enabled) return "the configuration enables ACLs (acl.enabled)" + std::string(later);
  for (const auto* list : {&config.retry_join_lan, &config.retry_join_wan})
    for (const std::string& address : *list)
      if (std::string provider = agent::cloud_provider_of(address); !provider.empty())
        return "the configuration asks the cloud provider \"" + provider +
               "\" for addresses (retry_join), which this version cannot do: give addresses or names instead";
  if (config.https_port > 0) return "the configuration opens HTTPS (ports.https)" + std::string(later);
  if (config.verify_incoming || config.verify_incoming_rpc || config.verify_incoming_https)
    return "the configuration verifies TLS clients (verify_incoming)" + std::string(later);
  return "";
}

int run_agent(const agent::LoadOptions& options, const Output& out, const Output& err,
              const WatchStarter& start_watches) {
  auto loaded = agent::load_config(options);
  if (!loaded) {
    err("==> " + loaded.error().message + "\n");
    return 1;
  }
  if (std::string why = refusal(loaded->config); !why.empty()) {
    err("==> " + why + ".\n");
    return 1;
  }
  bool json = loaded->config.logging.log_json;
  auto console = std::make_shared<ConsoleSink>(out, json);
  auto logging = agent::AgentLogging::start(loaded->config.logging, LogHub::process(), console);
  if (!logging) {
    err("==> " + logging.error().message + "\n");
    return 1;
  }
  auto telemetry = agent::Telemetry::start(loaded->config);
  if (!telemetry) {
    err("==> " + telemetry.error().message + "\n");
    return 1;
  }
  auto data_lock = settle_identity(loaded->config);
  if (!data_lock) {
    err("==> " + data_lock.error().message + "\n");
    return 1;
  }
  auto config = std::make_shared<const agent::RuntimeConfig>(std::move(loaded->config));
  const Logger logger("agent");
  const Logger auto_config("agent.auto_config");

  if (!json) out("==> Starting Consul agent...\n");
  // Consul says them for the agent and for the part of it that loads.
  for (const Logger& log : {logger, auto_config})
    for (const std::string& warning : loaded->warnings) log.warn(warning);
  for (const std::string& key : loaded->without_effect)
    logger.warn("configuration key has no effect in this version", {{"key", key}});
  Signals signals;
  CurrentWatches watches;
  Daemon::Options daemon_options;
  daemon_options.config = config;
  daemon_options.telemetry = std::move(*telemetry);
  daemon_options.signals = &signals;
  daemon_options.load = [&options, &auto_config]() -> Result<agent::RuntimeConfig> {
    TRY_ASSIGN(agent::LoadedConfig fresh, agent::load_config(options));
    for (const std::string& warning : fresh.warnings) auto_config.warn(warning);
    return std::move(fresh.config);
  };
  daemon_options.apply = [&](const agent::RuntimeConfig& next) -> Status {
    if (Status begun = watches.replace([&] { return start_watches(next); }); !begun)
      return fail("Failed reloading watches: " + begun.error().message);
    const std::string& name = next.logging.log_level;
    if (auto level = parse_log_level(name))
      (*logging)->set_level(*level);
    else
      logger.warn("Invalid log level in new configuration", {{"level", name}});
    return {};
  };
  if (!json) out(banner(*config) + "\n==> Log data will now stream in as it occurs:\n\n");
  console->open();
  auto daemon = Daemon::start(std::move(daemon_options));
  auto refuse = [&logger](const Error& why) {
    logger.error("Error starting agent", {{"error", why}});
    logger.info("Exit code", {{"code", 1}});
    return 1;
  };
  if (!daemon) return refuse(daemon.error());
  auto say = [&out, json](const std::string& line) {
    if (!json) out("==> " + line + "\n");
  };
  if (Status joined = (*daemon)->join(say); !joined) {
    logger.error(joined.error().message);
    daemon->reset();
    logger.info("Exit code", {{"code", 1}});
    return 1;
  }
  if (Status begun = watches.begin([&] { return start_watches(*config); }); !begun)
    return refuse(begun.error());
  if (!json) out("==> Consul agent running!\n");
  int code = (*daemon)->run();
  watches.end();
  daemon->reset();
  logger.info("Exit code", {{"code", code}});
  return code;
}

}  // namespace praetor::daemon
