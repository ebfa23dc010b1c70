#include "kernel/builder.h"

#include "base/error.h"
#include "kernel/buffer.h"
#include "kernel/made.h"
#include "kernel/rewrite.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

std::vector<Expr> as_indices(std::vector<Expr> list) {
  for (Expr& e : list) e = to_index(e);
  return list;
}

}  // namespace

Element::Element(KernelBuilder* builder, std::string array, Type type, std::vector<Expr> indices)
    : builder_(builder), array_(std::move(array)), type_(type), indices_(std::move(indices)) {}

Element::operator Expr() const {
  return load(array_, type_, indices_);
}

void Element::store(const Expr& value, std::optional<ReduceOp> reduce) {
  builder_->append(make_stmt(Store{array_, indices_, as_stored(type_, value), reduce}));
}

Element& Element::operator=(const Expr& value) {
  store(value, std::nullopt);
  return *this;
}

// Assigning an element to itself writes a statement like any other.
// NOLINTNEXTLINE(bugprone-unhandled-self-assignment)
Element& Element::operator=(const Element& value) {
  return *this = Expr(value);
}

Element& Element::operator+=(const Expr& value) {
  store(value, ReduceOp::kAdd);
  return *this;
}

Element& Element::operator*=(const Expr& value) {
  store(value, ReduceOp::kMul);
  return *this;
}

Element& Element::operator-=(const Expr& value) {
  return *this = Expr(*this) - value;
}

void Element::reduce_min(const Expr& value) {
  store(value, ReduceOp::kMin);
}
void Element::reduce_max(const Expr& value) {
  store(value, ReduceOp::kMax);
}

Element ArrayHandle::at(std::vector<Expr> indices) const {
  return {builder_, array_.name, array_.element, as_indices(std::move(indices))};
}

Window ArrayHandle::all() const {
  return slice({});
}

Window ArrayHandle::slice(std::vector<Expr> leading) const {
  Window window{array_.name, {}};
  for (std::size_t d = 0; d < array_.shape.size(); ++d) {
    const bool is_fixed = d < leading.size();
    window.dimensions.push_back({is_fixed ? to_index(leading[d]) : to_index(0), !is_fixed});
  }
  return window;
}

void StreamHandle::put(const std::vector<Expr>& channel, const Expr& value) const {
  builder_->append(
      make_stmt(Put{stream_.name, as_indices(channel), as_stored(stream_.element, value)}));
}

void StreamHandle::get(const std::vector<Expr>& channel, const Element& target) const {
  const Expr element = target;
  const auto* place = element.as<Load>();
  builder_->append(make_stmt(Get{stream_.name, as_indices(channel), place->array, place->indices}));
}

StreamArgument StreamHandle::channel(std::vector<Expr> indices) const {
  return {stream_.name, as_indices(std::move(indices))};
}

KernelBuilder::KernelBuilder(std::string name, std::string summary)
    : name_(std::move(name)), summary_(std::move(summary)), open_(1) {}

ArrayHandle KernelBuilder::parameter(const std::string& name, const Type& element,
                                     std::vector<Expr> shape, Direction direction) {
  Array array;
  array.name = fresh_name(name, names_);
  array.element = element;
  array.shape = as_indices(std::move(shape));
  parameters_.emplace_back(ArrayParameter{array, direction});
  return {this, std::move(array)};
}

ArrayHandle KernelBuilder::input(const std::string& name, const Type& element,
                                 std::vector<Expr> shape) {
  return parameter(name, element, std::move(shape), Direction::kIn);
}

ArrayHandle KernelBuilder::output(const std::string& name, const Type& element,
                                  std::vector<Expr> shape) {
  return parameter(name, element, std::move(shape), Direction::kOut);
}

ArrayHandle KernelBuilder::inout(const std::string& name, const Type& element,
                                 std::vector<Expr> shape) {
  return parameter(name, element, std::move(shape), Direction::kInOut);
}

Expr KernelBuilder::scalar_argument(const std::string& name, const Type& type) {
  const std::string fresh = fresh_name(name, names_);
  parameters_.emplace_back(ScalarParameter{fresh, type});
  return variable(fresh, type);
}

StreamHandle KernelBuilder::stream_parameter(const std::string& name, const Type& element,
                                             std::vector<Expr> channels, Direction direction) {
  Stream stream;
  stream.name = fresh_name(name, names_);
  stream.element = element;
  stream.shape = as_indices(std::move(channels));
  parameters_.emplace_back(StreamParameter{stream, direction});
  return {this, std::move(stream)};
}

