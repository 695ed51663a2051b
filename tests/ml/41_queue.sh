# At most eight operations at once; queries wait for a training or run beside it, as rapid_ml_resource_mode says.
. "$HERE/common.sh"
. "$HERE/long_table.sh"
make_long_table ml_data.busy 60000
sql "CREATE TABLE ml_data.facts AS SELECT id, c1, y FROM ml_data.busy; ALTER TABLE ml_data.facts SECONDARY_ENGINE = RAPID; ALTER TABLE ml_data.facts SECONDARY_LOAD"
sql "SET @h = 'light'; CALL sys.ML_TRAIN('ml_data.iris_train', 'class', NULL, @h); CALL sys.ML_MODEL_LOAD(@h, NULL)"
row="'{\"sepal length\": 5.1, \"sepal width\": 3.5, \"petal length\": 1.4, \"petal width\": 0.2}'"
query() { sql "SET use_secondary_engine = FORCED; SELECT COUNT(DISTINCT y) FROM ml_data.facts"; }
train() { sql "SET @h = '$1'; CALL sys.ML_TRAIN('ml_data.busy', 'y', JSON_OBJECT('notes', 'x'), @h)"; }
running="SELECT state FROM information_schema.processlist"
computing="SELECT QEXEC_TEXT FROM performance_schema.rpd_query_stats WHERE QUERY_TEXT = 'ML_TRAIN'"
handles="SELECT GROUP_CONCAT(model_handle, ' ', model_metadata->>'\$.status' ORDER BY 1) FROM ML_SCHEMA_root.MODEL_CATALOG"
kill_all() { sql "SHOW PROCESSLIST" | grep "ML_TRAIN: " | cut -f1 | while read -r id; do sql "KILL QUERY $id"; done; }

# EXCLUSIVE: the query waits, visibly, and runs when the training has ended.
train exclusive >"$SIROCCO_HOME/training" &
wait_for "training computes" "SHOW PROCESSLIST" "ML_TRAIN: [A-HJ-V]"
query >"$SIROCCO_HOME/query" &
querying=$!
wait_for "a waiting query is visible" "SELECT QUERIES_QUEUED FROM performance_schema.rpd_nodes" "^1$"
expect "predictions do not wait" "Iris-setosa" "$(sql "SELECT sys.ML_PREDICT_ROW($row, 'light', NULL)")"
expect "still waiting" "" "$(cat "$SIROCCO_HOME/query")"
kill_all
wait "$querying"
expect "the query has run" "6" "$(cat "$SIROCCO_HOME/query")"
wait

# SHARED: it does not wait.
sql "SET GLOBAL rapid_ml_resource_mode = SHARED"
train shared >"$SIROCCO_HOME/training" &
training=$!
wait_for "training computes" "SHOW PROCESSLIST" "ML_TRAIN: [A-HJ-V]"
expect "the query runs beside" "6" "$(query)"
expect "the training goes on" "Creating" "$(sql "$handles")"

# Nine at once: the ninth waits until one has ended.
for i in 1 2 3 4 5 6 7 8; do train "many$i" >/dev/null & done
wait_for "eight run" "SHOW STATUS LIKE 'rapid_ml_operation_count'" "8$"
wait_for "one waits" "SHOW STATUS LIKE 'rapid_ml_operations_queued'" "1$"
wait_for "the waiting one says so" "SHOW PROCESSLIST" "ML_TRAIN: Waiting for other ML operations"
waiting=$(sql "SHOW PROCESSLIST" | grep "Waiting for other ML operations" | cut -f1)
sql "KILL QUERY $waiting"
wait_for "a killed one leaves the queue" "SHOW STATUS LIKE 'rapid_ml_operations_queued'" "0$"
kill_all
wait
sql "SET GLOBAL rapid_ml_resource_mode = DEFAULT"
expect "all have ended" "0" "$(sql "$handles" | grep -c Creating)"
sql "DELETE FROM ML_SCHEMA_root.MODEL_CATALOG; DROP TABLE ml_data.busy, ml_data.facts; CALL sys.ML_MODEL_UNLOAD('light')"
finish
