#include <set>
#include <utility>

#include "kernel/expr_parser.h"
#include "kernel/spelling.h"
#include "kernel/text.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr int kLargestInt = std::numeric_limits<int>::max();

using Kernels = std::map<std::string, KernelPtr>;

/// Reads one kernel after its name.
class KernelParser {
 public:
  KernelParser(Cursor& cursor, const Functions& functions, const Kernels& kernels)
      : cursor_(cursor), kernels_(kernels), expressions_(cursor, scope_, functions) {}

  /// From the parameters to the end of the body, and what makes it an instruction.
  Kernel run(const std::string& name, bool is_instruction) {
    Kernel kernel;
    kernel.name = name;
    kernel.parameters = parameters();
    cursor_.expect("{");
    kernel.summary = cursor_.peek().comment;
    kernel.body = statements();
    if (is_instruction) kernel.intrinsic = intrinsic();
    return kernel;
  }

  /// Where a statement begins.
  [[nodiscard]] const Token* place_of(const StmtNode* statement) const {
    const auto found = places_.find(statement);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  // Parameters and declarations.

  std::vector<Parameter> parameters() {
    std::vector<Parameter> list;
    cursor_.expect("(");
    if (cursor_.accept(")")) return list;
    do {
      list.push_back(parameter());
    } while (cursor_.accept(","));
    cursor_.expect(")");
    return list;
  }

  Parameter parameter() {
    const std::string name(cursor_.expect_name("a parameter").text);
    cursor_.expect(":");
    const std::optional<Direction> direction = this->direction();
    if (direction && cursor_.accept("stream")) return StreamParameter{stream(name), *direction};
    if (direction) return ArrayParameter{array(name), *direction};
    const Type type = expressions_.type();
    if (cursor_.at("[") || cursor_.at("@")) {
      throw cursor_.error(cursor_.peek(), fmt::format("array {} has no direction", name),
                          fmt::format("write {}: in, out or inout before its type", name));
    }
    scope_.declare(name, {Meaning::Kind::kVariable, type, 0});
    return ScalarParameter{name, type};
  }

  std::optional<Direction> direction() {
    if (cursor_.accept("in")) return Direction::kIn;
    if (cursor_.accept("out")) return Direction::kOut;
    if (cursor_.accept("inout")) return Direction::kInOut;
    return std::nullopt;
  }

  /// An array's element type, extents and marks.
  Array array(const std::string& name) {
    Array array;
    array.name = name;
    array.element = expressions_.type();
    array.shape = expressions_.subscripts();
    if (cursor_.accept("@")) storage(array);
    if (cursor_.accept("partition")) {
      cursor_.expect("(");
      do {
        array.partition.push_back(partition());
      } while (cursor_.accept(","));
      cursor_.expect(")");
    }
    if (cursor_.accept("lanes")) array.lanes = bracketed("lanes", 1, kLargest);
    scope_.declare(name, {Meaning::Kind::kArray, array.element, array.shape.size()});
    return array;
  }

  void storage(Array& array) {
    static const std::map<std::string, Storage, std::less<>> storages = {
        {"global", Storage::kGlobal}, {"uram", Storage::kUram},         {"bram", Storage::kBram},
        {"lutram", Storage::kLutram}, {"register", Storage::kRegister},
    };
    const Token name = cursor_.expect_name("a memory");
    const auto found = storages.find(name.text);
    if (found == storages.end()) {
      std::vector<std::string> known;
      known.reserve(storages.size());
      for (const auto& [word, storage] : storages) known.push_back(word);
      throw cursor_.error(name, fmt::format("there is no memory {}", name.text),
                          fmt::format("write one of {}", fmt::join(known, ", ")));
    }
    array.storage = found->second;
    if (array.storage == Storage::kGlobal && cursor_.at("(")) {
      array.bank = static_cast<int>(bracketed("a bank", 0, kLargestInt));
    }
  }

  Partition partition() {
    if (cursor_.accept("none")) return {};
    if (cursor_.accept("complete")) return {Partition::Kind::kComplete, 1};
    if (cursor_.accept("cyclic")) {
      return {Partition::Kind::kCyclic, bracketed("a factor", 1, kLargest)};
    }
    if (cursor_.accept("block")) {
      return {Partition::Kind::kBlock, bracketed("a factor", 1, kLargest)};
    }
    throw cursor_.expected("a partition of one dimension",
                           "write none, complete, cyclic(4) or block(4)");
  }

  std::int64_t bracketed(std::string_view what, std::int64_t low, std::int64_t high) {
    cursor_.expect("(");
    const std::int64_t value = cursor_.expect_integer(what, low, high);
    cursor_.expect(")");
    return value;
  }

  Stream stream(const std::string& name) {
    Stream stream;
    stream.name = name;
    stream.element = expressions_.type();
    stream.shape = expressions_.subscripts();
    if (cursor_.accept("depth")) stream.depth = bracketed("a depth", 1, kLargest);
    scope_.declare(name, {Meaning::Kind::kStream, stream.element, stream.shape.size()});
    return stream;
  }

  Intrinsic intrinsic() {
    Intrinsic intrinsic;
    if (cursor_.accept("native")) {
      do {
        intrinsic.native += cursor_.expect_string("the native text");
      } while (cursor_.peek().kind == Token::Kind::kString);
    }
    if (cursor_.accept("needs")) {
      in_brackets([&] { intrinsic.features.push_back(cursor_.expect_string("a feature")); });
    }
    if (cursor_.accept("dense")) {
      in_brackets([&] {
        intrinsic.dense.push_back(
            static_cast<int>(cursor_.expect_integer("a number of dimensions", 0, kLargestInt)));
      });
    }
    if (cursor_.accept("primitive")) {
      cursor_.expect("(");
      intrinsic.primitive = cursor_.expect_string("the primitive's name");
      cursor_.expect(")");
    }
    return intrinsic;
  }

  template <typename Read>
  void in_brackets(const Read& read) {
    cursor_.expect("(");
    do {
      read();
    } while (cursor_.accept(","));
    cursor_.expect(")");
  }

  // Statements.

  /// The statements up to the brace that closes a body: one as it is, others as a block.
  Stmt statements() {
    std::vector<Stmt> list = statement_list();
    return list.size() == 1 ? std::move(list.front()) : make_stmt(Block{std::move(list)});
  }

  std::vector<Stmt> statement_list() {
    const std::size_t outer = scope_.size();
    std::vector<Stmt> list;
    while (!cursor_.accept("}")) list.push_back(statement());
    scope_.shrink(outer);
    return list;
  }

  Stmt body() {
    cursor_.expect("{");
    return statements();
  }

  Stmt statement() {
    const Nesting nesting(cursor_, expressions_.depth());
    const Token start = cursor_.peek();
    Stmt stmt = unplaced_statement();
    places_.emplace(stmt.get(), start);
    return stmt;
  }

  Stmt unplaced_statement() {
    if (cursor_.accept("{")) return make_stmt(Block{statement_list()});
    if (cursor_.at("for")) return loop();
    if (cursor_.at("if")) return branch();
    if (cursor_.at("dataflow") && cursor_.at("{", 1)) return dataflow();
    if (!cursor_.at_name()) {
      throw cursor_.expected("a statement or }",
                             "write an assignment, for, if, var, table, stream, put, get, call or "
                             "dataflow");
    }
    // The words that begin statements may also be names: put = 1 stores to a variable put.
    if (cursor_.at_name(1) && !is_minmax_store()) return worded_statement();
    return store();
  }

  [[nodiscard]] bool is_minmax_store() const {
    return (cursor_.at("min", 1) || cursor_.at("max", 1)) && cursor_.at("=", 2);
  }

  Stmt worded_statement() {
    if (cursor_.accept("var")) return declaration(false);
    if (cursor_.accept("table")) return declaration(true);
    if (cursor_.accept("stream")) {
      const std::string name(cursor_.expect_name("a stream").text);
      cursor_.expect(":");
      return make_stmt(DeclareStream{stream(name)});
    }
    if (cursor_.accept("put")) return put();
    if (cursor_.accept("get")) return get();
    if (cursor_.accept("call")) return call();
    throw cursor_.unknown(
        cursor_.peek(), "a statement",
        {"call", "dataflow", "for", "get", "if", "put", "stream", "table", "var"});
  }

  Stmt loop() {
    cursor_.expect("for");
    const std::string name(cursor_.expect_name("a loop").text);
    cursor_.expect("in");
    For loop;
    loop.name = name;
    loop.lower = expressions_.index();
    cursor_.expect("..");
    loop.upper = expressions_.index();
    loop.marks = marks();
    const std::size_t outer = scope_.size();
    scope_.declare(name, {Meaning::Kind::kVariable, index_type(), 0});
    loop.body = body();
    scope_.shrink(outer);
    return make_stmt(std::move(loop));
  }

  LoopMarks marks() {
    LoopMarks marks;
    while (!cursor_.at("{")) {
      if (!marks.parallel && cursor_.accept("parallel")) {
        marks.parallel = true;
      } else if (!marks.unroll && cursor_.accept("unroll")) {
        marks.unroll = true;
      } else if (!marks.pipeline && cursor_.accept("pipeline")) {
        marks.pipeline = static_cast<int>(bracketed("an initiation interval", 1, kLargestInt));
      } else {
        throw cursor_.expected("{ or a loop's mark",
                               "write parallel, pipeline(1) or unroll, each at most once, then {");
      }
    }
    return marks;
  }

  Stmt branch() {
    // else if is read in a loop, for there may be many.
    std::vector<std::pair<Token, If>> branches;
    Stmt last;
    do {
      const Token start = cursor_.peek();
      cursor_.expect("if");
      If node;
      node.condition = expressions_.value();
      node.then = body();
      branches.emplace_back(start, std::move(node));
      if (branches.size() > kMaxNesting) {
        throw cursor_.error(start, fmt::format("more than {} branches in a row", kMaxNesting),
                            "use a table, or several ifs one after the other");
      }
      if (!cursor_.accept("else")) break;
      if (!cursor_.at("if")) {
        last = body();
        break;
      }
    } while (true);
    for (; !branches.empty(); branches.pop_back()) {
      auto& [start, node] = branches.back();
      node.otherwise = std::exchange(last, nullptr);
      last = make_stmt(std::move(node));
      places_.emplace(last.get(), start);
    }
    return last;
  }

  Stmt declaration(bool is_table) {
    const std::string name(cursor_.expect_name(is_table ? "a table" : "a variable").text);
    cursor_.expect(":");
    DeclareArray declaration{array(name)};
    if (is_table) {
      cursor_.expect("=");
      cursor_.expect("{");
      do {
        declaration.array.table.push_back(expressions_.content(declaration.array.element));
      } while (cursor_.accept(","));
      cursor_.expect("}");
    } else if (cursor_.at("=")) {
      throw cursor_.error(cursor_.peek(), "a variable is declared and stored to in one",
                          fmt::format("store on a line of its own: {} = ...", name));
    }
    return make_stmt(std::move(declaration));
  }

  /// The name of an array or stream in scope, and what it means.
  std::pair<std::string, Meaning> named(Meaning::Kind kind, std::string_view what) {
    const Token name = cursor_.expect_name(what);
    std::string text(name.text);
    const Meaning* meaning = scope_.find(text);
    if (meaning == nullptr || meaning->kind != kind) {
      throw cursor_.unknown(name, what, scope_.names(kind));
    }
    return {std::move(text), *meaning};
  }

  Stmt store() {
    const auto [name, meaning] = named(Meaning::Kind::kArray, "an array or variable");
    Store store;
    store.array = name;
    store.indices = expressions_.subscripts();
    store.reduce = assignment();
    store.value = expressions_.stored(meaning.type);
    return make_stmt(std::move(store));
  }

  std::optional<ReduceOp> assignment() {
    if (cursor_.accept("=")) return std::nullopt;
    if (cursor_.accept("+=")) return ReduceOp::kAdd;
    if (cursor_.accept("*=")) return ReduceOp::kMul;
    if (cursor_.at("=", 1) && cursor_.accept("min")) {
      cursor_.expect("=");
      return ReduceOp::kMin;
    }
    if (cursor_.at("=", 1) && cursor_.accept("max")) {
      cursor_.expect("=");
      return ReduceOp::kMax;
    }
    throw cursor_.expected("an assignment", "write =, +=, *=, min= or max=, then a value");
  }

  Stmt put() {
    const auto [name, meaning] = named(Meaning::Kind::kStream, "a stream");
    Put put;
    put.stream = name;
    put.channel = expressions_.subscripts();
    cursor_.expect(",");
    put.value = expressions_.stored(meaning.type);
    return make_stmt(std::move(put));
  }

  Stmt get() {
    Get get;
    get.stream = named(Meaning::Kind::kStream, "a stream").first;
    get.channel = expressions_.subscripts();
    cursor_.expect(",");
    get.array = named(Meaning::Kind::kArray, "an array or variable").first;
    get.indices = expressions_.subscripts();
    return make_stmt(std::move(get));
  }

  Stmt call() {
    const Token name = cursor_.expect_name("a kernel");
    const auto found = kernels_.find(std::string(name.text));
    if (found == kernels_.end()) {
      std::vector<std::string> known;
      for (const auto& [other, kernel] : kernels_) known.push_back(other);
      throw cursor_.unknown(name, "a kernel", known);
    }
    Call call{found->second, {}};
    cursor_.expect("(");
    for (const Parameter& parameter : found->second->parameters) {
      if (!call.arguments.empty()) cursor_.expect(",");
      call.arguments.push_back(argument(parameter));
    }
    cursor_.expect(")");
    return make_stmt(std::move(call));
  }

  std::variant<Window, StreamArgument, Expr> argument(const Parameter& parameter) {
    if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
      return expressions_.argument(scalar->type);
    }
    if (std::holds_alternative<ArrayParameter>(parameter)) return window();
    StreamArgument argument;
    argument.stream = named(Meaning::Kind::kStream, "a stream").first;
    argument.channel = expressions_.subscripts();
    return argument;
  }

