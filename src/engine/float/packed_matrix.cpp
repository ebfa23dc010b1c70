#include "engine/float/packed_matrix.h"

#include <algorithm>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>

#include "engine/float/finite.h"

// OpenMP 4.5, section 3.2.1. Declared here: the header belongs to the compiler, and not every clang
// has one for the OpenMP that oneDNN is linked to.
extern "C" void omp_set_num_threads(int count);

namespace heddle {
namespace {

using dnnl::memory;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::data_type type_of(FloatPrecision precision) {
  return precision == FloatPrecision::kBF16 ? memory::data_type::bf16 : memory::data_type::f32;
}

std::size_t element_size(FloatPrecision precision) {
  return precision == FloatPrecision::kBF16 ? 2 : 4;
}

/// Columns of the output that one product covers: narrow enough that a slice of the weight stays in
/// the second-level cache, wide enough that the kernels run at full speed.
std::int64_t tile_columns(std::int64_t rows) {
  constexpr std::int64_t kColumns = 192;
  return std::min(kColumns, rows);
}

constexpr std::int64_t kTileRows = 128;

/// oneDNN would otherwise start threads of its own, and choose its blocking by their number.
void keep_single_threaded() {
  omp_set_num_threads(1);
}

dnnl::matmul::primitive_desc describe(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                                      FloatPrecision precision, const memory::desc& weight) {
  const memory::desc source({rows, depth}, type_of(precision), memory::dims{depth, 1});
  const memory::desc target({rows, columns}, memory::data_type::f32, memory::dims{columns, 1});
  dnnl::primitive_attr attributes;
  // Scratch memory of the caller's: one primitive then serves several threads at once.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return {dnnl::matmul::desc(source, weight, target), attributes, cpu()};
}

/// One product of a tile: the primitive for a number of rows and columns.
struct TileProduct {
  dnnl::matmul primitive;
  memory::desc source, weight, target, scratchpad;
};

}  // namespace

struct PackedMatrix::Tiles {
  std::int64_t columns = 0;         ///< of every tile but perhaps the last
  std::vector<memory::desc> forms;  ///< per tile
  std::vector<std::byte*> data;     ///< per tile
  [[nodiscard]] std::int64_t width(std::size_t tile, std::int64_t rows) const {
    return std::min(columns, rows - static_cast<std::int64_t>(tile) * columns);
  }
};

PackedMatrix::PackedMatrix(std::string_view name, const TensorView& weight,
                           FloatPrecision precision, Slab& slab, ThreadPool& pool)
    : rows_(weight.shape[0]),
      depth_(element_count(weight.shape) / weight.shape[0]),
      precision_(precision),
      tiles_(std::make_unique<Tiles>()) {
  keep_single_threaded();
  tiles_->columns = tile_columns(rows_);
  const auto count = static_cast<std::size_t>((rows_ + tiles_->columns - 1) / tiles_->columns);
  for (std::size_t tile = 0; tile < count; ++tile) {
    const memory::desc any({depth_, tiles_->width(tile, rows_)}, type_of(precision),
                           memory::format_tag::any);
    tiles_->forms.push_back(
        describe(kTileRows, tiles_->width(tile, rows_), depth_, precision, any).weights_desc());
    tiles_->data.push_back(slab.allocate(tiles_->forms.back().get_size()));
  }
  pool.parallel_for(count, [&](std::size_t tile, int) {
    keep_single_threaded();
    const std::int64_t width = tiles_->width(tile, rows_);
    const std::int64_t first = static_cast<std::int64_t>(tile) * tiles_->columns * depth_;
    std::vector<float> plain(static_cast<std::size_t>(width * depth_));
    convert_to_f32(weight, first, plain);
    require_finite(name, plain, first);
    // The checkpoint's [N,K] row-major is the product's [K,N] column-major.
    const memory::desc from({depth_, width}, memory::data_type::f32, memory::dims{1, depth_});
    memory source(from, cpu(), plain.data());
    memory target(tiles_->forms[tile], cpu(), tiles_->data[tile]);
    dnnl::stream stream(cpu());
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
  });
}

PackedMatrix::~PackedMatrix() = default;
PackedMatrix::PackedMatrix(PackedMatrix&&) noexcept = default;

struct PackedProduct::Primitives {
  /// By (rows, columns) of the tile.
  std::map<std::pair<std::int64_t, std::int64_t>, TileProduct> by_shape;
  std::size_t scratchpad_size = 0;
};

PackedProduct::PackedProduct(std::int64_t rows, const PackedMatrix& weight)
    : rows_(rows), weight_(&weight), primitives_(std::make_unique<Primitives>()) {
  keep_single_threaded();
  const PackedMatrix::Tiles& tiles = *weight.tiles_;
  for (const std::int64_t tile_rows : {std::min(rows, kTileRows), rows % kTileRows}) {
    for (std::size_t tile = 0; tile_rows > 0 && tile < tiles.forms.size(); ++tile) {
      const std::int64_t width = tiles.width(tile, weight.rows_);
      if (primitives_->by_shape.contains({tile_rows, width})) continue;
      const auto descriptor =
          describe(tile_rows, width, weight.depth_, weight.precision_, tiles.forms[tile]);
      primitives_->scratchpad_size =
          std::max(primitives_->scratchpad_size, descriptor.scratchpad_desc().get_size());
      primitives_->by_shape.emplace(
          std::pair(tile_rows, width),
          TileProduct{dnnl::matmul(descriptor), descriptor.src_desc(), descriptor.weights_desc(),
                      descriptor.dst_desc(), descriptor.scratchpad_desc()});
    }
  }
}

PackedProduct::~PackedProduct() = default;
PackedProduct::PackedProduct(PackedProduct&&) noexcept = default;

namespace {

/// Memory that each thread keeps for the tile at hand.
struct TileMemory {
  std::vector<float> product;
  std::vector<std::byte> scratchpad;
  dnnl::stream stream{cpu()};
};

TileMemory& tile_memory(std::int64_t elements, std::size_t scratchpad) {
  static thread_local TileMemory local;
  if (std::ssize(local.product) < elements)
    local.product.resize(static_cast<std::size_t>(elements));
  if (local.scratchpad.size() < scratchpad) local.scratchpad.resize(scratchpad);
  return local;
}

}  // namespace

void PackedProduct::run(const void* x, const Finish& finish, RowOut out, ThreadPool& pool) const {
  const PackedMatrix::Tiles& tiles = *weight_->tiles_;
  const std::size_t row_tiles = static_cast<std::size_t>((rows_ + kTileRows - 1) / kTileRows);
  const Kernels& kernel = kernels();
  const Function* function = finish.function ? &*finish.function : nullptr;
  const std::int64_t width_of_out = weight_->rows_;

  pool.parallel_for(row_tiles * tiles.forms.size(), [&](std::size_t task, int) {
    keep_single_threaded();
    const std::size_t tile = task / row_tiles;
    const std::int64_t first_row = static_cast<std::int64_t>(task % row_tiles) * kTileRows;
    const std::int64_t first_column = static_cast<std::int64_t>(tile) * tiles.columns;
    const std::int64_t height = std::min(kTileRows, rows_ - first_row);
    const std::int64_t width = tiles.width(tile, weight_->rows_);
    const TileProduct& product = primitives_->by_shape.at({height, width});
    TileMemory& local = tile_memory(height * width, primitives_->scratchpad_size);

    const auto* source =
        static_cast<const std::byte*>(x) +
        first_row * weight_->depth_ * static_cast<std::int64_t>(element_size(weight_->precision_));
    product.primitive.execute(
        local.stream,
        {{DNNL_ARG_SRC, memory(product.source, cpu(), const_cast<std::byte*>(source))},
         {DNNL_ARG_WEIGHTS, memory(product.weight, cpu(), tiles.data[tile])},
         {DNNL_ARG_DST, memory(product.target, cpu(), local.product.data())},
         {DNNL_ARG_SCRATCHPAD, memory(product.scratchpad, cpu(), local.scratchpad.data())}});
    local.stream.wait();

    for (std::int64_t row = 0; row < height; ++row) {
      const std::int64_t element = (first_row + row) * width_of_out + first_column;
      const std::int64_t addend =
          (first_row + row) % finish.addend_rows * width_of_out + first_column;
      kernel.finish(local.product.data() + row * width,
                    finish.bias == nullptr ? nullptr : finish.bias + first_column, function,
                    finish.addend == nullptr ? nullptr : finish.addend + addend, width,
                    offset(out, element));
    }
  });
}

}  // namespace heddle
