// Writing a kernel as a plain loop nest in C++.
//
//   KernelBuilder k("gemm", "c = a b");
//   ArrayHandle a = k.input("a", int_type(8), {64, 96});
//   ArrayHandle b = k.input("b", int_type(8), {96, 32});
//   ArrayHandle c = k.output("c", int_type(32), {64, 32});
//   k.loop("i", 0, 64, [&](Expr i) {
//     k.loop("j", 0, 32, [&](Expr j) {
//       Element sum = k.scalar("sum", int_type(32));
//       sum = 0;
//       k.loop("k", 0, 96, [&](Expr r) { sum += a(i, r) * b(r, j); });
//       c(i, j) = sum;
//     });
//   });
//   KernelPtr gemm = k.build();
#pragma once

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

class KernelBuilder;

/// One element of an array: reads as its value; assigning to it writes a statement into the kernel.
class Element {
 public:
  Element(const Element&) = default;
  operator Expr() const;  // NOLINT(google-explicit-constructor): an element reads as its value
  Element& operator=(const Expr& value);
  Element& operator=(const Element& value);  // NOLINT(bugprone-unhandled-self-assignment)
  Element& operator+=(const Expr& value);
  Element& operator*=(const Expr& value);
  Element& operator-=(const Expr& value);  ///< element = element - value
  /// element = min(element, value) and max, as reductions.
  void reduce_min(const Expr& value);
  void reduce_max(const Expr& value);
  [[nodiscard]] const Type& type() const { return type_; }

 private:
  friend class ArrayHandle;
  friend class KernelBuilder;
  Element(KernelBuilder* builder, std::string array, Type type, std::vector<Expr> indices);
  void store(const Expr& value, std::optional<ReduceOp> reduce);

  KernelBuilder* builder_;
  std::string array_;
  Type type_;
  std::vector<Expr> indices_;
};

/// An array of the kernel under construction; a(i, j) is an element.
class ArrayHandle {
 public:
  template <typename... Indices>
  Element operator()(const Indices&... indices) const {
    return at({Expr(indices)...});
  }
  [[nodiscard]] Element at(std::vector<Expr> indices) const;
  [[nodiscard]] const std::string& name() const { return array_.name; }
  [[nodiscard]] const std::vector<Expr>& shape() const { return array_.shape; }
  [[nodiscard]] const Type& element() const { return array_.element; }
  /// The whole array, as an argument of a call.
  [[nodiscard]] Window all() const;
  /// The last dimensions behind fixed leading indices: q.slice({h}) of q[H,T,D] is a [T,D] window.
  [[nodiscard]] Window slice(std::vector<Expr> leading) const;

 private:
  friend class KernelBuilder;
  ArrayHandle(KernelBuilder* builder, Array array) : builder_(builder), array_(std::move(array)) {}
  KernelBuilder* builder_;
  Array array_;
};

class StreamHandle {
 public:
  void put(const std::vector<Expr>& channel, const Expr& value) const;
  void put(const Expr& value) const { put({}, value); }
  void get(const std::vector<Expr>& channel, const Element& target) const;
  void get(const Element& target) const { get({}, target); }
  [[nodiscard]] const std::string& name() const { return stream_.name; }
  /// As an argument of a call.
  [[nodiscard]] StreamArgument channel(std::vector<Expr> indices = {}) const;

 private:
  friend class KernelBuilder;
  StreamHandle(KernelBuilder* builder, Stream stream)
      : builder_(builder), stream_(std::move(stream)) {}
  KernelBuilder* builder_;
  Stream stream_;
};

/// Collects statements in the order in which they are called for. A name that is already taken gets
/// a number: a second loop "i" is "i_1". Handles refer to the builder and must not outlive it.
class KernelBuilder {
 public:
  explicit KernelBuilder(std::string name, std::string summary = "");

  // Parameters, in the order of the calls.
  ArrayHandle input(const std::string& name, const Type& element, std::vector<Expr> shape);
  ArrayHandle output(const std::string& name, const Type& element, std::vector<Expr> shape);
  ArrayHandle inout(const std::string& name, const Type& element, std::vector<Expr> shape);
  Expr scalar_argument(const std::string& name, const Type& type);
  /// A scalar argument of type index.
  Expr size(const std::string& name) { return scalar_argument(name, index_type()); }
  StreamHandle stream_input(const std::string& name, const Type& element,
                            std::vector<Expr> channels = {});
  StreamHandle stream_output(const std::string& name, const Type& element,
                             std::vector<Expr> channels = {});

  // Declarations, from here to the end of the enclosing body.
  ArrayHandle local(const std::string& name, const Type& element, std::vector<Expr> shape);
  Element scalar(const std::string& name, const Type& element);
  /// A constant table, row-major, of the elements' values nearest to `values`. Throws UserError if
  /// their number is wrong.
  ArrayHandle table(const std::string& name, const Type& element,
                    const std::vector<std::int64_t>& shape, const std::vector<double>& values);
  StreamHandle stream(const std::string& name, const Type& element, std::int64_t depth = 2,
                      std::vector<Expr> channels = {});

  // Statements.
  void loop(const std::string& name, const Expr& lower, const Expr& upper,
            const std::function<void(Expr)>& body);
  void when(const Expr& condition, const std::function<void()>& then,
            const std::function<void()>& otherwise = {});
  /// Arguments as in Call: handles' all(), slice(), channel(), or expressions.
  void call(KernelPtr callee, std::vector<std::variant<Window, StreamArgument, Expr>> arguments);
  /// Processes, each a name and what it does; see Dataflow.
  void dataflow(const std::vector<std::pair<std::string, std::function<void()>>>& processes);

  /// The verified kernel. Throws UserError, see verify().
  [[nodiscard]] KernelPtr build() const;

 private:
  friend class Element;
  friend class StreamHandle;
  void append(Stmt stmt);
  Stmt collect(const std::function<void()>& body);
  ArrayHandle parameter(const std::string& name, const Type& element, std::vector<Expr> shape,
                        Direction direction);
  StreamHandle stream_parameter(const std::string& name, const Type& element,
                                std::vector<Expr> channels, Direction direction);

  std::string name_;
  std::string summary_;
  std::vector<Parameter> parameters_;
  std::set<std::string> names_;
  std::vector<std::vector<Stmt>> open_;  ///< statements of the bodies under construction
};

}  // namespace heddle::kernel