  /// a, or a[i, 0:], a colon behind the base of each dimension that is spanned.
  Window window() {
    const auto [name, meaning] = named(Meaning::Kind::kArray, "an array");
    Window window{name, {}};
    if (!cursor_.accept("[")) {
      window.dimensions.assign(meaning.rank, {constant(index_type(), Int128{0}), true});
      return window;
    }
    do {
      const Expr base = expressions_.index();
      window.dimensions.push_back({base, cursor_.accept(":")});
    } while (cursor_.accept(","));
    cursor_.expect("]");
    return window;
  }

  Stmt dataflow() {
    cursor_.expect("dataflow");
    cursor_.expect("{");
    Dataflow dataflow;
    while (!cursor_.accept("}")) {
      if (!cursor_.accept("process")) {
        throw cursor_.expected("process or }", "write process NAME { ... }");
      }
      const Token name = cursor_.expect_name("a process");
      dataflow.processes.push_back({std::string(name.text), body()});
      places_.emplace(dataflow.processes.back().body.get(), name);
    }
    return make_stmt(std::move(dataflow));
  }

  Cursor& cursor_;
  const Kernels& kernels_;
  Scope scope_;
  ExprParser expressions_;
  std::map<const StmtNode*, Token> places_;
};

/// Reads functions and kernels to the end of the text.
class TextParser {
 public:
  explicit TextParser(const Source& source) : cursor_(source) {}

