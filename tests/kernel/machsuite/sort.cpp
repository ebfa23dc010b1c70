// Sorting by merging and by digits.
#include "kernel/builder.h"
#include "kernel/machsuite/machsuite.h"

#include <algorithm>
#include <vector>

namespace heddle::kernel {
namespace {

// sort/merge: runs of 1, 2, 4, ... elements are merged two by two

/// Merges a[start..middle] and a[middle+1..last]. The second run is copied backwards, so that each
/// run ends where the other does and neither end needs a test.
KernelPtr merge_kernel(int n) {
  KernelBuilder k("merge", "merges two neighbouring sorted runs");
  const Expr start = k.size("start");
  const Expr middle = k.size("middle");
  const Expr last = k.size("last");
  ArrayHandle a = k.inout("a", int_type(32), {n});
  ArrayHandle temp = k.local("temp", int_type(32), {n});
  Element i = k.scalar("i", index_type());
  Element j = k.scalar("j", index_type());

  k.loop("from", start, middle + 1, [&](Expr from) { temp(from) = a(from); });
  k.loop("from", middle + 1, last + 1,
         [&](Expr from) { temp(middle + 1 + last - from) = a(from); });
  i = start;
  j = last;
  k.loop("to", start, last + 1, [&](Expr to) {
    k.when(
        temp(j) < temp(i),
        [&] {
          a(to) = temp(j);
          j -= 1;
        },
        [&] {
          a(to) = temp(i);
          i += 1;
        });
  });
  return k.build();
}

KernelPtr sort_merge_kernel(int n) {
  KernelBuilder k("sort_merge", "sorts by merging runs");
  ArrayHandle a = k.inout("a", int_type(32), {n});
  Element run = k.scalar("run", index_type());

  const KernelPtr merge = merge_kernel(n);
  run = 1;
  k.loop("round", 0, 40, [&](Expr) {  // more rounds than the largest array needs
    k.when(run < n, [&] {
      k.loop("pair", 0, (n + 2 * run - 1) / (2 * run), [&](Expr pair) {
        const Expr start = 2 * pair * run;
        const Expr middle = min(start + run - 1, n - 1);
        const Expr last = min(start + 2 * run - 1, n - 1);
        k.call(merge, {start, middle, last, a.all()});
      });
      run = 2 * run;
    });
  });
  return k.build();
}

void merge_plain(const Grid<std::int32_t>& a, int start, int middle, int last) {
  const Grid<std::int32_t> temp({a.extent(0)});
  for (int from = start; from <= middle; ++from) temp(from) = a(from);
  for (int from = middle + 1; from <= last; ++from) temp(middle + 1 + last - from) = a(from);
  int i = start;
  int j = last;
  for (int to = start; to <= last; ++to) {
    if (temp(j) < temp(i)) {
      a(to) = temp(j--);
    } else {
      a(to) = temp(i++);
    }
  }
}

void sort_merge_plain(Operands& x) {
  const auto a = x.grid<std::int32_t>("a");
  const int n = a.extent(0);
  for (int run = 1; run < n; run += run) {
    for (int start = 0; start < n; start += 2 * run) {
      merge_plain(a, start, std::min(start + run, n) - 1, std::min(start + 2 * run, n) - 1);
    }
  }
}

// sort/radix: two bits at a time, 16 times from a to b or back. A bucket counts one digit in one
// block of four elements; prefix sums, within sections of 16 buckets and then of sections, turn
// counts into places. (There is one bucket more than MachSuite has: counting puts the last block's
// threes behind the last one.)

constexpr int kBlock = 4;
constexpr int kSection = 16;

KernelPtr radix_count_kernel() {
  KernelBuilder k("radix_count", "counts digits per block, one bucket to the right");
  const Expr blocks = k.size("blocks");
  const Expr shift = k.size("shift");
  ArrayHandle from = k.input("from", int_type(32), {kBlock * blocks});
  ArrayHandle bucket = k.output("bucket", int_type(32), {4 * blocks + 1});

  k.loop("i", 0, 4 * blocks + 1, [&](Expr i) { bucket(i) = 0; });
  k.loop("block", 0, blocks, [&](Expr block) {
    k.loop("i", 0, kBlock, [&](Expr i) {
      const Expr digit = (from(block * kBlock + i) >> shift) & 3;
      bucket(digit * blocks + block + 1) += 1;
    });
  });
  return k.build();
}

KernelPtr radix_scan_kernel() {
  KernelBuilder k("radix_scan", "sums up all buckets before each");
  const Expr blocks = k.size("blocks");
  ArrayHandle bucket = k.inout("bucket", int_type(32), {4 * blocks + 1});
  ArrayHandle sum = k.output("sum", int_type(32), {4 * blocks / kSection});

  const Expr sections = 4 * blocks / kSection;
  k.loop("section", 0, sections, [&](Expr section) {
    k.loop("i", 1, kSection,
           [&](Expr i) { bucket(section * kSection + i) += bucket(section * kSection + i - 1); });
  });
  sum(0) = 0;
  k.loop("section", 1, sections,
         [&](Expr section) { sum(section) = sum(section - 1) + bucket(section * kSection - 1); });
  k.loop("section", 0, sections, [&](Expr section) {
    k.loop("i", 0, kSection, [&](Expr i) { bucket(section * kSection + i) += sum(section); });
  });
  return k.build();
}

KernelPtr radix_place_kernel() {
  KernelBuilder k("radix_place", "moves every element to the place that its bucket names");
  const Expr blocks = k.size("blocks");
  const Expr shift = k.size("shift");
  ArrayHandle from = k.input("from", int_type(32), {kBlock * blocks});
  ArrayHandle to = k.inout("to", int_type(32), {kBlock * blocks});
  ArrayHandle bucket = k.inout("bucket", int_type(32), {4 * blocks + 1});

  k.loop("block", 0, blocks, [&](Expr block) {
    k.loop("i", 0, kBlock, [&](Expr i) {
      Element place = k.scalar("place", int_type(32));
      const Expr element = from(block * kBlock + i);
      const Expr number = ((element >> shift) & 3) * blocks + block;
      place = bucket(number);
      to(place) = element;
      bucket(number) += 1;
    });
  });
  return k.build();
}

KernelPtr sort_radix_kernel() {
  KernelBuilder k("sort_radix", "sorts numbers of 31 bits by two bits at a time");
  const Expr blocks = k.size("blocks");
  ArrayHandle a = k.inout("a", int_type(32), {kBlock * blocks});
  ArrayHandle b = k.inout("b", int_type(32), {kBlock * blocks});
  ArrayHandle bucket = k.output("bucket", int_type(32), {4 * blocks + 1});
  ArrayHandle sum = k.output("sum", int_type(32), {4 * blocks / kSection});

  const KernelPtr count = radix_count_kernel();
  const KernelPtr scan = radix_scan_kernel();
  const KernelPtr place = radix_place_kernel();
  const auto pass = [&](const Expr& shift, const ArrayHandle& from, const ArrayHandle& to) {
    k.call(count, {blocks, shift, from.all(), bucket.all()});
    k.call(scan, {blocks, bucket.all(), sum.all()});
    k.call(place, {blocks, shift, from.all(), to.all(), bucket.all()});
  };
  k.loop("two_passes", 0, 8, [&](Expr two_passes) {
    pass(4 * two_passes, a, b);
    pass(4 * two_passes + 2, b, a);
  });
  return k.build();
}

void sort_radix_plain(Operands& x) {
  const int blocks = x.size("blocks");
  const int sections = 4 * blocks / kSection;
  const auto a = x.grid<std::int32_t>("a");
  const auto b = x.grid<std::int32_t>("b");
  const auto bucket = x.grid<std::int32_t>("bucket");
  const auto sum = x.grid<std::int32_t>("sum");

  for (int shift = 0; shift < 32; shift += 2) {
    const auto& from = shift % 4 == 0 ? a : b;
    const auto& to = shift % 4 == 0 ? b : a;
    const auto digit = [&](int i) { return (from(i) >> shift) & 3; };
    for (int i = 0; i <= 4 * blocks; ++i) bucket(i) = 0;
    for (int i = 0; i < kBlock * blocks; ++i) ++bucket(digit(i) * blocks + i / kBlock + 1);
    for (int section = 0; section < sections; ++section) {
      for (int i = 1; i < kSection; ++i) {
        bucket(section * kSection + i) += bucket(section * kSection + i - 1);
      }
    }
    sum(0) = 0;
    for (int section = 1; section < sections; ++section) {
      sum(section) = sum(section - 1) + bucket(section * kSection - 1);
    }
    for (int i = 0; i < 4 * blocks; ++i) bucket(i) += sum(i / kSection);
    for (int i = 0; i < kBlock * blocks; ++i) {
      to(bucket(digit(i) * blocks + i / kBlock)++) = from(i);
    }
  }
}

}  // namespace

std::vector<Workload> machsuite_sort(Size size) {
  const auto numbers = [](double low, double high) {
    return [=](Operands& x) { randomise(x.buffer("a"), low, high, 11); };
  };
  return {
      make_workload("sort/merge", sort_merge_kernel(scaled(size, 75)), {}, sort_merge_plain,
                    numbers(-1000, 1000)),
      make_workload("sort/radix", sort_radix_kernel(), {{"blocks", scaled(size, 16)}},
                    sort_radix_plain, numbers(0, 2147483647)),
  };
}

}  // namespace heddle::kernel
