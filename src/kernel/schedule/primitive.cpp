#include "kernel/schedule/primitive.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/calls.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/processes.h"

namespace heddle::kernel {
namespace {

struct StorageWord {
  std::string_view word;
  Storage storage;
};
constexpr StorageWord kStorageWords[] = {
    {"auto", Storage::kAuto}, {"global", Storage::kGlobal}, {"uram", Storage::kUram},
    {"bram", Storage::kBram}, {"lutram", Storage::kLutram}, {"register", Storage::kRegister}};

struct PartitionWord {
  std::string_view word;
  Partition::Kind kind;
  bool has_factor;
};
constexpr PartitionWord kPartitionWords[] = {{"none", Partition::Kind::kNone, false},
                                             {"complete", Partition::Kind::kComplete, false},
                                             {"cyclic", Partition::Kind::kCyclic, true},
                                             {"block", Partition::Kind::kBlock, true}};

std::optional<std::int64_t> read_integer(const std::string& word) {
  std::int64_t value = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// The words of one step by position.
class Words {
 public:
  explicit Words(const StepContext& context) : words_(context.step.arguments) {}

  [[nodiscard]] const std::string& name(std::size_t i) const { return words_.at(i); }
  [[nodiscard]] std::int64_t integer(std::size_t i) const { return integer_of(words_.at(i)); }
  [[nodiscard]] std::int64_t integer(std::size_t i, std::int64_t fallback) const {
    return i < words_.size() ? integer(i) : fallback;
  }
  /// For what the primitives take as int.
  [[nodiscard]] int small(std::size_t i, std::int64_t fallback = 0) const {
    const std::int64_t value = integer(i, fallback);
    if (value != static_cast<int>(value)) {
      throw UserError(fmt::format("{} is too large a number here", value),
                      "give a number below 2^31");
    }
    return static_cast<int>(value);
  }
  [[nodiscard]] std::vector<std::int64_t> integers(std::size_t from) const {
    std::vector<std::int64_t> list;
    for (std::size_t i = from; i < words_.size(); ++i) list.push_back(integer(i));
    return list;
  }
  [[nodiscard]] std::vector<int> small_integers(std::size_t from) const {
    std::vector<int> list;
    for (std::size_t i = from; i < words_.size(); ++i) list.push_back(small(i));
    return list;
  }
  [[nodiscard]] Storage storage(std::size_t i, Storage fallback) const {
    return i < words_.size() ? storage_of(words_[i]) : fallback;
  }
  [[nodiscard]] Partition partition(std::size_t from) const { return partition_of(words_, from); }
  [[nodiscard]] std::size_t size() const { return words_.size(); }

 private:
  const std::vector<std::string>& words_;
};

KernelPtr find_instruction(const StepContext& context, const std::string& name) {
  std::vector<std::string> known;
  for (const KernelPtr& instruction : context.instructions) {
    if (instruction->name == name) return instruction;
    known.push_back(instruction->name);
  }
  const std::vector<std::string> near = nearest(name, known);
  std::string remedy = known.empty() ? "no instructions were given"
                                     : fmt::format("known are {}", fmt::join(known, ", "));
  if (!near.empty()) remedy = fmt::format("did you mean {}? {}", near.front(), remedy);
  throw UserError(fmt::format("no instruction is called {}", quote(name)), remedy);
}

Kernel run_compose(const StepContext& context) {
  const KernelPtr callee = find_callee(context.kernel, Words(context).name(0));
  Kernel changed = *callee;
  for (const Step& step : context.step.inner) {
    changed = apply_step({changed, step, context.instructions});
  }
  return exchange_callee(context.kernel, callee,
                         std::make_shared<const Kernel>(std::move(changed)));
}

const Slot kLoop{"LOOP", SlotKind::kName};
const Slot kArray{"ARRAY", SlotKind::kName};

std::vector<Primitive> make_table() {
  using C = const StepContext&;
  const auto name = [](const char* label) { return Slot{label, SlotKind::kName}; };
  const auto number = [](const char* label) { return Slot{label, SlotKind::kInteger}; };
  const auto optional = [](Slot slot) {
    slot.optional = true;
    return slot;
  };
  return {
      {"split",
       "split",
       {kLoop, number("FACTOR")},
       "one loop becomes LOOP_o around LOOP_i, which has FACTOR iterations",
       [](C c) { return split(c.kernel, Words(c).name(0), Words(c).integer(1)); }},
      {"peel",
       "peel",
       {kLoop, number("FACTOR")},
       "the iterations that do not fill FACTOR become LOOP_rest behind the loop",
       [](C c) { return peel(c.kernel, Words(c).name(0), Words(c).integer(1)); }},
      {"tile",
       "tile",
       {name("OUTER"), name("INNER"), number("OUTER_FACTOR"), number("INNER_FACTOR")},
       "splits two nested loops and brings both outer halves outward",
       [](C c) {
         const Words w(c);
         return tile(c.kernel, w.name(0), w.name(1), w.integer(2), w.integer(3));
       }},
      {"reorder",
       "reorder",
       {{"LOOPS", SlotKind::kNames}},
       "loops of one perfect nest in the order given",
       [](C c) { return reorder(c.kernel, c.step.arguments); }},
      {"fuse",
       "fuse",
       {name("OUTER"), name("INNER")},
       "two nested loops become OUTER_INNER",
       [](C c) { return fuse(c.kernel, Words(c).name(0), Words(c).name(1)); }},
      {"fission",
       "fission",
       {kLoop, name("AT")},
       "the loop's body from the loop AT, or the store to the array AT, becomes a loop of its own",
       [](C c) { return fission(c.kernel, Words(c).name(0), Words(c).name(1)); }},
      {"unroll",
       "unroll",
       {kLoop, optional(number("FACTOR"))},
       "all iterations, or FACTOR at a time, side by side",
       [](C c) { return unroll(c.kernel, Words(c).name(0), Words(c).integer(1, 0)); }},
      {"pipeline",
       "pipeline",
       {kLoop, optional(number("INTERVAL"))},
       "an iteration starts every INTERVAL cycles (1)",
       [](C c) { return pipeline(c.kernel, Words(c).name(0), Words(c).small(1, 1)); }},
      {"parallel",
       "parallel",
       {kLoop},
       "iterations may run at the same time",
       [](C c) { return parallel(c.kernel, Words(c).name(0)); }},
      {"compute_at",
       "compute_at",
       {name("PRODUCER"), name("CONSUMER")},
       "the nest PRODUCER moves into the loop CONSUMER and runs in step with it",
       [](C c) { return compute_at(c.kernel, Words(c).name(0), Words(c).name(1)); }},
      {"partition",
       "partition",
       {kArray, number("DIMENSION"), {"KIND", SlotKind::kPartition}},
       "spreads a dimension over memories: complete, cyclic FACTOR, block FACTOR or none",
       [](C c) {
         const Words w(c);
         return partition(c.kernel, w.name(0), w.small(1), w.partition(2));
       }},
      {"store_in",
       "store_in",
       {kArray, {"STORAGE", SlotKind::kStorage}},
       "where the array lives: global, uram, bram, lutram, register or auto",
       [](C c) {
         return store_in(c.kernel, Words(c).name(0), Words(c).storage(1, Storage::kAuto));
       }},
      {"bank",
       "bank",
       {kArray, number("BANK")},
       "in that bank of global memory",
       [](C c) { return bank(c.kernel, Words(c).name(0), Words(c).small(1)); }},
      {"reshape",
       "reshape",
       {kArray, {"EXTENTS", SlotKind::kIntegers}},
       "the same elements in row-major order under other extents",
       [](C c) { return reshape(c.kernel, Words(c).name(0), Words(c).integers(1)); }},
      {"transpose",
       "transpose",
       {kArray, {"ORDER", SlotKind::kIntegers}},
       "a local array with its dimensions in another order",
       [](C c) { return transpose(c.kernel, Words(c).name(0), Words(c).small_integers(1)); }},
      {"pack",
       "pack",
       {kArray, number("LANES")},
       "memory words of LANES consecutive elements of the last dimension",
       [](C c) { return pack(c.kernel, Words(c).name(0), Words(c).integer(1)); }},
      {"stage",
       "stage",
       {kArray, kLoop, optional({"STORAGE", SlotKind::kStorage})},
       "what one iteration of LOOP touches is copied into a local ARRAY_tile (in bram)",
       [](C c) {
         const Words w(c);
         return stage(c.kernel, w.name(0), w.name(1), w.storage(2, Storage::kBram));
       }},
      {"reuse_at",
       "reuse_at",
       {kArray, kLoop},
       "what iterations of LOOP share is kept in a window ARRAY_window that shifts",
       [](C c) { return reuse_at(c.kernel, Words(c).name(0), Words(c).name(1)); }},
      {"stream",
       "stream",
       {kArray, optional(number("DEPTH"))},
       "a local array between two nests becomes a stream (of depth 2)",
       [](C c) { return stream(c.kernel, Words(c).name(0), Words(c).integer(1, 2)); }},
      {"dataflow",
       "dataflow",
       {optional(kLoop)},
       "the statements of the loop's body, or of the kernel, become processes",
       [](C c) { return dataflow(c.kernel, Words(c).size() > 0 ? Words(c).name(0) : ""); }},
      {"systolic",
       "systolic",
       {name("ROWS"), name("COLUMNS"), name("TIME")},
       "a nest becomes a grid of processing elements that hand operands on",
       [](C c) {
         return systolic(c.kernel, Words(c).name(0), Words(c).name(1), Words(c).name(2));
       }},
      {"replace",
       "replace",
       {kLoop, {"INSTRUCTION", SlotKind::kInstruction}},
       "the nest at LOOP becomes a call of the instruction that does the same",
       [](C c) {
         return replace(c.kernel, Words(c).name(0), find_instruction(c, Words(c).name(1)));
       }},
      {"inline",
       "inline_call",
       {name("CALLEE")},
       "the callee's body in place of its calls",
       [](C c) { return inline_call(c.kernel, Words(c).name(0)); }},
      {"compose",
       "compose",
       {name("CALLEE")},
       "the steps between { and } are taken on the called kernel",
       run_compose},
  };
}

std::string missing_or_extra(const Primitive& primitive, std::size_t words) {
  return words < primitive.slots.size() && !primitive.slots[words].optional
             ? fmt::format("{}: {} is missing", primitive.name, primitive.slots[words].label)
             : fmt::format("{}: too many words", primitive.name);
}

[[noreturn]] void reject(const Primitive& primitive, const std::string& problem) {
  throw UserError(problem, fmt::format("write: {}  ({})", primitive.form(), primitive.summary));
}

void check_integer(const Primitive& primitive, const Slot& slot, const std::string& word) {
  if (read_integer(word)) return;
  reject(primitive, fmt::format("{}: {} is no number, as {} must be", primitive.name, quote(word),
                                slot.label));
}

void check_storage(const Primitive& primitive, const std::string& word) {
  for (const StorageWord& known : kStorageWords) {
    if (known.word == word) return;
  }
  reject(primitive, fmt::format("{}: {} is no storage (global, uram, bram, lutram, register, auto)",
                                primitive.name, quote(word)));
}

/// The number of words that a partition takes.
std::size_t check_partition(const Primitive& primitive, const Slot& slot,
                            const std::vector<std::string>& words, std::size_t from) {
  for (const PartitionWord& known : kPartitionWords) {
    if (known.word != words[from]) continue;
    if (!known.has_factor) return 1;
    if (from + 1 == words.size()) {
      reject(primitive, fmt::format("{}: {} needs a FACTOR", primitive.name, words[from]));
    }
    check_integer(primitive, slot, words[from + 1]);
    return 2;
  }
  reject(primitive, fmt::format("{}: {} is no kind of partition (complete, cyclic, block, none)",
                                primitive.name, quote(words[from])));
}

}  // namespace

std::string Primitive::form() const {
  std::string text = name;
  for (const Slot& slot : slots) {
    const bool is_list = slot.kind == SlotKind::kNames || slot.kind == SlotKind::kIntegers;
    const std::string label = slot.label + (is_list ? "..." : "");
    text += slot.optional ? fmt::format(" [{}]", label) : " " + label;
  }
  return name == "compose" ? text + " { STEPS }" : text;
}

const std::vector<Primitive>& primitive_table() {
  static const std::vector<Primitive> table = make_table();
  return table;
}

const std::vector<PrimitiveHelp>& primitives() {
  static const std::vector<PrimitiveHelp> help = [] {
    std::vector<PrimitiveHelp> list;
    for (const Primitive& primitive : primitive_table()) {
      list.push_back({primitive.name, primitive.form(), primitive.summary});
    }
    return list;
  }();
  return help;
}

const Primitive& find_primitive(const std::string& name) {
  std::vector<std::string> names;
  for (const Primitive& primitive : primitive_table()) {
    if (primitive.name == name) return primitive;
    names.push_back(primitive.name);
  }
  const std::vector<std::string> near = nearest(name, names);
  throw UserError(fmt::format("there is no primitive {}", quote(name)),
                  near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                               : fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

void check_words(const Primitive& primitive, const std::vector<std::string>& words) {
  std::size_t at = 0;
  for (const Slot& slot : primitive.slots) {
    if (at == words.size()) {
      if (slot.optional) return;
      reject(primitive, missing_or_extra(primitive, at));
    }
    switch (slot.kind) {
      case SlotKind::kName:
      case SlotKind::kInstruction:
        ++at;
        break;
      case SlotKind::kInteger:
        check_integer(primitive, slot, words[at++]);
        break;
      case SlotKind::kStorage:
        check_storage(primitive, words[at++]);
        break;
      case SlotKind::kPartition:
        at += check_partition(primitive, slot, words, at);
        break;
      case SlotKind::kNames:
        at = words.size();
        break;
      case SlotKind::kIntegers:
        for (; at < words.size(); ++at) check_integer(primitive, slot, words[at]);
        break;
    }
  }
  if (at < words.size()) reject(primitive, fmt::format("{}: too many words", primitive.name));
}

Kernel apply_step(const StepContext& context) {
  const Primitive& primitive = find_primitive(context.step.primitive);
  check_words(primitive, context.step.arguments);
  return primitive.run(context);
}

KernelPtr find_callee(const Kernel& kernel, const std::string& name) {
  KernelPtr found;
  std::vector<std::string> names;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr) return;
    if (call->callee->name == name && !found) found = call->callee;
    if (std::find(names.begin(), names.end(), call->callee->name) == names.end()) {
      names.push_back(call->callee->name);
    }
  });
  if (found) return found;
  throw UserError(fmt::format("{} calls no kernel {}", kernel.name, quote(name)),
                  names.empty() ? "it calls no kernel at all"
                                : fmt::format("it calls {}", fmt::join(names, ", ")));
}

std::string word_of(Storage storage) {
  for (const StorageWord& known : kStorageWords) {
    if (known.storage == storage) return std::string(known.word);
  }
  throw InternalError("a storage without a name");
}

Storage storage_of(const std::string& word) {
  for (const StorageWord& known : kStorageWords) {
    if (known.word == word) return known.storage;
  }
  throw InternalError("an unchecked storage");
}

std::vector<std::string> words_of(Partition partition) {
  for (const PartitionWord& known : kPartitionWords) {
    if (known.kind != partition.kind) continue;
    std::vector<std::string> words = {std::string(known.word)};
    if (known.has_factor) words.push_back(std::to_string(partition.factor));
    return words;
  }
  throw InternalError("a partition without a name");
}

Partition partition_of(const std::vector<std::string>& words, std::size_t from) {
  for (const PartitionWord& known : kPartitionWords) {
    if (known.word == words.at(from)) {
      return {known.kind, known.has_factor ? integer_of(words.at(from + 1)) : 1};
    }
  }
  throw InternalError("an unchecked partition");
}

std::int64_t integer_of(const std::string& word) {
  const std::optional<std::int64_t> value = read_integer(word);
  if (!value) throw InternalError("an unchecked number");
  return *value;
}

}  // namespace heddle::kernel
