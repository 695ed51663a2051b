// sirocco-test-store: the test store as a program, for curl and other clients. Keys: `test` /
// `secret` unless given. usage: sirocco-test-store PORT [ACCESS_KEY SECRET_KEY] ; ends with its
// standard input.
#include <cstdio>
#include <cstdlib>

#include "test_store.h"

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: %s PORT [ACCESS_KEY SECRET_KEY]\n", argv[0]);
    return 2;
  }
  sirocco::test::TestStore store(argc == 4 ? argv[2] : "test", argc == 4 ? argv[3] : "secret");
  if (!store.Start(static_cast<uint16_t>(std::atoi(argv[1])))) {
    std::fprintf(stderr, "cannot listen on port %s\n", argv[1]);
    return 1;
  }
  store.Generate("big", "part-", 100000, 1000000000);
  std::printf("%u\n", store.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
