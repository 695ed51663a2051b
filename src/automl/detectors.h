// Detectors of rows that are unlike the others, on dense features (preparation.h). Each learns from
// training rows and gives a number that grows with strangeness; the numbers of different detectors
// are made comparable by where they lie among those of training rows.
// Threads: const methods from any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "automl/matrix.h"
#include "common/bytes.h"
#include "common/error.h"

namespace sirocco::automl {

enum class DetectorKind : uint8_t {
  kNeighbours = 1,  // mean distance to the nearest rows of a sample (GkNN)
  kLocal,           // density around a row against that around its neighbours (GLOF)
  kComponents,      // distance from the centre and from the main plane (PCA)
  kIsolation,       // how few random cuts part a row from the rest
  kTails,           // how far out each single feature is
};
inline constexpr DetectorKind kFirstDetector = DetectorKind::kNeighbours;
inline constexpr DetectorKind kLastDetector = DetectorKind::kTails;

class Detector {
 public:
  virtual ~Detector() = default;
  virtual DetectorKind kind() const = 0;
  // Scores of the rows. `skip`: of each row its number in the training sample, so that it is not
  // its own neighbour, or -1; empty: all new rows.
  virtual std::vector<double> Score(const Matrix& rows, const std::vector<int64_t>& skip) const = 0;
  virtual void Save(ByteWriter* out) const = 0;
};

// `sample`: training rows.
std::unique_ptr<Detector> LearnDetector(DetectorKind kind, const Matrix& sample, uint32_t seed);
Result<std::unique_ptr<Detector>> LoadDetector(DetectorKind kind, ByteReader* in, size_t width);

}  // namespace sirocco::automl
