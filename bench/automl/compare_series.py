"""Geometric means of sMAPE and MASE relative to auto.arima. Arguments: ours (JSON), R's (JSON)."""
import json, math, sys
def load(path):
    text = open(path).read()
    return json.loads(text[text.index("{"):])
ours, peers = load(sys.argv[1]), load(sys.argv[2])
def mean(ratios):
    return math.exp(sum(math.log(max(r, 1e-6)) for r in ratios) / len(ratios)) if ratios else None
result = {}
for group, names in (("all", sorted(set(ours) & set(peers))), ("real", [n for n in sorted(set(ours) & set(peers)) if not n.startswith("generated")])):
    for metric in ("smape", "mase"):
        for who in ("ours", "ets", "theta", "snaive"):
            ratios = []
            for name in names:
                own = ours[name] if who == "ours" else peers[name][who]
                if own:
                    ratios.append(own[metric] / peers[name]["arima"][metric])
            result[f"{group} {metric} {who}"] = round(mean(ratios), 4)
result["series"] = len(set(ours) & set(peers))
result["slowest_ours_seconds"] = max(o["seconds"] for o in ours.values())
result["slowest_arima_seconds"] = max(p["arima_seconds"] for p in peers.values())
print(json.dumps(result, indent=1))
