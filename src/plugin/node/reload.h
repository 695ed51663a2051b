// Brings tables back that were lost with the node, or are not known yet after a restart of the
// server, or are stale: a thread that runs ALTER TABLE ... SECONDARY_LOAD for every table the
// dictionary says is loaded and that cannot be queried. Data that is there already is used again
// (changes/adoption.h).
// Threads: StartReloader and StopReloader from plugin init and deinit; the others from any thread.
#pragma once

class THD;

namespace sirocco::plugin {

void StartReloader(void* plugin);
// Ends a reload that is running and joins the thread. Idempotent.
void StopReloader();
// Asks for a look at the dictionary, soon.
void RequestReload();
// True if `thd` is the reloader's session: its loads change neither dictionary nor binlog.
bool IsReloadSession(const THD* thd);

}  // namespace sirocco::plugin
