#include "kernel/codegen/hls/scope.h"

#include "base/error.h"
#include "kernel/codegen/hls/types.h"

namespace heddle::kernel::hls {

std::vector<Expr> ArrayView::subscripts(const std::vector<Expr>& indices) const {
  if (kind == Kind::kElement) return {};
  if (kind == Kind::kFlat) {
    Expr address = offset;
    for (std::size_t d = 0; d < indices.size(); ++d) address = address + indices[d] * strides.at(d);
    return {address};
  }
  std::vector<Expr> all;
  all.reserve(dimensions.size());
  for (const Dimension& dimension : dimensions) {
    all.push_back(dimension.logical ? dimension.base + indices.at(*dimension.logical)
                                    : dimension.base);
  }
  return all;
}

int ArrayView::word_bits() const {
  return pitch(element) * static_cast<int>(lanes);
}

std::string ArrayView::element_type() const {
  return lanes > 1 ? fmt::format("ap_uint<{}>", word_bits()) : cpp_type(element);
}

std::string ArrayView::parameter(bool is_constant) const {
  std::string text = is_constant ? "const " : "";
  text += element_type() + " ";
  if (kind == Kind::kFlat) return text + "*" + name;
  if (kind == Kind::kElement) return text + "&" + name;
  text += name;
  for (const Dimension& dimension : dimensions) text += "[" + dimension.extent + "]";
  return text;
}

std::string StreamView::parameter() const {
  std::string text = fmt::format("hls::stream<{}> ", cpp_type(element));
  if (extents.empty()) return text + "&" + name;
  text += name;
  for (const std::string& extent : extents) text += "[" + extent + "]";
  return text;
}

std::map<std::string, Range> Scope::ranges() const {
  std::map<std::string, Range> all;
  for (const auto& [name, variable] : variables) {
    if (variable.type.is_index()) all.emplace(name, variable.range);
  }
  return all;
}

}  // namespace heddle::kernel::hls
