# KILL, the end of a worker process, the memory limit, and what is left behind.
. "$HERE/common.sh"
. "$HERE/long_table.sh"
make_long_table ml_data.long_training 80000
status="SELECT model_metadata->>'\$.status', notes FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = 'long'"
train() { sql "SET @h = 'long'; CALL sys.ML_TRAIN('ml_data.long_training', 'y', NULL, @h)"; }
connection() { sql "SHOW PROCESSLIST" | grep "ML_TRAIN: " | cut -f1; }

train >"$SIROCCO_HOME/killed" &
training=$!
wait_for "progress in the process list" "SHOW PROCESSLIST" "ML_TRAIN: "
wait_for "progress in rpd_query_stats" "SELECT QEXEC_TEXT FROM performance_schema.rpd_query_stats WHERE QUERY_TEXT = 'ML_TRAIN'" '"status":"In Progress"'
expect "status while training" "Creating" "$(sql "$status")"
expect "the handle is taken" "ML006017" "$(train)"
sql "KILL QUERY $(connection)"
wait "$training"
expect "killed" "ERROR 1317 (70100)" "$(cat "$SIROCCO_HOME/killed")"
expect "status after KILL" "Error	The training was cancelled." "$(sql "$status")"
expect "no half model" "0" "$(sql "SELECT COUNT(*) FROM ML_SCHEMA_root.model_object_catalog WHERE model_handle = 'long'")"
expect "it cannot be loaded" "ML006013" "$(sql "CALL sys.ML_MODEL_LOAD('long', NULL)")"
wait_for "KILL in rpd_query_stats" "SELECT QEXEC_TEXT FROM performance_schema.rpd_query_stats WHERE QUERY_TEXT = 'ML_TRAIN'" '"status":"Error"'

# An export of it has one row that says so.
expect "export" "" "$(sql "CALL sys.ML_MODEL_EXPORT('long', 'ml_data.failed')")"
expect "its one row" "0	1	Error" "$(sql "SELECT chunk_id, model_object IS NULL, model_metadata->>'\$.status' FROM ml_data.failed")"
expect "import of it" "ML006018" "$(sql "SET @h = 'again'; CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema', 'ml_data', 'table', 'failed'), @h)")"

# KILL of the connection.
train >"$SIROCCO_HOME/killed" &
training=$!
wait_for "training again under the same handle" "SHOW PROCESSLIST" "ML_TRAIN: "
sql "KILL CONNECTION $(connection)"
wait "$training"
expect "connection killed" "ERROR" "$(cat "$SIROCCO_HOME/killed")"
wait_for "status after KILL CONNECTION" "$status" "Error"

# A worker dies.
train >"$SIROCCO_HOME/killed" &
training=$!
wait_for "training once more" "SHOW PROCESSLIST" "ML_TRAIN: [A-HJ-V]"
node=$(sql "SHOW STATUS LIKE 'rapid_node_pid'" | cut -f2)
for worker in $(ps -o pid= --ppid "$node"); do kill -9 "$worker" 2>/dev/null; done
wait "$training"
expect "worker killed" "the machine-learning process has ended" "$(cat "$SIROCCO_HOME/killed")"
expect "the node lives" "$node" "$(sql "SHOW STATUS LIKE 'rapid_node_pid'")"
expect "the next training works" "" "$(sql "SET @h = 'after'; CALL sys.ML_TRAIN('ml_data.iris_train', 'class', NULL, @h); CALL sys.ML_MODEL_LOAD(@h, NULL)")"

# A worker dies that predicts; the model is there again for the next row.
row="'{\"sepal length\": 5.1, \"sepal width\": 3.5, \"petal length\": 1.4, \"petal width\": 0.2}'"
expect "prediction" "Iris-setosa" "$(sql "SELECT sys.ML_PREDICT_ROW($row, 'after', NULL)")"
for worker in $(ps -o pid= --ppid "$node"); do kill -9 "$worker" 2>/dev/null; done
sleep 0.3
expect "prediction after the worker's death" "Iris-setosa" "$(sql "SELECT sys.ML_PREDICT_ROW($row, 'after', NULL)")"

# Memory.
sql "SET GLOBAL rapid_ml_memory_limit = 1000000"
expect "memory limit" "more memory than its limit" "$(train)"
sql "SET GLOBAL rapid_ml_memory_limit = DEFAULT"
expect "status after the memory limit" "Error" "$(sql "$status")"

# The node dies: its models are gone, and loading them again works.
kill -9 "$node"
wait_for "a new node" "SHOW STATUS LIKE 'rapid_ml_status'" "ON"
expect "not loaded any more" "ML006011" "$(sql "SELECT sys.ML_PREDICT_ROW($row, 'after', NULL)")"
expect "loaded again" "Iris-setosa" "$(sql "CALL sys.ML_MODEL_LOAD('after', NULL); SELECT sys.ML_PREDICT_ROW($row, 'after', NULL)")"

# KILL of a table's prediction leaves no output.
sql "SET @h = 'wide'; CALL sys.ML_TRAIN('ml_data.iris_train', 'sepal width', JSON_OBJECT('task', 'regression'), @h)"
sql "DROP TABLE ml_data.long_training, ml_data.failed; DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN ('long', 'after', 'wide')"
finish
