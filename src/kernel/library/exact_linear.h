// Rows of codes and their products with matrices, bit for bit those of docs/arithmetic.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/library/common.h"
#include "kernel/library/exact_scalars.h"
#include "kernel/library/projection.h"

namespace heddle::kernel {

/// Vectors of codes, each with a Scale: the rows of an operand or of a weight. NAME int<8> [rows,
/// columns], NAME_mantissa uint<16> and NAME_exponent int<8> [rows].
struct CodeRows {
  ArrayHandle codes;
  ArrayHandle mantissa;
  ArrayHandle exponent;

  static CodeRows input(KernelBuilder& k, const std::string& name, std::int64_t rows,
                        std::int64_t columns);
  static CodeRows output(KernelBuilder& k, const std::string& name, std::int64_t rows,
                         std::int64_t columns);
  static CodeRows local(KernelBuilder& k, const std::string& name, std::int64_t rows,
                        std::int64_t columns);
  /// All three, whole.
  void append_to(CallArguments& arguments) const;
};

/// x [rows, columns] int<27> -> y, y_mantissa, y_exponent: quantise() of each row.
KernelPtr quantise_exact(std::int64_t rows, std::int64_t columns,
                         const std::string& name = "quantise_exact");

struct ExactLinearShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;  ///< outputs
  std::int64_t inner = 1;
  int x_fraction = 0;
  int y_fraction = 0;
  bool bias = true;
  Rows range = Rows::kAll;
};
/// x, x_mantissa, x_exponent, weight [columns, inner], weight_mantissa, weight_exponent, (bias
/// [columns] int<27>, at y's fraction) -> y [rows, columns] int<27>: Linear of rows that are
/// quantised already. The sums are a nest of their own. With a range: of rows first <= i < last,
/// two arguments before y; the other rows of y stay as they are.
KernelPtr linear_exact(const ExactLinearShape& shape, const std::string& name = "linear_exact");

/// A weight inside of a larger kernel: the inputs NAME_weight, NAME_weight_mantissa,
/// NAME_weight_exponent and, if the shape has one, NAME_bias.
class ExactProjection {
 public:
  ExactProjection(KernelBuilder& k, const std::string& name, const ExactLinearShape& shape);

  /// Calls linear_exact as NAME.
  void apply(const CodeRows& x, const ArrayHandle& y) const;

 private:
  KernelBuilder* builder_;
  std::string name_;
  ExactLinearShape shape_;
  CodeRows weight_;
  std::optional<ArrayHandle> bias_;
};

/// A kernel on `rows` rows that calls `of_block` on as many of them as that takes, one block after
/// the other: so that what it keeps of each row is kept for a block only. The parameters called
/// `row_wise` have rows, all others pass as they are. Throws UserError unless a block divides the
/// rows.
KernelPtr by_blocks(const KernelPtr& of_block, std::int64_t rows, std::int64_t block,
                    const std::vector<std::string>& row_wise, const std::string& name);

// For entries of the library.

/// A fraction, -20 ... 40.
LibraryParameter fraction_parameter(const std::string& name, const std::string& summary,
                                    int default_number);
/// Throws UserError for one above 40.
int fraction_of(const LibraryArguments& arguments, const std::string& name);
LibraryParameter block_parameter();

LibraryKernel linear_exact_entry();
LibraryKernel quantise_exact_entry();

}  // namespace heddle::kernel
