#include "cost/synthesis.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/text.h"
#include "kernel/codegen/rtl/primitives.h"
#include "kernel/codegen/shared_object.h"
#include "kernel/codegen/tool.h"

namespace heddle::cost {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;  ///< of modules, by their names
using Names = std::set<std::string>;

std::string yosys() {
  std::string path = kernel::find_program("yosys");
  if (path.empty()) {
    throw UserError("there is no yosys in $PATH, which counts the area",
                    "apt-get install yosys (Heddle's RTL is written for version 0.23 and later)");
  }
  return path;
}

/// The modules that a text instantiates: `NAME #(` or `NAME instance`, outside of comments.
Names used_by(const std::string& text, const Texts& modules) {
  Names result;
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.find("//"), line.size()));
    for (std::size_t begin = 0; begin < line.size();) {
      std::size_t end = begin;
      while (end < line.size() && is_word(line[end])) ++end;
      const std::size_t next = line.find_first_not_of(' ', end);
      const bool is_followed =
          next != std::string::npos && next > end && (line[next] == '#' || is_word(line[next]));
      const std::string word = line.substr(begin, end - begin);
      if (is_followed && modules.contains(word)) result.insert(word);
      begin = end + 1;
    }
  }
  return result;
}

bool holds_dsps(const std::string& module, const Texts& modules) {
  const std::string& text = modules.at(module);
  return text.find("DSP48E2 #(") != std::string::npos ||
         std::ranges::any_of(used_by(text, modules), [&](const std::string& used) {
           return used != module && holds_dsps(used, modules);
         });
}

/// What Yosys is given for one module.
struct Task {
  std::string module;
  Texts texts;     ///< of the module, the primitives below it, and the modules next below
  Names children;  ///< the latter
};

Task task_of(const std::string& module, const Texts& modules) {
  Task task{module, {}, {}};
  const std::function<void(const std::string&)> add = [&](const std::string& name) {
    if (!task.texts.emplace(name, modules.at(name)).second) return;
    if (name != module && !kernel::rtl::primitives().contains(name)) {
      task.children.insert(name);
      return;
    }
    for (const std::string& used : used_by(modules.at(name), modules)) add(used);
  };
  add(module);
  // Arrays of DSPs are cells already: flattened, thousands of them would take hours and gain
  // nothing.
  for (const std::string& used : used_by(modules.at(module), modules)) {
    if (used == module || task.children.contains(used) || !holds_dsps(used, modules)) continue;
    std::string& text = task.texts.at(used);
    const std::size_t head = text.find("\nmodule " + used);
    ensure(head != std::string::npos, "module {} does not begin a line", used);
    text.insert(head, "\n(* keep_hierarchy *)");
  }
  return task;
}

std::string script_of(const Task& task, const SynthesisOptions& options) {
  std::string script = "read_verilog -sv";
  for (const auto& [name, text] : task.texts) script += " " + name + ".sv";
  script += "\n";
  for (const auto& [name, value] : options.parameters) {
    script += fmt::format("chparam -set {} {} {}\n", name, value, task.module);
  }
  for (const std::string& child : task.children) script += "blackbox " + child + "\n";
  // Registers are packed into DSPs of older families alone, and looking for them in vain takes
  // longer than all the rest where a module holds hundreds of multipliers.
  script += "scratchpad -set xilinx_dsp.multonly 1\n";
  // URAM is only used with -uram; without pads and clock buffers the module is part of something.
  script += fmt::format(
      "synth_xilinx -family xcup -top {} -noiopad -noclkbuf -flatten -uram\n"
      "tee -o cells.json stat -json\n",
      task.module);
  return script;
}

/// What Yosys said last of all, and where in the text.
std::string complaint(const std::string& said) {
  const std::size_t error = said.find("ERROR");
  if (error == std::string::npos) return said.empty() ? "it says nothing" : shorten(said, 600);
  const std::size_t before = said.rfind('\n', error);
  return shorten(said.substr(before == std::string::npos ? 0 : before + 1), 600);
}

