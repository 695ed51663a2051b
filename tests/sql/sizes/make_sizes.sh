#!/usr/bin/env bash
# Writes sizes.test: the same statements over tables of sizes around the borders of vectors and chunks.
cd "$(dirname "$0")" || exit 1
sizes="0 1 2047 2048 2049 65535 65536 65537 200000"
{
  echo "# Written by make_sizes.sh. Borders of vectors (2,048) and chunks (65,536); NULLs, skew, text."
  echo "SET SESSION cte_max_recursion_depth = 1000000;"
  echo "CREATE TABLE numbers (n INT PRIMARY KEY);"
  echo "INSERT INTO numbers WITH RECURSIVE d (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM d WHERE d < 9)"
  echo "  SELECT a.d + b.d * 10 + c.d * 100 + e.d * 1000 + f.d * 10000 + g.d * 100000 + 1 FROM d a, d b, d c, d e, d f, (SELECT 0 AS d UNION SELECT 1) g;"
  for size in $sizes; do
    echo "CREATE TABLE t$size (id INT PRIMARY KEY, k INT, skew INT, nul INT, price DECIMAL(12,2), r DOUBLE, name VARCHAR(20), day DATE);"
    echo "INSERT INTO t$size SELECT n, n * 7919 % 1000, IF(n % 100 < 90, 1, n), IF(n % 3 = 0, NULL, n % 17), n * 31 % 100000 / 100, n / 8, CONCAT('name', n % 257), DATE_ADD('2000-01-01', INTERVAL n % 3000 DAY) FROM numbers WHERE n <= $size;"
  done
  echo "-- load numbers $(for size in $sizes; do printf 't%s ' "$size"; done)"
  for size in $sizes; do
    echo "SELECT COUNT(*), COUNT(nul), SUM(price), MIN(id), MAX(id), SUM(id), MIN(day), MAX(name) FROM t$size;"
    echo "SELECT nul, COUNT(*), SUM(price), AVG(price) FROM t$size GROUP BY nul;"
    echo "SELECT COUNT(*) FROM t$size WHERE skew = 1 AND price > 500 AND name LIKE 'name1%';"
    echo "SELECT COUNT(*), SUM(a.price) FROM t$size a JOIN t2049 b ON a.k = b.id;"
    echo "SELECT COUNT(*), COUNT(b.id) FROM t$size a LEFT JOIN t2047 b ON a.id = b.id;"
    echo "-- ordered"
    echo "SELECT id, price FROM t$size ORDER BY price DESC, id LIMIT 20;"
  done
  echo "SELECT COUNT(DISTINCT id), COUNT(DISTINCT name), COUNT(DISTINCT skew) FROM t200000;"
  echo "SELECT skew, COUNT(*) FROM t200000 GROUP BY skew HAVING COUNT(*) > 1;"
  echo "SELECT name, day, COUNT(*) FROM t65537 GROUP BY name, day HAVING COUNT(*) > 1;"
  echo "-- ordered"
  echo "SELECT id FROM t65537 ORDER BY name, day DESC, id;"
  echo "-- approximate"
  echo "SELECT k % 10, SUM(r), AVG(r) FROM t200000 GROUP BY k % 10;"
  echo "SELECT COUNT(*) FROM t200000 a JOIN t65536 b ON a.skew = b.id;"
  echo "SELECT COUNT(*) FROM t65536 a WHERE NOT EXISTS (SELECT 1 FROM t65535 b WHERE b.id = a.id);"
  echo "SELECT COUNT(*) FROM t200000 WHERE id IN (SELECT k FROM t65536);"
  echo "SELECT id, name FROM t200000 WHERE price = 123.45;"
} > sizes.test
