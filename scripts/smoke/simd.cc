// Smoke test of the prefix: Highway compiles and finds a target.
#include <hwy/highway.h>
#include <hwy/targets.h>

int main() { return hwy::SupportedTargets() != 0 ? 0 : 1; }
