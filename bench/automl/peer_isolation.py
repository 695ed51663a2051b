"""scikit-learn's isolation forest on the anomaly tables that automl-bench wrote. Argument: folder."""
import json, os, sys
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
folder, results = sys.argv[1], {}
for file in sorted(f for f in os.listdir(folder) if f.startswith("anomaly")):
    data = np.loadtxt(os.path.join(folder, file), delimiter=",")
    x, y = data[:, :-1], data[:, -1]
    results[file[:-4]] = float(np.mean([roc_auc_score(y, -IsolationForest(random_state=s).fit(x).score_samples(x)) for s in range(3)]))
print(json.dumps(results, indent=1))
