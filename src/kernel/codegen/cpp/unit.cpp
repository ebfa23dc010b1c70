#include "kernel/codegen/cpp/unit.h"

#include <array>
#include <map>

#include "base/error.h"
#include "kernel/codegen/cpp/body.h"
#include "kernel/codegen/cpp/prelude.h"

namespace heddle::kernel::native {
namespace {

/// Whether this processor has a feature, by the name that __builtin_cpu_supports knows. It takes
/// literals only.
bool processor_has(const std::string& feature) {
  if (feature.empty()) return true;
#if defined(__x86_64__)
  struct Known {
    std::string_view name;
    bool is_here;
  };
  const std::array known = std::to_array<Known>({
      {"sse4.1", __builtin_cpu_supports("sse4.1") != 0},
      {"sse4.2", __builtin_cpu_supports("sse4.2") != 0},
      {"avx", __builtin_cpu_supports("avx") != 0},
      {"avx2", __builtin_cpu_supports("avx2") != 0},
      {"fma", __builtin_cpu_supports("fma") != 0},
      {"avx512f", __builtin_cpu_supports("avx512f") != 0},
      {"avx512bw", __builtin_cpu_supports("avx512bw") != 0},
      {"avx512dq", __builtin_cpu_supports("avx512dq") != 0},
      {"avx512vl", __builtin_cpu_supports("avx512vl") != 0},
      {"avx512cd", __builtin_cpu_supports("avx512cd") != 0},
      {"avx512vbmi", __builtin_cpu_supports("avx512vbmi") != 0},
      {"avx512vnni", __builtin_cpu_supports("avx512vnni") != 0},
      {"avx512bf16", __builtin_cpu_supports("avx512bf16") != 0},
  });
  for (const Known& entry : known) {
    if (entry.name == feature) return entry.is_here;
  }
#endif
  return false;
}

std::string parameter_name(const Kernel& kernel, const std::string& wanted, bool is_native,
                           std::set<std::string>& taken) {
  // Native text names its parameters as they are.
  if (!is_native) return identifier(wanted, taken);
  ensure(taken.insert(wanted).second || wanted == "run", "instruction {} has two parameters {}",
         kernel.name, wanted);
  return wanted;
}

}  // namespace

ParameterText declare_parameters(Unit& unit, const Kernel& kernel, const CallShape& shape,
                                 Scope& scope) {
  ParameterText text;
  std::size_t next = 0;
  const bool is_native = unit.uses_native_text(kernel);
  const auto add = [&](const std::string& parameter) {
    text.list += (text.list.empty() ? "" : ", ") + parameter;
  };
  const auto add_view = [&](const std::string& name, const Type& element, const std::string& type,
                            bool is_const) {
    View view{parameter_name(kernel, name, is_native, scope.taken), element, {}, false, is_const};
    add(fmt::format("{}{}*{} {}", is_const ? "const " : "", type,
                    shape.is_restrict ? " __restrict" : "", view.name));
    const auto& known = shape.strides.at(next++);
    for (std::size_t i = 0; i < known.size(); ++i) {
      const std::string stride =
          parameter_name(kernel, fmt::format("{}_stride{}", view.name, i), is_native, scope.taken);
      view.strides.push_back({known[i], stride});
      if (!known[i]) {
        add("std::int64_t " + stride);
      } else if (is_native) {
        text.baked += fmt::format("  constexpr std::int64_t {} = {};\n", stride, *known[i]);
      }
    }
    return view;
  };
  for (const Parameter& parameter : kernel.parameters) {
    if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
      const Array& a = array->array;
      scope.arrays[a.name] =
          add_view(a.name, a.element, memory_type(a.element), array->direction == Direction::kIn);
      for (const Expr& extent : a.shape) {
        if (const auto* size = extent.as<Variable>()) {
          scope.ranges[size->name] = {0, Int128{1} << 40};  // As check_arguments() sees to.
        }
      }
    } else if (const auto* stream = std::get_if<StreamParameter>(&parameter)) {
      const Stream& s = stream->stream;
      const std::string type = fmt::format("{}<{}>", unit.helper("Queue"), memory_type(s.element));
      scope.streams[s.name] = add_view(s.name, s.element, type, false);
    } else {
      const auto& scalar = std::get<ScalarParameter>(parameter);
      const Carrier carrier = carrier_of(scalar.type);
      const std::string name = parameter_name(kernel, scalar.name, is_native, scope.taken);
      add(fmt::format("{} {}", cpp_name(carrier), name));
      scope.numbers[scalar.name] = {name, carrier};
    }
  }
  return text;
}

