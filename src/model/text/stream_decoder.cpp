#include "model/text/stream_decoder.h"

#include <utility>

#include "base/utf8.h"

namespace heddle {

std::string StreamDecoder::push(std::int32_t id) {
  if (special_ == SpecialTokens::kSkip && tokenizer_->is_special(id)) return {};
  held_ += tokenizer_->bytes_of(id);
  const std::size_t certain = held_.size() - incomplete_utf8_tail(held_);
  std::string text = replace_invalid_utf8(std::string_view(held_).substr(0, certain));
  held_.erase(0, certain);
  return text;
}

std::string StreamDecoder::finish() {
  return replace_invalid_utf8(std::exchange(held_, {}));
}

}  // namespace heddle
