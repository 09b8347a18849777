#include "agent/host_info.h"

#include <dirent.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "base/clock.h"
#include "base/text.h"

namespace praetor::agent {

PRAETOR_DESCRIBE(
    HostMemory, "VirtualMemoryStat", field("total", &HostMemory::total),
    field("available", &HostMemory::available), field("used", &HostMemory::used),
    field("usedPercent", &HostMemory::used_percent), field("free", &HostMemory::free),
    field("active", &HostMemory::active), field("inactive", &HostMemory::inactive),
    field("wired", &HostMemory::wired), field("laundry", &HostMemory::laundry),
    field("buffers", &HostMemory::buffers), field("cached", &HostMemory::cached),
    field("writeback", &HostMemory::writeback), field("dirty", &HostMemory::dirty),
    field("writebacktmp", &HostMemory::writeback_tmp), field("shared", &HostMemory::shared),
    field("slab", &HostMemory::slab), field("sreclaimable", &HostMemory::slab_reclaimable),
    field("sunreclaim", &HostMemory::slab_unreclaimable), field("pagetables", &HostMemory::page_tables),
    field("swapcached", &HostMemory::swap_cached), field("commitlimit", &HostMemory::commit_limit),
    field("committedas", &HostMemory::committed), field("hightotal", &HostMemory::high_total),
    field("highfree", &HostMemory::high_free), field("lowtotal", &HostMemory::low_total),
    field("lowfree", &HostMemory::low_free), field("swaptotal", &HostMemory::swap_total),
    field("swapfree", &HostMemory::swap_free), field("mapped", &HostMemory::mapped),
    field("vmalloctotal", &HostMemory::vmalloc_total), field("vmallocused", &HostMemory::vmalloc_used),
    field("vmallocchunk", &HostMemory::vmalloc_chunk), field("hugepagestotal", &HostMemory::huge_pages_total),
    field("hugepagesfree", &HostMemory::huge_pages_free), field("hugepagesize", &HostMemory::huge_page_size))

PRAETOR_DESCRIBE(HostCpu, "InfoStat", field("cpu", &HostCpu::cpu), field("vendorId", &HostCpu::vendor_id),
                 field("family", &HostCpu::family), field("model", &HostCpu::model),
                 field("stepping", &HostCpu::stepping), field("physicalId", &HostCpu::physical_id),
                 field("coreId", &HostCpu::core_id), field("cores", &HostCpu::cores),
                 field("modelName", &HostCpu::model_name), field("mhz", &HostCpu::mhz),
                 field("cacheSize", &HostCpu::cache_size), field("flags", &HostCpu::flags),
                 field("microcode", &HostCpu::microcode))

PRAETOR_DESCRIBE(HostSystem, "InfoStat", field("hostname", &HostSystem::hostname),
                 field("uptime", &HostSystem::uptime), field("bootTime", &HostSystem::boot_time),
                 field("procs", &HostSystem::processes), field("os", &HostSystem::os),
                 field("platform", &HostSystem::platform),
                 field("platformFamily", &HostSystem::platform_family),
                 field("platformVersion", &HostSystem::platform_version),
                 field("kernelVersion", &HostSystem::kernel_version),
                 field("kernelArch", &HostSystem::kernel_arch),
                 field("virtualizationSystem", &HostSystem::virtualization_system),
                 field("virtualizationRole", &HostSystem::virtualization_role),
                 field("hostid", &HostSystem::host_id))

PRAETOR_DESCRIBE(HostDisk, "UsageStat", field("path", &HostDisk::path),
                 field("fstype", &HostDisk::file_system), field("total", &HostDisk::total),
                 field("free", &HostDisk::free), field("used", &HostDisk::used),
                 field("usedPercent", &HostDisk::used_percent), field("inodesTotal", &HostDisk::inodes_total),
                 field("inodesUsed", &HostDisk::inodes_used), field("inodesFree", &HostDisk::inodes_free),
                 field("inodesUsedPercent", &HostDisk::inodes_used_percent))

PRAETOR_DESCRIBE(HostInfo, "HostInfo", field("Memory", &HostInfo::memory), field("CPU", &HostInfo::cpus),
                 field("Host", &HostInfo::system), field("Disk", &HostInfo::disk),
                 field("CollectionTime", &HostInfo::collection_time), field("Errors", &HostInfo::errors))

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : std::string();
}

std::string first_line(const std::string& path) {
  std::string text = read_file(path);
  return std::string(trim(std::string_view(text).substr(0, text.find('\n'))));
}

uint64_t to_number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

using Table = std::map<std::string, std::string, std::less<>>;

// "name : value" lines.
Table table_of(std::string_view text, char separator) {
  Table table;
  for (std::string_view line : split(text, '\n')) {
    size_t at = line.find(separator);
    if (at != line.npos) table.emplace(trim(line.substr(0, at)), trim(line.substr(at + 1)));
  }
  return table;
}

std::string value_of(const Table& table, std::string_view name) {
  auto at = table.find(name);
  return at == table.end() ? std::string() : at->second;
}

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole) * 100.0;
}

