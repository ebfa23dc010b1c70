#include "kernel/codegen/rtl/rings.h"

#include <map>

namespace heddle::kernel::rtl {
namespace {

/// Groups of connected processes, each named by one of them.
class Groups {
 public:
  const std::string& of(const std::string& process) {
    std::string& above = above_.emplace(process, process).first->second;
    if (above != process) above = of(above);
    return above;
  }
  /// Whether they were connected already.
  bool join(const std::string& a, const std::string& b) {
    const std::string group = of(a);
    const std::string other = of(b);
    above_[other] = group;
    return group == other;
  }

 private:
  std::map<std::string, std::string> above_;
};

}  // namespace

std::set<std::string> processes_in_rings(const Design& design) {
  Groups groups;
  std::set<std::string> closed;
  for (const Memory& memory : design.memories) {
    if (memory.kind != Memory::Kind::kStream || memory.users.size() < 2) continue;
    const std::string& first = *memory.users.begin();
    for (const std::string& other : memory.users) {
      if (other == first) continue;
      if (groups.join(first, other) || memory.units() > 1) closed.insert(first);
    }
  }
  std::set<std::string> rings;
  for (const std::string& process : closed) rings.insert(groups.of(process));
  std::set<std::string> result;
  for (const Memory& memory : design.memories) {
    if (memory.kind != Memory::Kind::kStream) continue;
    for (const std::string& user : memory.users) {
      if (rings.contains(groups.of(user))) result.insert(user);
    }
  }
  return result;
}

}  // namespace heddle::kernel::rtl