StreamHandle KernelBuilder::stream_input(const std::string& name, const Type& element,
                                         std::vector<Expr> channels) {
  return stream_parameter(name, element, std::move(channels), Direction::kIn);
}

StreamHandle KernelBuilder::stream_output(const std::string& name, const Type& element,
                                          std::vector<Expr> channels) {
  return stream_parameter(name, element, std::move(channels), Direction::kOut);
}

ArrayHandle KernelBuilder::local(const std::string& name, const Type& element,
                                 std::vector<Expr> shape) {
  Array array;
  array.name = fresh_name(name, names_);
  array.element = element;
  array.shape = as_indices(std::move(shape));
  append(make_stmt(DeclareArray{array}));
  return {this, std::move(array)};
}

Element KernelBuilder::scalar(const std::string& name, const Type& element) {
  return local(name, element, {})();
}

ArrayHandle KernelBuilder::table(const std::string& name, const Type& element,
                                 const std::vector<std::int64_t>& shape,
                                 const std::vector<double>& values) {
  Array array;
  array.name = fresh_name(name, names_);
  array.element = element;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    array.shape.push_back(to_index(extent));
    count *= extent;
  }
  if (count != static_cast<std::int64_t>(values.size())) {
    throw UserError(fmt::format("table {}: {} values for {} elements", name, values.size(), count),
                    "give one value for each element");
  }
  array.table.reserve(values.size());
  Buffer nearest(element, {1});
  for (const double value : values) {
    nearest.set(0, value);
    const Scalar kept = nearest.get(0);
    array.table.push_back(element.is_float() ? constant(element, double{kept.real})
                                             : constant(element, kept.raw));
  }
  append(make_stmt(DeclareArray{array}));
  return {this, std::move(array)};
}

StreamHandle KernelBuilder::stream(const std::string& name, const Type& element, std::int64_t depth,
                                   std::vector<Expr> channels) {
  Stream stream{fresh_name(name, names_), element, as_indices(std::move(channels)), depth};
  append(make_stmt(DeclareStream{stream}));
  return {this, std::move(stream)};
}

void KernelBuilder::append(Stmt stmt) {
  open_.back().push_back(std::move(stmt));
}

Stmt KernelBuilder::collect(const std::function<void()>& body) {
  open_.emplace_back();
  body();
  Stmt collected = make_stmt(Block{});
  if (Stmt filled = block(std::move(open_.back()))) collected = std::move(filled);
  open_.pop_back();
  return collected;
}

void KernelBuilder::loop(const std::string& name, const Expr& lower, const Expr& upper,
                         const std::function<void(Expr)>& body) {
  const std::string counter = fresh_name(name, names_);
  Stmt inside = collect([&] { body(variable(counter, index_type())); });
  append(make_stmt(For{counter, to_index(lower), to_index(upper), {}, std::move(inside)}));
}

void KernelBuilder::when(const Expr& condition, const std::function<void()>& then,
                         const std::function<void()>& otherwise) {
  Stmt taken = collect(then);
  append(make_stmt(If{condition, std::move(taken), otherwise ? collect(otherwise) : nullptr}));
}

void KernelBuilder::call(KernelPtr callee,
                         std::vector<std::variant<Window, StreamArgument, Expr>> arguments) {
  for (std::size_t i = 0; i < arguments.size() && i < callee->parameters.size(); ++i) {
    const auto* scalar = std::get_if<ScalarParameter>(&callee->parameters[i]);
    auto* value = std::get_if<Expr>(&arguments[i]);
    if (scalar != nullptr && value != nullptr && value->as<Constant>() != nullptr) {
      *value = cast(scalar->type, *value);
    }
  }
  append(make_stmt(Call{std::move(callee), std::move(arguments)}));
}

void KernelBuilder::dataflow(
    const std::vector<std::pair<std::string, std::function<void()>>>& processes) {
  Dataflow region;
  for (const auto& [name, body] : processes) {
    std::string fresh = fresh_name(name, names_);
    region.processes.push_back({std::move(fresh), collect(body)});
  }
  append(make_stmt(std::move(region)));
}

KernelPtr KernelBuilder::build() const {
  ensure(open_.size() == 1, "build() inside of a loop's or branch's body");
  Stmt body = block(open_.front());
  Kernel kernel{name_, summary_, parameters_, body ? body : make_stmt(Block{}), std::nullopt};
  verify(kernel);
  return std::make_shared<const Kernel>(std::move(kernel));
}

}  // namespace heddle::kernel
