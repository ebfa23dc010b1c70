// A kernel made ready for the interpreter: names become places in a frame.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kernel/ir.h"
#include "kernel/scalar.h"

namespace heddle::kernel {

struct PreparedFunction;

/// An expression whose names are numbers of places.
struct PreparedExpr {
  enum class Kind : std::uint8_t {
    kConstant,
    kVariable,
    kLoad,
    kUnary,
    kBinary,
    kSelect,
    kCast,
    kBitcast,
    kApply
  };
  Kind kind{};
  Type type;
  Scalar constant;
  int place = 0;  ///< of the variable or array
  UnaryOp unary{};
  BinaryOp binary{};
  std::shared_ptr<const PreparedFunction> function;
  std::vector<PreparedExpr> operands;
};

/// Parameters come first among the places, then bindings.
struct PreparedFunction {
  std::string name;
  std::vector<PreparedExpr> bindings;
  PreparedExpr result;
  int parameters = 0;
};

struct PreparedKernel;

/// A statement whose names are numbers of places. The fields that its kind does not use are empty.
struct PreparedStmt {
  Stmt source;     ///< says what kind it is
  int place = 0;   ///< the loop's counter, the array that is stored to or declared, the stream
  int target = 0;  ///< Get: the array
  std::vector<PreparedExpr> indices;  ///< of the store, channel, extents of a declaration
  std::vector<PreparedExpr> target_indices;
  std::vector<PreparedExpr> values;  ///< bounds, condition, value
  std::vector<PreparedStmt> body;    ///< of a block, loop (one), branch (two), dataflow

  struct Argument {
    int place = 0;  ///< of the array or stream in the caller
    std::vector<PreparedExpr> indices;
    std::vector<bool> spanned;
    PreparedExpr value;
  };
  std::shared_ptr<const PreparedKernel> callee;
  std::vector<Argument> arguments;
  /// Dataflow: for each process the earlier ones that write what it reads.
  std::vector<std::vector<int>> waits_for;
};

struct PreparedKernel {
  KernelPtr kernel;
  int variables = 0;
  int arrays = 0;
  int streams = 0;
  std::map<std::string, int> variable_places;
  std::vector<int> parameter_places;  ///< in the order of the parameters
  std::vector<std::vector<PreparedExpr>>
      extents;  ///< of each array or stream parameter, else empty
  PreparedStmt body;
};

std::shared_ptr<const PreparedKernel> prepare(const KernelPtr& kernel);

}  // namespace heddle::kernel
