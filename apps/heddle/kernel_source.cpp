#include "apps/heddle/kernel_source.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "kernel/library/library.h"
#include "kernel/text.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using kernel::Buffer;
using kernel::Kernel;
using kernel::KernelPtr;
using kernel::LibraryArguments;
using kernel::LibraryKernel;
using kernel::Schedule;

constexpr std::uint64_t kTextLimit = 16 << 20;

bool names_a_file(const std::string& text) {
  return text.find('/') != std::string::npos || text.find('.') != std::string::npos ||
         fs::is_regular_file(text);
}

KernelPtr kernel_from_file(const KernelChoice& choice) {
  if (!choice.parameters.empty()) {
    throw UserError(fmt::format("{} is a file: it takes no parameters", choice.kernel),
                    "leave --parameter out; its shapes stand in the text");
  }
  return kernel::parse_kernel(read_file(choice.kernel, kTextLimit), choice.kernel);
}

Schedule replayed(const KernelPtr& algorithm, const std::string& file) {
  return kernel::replay(algorithm, read_file(file, kTextLimit), file, kernel::instructions());
}

/// A number of the type, from its text. Throws UserError.
kernel::Scalar scalar_from(const std::string& text, const kernel::Type& type,
                           const std::string& name) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    throw UserError(fmt::format("--set {}={}: not a number", name, shorten(text)),
                    fmt::format("give a value of type {}", to_string(type)));
  }
  Buffer one(type, {1});
  one.set(0, number);
  const bool is_exact = type.is_float() || one.real(0) == number;
  if (!is_exact) {
    throw UserError(fmt::format("--set {}={}: not a value of {}", name, text, to_string(type)),
                    "give a value that the type holds");
  }
  return one.get(0);
}

using RawRange = std::pair<kernel::Int128, kernel::Int128>;

/// Only of library kernels is known that not every input has a meaning.
RawRange random_range(const KernelChoice& origin, const kernel::Type& element) {
  if (names_a_file(origin.kernel)) return {kernel::lowest(element), kernel::highest(element)};
  return kernel::input_range(element);
}

/// Integers of the range within +-1000, floats standard normal.
void fill_randomly(Buffer& buffer, const RawRange& range, const RandomStream& random) {
  const kernel::Type& type = buffer.element();
  const double low = std::max(static_cast<double>(range.first), -1000.0);
  const double high = std::min(static_cast<double>(range.second), 1000.0);
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    if (type.is_float()) {
      buffer.set(i, random.normal(index));
      continue;
    }
    const double raw = low + std::floor(random.uniform(index) * (high - low + 1));
    buffer.set(i, std::ldexp(raw, -type.fraction));
  }
}

void fill_from_file(Buffer& buffer, const std::string& name, const std::string& path) {
  const std::string bytes = read_file(path, buffer.byte_size() + 1);
  if (bytes.size() != buffer.byte_size()) {
    throw UserError(
        fmt::format("{}: {} bytes, but {} has {}", path, bytes.size(), name, buffer.byte_size()),
        fmt::format("give the {} elements of {} bytes, row by row, little-endian", buffer.size(),
                    buffer.element().bytes()));
  }
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(buffer.data()));
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    const kernel::Scalar value = buffer.get(i);
    const bool is_inside = value.type.is_float() || (value.raw >= kernel::lowest(value.type) &&
                                                     value.raw <= kernel::highest(value.type));
    if (!is_inside) {
      throw UserError(fmt::format("{}: element {} is {}, outside of {}", path, i,
                                  kernel::to_string(value.raw), to_string(value.type)),
                      "sign- or zero-extend every element to whole bytes");
    }
  }
}

/// Names in `given` that no parameter has are mistakes.
void check_names(const std::map<std::string, std::string>& given, const std::string& option,
                 const std::vector<std::string>& known) {
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::vector<std::string> near = nearest(name, known);
    throw UserError(fmt::format("{} {}: the kernel has no such argument", option, shorten(name)),
                    known.empty()
                        ? fmt::format("leave {} out: there is none to give", option)
                        : fmt::format("one of: {}", fmt::join(near.empty() ? known : near, ", ")));
  }
}

}  // namespace

std::map<std::string, std::string> named_values(const std::vector<std::string>& list,
                                                const std::string& option) {
  std::map<std::string, std::string> result;
  for (const std::string& text : list) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UserError(fmt::format("{} {}: not a name and a value", option, quote(text)),
                      fmt::format("write it as {} name=value", option));
    }
    if (!result.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      throw UserError(fmt::format("{}: {} is given twice", option, text.substr(0, equals)),
                      "give each name once");
    }
  }
  return result;
}

