// "/", /robots.txt and the pages below ui_content_path. The web UI itself is not there yet: its paths answer
// with one page that says so.
#include <ctime>

#include "agent/runtime_config.h"
#include "http/api.h"

namespace praetor::http {
namespace {

constexpr std::string_view kRobots = "# http://www.robotstxt.org\nUser-agent: *\nDisallow: *";
constexpr std::string_view kPage = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Praetor</title>
<style>
body { font: 16px/1.5 sans-serif; max-width: 40em; margin: 4em auto; padding: 0 1em; color: #222; background: #fff; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } a { color: #8ab4f8; } }
</style>
</head>
<body>
<h1>Praetor</h1>
<p>This agent answers. Its web interface is not built yet; until then, ask the HTTP API:</p>
<ul>
<li><a href="/v1/catalog/services?pretty">services</a></li>
<li><a href="/v1/catalog/nodes?pretty">nodes</a></li>
<li><a href="/v1/health/state/any?pretty">checks</a></li>
<li><a href="/v1/kv/?recurse&amp;pretty">keys and values</a></li>
<li><a href="/v1/agent/self?pretty">this agent</a></li>
</ul>
</body>
</html>
)";

struct File {
  std::string_view content;
  const char* type;
  std::time_t modified;
};

std::string http_time(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

bool unchanged(const Request& request, const File& file) {
  std::string since(request.header("If-Modified-Since"));
  std::tm parts{};
  if (since.empty() || !::strptime(since.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts)) return false;
  return file.modified <= ::timegm(&parts);
}

// As Go's http.ServeContent, without ranges (which a server may ignore).
void serve(const ExchangePtr& exchange, const File& file) {
  Response response;
  response.set("Last-Modified", http_time(file.modified));
  if (unchanged(exchange->request(), file)) {
    response.status = 304;
    return exchange->respond(std::move(response));
  }
  response.body = file.content;
  response.set("Accept-Ranges", "bytes");
  response.set("Content-Type", file.type);
  response.set("Content-Length", std::to_string(file.content.size()));
  response.plain = true;
  exchange->respond(std::move(response));
}

void redirect(const ExchangePtr& exchange, const std::string& to) {
  const Request& request = exchange->request();
  Response response{.status = 301};
  response.set("Location", to);
  if (request.method == Method::kGet || request.method == Method::kHead)
    response.set("Content-Type", "text/html; charset=utf-8");
  if (request.method == Method::kGet) response.body = "<a href=\"" + to + "\">Moved Permanently</a>.\n\n";
  response.plain = true;
  exchange->respond(std::move(response));
}

}  // namespace

void add_ui_routes(Router& router, const ApiContext& api) {
  auto config = api.config();
  if (!config->enable_ui) {
    router.set_fallback([](const ExchangePtr& exchange) {
      if (exchange->request().path != "/") return exchange->respond(Response{.status = 404});
      respond_text(exchange, 200, "Consul Agent");
    });
    return;
  }
  std::time_t started = std::time(nullptr);
  File robots{kRobots, "text/plain; charset=utf-8", started},
      page{kPage, "text/html; charset=utf-8", started};
  router.set_fallback([home = config->ui_content_path](const ExchangePtr& exchange) {
    if (exchange->request().path != "/") return exchange->respond(Response{.status = 404});
    redirect(exchange, home);
  });
  router.add_page("/robots.txt", [robots](const ExchangePtr& exchange) { serve(exchange, robots); });
  router.add_page(config->ui_content_path, [robots, page](const ExchangePtr& exchange) {
    serve(exchange, exchange->request().argument == "robots.txt" ? robots : page);
  });
}

}  // namespace praetor::http
