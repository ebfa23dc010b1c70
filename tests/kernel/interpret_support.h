// What the tests of the interpreter share: buffers with values, and what went wrong.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/interpret.h"

namespace heddle::kernel {

inline const Type kInt32 = int_type(32);

inline Buffer filled(const Type& element, std::vector<std::int64_t> shape,
                     const std::vector<double>& values) {
  Buffer buffer(element, std::move(shape));
  for (std::size_t i = 0; i < values.size(); ++i) {
    buffer.set(static_cast<std::int64_t>(i), values[i]);
  }
  return buffer;
}

inline std::vector<double> values_of(const Buffer& buffer) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < buffer.size(); ++i) values.push_back(buffer.real(i));
  return values;
}

inline Scalar index_value(std::int64_t value) {
  return {index_type(), value, 0};
}

/// The message and the remedy of the mistake that running the kernel shows; "" if there is none.
inline std::string mistake(const KernelPtr& kernel, const std::vector<Argument>& arguments,
                           const InterpretOptions& options = {}) {
  try {
    interpret(*kernel, arguments, options);
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
  return "";
}

/// Whether a message contains all of these.
inline ::testing::AssertionResult says(const std::string& text,
                                       std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos) {
      return ::testing::AssertionFailure() << "no \"" << part << "\" in:\n" << text;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace heddle::kernel
