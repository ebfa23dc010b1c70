// Drives a Verilated model, and keeps what its outputs should be until they are due.
#pragma once

#include <verilated.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>

namespace heddle {

/// A model in a context of its own, which starts with random registers.
template <typename Model>
class Clocked {
 public:
  explicit Clocked(int seed = 1) {
    context_.randReset(2);
    context_.randSeed(seed);
    model_ = std::make_unique<Model>(&context_);
  }
  ~Clocked() { model_->final(); }
  Clocked(const Clocked&) = delete;
  Clocked& operator=(const Clocked&) = delete;

  Model* operator->() { return model_.get(); }
  Model& operator*() { return *model_; }
  /// Inputs reach the combinational outputs.
  void settle() {
    model_->clk = 0;
    model_->eval();
  }
  void edge() {
    model_->clk = 1;
    model_->eval();
  }
  void tick() {
    settle();
    edge();
  }

 private:
  VerilatedContext context_;
  std::unique_ptr<Model> model_;
};

/// The values that a pipeline of `latency` stages should show.
template <typename T>
class Pipeline {
 public:
  explicit Pipeline(std::size_t latency) : latency_(latency) {}
  /// What went in at an edge in which the pipeline moved.
  void push(const T& value) {
    values_.push_back(value);
    if (values_.size() > latency_) values_.pop_front();
  }
  [[nodiscard]] bool full() const { return values_.size() == latency_; }
  /// What is on show after that edge, once full.
  [[nodiscard]] const T& shown() const { return values_.front(); }

 private:
  std::size_t latency_;
  std::deque<T> values_;
};

}  // namespace heddle
