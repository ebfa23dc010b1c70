// reuse_at: what consecutive iterations share of an array, kept in a window that shifts.
#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/coverage.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/tile.h"

namespace heddle::kernel {
namespace {

/// Windows of at most so many elements are registers; others a memory per shifted slice.
constexpr std::int64_t kMostWindowRegisters = 64;

class Reuse {
 public:
  Reuse(const Kernel& kernel, const std::string& array, const std::string& loop)
      : kernel_(kernel),
        step_(fmt::format("reuse_at {} {}", array, loop)),
        array_(require_array(kernel, array)),
        place_(find_loop(kernel, loop)),
        loop_(*as<For>(place_.statement)),
        touches_(accesses_of(kernel, array, loop_.body)) {}

  Kernel run() {
    check_loop();
    check_touches();
    const Box box = find_box(kernel_, step_, array_, place_, touches_);
    find_shift(box);
    const Access inside = surroundings_inside(place_);
    check_values(region_of(box, array_, inside));

    std::set<std::string> taken = names_in(kernel_);
    Tile tile(array_, box, fresh_name(array_.name + "_window", taken), touches_);
    lay_out(tile);
    const std::int64_t kept = box.dimensions[dimension_].extent - shift_;
    std::vector<Tile::Span> spans = tile.all();
    const auto reader = [&](std::int64_t first, std::int64_t count) {
      std::vector<Tile::Span> visited = tile.all();
      visited[dimension_] = {first, count};
      return [&tile, this, crossings = tile.crossings(inside, visited)](const auto& element) {
        return read_or_zero(tile, crossings, element);
      };
    };
    // Before the first iteration the window lies one shift behind it.
    spans[dimension_] = {shift_, kept};
    const auto read_behind = [&, read = reader(0, kept)](Tile::Element element) {
      element.source[dimension_] = simplify(element.source[dimension_] - shift_);
      return read(element);
    };
    Stmt fill = tile.nest(array_.name + "_fill", spans, taken, read_behind);
    fill = substitute(fill, {{loop_.name, loop_.lower}});
    if (may_be_empty()) fill = make_stmt(If{loop_.lower < loop_.upper, fill, nullptr});

    spans[dimension_] = {0, kept};
    const auto move = [&](const Tile::Element& element) { return moved(tile, element); };
    const Stmt shifted = tile.nest(array_.name + "_shift", spans, taken, move);
    spans[dimension_] = {kept, shift_};
    const Stmt loaded = tile.nest(array_.name + "_load", spans, taken, reader(kept, shift_));

    For changed = loop_;
    changed.body = block({shifted, loaded, tile.redirected(loop_.body, counter_ranges(kernel_))});
    return exchange(kernel_, place_.statement,
                    {make_stmt(DeclareArray{tile.local()}), fill, make_stmt(std::move(changed))});
  }

 private:
  [[noreturn]] void refuse_loop(const std::string& reason, const std::string& remedy) const {
    refuse(kernel_, {step_, reason, {{place_.statement, "<-- here"}}, remedy});
  }

  void check_loop() const {
    if (!loop_.marks.unroll && !loop_.marks.parallel) return;
    refuse_loop(fmt::format("loop {} is {}: its iterations run side by side, but a window passes "
                            "from each to the next",
                            loop_.name, loop_.marks.unroll ? "unrolled" : "parallel"),
                "take this step at a loop whose iterations run one after the other");
  }

  void check_touches() const {
    if (touches_.empty()) {
      refuse_loop(fmt::format("loop {} does not touch {}", loop_.name, array_.name),
                  loops_that_touch(kernel_, array_.name));
    }
    for (const Access& touch : touches_) {
      if (!touch.write) continue;
      refuse(kernel_, {step_,
                       fmt::format("{} is written in loop {}: a window would hold old values",
                                   array_.name, loop_.name),
                       {{touch.statement, "<-- written here"}},
                       "reuse what the loop only reads; `stage` copies back what is written"});
    }
    if (names_in(loop_.body).contains(array_.name)) {
      refuse_loop(fmt::format("{} is declared in loop {}: no iteration sees what another one had",
                              array_.name, loop_.name),
                  "choose an array declared outside of the loop");
    }
  }

