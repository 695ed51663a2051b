-- Recommendation with explicit and implicit feedback, every kind of answer.
USE ml_data;
CREATE TABLE ratings (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, item_id VARCHAR(10), rating FLOAT);
-- Users of even number like items of even number, the others the others; each user lacks some items.
INSERT INTO ratings (user_id, item_id, rating)
  WITH RECURSIVE u (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < 40), i (m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM i WHERE m < 30)
  SELECT n, CONCAT('i', m), IF((n + m) % 2 = 0, 5, 1) + (n * m % 3) * 0.1 FROM u JOIN i WHERE (n * 7 + m * 3) % 5 <> 0;
CREATE TABLE ratings_test AS SELECT n AS user_id, CONCAT('i', m) AS item_id, IF((n + m) % 2 = 0, 5, 1) AS rating
  FROM (WITH RECURSIVE u (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u WHERE n < 40) SELECT n FROM u) u
  JOIN (WITH RECURSIVE i (m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM i WHERE m < 30) SELECT m FROM i) i WHERE (n * 7 + m * 3) % 5 = 0;
SET @e = 'explicit', @i = 'implicit';
CALL sys.ML_TRAIN('ml_data.ratings', 'rating', JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id', 'exclude_column_list', JSON_ARRAY('id')), @e);
CALL sys.ML_TRAIN('ml_data.ratings', 'rating', JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id', 'feedback', 'implicit', 'feedback_threshold', 4, 'exclude_column_list', JSON_ARRAY('id')), @i);
CALL sys.ML_MODEL_LOAD(@e, NULL);
CALL sys.ML_MODEL_LOAD(@i, NULL);
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @e, 'neg_root_mean_squared_error', @score, NULL);
SELECT @score BETWEEN -0.7 AND 0;
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @e, 'r2', @score, NULL);
SELECT @score > 0.8;
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @e, 'precision_at_k', @score, JSON_OBJECT('threshold', 4, 'topk', 2));
SELECT @score > 0.8;
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @i, 'hit_ratio_at_k', @score, JSON_OBJECT('topk', 3));
SELECT @score > 0.8;
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @i, 'ndcg_at_k', @score, NULL);
SELECT @score BETWEEN 0.5 AND 1;
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @i, 'r2', @score, NULL);
CALL sys.ML_SCORE('ml_data.ratings_test', 'rating', @e, 'f1', @score, NULL);
-- Ratings.
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": 2, "item_id": "i6", "x": 1}', @e, NULL) AS r, sys.ML_PREDICT_ROW('{"user_id": "2", "item_id": "i7"}', @e, JSON_OBJECT('recommend', 'ratings')) AS s)
SELECT JSON_KEYS(r), JSON_KEYS(r, '$.ml_results'), r->'$.ml_results.predictions.rating' > 4, s->'$.ml_results.predictions.rating' < 2.5 FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": "nobody", "item_id": "nothing"}', @e, NULL) AS r) SELECT r->'$.ml_results.predictions.rating' BETWEEN 2 AND 4 FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": 2, "item_id": "i6"}', @i, NULL) AS r, sys.ML_PREDICT_ROW('{"user_id": 2, "item_id": "i7"}', @i, NULL) AS s)
SELECT r->'$.ml_results.predictions.rating' < s->'$.ml_results.predictions.rating' AS lower_rank_is_better FROM p;
-- Items for a user, users for an item, with and without what is known already.
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": 2}', @e, JSON_OBJECT('recommend', 'items')) AS r, sys.ML_PREDICT_ROW('{"user_id": 2}', @e, JSON_OBJECT('recommend', 'users_to_items', 'topk', 5, 'remove_seen', false)) AS s)
SELECT JSON_KEYS(r, '$.ml_results.predictions'), JSON_LENGTH(r->'$.ml_results.predictions.item_id') AS three, JSON_LENGTH(s->'$.ml_results.predictions.rating') AS five,
  (SELECT COUNT(*) FROM ratings WHERE user_id = 2 AND JSON_CONTAINS(r->'$.ml_results.predictions.item_id', JSON_QUOTE(item_id))) AS seen_removed,
  (SELECT COUNT(*) FROM ratings WHERE user_id = 2 AND JSON_CONTAINS(s->'$.ml_results.predictions.item_id', JSON_QUOTE(item_id))) > 0 AS seen_kept FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"item_id": "i3"}', @i, JSON_OBJECT('recommend', 'users', 'topk', 2)) AS r) SELECT JSON_KEYS(r, '$.ml_results.predictions'), r->'$.ml_results.predictions.rating' FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": "nobody"}', @i, JSON_OBJECT('recommend', 'items', 'topk', 4)) AS r) SELECT JSON_LENGTH(r->'$.ml_results.predictions.item_id') FROM p;
