#include "apps/heddle/calibration.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/utf8.h"
#include "model/image/decode.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

/// As many as there are tasks below.
constexpr std::size_t kMadeRequests = 3;
constexpr std::array<const char*, kMadeRequests> kMadeTasks = {
    "put the red cube in the blue bowl",
    "open the upper drawer, then push it shut again",
    "Fold 2 of the 3 towels!",
};

/// Blocks of random colours under noise: flat areas, edges and texture.
Image made_picture(const PolicyCamera& camera, const RandomStream& stream) {
  constexpr int kBlock = 24;
  Image image(std::max(camera.width, 1), std::max(camera.height, 1));
  std::uint64_t at = 0;
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* row = image.row(y);
    for (int x = 0; x < 3 * image.width; ++x) {
      const int block = (y / kBlock * 1024 + x / 3 / kBlock) * 3 + x % 3;
      const auto base = static_cast<int>(stream.word(static_cast<std::uint64_t>(block)) % 256);
      const auto noise = static_cast<int>(stream.word((1ULL << 32) + at++) % 33) - 16;
      row[x] = static_cast<std::uint8_t>(std::clamp(base + noise, 0, 255));
    }
  }
  return image;
}

/// In the robot's units, whatever they are: as large as angles in degrees.
std::vector<float> made_state(std::int64_t size, const RandomStream& stream) {
  std::vector<float> state;
  state.reserve(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    state.push_back(static_cast<float>(stream.uniform(static_cast<std::uint64_t>(i)) * 200 - 100));
  }
  return state;
}

std::string statistics_key(const PolicyInfo& policy) {
  const std::vector<std::string>& keys = policy.statistics_keys;
  if (keys.empty()) return std::string(kNoStatistics);
  return std::find(keys.begin(), keys.end(), "") != keys.end() ? "" : keys.front();
}

/// Without pictures.
PolicyRequest made_request(const PolicyInfo& policy, std::size_t number) {
  PolicyRequest request;
  const RandomStream stream(number, "calibration state");
  request.state = made_state(policy.state_size, stream);
  request.task = kMadeTasks.at(number % kMadeRequests);
  request.seed = number;
  request.statistics_key = statistics_key(policy);
  return request;
}

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".ppm";
}

}  // namespace

std::vector<PolicyRequest> calibration_requests(const PolicyInfo& policy,
                                                const std::optional<fs::path>& folder) {
  std::vector<PolicyRequest> requests;
  if (!folder) {
    for (std::size_t n = 0; n < kMadeRequests; ++n) {
      requests.push_back(made_request(policy, n));
      for (const PolicyCamera& camera : policy.cameras) {
        requests.back().images.emplace(
            camera.name, made_picture(camera, RandomStream(n, "picture of " + camera.name)));
      }
    }
    return requests;
  }
  std::vector<fs::path> pictures;
  std::vector<std::string> tasks;
  std::error_code error;
  for (fs::directory_iterator it(*folder, error), last; !error && it != last; it.increment(error)) {
    if (is_picture(it->path())) pictures.push_back(it->path());
    if (it->path().extension() != ".txt") continue;
    const std::string text = read_file(it->path(), 1 << 20);
    if (const std::optional<std::size_t> at = find_invalid_utf8(text)) {
      throw UserError(fmt::format("{} is not valid UTF-8 at byte {}", it->path().string(), *at),
                      "convert it to UTF-8: an instruction a line");
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) tasks.push_back(line);
    }
  }
  if (error) {
    throw UserError(fmt::format("cannot list {}: {}", folder->string(), error.message()),
                    "give a folder of pictures that you may read, or leave --calibrate out");
  }
  if (pictures.empty()) {
    throw UserError(fmt::format("{} holds no pictures", folder->string()),
                    "give a folder with PNG, JPEG or PPM files, or leave --calibrate out");
  }
  std::sort(pictures.begin(), pictures.end());
  for (const fs::path& picture : pictures) {
    PolicyRequest request = made_request(policy, requests.size());
    if (!tasks.empty()) request.task = tasks[requests.size() % tasks.size()];
    const Image image = load_image(picture);
    for (const PolicyCamera& camera : policy.cameras) request.images.emplace(camera.name, image);
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace heddle
