#include "engine/expr/lookup.h"

#include <algorithm>
#include <cstring>

#include "engine/expr/steps.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

// Up to this many distinct values the table is filled while compiling (at 100 ns a value: below 1
// ms).
constexpr uint32_t kEagerValues = 8192;
// Above this the table costs more memory than evaluating per row costs time.
constexpr uint32_t kMaxValues = 1u << 20;

bool IsComparison(ExprOp op) { return op >= ExprOp::kEq && op <= ExprOp::kGe; }

}  // namespace

bool IsLookupCandidate(const Expr& e, const BatchLayout& input) {
  const ColumnInfo* column = nullptr;
  bool one = true;
  plan::ForEachColumn(e, [&](plan::ColumnId id) {
    const int position = input.Find(id);
    if (position < 0) {
      one = false;
      return;
    }
    const ColumnInfo* found = &input.columns[static_cast<size_t>(position)];
    if (column != nullptr && column != found) one = false;
    column = found;
  });
  if (!one || column == nullptr || column->lane != Lane::kCode || column->dictionary == nullptr)
    return false;
  if (column->dictionary->size() > kMaxValues) return false;
  const bool direct =
      e.args[0]->op == ExprOp::kColumn || (e.args.size() > 1 && e.args[1]->op == ExprOp::kColumn);
  // NULL tests read null bytes; comparisons with a constant are intervals of codes.
  if (direct && (e.op == ExprOp::kIsNull || e.op == ExprOp::kIsNotNull)) return false;
  if (direct && IsComparison(e.op) && column->dictionary->sorted() &&
      column->dictionary->collation() != nullptr &&
      column->dictionary->collation()->id() == e.collation)
    return false;
  return true;
}

// The program over one value of the column, and (when filled at once) its results by code; entry
// [size] is for NULL.
class LookupTable {
 public:
  std::unique_ptr<Scope> scope;
  ProgramMemory* memory = nullptr;
  Slot result = 0;
  SlotInfo info;
  const Dictionary* dictionary = nullptr;
  uint32_t size = 0;
  bool input_nullable = false;

  // Filled tables, if `eager`.
  bool eager = false;
  const void* values = nullptr;
  const uint8_t* nulls = nullptr;  // by code; nullptr: none is NULL
  // Booleans that are true for one interval of codes only.
  bool interval = false;
  uint32_t low = 0, count = 0;

  // Evaluates the program for `n` values (n <= kVectorSize) or, with values == nullptr, for NULL.
  Result<void> Evaluate(Frame& frame, const StringRef* values_in, uint32_t n) const {
    static uint8_t kIsNull[1] = {1};
    static StringRef kEmpty{"", 0, 0};
    Vector column{.lane = Lane::kStr};
    column.data = const_cast<StringRef*>(values_in);
    if (values_in == nullptr) {
      column.data = &kEmpty;
      column.constant = true;
      column.nulls = kIsNull;
      n = 1;
    }
    frame.count = n;
    for (const auto& [position, slot] : scope->columns) frame.Set(slot, column);
    return frame.Run();
  }
};

namespace {

// Keeps results by code: raw values, null bytes, and copies of string bytes.
struct Store {
  char* values;
  uint8_t* nulls;
  uint32_t width;
  Rep rep;
  Arena* arena;

