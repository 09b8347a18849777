#include <gtest/gtest.h>

#include "agent/check_test_server.h"

namespace praetor::agent {
namespace {

std::string answer_json(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// A Docker daemon whose containers are named for what they do.
std::string docker(const std::string& path) {
  if (path == "/containers/missing/exec") return answer_json("404 Not Found", R"({"message":"no"})");
  if (path == "/containers/paused/exec") return answer_json("409 Conflict", R"({"message":"no"})");
  if (path == "/containers/broken/exec") return answer_json("500 Internal Server Error", "broken");
  if (path == "/exec/exec-startfail/start") return answer_json("500 Internal Server Error", "start failed");
  if (path == "/exec/exec-inspfail/json") return answer_json("500 Internal Server Error", "inspect failed");
  if (path == "/exec/exec-hang/start")
    return "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nsome<hang>";
  if (path.starts_with("/containers/")) {
    std::string id = path.substr(12, path.rfind('/') - 12);
    return answer_json("201 Created", R"({"Id":"exec-)" + id + R"("})");
  }
  if (path.ends_with("/start"))
    return "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nout\nerr\n";
  int code = contains(path, "warn") ? 1 : contains(path, "crit") ? 2 : 0;
  return answer_json("200 OK", R"({"Running":false,"ExitCode":)" + std::to_string(code) + "}");
}

struct DockerCheck : ProbeFixture {
  CheckResult check(const std::string& container, size_t limit = 4096) {
    env->docker_host = "tcp://" + server.address();
    CheckSpec spec;
    spec.docker_container_id = container;
    spec.args = {"check", "a b"};
    spec.output_max_size = limit;
    if (container == "hang") spec.timeout = std::chrono::milliseconds(200);
    return probe(make_docker_probe, spec);
  }
  TestHttpServer server{docker};
};

TEST_F(DockerCheck, ExitCodes) {
  EXPECT_EQ(check("ok"), (CheckResult{CheckStatus::kPassing, "out\nerr\n"}));
  EXPECT_EQ(check("warn"), (CheckResult{CheckStatus::kWarning, "out\nerr\n"}));
  EXPECT_EQ(check("crit"), (CheckResult{CheckStatus::kCritical, "out\nerr\n"}));
  EXPECT_EQ(check("ok", 4).output, "Captured 4 of 8 bytes\n...\nerr\n");
}

TEST_F(DockerCheck, Requests) {
  check("odd/id");
  ASSERT_EQ(server.requests().size(), 3u);
  EXPECT_TRUE(server.requests()[0].starts_with("POST /containers/odd%2Fid/exec HTTP/1.1\r\n"));
  EXPECT_TRUE(
      server.requests()[0].ends_with("{\"AttachStdin\":false,\"AttachStdout\":true,\"AttachStderr\":true,"
                                     "\"Tty\":false,\"Cmd\":[\"check\",\"a b\"]}"));
  EXPECT_TRUE(server.requests()[1].starts_with("POST /exec/exec-odd%2Fid/start HTTP/1.1\r\n"));
  EXPECT_TRUE(server.requests()[1].ends_with("{\"Detach\":false,\"Tty\":true}"));
  EXPECT_TRUE(server.requests()[2].starts_with("GET /exec/exec-odd%2Fid/json HTTP/1.1\r\n"));
}

TEST_F(DockerCheck, Failures) {
  EXPECT_EQ(check("missing").output, "create exec failed for unknown container missing");
  EXPECT_EQ(check("paused").output, "create exec failed since container paused is paused or stopped");
  EXPECT_EQ(check("broken").output, "create exec failed for container broken with status 500: broken");
  EXPECT_EQ(check("startfail").output,
            "start exec failed for container startfail with status 500: body: start failed err: <nil>");
  EXPECT_EQ(check("inspfail").output,
            "inspect exec failed for container inspfail with status 500: inspect failed");
  EXPECT_EQ(check("hang").output, "Timed out (200ms) running check\n\nsome");
}

TEST_F(DockerCheck, NoDaemon) {
  env->docker_host = "unix:///nonexistent/docker.sock";
  CheckSpec spec;
  spec.docker_container_id = "x";
  spec.args = {"check"};
  EXPECT_EQ(probe(make_docker_probe, spec).output,
            "create exec failed for container x: Post "
            "\"http://%2Fnonexistent%2Fdocker.sock/containers/x/exec\": dial "
            "unix /nonexistent/docker.sock: connect: no such file or directory");
}

}  // namespace
}  // namespace praetor::agent
