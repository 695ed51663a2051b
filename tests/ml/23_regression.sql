-- Regression, with NULLs, dates, categories and text among the features.
USE ml_data;
CREATE TABLE houses (id INT PRIMARY KEY AUTO_INCREMENT, area FLOAT, rooms INT UNSIGNED, town VARCHAR(20), kind ENUM('flat', 'house'), sold DATE, seen DATETIME(3),
  opens TIME, built YEAR, note TEXT, price DECIMAL(10, 2));
INSERT INTO houses (area, rooms, town, kind, sold, seen, opens, built, note, price)
  WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 400)
  SELECT IF(n % 11 = 0, NULL, 50 + n % 97), 1 + n % 5, ELT(1 + n % 3, 'Köln', 'Bonn', NULL), IF(n % 2, 'flat', 'house'), DATE('2020-01-01') + INTERVAL n DAY,
         TIMESTAMP('2020-01-01 10:00:00.5') + INTERVAL n HOUR, SEC_TO_TIME(n * 60), 1950 + n % 70, IF(n % 7 = 0, NULL, IF(n % 2, 'quiet garden', 'loud street')),
         1000 * (50 + n % 97) + IF(n % 2, 0, 20000) + IF(n % 3 = 0, 5000, 0) FROM s;
SET @h = 'houses';
CALL sys.ML_TRAIN('ml_data.houses', 'price', JSON_OBJECT('task', 'regression', 'exclude_column_list', JSON_ARRAY('id')), @h);
CALL sys.ML_MODEL_LOAD(@h, NULL);
CALL sys.ML_SCORE('ml_data.houses', 'price', @h, 'r2', @score, NULL);
SELECT @score > 0.9;
CALL sys.ML_SCORE('ml_data.houses', 'price', @h, 'neg_mean_absolute_error', @score, NULL);
SELECT @score BETWEEN -10000 AND 0;
CALL sys.ML_SCORE('ml_data.houses', 'price', @h, 'accuracy', @score, NULL);
CALL sys.ML_PREDICT_TABLE('ml_data.houses', @h, 'ml_data.houses_out', NULL);
SELECT COUNT(*), SUM(ABS(Prediction - price) < 20000) > 300, SUM(ABS(Prediction - ml_results->'$.predictions.price') < 0.01) FROM houses_out;
SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ml_data' AND TABLE_NAME = 'houses_out' AND COLUMN_NAME = 'Prediction';
-- By row the same as by table, through every type's JSON form.
SELECT COUNT(*) FROM houses h JOIN houses_out o USING (id)
 WHERE ABS(o.Prediction - JSON_EXTRACT(sys.ML_PREDICT_ROW(JSON_OBJECT('area', h.area, 'rooms', h.rooms, 'town', h.town, 'kind', h.kind, 'sold', h.sold,
       'seen', h.seen, 'opens', h.opens, 'built', h.built, 'note', h.note), @h, NULL), '$.Prediction')) < 0.01;
WITH p AS (SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('area', 80, 'rooms', 3, 'town', 'Ulm', 'kind', 'castle', 'sold', '2024-02-29', 'seen', NULL, 'opens', '10:00', 'built', 1999, 'note', 'a loud garden'), @h, NULL) AS r)
SELECT JSON_TYPE(r->'$.Prediction'), JSON_KEYS(r, '$.ml_results'), JSON_KEYS(r, '$.ml_results.predictions') FROM p;
SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('area', 'large', 'rooms', 3, 'town', 'Ulm', 'kind', 'castle', 'sold', '2024-02-29', 'seen', NULL, 'opens', '10:00', 'built', 1999, 'note', ''), @h, NULL);
SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('area', 80, 'rooms', 3, 'town', 'Ulm', 'kind', 'castle', 'sold', '2024-02-30', 'seen', NULL, 'opens', '10:00', 'built', 1999, 'note', ''), @h, NULL);
-- Targets that cannot be learned; each leaves a row of status Error, and the handle free.
SET @h = 'bad';
CALL sys.ML_TRAIN('ml_data.houses', 'kind', JSON_OBJECT('task', 'regression'), @h);
CALL sys.ML_TRAIN('ml_data.houses', 'town', NULL, @h);
CALL sys.ML_TRAIN('ml_data.houses', 'sold', JSON_OBJECT('task', 'classification'), @h);
CREATE TABLE one_class AS SELECT area, 1 AS y FROM houses;
CALL sys.ML_TRAIN('ml_data.one_class', 'y', NULL, @h);
SELECT model_metadata->>'$.status', LEFT(notes, 8) FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
-- A fixed seed gives the same model; numeric classes are predicted as numbers.
SET @a = 'seed_a', @b = 'seed_b';
CALL sys.ML_TRAIN('ml_data.houses', 'rooms', JSON_OBJECT('seed', 3, 'include_column_list', JSON_ARRAY('area')), @a);
CALL sys.ML_TRAIN('ml_data.houses', 'rooms', JSON_OBJECT('seed', 3, 'include_column_list', JSON_ARRAY('area')), @b);
SELECT COUNT(DISTINCT SHA2(model_object, 256)) FROM ML_SCHEMA_root.model_object_catalog WHERE model_handle IN (@a, @b);
CALL sys.ML_MODEL_LOAD(@a, NULL);
WITH p AS (SELECT sys.ML_PREDICT_ROW((SELECT JSON_OBJECT('id', id, 'area', area, 'town', town, 'kind', kind, 'sold', sold, 'seen', seen, 'opens', opens, 'built', built, 'note', note, 'price', price) FROM houses LIMIT 1), @a, NULL) AS r)
SELECT JSON_TYPE(r->'$.Prediction'), JSON_KEYS(r, '$.ml_results.probabilities') FROM p;
DROP TABLE houses, houses_out, one_class;
CALL sys.ML_MODEL_UNLOAD(@a);
CALL sys.ML_MODEL_UNLOAD('houses');
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle IN ('houses', 'bad', @a, @b);
