// The processes of a perceptron y = down(f(up(x))) around two arrays of multipliers, one for each
// product, with all that lies between them on chip. While the second array is busy with a tile of
// rows, the first one is with the next.
#pragma once

#include "kernel/library/exact_linear.h"
#include "kernel/library/product_array.h"

namespace heddle::kernel {

struct PerceptronShape {
  std::int64_t hidden = 1;  ///< columns of x and y, a multiple of 16
  std::int64_t inner = 1;   ///< columns between the layers
  int x_fraction = 0;
  int up_fraction = 0;          ///< of the first product
  int active_fraction = 0;      ///< of the function's results
  int down_fraction = 0;        ///< of the second product
  std::int64_t tile_rows = 16;  ///< rows that an array holds: even
  std::int64_t width = 64;      ///< products of a row in a cycle: divides hidden and inner
  std::int64_t quantised = 2;   ///< columns of a tile quantised in a cycle: divides width

  /// Rows that are activated in a cycle: as few as keep up with the array.
  [[nodiscard]] std::int64_t lanes() const;
  /// Throws UserError, in the name of `kernel`, for a shape that does not divide as said.
  void check(const std::string& kernel) const;
};

/// Writes the processes into a kernel. What a tile's rows are and whose weights it meets, derived
/// classes say; each is told the process that asks, since processes share no arrays.
class PerceptronProcesses {
 public:
  PerceptronProcesses(const PerceptronShape& shape, const std::string& name,
                      const std::string& summary)
      : k_(name, summary), shape_(shape) {}
  PerceptronProcesses(const PerceptronProcesses&) = delete;
  PerceptronProcesses& operator=(const PerceptronProcesses&) = delete;
  virtual ~PerceptronProcesses() = default;

 protected:
  /// A matrix with the Scales of its channels, and their bias if there is one.
  struct Weight {
    ArrayHandle codes;
    ArrayHandle mantissa;
    ArrayHandle exponent;
    std::optional<ArrayHandle> bias;
  };

  void write_processes(const Expr& tiles, const CodeRows& x, const Weight& up, const Weight& down);

  /// At the beginning of tile `t`.
  virtual void begin_tile(const std::string& process, const Expr& t) = 0;
  /// The indices of what `indices` means in the weights of the tile's rows.
  virtual std::vector<Expr> in_weight(const std::string& process, std::vector<Expr> indices) = 0;
  /// The row of x in slot r of tile t.
  virtual Expr row_of(const std::string& process, const Expr& t, const Expr& r) = 0;
  /// The function, int<27> of int<27>. Called once, in the process "activate".
  virtual std::function<Expr(const Expr&)> function() = 0;
  /// What becomes of a result of the second product: of slot r, before it is stored.
  virtual Expr finished(const Expr& value, const Expr& r) = 0;
  virtual void store(const Expr& t, const Expr& r, const Expr& column, const Expr& value) = 0;

  KernelBuilder k_;  // NOLINT(*-non-private-member-variables-in-classes): derived classes write
                     // their parts of the kernel

 private:
  void fill_rows(const ArrayHandle& tile, const StreamHandle& from);
  void fill_columns(const ArrayHandle& tile, const StreamHandle& from, const StreamHandle& to);
  void for_codes(const std::string& name,
                 const std::function<void(const Expr&, const Expr&)>& body);
  void activate(const Expr& tiles, const CodeRows& x, const Weight& weight,
                const StreamHandle& sums, const StreamHandle& codes);
  void write(const Expr& tiles, const StreamHandle& sums, const Weight& weight);
  Expr of_channel(const std::string& process, const ArrayHandle& array, const Expr& channel);

  PerceptronShape shape_;
};

/// Everything of a tile side by side, a multiplier for each product; `packed`: two products to a
/// DSP.
Schedule perceptron_arrays(const KernelPtr& kernel, const PerceptronShape& shape, bool packed);

}  // namespace heddle::kernel
