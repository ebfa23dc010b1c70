// Walking over kernels and rebuilding them: what passes, analyses and back ends share.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// The operands of one expression node, in order of evaluation.
std::vector<Expr> operands(const Expr& e);
/// Calls `visit` for e and everything inside it, outermost first.
void for_each(const Expr& e, const std::function<void(const Expr&)>& visit);
/// Rebuilds e from the inside out: `change` sees each node with its operands already changed. Node
/// types are kept as they are, so `change` must keep the type of what it replaces.
Expr transform(const Expr& e, const std::function<Expr(const Expr&)>& change);
/// e with variables replaced by expressions of the same type.
Expr substitute(const Expr& e, const std::map<std::string, Expr>& values);
/// Whether the variable occurs in e.
bool mentions(const Expr& e, const std::string& variable);
/// The names of the variables, and of the arrays that are loaded, in e.
std::set<std::string> variables(const Expr& e);
std::set<std::string> loaded_arrays(const Expr& e);

/// The statements directly inside one statement (a Dataflow's processes included).
std::vector<Stmt> children(const Stmt& stmt);
/// The expressions that belong to the statement itself, not to those inside it: bounds, condition,
/// subscripts, value, channel, bases, scalar arguments.
std::vector<Expr> own_expressions(const Stmt& stmt);
/// Calls `visit` for stmt and everything inside it, outermost first, in the order of the text.
void for_each(const Stmt& stmt, const std::function<void(const Stmt&)>& visit);
/// Calls `visit` for every expression (outermost nodes) of stmt and everything inside it.
void for_each_expression(const Stmt& stmt, const std::function<void(const Expr&)>& visit);
/// Rebuilds a statement tree from the inside out. `on_expr` changes each outermost expression,
/// `on_stmt` sees each statement with its parts already changed and returns its replacement, or
/// null to remove it. Either may be empty. Blocks inside blocks are merged; a loop whose body goes
/// goes.
Stmt transform(const Stmt& stmt, const std::function<Stmt(const Stmt&)>& on_stmt,
               const std::function<Expr(const Expr&)>& on_expr = {});
/// Loop counters and scalars replaced by expressions, everywhere in stmt.
Stmt substitute(const Stmt& stmt, const std::map<std::string, Expr>& values);
/// Loops, arrays, streams and variables renamed, declarations and uses alike.
Stmt rename(const Stmt& stmt, const std::map<std::string, std::string>& names);

/// One statement or a Block of several; nested blocks are merged.
Stmt block(std::vector<Stmt> statements);
/// The statements of a Block, or the statement alone; empty for null.
std::vector<Stmt> statements_of(const Stmt& stmt);

/// Of an array or a stream.
bool is_declaration(const Stmt& stmt);

/// Every name that a kernel's parameters, loops, arrays, streams and processes use.
std::set<std::string> names_in(const Kernel& kernel);
std::set<std::string> names_in(const Stmt& stmt);
/// `wanted`, or wanted_1, wanted_2, ...: the first that is not taken; adds it to `taken`.
std::string fresh_name(const std::string& wanted, std::set<std::string>& taken);

/// Whether two parameters of the callee may reach one element that one of them writes: two windows
/// of one array, wherever they lie.
bool shares_written_array(const Call& call);

/// The array or stream of that name among parameters and declarations; null if there is none. The
/// pointer lives as long as the kernel.
const Array* find_array(const Kernel& kernel, const std::string& name);
const Stream* find_stream(const Kernel& kernel, const std::string& name);
/// A copy of the kernel with that array's declaration replaced.
Kernel with_array(const Kernel& kernel, const std::string& name, const Array& array);

}  // namespace heddle::kernel
