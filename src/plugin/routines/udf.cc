// The two user-defined functions, and the way from their arguments to the operations.
#include <cstring>
#include <memory>
#include <optional>

#include "m_string.h"
#include "mysql/components/my_service.h"
#include "mysql/components/services/registry.h"
#include "mysql/components/services/udf_metadata.h"
#include "mysql/components/services/udf_registration.h"
#include "mysql/plugin.h"
#include "mysql/service_plugin_registry.h"
#include "mysql/udf_registration_types.h"
#include "mysqld_error.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/operations.h"
#include "plugin/routines/routines.h"
#include "plugin/routines/row_calls.h"
#include "plugin/statement.h"
#include "sql/current_thd.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

constexpr char kOperationFunction[] = "rapid_ml";
constexpr char kRowFunction[] = "rapid_ml_row";
constexpr char kCharset[] = "utf8mb4";
constexpr unsigned long kMaxResultBytes = 1ul << 30;

// Of one use of a function in a statement.
struct CallState {
  std::string result;
  RowCalls rows;
};

SERVICE_TYPE(registry) * services = nullptr;
SERVICE_TYPE(mysql_udf_metadata) * metadata = nullptr;
my_h_service metadata_handle = nullptr;

bool InitCall(UDF_INIT* init, UDF_ARGS* arguments, char* message) {
  for (unsigned i = 0; i < arguments->arg_count; ++i) {
    arguments->arg_type[i] = STRING_RESULT;
    if (metadata->argument_set(arguments, "charset", i, const_cast<char*>(kCharset))) {
      std::strcpy(message, "the server has no character set utf8mb4");
      return true;
    }
  }
  if (metadata->result_set(init, "charset", const_cast<char*>(kCharset))) {
    std::strcpy(message, "the server has no character set utf8mb4");
    return true;
  }
  init->maybe_null = true;
  init->max_length = kMaxResultBytes;
  init->const_item = false;
  init->ptr = reinterpret_cast<char*>(new CallState);
  return false;
}

void EndCall(UDF_INIT* init) { delete reinterpret_cast<CallState*>(init->ptr); }

Argument ArgumentAt(const UDF_ARGS* arguments, unsigned i) {
  if (i >= arguments->arg_count || arguments->args[i] == nullptr) return std::nullopt;
  return std::string_view(arguments->args[i], arguments->lengths[i]);
}

char* Return(CallState* state, Result<std::optional<std::string>> result, unsigned long* length,
             unsigned char* is_null, unsigned char* error) {
  if (!result) {
    if (!current_thd->is_error()) RaiseError(result.error(), ER_SECONDARY_ENGINE_PLUGIN);
    *error = 1;
    *is_null = 1;
    return nullptr;
  }
  if (!*result) {
    *is_null = 1;
    return nullptr;
  }
  state->result = std::move(**result);
  *length = state->result.size();
  return state->result.data();
}

char* RunOperationCall(UDF_INIT* init, UDF_ARGS* arguments, char*, unsigned long* length,
                       unsigned char* is_null, unsigned char* error) {
  auto* state = reinterpret_cast<CallState*>(init->ptr);
  std::vector<Argument> values;
  for (unsigned i = 1; i < arguments->arg_count; ++i) values.push_back(ArgumentAt(arguments, i));
  return Return(state, RunOperation(current_thd, ArgumentAt(arguments, 0).value_or(""), values),
                length, is_null, error);
}

char* RunRowCall(UDF_INIT* init, UDF_ARGS* arguments, char*, unsigned long* length,
                 unsigned char* is_null, unsigned char* error) {
  auto* state = reinterpret_cast<CallState*>(init->ptr);
  return Return(
      state,
      state->rows.Run(current_thd, ArgumentAt(arguments, 0).value_or(""), ArgumentAt(arguments, 1),
                      ArgumentAt(arguments, 2), ArgumentAt(arguments, 3)),
      length, is_null, error);
}

template <typename Use>
bool WithRegistration(Use use) {
  my_service<SERVICE_TYPE(udf_registration)> registration("udf_registration", services);
  return registration.is_valid() && use(registration);
}

}  // namespace

bool RegisterRoutines() {
  services = mysql_plugin_registry_acquire();
  if (services == nullptr) return false;
  if (services->acquire("mysql_udf_metadata", &metadata_handle)) return false;
  metadata = reinterpret_cast<SERVICE_TYPE(mysql_udf_metadata)*>(metadata_handle);
  return WithRegistration([](auto& registration) {
    return !registration->udf_register(kOperationFunction, STRING_RESULT,
                                       reinterpret_cast<Udf_func_any>(RunOperationCall), InitCall,
                                       EndCall) &&
           !registration->udf_register(kRowFunction, STRING_RESULT,
                                       reinterpret_cast<Udf_func_any>(RunRowCall), InitCall,
                                       EndCall);
  });
}

bool UnregisterRoutines() {
  if (services == nullptr) return true;
  const bool done = WithRegistration([](auto& registration) {
    int was_present = 0;
    // A function that is not there (any more) is as good as unregistered.
    const bool first =
        !registration->udf_unregister(kOperationFunction, &was_present) || was_present == 0;
    const bool second =
        !registration->udf_unregister(kRowFunction, &was_present) || was_present == 0;
    return first && second;
  });
  if (!done) return false;
  if (metadata_handle != nullptr) services->release(metadata_handle);
  mysql_plugin_registry_release(services);
  services = nullptr;
  metadata_handle = nullptr;
  return true;
}

}  // namespace sirocco::plugin
