#include "kernel/library/product_array.h"

#include "kernel/library/tiles.h"

namespace heddle::kernel {

Process read_rows(KernelBuilder& k, const Reading& reading, const StreamHandle& to) {
  const auto body = [&k, reading, &to] {
    const std::string& name = reading.name;
    k.loop(name + "_t", 0, reading.times, [&](const Expr& t) {
      reading.begin(t);
      k.loop(name + "_r", 0, reading.rows, [&](const Expr& r) {
        k.loop(name + "_w", 0, reading.words, [&](const Expr& w) {
          k.loop(name + "_d", 0, reading.width,
                 [&](const Expr& d) { to.put({d}, reading.element(t, r, w * reading.width + d)); });
        });
      });
    });
  };
  return {reading.name, body};
}

void mark_read_rows(Schedule& s, const std::string& name) {
  s.pipeline(name + "_w");
  s.unroll(name + "_d");
}

Process multiply_rows(KernelBuilder& k, const ProductArray& array, const StreamHandle& weights,
                      const StreamHandle& sums,
                      const std::function<void(const ArrayHandle& tile)>& fill) {
  const auto body = [&k, array, &weights, &sums, fill] {
    const std::string& name = array.name;
    const ArrayHandle tile = k.local(name + "_tile", int_type(8), {array.tile_rows, array.inner});
    const ArrayHandle sum = k.local(name + "_sum", int_type(32), {array.tile_rows / 2, 2});
    const auto for_pairs = [&](const std::string& what,
                               const std::function<void(const Expr&, const Expr&)>& visit) {
      k.loop(name + what + "i", 0, array.tile_rows / 2, [&](const Expr& i) {
        k.loop(name + what + "p", 0, 2, [&](const Expr& p) { visit(i, p); });
      });
    };
    k.loop(name + "_t", 0, array.tiles, [&](const Expr&) {
      fill(tile);
      k.loop(name + "_c", 0, array.columns, [&](const Expr&) {
        k.loop(name + "_k", 0, array.words(), [&](const Expr& w) {
          const ArrayHandle word = k.local(name + "_word", int_type(8), {array.width});
          k.loop(name + "_g", 0, array.width, [&](const Expr& d) { weights.get({d}, word(d)); });
          k.when(w == 0,
                 [&] { for_pairs("_z", [&](const Expr& i, const Expr& p) { sum(i, p) = 0; }); });
          for_pairs("_", [&](const Expr& i, const Expr& p) {
            k.loop(name + "_d", 0, array.width, [&](const Expr& d) {
              sum(i, p) += word(d) * tile(i * 2 + p, w * array.width + d);
            });
          });
          k.when(w == array.words() - 1, [&] {
            for_pairs("_s",
                      [&](const Expr& i, const Expr& p) { sums.put({i * 2 + p}, sum(i, p)); });
          });
        });
      });
    });
  };
  return {array.name, body};
}

void mark_multiply_rows(Schedule& s, const std::string& name, std::int64_t width, bool packed) {
  for (const char* array_name : {"_sum", "_word"})
    s.store_in(name + array_name, Storage::kRegister);
  s.store_in(name + "_tile", Storage::kLutram);
  s.partition(name + "_tile", 0, {Partition::Kind::kComplete, 1});
  s.partition(name + "_tile", 1, {Partition::Kind::kCyclic, width});
  s.pipeline(name + "_k");
  for (const char* loop : {"_g", "_zi", "_zp", "_i", "_si", "_sp"}) s.unroll(name + loop);
  if (packed) {
    // Pairs of rows share the word of the weight.
    s.replace(name + "_p", packed_dot(width, false));
  } else {
    for (const char* loop : {"_p", "_d"}) s.unroll(name + loop);
  }
}

}  // namespace heddle::kernel
