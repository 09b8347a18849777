#include "http/prometheus_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace praetor::http {
namespace {

TEST(PrometheusTextTest, NumbersAreGos) {
  EXPECT_EQ(go_number(0), "0");
  EXPECT_EQ(go_number(3), "3");
  EXPECT_EQ(go_number(843892), "843892");
  EXPECT_EQ(go_number(1459248), "1.459248e+06");
  EXPECT_EQ(go_number(1e6), "1e+06");
  EXPECT_EQ(go_number(14826512), "1.4826512e+07");
  EXPECT_EQ(go_number(1.8446744073709552e19), "1.8446744073709552e+19");
  EXPECT_EQ(go_number(2.2050020694732666), "2.2050020694732666");
  EXPECT_EQ(go_number(0.0001), "0.0001");
  EXPECT_EQ(go_number(0.00001), "1e-05");
  EXPECT_EQ(go_number(-2.5), "-2.5");
  EXPECT_EQ(go_number(std::nan("")), "NaN");
  EXPECT_EQ(go_number(INFINITY), "+Inf");
}

TEST(PrometheusTextTest, FamiliesInOrder) {
  MetricTotal summary{MetricKind::kSample, "consul.fsm.kvs", {{"op", "set"}}, 2.5, 2, 1, 1.5, 1.5};
  MetricTotal silent{MetricKind::kSample, "consul.fsm.kvs", {{"op", "delete"}}, 1, 1, NAN, NAN, NAN};
  MetricTotal counter{MetricKind::kCounter, "consul.catalog.service.not-found", {{"service", "a\"b"}}, 3, 3};
  MetricTotal gauge{MetricKind::kGauge, "consul.vm.runtime.alloc_bytes", {}, 14826512, 1};
  EXPECT_EQ(prometheus_text({summary, gauge, silent, counter}, {{"process_open_fds", "Open.", 7}}),
            "# HELP consul_catalog_service_not_found consul_catalog_service_not_found\n"
            "# TYPE consul_catalog_service_not_found counter\n"
            "consul_catalog_service_not_found{service=\"a\\\"b\"} 3\n"
            "# HELP consul_fsm_kvs consul_fsm_kvs\n"
            "# TYPE consul_fsm_kvs summary\n"
            "consul_fsm_kvs{op=\"delete\",quantile=\"0.5\"} NaN\n"
            "consul_fsm_kvs{op=\"delete\",quantile=\"0.9\"} NaN\n"
            "consul_fsm_kvs{op=\"delete\",quantile=\"0.99\"} NaN\n"
            "consul_fsm_kvs_sum{op=\"delete\"} 1\n"
            "consul_fsm_kvs_count{op=\"delete\"} 1\n"
            "consul_fsm_kvs{op=\"set\",quantile=\"0.5\"} 1\n"
            "consul_fsm_kvs{op=\"set\",quantile=\"0.9\"} 1.5\n"
            "consul_fsm_kvs{op=\"set\",quantile=\"0.99\"} 1.5\n"
            "consul_fsm_kvs_sum{op=\"set\"} 2.5\n"
            "consul_fsm_kvs_count{op=\"set\"} 2\n"
            "# HELP consul_vm_runtime_alloc_bytes consul_vm_runtime_alloc_bytes\n"
            "# TYPE consul_vm_runtime_alloc_bytes gauge\n"
            "consul_vm_runtime_alloc_bytes 1.4826512e+07\n"
            "# HELP process_open_fds Open.\n"
            "# TYPE process_open_fds gauge\n"
            "process_open_fds 7\n");
}

TEST(PrometheusTextTest, ANameIsOfOneKind) {
  MetricTotal counter{MetricKind::kCounter, "consul.a-b", {}, 3, 3};
  MetricTotal gauge{MetricKind::kGauge, "consul.a.b", {}, 4, 4};
  EXPECT_EQ(prometheus_text({counter, gauge}, {}),
            "# HELP consul_a_b consul_a_b\n# TYPE consul_a_b counter\nconsul_a_b 3\n");
}

}  // namespace
}  // namespace praetor::http
