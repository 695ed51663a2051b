-- Machine-learning routines of schema sys. The plugin runs each statement (they end at lines of two
-- dollar signs) when the routine is missing or its comment names another version. The work is done
-- by the functions rapid_ml and rapid_ml_row of the plugin, with the privileges of the caller.
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_TRAIN (
    IN table_name VARCHAR(200),
    IN target_column_name VARCHAR(64),
    IN options JSON,
    INOUT model_handle VARCHAR(255))
  COMMENT 'Trains a model. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  SET model_handle = rapid_ml('ML_TRAIN', table_name, target_column_name, options, model_handle);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_EXPLAIN (
    IN table_name VARCHAR(200),
    IN target_column_name VARCHAR(64),
    IN model_handle VARCHAR(255),
    IN options JSON)
  COMMENT 'Explains a model as a whole. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('ML_EXPLAIN', table_name, target_column_name, model_handle, options);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' FUNCTION sys.ML_PREDICT_ROW (
    input_data JSON,
    model_handle VARCHAR(255),
    options JSON)
  RETURNS JSON
  COMMENT 'Predicts one row. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  READS SQL DATA
RETURN rapid_ml_row('predict', input_data, model_handle, options)
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_PREDICT_TABLE (
    IN table_name VARCHAR(200),
    IN model_handle VARCHAR(255),
    IN output_table_name VARCHAR(200),
    IN options JSON)
  COMMENT 'Predicts the rows of a table into another one. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('ML_PREDICT_TABLE', table_name, model_handle, output_table_name, options);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' FUNCTION sys.ML_EXPLAIN_ROW (
    input_data JSON,
    model_handle VARCHAR(255),
    options JSON)
  RETURNS JSON
  COMMENT 'Predicts one row and explains the prediction. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  READS SQL DATA
RETURN rapid_ml_row('explain', input_data, model_handle, options)
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_EXPLAIN_TABLE (
    IN table_name VARCHAR(200),
    IN model_handle VARCHAR(255),
    IN output_table_name VARCHAR(200),
    IN options JSON)
  COMMENT 'Predicts and explains the rows of a table into another one. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('ML_EXPLAIN_TABLE', table_name, model_handle, output_table_name, options);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_SCORE (
    IN table_name VARCHAR(200),
    IN target_column_name VARCHAR(64),
    IN model_handle VARCHAR(255),
    IN metric VARCHAR(64),
    OUT score DOUBLE,
    IN options JSON)
  COMMENT 'Measures the quality of a model. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  READS SQL DATA
BEGIN
  SET score = rapid_ml('ML_SCORE', table_name, target_column_name, model_handle, metric, options);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_MODEL_LOAD (
    IN model_handle VARCHAR(255),
    IN user VARCHAR(255))
  COMMENT 'Loads a model of the catalog into memory. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('ML_MODEL_LOAD', model_handle, user);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_MODEL_UNLOAD (
    IN model_handle VARCHAR(255))
  COMMENT 'Removes a model from memory. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  READS SQL DATA
BEGIN
  DO rapid_ml('ML_MODEL_UNLOAD', model_handle);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_MODEL_ACTIVE (
    IN user VARCHAR(255),
    OUT model_info JSON)
  COMMENT 'Lists the models in memory. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  READS SQL DATA
BEGIN
  SET model_info = rapid_ml('ML_MODEL_ACTIVE', user);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_MODEL_EXPORT (
    IN model_handle VARCHAR(255),
    IN output_table_name VARCHAR(200))
  COMMENT 'Copies a model of the catalog into a table. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('ML_MODEL_EXPORT', model_handle, output_table_name);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.ML_MODEL_IMPORT (
    IN model_object LONGTEXT,
    IN model_metadata JSON,
    INOUT model_handle VARCHAR(255))
  COMMENT 'Adds a model to the catalog. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  SET model_handle = rapid_ml('ML_MODEL_IMPORT', model_object, model_metadata, model_handle);
END
$$
CREATE DEFINER = 'mysql.sys'@'localhost' PROCEDURE sys.TRAIN_TEST_SPLIT (
    IN table_name VARCHAR(200),
    IN target_column_name VARCHAR(64),
    IN options JSON)
  COMMENT 'Splits a table into one for training and one for tests. @VERSION@'
  SQL SECURITY INVOKER
  NOT DETERMINISTIC
  MODIFIES SQL DATA
BEGIN
  DO rapid_ml('TRAIN_TEST_SPLIT', table_name, target_column_name, options);
END
$$