std::string Unit::helper(const std::string& name) {
  helpers_.insert(name);
  return "heddle::" + name;
}

bool Unit::uses_native_text(const Kernel& kernel) const {
  if (!options_.intrinsics || !kernel.intrinsic || kernel.intrinsic->native.empty()) return false;
  for (const std::string& feature : kernel.intrinsic->features) {
    if (!processor_has(feature)) return false;
  }
  return true;
}

std::string Unit::function(const Function& function) {
  if (const auto known = functions_.find(&function); known != functions_.end()) {
    return "kernels::" + known->second;
  }
  BodyWriter body(*this, function.name, {});
  Scope& scope = body.scope();
  std::string parameters;
  for (const Function::Parameter& parameter : function.parameters) {
    const Carrier carrier = carrier_of(parameter.type);
    const std::string name = identifier(parameter.name, scope.taken);
    parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ", cpp_name(carrier), name);
    scope.numbers[parameter.name] = {name, carrier};
  }
  for (const Function::Binding& binding : function.bindings) {
    const Value value = body.expressions().exact(binding.value);
    const std::string name = identifier(binding.name, scope.taken);
    body.line(fmt::format("const {} {} = {};", cpp_name(value.carrier), name, bare(value.text)));
    scope.numbers[binding.name] = {name, value.carrier};
  }
  const Value result = body.expressions().exact(function.result);
  body.line(fmt::format("return {};", bare(result.text)));
  const std::string rest = fmt::format("({}) {{\n{}}}\n", parameters, body.text());
  // Two kernels may hold a function of the same name: the same one, or another.
  std::string& known = function_names_[function.name + rest];
  if (known.empty()) {
    known = name(function.name);
    add(fmt::format("__attribute__((always_inline)) static inline {} {}{}",
                    cpp_name(result.carrier), known, rest));
  }
  functions_[&function] = known;
  return "kernels::" + known;
}

const KernelFunction& Unit::kernel(const Kernel& kernel, const CallShape& shape) {
  auto& written = kernels_[kernel.name];
  for (const auto& known : written) {
    if (known->shape == shape && (known->kernel == &kernel || equal(*known->kernel, kernel))) {
      return known->function;
    }
  }
  const std::string function_name = name(kernel.name);
  BodyWriter body(*this, function_name, shape);
  ParameterText parameters = declare_parameters(*this, kernel, shape, body.scope());
  const bool is_native = uses_native_text(kernel);
  std::string text;
  if (is_native && kernel.intrinsic) {
    const std::string& native = kernel.intrinsic->native;
    text = parameters.baked + native + (native.ends_with('\n') ? "" : "\n");
    if (native.find("_mm") != std::string::npos || native.find("__m") != std::string::npos) {
      need_header("immintrin.h");
    }
  } else {
    body.statement(kernel.body);
    text = body.text();
  }
  if (body.needs_run()) {
    parameters.list =
        "heddle::Run* " + body.run_name() + (parameters.list.empty() ? "" : ", " + parameters.list);
  }
  const bool is_instruction = kernel.intrinsic.has_value();
  add(fmt::format("{}{}static inline void {}({}) {{\n{}}}\n",
                  kernel.summary.empty() ? "" : "// " + kernel.summary + "\n",
                  is_instruction ? "__attribute__((always_inline)) " : "", function_name,
                  parameters.list, text));
  auto& entry = kernels_[kernel.name].emplace_back(std::make_unique<Written>());
  *entry = {&kernel, shape, {function_name, body.needs_run()}};
  return entry->function;
}

