// The node ID that belongs to a machine (`disable_host_node_id = false`): the same after its data directory
// is lost. Derived as Consul does, from the first of these that can be read: the product UUID of its firmware
// (/sys/class/dmi/id/product_uuid, root only), the 32 digits of /etc/machine-id, and the boot ID of the
// kernel, which is another after each boot. Their SHA-512's first half is the ID. Two agents on one machine
// get the same.
#pragma once

#include <string>

namespace praetor::agent {

// Where the files are; tests have folders of their own (and so do containers: HOST_SYS, HOST_ETC, HOST_PROC).
struct HostFolders {
  std::string sys = "/sys";
  std::string etc = "/etc";
  std::string proc = "/proc";
  static HostFolders from_environment();
};

// Lower-case UUID; empty when nothing can be read.
std::string host_node_id(const HostFolders& folders);

}  // namespace praetor::agent
