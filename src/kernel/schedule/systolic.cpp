// systolic: a reduction nest becomes a grid of processing elements.
//
// for r, c, t: out[r, c] += f(a[r, t], b[t, c]) turns into processes that meet in streams: feeders
// put the operands into the first column and row, each element takes its operands from the left and
// from above, hands them on to the right and downward, and keeps its sum; a drain stores the sums
// (Kung & Leiserson 1979, output stationary).
#include <map>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/place.h"
#include "kernel/schedule/processes.h"

namespace heddle::kernel {
namespace {

/// A load of the value, and how it travels through the grid.
struct Operand {
  Expr load;
  bool moves_right = false;  ///< the same for all columns: fed into the first one
  std::string stream;
  std::string value;  ///< the element's own copy
};

struct Grid {
  const For* rows = nullptr;
  const For* columns = nullptr;
  const For* time = nullptr;
  std::int64_t row_count = 0;
  std::int64_t column_count = 0;
  std::int64_t time_count = 0;
  const Store* update = nullptr;
  std::vector<Operand> operands;
};

[[noreturn]] void refuse_grid(const Kernel& kernel, const std::string& step, std::string reason,
                              const Stmt& place, std::string remedy) {
  refuse(kernel, {step, std::move(reason), {{place, "<-- here"}}, std::move(remedy)});
}

std::int64_t literal_trips(const Kernel& kernel, const std::string& step, const Stmt& loop) {
  const std::optional<std::int64_t> trips = trip_count(*as<For>(loop));
  if (!trips) {
    refuse_grid(kernel, step, fmt::format("loop {} has no literal trip count", as<For>(loop)->name),
                loop, "split it and make a grid of the inner loop");
  }
  return *trips;
}

Grid find_grid(const Kernel& kernel, const std::string& step, const Place& rows,
               const std::string& columns, const std::string& time) {
  Grid grid;
  grid.rows = as<For>(rows.statement);
  const Stmt second = grid.rows->body;
  grid.columns = as<For>(second);
  const Stmt third = grid.columns != nullptr ? grid.columns->body : nullptr;
  grid.time = as<For>(third);
  const bool is_nest =
      grid.time != nullptr && grid.columns->name == columns && grid.time->name == time;
  grid.update = is_nest ? as<Store>(grid.time->body) : nullptr;
  if (grid.update == nullptr || grid.update->reduce != ReduceOp::kAdd) {
    refuse_grid(kernel, step,
                fmt::format("{}, {}, {} are not three loops directly inside one another around one "
                            "statement with +=",
                            grid.rows->name, columns, time),
                rows.statement, "fission what else is inside, and reorder the loops to that order");
  }
  grid.row_count = literal_trips(kernel, step, rows.statement);
  grid.column_count = literal_trips(kernel, step, second);
  grid.time_count = literal_trips(kernel, step, third);
  const auto depends_on = [](const For* loop, const For* outer) {
    return mentions(loop->lower, outer->name) || mentions(loop->upper, outer->name);
  };
  if (depends_on(grid.columns, grid.rows) || depends_on(grid.time, grid.rows) ||
      depends_on(grid.time, grid.columns)) {
    refuse_grid(kernel, step, "the bounds of one loop depend on another", rows.statement,
                "a grid needs the same number of steps everywhere");
  }
  return grid;
}

bool mentions_any(const std::vector<Expr>& list, const For* loop) {
  for (const Expr& e : list) {
    if (mentions(e, loop->name)) return true;
  }
  return false;
}

/// Each element of the grid has its own sum: one subscript is the row plus something fixed, another
/// the column, and none moves with time.
void check_sums(const Kernel& kernel, const std::string& step, const Grid& grid,
                const Stmt& place) {
  bool has_row = false;
  bool has_column = false;
  for (const Expr& index : grid.update->indices) {
    const auto is_just = [&](const For* loop) {
      const Expr rest = to_expr(linear_form(index - variable(loop->name, index_type())));
      return !mentions(rest, grid.rows->name) && !mentions(rest, grid.columns->name) &&
             loaded_arrays(rest).empty();
    };
    has_row = has_row || is_just(grid.rows);
    has_column = has_column || is_just(grid.columns);
  }
  if (!has_row || !has_column || mentions_any(grid.update->indices, grid.time)) {
    refuse_grid(kernel, step,
                fmt::format("{} does not have one sum for each {} and {}", grid.update->array,
                            grid.rows->name, grid.columns->name),
                place, "write sum[row, column] += ..., with time in neither subscript");
  }
}

void find_operands(const Kernel& kernel, const std::string& step, const Stmt& place, Grid& grid,
                   std::set<std::string>& taken) {
  for_each(grid.update->value, [&](const Expr& e) {
    const auto* access = e.as<Load>();
    if (access == nullptr) return;
    for (const Operand& known : grid.operands) {
      if (equal(known.load, e)) return;
    }
    const bool by_row = mentions_any(access->indices, grid.rows);
    const bool by_column = mentions_any(access->indices, grid.columns);
    if ((by_row && by_column) || access->array == grid.update->array) {
      refuse_grid(
          kernel, step,
          fmt::format("`{}` is another one in each row and each column, so no neighbour can "
                      "hand it on",
                      to_string(e)),
          place, "every operand is the same along a row or along a column");
    }
    grid.operands.push_back({e, !by_column, fresh_name(access->array + "_stream", taken),
                             fresh_name(access->array + "_value", taken)});
  });
  for (const Operand& operand : grid.operands) {
    for (const std::string& array : loaded_arrays(operand.load)) {
      if (array == grid.update->array) {
        refuse_grid(kernel, step, fmt::format("`{}` reads the sums", to_string(operand.load)),
                    place, "operands come from other arrays");
      }
    }
  }
}

Expr counter(const std::string& name) {
  return variable(name, index_type());
}

Stmt loop_over(const std::string& name, std::int64_t count, Stmt body) {
  return make_stmt(For{name, to_index(0), to_index(count), {}, std::move(body)});
}

Stmt scalar_local(const std::string& name, const Type& element) {
  Array array;
  array.name = name;
  array.element = element;
  array.storage = Storage::kRegister;
  return make_stmt(DeclareArray{std::move(array)});
}

/// The loads of `operand` for a row or column counter `lane` and the time counter `step`.
Stmt feeder(const Grid& grid, const Operand& operand, std::set<std::string>& taken) {
  const For* lanes = operand.moves_right ? grid.rows : grid.columns;
  const std::string step = fresh_name(grid.time->name, taken);
  const std::string lane = fresh_name(lanes->name, taken);
  const Expr value = substitute(operand.load, {{grid.time->name, grid.time->lower + counter(step)},
                                               {lanes->name, lanes->lower + counter(lane)}});
  std::vector<Expr> channel = {to_index(0), to_index(0)};
  channel[operand.moves_right ? 0 : 1] = counter(lane);
  return loop_over(step, grid.time_count,
                   loop_over(lane, operand.moves_right ? grid.row_count : grid.column_count,
                             make_stmt(Put{operand.stream, std::move(channel), value})));
}

/// What the element at (row, column) does.
Stmt element(const Grid& grid, const Type& sum_type, const std::string& first_sums,
             const std::string& sums, std::set<std::string>& taken) {
  const std::string number = fresh_name("element", taken);
  const std::string step = fresh_name(grid.time->name, taken);
  const std::string sum = fresh_name(grid.update->array + "_sum", taken);
  const Expr row = counter(number) / to_index(grid.column_count);
  const Expr column = counter(number) % to_index(grid.column_count);

  std::vector<Stmt> body;
  Expr value = substitute(grid.update->value, {{grid.time->name, grid.time->lower + counter(step)},
                                               {grid.rows->name, grid.rows->lower + row},
                                               {grid.columns->name, grid.columns->lower + column}});
  for (const Operand& operand : grid.operands) {
    body.push_back(scalar_local(operand.value, operand.load.type()));
    body.push_back(make_stmt(Get{operand.stream, {row, column}, operand.value, {}}));
  }
  // The operands' loads, as they look after the counters were exchanged.
  for (const Operand& operand : grid.operands) {
    const Expr old = substitute(operand.load, {{grid.time->name, grid.time->lower + counter(step)},
                                               {grid.rows->name, grid.rows->lower + row},
                                               {grid.columns->name, grid.columns->lower + column}});
    value = transform(value, [&](const Expr& part) {
      return equal(part, old) ? load(operand.value, part.type(), {}) : part;
    });
  }
  body.push_back(make_stmt(Store{sum, {}, value, ReduceOp::kAdd}));
  for (const Operand& operand : grid.operands) {
    const Expr next = (operand.moves_right ? column : row) + to_index(1);
    const std::int64_t end = operand.moves_right ? grid.column_count : grid.row_count;
    std::vector<Expr> channel =
        operand.moves_right ? std::vector<Expr>{row, next} : std::vector<Expr>{next, column};
    Stmt pass_on = make_stmt(
        Put{operand.stream, std::move(channel), load(operand.value, operand.load.type(), {})});
    if (end > 1) body.push_back(make_stmt(If{next < to_index(end), std::move(pass_on), nullptr}));
  }
  Stmt all =
      block({scalar_local(sum, sum_type),
             make_stmt(Store{sum, {}, load(first_sums, sum_type, {row, column}), std::nullopt}),
             loop_over(step, grid.time_count, block(std::move(body))),
             make_stmt(Put{sums, {row, column}, load(sum, sum_type, {})})});
  LoopMarks side_by_side;
  side_by_side.unroll = true;
  return make_stmt(For{number, to_index(0), to_index(grid.row_count * grid.column_count),
                       side_by_side, std::move(all)});
}

/// for row, column: `body` of the subscripts of the sum there.
template <typename Body>
Stmt over_sums(const Grid& grid, std::set<std::string>& taken, const Body& body) {
  const std::string row = fresh_name(grid.rows->name, taken);
  const std::string column = fresh_name(grid.columns->name, taken);
  std::vector<Expr> indices;
  indices.reserve(grid.update->indices.size());
  for (const Expr& index : grid.update->indices) {
    indices.push_back(
        substitute(index, {{grid.rows->name, grid.rows->lower + counter(row)},
                           {grid.columns->name, grid.columns->lower + counter(column)}}));
  }
  return loop_over(
      row, grid.row_count,
      loop_over(column, grid.column_count, body(counter(row), counter(column), indices)));
}

}  // namespace

Kernel systolic(const Kernel& kernel, const std::string& rows, const std::string& columns,
                const std::string& time) {
  const std::string step = fmt::format("systolic {} {} {}", rows, columns, time);
  const Place place = find_loop(kernel, rows);
  std::set<std::string> taken = names_in(kernel);
  Grid grid = find_grid(kernel, step, place, columns, time);
  check_sums(kernel, step, grid, place.statement);
  find_operands(kernel, step, place.statement, grid, taken);

  const Array& sum = require_array(kernel, grid.update->array);
  const std::vector<Expr> shape = {to_index(grid.row_count), to_index(grid.column_count)};
  Array first;
  first.name = fresh_name(sum.name + "_first", taken);
  first.element = sum.element;
  first.shape = shape;
  first.storage = Storage::kRegister;
  const std::string sums = fresh_name(sum.name + "_stream", taken);

  std::vector<Stmt> statements = {
      make_stmt(DeclareArray{first}),
      over_sums(grid, taken, [&](const Expr& row, const Expr& column, const std::vector<Expr>& at) {
        return make_stmt(
            Store{first.name, {row, column}, load(sum.name, sum.element, at), std::nullopt});
      })};
  Dataflow region;
  for (const Operand& operand : grid.operands) {
    statements.push_back(make_stmt(DeclareStream{{operand.stream, operand.load.type(), shape, 2}}));
    region.processes.push_back(
        {fresh_name("feed_" + operand.stream, taken), feeder(grid, operand, taken)});
  }
  statements.push_back(make_stmt(DeclareStream{{sums, sum.element, shape, 2}}));
  region.processes.push_back(
      {fresh_name("grid", taken), element(grid, sum.element, first.name, sums, taken)});

  const std::string result_name = fresh_name(sum.name + "_value", taken);
  region.processes.push_back(
      {fresh_name("drain", taken),
       over_sums(grid, taken,
                 [&](const Expr& row, const Expr& column, const std::vector<Expr>& at) {
                   return block({scalar_local(result_name, sum.element),
                                 make_stmt(Get{sums, {row, column}, result_name, {}}),
                                 make_stmt(Store{sum.name, at, load(result_name, sum.element, {}),
                                                 std::nullopt})});
                 })});
  statements.push_back(make_stmt(std::move(region)));
  return exchange(kernel, place.statement, statements);
}

}  // namespace heddle::kernel
