#include "kernel/ir.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace heddle::kernel {
namespace {

template <typename T, typename Same>
bool all(const std::vector<T>& a, const std::vector<T>& b, const Same& same) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

bool same(const Expr& a, const Expr& b) {
  return equal(a, b);
}

bool same(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  return all(a, b, [](const Expr& x, const Expr& y) { return equal(x, y); });
}

bool same(const Array& a, const Array& b) {
  return a.name == b.name && a.element == b.element && same(a.shape, b.shape) &&
         a.storage == b.storage && a.bank == b.bank && a.partition == b.partition &&
         a.lanes == b.lanes && same(a.table, b.table);
}

bool same(const Stream& a, const Stream& b) {
  return a.name == b.name && a.element == b.element && same(a.shape, b.shape) && a.depth == b.depth;
}

bool same(const Window& a, const Window& b) {
  return a.array == b.array && all(a.dimensions, b.dimensions,
                                   [](const Window::Dimension& x, const Window::Dimension& y) {
                                     return x.spanned == y.spanned && equal(x.base, y.base);
                                   });
}

bool same(const StreamArgument& a, const StreamArgument& b) {
  return a.stream == b.stream && same(a.channel, b.channel);
}

struct SameStmt {
  bool operator()(const Block& a, const Block& b) const {
    return all(a.body, b.body, [](const Stmt& x, const Stmt& y) { return equal(x, y); });
  }
  bool operator()(const For& a, const For& b) const {
    return a.name == b.name && a.marks == b.marks && same(a.lower, b.lower) &&
           same(a.upper, b.upper) && equal(a.body, b.body);
  }
  bool operator()(const If& a, const If& b) const {
    return same(a.condition, b.condition) && equal(a.then, b.then) &&
           equal(a.otherwise, b.otherwise);
  }
  bool operator()(const DeclareArray& a, const DeclareArray& b) const {
    return same(a.array, b.array);
  }
  bool operator()(const DeclareStream& a, const DeclareStream& b) const {
    return same(a.stream, b.stream);
  }
  bool operator()(const Store& a, const Store& b) const {
    return a.array == b.array && a.reduce == b.reduce && same(a.indices, b.indices) &&
           same(a.value, b.value);
  }
  bool operator()(const Put& a, const Put& b) const {
    return a.stream == b.stream && same(a.channel, b.channel) && same(a.value, b.value);
  }
  bool operator()(const Get& a, const Get& b) const {
    return a.stream == b.stream && a.array == b.array && same(a.channel, b.channel) &&
           same(a.indices, b.indices);
  }
  bool operator()(const Call& a, const Call& b) const {
    return equal(*a.callee, *b.callee) &&
           all(a.arguments, b.arguments, [](const auto& x, const auto& y) {
             return x.index() == y.index() &&
                    std::visit(
                        [&](const auto& value) {
                          return same(value, std::get<std::decay_t<decltype(value)>>(y));
                        },
                        x);
           });
  }
  bool operator()(const Dataflow& a, const Dataflow& b) const {
    return all(a.processes, b.processes,
               [](const Dataflow::Process& x, const Dataflow::Process& y) {
                 return x.name == y.name && equal(x.body, y.body);
               });
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

bool same(const Parameter& a, const Parameter& b) {
  if (a.index() != b.index()) return false;
  if (const auto* array = std::get_if<ArrayParameter>(&a)) {
    const auto& other = std::get<ArrayParameter>(b);
    return array->direction == other.direction && same(array->array, other.array);
  }
  if (const auto* stream = std::get_if<StreamParameter>(&a)) {
    const auto& other = std::get<StreamParameter>(b);
    return stream->direction == other.direction && same(stream->stream, other.stream);
  }
  const auto& scalar = std::get<ScalarParameter>(a);
  const auto& other = std::get<ScalarParameter>(b);
  return scalar.name == other.name && scalar.type == other.type;
}

bool same(const Intrinsic& a, const Intrinsic& b) {
  return a.features == b.features && a.native == b.native && a.dense == b.dense &&
         a.primitive == b.primitive;
}

/// x + 3 as x and 3; a literal as no expression and its value.
std::pair<Expr, Int128> split_offset(const Expr& e) {
  if (const Int128* literal = as_integer(e)) return {Expr(), *literal};
  const auto* sum = e.as<Binary>();
  if (sum != nullptr && (sum->op == BinaryOp::kAdd || sum->op == BinaryOp::kSub)) {
    if (const Int128* offset = as_integer(sum->b)) {
      return {sum->a, sum->op == BinaryOp::kAdd ? *offset : -*offset};
    }
  }
  return {e, 0};
}

}  // namespace

const std::string& name_of(const Parameter& parameter) {
  if (const auto* array = std::get_if<ArrayParameter>(&parameter)) return array->array.name;
  if (const auto* stream = std::get_if<StreamParameter>(&parameter)) return stream->stream.name;
  return std::get<ScalarParameter>(parameter).name;
}

bool equal(const Stmt& a, const Stmt& b) {
  if (a == b) return true;
  return a && b && std::visit(SameStmt{}, a->value, b->value);
}

bool equal(const Kernel& a, const Kernel& b) {
  if (&a == &b) return true;
  if (a.intrinsic.has_value() != b.intrinsic.has_value()) return false;
  if (a.intrinsic && b.intrinsic && !same(*a.intrinsic, *b.intrinsic)) return false;
  return a.name == b.name &&
         all(a.parameters, b.parameters,
             [](const Parameter& x, const Parameter& y) { return same(x, y); }) &&
         equal(a.body, b.body);
}

BinaryOp operator_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::kAdd:
      return BinaryOp::kAdd;
    case ReduceOp::kMul:
      return BinaryOp::kMul;
    case ReduceOp::kMin:
      return BinaryOp::kMin;
    case ReduceOp::kMax:
      break;
  }
  return BinaryOp::kMax;
}

std::optional<std::int64_t> element_count(const std::vector<Expr>& shape) {
  Int128 count = 1;
  for (const Expr& extent : shape) {
    const Int128* literal = as_integer(extent);
    if (literal == nullptr) return std::nullopt;
    count *= *literal;
    if (count > (Int128{1} << 62)) return std::nullopt;
  }
  return static_cast<std::int64_t>(count);
}

std::optional<std::int64_t> literal_trips(const For& loop) {
  const auto [lower, lower_offset] = split_offset(loop.lower);
  const auto [upper, upper_offset] = split_offset(loop.upper);
  const Int128 trips = std::max(upper_offset - lower_offset, Int128{0});
  if (!equal(lower, upper) || trips > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(trips);
}

}  // namespace heddle::kernel
