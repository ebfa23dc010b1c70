#include "kernel/schedule/schedule.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/calls.h"
#include "kernel/schedule/primitive.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

std::string text(std::int64_t number) {
  return std::to_string(number);
}

/// The loops that one kernel has and another has not, in the order of the text.
std::vector<std::string> new_loops(const Kernel& before, const Kernel& after) {
  const std::set<std::string> old = names_in(before);
  std::vector<std::string> names;
  for_each(after.body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop != nullptr && !old.contains(loop->name)) names.push_back(loop->name);
  });
  return names;
}

std::string new_array(const Kernel& before, const Kernel& after) {
  const std::set<std::string> old = names_in(before);
  std::string name;
  for_each(after.body, [&](const Stmt& stmt) {
    const auto* array = as<DeclareArray>(stmt);
    if (array != nullptr && name.empty() && !old.contains(array->array.name)) {
      name = array->array.name;
    }
  });
  ensure(!name.empty(), "a step made no array");
  return name;
}

}  // namespace

Schedule::Schedule(KernelPtr kernel) : original_(std::move(kernel)), kernel_(original_) {
  ensure(original_ != nullptr, "a schedule of no kernel");
  verify(*original_);
}

void Schedule::apply(Step step) {
  Kernel changed = apply_step({*kernel_, step, instructions_});
  adopt(std::move(changed), std::move(step));
}

void Schedule::adopt(Kernel changed, Step step) {
  verify(changed);
  kernel_ = std::make_shared<const Kernel>(std::move(changed));
  steps_.push_back(std::move(step));
}

std::pair<std::string, std::string> Schedule::split(const std::string& loop, std::int64_t factor) {
  const KernelPtr before = kernel_;
  apply({"split", {loop, text(factor)}, {}});
  const std::vector<std::string> loops = new_loops(*before, *kernel_);
  return {loops.at(0), loops.at(1)};
}

void Schedule::peel(const std::string& loop, std::int64_t factor) {
  apply({"peel", {loop, text(factor)}, {}});
}

void Schedule::tile(const std::string& outer, const std::string& inner, std::int64_t outer_factor,
                    std::int64_t inner_factor) {
  apply({"tile", {outer, inner, text(outer_factor), text(inner_factor)}, {}});
}

void Schedule::reorder(const std::vector<std::string>& loops) {
  apply({"reorder", loops, {}});
}

std::string Schedule::fuse(const std::string& outer, const std::string& inner) {
  const KernelPtr before = kernel_;
  apply({"fuse", {outer, inner}, {}});
  return new_loops(*before, *kernel_).at(0);
}

std::string Schedule::fission(const std::string& loop, const std::string& at) {
  const KernelPtr before = kernel_;
  apply({"fission", {loop, at}, {}});
  return new_loops(*before, *kernel_).at(0);
}

void Schedule::unroll(const std::string& loop, std::int64_t factor) {
  Step step{"unroll", {loop}, {}};
  if (factor != 0) step.arguments.push_back(text(factor));
  apply(std::move(step));
}

void Schedule::pipeline(const std::string& loop, int initiation_interval) {
  Step step{"pipeline", {loop}, {}};
  if (initiation_interval != 1) step.arguments.push_back(text(initiation_interval));
  apply(std::move(step));
}

void Schedule::parallel(const std::string& loop) {
  apply({"parallel", {loop}, {}});
}

void Schedule::compute_at(const std::string& producer, const std::string& consumer) {
  apply({"compute_at", {producer, consumer}, {}});
}

void Schedule::partition(const std::string& array, int dimension, Partition partition) {
  Step step{"partition", {array, text(dimension)}, {}};
  for (std::string& word : words_of(partition)) step.arguments.push_back(std::move(word));
  apply(std::move(step));
}

void Schedule::store_in(const std::string& array, Storage storage) {
  apply({"store_in", {array, word_of(storage)}, {}});
}

void Schedule::bank(const std::string& array, int bank) {
  apply({"bank", {array, text(bank)}, {}});
}

void Schedule::reshape(const std::string& array, const std::vector<std::int64_t>& shape) {
  Step step{"reshape", {array}, {}};
  for (const std::int64_t extent : shape) step.arguments.push_back(text(extent));
  apply(std::move(step));
}

void Schedule::transpose(const std::string& array, const std::vector<int>& order) {
  Step step{"transpose", {array}, {}};
  for (const int dimension : order) step.arguments.push_back(text(dimension));
  apply(std::move(step));
}

void Schedule::pack(const std::string& array, std::int64_t lanes) {
  apply({"pack", {array, text(lanes)}, {}});
}

std::string Schedule::stage(const std::string& array, const std::string& loop, Storage storage) {
  const KernelPtr before = kernel_;
  Step step{"stage", {array, loop}, {}};
  if (storage != Storage::kBram) step.arguments.push_back(word_of(storage));
  apply(std::move(step));
  return new_array(*before, *kernel_);
}

std::string Schedule::reuse_at(const std::string& array, const std::string& loop) {
  const KernelPtr before = kernel_;
  apply({"reuse_at", {array, loop}, {}});
  return new_array(*before, *kernel_);
}

void Schedule::stream(const std::string& array, std::int64_t depth) {
  Step step{"stream", {array}, {}};
  if (depth != 2) step.arguments.push_back(text(depth));
  apply(std::move(step));
}

void Schedule::dataflow(const std::string& loop) {
  Step step{"dataflow", {}, {}};
  if (!loop.empty()) step.arguments.push_back(loop);
  apply(std::move(step));
}

void Schedule::systolic(const std::string& rows, const std::string& columns,
                        const std::string& time) {
  apply({"systolic", {rows, columns, time}, {}});
}

void Schedule::replace(const std::string& loop, const KernelPtr& instruction) {
  ensure(instruction != nullptr, "replace() was given no instruction");
  add_instructions({instruction});
  apply({"replace", {loop, instruction->name}, {}});
}

void Schedule::inline_call(const std::string& callee) {
  apply({"inline", {callee}, {}});
}

void Schedule::compose(const Schedule& callee) {
  if (!equal(*find_callee(*kernel_, callee.original()->name), *callee.original())) {
    throw UserError(fmt::format("{} calls another {} than the schedule to compose starts from",
                                kernel_->name, callee.original()->name),
                    "start that schedule from find_callee()");
  }
  add_instructions(callee.instructions_);
  // The callee's steps have been taken already: its kernel is what they make.
  adopt(exchange_callee(*kernel_, callee.original(), callee.kernel()),
        {"compose", {callee.original()->name}, callee.steps()});
}

void Schedule::add_instructions(const std::vector<KernelPtr>& instructions) {
  for (const KernelPtr& instruction : instructions) {
    const auto same_name = [&](const KernelPtr& known) { return known->name == instruction->name; };
    const auto known = std::find_if(instructions_.begin(), instructions_.end(), same_name);
    if (known == instructions_.end()) {
      instructions_.push_back(instruction);
    } else if (!equal(**known, *instruction)) {
      throw UserError(fmt::format("two different instructions are called {}", instruction->name),
                      "give each instruction of a schedule a name of its own");
    }
  }
}

void Schedule::undo() {
  if (steps_.empty()) {
    throw UserError(fmt::format("the schedule of {} has no step to undo", original_->name),
                    "undo as often as there are steps");
  }
  Schedule again(original_);
  again.add_instructions(instructions_);
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) again.apply(steps_[i]);
  *this = std::move(again);
}

}  // namespace heddle::kernel
