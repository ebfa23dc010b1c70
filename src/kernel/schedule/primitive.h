// The table of primitives: what replay, to_cpp and the command line's help are made of.
#pragma once

#include <string>
#include <vector>

#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// What one argument of a primitive is. The last three take all words that are left.
enum class SlotKind : std::uint8_t {
  kName,
  kInteger,
  kStorage,
  kInstruction,
  kPartition,
  kNames,
  kIntegers
};
struct Slot {
  std::string label;  ///< as it stands in the form: "FACTOR"
  SlotKind kind{};
  bool optional = false;
};

struct StepContext {
  const Kernel& kernel;
  const Step& step;
  const std::vector<KernelPtr>& instructions;
};

/// Everything there is to say of a primitive.
struct Primitive {
  std::string name;    ///< in schedule files
  std::string method;  ///< of Schedule
  std::vector<Slot> slots;
  std::string summary;
  /// The step carried out; its words fit the slots.
  Kernel (*run)(const StepContext&);

  [[nodiscard]] std::string form() const;
};

const std::vector<Primitive>& primitive_table();
/// The primitive of that name. Throws UserError with the nearest names.
const Primitive& find_primitive(const std::string& name);
/// Throws UserError, with the primitive's form, unless the words fit its slots.
void check_words(const Primitive& primitive, const std::vector<std::string>& words);

/// The kernel with one step carried out; not verified.
Kernel apply_step(const StepContext& context);

std::string word_of(Storage storage);
std::vector<std::string> words_of(Partition partition);
/// Those of words that check_words() has passed.
Storage storage_of(const std::string& word);
Partition partition_of(const std::vector<std::string>& words, std::size_t from);
std::int64_t integer_of(const std::string& word);

}  // namespace heddle::kernel
