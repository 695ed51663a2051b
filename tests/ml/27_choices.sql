-- Which models, which metric, which explainers; semi-supervised anomalies.
USE ml_data;
SET @h = 'chosen';
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('model_list', JSON_ARRAY('LogisticRegression'), 'optimization_metric', 'balanced_accuracy'), @h);
SELECT model_metadata->>'$.algorithm_name' AS algorithm, model_metadata->>'$.optimization_metric' AS metric, model_metadata->'$.training_score' > 0.8 AS good,
       JSON_LENGTH(model_metadata->'$.training_params.members') AS members FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
CALL sys.ML_MODEL_LOAD(@h, NULL);
SELECT JSON_VALUE(sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @h, NULL), '$.Prediction') AS predicted;
-- Every family by its name, alone.
DELIMITER //
CREATE PROCEDURE each_model()
BEGIN
  DECLARE i INT DEFAULT 0;
  DECLARE names JSON DEFAULT '["XGBClassifier", "LGBMClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "DecisionTreeClassifier", "LinearSVC", "SVC", "GaussianNB", "KNeighborsClassifier"]';
  WHILE i < JSON_LENGTH(names) DO
    SET @name = JSON_UNQUOTE(JSON_EXTRACT(names, CONCAT('$[', i, ']'))), @one = CONCAT('one ', i);
    CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('model_list', JSON_ARRAY(@name)), @one);
    CALL sys.ML_MODEL_LOAD(@one, NULL);
    CALL sys.ML_SCORE('ml_data.iris_test', 'class', @one, 'accuracy', @score, NULL);
    SELECT @name AS name, @score >= 0.8 AS good;
    CALL sys.ML_MODEL_UNLOAD(@one);
    SET i = i + 1;
  END WHILE;
END//
DELIMITER ;
CALL each_model();
DROP PROCEDURE each_model;
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle LIKE 'one %';
-- Wrong ones.
SET @w = 'wrong';
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('model_list', JSON_ARRAY('NoSuchModel')), @w);
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('model_list', JSON_ARRAY('XGBRegressor')), @w);
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('model_list', JSON_ARRAY('SVC'), 'exclude_model_list', JSON_ARRAY('SVC')), @w);
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('optimization_metric', 'r2'), @w);
CALL sys.ML_TRAIN('ml_data.iris_train', 'class', JSON_OBJECT('optimization_metric', 'roc_auc'), @w);
CALL sys.ML_TRAIN('ml_data.iris_train', 'sepal width', JSON_OBJECT('task', 'regression', 'optimization_metric', 'accuracy'), @w);
-- Explainers.
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'fast_shap'));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'partial_dependence', 'columns_to_explain', JSON_ARRAY('petal width', 'petal length'), 'target_value', 'Iris-virginica'));
SELECT JSON_KEYS(model_explanation) AS explainers, JSON_KEYS(model_explanation, '$.partial_dependence') AS members,
       JSON_LENGTH(model_explanation, '$.partial_dependence.predictions') = JSON_LENGTH(model_explanation, '$.partial_dependence.values."petal width"') AS fits
  FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'partial_dependence', 'columns_to_explain', JSON_ARRAY('petal width')));
CALL sys.ML_EXPLAIN('ml_data.iris_train', 'class', @h, JSON_OBJECT('model_explainer', 'partial_dependence', 'columns_to_explain', JSON_ARRAY('petal width'), 'target_value', 'Iris-nova'));
-- What the columns add makes up the difference to the mean prediction.
WITH p AS (SELECT sys.ML_EXPLAIN_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @h, JSON_OBJECT('prediction_explainer', 'shap')) AS r)
SELECT r->'$."petal length_attribution"' + r->'$."petal width_attribution"' > 0.2 AS petals_matter FROM p;
-- Labels for some rows: the supervised part helps.
CREATE TABLE marked (id INT PRIMARY KEY AUTO_INCREMENT, x DOUBLE, y DOUBLE, label TINYINT);
INSERT INTO marked (x, y, label) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 600)
  SELECT SIN(n * 1.7) + COS(n * 0.3), COS(n * 1.1) + IF(n % 40 = 0, 4, 0), IF(n % 3 = 0, NULL, n % 40 = 0) FROM s;
