#include "kernel/codegen/hls/module.h"

#include <fmt/ranges.h>

#include <functional>

#include "kernel/codegen/hls/names.h"
#include "kernel/codegen/hls/pragmas.h"
#include "kernel/codegen/hls/types.h"
#include "kernel/codegen/hls/writer.h"
#include "kernel/codegen/lines.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

/// The Functions and called kernels of a kernel, each once, those that others use first.
class Collection {
 public:
  explicit Collection(const Kernel& kernel) { add(kernel); }

  [[nodiscard]] const std::vector<const Function*>& functions() const { return functions_; }
  [[nodiscard]] const std::vector<const Kernel*>& kernels() const { return kernels_; }

 private:
  void add(const Kernel& kernel) {
    if (!kernel_names_.insert(kernel.name).second) return;
    for_each(kernel.body, [&](const Stmt& stmt) {
      if (const auto* call = as<Call>(stmt)) add(*call->callee);
    });
    for_each_expression(kernel.body, [&](const Expr& e) { add(e); });
    kernels_.push_back(&kernel);
  }
  void add(const Expr& root) {
    for_each(root, [&](const Expr& e) {
      if (const auto* apply = e.as<Apply>()) add(*apply->function);
    });
  }
  void add(const Function& function) {
    if (!function_names_.insert(function.name).second) return;
    for (const Function::Binding& binding : function.bindings) add(binding.value);
    add(function.result);
    functions_.push_back(&function);
  }

  std::vector<const Function*> functions_;
  std::vector<const Kernel*> kernels_;
  std::set<std::string> function_names_;
  std::set<std::string> kernel_names_;
};

void reserve_names(const Kernel& top, const Collection& all, Program& program) {
  const std::string top_name = function_name(top.name, program.names);
  for (const Function* function : all.functions()) {
    program.scalar_functions[function->name] = function_name(function->name, program.names);
  }
  for (const Kernel* kernel : all.kernels()) {
    program.kernels[kernel->name] =
        kernel == &top ? top_name : function_name(kernel->name, program.names);
  }
  for (const Kernel* kernel : all.kernels()) program.local_names.merge(names_in(*kernel));
}

std::string scalar_function(const Function& function, const Program& program) {
  Scope scope;
  scope.functions = &program.scalar_functions;
  std::set<std::string> taken = program.names;
  std::vector<std::string> parameters;
  for (const Function::Parameter& parameter : function.parameters) {
    const std::string name = local_name(parameter.name, taken);
    parameters.push_back(cpp_type(parameter.type) + " " + name);
    scope.variables[parameter.name] = {name, parameter.type};
  }
  std::string body = "#pragma HLS INLINE\n";
  for (const Function::Binding& binding : function.bindings) {
    const Type& type = binding.value.type();
    const std::string name = local_name(binding.name, taken);
    body += wrap_line(fmt::format("const {} {} = {};", cpp_type(type), name,
                                  ExpressionPrinter(scope).value(type, binding.value)),
                      2, kColumns);
    scope.variables[binding.name] = {name, type};
  }
  const Type& type = function.result.type();
  body +=
      wrap_line(fmt::format("return {};", ExpressionPrinter(scope).value(type, function.result)), 2,
                kColumns);
  const std::string& name = program.scalar_functions.at(function.name);
  return function_text("", fmt::format("static {} {}", cpp_type(type), name), parameters, body);
}

/// The top function's parameters, and what they are inside of it.
class Ports {
 public:
  Ports(const Kernel& kernel, const KernelNames& names) {
    for (const Parameter& parameter : kernel.parameters) {
      const std::string& name = names.of.at(name_of(parameter));
      if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
        add(*array, name);
      } else if (const auto* stream = std::get_if<StreamParameter>(&parameter)) {
        const StreamView view = stream_view(stream->stream, name);
        ports.push_back(
            {Port::Kind::kStream, name, view.parameter(), "", cpp_type(view.element), "", {}});
        scope.streams[stream->stream.name] = view;
      } else {
        const auto& scalar = std::get<ScalarParameter>(parameter);
        const std::string type = cpp_type(scalar.type);
        ports.push_back(
            {Port::Kind::kScalar, name, fmt::format("{} {}", type, name), "", type, "", {}});
        scope.variables[scalar.name] = {name, scalar.type};
      }
    }
  }

  std::vector<Port> ports;
  Scope scope;

 private:
  void add(const ArrayParameter& parameter, const std::string& name) {
    const Array& array = parameter.array;
    const bool is_input = parameter.direction == Direction::kIn;
    const ArrayView view = top_view(array, name);
    Port port{is_global(array) ? Port::Kind::kMemory : Port::Kind::kOnChip,
              name,
              view.parameter(is_input),
              "",
              view.element_type(),
              "",
              array.bank};
    port.pointer = fmt::format("{}{} ", is_input ? "const " : "", port.type);
    if (view.dimensions.size() > 1) {
      port.pointer += "(*)";
      for (std::size_t d = 1; d < view.dimensions.size(); ++d) {
        port.pointer += "[" + view.dimensions[d].extent + "]";
      }
    } else {
      port.pointer += "*";
    }
    if (port.kind == Port::Kind::kMemory) port.bundle = bundle(array.bank);
    ports.push_back(port);
    scope.arrays[array.name] = view;
  }

  /// One AXI port for each bank, and for each array without one.
  std::string bundle(std::optional<int> bank) {
    if (bank) {
      const auto known = bundles_.find(*bank);
      if (known != bundles_.end()) return known->second;
    }
    std::string name = fmt::format("gmem{}", count_++);
    if (bank) bundles_.emplace(*bank, name);
    return name;
  }

  std::map<int, std::string> bundles_;
  int count_ = 0;
};

}  // namespace

std::string Module::prototype() const {
  std::vector<std::string> declarations;
  declarations.reserve(ports.size());
  for (const Port& port : ports) declarations.push_back(port.declaration);
  return fmt::format("void {}({})", top, fmt::join(declarations, ", "));
}

Module make_module(const Kernel& kernel) {
  Program program;
  const Collection all(kernel);
  reserve_names(kernel, all, program);
  for (const Function* function : all.functions()) {
    program.functions.push_back(scalar_function(*function, program));
  }
  Module module;
  module.top = program.kernels.at(kernel.name);
  program.kernels.erase(kernel.name);

  KernelNames names(kernel, program);
  Ports ports(kernel, names);
  ports.scope.functions = &program.scalar_functions;
  Writer writer(program, names, kernel, ports.scope);
  std::vector<std::string> declarations;
  for (std::size_t i = 0; i < ports.ports.size(); ++i) {
    const auto view = ports.scope.arrays.find(name_of(kernel.parameters[i]));
    const ArrayView* array = view == ports.scope.arrays.end() ? nullptr : &view->second;
    for (const std::string& line : port_pragmas(kernel.parameters[i], ports.ports[i], array)) {
      writer.pragma(line);
    }
    declarations.push_back(ports.ports[i].declaration);
  }
  writer.pragma("#pragma HLS INTERFACE s_axilite port=return");
  writer.body(kernel.body);
  program.functions.push_back(
      function_text(kernel.summary, "void " + module.top, declarations, writer.text()));
  module.code = fmt::format("{}", fmt::join(program.functions, "\n"));
  module.ports = std::move(ports.ports);
  return module;
}

}  // namespace heddle::kernel::hls
