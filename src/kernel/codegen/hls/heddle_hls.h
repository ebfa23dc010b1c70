// What Heddle's HLS C++ stands on: AMD's types in Vitis HLS, stand-ins with the same bits
// elsewhere.
//
// The first part lets a plain C++17 compiler run the text: the subset of ap_int.h, ap_fixed.h and
// hls_stream.h that the text uses. The second part, namespace heddle, is C++14 and synthesised:
// what has no operator in C++, or one whose result AMD's types do not fix. Compile with
// HEDDLE_VENDOR_TYPES to run the text on AMD's headers outside of Vitis HLS.
#pragma once

#if defined(__SYNTHESIS__) || defined(__VITIS_HLS__) || defined(HEDDLE_VENDOR_TYPES)

#define AP_INT_MAX_W 4096
#include <ap_fixed.h>
#include <ap_int.h>
#include <hls_math.h>
#include <hls_stream.h>

#else

enum ap_q_mode {
  AP_RND,
  AP_RND_ZERO,
  AP_RND_MIN_INF,
  AP_RND_INF,
  AP_RND_CONV,
  AP_TRN,
  AP_TRN_ZERO
};
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP };

namespace heddle_stand_in {

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

constexpr int max(int a, int b) {
  return a < b ? b : a;
}
/// No value that a kernel computes needs more, whatever AMD's rules make of its C++ type.
constexpr int narrowed(int width) {
  return width > 127 ? 127 : width;
}
constexpr int bytes(int width) {
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : width <= 64 ? 8 : 16;
}

template <int Bytes, bool Signed>
struct raw_of;
template <>
struct raw_of<1, true> {
  typedef signed char type;
};
template <>
struct raw_of<1, false> {
  typedef unsigned char type;
};
template <>
struct raw_of<2, true> {
  typedef short type;
};
template <>
struct raw_of<2, false> {
  typedef unsigned short type;
};
template <>
struct raw_of<4, true> {
  typedef int type;
};
template <>
struct raw_of<4, false> {
  typedef unsigned type;
};
template <>
struct raw_of<8, true> {
  typedef long long type;
};
template <>
struct raw_of<8, false> {
  typedef unsigned long long type;
};
template <>
struct raw_of<16, true> {
  typedef wide type;
};
template <>
struct raw_of<16, false> {
  typedef unsigned_wide type;
};

/// What a result of so many bits is computed in.
template <bool Narrow>
struct calculation {
  typedef long long type;
};
template <>
struct calculation<false> {
  typedef wide type;
};
template <int W>
using calculated = typename calculation<(W <= 63)>::type;

inline wide wrap(wide raw, int width, bool is_signed) {
  const int spare = 128 - width;
  const unsigned_wide up = static_cast<unsigned_wide>(raw) << spare;
  return is_signed ? static_cast<wide>(up) >> spare : static_cast<wide>(up >> spare);
}

inline bool rounds_up(wide floor, bool half, bool below, bool is_negative, ap_q_mode mode) {
  switch (mode) {
    case AP_TRN:
      return false;
    case AP_TRN_ZERO:
      return is_negative && (half || below);
    case AP_RND:
      return half;
    case AP_RND_ZERO:
      return half && (below || is_negative);
    case AP_RND_MIN_INF:
      return half && below;
    case AP_RND_INF:
      return half && (below || !is_negative);
    case AP_RND_CONV:
      return half && (below || (floor & 1) != 0);
  }
  return false;
}

/// raw * 2^-drop as a raw value of `width` bits. Not inlined: it is compiled once.
[[gnu::noinline]] inline wide convert(wide raw, int drop, int width, bool is_signed,
                                      ap_q_mode quantization, ap_o_mode overflow) {
  const wide high =
      static_cast<wide>((static_cast<unsigned_wide>(1) << (is_signed ? width - 1 : width)) - 1);
  const wide low = !is_signed ? 0 : overflow == AP_SAT_SYM ? -high : -high - 1;
  bool fits = false;
  bool is_negative = raw < 0;
  if (drop > 0) {
    const bool all = drop > 127;  // less than a half is left of |raw| < 2^127
    const wide floor = all ? (is_negative ? -1 : 0) : raw >> drop;
    const bool half = all ? is_negative : (raw >> (drop - 1) & 1) != 0;
    const bool below = all ? raw != 0 : (raw & ((static_cast<wide>(1) << (drop - 1)) - 1)) != 0;
    raw = floor + (rounds_up(floor, half, below, is_negative, quantization) ? 1 : 0);
    is_negative = raw < 0;
    fits = raw >= low && raw <= high;
  } else if (raw == 0) {
    return 0;
  } else {
    const int up = -drop;
    fits = up <= width && raw <= high >> up && raw >= -(-low >> up);
    raw = up > 127 ? 0 : static_cast<wide>(static_cast<unsigned_wide>(raw) << up);
  }
  if (fits || overflow == AP_WRAP) return wrap(raw, width, is_signed);
  if (overflow == AP_SAT_ZERO) return 0;
  return is_negative ? low : high;
}

/// Bits of a number, to be read or written.
template <typename Number>
struct bit_range {
  Number* number;
  int high;
  int low;

