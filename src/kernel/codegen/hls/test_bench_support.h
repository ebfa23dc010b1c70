// What a test bench reads, fills and compares: the arguments of a kernel. C++14, like the bench.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>

// The types come with the kernel's own header, which the bench includes before this one.

namespace bench {

/// An array argument. Word is T, or a memory word of several.
template <typename T, typename Word>
struct Array {
  std::string name;
  long size;   // elements
  long lanes;  // elements of a word
  std::unique_ptr<Word[]> words;

  Array(const char* the_name, long the_size, long the_lanes)
      : name(the_name),
        size(the_size),
        lanes(the_lanes),
        words(new Word[static_cast<std::size_t>(the_size / the_lanes + 1)]()) {}
};
/// An element of memory words of several.
template <typename T, typename Word>
struct Element {
  static void put(Word* words, long lanes, long i, const T& x) {
    heddle::set_lane<T>(words[i / lanes], static_cast<int>(i % lanes), x);
  }
  static T get(const Word* words, long lanes, long i) {
    return heddle::lane<T>(words[i / lanes], static_cast<int>(i % lanes));
  }
};
/// A word that is the element.
template <typename T>
struct Element<T, T> {
  static void put(T* words, long, long i, const T& x) { words[i] = x; }
  static T get(const T* words, long, long i) { return words[i]; }
};

inline float random_value(std::mt19937& random, float) {
  return std::uniform_real_distribution<float>(-1.0f, 1.0f)(random);
}
inline heddle::bfloat16 random_value(std::mt19937& random, heddle::bfloat16) {
  return heddle::bfloat16(random_value(random, 0.0f));
}
/// Subscripts: the only one that every array has.
inline long random_value(std::mt19937&, long) {
  return 0;
}
template <typename T>
T random_value(std::mt19937& random, T) {
  const unsigned long long bits = static_cast<unsigned long long>(random()) << 32 | random();
  return heddle::bit_view<T>::put(ap_uint<heddle::bit_view<T>::width>(bits));
}

/// The arguments of one run: `[FOLDER] [NAME=NUMBER ...]`.
class Data {
 public:
  Data(int argc, char** argv, const char* usage) : usage_(usage) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      const std::size_t equals = argument.find('=');
      if (argument[0] == '-') stop("", argument == "--help" || argument == "-h" ? 0 : 2);
      if (equals != std::string::npos) {
        numbers_[argument.substr(0, equals)] = std::atol(argument.c_str() + equals + 1);
      } else {
        folder_ = argument;
      }
    }
  }

  /// From NAME=NUMBER, NAME.bin, or at random; a size has no random value.
  template <typename T>
  T scalar(const std::string& name, bool is_size) {
    if (numbers_.count(name) != 0) return T(numbers_[name]);
    std::string bytes;
    if (read(name + ".bin", heddle::pitch<T>::bits / 8, &bytes)) return element<T>(bytes, 0);
    if (is_size) stop("the size " + name + " is not given: " + name + "=NUMBER", 2);
    return random_value(random_, T());
  }

  /// From NAME.bin, or at random.
  template <typename T, typename Word>
  void fill(Array<T, Word>& array) {
    std::string bytes;
    const bool is_given =
        read(array.name + ".bin", array.size * (heddle::pitch<T>::bits / 8), &bytes);
    if (!is_given && !folder_.empty()) stop(folder_ + "/" + array.name + ".bin is missing", 2);
    for (long i = 0; i < array.size; ++i) {
      Element<T, Word>::put(array.words.get(), array.lanes, i,
                            is_given ? element<T>(bytes, i) : random_value(random_, T()));
    }
  }

  /// With NAME.expected.bin, bit by bit.
  template <typename T, typename Word>
  void compare(const Array<T, Word>& array) {
    std::string bytes;
    if (!read(array.name + ".expected.bin", array.size * (heddle::pitch<T>::bits / 8), &bytes))
      return;
    ++compared_;
    long first = -1;
    long different = 0;
    for (long i = 0; i < array.size; ++i) {
      const T expected = element<T>(bytes, i);
      const T found = Element<T, Word>::get(array.words.get(), array.lanes, i);
      if (heddle::to_memory(expected) == heddle::to_memory(found)) continue;
      if (first < 0) {
        std::printf("%s: element %ld is 0x%llx, expected 0x%llx\n", array.name.c_str(), i,
                    static_cast<unsigned long long>(heddle::to_memory(found).to_uint64()),
                    static_cast<unsigned long long>(heddle::to_memory(expected).to_uint64()));
        first = i;
      }
      ++different;
    }
    std::printf("%s: %ld of %ld elements differ\n", array.name.c_str(), different, array.size);
    if (different != 0) ++wrong_;
  }

  /// Prints what came out; what main returns.
  int verdict() const {
    if (compared_ == 0) {
      std::printf("RAN; no NAME.expected.bin was given, so nothing was compared\n");
      return 0;
    }
    std::printf(wrong_ == 0 ? "PASS\n" : "FAIL\n");
    return wrong_ == 0 ? 0 : 1;
  }

 private:
  [[noreturn]] void stop(const std::string& problem, int code) const {
    std::FILE* out = code == 0 ? stdout : stderr;
    if (!problem.empty()) std::fprintf(out, "%s\n", problem.c_str());
    std::fputs(usage_, out);
    std::exit(code);
  }

  bool read(const std::string& file, long size, std::string* bytes) const {
    if (folder_.empty()) return false;
    std::ifstream in(folder_ + "/" + file, std::ios::binary);
    if (!in) return false;
    bytes->assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (static_cast<long>(bytes->size()) != size) {
      stop(folder_ + "/" + file + " has " + std::to_string(bytes->size()) + " bytes, not " +
               std::to_string(size),
           2);
    }
    return true;
  }

  template <typename T>
  static T element(const std::string& bytes, long i) {
    const int size = heddle::pitch<T>::bits / 8;
    unsigned long long bits = 0;
    for (int b = size - 1; b >= 0; --b) {
      bits = bits << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i * size + b)]);
    }
    return heddle::from_memory<T>(ap_uint<heddle::pitch<T>::bits>(bits));
  }

  const char* usage_;
  std::string folder_;
  std::map<std::string, long> numbers_;
  std::mt19937 random_;
  int compared_ = 0;
  int wrong_ = 0;
};

}  // namespace bench
