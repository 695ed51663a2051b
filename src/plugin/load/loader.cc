#include "plugin/load/loader.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "my_base.h"
#include "my_sys.h"
#include "mysqld_error.h"
#include "plugin/changes/adoption.h"
#include "plugin/changes/binlog_file.h"
#include "plugin/changes/run_record.h"
#include "plugin/changes/table_layout.h"
#include "plugin/changes/tail.h"
#include "plugin/load/column_buffer.h"
#include "plugin/load/row_decoder.h"
#include "plugin/load/table_schema.h"
#include "plugin/node/node_connection.h"
#include "plugin/node/reload.h"
#include "plugin/server_log.h"
#include "plugin/variables.h"
#include "sql/field.h"
#include "sql/handler.h"
#include "sql/mdl.h"
#include "sql/partition_info.h"
#include "sql/sql_alter.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

// How long a load waits for a node that is starting.
constexpr int kNodeWaitMs = 15000;

// What is shared by the scanning threads of one load. Threads: all methods from any thread.
class Progress {
 public:
  Progress(THD* thd, TableName name, uint64_t expected_rows, uint64_t max_rows)
      : thd_(thd),
        name_(std::move(name)),
        expected_rows_(std::max<uint64_t>(expected_rows, 1)),
        max_rows_(max_rows) {}

  bool Stopped() const {
    return failed_.load(std::memory_order_relaxed) || thd_->killed.load() != THD::NOT_KILLED;
  }
  // True when VALIDATE n ROWS has seen enough.
  bool Enough() const { return num_rows_.load(std::memory_order_relaxed) >= max_rows_; }
  void Fail(Error error) {
    std::lock_guard lock(mutex_);
    if (!failed_) error_ = std::move(error);
    failed_ = true;
  }
  void Count(uint64_t rows) {
    const uint64_t total = num_rows_.fetch_add(rows) + rows;
    // The last per cent is the node's encoding.
    const double percent =
        std::min(99.0, 99.0 * static_cast<double>(total) / static_cast<double>(expected_rows_));
    Registry().SetLoadProgress(name_, percent);
  }
  // The first failure, or kCancelled after KILL.
  Result<void> Outcome() const {
    std::lock_guard lock(mutex_);
    if (failed_) return std::unexpected(error_);
    if (thd_->killed.load() != THD::NOT_KILLED)
      return MakeError(ErrorCode::kCancelled, "load was killed");
    return {};
  }

 private:
  THD* thd_;
  TableName name_;
  uint64_t expected_rows_, max_rows_;
  std::atomic<uint64_t> num_rows_{0};
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  Error error_;
};

// One scanning thread: decodes rows into a batch and sends full batches over its own connection.
// Without a connection (VALIDATE ONLY) batches are dropped.
class LoadThread {
 public:
  LoadThread(const plan::TableSchema& schema, const RowDecoder* decoder, Progress* progress)
      : decoder_(decoder), progress_(progress), batch_(schema) {}

  // A writer that was not closed is of no use for anything else.
  ~LoadThread() {
    if (client_ && !closed_) (*client_)->Disconnect();
  }

  Result<void> Attach(uint64_t epoch, uint64_t load_id, uint32_t order) {
    ASSIGN_OR_RETURN(client_, Nodes().Acquire(epoch));
    return (*client_)->AttachLoad(load_id, order);
  }

  // False: stop scanning.
  bool Append(const uint8_t* rows, size_t num_rows, size_t stride) {
    while (num_rows != 0) {
      if (progress_->Stopped() || progress_->Enough()) return false;
      const size_t taken = decoder_->Append(rows, num_rows, stride, &batch_);
      rows += taken * stride;
      num_rows -= taken;
      if (batch_.Full() && !Flush()) return false;
    }
    return true;
  }

  bool Flush() {
    const uint32_t num_rows = batch_.num_rows;
    if (num_rows == 0) return true;
    if (client_) {
      if (auto sent = (*client_)->SendBatch(Encode()); !sent) {
        progress_->Fail(sent.error());
        return false;
      }
    }
    batch_.Clear();
    progress_->Count(num_rows);
    return true;
  }

  Result<void> Close() {
    if (!Flush()) return progress_->Outcome();
    if (client_) RETURN_IF_ERROR((*client_)->CloseWriter());
    closed_ = true;
    return {};
  }

 private:
  std::string Encode() {
    sources_.resize(batch_.columns.size());
    for (size_t i = 0; i < sources_.size(); ++i) {
      ColumnBuffer& column = batch_.columns[i];
      sources_[i] = {.lane = column.lane,
                     .values = column.values.get(),
                     .offsets = column.offsets.data(),
                     .bytes = column.bytes.get(),
                     .nulls = column.has_nulls ? column.nulls.get() : nullptr};
    }
    return wire::EncodeColumnBatch(batch_.num_rows, sources_);
  }

