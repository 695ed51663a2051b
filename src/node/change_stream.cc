#include "node/change_stream.h"

namespace sirocco::node {

void ChangeStream::Forget() {
  waiting_.clear();
  lost_.clear();
  (void)reservation_.ResizeTo(0);
}

Result<std::string> ChangeStream::Receive(std::string_view payload) {
  Result<wire::ChangeBatch> decoded = wire::DecodeChangeBatch(payload);
  if (!decoded) {
    Forget();
    return std::unexpected(decoded.error());
  }
  const bool last = decoded->last;
  const wire::Position position = decoded->end_position;
  waiting_.push_back(std::move(*decoded));
  if (!last && !reservation_.ResizeTo(reservation_.bytes() + payload.size())) {
    // The transaction is too big for the node: its tables are loaded anew, the others go on.
    for (wire::ChangeBatch& batch : waiting_)
      for (const wire::ChangeSection& section : batch.sections) lost_.insert(section.table);
    waiting_.clear();
    (void)reservation_.ResizeTo(0);
  }
  wire::Applied applied;
  applied.position = position;
  if (last) {
    applied = catalogue_->ApplyChanges(position, waiting_, lost_);
    Forget();
  }
  return wire::EncodeApplied(applied);
}

}  // namespace sirocco::node
