-- The manual's session: train on one table, export, import under another name, load, predict by row.
USE ml_data;
SET @model_handle='iris_model_handle';
CALL sys.ML_TRAIN('ml_data.iris_train','class',
     JSON_OBJECT('task','classification','exclude_column_list', JSON_ARRAY('my_row_id')), @model_handle);
SELECT @model_handle;
CALL sys.ML_MODEL_EXPORT(@model_handle,'ml_data.iris_model_handle_export');
SELECT chunk_id, LENGTH(model_object) > 0, JSON_TYPE(model_metadata) FROM ml_data.iris_model_handle_export;
SET @model_handle='iris_model_handle2';
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','iris_model_handle_export'), @model_handle);
SELECT @model_handle;
CALL sys.ML_MODEL_LOAD(@model_handle, NULL);
-- The value is JSON, holds the inputs widened to DOUBLE, and probabilities of every class.
WITH p AS (
  SELECT class, sys.ML_PREDICT_ROW(JSON_OBJECT('sepal length', `sepal length`, 'sepal width', `sepal width`,
                                      'petal length', `petal length`, 'petal width', `petal width`), @model_handle, NULL) AS prediction
    FROM ml_data.iris_test WHERE `petal length` < 4.7 OR `petal length` > 5.2 LIMIT 3)
SELECT class, JSON_TYPE(prediction) AS type, JSON_KEYS(prediction) AS members, prediction->>'$.Prediction' AS predicted,
       prediction->'$.ml_results.predictions' AS predictions, JSON_KEYS(prediction, '$.ml_results.probabilities') AS classes,
       prediction->'$."petal length"' AS petal_length
  FROM p;
-- Nearly all flowers are recognised.
SELECT COUNT(*), SUM(class = JSON_VALUE(sys.ML_PREDICT_ROW(JSON_OBJECT('sepal length', `sepal length`, 'sepal width', `sepal width`,
        'petal length', `petal length`, 'petal width', `petal width`), @model_handle, NULL), '$.Prediction')) >= 27 AS good
  FROM ml_data.iris_test;
