#include "kernel/codegen/cpp/prelude.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace heddle::kernel::native {
namespace {

struct Helper {
  std::string_view name;
  std::vector<std::string_view> needs;
  std::string_view text;
};

/// In an order in which each stands after those it needs.
const std::vector<Helper>& all_helpers() {
  static const std::vector<Helper> helpers = {
      {"min", {}, R"(template <class T>
inline T min(T a, T b) { return b < a ? b : a; }
)"},
      {"max", {}, R"(template <class T>
inline T max(T a, T b) { return a < b ? b : a; }
)"},
      {"abs", {}, R"(template <class Result, class T>
inline Result abs(T a) { return a < 0 ? (Result)-(Result)a : (Result)a; }
)"},
      {"floor_div", {}, R"(inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0);
}
)"},
      {"floor_mod", {}, R"(inline std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest < 0 ? rest + b : rest;
}
)"},
      {"remainder",
       {},
       R"(// Of the lowest number by -1, too, where the processor's division faults.
template <class T>
inline T remainder(T a, T b) { return b == -1 ? (T)0 : a % b; }
)"},
      {"shift_left", {}, R"(template <class T, class Amount>
inline T shift_left(T a, Amount by) {
  return by < (Amount)(8 * sizeof(T)) ? (T)(a << (int)by) : (T)0;
}
)"},
      {"shift_right", {}, R"(template <class T, class Amount>
inline T shift_right(T a, Amount by) {
  return by < (Amount)(8 * sizeof(T)) ? (T)(a >> (int)by) : a < 0 ? (T)-1 : (T)0;
}
)"},
      {"limits", {}, R"(template <class T>
constexpr __int128 kMost = (T)-1 > (T)0
                               ? (__int128)(T)-1
                               : (__int128)(((unsigned __int128)1 << (8 * sizeof(T) - 1)) - 1);
template <class T>
constexpr __int128 kLeast = (T)-1 > (T)0 ? 0 : -kMost<T> - 1;
// The ends of a fixed-point type; without its lowest value if it saturates symmetrically.
template <bool is_signed, int width>
constexpr __int128 kHigh =
    (__int128)(((unsigned __int128)1 << (is_signed ? width - 1 : width)) - 1);
template <bool is_signed, int width, int overflow>
constexpr __int128 kLow = !is_signed      ? 0
                          : overflow == 4 ? -kHigh<is_signed, width>
                                          : -kHigh<is_signed, width> - 1;
)"},
      {"wrap", {}, R"(// The low `width` bits.
template <class T, bool is_signed, int width>
inline T wrap(T raw) {
  constexpr int unused = 8 * sizeof(T) - width;
  if constexpr (is_signed) return (T)(raw << unused) >> unused;
  if constexpr (unused == 0) return raw;
  return raw & (T)(((unsigned __int128)1 << width) - 1);
}
)"},
      {"brought_into",
       {"limits", "wrap"},
       R"(// By an overflow mode into a range, given which end it is beyond.
template <class T, bool is_signed, int width, int overflow>
inline T brought_into(T raw, bool below, bool above) {
  constexpr T low = (T)kLow<is_signed, width, overflow>, high = (T)kHigh<is_signed, width>;
  if constexpr (overflow == 0) return raw;
  if constexpr (overflow == 1) return wrap<T, is_signed, width>(raw);
  if constexpr (overflow == 3) return below || above ? (T)0 : raw;
  return above ? high : below ? low : raw;
}
)"},
      {"round_off",
       {},
       R"(// raw / 2^drop by a rounding mode (truncate, truncate_zero, nearest, nearest_zero,
// nearest_negative, nearest_infinity, nearest_even).
template <class W, int from_width, int drop, int rounding>
inline W round_off(W raw) {
  if constexpr (drop > from_width) {  // Less than a half.
    return rounding == 0 && raw < 0 ? (W)-1 : (W)0;
  } else {
    const W kept = raw >> drop;
    const W rest = raw & (W)(((unsigned __int128)1 << drop) - 1);
    constexpr W half = (W)((unsigned __int128)1 << (drop - 1));
    if constexpr (rounding == 0) return kept;
    if constexpr (rounding == 1) return kept + (raw < 0 && rest != 0);
    if constexpr (rounding == 2) return kept + (rest >= half);
    if constexpr (rounding == 3) return kept + (raw < 0 ? rest >= half : rest > half);
    if constexpr (rounding == 4) return kept + (rest > half);
    if constexpr (rounding == 5) return kept + (raw < 0 ? rest > half : rest >= half);
    return kept + ((kept & 1) != 0 ? rest >= half : rest > half);
  }
}
)"},
      {"fit",
       {"brought_into", "round_off"},
       R"(// A fixed-point value of from_width bits (carried by W) with `drop` fewer fraction bits.
template <class T, class W, int from_width, int drop, bool is_signed, int width, int rounding,
          int overflow>
inline T fit(W raw) {
  constexpr __int128 high = kHigh<is_signed, width>, low = kLow<is_signed, width, overflow>;
  if constexpr (drop > 0) {
    const W kept = round_off<W, from_width, drop, rounding>(raw);
    return brought_into<T, is_signed, width, overflow>(
        (T)kept, low > kLeast<W> && kept < (W)low, high < kMost<W> && kept > (W)high);
  } else {
    constexpr int up = -drop;
    constexpr __int128 most = up >= 127 ? 0 : high >> up;
    constexpr __int128 least = up >= 127 ? 0 : -(-low >> up);
    T shifted = 0;
    if constexpr (up < 8 * (int)sizeof(T)) shifted = (T)raw << up;
    return brought_into<T, is_signed, width, overflow>(
        shifted, least > kLeast<W> && raw < (W)least, most < kMost<W> && raw > (W)most);
  }
}
)"},
      {"real", {}, R"(inline float floor(float x) { return __builtin_floorf(x); }
inline double floor(double x) { return __builtin_floor(x); }
inline float trunc(float x) { return __builtin_truncf(x); }
inline double trunc(double x) { return __builtin_trunc(x); }
inline float rint(float x) { return __builtin_rintf(x); }
inline double rint(double x) { return __builtin_rint(x); }
template <class Real>
constexpr Real power_of_two(int exponent) {
  Real value = 1;
  for (; exponent > 0; --exponent) value *= 2;
  for (; exponent < 0; ++exponent) value /= 2;
  return value;
}
)"},
      {"wrap_real",
       {"wrap"},
       R"(// The low bits of an integer given as a real number; 0 for infinities and NaN.
template <class T, bool is_signed, int width>
inline T wrap_real(double whole) {
  const std::uint64_t bits = __builtin_bit_cast(std::uint64_t, whole);
  const int exponent = (int)(bits >> 52 & 0x7ff);
  const unsigned __int128 significand = (bits & 0xfffffffffffffUL) | 0x10000000000000UL;
  const int shift = exponent - 1075;
  if (exponent == 0x7ff || shift >= 128 || shift <= -53) return 0;
  const unsigned __int128 size = shift < 0 ? significand >> -shift : significand << shift;
  return wrap<T, is_signed, width>((T)(whole < 0 ? -size : size));
}
)"},
      {"from_real",
       {"brought_into", "real", "wrap_real"},
       R"(// x * 2^fraction, rounded and brought into a fixed-point type. Real holds the product exactly, or
// as infinity where its low bits are zeros.
template <class T, class Real, int fraction, bool is_signed, int width, int rounding, int overflow>
inline T from_real(float x) {
  const Real scaled = (Real)x * power_of_two<Real>(fraction);
  const Real below = floor(scaled);
  const Real rest = scaled - below;
  const Real half = (Real)0.5;
  Real whole = below;
  if constexpr (rounding == 1) whole = trunc(scaled);
  if constexpr (rounding == 2) whole = rest >= half ? below + 1 : below;
  if constexpr (rounding == 3) whole = (x < 0 ? rest >= half : rest > half) ? below + 1 : below;
  if constexpr (rounding == 4) whole = rest > half ? below + 1 : below;
  if constexpr (rounding == 5) whole = (x < 0 ? rest > half : rest >= half) ? below + 1 : below;
  if constexpr (rounding == 6) whole = rint(scaled);
  if constexpr (overflow == 0) return (T)whole;
  constexpr Real limit = power_of_two<Real>(is_signed ? width - 1 : width);
  const bool too_high = whole >= limit;
  const bool too_low = !is_signed      ? whole < 0
                       : overflow == 4 ? whole <= -limit
                                       : whole < -limit;
  if constexpr (overflow == 1) {
    if (whole == whole && !too_high && !too_low) return (T)whole;
    return wrap_real<T, is_signed, width>(whole);
  }
  constexpr T low = (T)kLow<is_signed, width, overflow>, high = (T)kHigh<is_signed, width>;
  if constexpr (overflow == 3) {
    return whole == whole && !too_high && !too_low ? (T)whole : (T)0;
  }
  return whole != whole ? (T)0 : too_high ? high : too_low ? low : (T)whole;
}
)"},
      {"to_real",
       {"real"},
       R"(// raw * 2^exponent, rounded once: a double holds it after all but 53 bits became a sticky one.
template <int exponent, class T>
inline float to_real(T raw) {
  unsigned __int128 size = raw < 0 ? -(unsigned __int128)raw : (unsigned __int128)raw;
  bool sticky = false;
  double scale = power_of_two<double>(exponent);
  while (size >> 53) {
    sticky |= (bool)(size & 1);
    size >>= 1;
    scale *= 2;
  }
  const double value = (double)(std::int64_t)((std::uint64_t)size | sticky) * scale;
  return (float)(raw < 0 ? -value : value);
}
)"},
      {"from_bfloat16", {}, R"(inline float from_bfloat16(std::uint16_t bits) {
  return __builtin_bit_cast(float, (std::uint32_t)bits << 16);
}
)"},
      {"to_bfloat16", {}, R"(// Of a value that a bfloat16 holds.
inline std::uint16_t to_bfloat16(float x) {
  return (std::uint16_t)(__builtin_bit_cast(std::uint32_t, x) >> 16);
}
)"},
      {"round_bfloat16", {}, R"(inline float round_bfloat16(float x) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t rounded = x != x ? bits | 0x00400000U : bits + 0x7fffU + (bits >> 16 & 1U);
  return __builtin_bit_cast(float, rounded & 0xffff0000U);
}
)"},
      {"Run",
       {},
       R"(// What a run lends to each of its threads; known to the program that loads this.
struct Run {
  char* top;  // Free memory from here ...
  char* end;  // ... to here.
  void* (*more)(Run*, std::int64_t bytes);
  void (*parallel)(Run*, std::int64_t count,
                   void (*body)(const void* captured, std::int64_t begin, std::int64_t end, Run*),
                   const void* captured);
};
)"},
      {"Memory",
       {"Run"},
       R"(// Arrays that are too large for the stack, given back at the end of the function.
struct Memory {
  explicit Memory(Run* r) : run(r), top(r->top), end(r->end) {}
  ~Memory() {
    run->top = top;
    run->end = end;
  }
  // Not inlined, so that the compiler knows that the result aliases nothing.
  __attribute__((noinline, malloc)) static void* take(Run* run, std::int64_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    if (run->end - run->top < bytes) return run->more(run, bytes);
    char* const start = run->top;
    run->top += bytes;
    return start;
  }
  Run* run;
  char* top;
  char* end;
};
)"},
      {"Queue", {}, R"(// A stream of unlimited depth: processes run one after the other.
template <class T>
struct Queue {
  ~Queue() { __builtin_free(data); }
  void put(T value) {
    if (last == size) {
      size = size == 0 ? 64 : 2 * size;
      data = (T*)__builtin_realloc(data, size * sizeof(T));
      if (data == nullptr) __builtin_trap();
    }
    data[last++] = value;
  }
  T get() {
    const T value = data[first++];
    if (first == last) first = last = 0;
    return value;
  }
  T* data = nullptr;
  std::int64_t size = 0, first = 0, last = 0;
};
)"},
      {"Channels", {"Queue"}, R"(template <class T>
struct Channels {
  explicit Channels(std::int64_t n) : count(n), queues((Queue<T>*)__builtin_malloc(n * sizeof(Queue<T>))) {
    if (queues == nullptr && n > 0) __builtin_trap();
    for (std::int64_t i = 0; i < n; ++i) queues[i] = Queue<T>{};
  }
  ~Channels() {
    for (std::int64_t i = 0; i < count; ++i) __builtin_free(queues[i].data);
    __builtin_free(queues);
  }
  std::int64_t count;
  Queue<T>* queues;
};
)"},
  };
  return helpers;
}

}  // namespace

std::string prelude_text(const std::set<std::string>& helpers) {
  std::set<std::string, std::less<>> wanted(helpers.begin(), helpers.end());
  const std::vector<Helper>& all = all_helpers();
  std::vector<std::string_view> texts;
  for (auto helper = all.rbegin(); helper != all.rend(); ++helper) {
    if (!wanted.contains(helper->name)) continue;
    wanted.insert(helper->needs.begin(), helper->needs.end());
    texts.push_back(helper->text);
  }
  if (texts.empty()) return "";
  std::string result = "namespace heddle {\n\n";
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) result += *text;
  return result + "\n}  // namespace heddle\n\n";
}

}  // namespace heddle::kernel::native
