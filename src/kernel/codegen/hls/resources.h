// Files of this folder that emitted projects contain, as texts.
#pragma once

#include <string_view>

namespace heddle::kernel::hls {

/// heddle_hls.h.
extern const std::string_view kTypesHeader;
/// test_bench_support.h.
extern const std::string_view kTestBenchSupport;
/// project_makefile.txt and project_run_hls.tcl: NAME stands for the kernel's name, PERIOD for the
/// clock's in nanoseconds.
extern const std::string_view kMakefile;
extern const std::string_view kRunHls;

}  // namespace heddle::kernel::hls
