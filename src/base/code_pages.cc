#include "base/code_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace praetor {

size_t release_code_pages() {
  size_t released = 0;
  // Segments that may be written are left alone: their pages are the process's own, and would be lost.
  auto release = [](dl_phdr_info* object, size_t, void* sum) {
    const uintptr_t page = static_cast<uintptr_t>(::getpagesize());
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const ElfW(Phdr)& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
      uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
      size_t bytes = object->dlpi_addr + segment.p_vaddr + segment.p_memsz - begin;
      // Refused (a locked page, the kernel's vdso): they stay.
      if (::madvise(reinterpret_cast<void*>(begin), bytes, MADV_DONTNEED) ==
          0)  // NOLINT(performance-no-int-to-ptr)
        *static_cast<size_t*>(sum) += bytes;
    }
    return 0;
  };
  ::dl_iterate_phdr(release, &released);
  return released;
}

}  // namespace praetor