  unsigned_wide value() const {
    const unsigned_wide bits = static_cast<unsigned_wide>(number->raw) >> low;
    return bits & ((static_cast<unsigned_wide>(1) << (high - low + 1)) - 1);
  }
  unsigned long long to_uint64() const { return static_cast<unsigned long long>(value()); }
  template <typename T>
  bit_range& operator=(const T& bits) {
    const unsigned_wide mask = ((static_cast<unsigned_wide>(1) << (high - low + 1)) - 1) << low;
    const unsigned_wide old = static_cast<unsigned_wide>(number->raw) & ~mask;
    const unsigned_wide fresh = (static_cast<unsigned_wide>(bits.raw) << low) & mask;
    number->raw = static_cast<decltype(number->raw)>(
        wrap(static_cast<wide>(old | fresh), Number::width, Number::is_signed));
    return *this;
  }
};

/// At most 64 bits of a word.
struct word_range {
  unsigned long long* part;
  int bits;
  int low;

  unsigned long long mask() const { return ~0ULL >> (64 - bits); }
  unsigned long long value() const { return *part >> low & mask(); }
  template <typename T>
  word_range& operator=(const T& x) {
    const unsigned long long fresh = static_cast<unsigned long long>(x.raw) & mask();
    *part = (*part & ~(mask() << low)) | fresh << low;
    return *this;
  }
};

/// ap_int, ap_uint, ap_fixed and ap_ufixed: raw * 2^(I-W). It lies in memory as Heddle's buffers
/// do.
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, bool Word = (W > 127)>
struct number {
  static constexpr int width = W;
  static constexpr bool is_signed = S;
  static constexpr int fraction = W - I;
  typedef typename raw_of<bytes(W), S>::type raw_type;
  raw_type raw;

  number() = default;
  number(bool x) { assign<1, 0, false>(x); }
  number(int x) { assign<32, 0, true>(x); }
  number(unsigned x) { assign<32, 0, false>(x); }
  number(long x) { assign<64, 0, true>(x); }
  number(unsigned long x) { assign<64, 0, false>(x); }
  number(long long x) { assign<64, 0, true>(x); }
  number(unsigned long long x) { assign<64, 0, false>(x); }
  /// Only for literals that the type holds exactly.
  number(double x) : raw(static_cast<raw_type>(static_cast<wide>(__builtin_ldexp(x, fraction)))) {}
  template <int W2, int I2, bool S2, ap_q_mode Q2, ap_o_mode O2>
  number(const number<W2, I2, S2, Q2, O2>& x) {
    assign<W2, W2 - I2, S2>(x.raw);
  }
  template <typename Number>
  number(const bit_range<Number>& x) {
    assign<127, 0, true>(static_cast<wide>(x.value()));
  }
  number(const word_range& x) { assign<64, 0, false>(x.value()); }