  Result<void> Put(uint32_t code, const Vector& v, uint32_t row) {
    const uint32_t source = v.constant ? 0 : row;
    nulls[code] = IsNullAt(v, row);
    std::memcpy(values + size_t{code} * width,
                static_cast<const char*>(v.data) + size_t{source} * width, width);
    if (rep == Rep::kStr) {
      StringRef& ref = *reinterpret_cast<StringRef*>(values + size_t{code} * width);
      if (nulls[code]) {
        ref = {"", 0, 0};
      } else {
        const char* copy = arena->Copy(ref.view());
        if (copy == nullptr) return std::unexpected(OutOfMemoryError());
        ref.data = copy;
      }
    }
    return {};
  }
};

Result<void> FillEagerly(LookupTable* table, QueryContext* context) {
  const uint32_t n = table->size, width = RepWidth(table->info.rep);
  char* values = static_cast<char*>(table->memory->Allocate(size_t{width} * (n + 1)));
  uint8_t* nulls = static_cast<uint8_t*>(table->memory->Allocate(n + 1));
  std::memset(values, 0, size_t{width} * (n + 1));
  std::memset(nulls, 0, n + 1);
  Arena arena(context->pool(), 64 << 10);
  Frame frame(table->scope.get(), context, &arena);
  // Strings are kept by the program's own memory, so the frame's arena may go away.
  Arena* unused = nullptr;
  Store store{values, nulls, width, table->info.rep, unused};
  auto put = [&](uint32_t code, const Vector& v, uint32_t row) {
    const uint32_t source = v.constant ? 0 : row;
    nulls[code] = IsNullAt(v, row);
    std::memcpy(values + size_t{code} * width,
                static_cast<const char*>(v.data) + size_t{source} * width, width);
    if (store.rep == Rep::kStr) {
      StringRef& ref = *reinterpret_cast<StringRef*>(values + size_t{code} * width);
      const std::string_view kept =
          nulls[code] ? std::string_view("") : table->memory->Keep(ref.view());
      ref = {kept.data(), static_cast<uint32_t>(kept.size()), 0};
    }
  };
  for (uint32_t base = 0; base < n; base += kVectorSize) {
    const uint32_t m = std::min(kVectorSize, n - base);
    RETURN_IF_ERROR(table->Evaluate(frame, table->dictionary->values() + base, m));
    for (uint32_t i = 0; i < m; ++i) put(base + i, frame.in(table->result), i);
    arena.Clear();
  }
  RETURN_IF_ERROR(table->Evaluate(frame, nullptr, 1));
  put(n, frame.in(table->result), 0);
  table->values = values;
  table->nulls = nulls;
  table->eager = true;
  if (!Kernels().bytes_any(nulls, n)) table->nulls = nulls[n] ? nulls : nullptr;

  // Facts for the operators above.
  SlotInfo& info = table->info;
  bool any_null = false;
  ValueRange range;
  for (uint32_t code = 0; code <= n; ++code) {
    if (code == n && !table->input_nullable) break;
    if (nulls[code]) {
      any_null = true;
      continue;
    }
    if (info.rep != Rep::kI64 && info.rep != Rep::kI128) continue;
    const int128 v = info.rep == Rep::kI128 ? reinterpret_cast<const int128*>(values)[code]
                     : info.type.IsUnsigned()
                         ? static_cast<int128>(reinterpret_cast<const uint64_t*>(values)[code])
                         : static_cast<int128>(reinterpret_cast<const int64_t*>(values)[code]);
    range =
        range.known ? MakeRange(std::min(range.min, v), std::max(range.max, v)) : MakeRange(v, v);
  }
  info.nullable = any_null;
  if (info.rep == Rep::kI64 || info.rep == Rep::kI128)
    info.range = range.known ? range : MakeRange(0, 0);
  if (info.num_distinct < 0 || info.num_distinct > n + 1)
    info.num_distinct = n + (table->input_nullable ? 1 : 0);
  if (info.rep == Rep::kBool) {
    const uint8_t* truth = reinterpret_cast<const uint8_t*>(values);
    const uint8_t* begin = std::find(truth, truth + n, 1);
    const uint8_t* end = std::find(begin, truth + n, 0);
    const bool code_null = Kernels().bytes_any(nulls, n);
    if (!code_null && std::find(end, truth + n, 1) == truth + n) {
      table->interval = true;
      table->low = static_cast<uint32_t>(begin - truth);
      table->count = static_cast<uint32_t>(end - begin);
    }
  }
  return {};
}

// Rows whose code is NULL take the entry for NULL.
void ApplyNullInput(Frame& frame, Slot out, const Vector& codes, Vector& r, uint32_t n,
                    uint32_t width, const void* null_value, bool null_result) {
  if (codes.nulls == nullptr) return;
  if (null_result) {
    uint8_t* nulls = frame.Nulls(out);
    if (r.nulls == nullptr) {
      r.nulls = codes.nulls;
    } else {
      Kernels().bytes_or(r.nulls, codes.nulls, nulls, n);
      r.nulls = nulls;
    }
    return;
  }
  for (uint32_t i = 0; i < n; ++i) {
    if (codes.nulls[i] == 0) continue;
    std::memcpy(static_cast<char*>(r.data) + size_t{i} * width, null_value, width);
    if (r.nulls != nullptr) r.nulls[i] = 0;
  }
}

void GatherByCode(Rep rep, const void* table, const uint32_t* codes, void* out, uint32_t n) {
  const uint32_t width = RepWidth(rep);
  if (width == 8) {
    Kernels().gather8(static_cast<const uint64_t*>(table), codes, static_cast<uint64_t*>(out), n);
  } else if (width == 1) {
    Kernels().gather1(static_cast<const uint8_t*>(table), codes, static_cast<uint8_t*>(out), n);
  } else if (width == 16) {
    for (uint32_t i = 0; i < n; ++i)
      static_cast<int128*>(out)[i] = static_cast<const int128*>(table)[codes[i]];
  } else {
    for (uint32_t i = 0; i < n; ++i)
      std::memcpy(static_cast<char*>(out) + size_t{i} * width,
                  static_cast<const char*>(table) + size_t{codes[i]} * width, width);
  }
}

// One worker's lazily filled table.
class LazyState final : public StepState {
 public:
  explicit LazyState(QueryContext* context)
      : arena(context->pool(), 256 << 10), work(context->pool(), 64 << 10) {}