  const RowDecoder* decoder_;
  Progress* progress_;
  LoadBatch batch_;
  std::optional<PooledClient> client_;
  bool closed_ = false;
  std::vector<wire::ColumnSource> sources_;
};

// Reads all rows of the table's read partitions. `start` is called once the read view exists and
// before any row is read, with the number of threads; then each thread gets rows through its
// LoadThread.
class TableScan {
 public:
  using Start = std::function<Result<void>(size_t num_threads)>;
  using ThreadOf = std::function<LoadThread*(size_t thread)>;

  explicit TableScan(TABLE* table) : table_(table) {}

  Result<void> Run(THD* thd, const plan::TableSchema& schema, Progress* progress,
                   const Start& start, const ThreadOf& thread_of) {
    // InnoDB's parallel scan does not compute virtual generated columns.
    const bool has_virtual = std::any_of(
        schema.columns.begin(), schema.columns.end(),
        [&](const auto& column) { return table_->field[column.field_index]->is_virtual_gcol(); });
    return has_virtual ? RunSerial(progress, start, thread_of)
                       : RunParallel(thd, progress, start, thread_of);
  }

 private:
  Result<void> RunParallel(THD* thd, Progress* progress, const Start& start,
                           const ThreadOf& thread_of) {
    handler* file = table_->file;
    void* context = nullptr;
    size_t num_threads = 0;
    if (const int error = file->parallel_scan_init(context, &num_threads, true, LoadThreads(thd));
        error != 0)
      return ScanError(error);
    const auto end = [file](void* scan) { file->parallel_scan_end(scan); };
    const std::unique_ptr<void, decltype(end)> guard(context, end);
    RETURN_IF_ERROR(start(num_threads));
    std::vector<void*> cookies(num_threads);
    for (size_t i = 0; i < num_threads; ++i) cookies[i] = thread_of(i);
    std::atomic<size_t> stride{0};
    const int error = file->parallel_scan(
        context, cookies.data(),
        [&](void*, ulong, ulong row_length, const ulong*, const ulong*, const ulong*) {
          stride.store(row_length, std::memory_order_relaxed);
          return false;
        },
        [&](void* cookie, uint num_rows, void* rows, uint64_t) {
          return !static_cast<LoadThread*>(cookie)->Append(
              static_cast<const uint8_t*>(rows), num_rows, stride.load(std::memory_order_relaxed));
        },
        [](void*) {});
    RETURN_IF_ERROR(progress->Outcome());
    if (error != 0 && !progress->Enough()) return ScanError(error);
    return {};
  }

  Result<void> RunSerial(Progress* progress, const Start& start, const ThreadOf& thread_of) {
    handler* file = table_->file;
    ReadConsistently();
    if (const int error = file->ha_rnd_init(true); error != 0) return ScanError(error);
    const auto end = [file](void*) { file->ha_rnd_end(); };
    const std::unique_ptr<void, decltype(end)> guard(file, end);
    // The first read creates the read view, so it comes before the lock is given up.
    int error = file->ha_rnd_next(table_->record[0]);
    RETURN_IF_ERROR(start(1));
    LoadThread* thread = thread_of(0);
    for (; error != HA_ERR_END_OF_FILE; error = file->ha_rnd_next(table_->record[0])) {
      if (error == HA_ERR_RECORD_DELETED) continue;
      if (error != 0) return ScanError(error);
      if (!thread->Append(table_->record[0], 1, table_->s->reclength)) break;
    }
    return progress->Outcome();
  }

  // InnoDB reads with row locks, not from a snapshot, in statements other than SELECT and CHECKSUM
  // TABLE: a row that is changed during the scan would be in the scan and in the log.
  void ReadConsistently() {
    THD* thd = current_thd;
    const enum_sql_command command = std::exchange(thd->lex->sql_command, SQLCOM_CHECKSUM);
    std::vector<THR_LOCK_DATA*> locks(table_->file->lock_count() + 1);
    table_->file->store_lock(thd, locks.data(), TL_READ);
    thd->lex->sql_command = command;
  }

  std::unexpected<Error> ScanError(int error) const {
    if (!current_thd->is_error()) table_->file->print_error(error, MYF(0));
    return MakeError(ErrorCode::kIo,
                     "cannot read table: storage engine error " + std::to_string(error));
  }

  TABLE* table_;
};

// Leaf partitions of the table in the order of their numbers.
std::vector<LoadedPartition> LeafPartitions(partition_info* info) {
  std::vector<LoadedPartition> leaves;
  List_iterator<partition_element> partitions(info->partitions);
  while (partition_element* partition = partitions++) {
    if (!info->is_sub_partitioned()) {
      leaves.push_back({static_cast<uint32_t>(leaves.size()), partition->partition_name, ""});
      continue;
    }
    List_iterator<partition_element> subpartitions(partition->subpartitions);
    while (partition_element* subpartition = subpartitions++)
      leaves.push_back({static_cast<uint32_t>(leaves.size()), subpartition->partition_name,
                        partition->partition_name});
  }
  return leaves;
}

