// Proof of a shared secret by challenge and response: HMAC-SHA-256 over a role, both nonces. The
// secret itself never travels.
#pragma once

#include <string>
#include <string_view>

namespace sirocco::wire {

inline constexpr size_t kNonceBytes = 32;

// Fresh random bytes from the operating system.
std::string RandomBytes(size_t count);
// `role` is "client" or "node", so that one side's proof cannot be played back as the other's.
std::string Proof(std::string_view secret, std::string_view role, std::string_view node_nonce,
                  std::string_view client_nonce);
// Constant time for equal lengths.
bool SameProof(std::string_view a, std::string_view b);

}  // namespace sirocco::wire