-- Similar ones.
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"item_id": "i4"}', @e, JSON_OBJECT('recommend', 'items_to_items', 'topk', 3)) AS r) SELECT JSON_KEYS(r, '$.ml_results.predictions'), JSON_LENGTH(r->'$.ml_results.predictions.similarity') FROM p;
WITH p AS (SELECT sys.ML_PREDICT_ROW('{"user_id": 5}', @e, JSON_OBJECT('recommend', 'users_to_users', 'topk', 50)) AS r) SELECT JSON_LENGTH(r->'$.ml_results.predictions.user_id') FROM p;
SELECT sys.ML_PREDICT_ROW('{"item_id": "nothing"}', @e, JSON_OBJECT('recommend', 'items_to_items'));
-- Wrong questions.
SELECT sys.ML_PREDICT_ROW('{"user_id": 1}', @e, NULL);
SELECT sys.ML_PREDICT_ROW('{"user_id": 1}', @e, JSON_OBJECT('recommend', 'users'));
SELECT sys.ML_PREDICT_ROW('{"user_id": 1}', @e, JSON_OBJECT('recommend', 'friends'));
SELECT sys.ML_PREDICT_ROW('{"user_id": 1}', @e, JSON_OBJECT('recommend', 'items', 'topk', 0));
SELECT sys.ML_PREDICT_ROW('{"user_id": 1}', @e, JSON_OBJECT('additional_details', true));
-- Tables.
CALL sys.ML_PREDICT_TABLE('ml_data.ratings_test', @e, 'ml_data.ratings_out', NULL);
SELECT COUNT(*), SUM(ABS(ml_results->'$.predictions.rating' - rating) < 1) / COUNT(*) > 0.9 FROM ratings_out;
CREATE TABLE askers AS SELECT DISTINCT user_id FROM ratings;
CALL sys.ML_PREDICT_TABLE('ml_data.askers', @e, 'ml_data.askers_out', JSON_OBJECT('recommend', 'items', 'topk', 2));
SELECT COUNT(*), MIN(JSON_LENGTH(ml_results->'$.predictions.item_id')) FROM askers_out;
CALL sys.ML_PREDICT_TABLE('ml_data.askers', @e, 'ml_data.askers_no', NULL);
SHOW TABLES LIKE 'askers%';
-- Trainings that cannot be.
SET @w = 'wrong';
CALL sys.ML_TRAIN('ml_data.ratings', NULL, JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id'), @w);
CALL sys.ML_TRAIN('ml_data.ratings', 'rating', JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id', 'feedback', 'loud'), @w);
CALL sys.ML_TRAIN('ml_data.ratings', 'rating', JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id', 'feedback', 'implicit', 'feedback_threshold', 100), @w);
INSERT INTO ratings VALUES (NULL, NULL, 'i1', 1);
CALL sys.ML_TRAIN('ml_data.ratings', 'rating', JSON_OBJECT('task', 'recommendation', 'users', 'user_id', 'items', 'item_id'), @w);
DROP TABLE ratings, ratings_test, ratings_out, askers, askers_out;
CALL sys.ML_MODEL_UNLOAD(@e);
CALL sys.ML_MODEL_UNLOAD(@i);
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN (@e, @i, @w);
