#include "wire/auth.h"

#include <gtest/gtest.h>

namespace sirocco::wire {
namespace {

TEST(AuthTest, ProofDependsOnEverything) {
  const std::string proof = Proof("secret", "client", "n1", "n2");
  EXPECT_EQ(proof.size(), 32u);
  EXPECT_TRUE(SameProof(proof, Proof("secret", "client", "n1", "n2")));
  EXPECT_FALSE(SameProof(proof, Proof("other", "client", "n1", "n2")));
  EXPECT_FALSE(SameProof(proof, Proof("secret", "node", "n1", "n2")));
  EXPECT_FALSE(SameProof(proof, Proof("secret", "client", "n3", "n2")));
  EXPECT_FALSE(SameProof(proof, Proof("secret", "client", "n1", "n3")));
  EXPECT_FALSE(SameProof(proof, proof.substr(1)));
}

TEST(AuthTest, RandomBytesDiffer) { EXPECT_NE(RandomBytes(32), RandomBytes(32)); }

}  // namespace
}  // namespace sirocco::wire
