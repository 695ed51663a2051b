"""The anchor of quality: 30 random trials over boosted trees, forests and linear models, 5-fold cross-validation,
the best four weighted greedily; and forests and boosted trees by default. Arguments: folder, then names of tables."""
import csv, json, multiprocessing, os, sys, time, warnings
multiprocessing.set_executable(os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer_python.sh"))
import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score, mean_squared_error
from sklearn.model_selection import StratifiedKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings("ignore")

def is_test(row):
    return (((row * 2654435761) & 0xFFFFFFFF) >> 16 & 1023) < 307

def read(path):
    with open(path) as file:
        rows = list(csv.reader(file))
    names, rows = rows[0], [r for r in rows[1:] if len(r) == len(rows[0])]
    test = np.array([is_test(i) for i in range(len(rows))])
    columns = []
    for c in range(len(names) - 1):
        values = [r[c] for r in rows]
        try:
            columns.append(np.array([np.nan if v == "NA" else float(v) for v in values]))
        except ValueError:
            train = [v for v, t in zip(values, test) if not t and v != "NA"]
            levels = sorted(set(train), key=lambda v: (-train.count(v), v))
            if len(levels) <= 32:
                for level in levels:
                    columns.append(np.array([1.0 if v == level else 0.0 for v in values]))
            else:
                codes = {level: i for i, level in enumerate(levels)}
                columns.append(np.array([float(codes.get(v, -1)) for v in values]))
    return np.column_stack(columns), np.array([r[-1] for r in rows]), test

def fill(x):
    return np.where(np.isnan(x), np.nanmedian(np.where(np.isnan(x).all(0), 0, x), 0), x)

def candidate(random, classify):
    kind = random.choice(["boosted", "boosted", "forest", "linear"])
    if kind == "boosted":
        settings = dict(learning_rate=float(10 ** random.uniform(-2, -0.5)), max_iter=int(random.choice([50, 100, 200, 400])),
                        max_leaf_nodes=int(random.choice([4, 8, 16, 31, 63])), min_samples_leaf=int(random.choice([2, 5, 10, 20])),
                        l2_regularization=float(10 ** random.uniform(-3, 1)))
        return (HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor)(random_state=0, **settings)
    if kind == "forest":
        settings = dict(n_estimators=200, max_features=random.choice(["sqrt", 0.3, 0.6, 1.0]), min_samples_leaf=int(random.choice([1, 2, 5, 10])))
        return (RandomForestClassifier if classify else RandomForestRegressor)(random_state=0, **settings)
    if classify:
        return make_pipeline(StandardScaler(), LogisticRegression(C=float(10 ** random.uniform(-3, 2)), max_iter=500))
    return make_pipeline(StandardScaler(), Ridge(alpha=float(10 ** random.uniform(-2, 3))))

def output(model, x, classes):
    if classes is None:
        return model.predict(x)
    p = np.zeros((len(x), len(classes)))
    p[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(x)
    return np.clip(p, 1e-6, 1) / np.clip(p, 1e-6, 1).sum(1, keepdims=True)

def loss(y, p, classes):
    return mean_squared_error(y, p) if classes is None else log_loss(y, p, labels=classes)

def run(path, task, trials):
    x, y, test = read(path)
    classify = task == "classification"
    if not classify:
        y = y.astype(float)
    x, (xt, yt), (xs, ys) = fill(x), (fill(x)[~test], y[~test]), (fill(x)[test], y[test])
    classes = np.unique(yt) if classify else None
    random = np.random.RandomState(1)
    started = time.time()
    folds = list((StratifiedKFold if classify else KFold)(5, shuffle=True, random_state=0).split(xt, yt))
    tried = []
    for _ in range(trials):
        model = candidate(random, classify)
        inside = np.zeros((len(xt), len(classes))) if classify else np.zeros(len(xt))
        for train, held in folds:
            model.fit(xt[train], yt[train])
            inside[held] = output(model, xt[held], classes)
        tried.append((loss(yt, inside, classes), len(tried), model, inside))
    tried = sorted(tried, key=lambda t: t[:2])[:4]
    counts, mixed, best = [0] * len(tried), None, 1e300
    for step in range(12):
        options = [(loss(yt, t[3] if mixed is None else (mixed * step + t[3]) / (step + 1), classes), i) for i, t in enumerate(tried)]
        value, i = min(options)
        if value >= best:
            break
        best, counts[i] = value, counts[i] + 1
        mixed = tried[i][3] if mixed is None else (mixed * step + tried[i][3]) / (step + 1)
    result = sum(c * output(t[2].fit(xt, yt), xs, classes) for c, t in zip(counts, tried) if c) / sum(counts)
    score = (lambda p: -log_loss(ys, p, labels=classes)) if classify else (lambda p: r2_score(ys, p))
    answer = {"search": score(result), "search_seconds": time.time() - started}
    for name, model in (("forest", (RandomForestClassifier if classify else RandomForestRegressor)(random_state=0)),
                        ("boosted", (HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor)(random_state=0))):
        answer[name] = score(output(model.fit(xt, yt), xs, classes))
    return answer

folder, names, results = sys.argv[1], sys.argv[2:], {}
for listing in sorted(f for f in os.listdir(folder) if f.startswith("tables-")):
    for line in open(os.path.join(folder, listing)):
        name, task = line.split()
        if names and name not in names:
            continue
        try:
            results[name] = run(os.path.join(folder, name + ".csv"), task, int(os.environ.get("TRIALS", "30")))
        except Exception as error:
            results[name] = {"error": str(error)}
        print(name, results[name], file=sys.stderr, flush=True)
print(json.dumps(results, indent=1))
