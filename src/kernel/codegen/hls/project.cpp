#include "kernel/codegen/hls/project.h"

#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "kernel/codegen/hls/expressions.h"
#include "kernel/codegen/hls/module.h"
#include "kernel/codegen/hls/names.h"
#include "kernel/codegen/hls/resources.h"
#include "kernel/codegen/hls/types.h"

namespace heddle::kernel {
namespace {

using hls::Module;
using hls::Port;

void check_ports(const Kernel& kernel, const Module& module) {
  for (std::size_t i = 0; i < module.ports.size(); ++i) {
    const std::string name = quote(name_of(kernel.parameters[i]));
    if (module.ports[i].kind == Port::Kind::kStream) {
      throw UserError(
          fmt::format("HLS project: {} has the stream parameter {}, and a host gives arrays",
                      kernel.name, name),
          "make a project of a kernel that calls it and owns the stream");
    }
    if (module.ports[i].kind == Port::Kind::kOnChip) {
      throw UserError(
          fmt::format(
              "HLS project: the parameter {} of {} lies on the chip, where no host can write", name,
              kernel.name),
          "leave it in global memory and `stage` it, or make a project of a kernel that calls this "
          "one");
    }
  }
}

std::string header_text(const Kernel& kernel, const Module& module) {
  return fmt::format("// {}\n#pragma once\n\n#include \"heddle_hls.h\"\n\nextern \"C\" {};\n",
                     kernel.summary.empty() ? "The kernel " + kernel.name + "." : kernel.summary,
                     module.prototype());
}

std::string source_text(const Module& module) {
  return fmt::format("#include \"{}.h\"\n\n{}", module.top, module.code);
}

/// A kernel's scalar arguments in the test bench.
hls::Scope bench_scope(const Kernel& kernel, const Module& module) {
  hls::Scope scope;
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    if (const auto* scalar = std::get_if<ScalarParameter>(&kernel.parameters[i])) {
      if (scalar->type.is_fixed() && scalar->type.width > kMaxElementWidth) {
        throw UserError(fmt::format("HLS project: the argument {} has {} bits", quote(scalar->name),
                                    scalar->type.width),
                        fmt::format("use at most {} bits", kMaxElementWidth));
      }
      scope.variables[scalar->name] = {module.ports[i].name, scalar->type};
    }
  }
  return scope;
}

class BenchWriter {
 public:
  BenchWriter(const Kernel& kernel, const Module& module)
      : module_(module), scope_(bench_scope(kernel, module)) {
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      if (const auto* scalar = std::get_if<ScalarParameter>(&kernel.parameters[i])) add(*scalar, i);
    }
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      if (const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i])) add(*array, i);
      if (std::holds_alternative<ScalarParameter>(kernel.parameters[i])) {
        arguments_.push_back(module.ports[i].name);
      }
    }
  }

  [[nodiscard]] std::string text() const {
    return fmt::format(
        "// Runs {0} on the data of a folder and compares, or only runs it on random inputs.\n"
        "#include \"{0}.h\"\n\n{1}\n"
        "static const char kUsage[] =\n"
        "    \"{0}_test [FOLDER] [NAME=NUMBER ...]\\n\"\n"
        "    \"FOLDER holds little-endian elements of 1, 2, 4 or 8 bytes, row-major:\\n\"\n"
        "{2}"
        "    \"With an expected file: PASS or FAIL, and exit code 1 for FAIL.\\n\"\n"
        "    \"Without FOLDER it runs on random inputs; NAME=NUMBER gives scalar "
        "arguments.\\n\";\n\n"
        "int main(int argc, char** argv) {{\n"
        "  bench::Data data(argc, argv, kUsage);\n{3}"
        "  {0}({4});\n{5}"
        "  return data.verdict();\n}}\n",
        module_.top, support(), usage_, setup_, fmt::join(arguments_, ",\n      "), checks_);
  }

 private:
  static std::string support() {
    const std::string_view all = hls::kTestBenchSupport;
    return std::string(all.substr(all.find("#include <cstdio>")));
  }

  void add_usage(const std::string& file, const std::string& meaning) {
    usage_ += fmt::format("    \"  {:20} {}\\n\"\n", file, meaning);
  }

  void add(const ScalarParameter& parameter, std::size_t i) {
    const Port& port = module_.ports[i];
    setup_ += fmt::format("  const {0} {1} = data.scalar<{0}>(\"{1}\", {2});\n", port.type,
                          port.name, parameter.type.is_index());
    add_usage(port.name + ".bin", to_string(parameter.type));
  }

  void add(const ArrayParameter& parameter, std::size_t i) {
    const Port& port = module_.ports[i];
    Expr size = constant(index_type(), Int128{1});
    for (const Expr& extent : parameter.array.shape) size = size * extent;
    const std::string element = hls::cpp_type(parameter.array.element);
    const std::int64_t lanes = element == port.type ? 1 : parameter.array.lanes;
    setup_ += fmt::format("  bench::Array<{}, {}> {}_data(\"{}\", {}, {});\n", element, port.type,
                          port.name, port.name, hls::ExpressionPrinter(scope_).text(size), lanes);
    std::vector<std::string> extents;
    extents.reserve(parameter.array.shape.size());
    for (const Expr& extent : parameter.array.shape) extents.push_back(to_string(extent));
    const std::string meaning =
        fmt::format("{}[{}]", to_string(parameter.array.element), fmt::join(extents, ", "));
    if (parameter.direction != Direction::kOut) {
      setup_ += fmt::format("  data.fill({}_data);\n", port.name);
      add_usage(port.name + ".bin", meaning);
    }
    if (parameter.direction != Direction::kIn) {
      checks_ += fmt::format("  data.compare({}_data);\n", port.name);
      add_usage(port.name + ".expected.bin", meaning + " afterwards");
    }
    const std::string pointer = port.name + "_data.words.get()";
    arguments_.push_back(port.pointer.find("(*)") == std::string::npos
                             ? pointer
                             : fmt::format("reinterpret_cast<{}>({})", port.pointer, pointer));
  }

  const Module& module_;
  hls::Scope scope_;
  std::string usage_;
  std::string setup_;
  std::string checks_;
  std::vector<std::string> arguments_;
};

