// The rules that every kernel obeys.
#pragma once

#include <optional>
#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

/// How deep expressions, and how deep statements, may stand inside one another.
constexpr int kMaxNesting = 256;
/// How long a chain of calls may be, of functions or of kernels.
constexpr int kMaxCallDepth = 64;
/// The most iterations of an unrolled loop.
constexpr std::int64_t kMaxUnrolled = 65536;

/// Throws UserError, with the statement in question in its message, unless:
/// - names are identifiers and not words of the language; each is declared once, before use and in
///   scope; a kernel's functions and callees (and theirs) have names of their own;
/// - every expression is one that the makers of expr.h build (or was before literals took the place
///   of variables), and literals are within their types;
/// - subscripts and channels are as many as dimensions, of type index; bounds are index, conditions
///   bool;
/// - elements have at most kMaxElementWidth bits; extents are made of literals and scalar
///   arguments, those that are literals positive; stream depths are positive; a table has one
///   literal of the element type for each element;
/// - stored and put values convert to the element: bool from bool; fixed-point and integers from
///   each other; integers and index from each other; floats from each other and from integer
///   literals (all else needs a cast); what is got has the element's type, modes aside;
/// - inputs and tables are not written, out parameters are; out streams are not read, in streams
/// not
///   written, and a local stream has a writer and a reader;
/// - an unrolled loop has a literal trip count of at most kMaxUnrolled; a pipelined one (in 1 or
/// more
///   cycles) holds only loops with literal trip counts;
/// - a partition has one entry per dimension, with a factor within a literal extent, and not on
///   global memory (where arrays that are arguments lie unless they say otherwise); a bank is given
///   for global memory only; lanes divide the last extent if it is a literal;
/// - a call's arguments match the callee's parameters in number, kind, element type and rank; a
///   kernel does not call itself;
/// - in a Dataflow each stream channel is written by one process and read by one later process; an
///   array is written by at most one process and read by that one and later ones. Iterations of an
///   unrolled process may write an array if its counters keep their elements apart;
/// - nothing is nested deeper than kMaxNesting, no calls deeper than kMaxCallDepth.
void verify(const Kernel& kernel);

/// A broken rule.
struct Violation {
  std::string problem;
  std::string remedy;
  const StmtNode* statement = nullptr;  ///< where; null for the kernel as a whole
};
/// The first rule that the kernel, or one that it calls, breaks.
std::optional<Violation> find_violation(const Kernel& kernel);
std::optional<Violation> find_violation(const Function& function);

}  // namespace heddle::kernel