HostMemory memory_info(const std::string& root) {
  Table table = table_of(read_file(root + "/proc/meminfo"), ':');
  auto bytes = [&](std::string_view name) { return to_number(value_of(table, name)) * 1024; };
  auto count = [&](std::string_view name) { return to_number(value_of(table, name)); };
  HostMemory out;
  out.total = bytes("MemTotal");
  out.available = bytes("MemAvailable");
  out.free = bytes("MemFree");
  out.active = bytes("Active");
  out.inactive = bytes("Inactive");
  out.buffers = bytes("Buffers");
  out.slab_reclaimable = bytes("SReclaimable");
  out.cached = bytes("Cached") + out.slab_reclaimable;
  out.writeback = bytes("Writeback");
  out.dirty = bytes("Dirty");
  out.writeback_tmp = bytes("WritebackTmp");
  out.shared = bytes("Shmem");
  out.slab = bytes("Slab");
  out.slab_unreclaimable = bytes("SUnreclaim");
  out.page_tables = bytes("PageTables");
  out.swap_cached = bytes("SwapCached");
  out.commit_limit = bytes("CommitLimit");
  out.committed = bytes("Committed_AS");
  out.high_total = bytes("HighTotal");
  out.high_free = bytes("HighFree");
  out.low_total = bytes("LowTotal");
  out.low_free = bytes("LowFree");
  out.swap_total = bytes("SwapTotal");
  out.swap_free = bytes("SwapFree");
  out.mapped = bytes("Mapped");
  out.vmalloc_total = bytes("VmallocTotal");
  out.vmalloc_used = bytes("VmallocUsed");
  out.vmalloc_chunk = bytes("VmallocChunk");
  out.huge_pages_total = count("HugePages_Total");
  out.huge_pages_free = count("HugePages_Free");
  out.huge_page_size = bytes("Hugepagesize");
  uint64_t idle = out.free + out.buffers + out.cached;
  out.used = out.total - std::min(out.total, idle);
  out.used_percent = percent(out.used, out.total);
  return out;
}

codec::List<HostCpu> cpu_info(const std::string& root) {
  codec::List<HostCpu> cpus;
  std::string text = read_file(root + "/proc/cpuinfo");
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find("\n\n", at), text.size());
    Table table = table_of(std::string_view(text).substr(at, end - at), ':');
    at = end + 2;
    if (!table.contains("processor")) continue;
    HostCpu cpu;
    std::string number = value_of(table, "processor");
    cpu.cpu = static_cast<int64_t>(to_number(number));
    cpu.vendor_id = value_of(table, "vendor_id");
    cpu.family = value_of(table, "cpu family");
    cpu.model = value_of(table, "model");
    cpu.stepping = static_cast<int64_t>(to_number(value_of(table, "stepping")));
    cpu.physical_id = value_of(table, "physical id");
    cpu.core_id = value_of(table, "core id");
    cpu.cores = 1;
    cpu.model_name = value_of(table, "model name");
    cpu.mhz = std::strtod(value_of(table, "cpu MHz").c_str(), nullptr);
    // The highest it can run at, where the kernel tells.
    std::string highest =
        first_line(root + "/sys/devices/system/cpu/cpu" + number + "/cpufreq/cpuinfo_max_freq");
    if (!highest.empty()) cpu.mhz = static_cast<double>(to_number(highest)) / 1000.0;
    cpu.cache_size = static_cast<int64_t>(to_number(value_of(table, "cache size")));
    std::string flags = value_of(table, "flags");
    cpu.flags.make_empty();
    for (std::string_view flag : split(flags, ' '))
      if (!flag.empty()) cpu.flags.emplace_back(flag);
    cpu.microcode = value_of(table, "microcode");
    cpus.push_back(std::move(cpu));
  }
  return cpus;
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

std::string family_of(std::string_view platform) {
  static const std::map<std::string_view, const char*> kFamilies = {
      {"debian", "debian"},       {"ubuntu", "debian"}, {"linuxmint", "debian"}, {"raspbian", "debian"},
      {"fedora", "fedora"},       {"redhat", "rhel"},   {"rhel", "rhel"},        {"centos", "rhel"},
      {"scientific", "rhel"},     {"oracle", "rhel"},   {"amazon", "rhel"},      {"xenserver", "rhel"},
      {"cloudlinux", "rhel"},     {"suse", "suse"},     {"opensuse", "suse"},    {"sles", "suse"},
      {"arch", "arch"},           {"manjaro", "arch"},  {"alpine", "alpine"},    {"gentoo", "gentoo"},
      {"slackware", "slackware"}, {"coreos", "coreos"}, {"solus", "solus"}};
  auto at = kFamilies.find(platform);
  return at == kFamilies.end() ? "" : at->second;
}

void platform_info(const std::string& root, HostSystem& out) {
  Table release = table_of(read_file(root + "/etc/os-release"), '=');
  out.platform = to_lower(unquoted(value_of(release, "ID")));
  out.platform_version = unquoted(value_of(release, "VERSION_ID"));
  std::string debian = first_line(root + "/etc/debian_version");
  if (out.platform == "debian" && !debian.empty()) out.platform_version = debian;
  out.platform_family = family_of(out.platform);
}

