// A kernel as the interpreter runs it: linear code over numbered registers, arrays and streams.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/ir.h"
#include "kernel/register.h"

namespace heddle::kernel {

/// What an instruction does with its fields: to, a, b, c are registers unless said otherwise.
enum class Opcode : std::uint8_t {
  kMove,  ///< to = a

  // Integers whose operands and result are narrow; the result's type holds every result.
  kAdd,
  kSub,
  kMul,
  kDiv,  ///< toward zero
  kMod,
  kMin,  ///< also of indices, as are comparisons
  kMax,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kNegate,
  kAbs,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,

  // Indices: overflow is a fault.
  kIndexAdd,
  kIndexSub,
  kIndexMul,
  kIndexDiv,  ///< floor; the divisor is positive
  kIndexMod,

  // float32.
  kFloatAdd,
  kFloatSub,
  kFloatMul,
  kFloatDiv,
  kFloatMin,
  kFloatMax,
  kFloatEq,
  kFloatNe,
  kFloatLt,
  kFloatLe,
  kFloatGt,
  kFloatGe,
  kFloatNegate,
  kFloatAbs,
  kFloatSqrt,
  kFloatFloor,
  kFloatRound,
  kRoundToBFloat16,

  // Parts of conversions between narrow types.
  kRoundOff,     ///< to = a / 2^rank, rounded by mode (a Rounding)
  kCheckRange,   ///< to = a, a fault unless b <= a <= c
  kClamp,        ///< to = a brought to b ... c
  kZeroOutside,  ///< to = a, or 0 unless b <= a <= c
  kSignExtend,   ///< to = the lowest 64 - rank bits of a, the highest of them the sign
  kWordToFloat,  ///< to = a, rounded to nearest even
  kFloatToWord,  ///< to = a * b, rounded by mode and kept within 2^61; c if a is a NaN

  // Any types, by scalar.h; c is a number in Code::generals.
  kUnary,
  kBinary,
  kConvert,
  kReinterpret,

  // Arrays: a is the array, b the first of `rank` subscripts in Code::operands. Narrow values are
  // named after their form in memory.
  kLoadInt8,
  kLoadInt16,
  kLoadInt32,
  kLoadInt64,
  kLoadUInt8,
  kLoadUInt16,
  kLoadUInt32,
  kLoadUInt64,  ///< to a wide register
  kLoadFloat32,
  kLoadBFloat16,
  kStore8,  ///< array = to
  kStore16,
  kStore32,
  kStore64,
  kStoreWide,  ///< the lower 64 bits of a wide register
  kStoreFloat32,
  kStoreBFloat16,
  kTouch,           ///< the port check sees an access
  kDeclareArray,    ///< a is the array, b its extents
  kFitWindow,       ///< a parameter takes its extents b; c: it is written, starts without values
  kRefuseOverlaps,  ///< no two written array parameters may share elements

  // Streams: a is the stream, b the first of `rank` channel indices.
  kDeclareStream,
  kEndStream,    ///< nothing may be left
  kFitChannels,  ///< a parameter's extents b are its stream's
  kPut,          ///< stream <- to
  kGet,          ///< to <- stream

  // Control: c is where to go.
  kJump,
  kJumpIfFalse,  ///< a
  kJumpIfTrue,   ///< a
  kLoopEnter,    ///< to c if counter a has reached limit b
  kLoopNext,     ///< counts a, to c unless it has reached limit b
  kCall,         ///< c is a number in Code::calls
  kReturn,

  // Dataflow: c is a number in Code::regions.
  kBeginRegion,
  kSpawn,  ///< process a, whose code follows the next instruction
  kWaitRegion,
  kEndProcess,

  // The port check: c is a number in Code::pipelines.
  kOpenPipeline,
  kEndIteration,
  kClosePipeline,
};

/// Registers are counted from 0; negative ones are constants.
struct Instruction {
  Opcode op{};
  std::uint8_t mode = 0;
  std::uint16_t rank = 0;
  std::int32_t to = 0;
  std::int32_t a = 0;
  std::int32_t b = 0;
  std::int32_t c = 0;
};

/// An operation on any types.
struct General {
  UnaryOp unary{};
  BinaryOp binary{};
  Type a;
  Type b;
  Type result;
};

/// What an instruction that may fault was about, for messages.
struct Explanation {
  std::int32_t at = 0;                ///< the instruction
  std::optional<BinaryOp> operation;  ///< none: a becomes `result`
  std::int32_t a = 0;
  std::int32_t b = 0;
  Type a_type;
  Type b_type;
  Type result;
};

/// A loop around a statement.
struct LoopScope {
  std::string name;
  std::int32_t counter = 0;  ///< register
  std::int32_t parent = -1;  ///< in Code::loops
};

/// Where an instruction comes from.
struct Site {
  Stmt statement;          ///< null: the extents of the parameters
  std::int32_t loop = -1;  ///< the innermost around it, in Code::loops
};

struct ArrayPlace {
  const Array* declaration = nullptr;
  std::int32_t first_dimension = 0;  ///< of its extents in a frame
  std::vector<Register> table;
};

struct CallArgument {
  enum class Kind : std::uint8_t { kWindow, kStream, kScalar };
  Kind kind{};
  std::int32_t from = 0;     ///< array, stream or register of the caller
  std::int32_t to = 0;       ///< array, stream or register of the callee
  std::int32_t indices = 0;  ///< bases or channel, in Code::operands
  std::int32_t rank = 0;     ///< how many
  std::vector<bool> spanned;
};
struct CallSite {
  std::int32_t callee = 0;  ///< in Program::codes
  std::vector<CallArgument> arguments;
};

struct RegionProcess {
  std::string name;
  std::vector<std::int32_t> counters;   ///< registers that tell its instances apart
  std::vector<std::int32_t> waits_for;  ///< earlier processes that write an array it reads
};
struct RegionPlan {
  std::vector<RegionProcess> processes;
};

struct Pipeline {
  std::string loop;
  std::int64_t interval = 1;
};

/// One kernel's code. It starts by giving the parameters their extents.
struct Code {
  const Kernel* kernel = nullptr;
  std::int32_t number = 0;     ///< in Program::codes
  std::int32_t registers = 0;  ///< how many, constants apart
  std::int32_t dimensions = 0;
  std::vector<Register> constants;  ///< register -1 - n is the n-th
  std::vector<Instruction> instructions;
  std::vector<std::int32_t> site_of;  ///< for each instruction, in `sites`
  std::vector<Site> sites;
  std::vector<LoopScope> loops;
  std::vector<Explanation> explanations;  ///< in the order of the instructions
  std::vector<std::int32_t> operands;     ///< registers
  std::vector<General> generals;
  std::vector<ArrayPlace> arrays;
  std::vector<const Stream*> streams;
  std::vector<CallSite> calls;
  std::vector<RegionPlan> regions;
  std::vector<Pipeline> pipelines;
  /// For each parameter its array, stream or register.
  std::vector<std::int32_t> parameters;
};

/// codes[0] is the kernel; the rest are those that it calls.
struct Program {
  std::vector<std::unique_ptr<Code>> codes;
};

/// The program refers to the (verified) kernel, which must outlive it. With `check_ports` it tells
/// the port check what it touches. Throws UserError if functions that use functions make it absurd.
Program translate(const Kernel& kernel, bool check_ports);

}  // namespace heddle::kernel