SET @s = 'marked';
CALL sys.ML_TRAIN('ml_data.marked', 'label', JSON_OBJECT('task', 'anomaly_detection', 'contamination', 0.03, 'exclude_column_list', JSON_ARRAY('id'),
  'experimental', JSON_OBJECT('semisupervised', JSON_OBJECT('supervised_submodel_options', JSON_OBJECT('n_neighbors', 3, 'min_labels', 10), 'ensemble_score', 'recall'))), @s);
SELECT model_metadata->>'$.algorithm_name' AS algorithm, JSON_TYPE(model_metadata->'$.training_params.supervised_submodel_weight') AS weight, column_names
  FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @s;
CALL sys.ML_MODEL_LOAD(@s, NULL);
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"x": 0.5, "y": 4.5}', @s, NULL) AS r) SELECT r->'$.ml_results.predictions' FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"x": 0.5, "y": 0.2}', @s, JSON_OBJECT('supervised_submodel_weight', 0.9)) AS r) SELECT r->'$.ml_results.predictions' FROM p;
CALL sys.ML_SCORE('ml_data.marked', 'label', @s, 'roc_auc', @score, NULL);
SELECT @score > 0.95;
SET @t = 'too few';
CALL sys.ML_TRAIN('ml_data.marked', 'label', JSON_OBJECT('task', 'anomaly_detection', 'exclude_column_list', JSON_ARRAY('id'), 'supervised_submodel_options', JSON_OBJECT('min_labels', 1000)), @t);
CALL sys.ML_TRAIN('ml_data.marked', NULL, JSON_OBJECT('task', 'anomaly_detection', 'exclude_column_list', JSON_ARRAY('id', 'label'), 'model_list', JSON_ARRAY('PCA')), @t);
CALL sys.ML_TRAIN('ml_data.marked', NULL, JSON_OBJECT('task', 'anomaly_detection', 'model_list', JSON_ARRAY('KMeans')), @w);
-- Forecasters by name.
CREATE TABLE steady (n INT PRIMARY KEY, y DOUBLE);
INSERT INTO steady WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 79) SELECT n, 50 + n + 9 * SIN(n * PI() / 2) FROM s;
CREATE TABLE steady_next (n INT PRIMARY KEY, y DOUBLE);
INSERT INTO steady_next WITH RECURSIVE s (n) AS (SELECT 80 UNION ALL SELECT n + 1 FROM s WHERE n < 91) SELECT n, 50 + n + 9 * SIN(n * PI() / 2) FROM s;
SET @f = 'steady';
CALL sys.ML_TRAIN('ml_data.steady', 'y', JSON_OBJECT('task', 'forecasting', 'datetime_index', 'n', 'endogenous_variables', JSON_ARRAY('y'), 'model_list', JSON_ARRAY('SARIMAXForecaster', 'ETSForecaster'), 'exclude_model_list', JSON_ARRAY('ETSForecaster')), @f);
SELECT model_metadata->>'$.algorithm_name', model_metadata->>'$.optimization_metric' FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @f;
CALL sys.ML_MODEL_LOAD(@f, NULL);
CALL sys.ML_SCORE('ml_data.steady_next', 'y', @f, 'neg_sym_mean_abs_percent_error', @score, NULL);
SELECT @score > -0.02;
CALL sys.ML_TRAIN('ml_data.steady', 'y', JSON_OBJECT('task', 'forecasting', 'datetime_index', 'n', 'endogenous_variables', JSON_ARRAY('y'), 'model_list', JSON_ARRAY('Prophet')), @w);
CALL sys.ML_TRAIN('ml_data.steady', 'y', JSON_OBJECT('task', 'forecasting', 'datetime_index', 'n', 'endogenous_variables', JSON_ARRAY('y'), 'optimization_metric', 'r2'), @w);
DROP TABLE marked, steady, steady_next;
CALL sys.ML_MODEL_UNLOAD(@h);
CALL sys.ML_MODEL_UNLOAD(@s);
CALL sys.ML_MODEL_UNLOAD(@f);
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN (@h, @s, @t, @w, @f);
