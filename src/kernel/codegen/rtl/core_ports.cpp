#include "kernel/codegen/rtl/core_ports.h"

namespace heddle::kernel::rtl {

std::vector<CorePort> core_ports(const Memory& memory) {
  std::vector<CorePort> ports;
  if (memory.is_read) {
    ports = {{"output", "read_valid", 1},  {"input", "read_ready", 1},
             {"output", "read_index", 64}, {"input", "data_valid", 1},
             {"output", "data_ready", 1},  {"input", "data", memory.word_bits()}};
  }
  if (memory.is_written) {
    ports.insert(ports.end(), {{"output", "write_valid", 1},
                               {"input", "write_ready", 1},
                               {"output", "write_index", 64},
                               {"output", "write_value", memory.word_bits()},
                               {"input", "written", 1}});
    if (memory.lanes > 1) ports.push_back({"output", "write_enable", memory.lanes});
  }
  return ports;
}

}  // namespace heddle::kernel::rtl