// As far as the files that a container or guest can read tell.
void virtualization_info(const std::string& root, HostSystem& out) {
  auto is = [&](const char* system, const char* role) {
    out.virtualization_system = system;
    out.virtualization_role = role;
  };
  std::string modules = read_file(root + "/proc/modules"), cpu = read_file(root + "/proc/cpuinfo");
  if (contains(modules, "kvm")) {
    is("kvm", "host");
  } else if (contains(modules, "vboxdrv")) {
    is("vbox", "host");
  } else if (contains(modules, "vboxguest")) {
    is("vbox", "guest");
  } else if (contains(modules, "vmware")) {
    is("vmware", "guest");
  }
  for (const char* name : {"QEMU Virtual CPU", "Common KVM processor", "Common 32-bit KVM processor"})
    if (contains(cpu, name)) is("kvm", "guest");
  if (contains(read_file(root + "/proc/bus/pci/devices"), "virtio-pci")) out.virtualization_role = "guest";
  std::string groups = read_file(root + "/proc/self/cgroup");
  if (contains(groups, "lxc")) {
    is("lxc", "guest");
  } else if (contains(groups, "docker")) {
    is("docker", "guest");
  } else if (contains(groups, "machine-rkt")) {
    is("rkt", "guest");
  }
}

std::string host_id(const std::string& root) {
  std::string id = to_lower(first_line(root + "/sys/class/dmi/id/product_uuid"));
  if (!id.empty()) return id;
  id = to_lower(first_line(root + "/etc/machine-id"));
  if (id.size() == 32)
    return id.substr(0, 8) + "-" + id.substr(8, 4) + "-" + id.substr(12, 4) + "-" + id.substr(16, 4) + "-" +
           id.substr(20);
  return to_lower(first_line(root + "/proc/sys/kernel/random/boot_id"));
}

HostSystem system_info(const std::string& root, Time now) {
  HostSystem out;
  utsname names{};
  if (::uname(&names) == 0) {
    out.hostname = names.nodename;
    out.kernel_version = names.release;
    out.kernel_arch = names.machine;
  }
  out.os = "linux";
  for (std::string_view line : split(read_file(root + "/proc/stat"), '\n'))
    if (line.starts_with("btime ")) out.boot_time = to_number(line.substr(6));
  if (out.boot_time != 0) out.uptime = static_cast<uint64_t>(now.seconds) - out.boot_time;
  if (DIR* directory = ::opendir((root + "/proc").c_str())) {
    while (const dirent* entry = ::readdir(directory))
      if (std::isdigit(static_cast<unsigned char>(entry->d_name[0]))) ++out.processes;
    ::closedir(directory);
  }
  platform_info(root, out);
  virtualization_info(root, out);
  out.host_id = host_id(root);
  return out;
}

HostDisk disk_info(const char* path) {
  HostDisk out;
  struct statfs disk{};
  out.path = path;
  if (::statfs(path, &disk) != 0) return out;
  auto block = static_cast<uint64_t>(disk.f_bsize);
  out.file_system = file_system_name(static_cast<uint64_t>(disk.f_type));
  out.total = disk.f_blocks * block;
  out.free = disk.f_bavail * block;
  out.used = (disk.f_blocks - disk.f_bfree) * block;
  out.used_percent = percent(out.used, out.used + out.free);
  out.inodes_total = disk.f_files;
  out.inodes_free = disk.f_ffree;
  out.inodes_used = disk.f_files - disk.f_ffree;
  out.inodes_used_percent = percent(out.inodes_used, out.inodes_total);
  return out;
}

}  // namespace

std::string file_system_name(uint64_t magic) {
  static const std::map<uint64_t, const char*> kNames = {
      {0xef53, "ext2/ext3"},     {0x9123683e, "btrfs"},    {0x58465342, "xfs"},      {0x01021994, "tmpfs"},
      {0x794c7630, "overlayfs"}, {0x2fc12fc1, "zfs"},      {0x6969, "nfs"},          {0xff534d42, "cifs"},
      {0x65735546, "fuseblk"},   {0x73717368, "squashfs"}, {0x858458f6, "ramfs"},    {0x61756673, "aufs"},
      {0x52654973, "reiserfs"},  {0x3153464a, "jfs"},      {0x4d44, "msdos"},        {0x2011bab0, "exfat"},
      {0x5346544e, "ntfs"},      {0x00c36400, "ceph"},     {0x01161970, "gfs/gfs2"}, {0xf2f52010, "f2fs"}};
  auto at = kNames.find(magic & 0xffffffff);
  return at == kNames.end() ? std::string() : at->second;
}

HostInfo collect_host_info(const std::string& root) {
  Time now = system_clock().wall();
  HostInfo info;
  info.memory = memory_info(root);
  info.cpus = cpu_info(root);
  info.system = system_info(root, now);
  info.disk = disk_info("/");
  info.collection_time = now.unix_nanoseconds();
  return info;
}

}  // namespace praetor::agent
