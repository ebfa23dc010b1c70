// Kernels as Vitis HLS projects: C++ as a person would write it, test bench, configuration, build.
#pragma once

#include <map>
#include <span>
#include <string>

#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle::kernel {

struct HlsOptions {
  double clock_mhz = 300;
  /// Names of the board's global memory kind in the linker's sp= lines, as in sp=gemm_1.a:HBM[3].
  std::string memory = "HBM";
};

/// The kernel's functions as HLS C++ without includes: one function per kernel and Function, names
/// kept, pragmas for every mark. It stands on heddle_hls.h. Throws UserError, naming the place and
/// the remedy, for what HLS C++ cannot say.
///
/// How marks are said: a packed array in global memory is one of ap_uint<> words, on the chip an
/// ARRAY_RESHAPE; registers are a complete ARRAY_PARTITION; a parallel loop gets DEPENDENCE for the
/// arrays that it writes; each process of a Dataflow is a function; an instruction is an INLINE
/// function of its body. A kernel called with windows of other shapes becomes a function for each.
std::string emit_hls(const Kernel& kernel);

/// A whole project by file name: NAME.cpp, NAME.h, NAME_test.cpp (takes a folder of inputs and
/// expected outputs as hls_test_data() makes them; runs on random inputs without), heddle_hls.h
/// (stands in for AMD's headers when plain g++ compiles), NAME.cfg (Vitis linker: clock, sp= bank
/// map), run_hls.tcl and Makefile (`make csim DATA=folder` needs g++ only; the rest Vitis, PART=
/// and PLATFORM=). Throws UserError as emit_hls does, and for parameters that a host cannot give:
/// streams and arrays on the chip.
std::map<std::string, std::string> hls_project(const Kernel& kernel,
                                               const HlsOptions& options = {});

/// Files for the test bench: NAME.bin for each argument before a run (`before`) and
/// NAME.expected.bin for each array that the kernel writes (`after` the run), laid out as Buffer
/// is.
std::map<std::string, std::string> hls_test_data(const Kernel& kernel,
                                                 std::span<const Argument> before,
                                                 std::span<const Argument> after);

}  // namespace heddle::kernel
