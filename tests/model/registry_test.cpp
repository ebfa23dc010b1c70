// Finding out what a folder holds, and saying so when it is nothing known.
#include "model/registry.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

TEST(Registry, OpensAndDescribesWhatItMakes) {
  for (const std::string& kind : synthesis_kinds()) {
    const Scratch scratch;
    const std::string size = synthesis_sizes(kind).front();
    synthesise({kind, size, 3, scratch / "model", false, 2});
    EXPECT_EQ(open_policy(scratch / "model")->info().model, kind);
    const ModelDescription description = describe(scratch / "model");
    EXPECT_EQ(description.model, kind);
    EXPECT_TRUE(description.missing.empty());
    EXPECT_TRUE(description.wrong.empty());
    EXPECT_TRUE(description.unknown.empty());
    EXPECT_TRUE(description.notes.empty());
    EXPECT_FALSE(description.unread.empty());
    std::int64_t bytes = 0;
    for (const ComponentDescription& part : description.components) bytes += part.bytes;
    EXPECT_EQ(static_cast<std::uint64_t>(bytes), SafeTensors(scratch / "model").total_bytes());
    for (const FileDescription& file : description.files) EXPECT_TRUE(file.present) << file.name;
    std::cout << kind << " " << size << ": " << description.components.size() << " components, "
              << bytes << " bytes\n";
  }
}

TEST(Registry, DescribesWhatCannotRun) {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  synthesise({"smolvla", "tiny", 3, folder, false, 2});
  std::filesystem::remove_all(folder / "tokenizer");
  const SafeTensors original(folder);
  const std::string dropped = original.names().front();
  std::map<std::string, TensorView> views;
  for (const std::string& name : original.names()) {
    if (name != dropped) views.emplace(name, original.get(name));
  }
  const Tensor extra(DType::kF32, {7});
  views.emplace("surprise", extra.view());
  write_safetensors(scratch / "changed.safetensors", views);
  std::filesystem::rename(scratch / "changed.safetensors", folder / "model.safetensors");

  const ModelDescription description = describe(folder);
  EXPECT_EQ(description.missing, std::vector<std::string>{dropped});
  EXPECT_EQ(description.unknown, std::vector<std::string>{"surprise"});
  ASSERT_EQ(description.notes.size(), 1U);
  expect_parts(description.notes[0], {"tokenizer.json"});
  expect_parts(user_error([&] { (void)open_policy(folder); }), {dropped});
  std::cout << description.notes[0] << "\n";
}

TEST(Registry, SaysWhatAModelCannotDo) {
  for (const char* name : {"tinyllava", "switch"}) {
    const std::filesystem::path folder = std::filesystem::path("examples/configs") / name;
    expect_parts(user_error([&] { (void)open_policy(folder); }),
                 {folder.string(), "is no robot policy", "smolvla", "heddle analyze"});
    expect_parts(user_error([&] { (void)describe(folder); }),
                 {folder.string(), "cannot be described yet", "heddle analyze"});
    expect_parts(user_error([&] { synthesise({name, "tiny", 0, folder / "a", false, 1}); }),
                 {name, "choose one of: smolvla"});
  }
}

TEST(Registry, WorkloadsOfAFileAndOfItsFolder) {
  for (const auto& [name, model] : {std::pair{"smolvla", "smolvla"},
                                    {"tinyllava", "tinyllava"},
                                    {"switch", "switch_transformers"}}) {
    const std::filesystem::path folder = std::filesystem::path("examples/configs") / name;
    EXPECT_EQ(workload(folder).model, model);
    EXPECT_EQ(workload(folder / "config.json").parameters, workload(folder).parameters);
  }
}

TEST(Registry, UnknownThingsAreAnsweredWithWhatIsKnown) {
  const Scratch scratch;
  expect_parts(user_error([&] { (void)open_policy(scratch / "nowhere"); }), {"not a folder"});
  expect_parts(user_error([&] { (void)open_policy(scratch.path()); }), {"config.json"});
  scratch.put("config.json", R"({"type": "pi0"})");
  expect_parts(user_error([&] { (void)open_policy(scratch.path()); }), {"pi0", "known: smolvla"});
  scratch.put("config.json", R"({"model_type": "bert"})");
  expect_parts(user_error([&] { (void)describe(scratch.path()); }), {"bert", "model_type"});
  scratch.put("config.json", "{}");
  expect_parts(user_error([&] { (void)open_policy(scratch.path()); }), {"model_type"});
  expect_parts(user_error([&] { synthesise({"bert", "tiny", 0, scratch / "a", false, 1}); }),
               {"bert", "smolvla"});
  expect_parts(user_error([&] { synthesise({"smolvla", "vast", 0, scratch / "a", false, 1}); }),
               {"vast", "tiny, small, full"});
}

}  // namespace
}  // namespace heddle
