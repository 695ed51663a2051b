#include <atomic>
#include <new>

#include "engine/engine.h"
#include "engine/exec/compiler.h"
#include "engine/optimize/optimize.h"
#include "plan/validate.h"

namespace sirocco::engine {

namespace {

class CompiledQuery final : public Query {
 public:
  CompiledQuery(plan::Plan plan, const QueryOptions& options)
      : plan_(std::move(plan)), context_(&plan_, options.pool, std::max(1u, options.num_workers), options.spill) {
    options.pool->set_lenient(options.spill != nullptr);
  }

  Result<void> Prepare(const SnapshotLookup& lookup) {
    ASSIGN_OR_RETURN(plan_, OptimizePlan(std::move(plan_), lookup, &context_));
    ASSIGN_OR_RETURN(compiled_, PlanCompiler(plan_, lookup, &context_).Compile());
    return {};
  }

  Result<void> Run(const ResultSink& sink) override {
    if (ran_.exchange(true)) return MakeError(ErrorCode::kInternal, "a query runs only once");
    compiled_.delivery->set_sink(&sink);
    Result<void> result = RunPlan(&compiled_, &context_);
    if (context_.cancelled_by_user() && !result) return MakeError(ErrorCode::kCancelled, "query cancelled");
    return result;
  }

  void Cancel() override { context_.Cancel(); }
  const std::vector<plan::ResultColumn>& result_columns() const override { return plan_.results; }
  std::vector<Warning> warnings() const override { return context_.warnings(); }
  std::vector<OperatorStatistics> statistics() const override { return PlanStatistics(compiled_); }
  std::string plan_text() const override { return plan::PlanText(plan_); }

 private:
  plan::Plan plan_;
  QueryContext context_;
  CompiledPlan compiled_;
  std::atomic<bool> ran_{false};
};

}  // namespace

Result<std::unique_ptr<Query>> Query::Prepare(plan::Plan plan, const SnapshotLookup& lookup,
                                              const QueryOptions& options) {
  try {
    RETURN_IF_ERROR(plan::ValidatePlan(plan));
    auto query = std::make_unique<CompiledQuery>(std::move(plan), options);
    RETURN_IF_ERROR(query->Prepare(lookup));
    return query;
  } catch (const std::bad_alloc&) {
    return MakeError(ErrorCode::kOutOfMemory, "allocation failed while planning");
  }
}

}  // namespace sirocco::engine
