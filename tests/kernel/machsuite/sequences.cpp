// Sequences: searching for a word, aligning two strands, decoding hidden states. What C writes as
// `while` is a loop over the most rounds there can be, with the condition inside.
#include "kernel/builder.h"
#include "kernel/machsuite/machsuite.h"

#include <algorithm>

namespace heddle::kernel {
namespace {

// kmp: how often a pattern occurs in a text (Knuth, Morris, Pratt). failure[q] is the length of the
// longest proper prefix of the pattern that ends at q. MachSuite's own program falls back to
// failure[q] instead of failure[q - 1]; this one is the published algorithm.

KernelPtr kmp_kernel() {
  KernelBuilder k("kmp", "how often a pattern occurs in a text");
  const Expr pattern_size = k.size("pattern_size");
  const Expr text_size = k.size("text_size");
  ArrayHandle pattern = k.input("pattern", uint_type(8), {pattern_size});
  ArrayHandle text = k.input("text", uint_type(8), {text_size});
  ArrayHandle failure = k.output("failure", int_type(32), {pattern_size});
  ArrayHandle matches = k.output("matches", int_type(32), {1});
  Element matched = k.scalar("matched", int_type(32));
  // Every fallback makes `matched` smaller, so there are at most `matched` of them.
  const auto fall_back_until = [&](const Element& character) {
    k.loop("t", 0, matched, [&](Expr) {
      k.when(matched > 0 && pattern(matched) != character, [&] { matched = failure(matched - 1); });
    });
    k.when(pattern(matched) == character, [&] { matched += 1; });
  };

  failure(0) = 0;
  matched = 0;
  k.loop("q", 1, pattern_size, [&](Expr q) {
    fall_back_until(pattern(q));
    failure(q) = matched;
  });
  matches(0) = 0;
  matched = 0;
  k.loop("i", 0, text_size, [&](Expr i) {
    fall_back_until(text(i));
    k.when(matched == pattern_size, [&] {
      matches(0) += 1;
      matched = failure(pattern_size - 1);
    });
  });
  return k.build();
}

void kmp_plain(Operands& x) {
  const int pattern_size = x.size("pattern_size");
  const auto pattern = x.grid<std::uint8_t>("pattern");
  const auto text = x.grid<std::uint8_t>("text");
  const auto failure = x.grid<std::int32_t>("failure");
  const auto matches = x.grid<std::int32_t>("matches");

  std::int32_t matched = 0;
  failure(0) = 0;
  for (int q = 1; q < pattern_size; ++q) {
    while (matched > 0 && pattern(matched) != pattern(q)) matched = failure(matched - 1);
    if (pattern(matched) == pattern(q)) ++matched;
    failure(q) = matched;
  }
  matches(0) = 0;
  matched = 0;
  for (int i = 0; i < x.size("text_size"); ++i) {
    while (matched > 0 && pattern(matched) != text(i)) matched = failure(matched - 1);
    if (pattern(matched) == text(i)) ++matched;
    if (matched == pattern_size) {
      ++matches(0);
      matched = failure(pattern_size - 1);
    }
  }
}

/// The pattern aabaa in a text of mostly its pieces.
void pattern_in_text(Operands& x) {
  const std::string word = "aabaa";
  const auto pattern = x.grid<std::uint8_t>("pattern");
  const auto text = x.grid<std::uint8_t>("text");
  for (int q = 0; q < pattern.extent(0); ++q) {
    pattern(q) = static_cast<std::uint8_t>(word[static_cast<std::size_t>(q) % word.size()]);
  }
  randomise(x.buffer("text"), 0, 3, 11);
  for (int i = 0; i < text.extent(0); ++i) text(i) = text(i) == 0 ? 'b' : 'a';
}

// nw: the best alignment of two strands (Needleman, Wunsch), found backwards from their ends.
// MachSuite leaves the border of `ptr` without values; here it leads to the origin.

constexpr std::uint8_t kAlign = '\\';
constexpr std::uint8_t kSkipA = '^';
constexpr std::uint8_t kSkipB = '<';

KernelPtr nw_kernel() {
  KernelBuilder k("nw", "the best alignment of two sequences, backwards");
  const Expr alen = k.size("alen");
  const Expr blen = k.size("blen");
  ArrayHandle seq_a = k.input("seq_a", uint_type(8), {alen});
  ArrayHandle seq_b = k.input("seq_b", uint_type(8), {blen});
  ArrayHandle aligned_a = k.output("aligned_a", uint_type(8), {alen + blen});
  ArrayHandle aligned_b = k.output("aligned_b", uint_type(8), {alen + blen});
  ArrayHandle score = k.output("score", int_type(32), {blen + 1, alen + 1});
  ArrayHandle ptr = k.output("ptr", uint_type(8), {blen + 1, alen + 1});

  k.loop("a", 0, alen + 1, [&](Expr a) {
    score(0, a) = cast(int_type(32), -a);
    ptr(0, a) = kSkipB;
  });
  k.loop("b", 1, blen + 1, [&](Expr b) {
    score(b, 0) = cast(int_type(32), -b);
    ptr(b, 0) = kSkipA;
  });
  k.loop("b", 1, blen + 1, [&](Expr b) {
    k.loop("a", 1, alen + 1, [&](Expr a) {
      const Expr gain = select(seq_a(a - 1) == seq_b(b - 1), 1, -1);
      Element up_left = k.scalar("up_left", int_type(32));
      Element up = k.scalar("up", int_type(32));
      Element left = k.scalar("left", int_type(32));
      Element best = k.scalar("best", int_type(32));
      up_left = score(b - 1, a - 1) + gain;
      up = score(b - 1, a) - 1;
      left = score(b, a - 1) - 1;
      best = max(up_left, max(up, left));
      score(b, a) = best;
      ptr(b, a) = select(best == left, kSkipB, select(best == up, kSkipA, kAlign));
    });
  });

  Element a = k.scalar("a", index_type());
  Element b = k.scalar("b", index_type());
  a = alen;
  b = blen;
  // Every round goes one step back in one strand or in both.
  k.loop("out", 0, alen + blen, [&](Expr out) {
    Element way = k.scalar("way", uint_type(8));
    way = ptr(b, a);
    k.when(
        a > 0 || b > 0,
        [&] {
          aligned_a(out) = '-';
          aligned_b(out) = '-';
          k.when(way != kSkipA, [&] {
            aligned_a(out) = seq_a(a - 1);
            a -= 1;
          });
          k.when(way != kSkipB, [&] {
            aligned_b(out) = seq_b(b - 1);
            b -= 1;
          });
        },
        [&] {
          aligned_a(out) = '_';
          aligned_b(out) = '_';
        });
  });
  return k.build();
}

void nw_plain(Operands& x) {
  const int alen = x.size("alen");
  const int blen = x.size("blen");
  const auto seq_a = x.grid<std::uint8_t>("seq_a");
  const auto seq_b = x.grid<std::uint8_t>("seq_b");
  const auto aligned_a = x.grid<std::uint8_t>("aligned_a");
  const auto aligned_b = x.grid<std::uint8_t>("aligned_b");
  const auto score = x.grid<std::int32_t>("score");
  const auto ptr = x.grid<std::uint8_t>("ptr");

  for (int a = 0; a <= alen; ++a) {
    score(0, a) = -a;
    ptr(0, a) = kSkipB;
  }
  for (int b = 1; b <= blen; ++b) {
    score(b, 0) = -b;
    ptr(b, 0) = kSkipA;
  }
  for (int b = 1; b <= blen; ++b) {
    for (int a = 1; a <= alen; ++a) {
      const int up_left = score(b - 1, a - 1) + (seq_a(a - 1) == seq_b(b - 1) ? 1 : -1);
      const int up = score(b - 1, a) - 1;
      const int left = score(b, a - 1) - 1;
      const int best = std::max(up_left, std::max(up, left));
      score(b, a) = best;
      ptr(b, a) = best == left ? kSkipB : best == up ? kSkipA : kAlign;
    }
  }

  int a = alen;
  int b = blen;
  int out = 0;
  while (a > 0 || b > 0) {
    const std::uint8_t way = ptr(b, a);
    aligned_a(out) = way != kSkipA ? seq_a(--a) : '-';
    aligned_b(out) = way != kSkipB ? seq_b(--b) : '-';
    ++out;
  }
  for (; out < alen + blen; ++out) {
    aligned_a(out) = '_';
    aligned_b(out) = '_';
  }
}

void two_strands(Operands& x) {
  for (const std::string strand : {"seq_a", "seq_b"}) {
    randomise(x.buffer(strand), 0, 3, strand == "seq_a" ? 11 : 12);
    const auto bases = x.grid<std::uint8_t>(strand);
    for (int i = 0; i < bases.extent(0); ++i) {
      bases(i) = static_cast<std::uint8_t>(std::string("acgt")[bases(i)]);
    }
  }
}

// viterbi: the likeliest states behind observations; probabilities are -log(p), so they add up and
// the least is the likeliest

KernelPtr viterbi_kernel(int observations, int states, int tokens) {
  KernelBuilder k("viterbi", "the likeliest hidden states behind a sequence of observations");
  ArrayHandle obs = k.input("obs", uint_type(8), {observations});
  ArrayHandle init = k.input("init", float32_type(), {states});
  ArrayHandle transition = k.input("transition", float32_type(), {states, states});
  ArrayHandle emission = k.input("emission", float32_type(), {states, tokens});
  ArrayHandle path = k.output("path", uint_type(8), {observations});
  ArrayHandle llike = k.local("llike", float32_type(), {observations, states});
  Element min_p = k.scalar("min_p", float32_type());
  Element min_s = k.scalar("min_s", uint_type(8));
  Element p = k.scalar("p", float32_type());

  k.loop("s", 0, states, [&](Expr s) { llike(0, s) = init(s) + emission(s, obs(0)); });
  k.loop("t", 1, observations, [&](Expr t) {
    k.loop("curr", 0, states, [&](Expr curr) {
      min_p = llike(t - 1, 0) + transition(0, curr) + emission(curr, obs(t));
      k.loop("prev", 1, states, [&](Expr prev) {
        min_p.reduce_min(llike(t - 1, prev) + transition(prev, curr) + emission(curr, obs(t)));
      });
      llike(t, curr) = min_p;
    });
  });

  /// The state of the least p(s).
  const auto least = [&](const std::function<Expr(Expr)>& p_of) {
    min_s = 0;
    min_p = p_of(0);
    k.loop("s", 1, states, [&](Expr s) {
      p = p_of(s);
      k.when(p < min_p, [&] {
        min_p = p;
        min_s = cast(uint_type(8), s);
      });
    });
  };
  least([&](const Expr& s) -> Expr { return llike(observations - 1, s); });
  path(observations - 1) = min_s;
  k.loop("back", 1, observations, [&](Expr back) {
    const Expr t = observations - 1 - back;
    least([&](const Expr& s) { return llike(t, s) + transition(s, path(t + 1)); });
    path(t) = min_s;
  });
  return k.build();
}

void viterbi_plain(Operands& x) {
  const auto obs = x.grid<std::uint8_t>("obs");
  const auto init = x.grid<float>("init");
  const auto transition = x.grid<float>("transition");
  const auto emission = x.grid<float>("emission");
  const auto path = x.grid<std::uint8_t>("path");
  const int observations = obs.extent(0);
  const int states = init.extent(0);
  const Grid<float> llike({observations, states});

  for (int s = 0; s < states; ++s) llike(0, s) = init(s) + emission(s, obs(0));
  for (int t = 1; t < observations; ++t) {
    for (int curr = 0; curr < states; ++curr) {
      float min_p = llike(t - 1, 0) + transition(0, curr) + emission(curr, obs(t));
      for (int prev = 1; prev < states; ++prev) {
        const float p = llike(t - 1, prev) + transition(prev, curr) + emission(curr, obs(t));
        if (p < min_p) min_p = p;
      }
      llike(t, curr) = min_p;
    }
  }

  const auto least = [&](auto p_of) {
    int min_s = 0;
    float min_p = p_of(0);
    for (int s = 1; s < states; ++s) {
      if (p_of(s) < min_p) {
        min_p = p_of(s);
        min_s = s;
      }
    }
    return static_cast<std::uint8_t>(min_s);
  };
  path(observations - 1) = least([&](int s) { return llike(observations - 1, s); });
  for (int t = observations - 2; t >= 0; --t) {
    path(t) = least([&](int s) { return llike(t, s) + transition(s, path(t + 1)); });
  }
}

}  // namespace

std::vector<Workload> machsuite_sequences(Size size) {
  const int n = scaled(size, 24);
  const int states = scaled(size, 9);
  const int tokens = 6;
  const auto log_probabilities = [](Operands& x) {
    randomise(x.buffer("obs"), 0, tokens - 1, 11);
    for (const std::string name : {"init", "transition", "emission"}) {
      randomise(x.buffer(name), 0, 8, name.size());
    }
  };
  return {
      make_workload("kmp", kmp_kernel(), {{"pattern_size", 7}, {"text_size", 16 * n}}, kmp_plain,
                    pattern_in_text),
      make_workload("nw", nw_kernel(), {{"alen", n}, {"blen", n - 3}}, nw_plain, two_strands),
      make_workload("viterbi", viterbi_kernel(n, states, tokens), {}, viterbi_plain,
                    log_probabilities),
  };
}

}  // namespace heddle::kernel
