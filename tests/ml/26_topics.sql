-- Topic modelling of a column of texts.
USE ml_data;
CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT, body TEXT);
INSERT INTO texts (body) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 60)
  SELECT CASE n % 3 WHEN 0 THEN CONCAT('The engine and the wheels of the car, motor number ', n, ' on the road')
                    WHEN 1 THEN CONCAT('Bread, butter and cheese in the kitchen; cook ', n, ' the soup')
                    ELSE CONCAT('Guitar and violin play a melody with the orchestra, concert ', n) END FROM s;
INSERT INTO texts (body) VALUES (NULL), ('');
SET @h = 'topics';
CALL sys.ML_TRAIN('ml_data.texts', NULL, JSON_OBJECT('task', 'topic_modeling', 'document_column', 'body', 'num_topics', 3), @h);
SELECT task, column_names FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
CALL sys.ML_MODEL_LOAD(@h, NULL);
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('body', 'A violin concert'), @h, NULL) AS music, sys.ML_PREDICT_ROW(JSON_OBJECT('body', 'cheese soup'), @h, NULL) AS food,
                  sys.ML_PREDICT_ROW(JSON_OBJECT('body', 'xyz'), @h, NULL) AS nothing)
SELECT JSON_CONTAINS(music->'$.ml_results.predictions.topics', '[["orchestra"]]') AS music, JSON_CONTAINS(food->'$.ml_results.predictions.topics', '[["kitchen"]]') AS food,
       nothing->'$.ml_results' AS nothing FROM p;
CALL sys.ML_PREDICT_TABLE('ml_data.texts', @h, 'ml_data.texts_out', NULL);
SELECT COUNT(*), SUM(JSON_LENGTH(ml_results->'$.predictions.topics') >= 1), COUNT(DISTINCT id % 3, ml_results->'$.predictions.topics[0]') FROM texts_out;
SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('text', 'A violin concert'), @h, NULL);
CALL sys.ML_SCORE('ml_data.texts', NULL, @h, 'accuracy', @score, NULL);
CALL sys.ML_EXPLAIN('ml_data.texts', NULL, @h, NULL);
SET @w = 'wrong';
CALL sys.ML_TRAIN('ml_data.texts', NULL, JSON_OBJECT('task', 'topic_modeling', 'document_column', 'id'), @w);
CALL sys.ML_TRAIN('ml_data.texts', NULL, JSON_OBJECT('task', 'topic_modeling', 'document_column', 'body', 'num_topics', 1), @w);
DELETE FROM texts WHERE body <> '';
CALL sys.ML_TRAIN('ml_data.texts', NULL, JSON_OBJECT('task', 'topic_modeling', 'document_column', 'body'), @w);
-- Not there yet.
CALL sys.ML_TRAIN('ml_data.texts', NULL, JSON_OBJECT('task', 'log_anomaly_detection'), @w);
DROP TABLE texts, texts_out;
CALL sys.ML_MODEL_UNLOAD(@h);
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN (@h, @w);