std::string linker_text(const Module& module, const HlsOptions& options) {
  std::string text = fmt::format(
      "# v++ --link --config {0}.cfg\n"
      "[connectivity]\nnk={0}:1:{0}_1\n",
      module.top);
  for (const Port& port : module.ports) {
    if (port.bank)
      text += fmt::format("sp={}_1.{}:{}[{}]\n", module.top, port.name, options.memory, *port.bank);
  }
  return text + fmt::format("\n[clock]\nfreqHz={:.0f}:{}_1\n", options.clock_mhz * 1e6, module.top);
}

/// A template of this folder with its placeholders filled in.
std::string filled(std::string_view source, const Module& module, const HlsOptions& options) {
  std::string text(source);
  const auto replace = [&](std::string_view from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  };
  replace("NAME", module.top);
  replace("PERIOD", fmt::format("{:.3f}", 1000 / options.clock_mhz));
  return text;
}

std::string bytes_of(const Argument& argument) {
  if (Buffer* const* buffer = std::get_if<Buffer*>(&argument)) {
    return {reinterpret_cast<const char*>((*buffer)->data()), (*buffer)->byte_size()};
  }
  const Scalar& scalar = std::get<Scalar>(argument);
  Buffer one(scalar.type, {1});
  one.set(0, scalar);
  return bytes_of(Argument(&one));
}

}  // namespace

std::string emit_hls(const Kernel& kernel) {
  return hls::make_module(kernel).code;
}

std::map<std::string, std::string> hls_project(const Kernel& kernel, const HlsOptions& options) {
  const Module module = hls::make_module(kernel);
  check_ports(kernel, module);
  return {{module.top + ".h", header_text(kernel, module)},
          {module.top + ".cpp", source_text(module)},
          {module.top + "_test.cpp", BenchWriter(kernel, module).text()},
          {"heddle_hls.h", std::string(hls::kTypesHeader)},
          {module.top + ".cfg", linker_text(module, options)},
          {"run_hls.tcl", filled(hls::kRunHls, module, options)},
          {"Makefile", filled(hls::kMakefile, module, options)}};
}

std::map<std::string, std::string> hls_test_data(const Kernel& kernel,
                                                 std::span<const Argument> before,
                                                 std::span<const Argument> after) {
  check_arguments(kernel, before);
  check_arguments(kernel, after);
  const Module module = hls::make_module(kernel);
  std::map<std::string, std::string> files;
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    const std::string& name = module.ports[i].name;
    const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
    if (array == nullptr || array->direction != Direction::kOut) {
      files[name + ".bin"] = bytes_of(before[i]);
    }
    if (array != nullptr && array->direction != Direction::kIn) {
      files[name + ".expected.bin"] = bytes_of(after[i]);
    }
  }
  return files;
}

}  // namespace heddle::kernel
