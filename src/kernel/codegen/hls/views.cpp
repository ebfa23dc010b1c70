#include "kernel/codegen/hls/views.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/text.h"
#include "kernel/scalar.h"

namespace heddle::kernel::hls {
namespace {

/// The widest AXI data bus (AMD UG1399, m_axi).
constexpr int kMaxWordBits = 1024;

Expr zero() {
  return constant(index_type(), Int128{0});
}

std::string literal_extent(const Expr& extent) {
  const Int128* value = as_integer(extent);
  return value ? to_string(*value) : "";
}

std::vector<ArrayView::Dimension> dimensions_of(const Array& array, std::int64_t lanes) {
  std::vector<ArrayView::Dimension> dimensions;
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    const Int128* extent = as_integer(array.shape[d]);
    const bool is_last = d + 1 == array.shape.size();
    std::string text;
    if (extent != nullptr) text = to_string(is_last ? *extent / lanes : *extent);
    dimensions.push_back({text, zero(), d});
  }
  return dimensions;
}

void check_words(const Array& array, const ArrayView& view) {
  const int bits = view.word_bits();
  if (std::has_single_bit(static_cast<unsigned>(bits)) && bits <= kMaxWordBits) return;
  throw UserError(
      fmt::format("HLS C++: {} is packed in words of {} elements, {} bits, which AXI has not",
                  quote(array.name), view.lanes, bits),
      fmt::format("pack it into words of 8, 16, 32, ... {} bits", kMaxWordBits));
}

void require_literal(const std::vector<Expr>& shape, const std::string& name,
                     std::string_view what) {
  for (const Expr& extent : shape) {
    if (as_integer(extent) != nullptr) continue;
    throw UserError(fmt::format("HLS C++: the {} {} has the extent {}, and hardware has a size",
                                what, quote(name), to_string(extent)),
                    "give it literal extents that are large enough");
  }
}

}  // namespace

bool is_global(const Array& array) {
  return array.storage == Storage::kAuto || array.storage == Storage::kGlobal;
}

ArrayView top_view(const Array& array, const std::string& name) {
  ArrayView view;
  view.name = name;
  view.element = array.element;
  if (array.lanes > 1 && is_global(array) && !array.shape.empty()) {
    view.lanes = array.lanes;
    check_words(array, view);
  }
  if (array.shape.empty()) {
    view.kind = ArrayView::Kind::kDimensions;
    view.dimensions.push_back({"1", zero(), std::nullopt});
    return view;
  }
  const bool has_literal_rows = std::all_of(array.shape.begin() + 1, array.shape.end(),
                                            [](const Expr& e) { return as_integer(e) != nullptr; });
  if (has_literal_rows) {
    view.kind = ArrayView::Kind::kDimensions;
    view.dimensions = dimensions_of(array, view.lanes);
    return view;
  }
  view.kind = ArrayView::Kind::kFlat;
  view.offset = zero();
  view.strides.assign(array.shape.size(), constant(index_type(), Int128{1}));
  for (std::size_t d = array.shape.size() - 1; d > 0; --d) {
    view.strides[d - 1] = view.strides[d] * array.shape[d];
  }
  return view;
}

ArrayView local_view(const Array& array, const std::string& name) {
  if (array.storage == Storage::kGlobal) {
    throw UserError(
        fmt::format("HLS C++: the local array {} lies in global memory, which a kernel cannot make",
                    quote(array.name)),
        "make it an argument of the kernel, or store it on the chip (uram, bram)");
  }
  require_literal(array.shape, array.name, "local array");
  ArrayView view;
  view.name = name;
  view.element = array.element;
  view.kind = array.shape.empty() ? ArrayView::Kind::kElement : ArrayView::Kind::kDimensions;
  view.dimensions = dimensions_of(array, 1);
  return view;
}

StreamView stream_view(const Stream& stream, const std::string& name) {
  require_literal(stream.shape, stream.name, "stream");
  StreamView view{name, stream.element, {}};
  for (const Expr& extent : stream.shape) view.extents.push_back(literal_extent(extent));
  return view;
}

PassedArray pass_window(const ArrayView& actual, const Window& window, const std::string& name,
                        const std::function<std::string(const std::string&)>& fresh,
                        const std::function<std::string(const Expr&)>& print) {
  PassedArray passed{actual, actual.name, {}};
  ArrayView& view = passed.view;
  view.name = name;
  // A number in the callee: a literal, or one more parameter.
  const auto number = [&](const Expr& value, const std::string& suffix) {
    if (as_integer(value) != nullptr) return value;
    passed.numbers.push_back({fresh(name + suffix), value});
    return variable(passed.numbers.back().name, index_type());
  };
  std::vector<Expr> bases;
  std::vector<std::optional<std::size_t>> logical;  // the callee's dimension of each of the array's
  std::size_t rank = 0;
  for (const Window::Dimension& dimension : window.dimensions) {
    bases.push_back(dimension.base);
    logical.push_back(dimension.spanned ? std::optional(rank++) : std::nullopt);
  }
  if (actual.kind == ArrayView::Kind::kElement) return passed;
  if (actual.kind == ArrayView::Kind::kFlat) {
    view.offset = number(actual.subscripts(bases).front(), "_offset");
    view.strides.clear();
    for (std::size_t d = 0; d < logical.size(); ++d) {
      if (!logical[d]) continue;
      view.strides.push_back(number(actual.strides[d], "_stride" + std::to_string(*logical[d])));
    }
    return passed;
  }
  const std::vector<Expr> firsts = actual.subscripts(bases);
  view.dimensions.clear();
  const std::size_t last = actual.dimensions.size() - 1;
  bool is_leading = true;
  for (std::size_t d = 0; d <= last; ++d) {
    ArrayView::Dimension dimension = actual.dimensions[d];
    if (dimension.logical) dimension.logical = logical[*dimension.logical];
    const bool keeps_lanes = d == last && actual.lanes > 1;
    is_leading = is_leading && !dimension.logical && !keeps_lanes;
    if (is_leading) {
      passed.argument += "[" + print(firsts[d]) + "]";
      continue;
    }
    dimension.base = number(firsts[d], "_base" + std::to_string(d));
    view.dimensions.push_back(dimension);
  }
  if (view.dimensions.empty()) view.kind = ArrayView::Kind::kElement;
  return passed;
}

std::string form_of(const PassedArray& passed) {
  const ArrayView& view = passed.view;
  std::string text =
      fmt::format("{}:{}:{}", static_cast<int>(view.kind), view.lanes, to_string(view.element));
  const auto add = [&](const Expr& e) {
    const Int128* value = as_integer(e);
    text += "," + (value ? to_string(*value) : std::string("*"));
  };
  for (const ArrayView::Dimension& dimension : view.dimensions) {
    text += fmt::format(";{}@{}", dimension.extent,
                        dimension.logical ? std::to_string(*dimension.logical) : "-");
    add(dimension.base);
  }
  if (view.kind == ArrayView::Kind::kFlat) {
    add(view.offset);
    for (const Expr& stride : view.strides) add(stride);
  }
  return text;
}

}  // namespace heddle::kernel::hls