  template <int W2, int F2, bool S2, typename Raw>
  void assign(Raw x) {
    constexpr bool is_same_point = fraction == F2;
    if constexpr (is_same_point && O != AP_SAT_SYM && (S == S2 ? W2 <= W : S && W2 < W)) {
      raw = static_cast<raw_type>(x);
    } else if constexpr (is_same_point && O == AP_WRAP && W <= 64) {
      const unsigned long long up = static_cast<unsigned long long>(x) << (64 - W);
      if constexpr (S) raw = static_cast<raw_type>(static_cast<long long>(up) >> (64 - W));
      if constexpr (!S) raw = static_cast<raw_type>(up >> (64 - W));
    } else {
      raw = static_cast<raw_type>(convert(static_cast<wide>(x), F2 - fraction, W, S, Q, O));
    }
  }

  int to_int() const { return static_cast<int>(to_int64()); }
  /// As AMD's, for integers.
  long long to_int64() const { return static_cast<long long>(raw); }
  unsigned long long to_uint64() const { return static_cast<unsigned long long>(raw); }

  bit_range<number> range(int high, int low) { return {this, high, low}; }
  bit_range<const number> range(int high, int low) const { return {this, high, low}; }

  template <typename T>
  number& operator+=(const T& x) {
    return *this = number(*this + x);
  }
  template <typename T>
  number& operator*=(const T& x) {
    return *this = number(*this * x);
  }
};

/// A memory word: read and written by parts of at most 64 bits that do not cross multiples of 64.
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
struct number<W, I, S, Q, O, true> {
  static constexpr int width = W;
  static constexpr bool is_signed = S;
  unsigned long long part[W / 64];

  word_range range(int high, int low) { return {&part[low / 64], high - low + 1, low % 64}; }
  word_range range(int high, int low) const { return const_cast<number*>(this)->range(high, low); }
};

template <int F, int W1, int I1, bool S1, ap_q_mode Q1, ap_o_mode O1, typename C>
C align(const number<W1, I1, S1, Q1, O1>& x, C) {
  // Only a zero beside a tiny number is shifted further than its type is wide.
  constexpr int up = F - (W1 - I1);
  return up >= static_cast<int>(8 * sizeof(C)) ? 0
                                               : static_cast<C>(x.raw) << (up % (8 * sizeof(C)));
}

}  // namespace heddle_stand_in

template <int W>
using ap_int = heddle_stand_in::number<W, W, true, AP_TRN, AP_WRAP>;
template <int W>
using ap_uint = heddle_stand_in::number<W, W, false, AP_TRN, AP_WRAP>;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP>
using ap_fixed = heddle_stand_in::number<W, I, true, Q, O>;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP>
using ap_ufixed = heddle_stand_in::number<W, I, false, Q, O>;

