-- The routines are there with HeatWave's names and parameters, and run with the caller's privileges.
SELECT SPECIFIC_NAME, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DATA_TYPE
  FROM information_schema.PARAMETERS
 WHERE SPECIFIC_SCHEMA = 'sys' AND (SPECIFIC_NAME LIKE 'ML\_%' OR SPECIFIC_NAME = 'TRAIN_TEST_SPLIT')
 ORDER BY SPECIFIC_NAME, ORDINAL_POSITION;
SELECT ROUTINE_NAME, ROUTINE_TYPE, SECURITY_TYPE, DEFINER FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = 'sys' AND (ROUTINE_NAME LIKE 'ML\_%' OR ROUTINE_NAME = 'TRAIN_TEST_SPLIT')
 ORDER BY ROUTINE_NAME;
SELECT ML_STATUS FROM performance_schema.rpd_nodes;
SHOW VARIABLES LIKE 'rapid_ml_resource_mode';
SET GLOBAL rapid_ml_resource_mode = 'NONE';
-- Functions of the plugin called by hand: no crash, no privileges beyond the caller's.
SELECT rapid_ml();
SELECT rapid_ml('ML_TRAIN');
SELECT rapid_ml('NOTHING', 1, 2);
SELECT rapid_ml_row();
SELECT rapid_ml_row('predict', NULL, NULL, NULL);
-- Without the options argument, as old scripts call it; with fewer arguments the server itself complains.
SELECT sys.ML_PREDICT_ROW('{}', 'x');
PREPARE old FROM 'SELECT sys.ML_PREDICT_ROW(?, ''x'')';
SET @row = '{}';
EXECUTE old USING @row;
SELECT sys.ML_PREDICT_ROW('{}');
