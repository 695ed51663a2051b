#include "generate.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "automl/random.h"

namespace sirocco::bench {

namespace {

using automl::Random;

struct Row {
  std::vector<double> x;
  std::vector<std::string> words;
};

// A table: how rows come about and what is to be predicted.
struct Shape {
  const char* name;
  const char* task;
  size_t rows, numbers;
  std::function<void(Random*, Row*)> fill;  // after x is standard normal
  std::function<std::string(const Row&, Random*)> target;
};

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string ClassOf(double log_odds, Random* random) {
  return random->Uniform() < 1 / (1 + std::exp(-log_odds)) ? "yes" : "no";
}

std::vector<Shape> Shapes() {
  const auto nothing = [](Random*, Row*) {};
  return {
      {"linear_small", "classification", 400, 8, nothing,
       [](const Row& r, Random* g) { return ClassOf(1.5 * r.x[0] - r.x[1] + 0.5 * r.x[2], g); }},
      {"rings", "classification", 900, 4, nothing,
       [](const Row& r, Random* g) {
         return ClassOf(3 * std::cos(2.2 * std::hypot(r.x[0], r.x[1])), g);
       }},
      {"interactions", "classification", 2500, 12, nothing,
       [](const Row& r, Random* g) {
         return ClassOf(2.5 * r.x[0] * r.x[1] + 1.5 * (r.x[2] > 0 ? r.x[3] : -r.x[3]), g);
       }},
      {"wide_sparse", "classification", 800, 80, nothing,
       [](const Row& r, Random* g) {
         return ClassOf(1.2 * (r.x[0] + r.x[10] - r.x[20]) + r.x[30] * r.x[40], g);
       }},
      {"rare", "classification", 4000, 10, nothing,
       [](const Row& r, Random* g) {
         return ClassOf(-4.5 + 1.5 * r.x[0] + 1.5 * r.x[1] * r.x[1], g);
       }},
      {"seven_classes", "classification", 2100, 6, nothing,
       [](const Row& r, Random* g) {
         const double angle = std::atan2(r.x[0] + 0.2 * g->Normal(), r.x[1]) + M_PI;
         return "c" + std::to_string(static_cast<int>(angle / (2 * M_PI) * 6.999));
       }},
      {"categories", "classification", 3000, 4,
       [](Random* g, Row* r) {
         r->words = {"k" + std::to_string(g->Below(60)), "m" + std::to_string(g->Below(5))};
       },
       [](const Row& r, Random* g) {
         const int k = std::stoi(r.words[0].substr(1));
         return ClassOf(1.5 * std::sin(k * 2.399) + (r.words[1] == "m1" ? r.x[0] : -r.x[1]), g);
       }},
      {"holes", "classification", 1500, 10,
       [](Random* g, Row* r) {
         for (double& x : r->x)
           if (g->Uniform() < 0.3) x = NAN;
       },
       [](const Row& r, Random* g) {
         double odds = std::isnan(r.x[3]) ? 1.5 : -0.5;
         for (int i = 0; i < 3; ++i) odds += std::isnan(r.x[i]) ? 0 : 1.2 * r.x[i];
         return ClassOf(odds, g);
       }},
      {"friedman", "regression", 1000, 10,
       [](Random* g, Row* r) {
         for (double& x : r->x) x = g->Uniform();
       },
       [](const Row& r, Random* g) {
         return Number(10 * std::sin(M_PI * r.x[0] * r.x[1]) + 20 * std::pow(r.x[2] - 0.5, 2) +
                       10 * r.x[3] + 5 * r.x[4] + g->Normal());
       }},
      {"plane", "regression", 300, 12, nothing,
       [](const Row& r, Random* g) {
         double sum = 0;
         for (size_t i = 0; i < r.x.size(); ++i) sum += r.x[i] * (i % 3 == 0 ? 2 : 0.3);
         return Number(sum + 1.5 * g->Normal());
       }},
      {"steps", "regression", 3000, 8, nothing,
       [](const Row& r, Random* g) {
         return Number((r.x[0] > 0.5 ? 4 : 0) + (r.x[1] > 0 && r.x[2] < 0.3 ? 3 : 0) +
                       std::floor(2 * r.x[3]) + 0.7 * g->Normal());
       }},
      {"heavy_tails", "regression", 2000, 6, nothing,
       [](const Row& r, Random* g) {
         return Number(std::exp(1 + 0.6 * r.x[0] + 0.4 * r.x[1] * r.x[2] + 0.3 * g->Normal()));
       }},
      {"waves", "regression", 1500, 3, nothing,
       [](const Row& r, Random* g) {
         return Number(std::sin(3 * r.x[0]) + std::cos(2 * r.x[1]) * r.x[2] + 0.2 * g->Normal());
       }},
      {"shops", "regression", 4000, 3,
       [](Random* g, Row* r) {
         r->words = {"shop" + std::to_string(g->Below(120)), "d" + std::to_string(g->Below(7))};
       },
       [](const Row& r, Random* g) {
         const int shop = std::stoi(r.words[0].substr(4));
         return Number(20 + 8 * std::sin(shop * 1.7) + (r.words[1] == "d6" ? 6 : 0) + 2 * r.x[0] +
                       2 * g->Normal());
       }},
  };
}

void WriteSeries(const std::string& folder) {
  std::filesystem::create_directories(folder);
  // Trend, season, noise, and how the level wanders.
  for (int i = 0; i < 24; ++i) {
    Random random(1000 + static_cast<uint64_t>(i));
    const size_t period = i % 4 == 0 ? 1 : i % 4 == 1 ? 4 : i % 4 == 2 ? 7 : 12;
    const size_t n = 60 + static_cast<size_t>(i) * 8;
    std::ofstream file(folder + "/generated" + std::to_string(i) + ".csv");
    file << period << "\n";
    double level = 100, error = 0;
    const double trend = (i % 3 - 1) * 0.4, noise = 1 + i % 5, wander = (i % 6) * 0.4;
    for (size_t t = 0; t < n; ++t) {
      level += trend * (i % 2 == 0 ? 1 : std::pow(0.985, static_cast<double>(t))) +
               wander * random.Normal();
      error = (i % 7 == 3 ? 0.7 : 0.0) * error + noise * random.Normal();
      double season = 0;
      if (period > 1)
        season = (8 + i % 3 * 4) * std::sin(2 * M_PI * static_cast<double>(t % period) /
                                            static_cast<double>(period)) +
                 (t % period == 1 ? 5 : 0);
      double value = level + season + error;
      if (i % 8 == 6) value = level * (1 + season / 60) + error;
      file << Number(value) << "\n";
    }
  }
}

}  // namespace

void GenerateFiles(const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::ofstream list(folder + "/tables-generated.txt");
  uint64_t seed = 1;
  for (const Shape& shape : Shapes()) {
    Random random(seed++);
    std::ofstream file(folder + "/" + shape.name + ".csv");
    list << shape.name << " " << shape.task << "\n";
    for (size_t row = 0; row < shape.rows; ++row) {
      Row values;
      for (size_t i = 0; i < shape.numbers; ++i) values.x.push_back(random.Normal());
      shape.fill(&random, &values);
      if (row == 0) {
        for (size_t i = 0; i < shape.numbers; ++i) file << "x" << i << ",";
        for (size_t i = 0; i < values.words.size(); ++i) file << "w" << i << ",";
        file << "target\n";
      }
      const std::string target = shape.target(values, &random);
      for (const double x : values.x) file << (std::isnan(x) ? "NA" : Number(x)) << ",";
      for (const std::string& word : values.words) file << word << ",";
      file << target << "\n";
    }
  }
  WriteSeries(folder + "/series");
}

void GenerateLarge(const std::string& path, size_t rows, size_t columns, size_t classes) {
  Random random(99);
  std::ofstream file(path);
  for (size_t c = 0; c < columns; ++c) file << "x" << c << ",";
  file << "target\n";
  std::vector<double> x(columns);
  for (size_t row = 0; row < rows; ++row) {
    std::string line;
    for (double& value : x) {
      value = random.Normal();
      line += Number(value) + ",";
    }
    if (classes == 2) {
      line += ClassOf(x[0] + x[1] * x[2] - 0.8 * std::sin(2 * x[3]) + (x[4] > 1 ? 2 : 0), &random);
    } else {
      // Nearest of `classes` centres in the first columns.
      size_t best = 0;
      double least = HUGE_VAL;
      for (size_t k = 0; k < classes; ++k) {
        double distance = 0;
        for (size_t c = 0; c < std::min<size_t>(columns, 8); ++c)
          distance += std::pow(x[c] - 1.5 * std::sin(static_cast<double>(k * 7 + c * 3)), 2);
        if (distance < least) {
          least = distance;
          best = k;
        }
      }
      line += "c" + std::to_string(best);
    }
    file << line << "\n";
  }
}

}  // namespace sirocco::bench
