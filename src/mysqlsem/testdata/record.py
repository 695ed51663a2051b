#!/usr/bin/env python3
"""Records what a MySQL server answers, for mysqlsem_test.

Usage: record.py CLIENT [ARGS...]   e.g. record.py mysql --no-defaults -uroot -S /tmp/x.sock
Writes one file per area beside this script. A line is: operation TAB arguments TAB ... TAB expected.
NULL is \\N, an error is ERROR, strings that may hold any byte are in hex. The cases are drawn with a fixed seed.
"""
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
rnd = random.Random(20)


def run(client, cases):
    """cases: (operation, args, sql expression). Returns them with the server's answer appended."""
    script = ["SET SESSION sql_mode=DEFAULT, time_zone='+00:00', max_error_count=0;", "SET NAMES utf8mb4;"]
    for number, (_, _, sql) in enumerate(cases):
        script.append("SELECT %d, %s;" % (number, sql))
    done = subprocess.run(client + ["-N", "-B", "-f"], input="\n".join(script).encode(), capture_output=True)
    answers = {}
    for line in done.stdout.decode().split("\n"):
        if "\t" in line:
            number, _, value = line.partition("\t")
            answers[int(number)] = "\\N" if value == "NULL" else value
    errors = done.stderr.decode().strip().split("\n")
    if errors and errors[0]:
        print("%d errors, first: %s" % (len(errors), errors[0]))
    return [(op, args, answers.get(i, "ERROR")) for i, (op, args, _) in enumerate(cases)]


def write(client, name, cases):
    with open(os.path.join(HERE, name + ".tsv"), "w") as out:
        for op, args, answer in run(client, cases):
            out.write("\t".join([op, *[str(a) for a in args], answer]) + "\n")
    print(name, len(cases))


def hexs(text):
    return text.encode("utf-8").hex()


