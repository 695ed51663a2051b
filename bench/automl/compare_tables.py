"""Mean of (score - constant) / (search - constant) over tables. Arguments: ours (JSON), the search's (JSON or its log)."""
import ast, json, sys
ours = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
if text.lstrip().startswith("{"):
    peers = json.loads(text)
else:
    peers = {line.split(" ", 1)[0]: ast.literal_eval(line.split(" ", 1)[1]) for line in text.splitlines() if " {" in line}
rows = {}
for name in sorted(set(ours) & set(peers)):
    if "error" in ours[name] or "error" in peers[name]:
        continue
    constant = ours[name]["constant"]
    gain = peers[name]["search"] - constant
    if gain < 0.02:
        continue  # hardly anything to learn: the ratio says nothing
    rows[name] = {who: round((score - constant) / gain, 4) for who, score in
                  (("ours", ours[name]["score"]), ("forest", peers[name]["forest"]), ("boosted", peers[name]["boosted"]))}
means = {who: round(sum(r[who] for r in rows.values()) / max(1, len(rows)), 4) for who in ("ours", "forest", "boosted")}
print(json.dumps({"tables": rows, "mean": means}, indent=1))