// Sets the partitions to read: all, or those named by the statement and those loaded before.
// Returns them; an empty list for a table without partitions.
Result<std::vector<LoadedPartition>> ChoosePartitions(THD* thd, TABLE* table,
                                                      const TableName& name) {
  partition_info* info = table->part_info;
  if (info == nullptr) return std::vector<LoadedPartition>{};
  Alter_info* alter = thd->lex->alter_info;
  if (alter->partition_names.elements == 0 ||
      (alter->flags & Alter_info::ALTER_ALL_PARTITION) != 0) {
    bitmap_set_all(&info->read_partitions);
  } else {
    if (info->set_read_partitions(&alter->partition_names))
      return MakeError(ErrorCode::kNotFound, "unknown partition of table " + name.Text());
    if (auto loaded = Registry().Find(name); loaded)
      for (const LoadedPartition& partition : loaded->partitions)
        bitmap_set_bit(&info->read_partitions, partition.number);
  }
  std::vector<LoadedPartition> leaves = LeafPartitions(info);
  std::erase_if(leaves, [&](const LoadedPartition& leaf) {
    return !bitmap_is_set(&info->read_partitions, leaf.number);
  });
  return leaves;
}

// VALIDATE ONLY: decodes the rows and throws them away.
Result<void> Validate(THD* thd, TABLE* table, const TableName& name,
                      const plan::TableSchema& schema, const RowDecoder& decoder) {
  const uint64_t max_rows = thd->lex->alter_info->validate_num_rows;
  Progress progress(thd, name, table->file->stats.records, max_rows);
  std::vector<std::unique_ptr<LoadThread>> threads;
  const auto start = [&](size_t count) -> Result<void> {
    for (size_t i = 0; i < count; ++i)
      threads.push_back(std::make_unique<LoadThread>(schema, &decoder, &progress));
    return {};
  };
  RETURN_IF_ERROR(TableScan(table).Run(thd, schema, &progress, start,
                                       [&](size_t i) { return threads[i].get(); }));
  for (const auto& thread : threads) RETURN_IF_ERROR(thread->Close());
  return progress.Outcome();
}

// Lets writers go on. Under LOCK TABLES the session keeps its lock.
void ReleaseWriters(THD* thd, TABLE* table) {
  if (thd->locked_tables_mode == LTM_NONE) table->mdl_ticket->downgrade_lock(MDL_SHARED_UPGRADABLE);
}

// The load proper, after the registry knows of it.
Result<void> Transfer(THD* thd, TABLE* table, const TableName& name,
                      const TableDefinition& definition, const RowDecoder& decoder) {
  const std::shared_ptr<const plan::TableSchema>& schema = definition.schema;
  ASSIGN_OR_RETURN(PooledClient client, Nodes().AcquireWaiting(kNodeWaitMs, [thd] {
    return thd->killed.load() != THD::NOT_KILLED;
  }));
  const uint64_t epoch = client->info().instance;
  ASSIGN_OR_RETURN(const uint64_t load_id, client->BeginLoad(*schema));
  uint64_t unlogged_mark = 0;
  LogEnd log_start;
  std::optional<FileHold> hold;  // the log is needed from the load's start on
  Progress progress(thd, name, table->file->stats.records, UINT64_MAX);
  std::vector<std::unique_ptr<LoadThread>> threads;
  const auto start = [&](size_t count) -> Result<void> {
    for (uint32_t i = 0; i < count; ++i) {
      threads.push_back(std::make_unique<LoadThread>(*schema, &decoder, &progress));
      RETURN_IF_ERROR(threads.back()->Attach(epoch, load_id, i));
    }
    // Nobody has changes of this table under way: all of them are in the scan or behind this
    // position. From here on a change outside the log makes the result stale; only then may writers
    // go on.
    if (BinaryLogIsOpen()) {
      log_start = CurrentLogEnd();
      hold.emplace(log_start.file);
    }
    unlogged_mark = UnloggedMark(name);
    Registry().StartTracking(name);
    ReleaseWriters(thd, table);
    return {};
  };
  Result<void> scanned = TableScan(table).Run(thd, *schema, &progress, start,
                                              [&](size_t i) { return threads[i].get(); });
  for (const auto& thread : threads)
    if (scanned) scanned = thread->Close();
  threads.clear();
  if (scanned) scanned = progress.Outcome();
  if (!scanned) {
    (void)client->AbortLoad(load_id);
    return scanned;
  }
  const auto killed = [thd] { return thd->killed.load() != THD::NOT_KILLED; };
  Result<wire::LoadedTable> loaded =
      client->FinishLoad(load_id, log_start.position, definition.origin, killed);
  if (!loaded) return std::unexpected(loaded.error());
  if (hold) {
    FollowedTable followed{
        .names = {{name}},
        .node_table = loaded->id,
        .node_epoch = epoch,
        .schema = schema,
        .layout = definition.layout,
        .start = log_start.position,
    };
    if (auto joined = Follow(std::move(followed), killed); !joined) {
      (void)client->DropTable(loaded->id);
      return joined;
    }
  }
  auto statistics = std::make_shared<const plan::TableStatistics>(std::move(loaded->statistics));
  RememberData(name, {loaded->id, epoch, definition.origin});
  NoteLoaded(name, unlogged_mark);
  const plan::TableId replaced =
      Registry().FinishLoad(name, loaded->id, epoch, schema, std::move(statistics),
                            definition.partitions, hold.has_value());
  if (replaced != 0) Unfollow(replaced, epoch);
  if (replaced != 0) (void)client->DropTable(replaced);
  return {};
}

}  // namespace