  Result<void> Prepare(const LookupTable& table, QueryContext* context) {
    const uint32_t n = table.size, width = RepWidth(table.info.rep);
    values = static_cast<char*>(arena.Allocate(size_t{width} * (n + 1) + 64, 64));
    nulls = static_cast<uint8_t*>(arena.Allocate(n + 65, 64));
    known = static_cast<uint8_t*>(arena.Allocate(n + 65, 64));
    if (values == nullptr || nulls == nullptr || known == nullptr)
      return std::unexpected(OutOfMemoryError());
    std::memset(values, 0, size_t{width} * (n + 1));
    std::memset(nulls, 0, n + 1);
    std::memset(known, 0, n + 1);
    frame = std::make_unique<Frame>(table.scope.get(), context, &work);
    RETURN_IF_ERROR(table.Evaluate(*frame, nullptr, 1));
    Store store{values, nulls, width, table.info.rep, &arena};
    RETURN_IF_ERROR(store.Put(n, frame->in(table.result), 0));
    ready = true;
    return {};
  }

  // Makes sure that the entries of codes[0..n) are filled.
  Result<void> Learn(const LookupTable& table, const uint32_t* codes, uint32_t n) {
    uint32_t num_pending = 0;
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t code = codes[i];
      if (known[code]) continue;
      known[code] = 1;
      pending[num_pending] = code;
      refs[num_pending] = table.dictionary->values()[code];
      ++num_pending;
    }
    if (num_pending == 0) return {};
    RETURN_IF_ERROR(table.Evaluate(*frame, refs, num_pending));
    Store store{values, nulls, RepWidth(table.info.rep), table.info.rep, &arena};
    const Vector& result = frame->in(table.result);
    for (uint32_t i = 0; i < num_pending; ++i) {
      RETURN_IF_ERROR(store.Put(pending[i], result, i));
      any_null |= nulls[pending[i]] != 0;
    }
    work.Clear();
    return {};
  }