Cells run_yosys(const std::string& program, const Task& task, const std::string& script,
                const fs::path& cache) {
  const kernel::TemporaryFolder folder(cache);
  for (const auto& [name, text] : task.texts) write_file(folder.path() / (name + ".sv"), text);
  write_file(folder.path() / "area.ys", script);
  // The folder may have a name that a script cannot spell: everything is named from inside of it.
  const kernel::ProgramEnd end = kernel::run_program(
      {"/usr/bin/env", "-C", folder.path().string(), "TMPDIR=.", program, "-q", "-s", "area.ys"},
      folder.path());
  if (WIFSIGNALED(end.status)) {
    throw UserError(fmt::format("yosys was ended by signal {} over module {}", WTERMSIG(end.status),
                                task.module),
                    "free some memory and try again, or make the module smaller: split it into "
                    "processes");
  }
  ensure(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0,
         "Yosys does not accept module {}: {}", task.module, complaint(end.said));
  const std::string text = read_file(folder.path() / "cells.json");
  // Yosys 0.23 draws a tree between the modules and the sum of all, where no JSON can be.
  const std::size_t sum = text.rfind("\"design\":");
  ensure(sum != std::string::npos, "Yosys counted nothing in module {}", task.module);
  const Json json = parse_json("{" + text.substr(sum), "Yosys' stat");
  return json.at("design").at("num_cells_by_type").get<Cells>();
}

/// What an earlier call has left, if it can be read.
std::optional<Cells> kept(const fs::path& path) {
  std::error_code missing;
  if (!fs::is_regular_file(path, missing)) return std::nullopt;
  try {
    return read_json(path).get<Cells>();
  } catch (const UserError&) {
    return std::nullopt;  // Damaged: it is made again.
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

/// A module's cells, instances of other modules among them.
struct Counted {
  Cells cells;
  bool cached = false;
};

Counted count(const Task& task, const SynthesisOptions& options) {
  const std::string program = yosys();
  const std::string script = script_of(task, options);
  std::string key = kernel::identify_program(program) + "\n" + script;
  for (const auto& [name, text] : task.texts) key.append(name).append("\n").append(text);
  const fs::path cache =
      fs::absolute(options.cache.empty() ? kernel::default_cache() : options.cache);
  const fs::path path = cache / ("area-" + kernel::content_hash(key) + ".json");
  if (std::optional<Cells> cells = kept(path)) return {*std::move(cells), true};
  Cells cells = run_yosys(program, task, script, cache);
  write_file(path, Json(cells).dump(2) + '\n');
  return {std::move(cells), false};
}

Texts by_module(const Texts& files) {
  Texts modules;
  for (const auto& [file, text] : files) {
    const fs::path path = file;
    if (path.extension() == ".sv") modules[path.stem().string()] = text;
  }
  return modules;
}

}  // namespace

std::vector<ModuleArea> synthesise(const std::map<std::string, std::string>& files,
                                   const std::string& top, const SynthesisOptions& options) {
  const Texts modules = by_module(files);
  ensure(modules.contains(top), "there is no text of module {}", top);
  std::map<std::string, Task> tasks;
  const std::function<void(const std::string&)> add = [&](const std::string& module) {
    if (tasks.contains(module)) return;
    const Task& task = tasks[module] = task_of(module, modules);
    for (const std::string& child : task.children) add(child);
  };
  add(top);

  Progress progress("synthesis", tasks.size());
  std::map<std::string, ModuleArea> areas;
  std::map<std::string, Cells> children;
  for (const auto& [module, task] : tasks) {
    SynthesisOptions its = options;
    if (module != top) its.parameters.clear();
    Counted counted = count(task, its);
    progress.advance();
    for (const std::string& child : task.children) {
      const auto found = counted.cells.find(child);
      if (found == counted.cells.end()) continue;  // Only its name stands there.
      children[module][child] = found->second;
      counted.cells.erase(found);
    }
    areas[module] = {module, 0, resources_of(counted.cells), counted.cached};
  }
  const std::function<void(const std::string&, std::int64_t)> place = [&](const std::string& module,
                                                                          std::int64_t times) {
    areas[module].instances += times;
    for (const auto& [child, instances] : children[module]) place(child, times * instances);
  };
  place(top, 1);

  std::vector<ModuleArea> result = {areas.at(top)};
  for (const auto& [module, area] : areas) {
    if (module != top && area.instances != 0) result.push_back(area);
  }
  return result;
}

Resources total_of(const std::vector<ModuleArea>& modules) {
  Resources total;
  for (const ModuleArea& module : modules) {
    total += static_cast<double>(module.instances) * module.each;
  }
  return total;
}

}  // namespace heddle::cost