void add_kernel_choice(CLI::App& verb, KernelChoice& choice) {
  verb.add_option("kernel", choice.kernel, "A library kernel, or a file of kernel text")
      ->required();
  verb.add_option("-p,--parameter", choice.parameters,
                  "A library kernel's parameter, as in rows=64 (see: heddle kernel list)");
  verb.add_option("--schedule", choice.schedule,
                  "A library schedule's name, or a schedule file (default: none)");
}

Schedule load(const KernelChoice& choice) {
  if (names_a_file(choice.kernel)) {
    const KernelPtr algorithm = kernel_from_file(choice);
    return choice.schedule.empty() ? Schedule(algorithm) : replayed(algorithm, choice.schedule);
  }
  const LibraryKernel& entry = kernel::find_library_kernel(choice.kernel);
  const LibraryArguments arguments(entry.name, entry.parameters,
                                   named_values(choice.parameters, "--parameter"));
  const KernelPtr algorithm = entry.make(arguments);
  if (choice.schedule.empty()) return Schedule(algorithm);
  if (names_a_file(choice.schedule)) return replayed(algorithm, choice.schedule);
  return kernel::find_schedule(entry, choice.schedule).apply(algorithm, arguments);
}

void add_argument_choice(CLI::App& verb, ArgumentChoice& choice) {
  verb.add_option("--set", choice.scalars, "A scalar argument, as in n=64");
  verb.add_option("--input", choice.inputs,
                  "An array from a file of raw little-endian elements, as in a=a.bin");
  verb.add_option("--seed", choice.seed, "Seed of the random inputs")->capture_default_str();
}

KernelArguments::KernelArguments(const Kernel& kernel, const KernelChoice& origin,
                                 const ArgumentChoice& choice) {
  const std::map<std::string, std::string> scalars = named_values(choice.scalars, "--set");
  const std::map<std::string, std::string> inputs = named_values(choice.inputs, "--input");
  std::vector<std::string> scalar_names;
  std::vector<std::string> input_names;
  for (const kernel::Parameter& parameter : kernel.parameters) {
    const std::string& name = name_of(parameter);
    if (const auto* scalar = std::get_if<kernel::ScalarParameter>(&parameter)) {
      scalar_names.push_back(name);
      if (!scalars.contains(name)) {
        throw UserError(fmt::format("kernel {} needs a value for {} ({})", kernel.name, name,
                                    to_string(scalar->type)),
                        fmt::format("give it with --set {}=...", name));
      }
      arguments_.emplace_back(scalar_from(scalars.at(name), scalar->type, name));
    } else {
      const auto* array = std::get_if<kernel::ArrayParameter>(&parameter);
      if (array != nullptr && array->direction != kernel::Direction::kOut)
        input_names.push_back(name);
      arguments_.emplace_back(static_cast<Buffer*>(nullptr));
    }
  }
  check_names(scalars, "--set", scalar_names);
  check_names(inputs, "--input", input_names);
  const std::vector<std::vector<std::int64_t>> shapes = argument_shapes(kernel, arguments_);
  std::size_t next = 0;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const auto* array = std::get_if<kernel::ArrayParameter>(&kernel.parameters[i]);
    if (array == nullptr) continue;
    const std::string& name = array->array.name;
    buffers_.push_back(std::make_unique<Buffer>(array->array.element, shapes[next++]));
    Buffer& buffer = *buffers_.back();
    arguments_[i] = &buffer;
    if (inputs.contains(name)) {
      fill_from_file(buffer, name, inputs.at(name));
    } else if (array->direction != kernel::Direction::kOut) {
      fill_randomly(buffer, random_range(origin, buffer.element()),
                    RandomStream(choice.seed, name));
    }
    if (array->direction != kernel::Direction::kIn) outputs_.emplace(name, &buffer);
  }
}

std::string KernelArguments::difference(const KernelArguments& found) const {
  for (const auto& [name, buffer] : outputs_) {
    const kernel::Buffer& other = *found.outputs_.at(name);
    if (*buffer == other) continue;
    std::int64_t at = 0;
    const auto bytes = static_cast<std::int64_t>(buffer->element().bytes());
    while (std::equal(buffer->data() + at * bytes, buffer->data() + (at + 1) * bytes,
                      other.data() + at * bytes)) {
      ++at;
    }
    return fmt::format("{} differs at element {}: {} instead of {}", name, at,
                       to_string(other.get(at)), to_string(buffer->get(at)));
  }
  return "";
}

}  // namespace heddle