  Arena arena, work;
  std::unique_ptr<Frame> frame;
  char* values = nullptr;
  uint8_t* nulls = nullptr;
  uint8_t* known = nullptr;
  bool ready = false, any_null = false;
  uint32_t pending[kVectorSize];
  StringRef refs[kVectorSize + 8];
};

class LookupStep final : public Step {
 public:
  LookupStep(std::shared_ptr<LookupTable> table, Slot codes, Slot out, int state)
      : table_(std::move(table)), codes_(codes), out_(out), state_(state) {}

  Result<void> Run(Frame& frame) const override {
    const LookupTable& t = *table_;
    const Vector& codes = frame.in(codes_);
    const uint32_t n = codes.constant ? 1 : frame.count;
    const Rep rep = t.info.rep;
    Vector& r = frame.Begin(out_);
    r.constant = codes.constant;
    const uint32_t width = RepWidth(rep);
    const char* values = static_cast<const char*>(t.values);
    const uint8_t* nulls = t.nulls;
    bool code_nulls = nulls != nullptr;
    if (!t.eager) {
      LazyState* state = frame.state<LazyState>(state_, frame.context());
      if (!state->ready) RETURN_IF_ERROR(state->Prepare(t, frame.context()));
      RETURN_IF_ERROR(state->Learn(t, codes.code(), n));
      values = state->values;
      nulls = state->nulls;
      code_nulls = state->any_null;
    }
    if (t.interval) {
      Kernels().code_in_range(codes.code(), t.low, t.count, static_cast<uint8_t*>(r.data), n);
      code_nulls = false;
    } else {
      GatherByCode(rep, values, codes.code(), r.data, n);
    }
    if (code_nulls) {
      r.nulls = frame.Nulls(out_);
      Kernels().gather1(nulls, codes.code(), r.nulls, n);
    }
    ApplyNullInput(frame, out_, codes, r, n, width, values + size_t{t.size} * width,
                   nulls != nullptr && nulls[t.size] != 0);
    if (rep == Rep::kBool && r.nulls != nullptr) {
      uint8_t* bytes = static_cast<uint8_t*>(r.data);
      Kernels().bytes_and_not(bytes, r.nulls, bytes, n);
    }
    return {};
  }

 private:
  std::shared_ptr<LookupTable> table_;
  Slot codes_, out_;
  int state_;
};

}  // namespace

Result<std::shared_ptr<LookupTable>> MakeLookup(const ExprPtr& expr, const ColumnInfo& column,
                                                QueryContext* context, ProgramMemory* memory) {
  BatchLayout layout;
  layout.columns.push_back(column);
  layout.columns[0].lane = Lane::kStr;
  layout.columns[0].dictionary = nullptr;
  layout.columns[0].nullable = true;
  ExprCompiler compiler(layout, context, memory);
  ASSIGN_OR_RETURN(Slot result, compiler.Compile(expr));
  if (compiler.raises()) return std::shared_ptr<LookupTable>();
  auto table = std::make_shared<LookupTable>();
  table->info = compiler.info(result);
  table->result = result;
  table->scope = compiler.TakeRoot();
  table->memory = memory;
  table->dictionary = column.dictionary;
  table->size = column.dictionary->size();
  table->input_nullable = column.nullable;
  if (table->size <= kEagerValues) RETURN_IF_ERROR(FillEagerly(table.get(), context));
  return table;
}

Slot AddLookup(ExprCompiler& compiler, std::shared_ptr<LookupTable> table, Slot codes) {
  SlotInfo slot_info = table->info;
  if (compiler.info(codes).nullable && !table->eager) slot_info.nullable = true;
  const Slot out = compiler.AddSlot(slot_info);
  return compiler.Finish(
      std::make_unique<LookupStep>(std::move(table), codes, out, compiler.AddState()), out, {codes},
      {.foldable = false});
}

}  // namespace sirocco::engine
