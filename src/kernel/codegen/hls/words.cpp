// Reading and writing a packed array by memory words, once for a loop over their elements.
#include <algorithm>

#include "kernel/codegen/hls/writer.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

struct Touch {
  std::string array;
  std::vector<Expr> indices;
  bool is_store = false;
  bool is_certain = true;  ///< happens whenever the loop's body is run
};

/// All accesses of elements in a loop's body, as far as its statements run in every iteration.
class Touches {
 public:
  /// False if the body holds statements that may not run, or functions.
  bool add(const Stmt& stmt) {
    for (const Expr& e : own_expressions(stmt)) add(e, true);
    if (const auto* store = as<Store>(stmt)) {
      all_.push_back({store->array, store->indices, true, true});
      if (store->reduce) all_.push_back({store->array, store->indices, false, true});
    } else if (const auto* get = as<Get>(stmt)) {
      all_.push_back({get->array, get->indices, true, true});
    } else if (const auto* loop = as<For>(stmt)) {
      const Int128* lower = as_integer(loop->lower);
      const Int128* upper = as_integer(loop->upper);
      if (lower == nullptr || upper == nullptr || *lower >= *upper) return false;
    } else if (as<If>(stmt) || as<Call>(stmt) || as<Dataflow>(stmt)) {
      return false;
    }
    return std::ranges::all_of(children(stmt), [&](const Stmt& inner) { return add(inner); });
  }
  [[nodiscard]] const std::vector<Touch>& all() const { return all_; }

 private:
  void add(const Expr& e, bool is_certain) {
    if (const auto* load = e.as<Load>())
      all_.push_back({load->array, load->indices, false, is_certain});
    const auto* binary = e.as<Binary>();
    const bool is_lazy =
        e.as<Select>() != nullptr || (binary && e.type().is_bool() && !is_comparison(binary->op));
    bool is_first = true;
    for (const Expr& operand : operands(e)) {
      add(operand, is_certain && (is_first || !is_lazy));
      is_first = false;
    }
  }

  std::vector<Touch> all_;
};

bool is_constant_in(const Expr& e, const std::set<std::string>& changing) {
  return loaded_arrays(e).empty() &&
         std::ranges::none_of(variables(e),
                              [&](const std::string& name) { return changing.contains(name); });
}

}  // namespace

std::vector<Writer::Word> Writer::words_of(const For& node) {
  const Int128* lower = as_integer(node.lower);
  const Int128* upper = as_integer(node.upper);
  if (lower == nullptr || upper == nullptr || *lower != 0) return {};
  Touches touches;
  if (!touches.add(node.body)) return {};
  std::set<std::string> changing = names_in(node.body);
  changing.insert(node.name);

  const ExpressionPrinter print = printer();
  std::vector<Word> words;
  std::set<std::string> done;
  for (const Touch& first : touches.all()) {
    const auto found = scope_.arrays.find(first.array);
    if (found == scope_.arrays.end() || found->second.lanes == 1 || found->second.lanes != *upper) {
      continue;
    }
    const ArrayView& view = found->second;
    const auto word_of = [&](const std::vector<Expr>& indices) {
      std::vector<Expr> subscripts = view.subscripts(indices);
      subscripts.back() = split_lanes(subscripts.back(), view.lanes, print.ranges()).word;
      return subscripts;
    };
    const std::vector<Expr> subscripts = word_of(first.indices);
    const bool is_one_word =
        std::ranges::all_of(subscripts, [&](const Expr& e) { return is_constant_in(e, changing); });
    // Only now: counters of loops inside have no names yet.
    if (!is_one_word || !first.is_certain) continue;
    const std::string place = print.place(view, first.indices);
    if (!done.insert(place).second || place.find('[') == std::string::npos) continue;
    Word word{place, "", view.element_type()};
    bool is_whole = false;  // every lane is written
    bool is_alone = true;   // no other word of the array is touched
    for (const Touch& touch : touches.all()) {
      if (touch.array != first.array) continue;
      is_alone =
          is_alone && std::ranges::equal(word_of(touch.indices), subscripts,
                                         [](const Expr& a, const Expr& b) { return equal(a, b); });
      word.is_written = word.is_written || touch.is_store;
      word.is_read = word.is_read || !touch.is_store;
      const Expr lane = print.lane(view, touch.indices);
      const auto* counter = lane.as<Variable>();
      is_whole = is_whole || (touch.is_store && counter && counter->name == node.name);
    }
    if (word.is_written && (!is_alone || !is_whole)) continue;
    word.name = fresh_name(view.name + "_word", names_.taken);
    words.push_back(word);
  }
  return words;
}

}  // namespace heddle::kernel::hls
