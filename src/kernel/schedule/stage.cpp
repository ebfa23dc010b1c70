// stage: the part of an array that an iteration touches, copied into a local array.
#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/coverage.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/nest.h"
#include "kernel/schedule/primitive.h"
#include "kernel/schedule/tile.h"

namespace heddle::kernel {
namespace {

class Staging {
 public:
  Staging(const Kernel& kernel, const std::string& array, const std::string& loop, Storage storage)
      : kernel_(kernel),
        step_(step_text(array, loop, storage)),
        array_(require_array(kernel, array)),
        place_(find_loop(kernel, loop)),
        loop_(*as<For>(place_.statement)),
        storage_(storage),
        touches_(accesses_of(kernel, array, loop_.body)) {}

  Kernel run() {
    check_loop();
    check_touched();
    const Box box = find_box(kernel_, step_, array_, place_, touches_);
    const Region region = region_of(box, array_, surroundings_inside(place_));
    const bool is_written = std::any_of(touches_.begin(), touches_.end(),
                                        [](const Access& touch) { return touch.write; });
    const bool is_filled = needs_filling(region);
    if (is_filled) check_values(region);

    std::set<std::string> taken = names_in(kernel_);
    Tile tile(array_, box, fresh_name(array_.name + "_tile", taken), touches_);
    check_local_storage(kernel_, step_, Array(tile.local()), storage_);
    // One element is a register whatever it is called.
    if (!tile.local().shape.empty()) tile.local().storage = storage_;
    const std::vector<Tile::Crossing> crossings = tile.crossings(region.around, tile.all());
    const auto inside = [&](std::size_t d, const Expr& index) {
      return tile.condition(crossings[d], d, index);
    };
    std::vector<Stmt> body = {make_stmt(DeclareArray{tile.local()})};
    if (is_filled) {
      body.push_back(tile.nest(
          array_.name + "_load", tile.all(), taken,
          [&](const Tile::Element& element) { return tile.read(element); }, inside));
    }
    body.push_back(tile.redirected(loop_.body, counter_ranges(kernel_)));
    if (is_written) {
      body.push_back(tile.nest(
          array_.name + "_store", tile.all(), taken,
          [&](const Tile::Element& element) { return tile.write(element); }, inside));
    }
    For changed = loop_;
    changed.body = block(std::move(body));
    const Kernel result = exchange(kernel_, place_.statement, {make_stmt(std::move(changed))});
    if (is_written) check_parallel(result);
    return result;
  }

 private:
  static std::string step_text(const std::string& array, const std::string& loop, Storage storage) {
    const std::string step = fmt::format("stage {} {}", array, loop);
    return storage == Storage::kBram ? step : step + " " + word_of(storage);
  }

  [[noreturn]] void refuse_loop(const std::string& reason, const std::string& remedy) const {
    refuse(kernel_, {step_, reason, {{place_.statement, "<-- here"}}, remedy});
  }

  void check_loop() const {
    if (loop_.marks.unroll) {
      refuse_loop(fmt::format("loop {} is unrolled: its iterations run side by side, and each "
                              "would copy a tile of its own",
                              loop_.name),
                  "stage before unrolling, or at the loop around it");
    }
    for (const For* around : surroundings_inside(place_).loops) {
      if (!around->marks.pipeline) continue;
      refuse_loop(
          fmt::format("loop {} is pipelined: the loops that copy would be unrolled in it",
                      around->name),
          fmt::format("stage at a loop outside of {}, or stage before pipelining", around->name));
    }
  }

  void check_touched() const {
    for_each(loop_.body, [&](const Stmt& stmt) {
      const auto* declaration = as<DeclareArray>(stmt);
      if (declaration == nullptr || declaration->array.name != array_.name) return;
      refuse(kernel_, {step_,
                       fmt::format("{} is declared in loop {} and local to it already", array_.name,
                                   loop_.name),
                       {{stmt, "<-- here"}},
                       "`store_in` chooses its memory"});
    });
    if (!touches_.empty()) return;
    refuse_loop(fmt::format("loop {} does not touch {}", loop_.name, array_.name),
                loops_that_touch(kernel_, array_.name));
  }

  /// The tile need not be filled if one statement writes all of it before anything reads it.
  bool needs_filling(const Region& region) const {
    for (const Access& write : touches_) {
      if (!write.write || !is_certain(write)) continue;
      const std::optional<Instance> instance = covering_instance(region, write);
      if (!instance) continue;
      const bool is_read_before =
          std::any_of(touches_.begin(), touches_.end(), [&](const Access& read) {
            return !read.write && may_come_before(region, read, write, *instance);
          });
      if (!is_read_before) return false;
    }
    return true;
  }

  /// Filling reads the whole box: each element must have a value then, which it has if the original
  /// reads them all before it writes them, or if all were written before.
  void check_values(const Region& region) const {
    if (surely_initialised(kernel_, array_, place_)) return;
    for (const Access& read : touches_) {
      if (read.write || !is_certain(read)) continue;
      const std::optional<Instance> instance = covering_instance(region, read);
      if (!instance) continue;
      const bool is_written_before =
          std::any_of(touches_.begin(), touches_.end(), [&](const Access& write) {
            return write.write && may_come_before(region, write, read, *instance);
          });
      if (!is_written_before) return;
    }
    const auto write = std::find_if(touches_.begin(), touches_.end(),
                                    [](const Access& touch) { return touch.write; });
    const Access& shown = write == touches_.end() ? touches_.front() : *write;
    refuse(kernel_,
           {step_,
            write == touches_.end()
                ? fmt::format("an iteration of {} may read a part of the box only, and the rest of "
                              "{} may have no value yet that could be copied",
                              loop_.name, array_.name)
                : fmt::format("an iteration of {} is not known to write the whole box before it "
                              "reads it, and what {} holds before may have no value yet that could "
                              "be kept",
                              loop_.name, array_.name),
            {{shown.statement, shown.write ? "<-- written here" : "<-- read here"}},
            fmt::format("write all of {} before loop {}, choose a loop whose iterations write "
                        "their whole part of it{}",
                        array_.name, loop_.name,
                        array_parameter(kernel_, array_.name) != nullptr
                            ? ", or make it an inout argument"
                            : "")});
  }

  /// Copying back elements that an iteration did not write must not meet another one that does.
  void check_parallel(const Kernel& result) const {
    std::vector<std::string> parallel;
    for (const For* around : surroundings_inside(place_).loops) {
      if (around->marks.parallel) parallel.push_back(around->name);
    }
    check_marks(kernel_, step_, place_.statement, result, parallel);
  }

  const Kernel& kernel_;
  std::string step_;
  const Array& array_;
  Place place_;
  const For& loop_;
  Storage storage_;
  std::vector<Access> touches_;
};

}  // namespace

Kernel stage(const Kernel& kernel, const std::string& array, const std::string& loop,
             Storage storage) {
  return Staging(kernel, array, loop, storage).run();
}

}  // namespace heddle::kernel
