-- Anomaly detection without labels: by row, by table, the first k, and scores against labels.
USE ml_data;
CREATE TABLE points (id INT PRIMARY KEY AUTO_INCREMENT, x DOUBLE, y DOUBLE, label TINYINT);
INSERT INTO points (x, y, label) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 500)
  SELECT SIN(n * 1.7) + COS(n * 0.3), COS(n * 1.1), 0 FROM s;
INSERT INTO points (x, y, label) VALUES (9, 9, 1), (-8, 7, 1), (12, -9, 1), (7, 0, 1), (NULL, 8, 1);
SET @h = 'anomaly';
CALL sys.ML_TRAIN('ml_data.points', NULL, JSON_OBJECT('task', 'anomaly_detection', 'contamination', 0.01, 'exclude_column_list', JSON_ARRAY('id', 'label')), @h);
SELECT task, target_column_name, column_names, model_type, model_explanation, model_metadata->'$.contamination' FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
CALL sys.ML_MODEL_LOAD(@h, NULL);
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('x', 11, 'y', 10), @h, NULL) AS r)
SELECT JSON_KEYS(r), r->'$.ml_results.predictions', JSON_KEYS(r, '$.ml_results.probabilities'),
       r->'$.ml_results.probabilities.normal' + r->'$.ml_results.probabilities.anomaly' FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('x', 0.1, 'y', 0.2), @h, NULL) AS r) SELECT r->'$.ml_results.predictions' FROM p;
-- Another threshold makes another decision.
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('x', 0.1, 'y', 0.2), @h, JSON_OBJECT('threshold', 0.0001)) AS r) SELECT r->'$.ml_results.predictions' FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('x', 0.1, 'y', 0.2), @h, JSON_OBJECT('threshold', 0.999)) AS r) SELECT r->'$.ml_results.predictions' FROM p;
SELECT sys.ML_PREDICT_ROW('{"x": 11, "y": 10}', @h, JSON_OBJECT('threshold', 1));
SELECT sys.ML_PREDICT_ROW('{"x": 11, "y": 10}', @h, JSON_OBJECT('topk', 1));
CALL sys.ML_PREDICT_TABLE('ml_data.points', @h, 'ml_data.points_out', NULL);
SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'points_out';
SELECT label, SUM(ml_results->'$.predictions.is_anomaly') >= 4 AS found, SUM(ml_results->'$.predictions.is_anomaly') <= 5 AS few FROM points_out GROUP BY label ORDER BY label;
CALL sys.ML_PREDICT_TABLE('ml_data.points', @h, 'ml_data.points_top', JSON_OBJECT('topk', 3));
SELECT COUNT(*), SUM(ml_results->'$.predictions.is_anomaly'), SUM(label AND ml_results->'$.predictions.is_anomaly') FROM points_top;
CALL sys.ML_PREDICT_TABLE('ml_data.points', @h, 'ml_data.points_no', JSON_OBJECT('topk', 1000));
CALL sys.ML_PREDICT_TABLE('ml_data.points', @h, 'ml_data.points_no', JSON_OBJECT('topk', 3, 'threshold', 0.5));
SHOW TABLES LIKE 'points%';
CALL sys.ML_SCORE('ml_data.points', 'label', @h, 'roc_auc', @score, NULL);
SELECT @score > 0.95;
CALL sys.ML_SCORE('ml_data.points', 'label', @h, 'precision_k', @score, JSON_OBJECT('topk', 3));
SELECT @score;
CALL sys.ML_SCORE('ml_data.points', 'label', @h, 'f1', @score, JSON_OBJECT('threshold', 0.5));
SELECT @score > 0.6;
CALL sys.ML_SCORE('ml_data.points', 'label', @h, 'precision_k', @score, NULL);
CALL sys.ML_SCORE('ml_data.points', 'label', @h, 'roc_auc', @score, JSON_OBJECT('topk', 3));
CALL sys.ML_SCORE('ml_data.points', 'x', @h, 'roc_auc', @score, NULL);
CALL sys.ML_SCORE('ml_data.points', NULL, @h, 'roc_auc', @score, NULL);
-- What is not there for this task.
CALL sys.ML_EXPLAIN('ml_data.points', NULL, @h, NULL);
SELECT sys.ML_EXPLAIN_ROW('{"x": 11, "y": 10}', @h, NULL);
CALL sys.ML_EXPLAIN_TABLE('ml_data.points', @h, 'ml_data.points_no', NULL);
CALL sys.ML_MODEL_UNLOAD(@h);
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
DROP TABLE points, points_out, points_top;