CALL sys.ML_SCORE('ml_data.iris_test', 'class', @model_handle, 'accuracy', @score, NULL);
SELECT @score >= 0.9;
CALL sys.ML_SCORE('ml_data.iris_test', 'class', @model_handle, 'BALANCED_ACCURACY', @score, NULL);
SELECT @score >= 0.9;
CALL sys.ML_SCORE('ml_data.iris_test', 'class', @model_handle, 'nosuch', @score, NULL);
CALL sys.ML_SCORE('ml_data.iris_test', 'class', @model_handle, NULL, @score, NULL);
CALL sys.ML_SCORE('ml_data.iris_test', 'sepal width', @model_handle, 'accuracy', @score, NULL);
-- Literal rows: extra members come back, missing features are an error, NULL is allowed.
SELECT JSON_VALUE(sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2, "note": "mine"}', @model_handle, NULL), '$.note') AS note;
SELECT JSON_VALUE(sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": null, "petal length": 1.4, "petal width": 0.2}', @model_handle, NULL), '$.Prediction') AS predicted;
SELECT sys.ML_PREDICT_ROW('{"sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @model_handle, NULL);
SELECT sys.ML_PREDICT_ROW('{}', @model_handle, NULL);
SELECT sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @model_handle, JSON_OBJECT('topk', 3));
SELECT sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @model_handle, JSON_OBJECT('additional_details', 'perhaps'));
SELECT JSON_KEYS(sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', @model_handle, JSON_OBJECT('additional_details', true)), '$.ml_results') AS members;
-- The catalog.
SELECT model_handle, model_object, model_owner, task, target_column_name, train_table_name, column_names, notes,
       build_timestamp > 0, model_object_size > 0, last_accessed IS NOT NULL
  FROM ML_SCHEMA_root.MODEL_CATALOG ORDER BY model_id;
SELECT model_handle, model_metadata->>'$.status' AS status, model_metadata->>'$.format' AS format, model_metadata->'$.n_rows' AS n_rows,
       model_metadata->'$.chunks' AS chunks, model_metadata->'$.options' AS options,
       JSON_TYPE(model_metadata->'$.algorithm_name') AS algorithm, JSON_TYPE(model_metadata->'$.training_score') AS score,
       JSON_KEYS(model_metadata->'$.model_explanation') AS explained
  FROM ML_SCHEMA_root.MODEL_CATALOG ORDER BY model_id;
SELECT model_handle, chunk_id, LENGTH(model_object) > 0 FROM ML_SCHEMA_root.model_object_catalog ORDER BY 1;
-- A handle that is taken.
SET @model_handle='iris_model_handle';
CALL sys.ML_TRAIN('ml_data.iris_train','class', NULL, @model_handle);
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','iris_model_handle_export'), @model_handle);
CALL sys.ML_MODEL_EXPORT(@model_handle,'ml_data.iris_model_handle_export');
-- A handle that is made.
SET @model_handle=NULL;
CALL sys.ML_TRAIN('ml_data.iris_train','class', JSON_OBJECT('notes', 'by default'), @model_handle);
SELECT @model_handle RLIKE '^ml_data.iris_train_root_[0-9]+$';
SELECT notes, model_metadata->>'$.notes' FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @model_handle;
DELETE FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @model_handle;
SELECT COUNT(*) FROM ML_SCHEMA_root.model_object_catalog WHERE model_handle = @model_handle;
-- In memory.
CALL sys.ML_MODEL_ACTIVE(NULL, @info);
SELECT JSON_KEYS(@info, '$[0]') AS first, JSON_EXTRACT(@info, '$[0].*') > CAST(0 AS JSON) AS size, JSON_KEYS(@info, '$[1]') AS handles;
CALL sys.ML_MODEL_ACTIVE('all', @info);
SELECT JSON_KEYS(@info, '$[1]') AS users, JSON_KEYS(@info, '$[1].root[0]') AS handles;
-- Not loaded: an error, and loading again works.
CALL sys.ML_MODEL_UNLOAD('iris_model_handle2');
SELECT sys.ML_PREDICT_ROW('{"a": 1}', 'iris_model_handle2', NULL);
CALL sys.ML_MODEL_ACTIVE('current', @info);
SELECT @info;
CALL sys.ML_MODEL_LOAD('iris_model_handle2', NULL);
CALL sys.ML_MODEL_LOAD('iris_model_handle', 'ignored');
SELECT sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', 'iris_model_handle', NULL)
     = sys.ML_PREDICT_ROW('{"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}', 'iris_model_handle2', NULL) AS same;
-- An exported model that has lost a part, or has been changed.
CREATE TABLE export_copy LIKE iris_model_handle_export;
SET @h = 'damaged';
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','export_copy'), @h);
INSERT INTO export_copy SELECT * FROM iris_model_handle_export;
UPDATE export_copy SET model_object = LEFT(model_object, 400);
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','export_copy'), @h);
UPDATE export_copy c JOIN iris_model_handle_export e USING (chunk_id) SET c.model_object = CONCAT('?', e.model_object);
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','export_copy'), @h);
UPDATE export_copy c JOIN iris_model_handle_export e USING (chunk_id) SET c.model_object = e.model_object, c.model_metadata = JSON_SET(c.model_metadata, '$.chunks', 2);
CALL sys.ML_MODEL_IMPORT(NULL, JSON_OBJECT('schema','ml_data','table','export_copy'), @h);
SELECT COUNT(*) FROM ML_SCHEMA_root.MODEL_CATALOG WHERE model_handle = @h;
DROP TABLE export_copy, iris_model_handle_export;
CALL sys.ML_MODEL_UNLOAD('iris_model_handle');
CALL sys.ML_MODEL_UNLOAD('iris_model_handle2');