  /// Along which dimension, and by how much, the box moves from one iteration to the next.
  void find_shift(const Box& box) {
    std::vector<std::size_t> moving;
    for (std::size_t d = 0; d < box.dimensions.size(); ++d) {
      if (mentions(box.dimensions[d].base, loop_.name)) moving.push_back(d);
    }
    const std::string what =
        fmt::format("the part of {} that an iteration of {} reads", array_.name, loop_.name);
    if (moving.empty()) {
      refuse_loop(what + " is the same in every iteration",
                  fmt::format("stage {} at a loop around {}", array_.name, loop_.name));
    }
    if (moving.size() > 1) {
      refuse_loop(fmt::format("{} moves along {} dimensions at once", what, moving.size()),
                  "choose a loop that moves it along one dimension");
    }
    dimension_ = moving[0];
    const LinearForm form = linear_form(box.dimensions[dimension_].base);
    for (const LinearForm::Term& term : form.terms) {
      if (!mentions(term.atom, loop_.name)) continue;
      if (term.atom.as<Variable>() == nullptr) {
        refuse_loop(fmt::format("{} does not move by a fixed step: it starts at {}", what,
                                to_string(box.dimensions[dimension_].base)),
                    "reuse needs a subscript that is affine in the loop's counter");
      }
      shift_ = term.factor;
    }
    const std::int64_t extent = box.dimensions[dimension_].extent;
    if (shift_ < 0) {
      refuse_loop(what + " moves toward smaller subscripts",
                  "reuse needs a loop that walks through the array forward");
    }
    if (shift_ >= extent) {
      refuse_loop(
          fmt::format("consecutive iterations share nothing of {}: each reads {} element{} "
                      "of dimension {} and the next starts {} further",
                      array_.name, extent, extent == 1 ? "" : "s", dimension_, shift_),
          fmt::format("`stage {} {}` copies what one iteration reads", array_.name, loop_.name));
    }
  }

  /// The window is filled with the whole box, of which the original may read a part only.
  void check_values(const Region& region) const {
    if (surely_initialised(kernel_, array_, place_)) return;
    const bool reads_all = std::any_of(touches_.begin(), touches_.end(), [&](const Access& touch) {
      return is_certain(touch) && covering_instance(region, touch);
    });
    if (reads_all) return;
    refuse(kernel_,
           {step_,
            fmt::format("an iteration of {} may read a part of the window only, and the rest of {} "
                        "may have no value yet",
                        loop_.name, array_.name),
            {{touches_.front().statement, "<-- read here"}},
            fmt::format("write all of {} before loop {}", array_.name, loop_.name)});
  }

  bool may_be_empty() const {
    Formula formula;
    add_reached(formula, surroundings(place_));
    formula.require(formula.term(loop_.lower), ">=", formula.term(loop_.upper));
    return formula.solve().kind != Answer::Kind::kNone;
  }

  /// All slices that shift lie in memories of their own, to move in one cycle.
  void lay_out(Tile& tile) const {
    Array& window = tile.local();
    const std::optional<std::int64_t> count = element_count(window.shape);
    if (count && *count <= kMostWindowRegisters) {
      window.storage = Storage::kRegister;
      return;
    }
    check_local_storage(kernel_, step_, window, Storage::kAuto);
    window.partition.resize(window.shape.size());
    window.partition[tile.local_dimension(dimension_)].kind = Partition::Kind::kComplete;
  }

  /// window = array, or 0 where the box sticks out of the array: an iteration does not use that,
  /// but it is shifted.
  Stmt read_or_zero(const Tile& tile, const std::vector<Tile::Crossing>& crossings,
                    const Tile::Element& element) const {
    Expr all;
    for (std::size_t d = 0; d < crossings.size(); ++d) {
      const Expr one = tile.condition(crossings[d], d, element.source[d]);
      if (one) all = all ? all && one : one;
    }
    Stmt stmt = tile.read(element);
    if (all.get() == nullptr) return stmt;
    const Type& type = array_.element;
    const Expr zero = type.is_float() ? constant(type, 0.0) : constant(type, Int128{0});
    const auto* store = as<Store>(stmt);
    return make_stmt(
        If{all, stmt, make_stmt(Store{store->array, store->indices, zero, std::nullopt})});
  }

  Stmt moved(Tile& tile, const Tile::Element& element) const {
    std::vector<Expr> from = element.local;
    Expr& position = from[tile.local_dimension(dimension_)];
    position = simplify(position + shift_);
    return make_stmt(Store{tile.local().name, element.local,
                           load(tile.local().name, array_.element, from), std::nullopt});
  }

  const Kernel& kernel_;
  std::string step_;
  const Array& array_;
  Place place_;
  const For& loop_;
  std::vector<Access> touches_;
  std::size_t dimension_ = 0;
  std::int64_t shift_ = 0;
};

}  // namespace

Kernel reuse_at(const Kernel& kernel, const std::string& array, const std::string& loop) {
  return Reuse(kernel, array, loop).run();
}

}  // namespace heddle::kernel