# ---- collations ---------------------------------------------------------------------------------------------------
COLLATIONS = {
    "utf8mb4_0900_ai_ci": ("utf8mb4", "utf-8"), "utf8mb4_0900_as_cs": ("utf8mb4", "utf-8"),
    "utf8mb4_0900_as_ci": ("utf8mb4", "utf-8"), "utf8mb4_0900_bin": ("utf8mb4", "utf-8"),
    "utf8mb4_bin": ("utf8mb4", "utf-8"), "utf8mb4_general_ci": ("utf8mb4", "utf-8"),
    "utf8mb4_unicode_ci": ("utf8mb4", "utf-8"), "utf8mb4_unicode_520_ci": ("utf8mb4", "utf-8"),
    "utf8mb4_de_pb_0900_ai_ci": ("utf8mb4", "utf-8"), "utf8mb4_es_trad_0900_ai_ci": ("utf8mb4", "utf-8"),
    "utf8mb4_ja_0900_as_cs": ("utf8mb4", "utf-8"), "utf8mb4_zh_0900_as_cs": ("utf8mb4", "utf-8"),
    "utf8mb4_tr_0900_ai_ci": ("utf8mb4", "utf-8"), "utf8mb4_hu_0900_ai_ci": ("utf8mb4", "utf-8"),
    "utf8mb3_general_ci": ("utf8mb3", "utf-8"), "latin1_swedish_ci": ("latin1", "cp1252"),
    "latin1_german1_ci": ("latin1", "cp1252"), "latin1_german2_ci": ("latin1", "cp1252"),
    "latin1_bin": ("latin1", "cp1252"), "latin1_general_cs": ("latin1", "cp1252"),
    "ucs2_general_ci": ("ucs2", "utf-16-be"), "utf16_unicode_ci": ("utf16", "utf-16-be"),
    "utf32_bin": ("utf32", "utf-32-be"), "gbk_chinese_ci": ("gbk", "gbk"), "sjis_japanese_ci": ("sjis", "shift-jis"),
    "cp1250_general_ci": ("cp1250", "cp1250"), "binary": ("binary", "utf-8"),
}
WORDS = ["", " ", "a", "A", "b", "a ", "a  ", "a\t", "ab", "aB", "Ab", "abc", "aa", "z", "Z", "0", "9", "10", "-1", "_", "%",
         "\u00e4", "\u00c4", "ae", "\u00df", "ss", "s", "\u00e9", "e", "E\u0301", "\u00f1", "n", "\u00e5", "o", "\u00f6", "ch", "c", "cz", "ll",
         "l\u00b7l", "\u3042", "\u30a2", "\u65e5\u672c", "\u4e2d\u56fd", "\u554a", "\U0001f600", "I", "i", "\u0131", "\u0130", "dzs", "dz", "cs",
         "A\u030a", "\u0000", "a\u0000", "a\u0001", "hello world", "HELLO WORLD", "Stra\u00dfe", "strasse", "x y", "x  y", "don't",
         "co-op", "coop", "\u20ac", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ "]
PATTERNS = ["%", "_", "a%", "%a", "%b%", "_b", "a_", "A%", "%SS%", "stra_e", "a\\%", "\\_", "%\\%", "", "__", "%e%", "\u00e4%", "%o w%",
            "_____ _____", "%z ", "a b", "%%a", "_%_", "c_", "\u65e5%"]


def collation_cases():
    cases = []
    for name, (charset, codec) in COLLATIONS.items():
        words = []
        for w in WORDS:
            try:
                if not (charset == "utf8mb3" and max(w, default="") > "\uffff"):
                    words.append(w.encode(codec).hex())
            except UnicodeEncodeError:
                pass
        def lit(h):
            return ("_%s x'%s'" % (charset, h)) if charset != "binary" else "x'%s'" % h
        def col(h):
            return lit(h) + (" COLLATE " + name if charset != "binary" else "")
        pairs = [(a, b) for a in words for b in words]
        for a, b in rnd.sample(pairs, 90):
            cases.append(("compare", (name, a, b), "STRCMP(%s, %s)" % (col(a), col(b))))
        for a, b in rnd.sample(pairs, 30):
            cases.append(("locate", (name, a, b), "LOCATE(%s, %s)" % (col(a), col(b))))
        for w in rnd.sample(words, min(22, len(words))):
            cases.append(("upper", (name, w), "HEX(UPPER(%s))" % col(w)))
            cases.append(("lower", (name, w), "HEX(LOWER(%s))" % col(w)))
            cases.append(("charlen", (name, w), "CHAR_LENGTH(%s)" % col(w)))
            p, n = rnd.randint(-4, 5), rnd.randint(-1, 4)
            cases.append(("substring", (name, w, p, n), "HEX(SUBSTRING(%s, %d, %d))" % (col(w), p, n)))
            cases.append(("reverse", (name, w), "HEX(REVERSE(%s))" % col(w)))
            cases.append(("left", (name, w, n), "HEX(LEFT(%s, %d))" % (col(w), n)))
            cases.append(("right", (name, w, n), "HEX(RIGHT(%s, %d))" % (col(w), n)))
        like = []
        for p in PATTERNS:
            try:
                like.append(p.encode(codec).hex())
            except UnicodeEncodeError:
                pass
        for w, p in rnd.sample([(w, p) for w in words for p in like], 60):
            cases.append(("like", (name, w, p), "%s LIKE %s" % (col(w), col(p))))
        for w in rnd.sample(words, 12):
            pad = rnd.choice(words[1:12])
            cases.append(("trim_leading", (name, w, pad), "HEX(TRIM(LEADING %s FROM %s))" % (col(pad), col(w + pad))))
            cases.append(("trim_trailing", (name, w, pad), "HEX(TRIM(TRAILING %s FROM %s))" % (col(pad), col(w + pad + pad))))
    for a in COLLATIONS:
        for b in ("utf8mb4_0900_ai_ci", "latin1_swedish_ci", "ucs2_general_ci", "gbk_chinese_ci"):
            ca, codec = COLLATIONS[a]
            cb = COLLATIONS[b][0]
            if "binary" in (ca, cb):
                continue
            for w in rnd.sample(WORDS, 6):
                try:
                    h = w.encode(codec).hex()
                except UnicodeEncodeError:
                    continue
                cases.append(("convert", (a, b, h), "HEX(CONVERT(_%s x'%s' USING %s))" % (ca, h, cb)))
    return cases


# ---- decimals -----------------------------------------------------------------------------------------------------
def dec(p, s):
    digits = rnd.choice([p, p, rnd.randint(1, p)])
    n = rnd.choice([0, 1, 10 ** p - 1, rnd.randint(0, 10 ** digits - 1), rnd.randint(0, 10 ** digits - 1)])
    sign = rnd.choice(["", "-"]) if n else ""
    text = str(n).rjust(s + 1, "0")
    return sign + (text[:-s] + "." + text[-s:] if s else text)


def decimal_cases():
    cases = []
    shapes = [(1, 0), (4, 0), (5, 2), (9, 9), (10, 5), (12, 2), (15, 2), (15, 4), (18, 0), (18, 9), (18, 18), (19, 0), (20, 10),
              (27, 9), (30, 6), (38, 10), (38, 20), (38, 30), (65, 0), (65, 30), (50, 25), (40, 1)]
    for op, sym in (("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/"), ("mod", "%")):
        for _ in range(260 if op == "div" else 110):
            p1, s1 = rnd.choice(shapes)
            p2, s2 = rnd.choice(shapes)
            a, b = dec(p1, s1), dec(p2, s2)
            cases.append((op, (a, s1, b, s2), "CAST('%s' AS DECIMAL(%d,%d)) %s CAST('%s' AS DECIMAL(%d,%d))" % (a, p1, s1, sym, b, p2, s2)))
    for _ in range(120):
        p1, s1 = rnd.choice(shapes[:16])
        a, n = dec(p1, s1), rnd.randint(1, 10 ** rnd.randint(1, 12))
        cases.append(("avg", (a, s1, n), "CAST('%s' AS DECIMAL(%d,%d)) / %d" % (a, p1, s1, n)))
    for _ in range(200):
        p, s = rnd.choice(shapes)
        a, d = dec(p, s), rnd.randint(0, s)
        lit = "CAST('%s' AS DECIMAL(%d,%d))" % (a, p, s)
        op = rnd.choice(["round", "truncate", "ceiling", "floor", "cast", "double", "signed", "negate"])
        if op in ("round", "truncate"):
            cases.append((op, (a, d), "%s(%s, %d)" % (op.upper(), lit, d)))
        elif op in ("ceiling", "floor"):
            cases.append((op, (a,), "CAST(%s(%s) AS CHAR)" % (op.upper(), lit)))
        elif op == "cast":
            p2, s2 = rnd.choice(shapes)
            cases.append((op, (a, p2, s2), "CAST(%s AS DECIMAL(%d,%d))" % (lit, p2, s2)))
        elif op == "double":
            cases.append((op, (a,), "CAST(%s AS DOUBLE)" % lit))
        elif op == "signed":
            cases.append((op, (a,), "CAST(%s AS SIGNED)" % lit))
        else:
            cases.append((op, (a,), "-%s" % lit))
    for d in DOUBLES:
        cases.append(("from_double", (d,), "CAST(CAST('%s' AS DOUBLE) AS DECIMAL(65,30))" % d))
    for t in ("1", " 12.5 ", "1e3", "-1.5e-3", "abc", "12abc", "", "  ", "1e100", "-0", "0.0", ".5", "5.", "+7", "--1", "1.2.3", "1e", "1e+2", "٣"):
        cases.append(("from_string", (hexs(t),), "CAST('%s' AS DECIMAL(65,10))" % t))
    for a, b, c in (("1", "3", "3"), ("10.00", "7.00", "3.000"), ("2", "3", "7"), ("1.5", "7", "1000000")):
        cases.append(("div_mul", (a, b, c), "%s / %s * %s" % (a, b, c)))
    return cases


# ---- numbers ------------------------------------------------------------------------------------------------------
DOUBLES = ["0", "-0", "1", "-1", "0.1", "0.2", "0.30000000000000004", "1e15", "1e16", "123456789012345678", "1e-5", "1e-15", "1e-16", "1e22",
           "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "-1.5e300", "3.14159265358979", "2.5", "1e100", "123456.789",
           "99999999999999990", "9007199254740993", "0.000123", "1234567.891", "1.005", "2.675", "-2.5", "0.5", "1.5", "1e14", "12345678901234.5",
           "4.35", "1e20", "1e21", "3e-10", "6.02214076e23", "1.6e-19", "100", "1000000", "0.1e-6", "4503599627370497.5"]


def number_cases():
    doubles = DOUBLES + [repr(rnd.uniform(-1, 1) * 10 ** rnd.randint(-20, 25)) for _ in range(160)]
    cases = []
    for d in doubles:
        value = "CAST('%s' AS DOUBLE)" % d
        cases.append(("double", (d,), value))
        cases.append(("double_string", (d,), "CONCAT(%s)" % value))
        cases.append(("float", (d,), "CAST('%s' AS FLOAT)" % d))
        cases.append(("float_string", (d,), "CONCAT(CAST('%s' AS FLOAT))" % d))
        n = rnd.randint(-5, 10)
        cases.append(("round", (d, n), "ROUND(%s, %d)" % (value, n)))
        cases.append(("truncate", (d, n), "TRUNCATE(%s, %d)" % (value, n)))
    texts = ["", " ", "1", "-1", "+5", " 12", "12 ", "1.9", "-1.9", "1e3", "abc", "12abc", "9223372036854775807", "9223372036854775808",
             "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "0x10",
             "1e400", "-1e400", "1e-400", ".5", "5.", "-", "+", "e5", "1e+", "\t7", "00012", "1 2", "--1", "1,5", "1e5.5", "inf", "nan"]
    for t in texts:
        cases.append(("parse_double", (hexs(t),), "'%s' + 0e0" % t))
        cases.append(("parse_signed", (hexs(t),), "CAST('%s' AS SIGNED)" % t))
        cases.append(("parse_unsigned", (hexs(t),), "CAST('%s' AS UNSIGNED)" % t))
    return cases


# ---- temporal -----------------------------------------------------------------------------------------------------
UNITS = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"]
COMPOSITES = ["YEAR_MONTH", "DAY_HOUR", "DAY_MINUTE", "DAY_SECOND", "HOUR_MINUTE", "HOUR_SECOND", "MINUTE_SECOND", "DAY_MICROSECOND",
              "HOUR_MICROSECOND", "MINUTE_MICROSECOND", "SECOND_MICROSECOND"]


def some_date():
    special = ["0001-01-01", "9999-12-31", "2000-02-29", "1900-02-28", "2024-02-29", "2023-12-31", "2024-01-01", "1999-12-31", "1970-01-01",
               "2021-01-03", "2026-01-04", "2020-12-28", "2008-12-31", "0099-03-01", "1000-06-15"]
    if rnd.random() < 0.4:
        return rnd.choice(special)
    return "%04d-%02d-%02d" % (rnd.randint(1600, 2200), rnd.randint(1, 12), rnd.randint(1, 28))


def some_datetime():
    return some_date() + " " + rnd.choice(["00:00:00.000000", "23:59:59.999999", "12:34:56.789012", "%02d:%02d:%02d.%06d" % (
        rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59), rnd.randint(0, 999999))])