void Unit::add_entry(const Kernel& kernel, std::size_t number) {
  helper("Run");
  CallShape shape{{}, true, options_.threads != 1};
  BodyWriter body(*this, "entry", shape);
  body.scope().taken.insert("arguments");
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    const auto* scalar = std::get_if<ScalarParameter>(&kernel.parameters[i]);
    if (scalar == nullptr) continue;
    const Carrier carrier = carrier_of(scalar->type);
    const std::string name = identifier(scalar->name, body.scope().taken);
    body.scope().numbers[scalar->name] = {name, carrier};
    body.line(fmt::format("const {0} {1} = *static_cast<const {0}*>(arguments[{2}]);",
                          cpp_name(carrier), name, i));
  }
  const std::string scalars = body.text();
  BodyWriter strides_of(*this, "entry", shape);
  strides_of.scope() = body.scope();
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
    if (array == nullptr) {
      const auto* scalar = std::get_if<ScalarParameter>(&kernel.parameters[i]);
      if (scalar == nullptr) {
        throw UserError(fmt::format("kernel {} has the stream parameter {}", kernel.name,
                                    name_of(kernel.parameters[i])),
                        "run a kernel that calls it and owns the stream");
      }
      arguments.push_back(body.scope().numbers.at(scalar->name).name);
      continue;
    }
    const Array& a = array->array;
    arguments.push_back(fmt::format("static_cast<{}{}*>(arguments[{}])",
                                    array->direction == Direction::kIn ? "const " : "",
                                    memory_type(a.element), i));
    auto& known = shape.strides.emplace_back();
    for (const Stride& stride : strides_of.dense_strides(a.name, a.shape)) {
      known.push_back(stride.literal);
      if (!stride.literal) arguments.push_back(stride.text);
    }
  }
  const KernelFunction& top = this->kernel(kernel, shape);
  if (top.needs_run) arguments.insert(arguments.begin(), "run");
  entries_ += fmt::format(
      "extern \"C\" void heddle_run_{}(void* const* arguments, heddle::Run* run) {{\n{}{}"
      "  kernels::{}({});\n}}\n",
      number, scalars, strides_of.text(), top.name, fmt::join(arguments, ", "));
}

std::string Unit::text() const {
  std::string result = "#include <cstdint>\n";
  for (const std::string& header : headers_) result += fmt::format("#include <{}>\n", header);
  result +=
      "#if defined(__clang__)\n"
      "#define HEDDLE_UNROLL(count) _Pragma(\"clang loop unroll(full)\")\n"
      "#define HEDDLE_NO_VECTORS _Pragma(\"clang loop vectorize(disable)\")\n"
      "#else\n"
      "#define HEDDLE_PRAGMA(text) _Pragma(#text)\n"
      "#define HEDDLE_UNROLL(count) HEDDLE_PRAGMA(GCC unroll count)\n"
      "#define HEDDLE_NO_VECTORS\n"
      "#endif\n\n";
  result += prelude_text(helpers_) + "namespace kernels {\n\n";
  for (const std::string& text : texts_) result += text + "\n";
  return result + "}  // namespace kernels\n\n" + entries_;
}

}  // namespace heddle::kernel::native

namespace heddle::kernel {

std::string emit_cpp(std::span<const KernelPtr> kernels, const NativeOptions& options) {
  native::Unit unit(options);
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    ensure(kernels[i] != nullptr, "emit_cpp(): kernel {} is null", i);
    unit.add_entry(*kernels[i], i);
  }
  return unit.text();
}

}  // namespace heddle::kernel
