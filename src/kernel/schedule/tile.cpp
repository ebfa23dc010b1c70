#include "kernel/schedule/tile.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// Whether a call's window spans the dimension.
std::vector<bool> spanned_dimensions(std::size_t rank, const std::string& array,
                                     const std::vector<Access>& touches) {
  std::vector<bool> spanned(rank, false);
  for (const Access& touch : touches) {
    const auto* call = as<Call>(touch.statement);
    if (call == nullptr) continue;
    for (const auto& argument : call->arguments) {
      const auto* window = std::get_if<Window>(&argument);
      if (window == nullptr || window->array != array) continue;
      for (std::size_t d = 0; d < rank; ++d) {
        if (window->dimensions[d].spanned) spanned[d] = true;
      }
    }
  }
  return spanned;
}

}  // namespace

Tile::Tile(const Array& array, Box box, const std::string& name, const std::vector<Access>& touches)
    : source_(array), box_(std::move(box)) {
  local_.name = name;
  local_.element = array.element;
  kept_ = spanned_dimensions(array.shape.size(), array.name, touches);
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    const std::int64_t extent = box_.dimensions[d].extent;
    if (extent != 1) kept_[d] = true;
    if (kept_[d]) local_.shape.push_back(to_index(extent));
  }
}

std::size_t Tile::local_dimension(std::size_t d) const {
  ensure(kept_.at(d), "dimension {} of {} is not one of its tile", d, source_.name);
  return static_cast<std::size_t>(
      std::count(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(d), true));
}

Stmt Tile::redirected(const Stmt& stmt, const Ranges& ranges) const {
  const auto indices = [&](const std::vector<Expr>& old) { return local_indices(old, ranges); };
  const auto window = [&](const Window& old, const ArrayParameter& /*parameter*/) {
    return local_window(old, ranges);
  };
  return redirect(stmt, source_.name, {local_.name, indices, window});
}

std::vector<Expr> Tile::local_indices(const std::vector<Expr>& indices,
                                      const Ranges& ranges) const {
  std::vector<Expr> result;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    if (!kept_[d]) continue;
    const Box::Dimension& dimension = box_.dimensions[d];
    result.push_back(dimension.whole ? indices[d] : simplify(indices[d] - dimension.base, ranges));
  }
  return result;
}

Window Tile::local_window(const Window& window, const Ranges& ranges) const {
  Window result{local_.name, {}};
  for (std::size_t d = 0; d < window.dimensions.size(); ++d) {
    if (!kept_[d]) continue;
    const Box::Dimension& dimension = box_.dimensions[d];
    const Window::Dimension& old = window.dimensions[d];
    result.dimensions.push_back(
        {dimension.whole ? old.base : simplify(old.base - dimension.base, ranges), old.spanned});
  }
  return result;
}

Stmt Tile::read(const Element& element) const {
  return make_stmt(Store{local_.name, element.local,
                         load(source_.name, source_.element, element.source), std::nullopt});
}

Stmt Tile::write(const Element& element) const {
  return make_stmt(Store{source_.name, element.source,
                         load(local_.name, source_.element, element.local), std::nullopt});
}

std::vector<Tile::Span> Tile::all() const {
  std::vector<Span> spans;
  spans.reserve(box_.dimensions.size());
  for (const Box::Dimension& dimension : box_.dimensions) spans.push_back({0, dimension.extent});
  return spans;
}

std::vector<Tile::Crossing> Tile::crossings(const Access& place,
                                            const std::vector<Span>& visited) const {
  std::vector<Crossing> result;
  for (std::size_t d = 0; d < box_.dimensions.size(); ++d) {
    const Box::Dimension& dimension = box_.dimensions[d];
    Crossing crossing;
    if (!dimension.whole) {
      const auto may_be = [&](const Expr& index, const std::string& op, const Expr& bound) {
        Formula formula;
        add_reached(formula, place);
        formula.require(formula.term(index), op, formula.term(bound));
        return formula.solve().kind != Answer::Kind::kNone;
      };
      const Expr first = dimension.base + visited[d].first;
      crossing.below = may_be(first, "<", to_index(0));
      crossing.above = may_be(first + (visited[d].count - 1), ">=", source_.shape[d]);
    }
    result.push_back(crossing);
  }
  return result;
}

Expr Tile::condition(const Crossing& crossing, std::size_t d, const Expr& index) const {
  const Expr below = crossing.below ? index >= to_index(0) : Expr();
  const Expr above = crossing.above ? index < source_.shape[d] : Expr();
  if (crossing.below && crossing.above) return below && above;
  return crossing.below ? below : above;
}

std::string Tile::dimension_name(std::size_t d) const {
  const std::size_t rank = local_.shape.size();
  const std::size_t at = local_dimension(d);
  if (rank == 1) return "i";
  if (rank - at > 3) return fmt::format("d{}", at);
  constexpr std::string_view kLast = "crp";
  return std::string(1, kLast[rank - at - 1]);
}

Stmt Tile::nest(const std::string& prefix, const std::vector<Span>& spans,
                std::set<std::string>& taken, const Visit& visit,
                const Condition& condition) const {
  Element element;
  std::vector<std::string> counters(spans.size());
  for (std::size_t d = 0; d < spans.size(); ++d) {
    Expr position = to_index(spans[d].first);
    if (spans[d].count != 1) {
      counters[d] = fresh_name(fmt::format("{}_{}", prefix, dimension_name(d)), taken);
      position = variable(counters[d], index_type()) + position;
    }
    element.source.push_back(simplify(box_.dimensions[d].base + position));
    if (kept_[d]) element.local.push_back(position);
  }
  Stmt stmt = visit(element);
  for (std::size_t d = spans.size(); d-- > 0;) {
    const Expr holds = condition ? condition(d, element.source[d]) : Expr();
    if (holds) stmt = make_stmt(If{holds, stmt, nullptr});
    if (spans[d].count == 1) continue;
    stmt = make_stmt(For{counters[d], to_index(0), to_index(spans[d].count), {}, stmt});
  }
  return stmt;
}

}  // namespace heddle::kernel