Result<void> LoadTable(THD* thd, TABLE* table, bool* skip_metadata_update) {
  const TableName name{table->s->db.str, table->s->table_name.str};
  ASSIGN_OR_RETURN(plan::TableSchema described, DescribeTable(*table));
  auto schema = std::make_shared<const plan::TableSchema>(std::move(described));
  ASSIGN_OR_RETURN(const RowDecoder decoder, RowDecoder::Create(*table, *schema));
  ASSIGN_OR_RETURN(std::vector<LoadedPartition> partitions, ChoosePartitions(thd, table, name));
  table->file->info(HA_STATUS_VARIABLE | HA_STATUS_NO_LOCK);

  if (thd->lex->alter_info->validation_only) {
    *skip_metadata_update = true;
    return Validate(thd, table, name, *schema, decoder);
  }
  const bool by_plugin = IsReloadSession(thd);
  if (by_plugin) *skip_metadata_update = true;
  // A new table of a dropped one's name was never loaded by anybody.
  if (by_plugin && !table->s->secondary_load)
    return MakeError(ErrorCode::kNotFound, "table " + name.Text() + " is not loaded any more");
  TableDefinition definition{.schema = schema, .partitions = std::move(partitions)};
  ASSIGN_OR_RETURN(LoggedLayout layout, DescribeLoggedColumns(*table, *schema));
  ASSIGN_OR_RETURN(definition.origin,
                   DescribeOrigin(thd, *table, *schema, layout, definition.partitions));
  definition.layout = std::make_shared<const LoggedLayout>(std::move(layout));
  RETURN_IF_ERROR(Registry().BeginLoad(name, !by_plugin, by_plugin));
  Result<bool> adopted = false;
  if (by_plugin) adopted = Adopt(thd, name, definition, [&] { ReleaseWriters(thd, table); });
  Result<void> loaded;
  if (!adopted)
    loaded = std::unexpected(adopted.error());
  else if (!*adopted)
    loaded = Transfer(thd, table, name, definition, decoder);
  if (!loaded) {
    Registry().AbortLoad(name, loaded.error().message);
    if (thd->killed) thd->send_kill_message();
    return MakeError(loaded.error().code,
                     "cannot load table " + name.Text() + ": " + loaded.error().message);
  }
  return {};
}

Result<void> UnloadTable(THD* thd, const TableName& name) {
  const Alter_info* alter = thd->lex->alter_info;
  const bool some_partitions = thd->lex->sql_command == SQLCOM_ALTER_TABLE && alter != nullptr &&
                               (alter->flags & Alter_info::ALTER_SECONDARY_UNLOAD) != 0 &&
                               alter->partition_names.elements != 0 &&
                               (alter->flags & Alter_info::ALTER_ALL_PARTITION) == 0;
  if (some_partitions) {
    std::vector<std::string> names;
    List<String> list = alter->partition_names;
    List_iterator<String> it(list);
    while (String* partition = it++) names.emplace_back(partition->ptr(), partition->length());
    ASSIGN_OR_RETURN(const bool any_left, Registry().RemovePartitions(name, names));
    if (any_left) return {};
  }
  ASSIGN_OR_RETURN(const RemovedTable removed, Registry().Remove(name));
  if (removed.node_table == 0) return {};
  Unfollow(removed.node_table, removed.node_epoch);
  ForgetData(name);
  // A node that cannot be reached has lost the table anyway.
  if (auto client = Nodes().Acquire(removed.node_epoch); client)
    (void)(*client)->DropTable(removed.node_table);
  return {};
}

}  // namespace sirocco::plugin
