-- Forecasting: one series and two, with season and trend, with exogenous columns and intervals.
USE ml_data;
CREATE TABLE sales (day DATE PRIMARY KEY, amount DOUBLE, visits INT, rain DOUBLE);
INSERT INTO sales WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 199)
  SELECT DATE('2024-01-01') + INTERVAL n DAY, 100 + n / 2 + ELT(1 + n % 7, 0, 5, 10, 5, 0, -20, -25), 1000 - n, n % 13 FROM s;
CREATE TABLE sales_next AS SELECT * FROM sales WHERE day >= '2024-07-01';
DELETE FROM sales WHERE day >= '2024-07-01';
SET @h = 'sales';
CALL sys.ML_TRAIN('ml_data.sales', 'amount', JSON_OBJECT('task', 'forecasting', 'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('amount', 'visits')), @h);
CALL sys.ML_MODEL_LOAD(@h, NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.sales_next', @h, 'ml_data.sales_out', JSON_OBJECT('prediction_interval', 0.8));
SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'sales_out';
SELECT COUNT(*) > 10, SUM(ABS(ml_results->'$.predictions.amount' - amount) < 8) / COUNT(*) > 0.8 AS amount_close,
       SUM(ABS(ml_results->'$.predictions.visits' - visits) < 20) / COUNT(*) > 0.8 AS visits_close,
       MIN(ml_results->'$.predictions.prediction_interval_amount.lower' <= ml_results->'$.predictions.amount'
           AND ml_results->'$.predictions.amount' <= ml_results->'$.predictions.prediction_interval_amount.upper') AS inside
  FROM sales_out;
SELECT JSON_KEYS(ml_results), JSON_KEYS(ml_results, '$.predictions') FROM sales_out LIMIT 1;
-- A wider interval contains a narrower one; the training's own time may be asked for.
CALL sys.ML_PREDICT_TABLE('ml_data.sales_next', @h, 'ml_data.sales_wide', JSON_OBJECT('prediction_interval', 0.99));
SELECT MIN(w.ml_results->'$.predictions.prediction_interval_visits.upper' >= o.ml_results->'$.predictions.prediction_interval_visits.upper') FROM sales_wide w JOIN sales_out o USING (day);
CALL sys.ML_PREDICT_TABLE('ml_data.sales', @h, 'ml_data.sales_back', NULL);
SELECT COUNT(*) FROM sales_back WHERE ABS(ml_results->'$.predictions.amount' - amount) < 20;
CALL sys.ML_SCORE('ml_data.sales_next', 'amount', @h, 'neg_sym_mean_abs_percent_error', @score, NULL);
SELECT @score BETWEEN -0.05 AND 0;
CALL sys.ML_SCORE('ml_data.sales_next', NULL, @h, 'neg_mean_absolute_error', @score, NULL);
SELECT @score BETWEEN -8 AND 0;
CALL sys.ML_SCORE('ml_data.sales_next', 'amount', @h, 'r2', @score, NULL);
SELECT sys.ML_PREDICT_ROW('{"day": "2024-07-01"}', @h, NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.sales_next', @h, 'ml_data.sales_no', JSON_OBJECT('prediction_interval', 1));
-- Exogenous columns: the table must follow the training at once.
SET @x = 'sales with rain';
CALL sys.ML_TRAIN('ml_data.sales', NULL, JSON_OBJECT('task', 'forecasting', 'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('amount'), 'exogenous_variables', JSON_ARRAY('rain')), @x);
CALL sys.ML_MODEL_LOAD(@x, NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.sales_next', @x, 'ml_data.sales_x', NULL);
SELECT COUNT(*) > 10, SUM(ABS(ml_results->'$.predictions.amount' - amount) < 12) / COUNT(*) > 0.7 FROM sales_x;
CREATE TABLE sales_late AS SELECT * FROM sales_next WHERE day > '2024-07-03';
CALL sys.ML_PREDICT_TABLE('ml_data.sales_late', @x, 'ml_data.sales_no', NULL);
ALTER TABLE sales_late DROP COLUMN rain;
CALL sys.ML_PREDICT_TABLE('ml_data.sales_late', @x, 'ml_data.sales_no', NULL);
-- Wrong trainings.
SET @w = 'wrong';
CALL sys.ML_TRAIN('ml_data.sales', 'rain', JSON_OBJECT('task', 'forecasting', 'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('amount')), @w);
CALL sys.ML_TRAIN('ml_data.sales', NULL, JSON_OBJECT('task', 'forecasting', 'datetime_index', 'amount', 'endogenous_variables', JSON_ARRAY('visits')), @w);
CALL sys.ML_TRAIN('ml_data.sales', NULL, JSON_OBJECT('task', 'forecasting', 'datetime_index', 'rain', 'endogenous_variables', JSON_ARRAY('visits')), @w);
CREATE TABLE twice (n INT, y DOUBLE);
INSERT INTO twice VALUES (1, 1), (2, 2), (2, 3), (4, 5);
CALL sys.ML_TRAIN('ml_data.twice', NULL, JSON_OBJECT('task', 'forecasting', 'datetime_index', 'n', 'endogenous_variables', JSON_ARRAY('y')), @w);
SHOW TABLES LIKE 'sales%';
DROP TABLE twice, sales, sales_next, sales_out, sales_wide, sales_back, sales_x, sales_late;
CALL sys.ML_MODEL_UNLOAD(@h);
CALL sys.ML_MODEL_UNLOAD(@x);
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN (@h, @x, @w);
