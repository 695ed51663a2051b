# make_long_table NAME ROWS: a table whose training takes some seconds.
make_long_table() {
  local columns='' definitions='' values='' copies='' i
  for i in $(seq 30); do
    columns+="c$i, "
    definitions+="c$i FLOAT, "
    values+="RAND(n * $i), "
    copies+="c$i + RAND() / 10, "
  done
  sql "CREATE TABLE $1 (id INT PRIMARY KEY AUTO_INCREMENT, $definitions y VARCHAR(10));
       INSERT INTO $1 ($columns y) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
         SELECT $values CONCAT('class', FLOOR(RAND(n) * 5 + RAND(n * 2) * 5) MOD 6) FROM s;
       INSERT INTO $1 ($columns y) SELECT $copies y FROM $1 JOIN (SELECT 1 FROM $1 LIMIT $(($2 / 1000 - 1))) more;"
}