def some_time():
    t = rnd.choice(["00:00:00.000000", "838:59:59.000000", "-838:59:59.000000", "-00:00:00.000001", "%s%02d:%02d:%02d.%06d" % (
        rnd.choice(["", "-"]), rnd.randint(0, 838), rnd.randint(0, 59), rnd.randint(0, 59), rnd.choice([0, rnd.randint(0, 999999)]))])
    return "838:59:59.000000" if t.startswith("838:59:59.") else "-838:59:59.000000" if t.startswith("-838:59:59.") else t


def temporal_cases():
    cases = []
    for _ in range(60):
        d = some_date()
        date = "DATE'%s'" % d
        for op, sql in (("to_days", "TO_DAYS(%s)"), ("weekday", "WEEKDAY(%s)"), ("dayofweek", "DAYOFWEEK(%s)"), ("dayofyear", "DAYOFYEAR(%s)"),
                        ("last_day", "LAST_DAY(%s)"), ("dayname", "DAYNAME(%s)"), ("monthname", "MONTHNAME(%s)"), ("date_int", "%s+0")):
            cases.append((op, (d,), sql % date))
        mode = rnd.randint(0, 7)
        cases.append(("week", (d, mode), "WEEK(%s, %d)" % (date, mode)))
        cases.append(("yearweek", (d, mode), "YEARWEEK(%s, %d)" % (date, mode)))
        e = some_date()
        cases.append(("datediff", (d, e), "DATEDIFF(%s, DATE'%s')" % (date, e)))
    for _ in range(40):
        n = rnd.choice([0, 1, 365, 366, 367, 719528, 3652424, 3652425, -1, rnd.randint(1, 3652424)])
        cases.append(("from_days", (n,), "FROM_DAYS(%d)" % n))
        y, n = rnd.choice([0, 5, 69, 70, 99, 100, 1999, 2024, 9999, 10000, -1]), rnd.choice([-1, 0, 1, 31, 60, 366, 367, 5000, 3652424])
        cases.append(("makedate", (y, n), "MAKEDATE(%d, %d)" % (y, n)))
        p, n = rnd.choice([200801, 9912, 7001, 6912, 1, 12, 200013, 202412, 0, -5, 999912]), rnd.randint(-30, 30)
        cases.append(("period_add", (p, n), "PERIOD_ADD(%d, %d)" % (p, n)))
        q = rnd.choice([200801, 9912, 7001, 202301])
        cases.append(("period_diff", (p, q), "PERIOD_DIFF(%d, %d)" % (p, q)))
        s = rnd.choice([0, 1, -1, 3599, 86400, 3020399, 3020400, -3020400, rnd.randint(-4000000, 4000000)])
        cases.append(("sec_to_time", (s,), "SEC_TO_TIME(%d)" % s))
        h, m, s = rnd.choice([0, 5, -5, 838, 839, -838, 1000]), rnd.choice([0, 59, 60, -1, 30]), rnd.choice([0, 59, 60, 30])
        cases.append(("maketime", (h, m, s), "MAKETIME(%d, %d, %d)" % (h, m, s)))
    for _ in range(420):
        unit = rnd.choice(UNITS)
        n = rnd.choice([0, 1, -1, 12, 30, 100, 365, rnd.randint(-5000, 5000), rnd.randint(-10 ** 9, 10 ** 9)])
        sub = rnd.randint(0, 1)
        fn = "DATE_SUB" if sub else "DATE_ADD"
        kind = rnd.choice(["date", "datetime", "time"])
        if kind == "date" and unit in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY"):
            d = some_date()
            cases.append(("add_date", (d, unit, n, sub), "%s(DATE'%s', INTERVAL %d %s)" % (fn, d, n, unit)))
        elif kind == "time" and unit in ("HOUR", "MINUTE", "SECOND", "MICROSECOND"):
            t = some_time()
            cases.append(("add_time", (t, unit, n, sub), "%s(TIME'%s', INTERVAL %d %s)" % (fn, t, n, unit)))
        else:
            d = some_datetime()
            cases.append(("add_datetime", (d, unit, n, sub), "CAST(%s(TIMESTAMP'%s', INTERVAL %d %s) AS DATETIME(6))" % (fn, d, n, unit)))
    for _ in range(180):
        unit = rnd.choice(COMPOSITES)
        text = rnd.choice(["1", "1 2", "-1 10:20:30", "1 2:3:4.5", "10:20", "1:2:3:4:5", "1:2:3:4:5:6", "-5", "abc", "", "1.5", "3-4", "1 00:00:00.000001",
                           "99 99:99:99.999999", "- 1:1", " 2 : 3 "])
        d = some_datetime()
        cases.append(("add_composite", (d, unit, hexs(text)), "CAST(DATE_ADD(TIMESTAMP'%s', INTERVAL '%s' %s) AS DATETIME(6))" % (d, text, unit)))
    for _ in range(160):
        unit = rnd.choice(UNITS)
        a, b = some_datetime(), some_datetime()
        if rnd.random() < 0.3:
            b = a[:8] + "%02d" % rnd.randint(1, 28) + a[10:]
        cases.append(("timestampdiff", (unit, a, b), "TIMESTAMPDIFF(%s, TIMESTAMP'%s', TIMESTAMP'%s')" % (unit, a, b)))
        unit = rnd.choice(UNITS + COMPOSITES)
        cases.append(("extract", (unit, a), "EXTRACT(%s FROM TIMESTAMP'%s')" % (unit, a)))
        unit = rnd.choice(UNITS[5:] + COMPOSITES[4:])
        t = some_time()
        cases.append(("extract_time", (unit, t), "EXTRACT(%s FROM TIME'%s')" % (unit, t)))
        cases.append(("time_to_sec", (t,), "TIME_TO_SEC(TIME'%s')" % t))
        cases.append(("timediff", (a, b), "TIMEDIFF(TIMESTAMP'%s', TIMESTAMP'%s')" % (a, b)))
        cases.append(("addtime", (a, t), "CAST(ADDTIME(TIMESTAMP'%s', TIME'%s') AS DATETIME(6))" % (a, t)))
        cases.append(("subtime_time", (some_time() if rnd.random() < 0 else t, "10:00:00.500000"), "SUBTIME(TIME'%s', TIME'10:00:00.500000')" % t))
        n = rnd.randint(0, 6)
        cases.append(("cast_datetime", (a, n), "CAST(TIMESTAMP'%s' AS DATETIME(%d))" % (a, n)))
        cases.append(("cast_time", (t, n), "CAST(TIME'%s' AS TIME(%d))" % (t, n)))
        cases.append(("datetime_int", (a,), "CAST(TRUNCATE(TIMESTAMP'%s'+0, 0) AS SIGNED)" % a))
    texts = ["2024-01-31", "24-1-5", "20240131", "240131", "2024/01/31 10:20", "2024-02-30", "2024-01-31 10:20:30.1234567", "2024-01-31T10:20:30Z", "",
             "abc", "2024-13-01", "0000-00-00", "2024-00-10", "10:11:12", "20240131101112", "2024-01-31 25:00:00", "1-1-1", "70-01-01", "69-01-01",
             "2024-01-31x", " 2024-01-31", "2024.01.31", "2024^01^31 1*2*3", "9999-12-31 23:59:59.9999999", "2024-01-31 10:20:30+02:00", "20240131T101112.5",
             "12", "1234", "99999999", "2024-01-31 10", "2024-1-1 1:1:1"]
    for t in texts:
        cases.append(("parse_datetime", (hexs(t),), "CAST('%s' AS DATETIME(6))" % t))
        cases.append(("parse_date", (hexs(t),), "CAST('%s' AS DATE)" % t))
    times = ["10:11:12", "101112", "1 10:11:12", "-1 10:11:12.5", "10:11", "10", "839:00:00", "-839:00:00", "838:59:59.9", "00:60:00", "abc", "", "1:2:3.1234567",
             "2024-01-31 10:20:30", "34 23:00:00", "35 00:00:00", "12:34:56x", "  5:6:7", "1234567", "-5", "0.5", "10:11:12.9999999"]
    for t in times:
        cases.append(("parse_time", (hexs(t),), "CAST('%s' AS TIME(6))" % t))
    for n in (20240131, 240131, 20240131101112, 240131101112, 0, 101, 991231, 700101, 691231, 99991231, 100, 20241301, 20240230, -5, 99999999999999, 123456789):
        cases.append(("datetime_from_int", (n,), "CAST(%d AS DATETIME)" % n))
        cases.append(("time_from_int", (n,), "CAST(%d AS TIME)" % n))
    formats = ["%Y-%m-%d", "%W %M %e %Y", "%a %b %c %D", "%H:%i:%s.%f", "%h:%i %p", "%r", "%T", "%U %u %V %v %X %x", "%j", "%w", "%y", "%k %l %I", "%%x%q", "%d%", "abc", ""]
    for f in formats:
        for _ in range(5):
            d = some_datetime()
            cases.append(("date_format", (d, hexs(f)), "HEX(DATE_FORMAT(TIMESTAMP'%s', '%s'))" % (d, f)))
        t = some_time()
        cases.append(("time_format", (t, hexs(f)), "HEX(TIME_FORMAT(TIME'%s', '%s'))" % (t, f)))
    parses = [("2024-01-31", "%Y-%m-%d"), ("31.1.24", "%d.%m.%y"), ("January 5, 2020", "%M %e, %Y"), ("Jan 5 2020", "%b %d %Y"), ("10:20:30", "%H:%i:%s"),
              ("10:20:30 PM", "%h:%i:%s %p"), ("10:20:30 PM", "%r"), ("22:20:30", "%T"), ("2024 60", "%Y %j"), ("2024 10 Monday", "%X %V %W"),
              ("2024 10 Mon", "%x %v %a"), ("2024 10 1", "%Y %u %w"), ("12:00:00.5", "%H:%i:%s.%f"), ("2024-01-31 10:20:30.123456", "%Y-%m-%d %H:%i:%s.%f"),
              ("abc", "%Y"), ("2024-13-01", "%Y-%m-%d"), ("2024-02-30", "%Y-%m-%d"), ("20240131", "%Y%m%d"), ("3rd May 2021", "%D %M %Y"), ("  2024 -01-31", "%Y-%m-%d"),
              ("2024-01-31 trailing", "%Y-%m-%d"), ("00/00/2024", "%d/%m/%Y"), ("13:00:00", "%h:%i:%s"), ("1 10", "%d %H"), ("Ja 5 2020", "%M %d %Y"),
              ("Ju 5 2020", "%M %d %Y"), ("abc123..2024", "%@%#%.%Y"), ("2024", "%Y"), ("", "%Y-%m-%d"), ("24", "%Y"), ("2024-1-1 1:2", "%Y-%m-%d %H:%i:%s")]
    for t, f in parses:
        cases.append(("str_to_date", (hexs(t), hexs(f)), "STR_TO_DATE('%s', '%s')" % (t, f)))
    return cases


def main():
    client = sys.argv[1:]
    write(client, "collation", collation_cases())
    write(client, "decimal", decimal_cases())
    write(client, "number", number_cases())
    write(client, "temporal", temporal_cases())


main()
