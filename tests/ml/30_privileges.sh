# Routines run with the caller's own privileges; models are their owner's.
. "$HERE/common.sh"
sql "CREATE USER ann IDENTIFIED BY 'a', bob IDENTIFIED BY 'b', \`dot.ted\` IDENTIFIED BY 'd', carl IDENTIFIED BY 'c';
     CREATE ROLE learner;
     CREATE DATABASE secret; CREATE TABLE secret.t AS SELECT * FROM ml_data.iris_train;
     GRANT SELECT, EXECUTE ON sys.* TO ann, bob, \`dot.ted\`, learner;
     GRANT SELECT ON ml_data.* TO ann, bob, \`dot.ted\`, learner;
     CREATE DATABASE work_ann; GRANT ALL ON work_ann.* TO ann;
     GRANT SELECT, INSERT, CREATE, ALTER, UPDATE, DELETE, DROP, GRANT OPTION ON \`ML_SCHEMA_ann\`.* TO ann;
     GRANT SELECT, INSERT, CREATE, ALTER, UPDATE, DELETE, DROP, GRANT OPTION ON \`ML_SCHEMA_carl\`.* TO learner;
     GRANT learner TO carl;"
ann() { sql "$1" --user=ann --password=a; }
bob() { sql "$1" --user=bob --password=b; }
carl() { sql "$1" --user=carl --password=c; }
train="CALL sys.ML_TRAIN('ml_data.iris_train', 'class', NULL, @h)"
row="'{\"sepal length\": 5.1, \"sepal width\": 3.5, \"petal length\": 1.4, \"petal width\": 0.2}'"

expect "no privilege on the table" "ERROR 1142 (42000)" "$(ann "SET @h = 'x'; CALL sys.ML_TRAIN('secret.t', 'class', NULL, @h)")"
expect "no privilege on the catalog" "ERROR 1044 (42000)" "$(bob "SET @h = 'x'; $train")"
expect "a period in the name" "contains a period" "$(sql "SET @h = 'x'; $train" --user=dot.ted --password=d)"
expect "no privilege on the routines" "execute command denied" "$(carl "SET @h = 'x'; $train")"
expect "training" "" "$(ann "SET @h = 'mine'; $train")"
expect "owner" "ann	mine" "$(sql "SELECT model_owner, model_handle FROM ML_SCHEMA_ann.MODEL_CATALOG")"
expect "by an active role" "" "$(carl "SET ROLE learner; SET @h = 'mine'; $train; CALL sys.ML_MODEL_LOAD('mine', NULL)")"
expect "its predictions" "Iris-setosa" "$(carl "SET ROLE learner; SELECT sys.ML_PREDICT_ROW($row, 'mine', NULL)")"
expect "loading" "" "$(ann "CALL sys.ML_MODEL_LOAD('mine', NULL)")"
expect "predicting" "Iris-setosa" "$(ann "SELECT sys.ML_PREDICT_ROW($row, 'mine', NULL)")"
expect "somebody else's loaded model" "ML006011" "$(bob "SELECT sys.ML_PREDICT_ROW($row, 'mine', NULL)")"
expect "somebody else's model by the function" "ML006011" "$(bob "SELECT rapid_ml_row('predict', $row, 'mine', NULL)")"
expect "somebody else's catalog" "ERROR 1142 (42000)" "$(bob "SELECT * FROM ML_SCHEMA_ann.MODEL_CATALOG")"
expect "somebody else's model is not in the own catalog" "ML006012" "$(bob "CALL sys.ML_MODEL_LOAD('mine', NULL)")"
expect "all models, as far as one may see them" '[{"total model size(bytes)"' "$(bob "CALL sys.ML_MODEL_ACTIVE('all', @i); SELECT @i")"
expect "none of them" '{}]' "$(bob "CALL sys.ML_MODEL_ACTIVE('all', @i); SELECT @i")"
expect "all of them" '["ann", "carl"]' "$(sql "CALL sys.ML_MODEL_ACTIVE('all', @i); SELECT JSON_KEYS(@i, '\$[1]')")"
expect "unloading touches only the own" "" "$(bob "CALL sys.ML_MODEL_UNLOAD('mine')")"
expect "still loaded" "Iris-setosa" "$(ann "SELECT sys.ML_PREDICT_ROW($row, 'mine', NULL)")"
expect "output without privilege" "denied" "$(ann "CALL sys.ML_PREDICT_TABLE('ml_data.iris_test', 'mine', 'secret.out', NULL)")"
expect "output" "" "$(ann "CALL sys.ML_PREDICT_TABLE('ml_data.iris_test', 'mine', 'work_ann.out1', NULL)")"
expect "input without privilege" "ERROR 1142 (42000)" "$(ann "CALL sys.ML_PREDICT_TABLE('secret.t', 'mine', 'work_ann.out2', NULL)")"
expect "split without privilege" "denied" "$(ann "CALL sys.TRAIN_TEST_SPLIT('ml_data.iris_test', 'class', NULL)")"
# Sharing: the owner exports, the other one imports.
sql "GRANT SELECT, INSERT, CREATE, ALTER, UPDATE, DELETE, DROP ON \`ML_SCHEMA_bob\`.* TO bob; GRANT SELECT ON work_ann.* TO bob"
expect "export" "" "$(ann "CALL sys.ML_MODEL_EXPORT('mine', 'work_ann.shared')")"
expect "import" "" "$(bob "SET @h = 'from ann'; CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema', 'work_ann', 'table', 'shared'), @h); CALL sys.ML_MODEL_LOAD(@h, NULL)")"
expect "the imported model" "Iris-setosa" "$(bob "SELECT sys.ML_PREDICT_ROW($row, 'from ann', NULL)")"
# A routine of a definer runs with the definer's privileges, as everything else in it.
sql "CREATE DEFINER = ann PROCEDURE work_ann.predict(OUT p JSON) SQL SECURITY DEFINER SET p = sys.ML_PREDICT_ROW($row, 'mine', NULL);
     GRANT EXECUTE ON work_ann.* TO bob"
expect "definer's model" "Iris-setosa" "$(bob "CALL work_ann.predict(@p); SELECT @p")"
sql "DROP DATABASE secret; DROP DATABASE work_ann; DROP DATABASE ML_SCHEMA_ann; DROP DATABASE ML_SCHEMA_bob; DROP DATABASE ML_SCHEMA_carl;
     DROP USER ann, bob, carl, \`dot.ted\`; DROP ROLE learner"
finish
