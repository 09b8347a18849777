#include "http/router.h"

#include <gtest/gtest.h>

#include "base/metrics.h"

namespace praetor::http {
namespace {

class FakeExchange final : public Exchange {
 public:
  FakeExchange(Method method, std::string target, std::string ip = "127.0.0.1") {
    request_.method = method;
    request_.method_text = method_name(method);
    request_.target = std::move(target);
    request_.remote_ip = std::move(ip);
  }
  const Request& request() const override { return request_; }
  Request& request() override { return request_; }
  Reactor& reactor() override { std::abort(); }
  void respond(Response answer) override { response = std::move(answer); }
  std::shared_ptr<BodyStream> respond_stream(Response) override { return nullptr; }
  void on_cancel(std::function<void()>) override {}
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
  Response response;

 private:
  Request request_;
};

std::shared_ptr<FakeExchange> send(const Router& router, Method method, std::string target,
                                   std::string ip = "127.0.0.1") {
  auto exchange = std::make_shared<FakeExchange>(method, std::move(target), std::move(ip));
  router.handle(exchange);
  return exchange;
}

Router make_router(RouterOptions options = {}) {
  Router router(std::move(options));
  auto tell = [](const ExchangePtr& e) {
    e->respond(Response::text(200, "[" + e->request().argument + "]"));
  };
  router.add({"/v1/kv/", {Method::kGet, Method::kPut, Method::kDelete}, tell});
  router.add({"/v1/agent/self", {Method::kGet}, tell});
  router.add({"/v1/agent/health/service/id/", {Method::kGet}, tell, 7});
  return router;
}

TEST(Router, FindsExactPathsAndLongestPrefixes) {
  Router router = make_router();
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/a%2Fb/c?x")->response.body, "[a/b/c]");
  EXPECT_EQ(send(router, Method::kGet, "/v1/agent/self")->response.body, "[]");
  EXPECT_EQ(send(router, Method::kGet, "/v1/agent/health/service/id/web")->response.body, "[web]");
  EXPECT_EQ(send(router, Method::kGet, "/v1/nope")->response.status, 404);
  Request request;
  request.target = "/v1/agent/health/service/id/web";
  EXPECT_EQ(router.body_limit(request), 7u);
}

TEST(Router, LeavesMethodsToHandlersThatWantThem) {
  Router router({});
  Route route{"/v1/query/", {}, [](const ExchangePtr& e) { e->respond(Response::text(200, "mine")); }};
  route.own_methods = true;
  router.add(std::move(route));
  EXPECT_EQ(send(router, Method::kOptions, "/v1/query/x")->response.body, "mine");
  EXPECT_EQ(send(router, Method::kPost, "/v1/query/x")->response.body, "mine");
}

TEST(Router, TakesBadEscapesOfQueriesForItsOwnFault) {
  Router router = make_router();
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/a?%zz")->response.status, 500);
  EXPECT_EQ(send(router, Method::kGet, "/v1/nope?%zz")->response.status, 404);
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/a%C2%A0b")->response.status, 400);
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/a%FFb")->response.status, 200);
}

TEST(Router, AnswersOptionsAndWrongMethods) {
  Router router = make_router();
  auto options = send(router, Method::kOptions, "/v1/kv/a");
  EXPECT_EQ(options->response.status, 200);
  EXPECT_EQ(options->header("Allow"), "OPTIONS,GET,PUT,DELETE");
  auto wrong = send(router, Method::kPost, "/v1/agent/self");
  EXPECT_EQ(wrong->response.status, 405);
  EXPECT_EQ(wrong->response.body, "method POST not allowed");
  EXPECT_EQ(wrong->header("Allow"), "OPTIONS,GET");
}

TEST(Router, MeasuresRequestsByMethodAndPattern) {
  Router router = make_router();
  auto count = [](std::string_view name) -> uint64_t {
    auto views = MetricRegistry::process().intervals(system_clock().wall());
    for (const MetricAggregate& one : views.back().samples)
      if (one.name == name) return one.count;
    return 0;
  };
  for (Method method : {Method::kGet, Method::kGet, Method::kPost}) {
    auto exchange = send(router, method, "/v1/kv/a/b");
    ASSERT_TRUE(exchange->request().timer);
    exchange->request().timer->observe(1);
  }
  send(router, Method::kOther, "/v1/agent/self")->request().timer->observe(1);
  EXPECT_EQ(send(router, Method::kGet, "/v1/nope")->request().timer, nullptr);
  EXPECT_EQ(count("consul.http.GET.v1.kv._"), 2u);
  EXPECT_EQ(count("consul.http.POST.v1.kv._"), 1u);
  EXPECT_EQ(count("consul.http.OTHER.v1.agent.self"), 1u);
}

TEST(Router, KeepsTheConfiguredRestrictions) {
  RouterOptions options;
  options.block_endpoints = {"/v1/agent"};
  options.allow_write_from = {"10.0.0.0/8", "::1/128"};
  Router router = make_router(std::move(options));
  EXPECT_EQ(send(router, Method::kGet, "/v1/agent/self")->response.body,
            "Endpoint is blocked by agent configuration");
  EXPECT_EQ(send(router, Method::kPut, "/v1/kv/a")->response.status, 403);
  EXPECT_EQ(send(router, Method::kPut, "/v1/kv/a", "10.1.2.3")->response.status, 200);
  EXPECT_EQ(send(router, Method::kPut, "/v1/kv/a", "::1")->response.status, 200);
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/a")->response.status, 200);
  EXPECT_EQ(send(router, Method::kGet, "/v1/kv/%01")->response.status, 400);
}

TEST(Router, MapsErrorsByTextAndKind) {
  EXPECT_EQ(error_response({"rpc error making call: Permission denied"}).status, 403);
  EXPECT_EQ(error_response({"Missing name", ErrorKind::kBadRequest}).status, 400);
  EXPECT_EQ(error_response({"No cluster leader", ErrorKind::kNoLeader}).status, 500);
}

}  // namespace
}  // namespace praetor::http