namespace heddle_stand_in {

/// The type of every sum and difference.
template <int F, int I, bool S>
using exact = number<narrowed(F + I), narrowed(F + I) - F, S, AP_TRN, AP_WRAP>;

#define HEDDLE_TWO_NUMBERS                                                                \
  template <int W1, int I1, bool S1, ap_q_mode Q1, ap_o_mode O1, int W2, int I2, bool S2, \
            ap_q_mode Q2, ap_o_mode O2>
#define HEDDLE_OPERANDS const number<W1, I1, S1, Q1, O1>&a, const number<W2, I2, S2, Q2, O2>&b

// The sum's point and sign, and as wide a result as AMD's.
#define HEDDLE_SUM(op, is_signed)                                                             \
  HEDDLE_TWO_NUMBERS auto operator op(HEDDLE_OPERANDS) {                                      \
    constexpr int F = max(W1 - I1, W2 - I2);                                                  \
    typedef exact<F, max(I1 + (S2 && !S1), I2 + (S1 && !S2)) + 1, is_signed> result;          \
    typedef calculated<result::width> raw;                                                    \
    result r;                                                                                 \
    r.raw = static_cast<typename result::raw_type>(align<F>(a, raw()) op align<F>(b, raw())); \
    return r;                                                                                 \
  }
HEDDLE_SUM(+, S1 || S2)
HEDDLE_SUM(-, true)
#undef HEDDLE_SUM

HEDDLE_TWO_NUMBERS auto operator*(HEDDLE_OPERANDS) {
  typedef exact<W1 - I1 + W2 - I2, I1 + I2, S1 || S2> result;
  typedef calculated<result::width> raw;
  result r;
  r.raw = static_cast<typename result::raw_type>(static_cast<raw>(a.raw) * static_cast<raw>(b.raw));
  return r;
}

// For integers of one sign: for others AMD's results are C's, which Heddle's are not.
HEDDLE_TWO_NUMBERS auto operator/(HEDDLE_OPERANDS) {
  static_assert(S1 == S2, "/ of a signed and an unsigned number");
  number<narrowed(W1 + S2), narrowed(W1 + S2), S1 || S2, AP_TRN, AP_WRAP> r;
  typedef calculated<max(W1, W2)> raw;
  r.raw = static_cast<decltype(r.raw)>(static_cast<raw>(a.raw) / static_cast<raw>(b.raw));
  return r;
}
HEDDLE_TWO_NUMBERS auto operator%(HEDDLE_OPERANDS) {
  static_assert(S1 == S2, "% of a signed and an unsigned number");
  number<W1, W1, S1, AP_TRN, AP_WRAP> r;
  typedef calculated<max(W1, W2)> raw;
  r.raw = static_cast<decltype(r.raw)>(static_cast<raw>(a.raw) % static_cast<raw>(b.raw));
  return r;
}

#define HEDDLE_BITWISE(op)                                                           \
  template <int W, bool S>                                                           \
  number<W, W, S, AP_TRN, AP_WRAP> operator op(number<W, W, S, AP_TRN, AP_WRAP> a,   \
                                               number<W, W, S, AP_TRN, AP_WRAP> b) { \
    a.raw = static_cast<decltype(a.raw)>(a.raw op b.raw);                            \
    return a;                                                                        \
  }
HEDDLE_BITWISE(&)
HEDDLE_BITWISE(|)
HEDDLE_BITWISE(^)
#undef HEDDLE_BITWISE

/// A literal beside a number: emitted ones have a value of its sign.
template <int W, bool S>
using integer = number<W, W, S, AP_TRN, AP_WRAP>;

#define HEDDLE_COMPARE(op)                                        \
  HEDDLE_TWO_NUMBERS bool operator op(HEDDLE_OPERANDS) {          \
    static_assert(S1 == S2, "a signed and an unsigned number");   \
    constexpr int F = max(W1 - I1, W2 - I2);                      \
    typedef calculated<F + max(I1, I2) + 1> raw;                  \
    return align<F>(a, raw()) op align<F>(b, raw());              \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  bool operator op(const number<W, I, S, Q, O>& a, int b) {       \
    return a op integer<32, S>(b);                                \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  bool operator op(const number<W, I, S, Q, O>& a, long long b) { \
    return a op integer<64, S>(b);                                \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  bool operator op(int a, const number<W, I, S, Q, O>& b) {       \
    return integer<32, S>(a) op b;                                \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  bool operator op(long long a, const number<W, I, S, Q, O>& b) { \
    return integer<64, S>(a) op b;                                \
  }
HEDDLE_COMPARE(==)
HEDDLE_COMPARE(!=)
HEDDLE_COMPARE(<)
HEDDLE_COMPARE(<=)
HEDDLE_COMPARE(>)
HEDDLE_COMPARE(>=)
#undef HEDDLE_COMPARE
#undef HEDDLE_OPERANDS
#undef HEDDLE_TWO_NUMBERS

#define HEDDLE_WITH_LITERAL(op)                                   \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  auto operator op(const number<W, I, S, Q, O>& a, int b) {       \
    return a op ap_int<32>(b);                                    \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  auto operator op(const number<W, I, S, Q, O>& a, long long b) { \
    return a op ap_int<64>(b);                                    \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  auto operator op(int a, const number<W, I, S, Q, O>& b) {       \
    return ap_int<32>(a) op b;                                    \
  }                                                               \
  template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>       \
  auto operator op(long long a, const number<W, I, S, Q, O>& b) { \
    return ap_int<64>(a) op b;                                    \
  }
HEDDLE_WITH_LITERAL(+)
HEDDLE_WITH_LITERAL(-)
HEDDLE_WITH_LITERAL(*)
#undef HEDDLE_WITH_LITERAL

template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
auto operator-(const number<W, I, S, Q, O>& a) {
  number<narrowed(W + 1), narrowed(W + 1) - (W - I), true, AP_TRN, AP_WRAP> r;
  r.raw = static_cast<decltype(r.raw)>(-static_cast<calculated<W + 1>>(a.raw));
  return r;
}
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
number<W, I, S, Q, O> operator~(number<W, I, S, Q, O> a) {
  a.raw = static_cast<decltype(a.raw)>(wrap(~static_cast<wide>(a.raw), W, S));
  return a;
}
// Shifts of the raw value by 0 ... W-1; the type stays.
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
number<W, I, S, Q, O> operator<<(number<W, I, S, Q, O> a, int by) {
  a.raw = static_cast<decltype(a.raw)>(
      wrap(static_cast<wide>(static_cast<unsigned_wide>(a.raw) << by), W, S));
  return a;
}
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
number<W, I, S, Q, O> operator>>(number<W, I, S, Q, O> a, int by) {
  a.raw = static_cast<decltype(a.raw)>(a.raw >> by);
  return a;
}

}  // namespace heddle_stand_in

namespace hls {

/// A FIFO without a limit: the processes of a region run one after the other.
template <typename T>
class stream {
 public:
  stream() = default;
  explicit stream(const char*) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { delete[] elements_; }

  void write(const T& x) {
    if (end_ == capacity_) grow();
    elements_[end_++] = x;
  }
  T read() {
    if (begin_ == end_) {
      __builtin_printf("WARNING: a stream is read while it is empty\n");
      return T();
    }
    return elements_[begin_++];
  }

 private:
  void grow() {
    const long size = end_ - begin_;
    if (begin_ > size) {
      for (long i = 0; i < size; ++i) elements_[i] = elements_[begin_ + i];
    } else {
      capacity_ = 2 * size + 16;
      T* larger = new T[static_cast<unsigned long>(capacity_)];
      for (long i = 0; i < size; ++i) larger[i] = elements_[begin_ + i];
      delete[] elements_;
      elements_ = larger;
    }
    begin_ = 0;
    end_ = size;
  }

  T* elements_ = nullptr;
  long begin_ = 0;
  long end_ = 0;
  long capacity_ = 0;
};

inline float sqrt(float x) {
  return __builtin_sqrtf(x);
}
inline float floor(float x) {
  return __builtin_floorf(x);
}
inline float rint(float x) {
  return __builtin_rintf(x);
}
inline float fabs(float x) {
  return __builtin_fabsf(x);
}

}  // namespace hls

#endif

namespace heddle {

inline unsigned float_bits(float x) {
  union {
    float real;
    unsigned bits;
  } both;
  both.real = x;
  return both.bits;
}
inline float float_of_bits(unsigned bits) {
  union {
    float real;
    unsigned bits;
  } both;
  both.bits = bits;
  return both.real;
}

/// The upper half of a float: 8 exponent and 7 fraction bits. AMD has no such type. It computes as
/// float and rounds to nearest even.
struct bfloat16 {
  unsigned short bits;

  bfloat16() = default;
  explicit bfloat16(float x) {
    const unsigned b = float_bits(x);
    const bool is_nan = (b & 0x7fffffffu) > 0x7f800000u;
    const unsigned rounded = is_nan ? b | 0x400000u : b + 0x7fffu + (b >> 16 & 1u);
    bits = static_cast<unsigned short>(rounded >> 16);
  }
  operator float() const { return float_of_bits(static_cast<unsigned>(bits) << 16); }
};

/// b < a ? b : a, and so of two equal floats (0 and -0) or with a NaN the first.
template <typename T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
T max(T a, T b) {
  return a < b ? b : a;
}
/// |x| in a type that holds it.
template <typename R, typename T>
R abs(T x) {
  if (x < 0) return R(-x);
  return R(x);
}
inline float abs(float x) {
  return hls::fabs(x);
}
inline float sqrt(float x) {
  return hls::sqrt(x);
}
inline float floor(float x) {
  return hls::floor(x);
}
/// To the nearest integer, ties to even.
inline float round(float x) {
  return hls::rint(x);
}

/// Of subscripts: the quotient rounded down, and what is left, for b > 0.
inline long floor_div(long a, long b) {
  return a / b - (a % b < 0 ? 1 : 0);
}
inline long floor_mod(long a, long b) {
  return a % b + (a % b < 0 ? b : 0);
}

/// Shifts of the raw value, by any amount; the type stays.
template <typename T>
T shift_left(T x, long by) {
  if (by >= T::width) return T(0);
  return x << static_cast<int>(by);
}
template <typename T>
T shift_right(T x, long by) {
  if (by < T::width) return x >> static_cast<int>(by);
  if (x < 0) return x >> (T::width - 1);
  return T(0);
}

/// A type's bits as an unsigned number. This is for ap_int, ap_uint, ap_fixed and ap_ufixed.
template <typename T>
struct bit_view {
  static const int width = T::width;
  static ap_uint<T::width> get(const T& x) { return ap_uint<T::width>(x.range(T::width - 1, 0)); }
  static T put(const ap_uint<T::width>& bits) {
    T x = T(0);
    x.range(T::width - 1, 0) = bits;
    return x;
  }
  static bool is_negative(const T& x) { return x < 0; }
};
template <>
struct bit_view<bool> {
  static const int width = 1;
  static ap_uint<1> get(bool x) { return ap_uint<1>(x); }
  static bool put(const ap_uint<1>& bits) { return bits != 0; }
  static bool is_negative(bool) { return false; }
};
template <>
struct bit_view<long> {
  static const int width = 64;
  static ap_uint<64> get(long x) { return ap_uint<64>(x); }
  static long put(const ap_uint<64>& bits) { return static_cast<long>(bits.to_uint64()); }
  static bool is_negative(long x) { return x < 0; }
};
template <>
struct bit_view<float> {
  static const int width = 32;
  static ap_uint<32> get(float x) { return ap_uint<32>(float_bits(x)); }
  static float put(const ap_uint<32>& bits) {
    return float_of_bits(static_cast<unsigned>(bits.to_uint64()));
  }
  static bool is_negative(float) { return false; }
};
template <>
struct bit_view<bfloat16> {
  static const int width = 16;
  static ap_uint<16> get(bfloat16 x) { return ap_uint<16>(x.bits); }
  static bfloat16 put(const ap_uint<16>& bits) {
    bfloat16 x;
    x.bits = static_cast<unsigned short>(bits.to_uint64());
    return x;
  }
  static bool is_negative(bfloat16) { return false; }
};

/// The same bits as another type of as many.
template <typename R, typename T>
R bits(T x) {
  return bit_view<R>::put(bit_view<T>::get(x));
}

/// The smallest of 8, 16, 32 and 64 bits that hold a T: what an element takes in memory.
template <typename T>
struct pitch {
  static const int bits = bit_view<T>::width <= 8    ? 8
                          : bit_view<T>::width <= 16 ? 16
                          : bit_view<T>::width <= 32 ? 32
                                                     : 64;
};
/// An element of memory from its bits there, and its bits there.
template <typename T>
T from_memory(const ap_uint<pitch<T>::bits>& bits) {
  return bit_view<T>::put(ap_uint<bit_view<T>::width>(bits));
}
template <typename T>
ap_uint<pitch<T>::bits> to_memory(const T& x) {
  ap_uint<pitch<T>::bits> bits = bit_view<T>::get(x);
  if (bit_view<T>::is_negative(x))
    bits = ap_uint<pitch<T>::bits>(ap_int<bit_view<T>::width>(bit_view<T>::get(x)));
  return bits;
}
/// Element number `index` of a memory word.
template <typename T, typename Word>
T lane(const Word& word, int index) {
  const int low = pitch<T>::bits * index;
  return from_memory<T>(ap_uint<pitch<T>::bits>(word.range(low + pitch<T>::bits - 1, low)));
}
template <typename T, typename Word>
void set_lane(Word& word, int index, const T& x) {
  const int low = pitch<T>::bits * index;
  word.range(low + pitch<T>::bits - 1, low) = to_memory(x);
}

/// A literal of more than 64 bits, ap_int or ap_uint.
template <typename T>
T wide_literal(long long high, unsigned long long low) {
  return (T(high) << 64) | T(ap_uint<64>(low));
}

/// 2^exponent for -126 ... 127.
inline float power_of_two(int exponent) {
  return float_of_bits(static_cast<unsigned>(exponent + 127) << 23);
}

/// How a type is made: its fraction bits, its sign, whether it wraps, and what rounds as it does.
template <typename T>
struct layout;
template <int W>
struct layout<ap_int<W>> {
  typedef ap_fixed<W, W> rounding_type;
  static const int fraction = 0;
  static const bool is_signed = true;
  static const bool wraps = true;
};
template <int W>
struct layout<ap_uint<W>> {
  typedef ap_ufixed<W, W> rounding_type;
  static const int fraction = 0;
  static const bool is_signed = false;
  static const bool wraps = true;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O>
struct layout<ap_fixed<W, I, Q, O>> {
  typedef ap_fixed<W, I, Q, O> rounding_type;
  static const int fraction = W - I;
  static const bool is_signed = true;
  static const bool wraps = O == AP_WRAP;
};
template <int W, int I, ap_q_mode Q, ap_o_mode O>
struct layout<ap_ufixed<W, I, Q, O>> {
  typedef ap_ufixed<W, I, Q, O> rounding_type;
  static const int fraction = W - I;
  static const bool is_signed = false;
  static const bool wraps = O == AP_WRAP;
};

/// x in a fixed-point type, by its modes; a NaN becomes 0. AMD's constructor goes through double
/// and leaves infinities open; this is the arithmetic written out: the magnitude on a grid of two
/// more bits (a half, and whether anything lies below it), which the type's own constructor then
/// rounds.
template <typename T>
T from_float(float x) {
  const int kBits = T::width + 4;
  const int kFraction = layout<T>::fraction + 2;
  const unsigned b = float_bits(x);
  const int field = static_cast<int>(b >> 23 & 255u);
  const unsigned low = b & 0x7fffffu;
  if (field == 255 && (low != 0 || layout<T>::wraps)) return T(0);
  const ap_uint<24> mantissa = field == 0 ? low : low | 0x800000u;
  const int up = (field == 0 ? 1 : field) - 150 + kFraction;
  ap_uint<kBits> magnitude = 0;
  if (up <= 0) {
    const int down = -up > 24 ? 24 : -up;
    const ap_uint<25> kept = ap_uint<25>(mantissa) >> down;
    const ap_uint<25> back = kept << down;
    // Above the grid's range nothing is in T's either.
    const bool is_large = !layout<T>::wraps && kBits < 24 &&
                          ap_uint<25>(kept) >= (ap_uint<25>(1) << (kBits < 24 ? kBits - 1 : 0));
    magnitude = is_large ? ap_uint<kBits>(ap_uint<kBits>(1) << (kBits - 1)) : ap_uint<kBits>(kept);
    if (back != ap_uint<25>(mantissa)) magnitude = magnitude | ap_uint<kBits>(1);
  } else {
    const int room = kBits - 1 - up;
    const bool fits = room >= 24 || (room > 0 && (mantissa >> (room < 0    ? 0
                                                               : room > 23 ? 23
                                                                           : room)) == 0);
    if (!layout<T>::wraps && (field == 255 || (!fits && mantissa != 0))) {
      magnitude = ap_uint<kBits>(1) << (kBits - 1);
    } else if (up < kBits) {
      magnitude = ap_uint<kBits>(mantissa) << up;
    }
  }
  ap_int<kBits + 1> raw = magnitude;
  if (b >> 31 != 0) raw = -raw;
  ap_fixed<kBits + 1, kBits + 1 - kFraction> grid = 0;
  grid.range(kBits, 0) = ap_uint<kBits + 1>(raw);
  // Not straight to ap_int, where AMD rounds toward zero.
  return T(typename layout<T>::rounding_type(grid));
}

/// The float nearest to x, ties to even, subnormal floats included.
template <typename T>
float to_float(const T& x) {
  const int kFraction = layout<T>::fraction;
  typedef ap_uint<T::width> Bits;
  const Bits raw = bit_view<T>::get(x);
  if (T::width < 64 && kFraction <= 126 && kFraction >= -60) {
    // The conversion rounds, the scaling is exact.
    const long long value = layout<T>::is_signed ? ap_int<T::width>(raw).to_int64()
                                                 : static_cast<long long>(raw.to_uint64());
    return static_cast<float>(value) * power_of_two(-kFraction < -126 ? 0 : -kFraction);
  }
  const bool is_negative = x < 0;
  const Bits magnitude = is_negative ? Bits(-ap_int<T::width>(raw)) : raw;
  int top = 0;  // bits of the magnitude
find_top:
  for (int i = 0; i < T::width; ++i) {
    if (Bits(magnitude >> i) != 0) top = i + 1;
  }
  if (top == 0) return 0.0f;
  const int exponent = top - kFraction;  // |x| < 2^exponent
  int precision = exponent + 149;        // bits above the last that a float has there
  if (precision > 24) precision = 24;
  if (precision < 0) return is_negative ? -0.0f : 0.0f;
  const int cut = top - precision;
  unsigned kept = 0;
  if (cut <= 0) {
    kept = static_cast<unsigned>(magnitude.to_uint64());
  } else {
    const Bits above = cut >= T::width ? Bits(0) : Bits(magnitude >> cut);
    const Bits half = Bits(magnitude >> (cut - 1));
    const Bits below = Bits(magnitude ^ Bits(half << (cut - 1)));
    kept = static_cast<unsigned>(above.to_uint64());
    if ((half.to_uint64() & 1) != 0 && (below != 0 || (kept & 1u) != 0)) ++kept;
  }
  const int scale = (cut > 0 ? cut : 0) - kFraction;
  // In two exact steps, since 2^scale alone may lie outside of the floats.
  const int half_scale = scale / 2;
  if (exponent > 128) return is_negative ? -float_of_bits(0x7f800000u) : float_of_bits(0x7f800000u);
  const float value =
      static_cast<float>(kept) * power_of_two(half_scale) * power_of_two(scale - half_scale);
  return is_negative ? -value : value;
}

}  // namespace heddle