  KernelPtr run() {
    while (cursor_.peek().kind != Token::Kind::kEnd) {
      if (cursor_.accept("func")) {
        function();
      } else if (cursor_.accept("kernel")) {
        kernel(false);
      } else if (cursor_.accept("instruction")) {
        kernel(true);
      } else {
        throw cursor_.expected("func, kernel or instruction",
                               "begin with kernel NAME(...) { ... }");
      }
    }
    if (last_ == nullptr) throw cursor_.expected("a kernel", "write kernel NAME(...) { ... }");
    return last_;
  }

 private:
  void function() {
    const Token name = cursor_.expect_name("a function");
    if (functions_.contains(std::string(name.text))) throw repeated(name, "function");
    Scope scope;
    ExprParser expressions(cursor_, scope, functions_);
    Function function;
    function.name = name.text;
    parameters(function, scope, expressions);
    cursor_.expect("->");
    const Type type = expressions.type();
    cursor_.expect("{");
    while (cursor_.accept("let")) {
      const std::string bound(cursor_.expect_name("a value").text);
      cursor_.expect("=");
      const Expr value = expressions.value();
      scope.declare(bound, {Meaning::Kind::kVariable, value.type(), 0});
      function.bindings.push_back({bound, value});
    }
    if (!cursor_.at("return")) throw cursor_.expected("let or return", "write return VALUE");
    const Token start = cursor_.next();
    function.result = expressions.argument(type);
    if (function.result.type() != type) {
      throw cursor_.error(
          start,
          fmt::format("{} returns {}, not {}", name.text, to_string(function.result.type()),
                      to_string(type)),
          fmt::format("cast the result, or write -> {}", to_string(function.result.type())));
    }
    cursor_.expect("}");
    if (const std::optional<Violation> violation = find_violation(function)) {
      throw cursor_.error(name, violation->problem, violation->remedy);
    }
    functions_.emplace(function.name, std::make_shared<const Function>(function));
  }

