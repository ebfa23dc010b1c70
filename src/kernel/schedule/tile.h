// A local array that stands for a box of another one: what stage and reuse_at make.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "kernel/schedule/arrays.h"
#include "kernel/schedule/box.h"

namespace heddle::kernel {

/// The box's elements as a local array. Dimensions of one element are dropped, unless a call's
/// window spans them.
class Tile {
 public:
  Tile(const Array& array, Box box, const std::string& name, const std::vector<Access>& touches);

  [[nodiscard]] const Box& box() const { return box_; }
  /// The local array; storage and partition are the caller's to set.
  Array& local() { return local_; }
  /// The dimension of the local array that is dimension d of the source, which is kept.
  [[nodiscard]] std::size_t local_dimension(std::size_t d) const;

  /// The statement with the source's accesses turned into the tile's; `ranges` are those of the
  /// counters in and around it.
  [[nodiscard]] Stmt redirected(const Stmt& stmt, const Ranges& ranges) const;

  /// An element of the box, as subscripts of both arrays.
  struct Element {
    std::vector<Expr> source;
    std::vector<Expr> local;
  };
  [[nodiscard]] Stmt read(const Element& element) const;   ///< tile = source
  [[nodiscard]] Stmt write(const Element& element) const;  ///< source = tile

  /// Which positions of a dimension of the box a nest visits.
  struct Span {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  [[nodiscard]] std::vector<Span> all() const;
  /// Whether the visited part of the box may cross the ends of the source's dimension at that
  /// place.
  struct Crossing {
    bool below = false;
    bool above = false;
  };
  [[nodiscard]] std::vector<Crossing> crossings(const Access& place,
                                                const std::vector<Span>& visited) const;
  /// Whether the index lies within dimension d, as far as that needs to be asked; may be null.
  [[nodiscard]] Expr condition(const Crossing& crossing, std::size_t d, const Expr& index) const;

  using Visit = std::function<Stmt(const Element&)>;
  using Condition = std::function<Expr(std::size_t d, const Expr& index)>;
  /// Visits positions, the last dimension innermost, where `condition` (of each dimension; null
  /// results hold) does. Its loops are called by the prefix and r, c, ... for the dimensions.
  [[nodiscard]] Stmt nest(const std::string& prefix, const std::vector<Span>& spans,
                          std::set<std::string>& taken, const Visit& visit,
                          const Condition& condition = {}) const;

 private:
  [[nodiscard]] std::vector<Expr> local_indices(const std::vector<Expr>& indices,
                                                const Ranges& ranges) const;
  [[nodiscard]] Window local_window(const Window& window, const Ranges& ranges) const;
  [[nodiscard]] std::string dimension_name(std::size_t d) const;

  Array source_;
  Box box_;
  Array local_;
  std::vector<bool> kept_;
};

}  // namespace heddle::kernel
