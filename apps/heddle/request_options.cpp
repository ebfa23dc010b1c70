#include "apps/heddle/request_options.h"

#include "apps/heddle/arguments.h"

namespace heddle {

void RequestOptions::add_to(CLI::App& verb) {
  verb.add_option("--image", images, "CAMERA=FILE (PNG, JPEG or PPM); once per camera")
      ->required()
      ->take_all();
  verb.add_option("--state", state, "The robot's state: numbers separated by commas")->required();
  verb.add_option("--task", task, "The instruction, in plain words")->required();
  verb.add_option("--noise", noise,
                  "safetensors file with the initial noise: F32 \"noise\" [chunk,width]");
  verb.add_option("--seed", seed, "Seed of the initial noise")->capture_default_str();
  verb.add_option("--steps", steps, "Denoising steps (default: the checkpoint's)");
  verb.add_option(
      "--stats-key", stats_key,
      "Which of the checkpoint's statistics to normalise with; \"none\" for raw values");
  verb.add_option("--tokenizer", tokenizer, "A tokenizer.json to use");
  verb.add_option("--image-route", image_route,
                  "policy: resize as LeRobot's policy does; server: as its async server does")
      ->check(CLI::IsMember({"policy", "server"}))
      ->capture_default_str();
}

PolicyOptions RequestOptions::policy_options() const {
  PolicyOptions options;
  if (!tokenizer.empty()) options.tokenizer = tokenizer;
  return options;
}

PolicyRequest RequestOptions::read() const {
  PolicyRequest request;
  request.images = read_images(images);
  request.state = read_state(state);
  request.task = task;
  if (!noise.empty()) request.noise = read_noise(noise);
  request.seed = seed;
  request.steps = steps;
  request.statistics_key = stats_key;
  request.route = image_route == "server" ? ImageRoute::kServer : ImageRoute::kPolicy;
  return request;
}

}  // namespace heddle