  void parameters(Function& function, Scope& scope, ExprParser& expressions) {
    cursor_.expect("(");
    if (cursor_.accept(")")) return;
    do {
      const std::string name(cursor_.expect_name("a parameter").text);
      cursor_.expect(":");
      const Type type = expressions.type();
      scope.declare(name, {Meaning::Kind::kVariable, type, 0});
      function.parameters.push_back({name, type});
    } while (cursor_.accept(","));
    cursor_.expect(")");
  }

  void kernel(bool is_instruction) {
    const Token name = cursor_.expect_name("a kernel");
    if (kernels_.contains(std::string(name.text))) throw repeated(name, "kernel");
    KernelParser parser(cursor_, functions_, kernels_);
    const auto kernel =
        std::make_shared<const Kernel>(parser.run(std::string(name.text), is_instruction));
    if (const std::optional<Violation> violation = find_violation(*kernel)) {
      const Token* place = parser.place_of(violation->statement);
      throw cursor_.error(place != nullptr ? *place : name,
                          fmt::format("kernel {}: {}", name.text, violation->problem),
                          violation->remedy);
    }
    kernels_.emplace(kernel->name, kernel);
    last_ = kernel;
  }

  [[nodiscard]] UserError repeated(const Token& name, std::string_view what) const {
    return cursor_.error(name, fmt::format("there is a {} named {} already", what, name.text),
                         "give one of the two another name");
  }

  Cursor cursor_;
  Functions functions_;
  Kernels kernels_;
  KernelPtr last_;
};

}  // namespace

KernelPtr parse_kernel(std::string_view text, const std::string& source) {
  const Source whole{text, source};
  return TextParser(whole).run();
}

}  // namespace heddle::kernel
