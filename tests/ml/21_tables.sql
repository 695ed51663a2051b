-- Predictions and explanations of whole tables.
USE ml_data;
SET @h = 'tables';
CALL sys.ML_TRAIN('ml_data.iris_train','class', NULL, @h);
CALL sys.ML_MODEL_LOAD(@h, NULL);
-- With a primary key: it is copied. Extra columns of any type come along.
CREATE TABLE flowers (id INT PRIMARY KEY, `sepal length` DECIMAL(4, 2), `sepal width` DOUBLE, `petal length` FLOAT, `petal width` FLOAT,
  colour ENUM('blue', 'red'), doc JSON, raw VARBINARY(8), seen TIMESTAMP NULL, born DATE, word VARCHAR(20), bits BIT(3), gone TIME(2));
INSERT INTO flowers VALUES
 (1, 5.1, 3.5, 1.4, 0.2, 'blue', '{"a": [1, 2]}', x'00ff27', '2020-02-29 12:00:00', '1999-12-31', 'it''s \\ "one"', b'101', '-12:30:00.25'),
 (2, 7.0, 3.2, 4.7, 1.4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, 6.3, 3.3, 6.0, 2.5, 'red', '[]', '', '2038-01-01 00:00:00', '0001-01-01', 'Grün ☘', b'0', '838:59:59');
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'ml_data.flowers_out', NULL);
SHOW CREATE TABLE flowers_out;
SELECT id, `sepal length`, `sepal width`, `petal length`, colour, doc, HEX(raw), seen, born, word, bits + 0, gone, Prediction,
       JSON_TYPE(ml_results) AS type, ml_results->'$.predictions' AS predictions, JSON_LENGTH(ml_results->'$.probabilities') AS classes
  FROM flowers_out ORDER BY id;
-- The same as by row.
SELECT COUNT(*) FROM flowers_out o WHERE ml_results = JSON_EXTRACT(sys.ML_PREDICT_ROW(JSON_OBJECT('sepal length', `sepal length`, 'sepal width', `sepal width`,
  'petal length', `petal length`, 'petal width', `petal width`), @h, NULL), '$.ml_results');
-- The output exists already.
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'ml_data.flowers_out', NULL);
-- Without primary key: rows are numbered. An invisible pseudo key is a primary key.
CREATE TABLE bare AS SELECT `sepal length`, `sepal width`, `petal length`, `petal width`, class FROM iris_test;
CALL sys.ML_PREDICT_TABLE('ml_data.bare', @h, 'ml_data.bare_out', JSON_OBJECT('batch_size', 100));
SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'bare_out';
SELECT COUNT(*), MIN(_4aad19ca6e_pk_id), MAX(_4aad19ca6e_pk_id), SUM(Prediction = class) >= 27 FROM bare_out;
CALL sys.ML_PREDICT_TABLE('ml_data.iris_test', @h, 'ml_data.iris_out', NULL);
SELECT COLUMN_NAME, COLUMN_KEY FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'iris_out' ORDER BY ORDINAL_POSITION;
-- Into itself.
CALL sys.ML_PREDICT_TABLE('ml_data.bare', @h, 'ml_data.bare', NULL);
SELECT COUNT(*), SUM(Prediction = class) >= 27 FROM bare;
CALL sys.ML_PREDICT_TABLE('ml_data.bare', @h, 'ml_data.bare', NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'ml_data.flowers', NULL);
-- From a view, and from an empty table.
CREATE VIEW seen AS SELECT * FROM flowers WHERE id <> 2;
CALL sys.ML_PREDICT_TABLE('ml_data.seen', @h, 'ml_data.seen_out', NULL);
SELECT COUNT(*), COUNT(Prediction) FROM seen_out;
CREATE TABLE none LIKE flowers;
CALL sys.ML_PREDICT_TABLE('ml_data.none', @h, 'ml_data.none_out', NULL);
SELECT COUNT(*) FROM none_out;
-- What does not fit: no output is left.
CREATE TABLE odd (a INT PRIMARY KEY, `petal length` FLOAT);
CALL sys.ML_PREDICT_TABLE('ml_data.odd', @h, 'ml_data.odd_out', NULL);
CREATE TABLE taken AS SELECT 1 AS ml_results, t.* FROM flowers t;
CALL sys.ML_PREDICT_TABLE('ml_data.taken', @h, 'ml_data.odd_out', NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'nosuch.odd_out', NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'ml_data.odd_out', JSON_OBJECT('batch_size', 1001));
CALL sys.ML_PREDICT_TABLE('ml_data.flowers', @h, 'ml_data.odd_out', JSON_OBJECT('prediction_interval', 0.9));
SHOW TABLES LIKE 'odd%';
-- Explanations.
CALL sys.ML_EXPLAIN_TABLE('ml_data.flowers', @h, 'ml_data.flowers_why', NULL);
SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'flowers_why';
SELECT id, Prediction, COUNT(`petal length_attribution`) + COUNT(`sepal width_attribution`) FROM flowers_why GROUP BY id, Prediction ORDER BY id;
SELECT JSON_KEYS(sys.ML_EXPLAIN_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @h, NULL)) AS members;
SELECT JSON_KEYS(sys.ML_EXPLAIN_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @h, JSON_OBJECT('prediction_explainer', 'magic')));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'shap', 'prediction_explainer', 'shap'));
SELECT JSON_KEYS(model_explanation) FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'partial_dependence', 'columns_to_explain', JSON_ARRAY('petal width'), 'target_value', 'Iris-setosa'));
SELECT JSON_KEYS(model_explanation) FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
SELECT JSON_KEYS(sys.ML_EXPLAIN_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @h, JSON_OBJECT('prediction_explainer', 'shap'))) AS members;
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'magic'));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'partial_dependence'));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('columns_to_explain', JSON_ARRAY('petal width')));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'sepal width', @h, NULL);
-- The split: both parts together are the table, classes in equal shares.
CALL sys.TRAIN_TEST_SPLIT('ml_data.iris_out', 'class', NULL);
SELECT class, COUNT(*) FROM iris_out_train GROUP BY class ORDER BY class;
SELECT COUNT(*) FROM iris_out_test;
SELECT COUNT(*) FROM (SELECT my_row_id FROM iris_out_train UNION SELECT my_row_id FROM iris_out_test) parts;
CALL sys.TRAIN_TEST_SPLIT('ml_data.iris_out', 'class', NULL);
DROP TABLE iris_out_train, iris_out_test;
CALL sys.TRAIN_TEST_SPLIT('ml_data.iris_out', 'sepal width', JSON_OBJECT('task', 'regression'));
SELECT (SELECT COUNT(*) FROM iris_out_train), (SELECT COUNT(*) FROM iris_out_test);
DROP TABLE iris_out_train, iris_out_test;
CALL sys.TRAIN_TEST_SPLIT('ml_data.iris_out', NULL, JSON_OBJECT('task', 'forecasting', 'datetime_index', 'my_row_id'));
SELECT (SELECT MAX(my_row_id) FROM iris_out_train) < (SELECT MIN(my_row_id) FROM iris_out_test);
DROP VIEW seen;
DROP TABLE iris_out_train, iris_out_test, flowers, flowers_out, flowers_why, bare, bare_out, iris_out, seen_out, none, none_out, odd, taken;
CALL sys.ML_MODEL_UNLOAD(@h);
