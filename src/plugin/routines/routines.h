// The functions behind the routines in schema sys. RegisterRoutines makes them callable
// (user-defined functions named rapid_ml and rapid_ml_row); a thread then sees to it that the
// routines of sql/ml/routines.sql exist in sys in this version, as soon as the server accepts
// sessions.
#pragma once

namespace sirocco::plugin {

// False: the server does not take the functions.
bool RegisterRoutines();
// False: one is in use.
bool UnregisterRoutines();
// The thread that installs the routines in sys.
void StartRoutineInstaller(void* plugin);
void StopRoutineInstaller();
// Whether the routines are in sys.
bool RoutinesInstalled();

}  // namespace sirocco::plugin
